/**
 * When what a peer does not acknowledge goes over third parties, and how much of it at once. Time is the host's ticks: it decides
 * when something is said again, and nothing else.
 *
 * A peer that goes on acknowledging on the direct link is trusted to. After PATIENCE_TICKS without progress all that is not
 * acknowledged is relayed, in order, WINDOW_ITEMS at a time at most. What stays unacknowledged is repeated from its beginning, one
 * item and twice the time each time: a dead peer costs little, and one that answers has the full window soon.
 */
import type { Outbox, OutboxEntry } from "./outbox.js";

export const PATIENCE_TICKS = 16;
/** The first repetition. */
export const REPEAT_TICKS = 4;
export const MAX_REPEAT_TICKS = 128;
export const FIRST_WINDOW_ITEMS = 8;
export const WINDOW_ITEMS = 64;
/** A single larger item is let through. */
export const WINDOW_BYTES = 1024 * 1024;

export class Pacing {
  readonly #outbox: Outbox;
  #isRelaying = false;
  /** Ticks since the last progress. */
  #ticks = 0;
  #waitTicks = PATIENCE_TICKS;
  #windowItems = FIRST_WINDOW_ITEMS;
  /** The last item relayed. */
  #cursor = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  get isRelaying(): boolean {
    return this.#isRelaying;
  }

  tick(): void {
    if (this.#outbox.firstAfter(this.#outbox.acknowledged) === undefined) {
      this.#ticks = 0;
      return;
    }
    if (++this.#ticks < this.#waitTicks) return;
    this.#ticks = 0;
    this.#cursor = this.#outbox.acknowledged;
    this.#waitTicks = this.#isRelaying ? Math.min(2 * this.#waitTicks, MAX_REPEAT_TICKS) : REPEAT_TICKS;
    this.#windowItems = this.#isRelaying ? 1 : FIRST_WINDOW_ITEMS;
    this.#isRelaying = true;
  }

  /** The peer has acknowledged what it had not before; or on the direct link, that there is nothing left. */
  progressed(way: "direct" | "relay"): void {
    this.#ticks = 0;
    if (way === "direct") {
      this.#isRelaying = false;
      this.#waitTicks = PATIENCE_TICKS;
    } else if (this.#isRelaying) {
      this.#waitTicks = REPEAT_TICKS;
      this.#windowItems = Math.min(2 * this.#windowItems, WINDOW_ITEMS);
    }
  }

  /** The next item to relay now, if there is one. */
  next(): OutboxEntry | undefined {
    if (!this.#isRelaying) return undefined;
    const { acknowledged } = this.#outbox;
    this.#cursor = Math.max(this.#cursor, acknowledged);
    const entry = this.#outbox.firstAfter(this.#cursor);
    if (entry === undefined) return undefined;
    const flying = this.#outbox.between(acknowledged, this.#cursor);
    const flyingBytes = flying.reduce((sum, { sizeBytes }) => sum + sizeBytes, entry.sizeBytes);
    if (flying.length >= this.#windowItems || (flying.length > 0 && flyingBytes > WINDOW_BYTES)) return undefined;
    this.#cursor = entry.number;
    return entry;
  }
}
