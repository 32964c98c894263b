/** Parties and sets of parties. Every threshold of every protocol is a predicate on such a set. */
import type { Codec } from "./codec.js";

/** A party's index, 0..n-1. */
export type PartyId = number;

/** The largest group; a set is at most 32 bytes on the wire. */
export const MAX_PARTIES = 256;

/** A mutable set of parties, kept as a bitmap. */
export class PartySet {
  /** Of an empty set one word: most groups need no more, and a literal takes no room for what may be added. */
  #words: number[] = [0];
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

  static #ofWords(words: number[]): PartySet {
    const set = new PartySet();
    set.#words = words;
    set.#size = words.reduce((size, word) => size + bitsIn(word), 0);
    return set;
  }

  /** @param bitmap eight parties a byte, lowest first; at most MAX_PARTIES / 8 bytes */
  static ofBitmap(bitmap: Uint8Array): PartySet {
    const set = new PartySet();
    for (let index = 0; index < bitmap.length; index++) {
      const byte = bitmap[index] ?? 0;
      set.#words[index >>> 2] = (set.#words[index >>> 2] ?? 0) | (byte << (8 * (index & 3)));
      set.#size += bitsIn(byte);
    }
    return set;
  }

  /** The inverse of `ofBitmap`, without trailing zero bytes. */
  toBitmap(): Uint8Array {
    let sizeBytes = 4 * this.#words.length;
    while (sizeBytes > 0 && this.#byte(sizeBytes - 1) === 0) sizeBytes--;
    const bitmap = new Uint8Array(sizeBytes);
    for (let index = 0; index < sizeBytes; index++) bitmap[index] = this.#byte(index);
    return bitmap;
  }

  #byte(index: number): number {
    return ((this.#words[index >>> 2] ?? 0) >>> (8 * (index & 3))) & 0xff;
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

  /** Ascending; those that are in it now. */
  [Symbol.iterator](): IterableIterator<PartyId> {
    const parties: PartyId[] = [];
    for (let party = 0; parties.length < this.#size; party++) if (this.has(party)) parties.push(party);
    return parties.values();
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
    const bitmap = set.toBitmap();
    writer.u8(bitmap.length);
    writer.raw(bitmap);
  },
  read(reader) {
    const sizeBytes = reader.u8();
    if (sizeBytes > MAX_PARTIES / 8) reader.fail(`party set of ${sizeBytes} bytes`);
    const bitmap = reader.raw(sizeBytes);
    if (sizeBytes > 0 && bitmap[sizeBytes - 1] === 0) reader.fail("party set with a trailing zero byte");
    return PartySet.ofBitmap(bitmap);
  },
};
