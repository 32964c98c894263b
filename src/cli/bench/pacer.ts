/** When payloads are to be sent, and which go together. Times are the caller's; nothing here reads a clock. */

/** Payloads that go into one request. The i-th of them should have been sent at `intendedMs + i * stepMs`. */
export interface Batch {
  readonly intendedMs: number;
  readonly stepMs: number;
  readonly count: number;
}

export interface Pacer {
  /** What is to be sent now, at most `max` payloads; undefined: nothing yet. */
  take(nowMs: number, max: number): Batch | undefined;
  /** When there is something to send. */
  nextMs(max: number): number;
}

/**
 * Payloads at a steady rate, whatever becomes of them: who is late sends what is due all the same, and each counts from when it
 * should have been sent. A payload waits for others that go with it as long as `lingerMs` says at the time, and not at all for who
 * comes later.
 */
export class OpenLoop implements Pacer {
  readonly #startMs: number;
  readonly #stepMs: number;
  readonly #lingerMs: () => number;
  /** So many were taken. */
  #taken = 0;

  constructor(startMs: number, ratePerSecond: number, lingerMs: () => number) {
    this.#startMs = startMs;
    this.#stepMs = 1000 / ratePerSecond;
    this.#lingerMs = lingerMs;
  }

  #intendedMs(index: number): number {
    return this.#startMs + index * this.#stepMs;
  }

  take(nowMs: number, max: number): Batch | undefined {
    const due = nowMs < this.#startMs ? 0 : Math.floor((nowMs - this.#startMs) / this.#stepMs) + 1;
    const count = Math.min(due - this.#taken, max);
    if (count <= 0 || (count < max && nowMs < this.#sealedMs(max))) return undefined;
    const batch = { intendedMs: this.#intendedMs(this.#taken), stepMs: this.#stepMs, count };
    this.#taken += count;
    return batch;
  }

  /** When the last of those is due that the oldest waits for. */
  #sealedMs(max: number): number {
    const company = Math.min(Math.floor(this.#lingerMs() / this.#stepMs), max - 1);
    return this.#intendedMs(this.#taken + company);
  }

  nextMs(max: number): number {
    return this.#sealedMs(max);
  }
}

/** As many as find room: for who wants to know how much goes through. Each counts from when it is sent. */
export class Saturating implements Pacer {
  take(nowMs: number, max: number): Batch {
    return { intendedMs: nowMs, stepMs: 0, count: max };
  }

  nextMs(): number {
    return -Infinity;
  }
}
