/**
 * What one party has heard of one line of one peer in one run of it: each item once, in the order in which it was said, whichever way it came.
 */
import type { Item } from "../wire/peer-frames.js";

/** Items of one peer that came before their turn. More are forgotten: the peer repeats them. */
export const MAX_HELD_ITEMS = 64;
/** Their bytes; a single larger item is kept. */
export const MAX_HELD_BYTES = 1024 * 1024;

interface HeldItem {
  readonly item: Item;
  readonly sizeBytes: number;
}

export class Hearing {
  #upTo = 0;
  #durable = 0;
  /** By number. */
  readonly #held = new Map<number, HeldItem>();
  #heldBytes = 0;

  /** All items up to this number were heard or are not needed. */
  get upTo(): number {
    return this.#upTo;
  }

  /** As `upTo`, of what others may know. */
  get durable(): number {
    return this.#durable;
  }

  /** What was heard so far is durable, or was dropped for good. */
  settle(): void {
    this.#durable = this.#upTo;
  }

  /** The items whose turn it is now, in order. */
  hear(item: Item, sizeBytes: number): readonly Item[] {
    if (item.number <= this.#upTo) return [];
    if (item.after > this.#upTo) {
      this.#hold(item, sizeBytes);
      return [];
    }
    const due: Item[] = [];
    for (let next: Item | undefined = item; next !== undefined; next = this.#nextHeld()) {
      this.#upTo = next.number;
      due.push(next);
    }
    return due;
  }

  #hold(item: Item, sizeBytes: number): void {
    const earlier = this.#held.get(item.number);
    if (earlier !== undefined) {
      // A repetition: what it had to come after may have become needless meanwhile. Nothing else of it is new.
      if (item.after >= earlier.item.after) return;
      this.#held.set(item.number, { ...earlier, item: { ...earlier.item, after: item.after } });
      return;
    }
    const isFull = this.#held.size >= MAX_HELD_ITEMS || this.#heldBytes + sizeBytes > MAX_HELD_BYTES;
    if (isFull && this.#held.size > 0) return;
    this.#held.set(item.number, { item, sizeBytes });
    this.#heldBytes += sizeBytes;
  }

  /** Taken out of those held. */
  #nextHeld(): Item | undefined {
    let next: Item | undefined;
    for (const [number, { item, sizeBytes }] of this.#held) {
      if (number <= this.#upTo) {
        this.#held.delete(number);
        this.#heldBytes -= sizeBytes;
      } else if (item.after <= this.#upTo && number < (next?.number ?? Infinity)) {
        next = item;
      }
    }
    return next;
  }
}
