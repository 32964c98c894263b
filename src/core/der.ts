/**
 * DER (X.690), as far as time-stamping and certificates need it: what others have standardised, where our own codec (codec.ts) will not do.
 *
 * Writing is canonical: one value, one encoding, the elements of a SET OF in the order of their bytes. Reading is total and
 * bounded: whoever reads says which tags may come, so nothing is followed deeper than that; lengths are definite and minimal, and are
 * checked before anything is read.
 */
import { concat, toHex, utf8 } from "./bytes.js";
import type { Decoded } from "./codec.js";

/** Identifier octets. */
export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  utf8String: 0x0c,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Of a context-specific tag of a primitive value. */
export function primitive(number: number): number {
  return 0x80 | number;
}

/** Of a context-specific tag of a constructed value, also of an explicit one. */
export function constructed(number: number): number {
  return 0xa0 | number;
}

/** One element: identifier, length, contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concat(...contents);
  return concat(Uint8Array.of(tag, ...lengthOctets(content.length)), content);
}

function lengthOctets(length: number): readonly number[] {
  if (length < 0x80) return [length];
  const octets: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
  return [0x80 | octets.length, ...octets];
}

export function sequence(...elements: readonly Uint8Array[]): Uint8Array {
  return der(TAG.sequence, ...elements);
}

/** A SET OF, in its one order (X.690, section 11.6). `tag` for one that is tagged implicitly. */
export function setOf(elements: readonly Uint8Array[], tag: number = TAG.set): Uint8Array {
  return der(tag, ...elements.toSorted(compareBytes));
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const [one, other] = [toHex(a), toHex(b)];
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Of a whole number, >= 0. */
export function integer(value: number | bigint, tag: number = TAG.integer): Uint8Array {
  const digits = value.toString(16);
  return unsigned(bytesOfHex(digits.length % 2 === 0 ? digits : `0${digits}`), tag);
}

/** Of a number >= 0 in big-endian bytes. */
export function unsigned(bytes: Uint8Array, tag: number = TAG.integer): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const digits = first < 0 ? Uint8Array.of(0) : bytes.subarray(first);
  return (digits[0] ?? 0) < 0x80 ? der(tag, digits) : der(tag, Uint8Array.of(0), digits);
}

function bytesOfHex(digits: string): Uint8Array {
  return Uint8Array.from({ length: digits.length / 2 }, (_, index) =>
    Number.parseInt(digits.slice(2 * index, 2 * index + 2), 16),
  );
}

export function octetString(bytes: Uint8Array): Uint8Array {
  return der(TAG.octetString, bytes);
}

/** Of whole octets. */
export function bitString(bytes: Uint8Array): Uint8Array {
  return der(TAG.bitString, Uint8Array.of(0), bytes);
}

/** A BIT STRING with names for its bits, of which one is set (X.690, section 11.2.2). */
export function namedBit(bit: number): Uint8Array {
  const content = new Uint8Array(Math.floor(bit / 8) + 1);
  content[content.length - 1] = 0x80 >> (bit % 8);
  return der(TAG.bitString, Uint8Array.of(7 - (bit % 8)), content);
}

export function utf8String(text: string): Uint8Array {
  return der(TAG.utf8String, utf8(text));
}

export const TRUE = der(TAG.boolean, Uint8Array.of(0xff));
export const NULL = der(TAG.null);

const OID_TEXT = /^(?:[01]\.(?:[0-9]|[1-3][0-9])|2\.(?:0|[1-9][0-9]*))(?:\.(?:0|[1-9][0-9]*))*$/;

/** Whether this is an object identifier in dots and decimals, of at most `MAX_OID_BYTES` as DER. */
export function isOid(text: string): boolean {
  return text.length <= 3 * MAX_OID_BYTES && OID_TEXT.test(text) && oidContent(text).length <= MAX_OID_BYTES;
}

/** Of an object identifier, the longest contents. */
export const MAX_OID_BYTES = 64;

/** @throws RangeError when the text is no object identifier */
export function oid(text: string): Uint8Array {
  if (!isOid(text)) throw new RangeError(`${text} is no object identifier`);
  return der(TAG.oid, oidContent(text));
}

function oidContent(text: string): Uint8Array {
  const [first = 0n, second = 0n, ...others] = text.split(".").map(BigInt);
  return Uint8Array.from([40n * first + second, ...others].flatMap(baseOf128));
}

/** Most significant first; all but the last with the high bit. */
function baseOf128(arc: bigint): number[] {
  const octets = [Number(arc % 128n)];
  for (let rest = arc / 128n; rest > 0n; rest /= 128n) octets.unshift(0x80 | Number(rest % 128n));
  return octets;
}

/** What a reader throws at bytes that are not what they should be, for `readDer` to turn into a value (codec.ts has the reason). */
const MALFORMED = new Error("not DER");

/** The whole of `bytes`, as `read` takes it. Total as long as `read` throws nothing but what the reader does. */
export function readDer<T>(bytes: Uint8Array, read: (reader: DerReader) => T): Decoded<T> {
  const reader = new DerReader(bytes);
  try {
    const value = read(reader);
    reader.end();
    return { ok: true, value };
  } catch (error) {
    if (error === MALFORMED) return { ok: false, error: reader.problem };
    throw error;
  }
}

export class DerReader {
  readonly #bytes: Uint8Array;
  /** That of the reader for the whole. */
  readonly #said: { problem: string };
  #offset = 0;

  constructor(bytes: Uint8Array, said = { problem: "" }) {
    this.#bytes = bytes;
    this.#said = said;
  }

  /** What was wrong first. */
  get problem(): string {
    return this.#said.problem;
  }

  fail(problem: string): never {
    this.#said.problem = problem;
    throw MALFORMED;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  end(): void {
    if (!this.isAtEnd) this.fail(`${this.#bytes.length - this.#offset} bytes too many`);
  }

  /** Whether the next element has this tag. */
  isNext(tag: number): boolean {
    return this.#bytes[this.#offset] === tag;
  }

  /** The contents of the next element, which must have this tag. */
  content(tag: number): Uint8Array {
    return this.#next(tag).content;
  }

  /** The next element as it is; of any tag unless given. */
  element(tag?: number): Uint8Array {
    return this.#next(tag).element;
  }

  /** What is in the next element, to the end. */
  within<T>(tag: number, read: (reader: DerReader) => T): T {
    const inner = new DerReader(this.content(tag), this.#said);
    const value = read(inner);
    inner.end();
    return value;
  }

  /** The contents of an INTEGER: two's complement, minimal. */
  integer(maxBytes: number): Uint8Array {
    const content = this.content(TAG.integer);
    const [first, second = 0] = content;
    if (first === undefined || content.length > maxBytes) this.fail(`an integer of ${content.length} bytes`);
    const isPadded = content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80));
    if (isPadded) this.fail("an integer with padding");
    return content;
  }

  boolean(): boolean {
    const content = this.content(TAG.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) this.fail("a boolean of another form");
    return content[0] === 0xff;
  }

  /** An OBJECT IDENTIFIER, with tag and length. */
  oid(): Uint8Array {
    const { element, content } = this.#next(TAG.oid);
    if (content.length === 0 || content.length > MAX_OID_BYTES)
      this.fail(`an object identifier of ${content.length} bytes`);
    const isPadded = content.some((byte, index) => byte === 0x80 && (index === 0 || (content[index - 1] ?? 0) < 0x80));
    if (isPadded || (content.at(-1) ?? 0) >= 0x80) this.fail("an object identifier of another form");
    return element;
  }

  #next(tag: number | undefined): { readonly element: Uint8Array; readonly content: Uint8Array } {
    const start = this.#offset;
    const found = this.#octet();
    if (tag !== undefined && found !== tag) this.fail(`tag ${found} where ${tag} is due`);
    if ((found & 0x1f) === 0x1f) this.fail("a tag of several bytes");
    const length = this.#length();
    if (length > this.#bytes.length - this.#offset) this.fail("an element that goes beyond the end");
    const from = this.#offset;
    this.#offset += length;
    return { element: this.#bytes.subarray(start, this.#offset), content: this.#bytes.subarray(from, this.#offset) };
  }

  #length(): number {
    const first = this.#octet();
    if (first < 0x80) return first;
    const count = first & 0x7f;
    if (count === 0 || count > 4) this.fail("a length that is indefinite or too great");
    let length = 0;
    for (let octet = 0; octet < count; octet++) length = 256 * length + this.#octet();
    if (length < 0x80 || lengthOctets(length).length !== count + 1) this.fail("a length that is not minimal");
    return length;
  }

  #octet(): number {
    const octet = this.#bytes[this.#offset];
    if (octet === undefined) this.fail("ends too early");
    this.#offset++;
    return octet;
  }
}
