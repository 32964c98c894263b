/**
 * Canonical, total, bounded encoding.
 *
 * Canonical: every value has exactly one encoding and every accepted byte string decodes to a value
 * that encodes to the same bytes, so that hashing or signing an encoding binds the value. Total:
 * `decode` returns a value or an error for every byte string and never throws. Bounded: each
 * variable-length field states its greatest length; a length is checked before anything is read.
 *
 * Integers are big-endian and fixed-size; lists and byte strings are prefixed by a u32 length; a union
 * is a one-byte index and the chosen variant.
 */
import { type Pieces, fromUtf8, utf8 } from "./bytes.js";
import { Writer } from "./writer.js";

export interface Codec<T> {
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** The value that a codec carries. */
export type Value<C> = C extends Codec<infer T> ? T : never;

/**
 * What a reader throws at bytes that are no encoding, for `decode` to turn into a value. There is only one, since making
 * an error costs far more than reading a message, and hostile bytes must not; the reader knows what is wrong.
 */
const MALFORMED = new Error("not an encoding");

/** A value that its codec cannot carry (too long, out of range): the caller's mistake. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
}

export class Reader {
  readonly #bytes: Uint8Array;
  #offset = 0;
  #problem = "";

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Why it failed. */
  get problem(): string {
    return this.#problem;
  }

  #take(sizeBytes: number): number {
    const offset = this.#offset;
    if (sizeBytes > this.#bytes.length - offset) {
      this.fail(`truncated: ${sizeBytes} bytes wanted at offset ${offset} of ${this.#bytes.length}`);
    }
    this.#offset = offset + sizeBytes;
    return offset;
  }

  u8(): number {
    const offset = this.#take(1);
    return this.#bytes[offset] ?? 0;
  }

  u32(): number {
    const offset = this.#take(4);
    const bytes = this.#bytes;
    const high = ((bytes[offset] ?? 0) << 8) | (bytes[offset + 1] ?? 0);
    const low = ((bytes[offset + 2] ?? 0) << 8) | (bytes[offset + 3] ?? 0);
    return high * 0x1_0000 + low;
  }

  u64(): number {
    const high = this.u32();
    const low = this.u32();
    if (high >= 2 ** 21) this.fail(`integer ${(BigInt(high) << 32n) + BigInt(low)} above 2^53-1`);
    return high * 0x1_0000_0000 + low;
  }

  /** A view of the next bytes, not a copy. */
  raw(sizeBytes: number): Uint8Array {
    const offset = this.#take(sizeBytes);
    return this.#bytes.subarray(offset, offset + sizeBytes);
  }

  /** Of the next byte. */
  get offset(): number {
    return this.#offset;
  }

  skip(sizeBytes: number): void {
    this.#take(sizeBytes);
  }

  /** A view of what was read from `offset` on. */
  since(offset: number): Uint8Array {
    return this.#bytes.subarray(offset, this.#offset);
  }

  fail(reason: string): never {
    this.#problem = reason;
    throw MALFORMED;
  }

  end(): void {
    const rest = this.#bytes.length - this.#offset;
    if (rest !== 0) this.fail(`${rest} bytes left over at offset ${this.#offset}`);
  }
}

/** Writers at rest. One that is at work is not among them, so that a codec may encode in turn. */
const writers: Writer[] = [];

/** @throws EncodeError when `value` exceeds a bound of `codec`. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  return write(codec, value, (writer) => writer.finish());
}

/** As `encode`, but not in one piece: long byte strings of `value` are not copied. For who writes them out, or hashes. */
export function encodePieces<T>(codec: Pick<Codec<T>, "write">, value: T): Pieces {
  return write(codec, value, (writer) => writer.finishPieces());
}

function write<T, Encoding>(codec: Pick<Codec<T>, "write">, value: T, finish: (writer: Writer) => Encoding): Encoding {
  const writer = writers.pop() ?? new Writer();
  try {
    codec.write(writer, value);
    return finish(writer);
  } finally {
    // After an error there is something left of it.
    writer.discard();
    writers.push(writer);
  }
}

/** Never throws on hostile bytes; the error says what is wrong and at which offset. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): Decoded<T> {
  const reader = new Reader(bytes);
  try {
    const value = codec.read(reader);
    reader.end();
    return { ok: true, value };
  } catch (error) {
    if (error === MALFORMED) return { ok: false, error: reader.problem };
    throw error;
  }
}

function integer(
  name: string,
  max: number,
  write: (w: Writer, v: number) => void,
  read: (r: Reader) => number,
): Codec<number> {
  return {
    write(writer, value) {
      if (!Number.isSafeInteger(value) || value < 0 || value > max) throw new EncodeError(`${value} is not a ${name}`);
      write(writer, value);
    },
    read,
  };
}

export const u8 = integer(
  "u8",
  0xff,
  (w, v) => w.u8(v),
  (r) => r.u8(),
);
export const u32 = integer(
  "u32",
  0xffff_ffff,
  (w, v) => w.u32(v),
  (r) => r.u32(),
);
/** 64 bits on the wire; values up to 2^53-1. */
export const u64 = integer(
  "u64",
  Number.MAX_SAFE_INTEGER,
  (w, v) => w.u64(v),
  (r) => r.u64(),
);

/** A byte string of exactly `sizeBytes`. */
export function fixedBytes(sizeBytes: number): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (value.length !== sizeBytes) throw new EncodeError(`${value.length} bytes where ${sizeBytes} are needed`);
      writer.raw(value);
    },
    read: (reader) => reader.raw(sizeBytes),
  };
}

/** A byte string of at most `maxBytes`. */
export function bytes(maxBytes: number): Codec<Uint8Array> {
  return {
    write(writer, value) {
      if (value.length > maxBytes) throw new EncodeError(`${value.length} bytes above the bound of ${maxBytes}`);
      writer.u32(value.length);
      writer.raw(value);
    },
    read(reader) {
      const sizeBytes = reader.u32();
      if (sizeBytes > maxBytes) reader.fail(`${sizeBytes} bytes above the bound of ${maxBytes}`);
      return reader.raw(sizeBytes);
    },
  };
}

function isAscii(value: string): boolean {
  for (let index = 0; index < value.length; index++) if (value.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** UTF-8 text of at most `maxBytes`. */
export function text(maxBytes: number): Codec<string> {
  const raw = bytes(maxBytes);
  return {
    write(writer, value) {
      if (value.length <= maxBytes && isAscii(value)) {
        writer.u32(value.length);
        return writer.ascii(value);
      }
      if (/\p{Surrogate}/u.test(value)) throw new EncodeError("text with a lone surrogate has no UTF-8 form");
      raw.write(writer, utf8(value));
    },
    read(reader) {
      const encoded = raw.read(reader);
      try {
        return fromUtf8(encoded);
      } catch {
        return reader.fail("not UTF-8");
      }
    },
  };
}

/** At most `maxItems` items. */
export function list<T>(item: Codec<T>, maxItems: number): Codec<readonly T[]> {
  return {
    write: (writer, values) => writeItems(writer, item, values, maxItems),
    read(reader) {
      const count = readCount(reader, maxItems);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(item.read(reader));
      return values;
    },
  };
}

function writeItems<T>(
  writer: Writer,
  item: Codec<T>,
  values: Iterable<T> & { readonly length: number },
  maxItems: number,
): void {
  if (values.length > maxItems) throw new EncodeError(`${values.length} items above the bound of ${maxItems}`);
  writer.u32(values.length);
  for (const value of values) item.write(writer, value);
}

function readCount(reader: Reader, maxItems: number): number {
  const count = reader.u32();
  if (count > maxItems) reader.fail(`${count} items above the bound of ${maxItems}`);
  return count;
}

/** Byte strings, in order; an array of them is one. */
export interface ByteStrings extends Iterable<Uint8Array> {
  readonly length: number;
  /** As an array does. */
  map<T>(of: (each: Uint8Array, index: number) => T): T[];
}

/** Encoded byte strings, each with its length, known to be so. A view of one is made when it is asked for: most never are. */
class EncodedByteStrings implements ByteStrings {
  readonly length: number;
  readonly encoded: Uint8Array;

  constructor(length: number, encoded: Uint8Array) {
    this.length = length;
    this.encoded = encoded;
  }

  *[Symbol.iterator](): Iterator<Uint8Array> {
    const reader = new Reader(this.encoded);
    for (let index = 0; index < this.length; index++) yield reader.raw(reader.u32());
  }

  /** Without the iterator, which takes longer than the views. */
  map<T>(of: (each: Uint8Array, index: number) => T): T[] {
    const reader = new Reader(this.encoded);
    const values: T[] = [];
    for (let index = 0; index < this.length; index++) values.push(of(reader.raw(reader.u32()), index));
    return values;
  }
}

/** At most `maxItems` byte strings of at most `maxBytes` each: as `list(bytes(maxBytes), maxItems)`, where there are many. */
export function byteStrings(maxBytes: number, maxItems: number): Codec<ByteStrings> {
  const item = bytes(maxBytes);
  return {
    write: (writer, values) => writeItems(writer, item, values, maxItems),
    read(reader) {
      const count = readCount(reader, maxItems);
      const start = reader.offset;
      for (let index = 0; index < count; index++) {
        const sizeBytes = reader.u32();
        if (sizeBytes > maxBytes) reader.fail(`${sizeBytes} bytes above the bound of ${maxBytes}`);
        reader.skip(sizeBytes);
      }
      return new EncodedByteStrings(count, reader.since(start));
    },
  };
}

type Codecs<T> = { readonly [K in keyof T]: Codec<T[K]> };

export interface StructCodec<T> extends Codec<T> {
  /** Reads the fields into `target`, which has none of them. */
  readInto(reader: Reader, target: Record<string, unknown>): void;
}

type StructCodecs<T> = { readonly [K in keyof T]: StructCodec<T[K]> };

/** The fields in the order in which `fields` names them. */
export function struct<T extends object>(fields: Codecs<T>): StructCodec<{ readonly [K in keyof T]: T[K] }> {
  const entries = Object.entries<Codec<unknown>>(fields).map(([name, field]) => ({ name, field }));
  const readInto = (reader: Reader, target: Record<string, unknown>): void => {
    for (const { name, field } of entries) target[name] = field.read(reader);
  };
  return {
    write(writer, value) {
      for (const { name, field } of entries) field.write(writer, value[name as keyof T]);
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      readInto(reader, value);
      return value as T;
    },
    readInto,
  };
}

type Union<T> = { [K in keyof T]: { readonly kind: K } & T[K] }[keyof T];

/** One of several structs, told apart by `kind`; on the wire the index of the variant. */
export function union<T extends object>(variants: StructCodecs<T>): Codec<Union<T>> {
  const entries = Object.entries<StructCodec<unknown>>(variants).map(([kind, variant]) => ({ kind, variant }));
  const indices = new Map(entries.map(({ kind }, index) => [kind, index]));
  return {
    write(writer, value) {
      const index = indices.get(String(value.kind));
      const entry = index === undefined ? undefined : entries[index];
      if (index === undefined || entry === undefined) throw new EncodeError(`no variant ${String(value.kind)}`);
      writer.u8(index);
      entry.variant.write(writer, value);
    },
    read(reader) {
      const index = reader.u8();
      const entry = entries[index];
      if (entry === undefined) return reader.fail(`no variant ${index} of ${entries.length}`);
      const value: Record<string, unknown> = { kind: entry.kind };
      entry.variant.readInto(reader, value);
      return value as Union<T>;
    },
  };
}

/** A codec whose values pass `check`, which returns what is wrong or undefined. */
export function refine<T>(base: Codec<T>, check: (value: T) => string | undefined): Codec<T> {
  return {
    write(writer, value) {
      const problem = check(value);
      if (problem !== undefined) throw new EncodeError(problem);
      base.write(writer, value);
    },
    read(reader) {
      const value = base.read(reader);
      const problem = check(value);
      return problem === undefined ? value : reader.fail(problem);
    },
  };
}

/** An integer of the given codec that is at most `max`. */
export function atMost(base: Codec<number>, max: number): Codec<number> {
  return refine(base, (value) => (value <= max ? undefined : `${value} above the bound of ${max}`));
}

/** A value, or none. */
export function optional<T>(codec: Codec<T>): Codec<T | undefined> {
  const some = list(codec, 1);
  return {
    write: (writer, value) => some.write(writer, value === undefined ? [] : [value]),
    read: (reader) => some.read(reader)[0],
  };
}

/** One of some words, on the wire as its place among them. */
export function choice<const Words extends readonly string[]>(...words: Words): Codec<Words[number]> {
  return {
    write(writer, word) {
      const index = words.indexOf(word);
      if (index < 0) throw new EncodeError(`${word} is none of ${words.join(", ")}`);
      writer.u8(index);
    },
    read(reader) {
      const index = reader.u8();
      return words[index] ?? reader.fail(`no word ${index} of ${words.length}`);
    },
  };
}
