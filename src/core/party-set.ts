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

  /** The parties 0..n-1. */
  static upTo(n: number): PartySet {
    return PartySet.of(Array.from({ length: n }, (_, party) => party));
  }

  static #ofWords(words: readonly number[]): PartySet {
    const set = new PartySet();
    set.#words.push(...words);
    set.#size = words.reduce((size, word) => size + bitsIn(word), 0);
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

  union(other: PartySet): PartySet {
    const [long, short] = this.#words.length > other.#words.length ? [this, other] : [other, this];
    return PartySet.#ofWords(long.#words.map((word, index) => word | (short.#words[index] ?? 0)));
  }

  intersection(other: PartySet): PartySet {
    return PartySet.#ofWords(this.#words.map((word, index) => word & (other.#words[index] ?? 0)));
  }

  difference(other: PartySet): PartySet {
    return PartySet.#ofWords(this.#words.map((word, index) => word & ~(other.#words[index] ?? 0)));
  }

  /** The size of `this.difference(other)`, without making it. */
  sizeWithout(other: PartySet): number {
    let size = 0;
    for (let index = 0; index < this.#words.length; index++)
      size += bitsIn((this.#words[index] ?? 0) & ~(other.#words[index] ?? 0));
    return size;
  }

  /** Ascending. */
  *[Symbol.iterator](): IterableIterator<PartyId> {
    for (let party = 0; party < 32 * this.#words.length; party++) if (this.has(party)) yield party;
  }

  toString(): string {
    return `{${[...this].join(",")}}`;
  }
}

/** The number of ones among 32 bits: sums of neighbours, in fields of 2, 4 and 8 bits, then all four bytes at once. */
function bitsIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x5555_5555);
  const nibbles = (pairs & 0x3333_3333) + ((pairs >>> 2) & 0x3333_3333);
  return Math.imul((nibbles + (nibbles >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24;
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
