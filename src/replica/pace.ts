/**
 * When this party may take part in the next round: at once while little waits to be ordered, else not before some time has passed
 * since it took part in the last one. So a payload alone is ordered as fast as agreement goes, and under load each round orders
 * much, for the price of one. It only ever delays this party, never for longer than the interval: no property of the protocol
 * depends on it.
 */

/** So much is little. */
const LITTLE_BYTES = 64 * 1024;

/** How somebody waits. */
export interface Timing {
  /** A clock that never goes back. */
  readonly nowMs: () => number;
  /** Calls `action` once that much later. */
  readonly later: (delayMs: number, action: () => void) => void;
  /** The wait may be over. */
  readonly onTurn: () => void;
}

/** `onTurn`: a round's turn may have come. */
export interface PaceOptions extends Timing {
  /** Under load, from the beginning of a round to that of the next. */
  readonly intervalMs: number;
}

export class Pace {
  readonly #options: PaceOptions;
  /** The last round that was let begin, and when. */
  #round = 0;
  #begunMs = -Infinity;
  /** What came since then. */
  #sizeBytes = 0;
  #isWaiting = false;

  constructor(options: PaceOptions) {
    this.#options = options;
  }

  /** Payloads came, of clients or in batches of peers. */
  took(sizeBytes: number): void {
    this.#sizeBytes += sizeBytes;
  }

  /** Whether `round`, the one under way, of which this party has work, is let begin now; once. Else `onTurn` comes in time. */
  begins(round: number): boolean {
    if (round <= this.#round) return false;
    const { intervalMs, nowMs } = this.#options;
    const now = nowMs();
    const isDue = this.#sizeBytes <= LITTLE_BYTES || now - this.#begunMs >= intervalMs;
    if (!isDue) this.#wait(intervalMs - (now - this.#begunMs));
    else {
      this.#round = round;
      this.#begunMs = now;
      this.#sizeBytes = 0;
    }
    return isDue;
  }

  #wait(delayMs: number): void {
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#options.later(Math.ceil(delayMs), () => {
      this.#isWaiting = false;
      this.#options.onTurn();
    });
  }
}
