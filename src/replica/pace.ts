/**
 * When this party may take part in the next round: at once while little waits to be ordered, else not before some time has passed
 * since it took part in the last one, the longer the more waits. So a payload alone is ordered as fast as agreement goes, and under load
 * each round orders much, for the price of one. It only ever delays this party, never for longer than the interval: no property of the protocol
 * depends on it.
 */

/** So much is little. */
const LITTLE_BYTES = 64 * 1024;

/** So much is worth the whole interval, and LEAST_PART of it what is little more than little. */
const MUCH_BYTES = 2 * 1024 * 1024;
const LEAST_PART = 1 / 3;

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
  /** When much waits, from the beginning of a round to that of the next. */
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
    const now = this.#options.nowMs();
    const leftMs = this.#begunMs + this.#intervalMs - now;
    if (leftMs > 0) {
      this.#wait(leftMs);
      return false;
    }
    this.#round = round;
    this.#begunMs = now;
    this.#sizeBytes = 0;
    return true;
  }

  /** For what has come since the last round began. */
  get #intervalMs(): number {
    if (this.#sizeBytes <= LITTLE_BYTES) return 0;
    const part = LEAST_PART + (1 - LEAST_PART) * Math.min(1, this.#sizeBytes / MUCH_BYTES);
    return part * this.#options.intervalMs;
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
