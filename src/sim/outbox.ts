/**
 * What one simulated party has said to one peer in live instances: the memory of a reliable link, without the acknowledgements
 * of src/relay, so that every broken connection repeats all of it. Messages leave it when the
 * protocol retires their instances, not when the peer has taken them, so that a peer that lost or dropped something
 * can have it again; a slow or dead peer costs what live instances say, and never more.
 */
import type { Envelope } from "../core/envelope.js";
import { type Tag, isWithin } from "../core/tag.js";

export interface OutboxEntry {
  /** Counts from 1 in the order of sending. */
  readonly number: number;
  readonly envelope: Envelope;
}

export class Outbox {
  #entries: OutboxEntry[] = [];
  #next = 1;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The number of the last message pushed, live or not; 0 before the first. */
  get lastNumber(): number {
    return this.#next - 1;
  }

  /** All live messages, in the order of sending. */
  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  push(envelope: Envelope): OutboxEntry {
    const entry = { number: this.#next++, envelope };
    this.#entries.push(entry);
    this.#sizeBytes += envelope.body.length;
    return entry;
  }

  retire(tag: Tag): void {
    this.#entries = this.#entries.filter(({ envelope }) => !isWithin(envelope.tag, tag));
    this.#sizeBytes = this.#entries.reduce((sum, { envelope }) => sum + envelope.body.length, 0);
  }

  /** The first live message above `number`, in O(log) time. */
  firstAfter(number: number): OutboxEntry | undefined {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.number ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return this.#entries[low];
  }
}
