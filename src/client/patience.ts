/**
 * How long a client waits for the few that it has asked before it asks more. Under load everything takes longer, and to ask more
 * then adds to the load: so patience grows with how long calls take of late. What a call took is counted from when more were asked, if
 * they were: one that keeps a request to itself makes nobody more patient. The price: where all calls take as long, patience comes to
 * four fifths of that, and more are asked late, not never.
 */

/** So many times as long as calls take of late. */
const FACTOR = 4;
/** The weight of the latest call. */
const LATEST = 1 / 16;

export class Patience {
  #meanMs = 0;

  /** At least `leastMs`; `mostMs` at most, where that is more. */
  after(leastMs: number, mostMs = Infinity): number {
    return Math.max(leastMs, Math.min(FACTOR * this.#meanMs, mostMs));
  }

  /** A call took so long, since it began or since more were asked. */
  learn(tookMs: number): void {
    this.#meanMs += LATEST * (tookMs - this.#meanMs);
  }
}
