/**
 * TDH2 a second time: Noble's ristretto255, scalars as BigInt, its own framing of hashes. Nothing of `src` is in it, so that
 * agreement means something. It also makes ciphertexts that an honest encryptor never would: all values can be chosen.
 */
import { createCipheriv, createDecipheriv, createHash } from "node:crypto";
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";

const { Point } = ristretto255;
type Element = InstanceType<typeof Point>;

export const L = 2n ** 252n + 27742317777372353535851937790883648493n;

export const modL = (value: bigint): bigint => ((value % L) + L) % L;

export const g = Point.BASE;
export const gBar = toElement(hash("sha512", "abcast/1 tdh2 second generator"));

export interface Forgery {
  readonly h: Uint8Array;
  readonly label: Uint8Array;
  readonly r: bigint;
  readonly s: bigint;
  /** Encrypted honestly, unless there is a body. */
  readonly plaintext?: Uint8Array;
  /** Any bytes in place of an encrypted plaintext. */
  readonly body?: Uint8Array;
}

export interface Fields {
  readonly u: Uint8Array;
  readonly uBar: Uint8Array;
  readonly e: Uint8Array;
  readonly f: Uint8Array;
  readonly body: Uint8Array;
}

/** A ciphertext whose proof holds. */
export function makeFields({ h, label, r, s, plaintext = new Uint8Array(), body }: Forgery): Fields {
  const u = g.multiply(r).toBytes();
  const uBar = gBar.multiply(r).toBytes();
  const sealed = body ?? seal(bodyKey(h, u, decodeElement(h).multiply(r)), plaintext);
  const e = challengeOf(h, label, sealed, u, uBar, g.multiply(s), gBar.multiply(s));
  return { u, uBar, e: scalarBytes(e), f: scalarBytes(modL(s + r * e)), body: sealed };
}

export function joinFields({ u, uBar, e, f, body }: Fields): Uint8Array {
  return new Uint8Array(Buffer.concat([u, uBar, e, f, body]));
}

export function splitFields(ciphertext: Uint8Array): Fields {
  const [u, uBar, e, f] = [0, 32, 64, 96].map((offset) => ciphertext.slice(offset, offset + 32));
  if (u === undefined || uBar === undefined || e === undefined || f === undefined) throw new Error("too short");
  return { u, uBar, e, f, body: ciphertext.slice(128) };
}

/** Whether the proof (e, f) holds. */
export function isProved(h: Uint8Array, label: Uint8Array, { u, uBar, e, f, body }: Fields): boolean {
  const [challenge, response] = [scalarOf(e), scalarOf(f)];
  const w = g.multiply(response).subtract(decodeElement(u).multiply(challenge));
  const wBar = gBar.multiply(response).subtract(decodeElement(uBar).multiply(challenge));
  return challenge === challengeOf(h, label, body, u, uBar, w, wBar);
}

/** With the whole secret x; undefined when the body does not open. */
export function decrypt(h: Uint8Array, x: bigint, { u, body }: Fields): Uint8Array | undefined {
  const key = bodyKey(h, u, decodeElement(u).multiply(x));
  const decipher = createDecipheriv("chacha20-poly1305", key, new Uint8Array(12), { authTagLength: 16 });
  decipher.setAuthTag(body.subarray(-16));
  const plaintext = decipher.update(body.subarray(0, -16));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return new Uint8Array(plaintext);
}

export interface ShareClaim {
  readonly party: number;
  readonly h: Uint8Array;
  readonly label: Uint8Array;
  readonly fields: Fields;
  /** The party's verification keys. */
  readonly keys: readonly Uint8Array[];
}

/** Whether `share` is u^{x_j} for each of `secrets`, with a proof that holds. */
export function isShare(claim: ShareClaim, secrets: readonly bigint[], share: Uint8Array): boolean {
  const { fields, keys } = claim;
  const parts = Array.from({ length: share.length / 32 }, (_, i) => share.slice(32 * i, 32 * i + 32));
  const elements = parts.slice(0, secrets.length);
  const [c, ...z] = parts.slice(secrets.length).map(scalarOf);
  if (c === undefined || z.length !== secrets.length) return false;
  const base = decodeElement(fields.u);
  const rightElements = secrets.every((x, j) =>
    base.multiply(x).equals(decodeElement(elements[j] ?? new Uint8Array())),
  );
  const a = z.map((response, j) => commitment(g, response, keys[j], c));
  const b = z.map((response, j) => commitment(base, response, elements[j], c));
  return rightElements && c === shareChallenge(claim, [...elements, ...a, ...b]);
}

/** A proof of nothing, which needs no secret: what a party without leaves could make. */
export function emptyShare(party: number, h: Uint8Array, label: Uint8Array, fields: Fields): Uint8Array {
  return scalarBytes(shareChallenge({ party, h, label, fields, keys: [] }, []));
}

function shareChallenge({ party, h, label, fields, keys }: ShareClaim, rest: readonly Uint8Array[]): bigint {
  const header = joinFields({ ...fields, body: new Uint8Array() });
  const digest = hash("sha256", "abcast/1 tdh2 subject", h, label, header, bodyDigest(fields.body));
  const all = [u32(2), u32(party), digest, u32(keys.length), ...keys, fields.u, ...rest];
  return toScalar(hash("sha512", "abcast/1 tdh2 share proof", ...all));
}

function commitment(base: Element, z: bigint, power: Uint8Array | undefined, c: bigint): Uint8Array {
  return base
    .multiply(z)
    .subtract(decodeElement(power ?? new Uint8Array()).multiply(c))
    .toBytes();
}

export function decodeElement(bytes: Uint8Array): Element {
  return Point.fromBytes(bytes);
}

export function scalarBytes(scalar: bigint): Uint8Array {
  const bytes = new Uint8Array(32);
  for (let i = 0; i < 32; i++) bytes[i] = Number((scalar >> BigInt(8 * i)) & 255n);
  return bytes;
}

export function scalarOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => 256n * value + BigInt(byte), 0n);
}

export function seal(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", key, new Uint8Array(12), { authTagLength: 16 });
  const parts = [cipher.update(plaintext), cipher.final()];
  return new Uint8Array(Buffer.concat([...parts, cipher.getAuthTag()]));
}

export function bodyKey(h: Uint8Array, u: Uint8Array, shared: Element): Uint8Array {
  return hash("sha256", "abcast/1 tdh2 body key", h, u, shared.toBytes());
}

function challengeOf(
  h: Uint8Array,
  label: Uint8Array,
  body: Uint8Array,
  u: Uint8Array,
  uBar: Uint8Array,
  w: Element,
  wBar: Element,
): bigint {
  const values = [h, label, bodyDigest(body), u, uBar, w.toBytes(), wBar.toBytes()];
  return toScalar(hash("sha512", "abcast/1 tdh2 ciphertext", ...values));
}

function bodyDigest(body: Uint8Array): Uint8Array {
  return hash("sha256", "abcast/1 tdh2 body", body);
}

function hash(algorithm: "sha256" | "sha512", ...parts: readonly (string | Uint8Array)[]): Uint8Array {
  const framed = parts.map((part) => Buffer.from(part)).flatMap((part) => [u32(part.length), part]);
  return new Uint8Array(createHash(algorithm).update(Buffer.concat(framed)).digest());
}

function u32(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}

function toScalar(digest: Uint8Array): bigint {
  return modL(scalarOf(digest));
}

/** RFC 9496, section 4.3.4. */
function toElement(digest: Uint8Array): Element {
  const element = ristretto255_hasher.deriveToCurve?.(digest);
  if (element === undefined) throw new Error("this Noble does not map to ristretto255");
  return Point.fromBytes(element.toBytes());
}
