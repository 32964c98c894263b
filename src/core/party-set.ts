/** Parties and sets of parties. Every threshold of every protocol is a predicate on such a set. */
import { type Codec, EncodeError } from "./codec.js";

/** A party's index, 0..n-1. */
export type PartyId = number;

/** The largest group; a set is at most 32 bytes on the wire. */
export const MAX_PARTIES = 256;

/** A mutable set of parties, kept as a bitmap. */
export class PartySet {
  readonly #words: number[] = [];
  #size = 0;

  static of(parties: Iterable<PartyId>): PartySet {
    const set = new PartySet();
    for (const party of parties) set.add(party);
    return set;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether `party` was new. */
  add(party: PartyId): boolean {
    if (!Number.isInteger(party) || party < 0 || party >= MAX_PARTIES) throw new RangeError(`party ${party}`);
    if (this.has(party)) return false;
    const word = party >>> 5;
    while (this.#words.length <= word) this.#words.push(0);
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (party & 31));
    this.#size++;
    return true;
  }

  has(party: PartyId): boolean {
    return (((this.#words[party >>> 5] ?? 0) >>> (party & 31)) & 1) === 1;
  }

  isSubsetOf(other: PartySet): boolean {
    return this.#words.every((word, index) => (word & ~(other.#words[index] ?? 0)) === 0);
  }

  equals(other: PartySet): boolean {
    return this.#size === other.#size && this.isSubsetOf(other);
  }

  /** Ascending. */
  *[Symbol.iterator](): IterableIterator<PartyId> {
    for (let party = 0; party < 32 * this.#words.length; party++) if (this.has(party)) yield party;
  }

  toString(): string {
    return `{${[...this].join(",")}}`;
  }
}

/** A bitmap, lowest party first, without trailing zero bytes: one encoding per set. */
export const partySetCodec: Codec<PartySet> = {
  write(writer, set) {
    const bitmap: number[] = [];
    for (const party of set) {
      while (bitmap.length <= party >>> 3) bitmap.push(0);
      bitmap[party >>> 3] = (bitmap[party >>> 3] ?? 0) | (1 << (party & 7));
    }
    if (bitmap.length > MAX_PARTIES / 8) throw new EncodeError("party set too large");
    writer.u8(bitmap.length);
    writer.raw(Uint8Array.from(bitmap));
  },
  read(reader) {
    const sizeBytes = reader.u8();
    if (sizeBytes > MAX_PARTIES / 8) reader.fail(`party set of ${sizeBytes} bytes`);
    const bitmap = reader.raw(sizeBytes);
    if (sizeBytes > 0 && bitmap[sizeBytes - 1] === 0) reader.fail("party set with a trailing zero byte");
    const set = new PartySet();
    bitmap.forEach((byte, index) => {
      for (let bit = 0; bit < 8; bit++) if ((byte >>> bit) & 1) set.add(8 * index + bit);
    });
    return set;
  },
};
