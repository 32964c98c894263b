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
import { fromUtf8, utf8 } from "./bytes.js";

export interface Codec<T> {
  write(writer: Writer, value: T): void;
  read(reader: Reader): T;
}

export type Decoded<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

/** The value that a codec carries. */
export type Value<C> = C extends Codec<infer T> ? T : never;

/** Bytes that are no encoding: a remote party's or a file's fault, turned into a value by `decode`. */
class DecodeError extends Error {}

/** A value that its codec cannot carry (too long, out of range): the caller's mistake. */
export class EncodeError extends Error {
  override readonly name = "EncodeError";
}

export class Writer {
  #buffer = new Uint8Array(256);
  #view = new DataView(this.#buffer.buffer);
  #length = 0;

  #reserve(sizeBytes: number): number {
    const offset = this.#length;
    const needed = offset + sizeBytes;
    if (needed > this.#buffer.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, offset));
      this.#buffer = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return offset;
  }

  u8(value: number): void {
    const offset = this.#reserve(1);
    this.#view.setUint8(offset, value);
  }

  u32(value: number): void {
    const offset = this.#reserve(4);
    this.#view.setUint32(offset, value);
  }

  u64(value: number): void {
    const offset = this.#reserve(8);
    this.#view.setBigUint64(offset, BigInt(value));
  }

  raw(bytes: Uint8Array): void {
    const offset = this.#reserve(bytes.length);
    this.#buffer.set(bytes, offset);
  }

  finish(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }
}

export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  #take(sizeBytes: number): number {
    const offset = this.#offset;
    if (sizeBytes > this.#bytes.length - offset) {
      throw new DecodeError(`truncated: ${sizeBytes} bytes wanted at offset ${offset} of ${this.#bytes.length}`);
    }
    this.#offset = offset + sizeBytes;
    return offset;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4));
  }

  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8));
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) this.fail(`integer ${value} above 2^53-1`);
    return Number(value);
  }

  /** A view of the next bytes, not a copy. */
  raw(sizeBytes: number): Uint8Array {
    const offset = this.#take(sizeBytes);
    return this.#bytes.subarray(offset, offset + sizeBytes);
  }

  fail(reason: string): never {
    throw new DecodeError(reason);
  }

  end(): void {
    const rest = this.#bytes.length - this.#offset;
    if (rest !== 0) throw new DecodeError(`${rest} bytes left over at offset ${this.#offset}`);
  }
}

/** @throws EncodeError when `value` exceeds a bound of `codec`. */
export function encode<T>(codec: Codec<T>, value: T): Uint8Array {
  const writer = new Writer();
  codec.write(writer, value);
  return writer.finish();
}

/** Never throws on hostile bytes; the error says what is wrong and at which offset. */
export function decode<T>(codec: Codec<T>, bytes: Uint8Array): Decoded<T> {
  try {
    const reader = new Reader(bytes);
    const value = codec.read(reader);
    reader.end();
    return { ok: true, value };
  } catch (error) {
    if (error instanceof DecodeError) return { ok: false, error: error.message };
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

/** UTF-8 text of at most `maxBytes`. */
export function text(maxBytes: number): Codec<string> {
  const raw = bytes(maxBytes);
  return {
    write(writer, value) {
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
    write(writer, values) {
      if (values.length > maxItems) throw new EncodeError(`${values.length} items above the bound of ${maxItems}`);
      writer.u32(values.length);
      for (const value of values) item.write(writer, value);
    },
    read(reader) {
      const count = reader.u32();
      if (count > maxItems) reader.fail(`${count} items above the bound of ${maxItems}`);
      const values: T[] = [];
      for (let i = 0; i < count; i++) values.push(item.read(reader));
      return values;
    },
  };
}

type Codecs<T> = { readonly [K in keyof T]: Codec<T[K]> };
type Entries = readonly (readonly [string, Codec<unknown>])[];

/** The fields in the order in which `fields` names them. */
export function struct<T extends object>(fields: Codecs<T>): Codec<{ readonly [K in keyof T]: T[K] }> {
  const entries: Entries = Object.entries(fields);
  return {
    write(writer, value) {
      for (const [name, field] of entries) field.write(writer, value[name as keyof T]);
    },
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.read(reader);
      return value as T;
    },
  };
}

type Union<T> = { [K in keyof T]: { readonly kind: K } & T[K] }[keyof T];

/** One of several structs, told apart by `kind`; on the wire the index of the variant. */
export function union<T extends object>(variants: Codecs<T>): Codec<Union<T>> {
  const entries: Entries = Object.entries(variants);
  const indices = new Map(entries.map(([kind], index) => [kind, index]));
  return {
    write(writer, value) {
      const index = indices.get(String(value.kind));
      const variant = index === undefined ? undefined : entries[index];
      if (index === undefined || variant === undefined) throw new EncodeError(`no variant ${String(value.kind)}`);
      writer.u8(index);
      variant[1].write(writer, value);
    },
    read(reader) {
      const index = reader.u8();
      const variant = entries[index];
      if (variant === undefined) return reader.fail(`no variant ${index} of ${entries.length}`);
      return Object.assign({ kind: variant[0] }, variant[1].read(reader)) as Union<T>;
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
