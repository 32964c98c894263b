/** Hashing of tuples, so that no two different tuples hash the same bytes. */
import { createHash, createHmac, hash as hashAtOnce } from "node:crypto";
import { utf8 } from "../core/bytes.js";

/** What a hash or signature is for: starts with "abcast/1 ", so that no two uses of a key can be mixed up. */
export type Domain = `abcast/1 ${string}`;

const SHA256_BYTES = 32;

type Sink = { update(bytes: Uint8Array): unknown };

/** What is hashed of tuples up to this size is put together first: that is cheaper than to hand over each part. */
const SHORT_BYTES = 4096;
const short = Buffer.alloc(SHORT_BYTES);

/** Each part is preceded by its length as u32, so that the boundaries are bound too. */
function absorb(sink: Sink, domain: Domain, parts: readonly Uint8Array[]): void {
  for (const part of [utf8(domain), ...parts]) {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(part.length);
    sink.update(length);
    sink.update(part);
  }
}

/**
 * SHA-256 of the bytes themselves, by way of text: for bytes Node would take memory outside of its heap each time, and for short ones
 * most of the time.
 */
export function plainSha256(bytes: Uint8Array): Uint8Array {
  return fromBinary(hashAtOnce("sha256", bytes, "binary"));
}

/** SHA-256 of the first `sizeBytes` of the bytes, and of all of them: in one pass where they are many. */
export function plainSha256Twice(bytes: Uint8Array, sizeBytes: number): readonly [Uint8Array, Uint8Array] {
  const start = bytes.subarray(0, sizeBytes);
  if (bytes.length <= SHORT_BYTES) return [plainSha256(start), plainSha256(bytes)];
  const hash = createHash("sha256").update(start);
  const first = fromBinary(hash.copy().digest("binary"));
  return [first, fromBinary(hash.update(bytes.subarray(sizeBytes)).digest("binary"))];
}

function fromBinary(text: string): Uint8Array {
  const digest = new Uint8Array(SHA256_BYTES);
  for (let index = 0; index < SHA256_BYTES; index++) digest[index] = text.charCodeAt(index);
  return digest;
}

/** SHA-512 of the bytes themselves, in the same way. */
export function plainSha512(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(Buffer.from(hashAtOnce("sha512", bytes, "hex"), "hex"));
}

/** The same bytes as `absorb` has, in memory that the next call takes again; undefined when they are too many. */
function joined(domain: Domain, parts: readonly Uint8Array[]): Uint8Array | undefined {
  const sizeBytes = parts.reduce((sum, part) => sum + 4 + part.length, 4 + domain.length);
  if (sizeBytes > SHORT_BYTES) return undefined;
  let offset = short.writeUInt32BE(domain.length);
  offset += short.write(domain, offset, "latin1");
  for (const part of parts) {
    offset = short.writeUInt32BE(part.length, offset);
    short.set(part, offset);
    offset += part.length;
  }
  return short.subarray(0, offset);
}

/** 32 bytes. */
export function sha256(domain: Domain, ...parts: readonly Uint8Array[]): Uint8Array {
  return fromBinary(sha256Key(domain, ...parts));
}

/** The same 32 bytes as so many characters: the shortest key of a set. */
export function sha256Key(domain: Domain, ...parts: readonly Uint8Array[]): string {
  const bytes = joined(domain, parts);
  if (bytes !== undefined) return hashAtOnce("sha256", bytes, "binary");
  const hash = createHash("sha256");
  absorb(hash, domain, parts);
  return hash.digest("binary");
}

/** 64 bytes. */
export function sha512(domain: Domain, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha512");
  absorb(hash, domain, parts);
  return new Uint8Array(hash.digest());
}

/** A pseudorandom function of `parts` under the secret `key`; 64 bytes. */
export function hmacSha512(key: Uint8Array, domain: Domain, ...parts: readonly Uint8Array[]): Uint8Array {
  const hmac = createHmac("sha512", key);
  absorb(hmac, domain, parts);
  return new Uint8Array(hmac.digest());
}

/** `sizeBytes` of SHAKE256. */
export function shake256(sizeBytes: number, domain: Domain, ...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("shake256", { outputLength: sizeBytes });
  absorb(hash, domain, parts);
  return new Uint8Array(hash.digest());
}

/** The four bytes by which a party's index enters a hash. */
export function u32Bytes(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return new Uint8Array(bytes);
}
