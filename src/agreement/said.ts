/** What one party has said to one peer and not retired: the memory of a reliable link. */
import type { Envelope } from "../core/envelope.js";
import { type Tag, isWithin } from "../core/tag.js";

export interface Said {
  /** Counts from 1 in the order of saying. */
  readonly number: number;
  readonly envelope: Envelope;
}

export class SaidMessages {
  #messages: Said[] = [];
  #last = 0;

  /** The number of the last message, retired or not; 0 before the first. */
  get last(): number {
    return this.#last;
  }

  get live(): readonly Said[] {
    return this.#messages;
  }

  push(envelope: Envelope): void {
    this.#messages.push({ number: ++this.#last, envelope });
  }

  retire(tag: Tag): void {
    this.#messages = this.#messages.filter(({ envelope }) => !isWithin(envelope.tag, tag));
  }

  /** The first live message above `number`, in O(log) time. */
  firstAfter(number: number): Said | undefined {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#messages[middle]?.number ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return this.#messages[low];
  }
}
