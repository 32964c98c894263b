/**
 * BLS12-381 as the signatures need it, computed by the native library blst: public keys in G1, signatures in G2, both in the
 * compressed form of draft-irtf-cfrg-pairing-friendly-curves, appendix C; ciphersuite
 * BLS_SIG_BLS12381G2_XMD:SHA-256_SSWU_RO_POP_ of draft-irtf-cfrg-bls-signature-05, section 4.2.3, which the library fixes.
 *
 * Who opens a point validates it, once: what this file calls a `PublicKey` is in G1 and not the identity.
 */
import blst, { type PublicKey, type Signature } from "@chainsafe/blst";
import { bigintToBytes } from "../numbers/bigints.js";
import type { KeyGroup } from "../sharing/deal-key.js";

export type { PublicKey, Signature };

export const PUBLIC_KEY_BYTES = 48;
export const SIGNATURE_BYTES = 96;
/** Scalars are big-endian. */
export const SCALAR_BYTES = 32;
/** The order r of both groups. */
export const GROUP_ORDER = 0x73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001n;

/** For `dealKey`. */
export const blsKeys: KeyGroup = {
  order: GROUP_ORDER,
  scalarBytes: (scalar) => bigintToBytes(scalar, SCALAR_BYTES),
  basePower: (scalar) => blst.SecretKey.fromBytes(scalar).toPublicKey().toBytes(),
};

/** Whether these bytes are a scalar in 1..r-1. Total. */
export function isScalar(bytes: Uint8Array): boolean {
  return tryOpen(() => blst.SecretKey.fromBytes(bytes)) !== undefined;
}

/** Undefined unless `bytes` are the one encoding of an element of G1 other than the identity. Total. */
export function openPublicKey(bytes: Uint8Array): PublicKey | undefined {
  if (bytes.length !== PUBLIC_KEY_BYTES) return undefined;
  return tryOpen(() => blst.PublicKey.fromBytes(bytes, true));
}

/** Undefined unless `bytes` are the one encoding of an element of G2 other than the identity. Total. */
export function openSignature(bytes: Uint8Array): Signature | undefined {
  if (bytes.length !== SIGNATURE_BYTES) return undefined;
  return tryOpen(() => blst.Signature.fromBytes(bytes, true, true));
}

/**
 * As `openSignature`, but the point may lie on the curve outside G2: enough where the bytes have been checked before, or where the
 * sum that follows will be. It takes a third of the time.
 */
export function openUnchecked(bytes: Uint8Array): Signature | undefined {
  if (bytes.length !== SIGNATURE_BYTES || isIdentity(bytes)) return undefined;
  return tryOpen(() => blst.Signature.fromBytes(bytes, false));
}

/** The bits above a compressed point: it is compressed, it is the identity, its y is the larger one. */
const IDENTITY_FLAG = 0x40;
const SIGN_FLAG = 0x20;

function isIdentity(bytes: Uint8Array): boolean {
  return ((bytes[0] ?? 0) & IDENTITY_FLAG) !== 0;
}

/** The inverse of the point that `bytes` encode, which is not the identity: costs nothing before the point is opened. */
export function negated(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy[0] = (copy[0] ?? 0) ^ SIGN_FLAG;
  return copy;
}

/** Undefined where the library does not like the bytes; it says so by throwing. */
function tryOpen<T>(open: () => T): T | undefined {
  try {
    return open();
  } catch (error) {
    if (error instanceof Error && "code" in error && String(error.code).startsWith("BLST_")) return undefined;
    throw error;
  }
}

/** The signature on `message`, deterministic. The library's copy of the scalar is overwritten when its object is collected. */
export function sign(scalar: Uint8Array, message: Uint8Array): Uint8Array {
  return blst.SecretKey.fromBytes(scalar).sign(message).toBytes();
}

/** Of a key and a signature that were opened, and so validated. */
export function verify(message: Uint8Array, key: PublicKey, signature: Signature): boolean {
  return blst.verify(message, key, signature, false, false);
}

export interface Claim {
  readonly key: PublicKey;
  readonly signature: Uint8Array;
}

/**
 * Whether each signature is its key's on the one `message`: `malformed` when one is no element of G2, `wrong` when one does not verify.
 * Keys and signatures are summed with independent random weights of 64 bits, not 0, and the sums verified: false
 * signatures pass with probability 2^-64, whatever they are, for they cannot depend on the weights (Bellare, Garay and Rabin, EUROCRYPT '98;
 * Camenisch, Hohenberger and Pedersen, EUROCRYPT 2007). Checking the subgroup is part of it: outside, orders are small.
 */
export function verifyAll(message: Uint8Array, claims: readonly Claim[]): "valid" | "malformed" | "wrong" {
  const [first, second] = claims;
  if (first === undefined) return "valid";
  if (second === undefined) {
    const signature = openSignature(first.signature);
    if (signature === undefined) return "malformed";
    return verify(message, first.key, signature) ? "valid" : "wrong";
  }
  if (claims.some(({ signature }) => signature.length !== SIGNATURE_BYTES)) return "malformed";
  const sum = tryOpen(() =>
    blst.aggregateWithRandomness(claims.map(({ key, signature }) => ({ pk: key, sig: signature }))),
  );
  if (sum === undefined) return "malformed";
  return verify(message, sum.pk, sum.sig) ? "valid" : "wrong";
}

export interface Multiple<Point> {
  readonly point: Point;
  /** Not negative. */
  readonly coefficient: bigint;
}

export function sumOfSignatures(multiples: readonly Multiple<Signature>[]): Signature {
  return sumOfMultiples((points) => blst.aggregateSignatures(points, false), multiples);
}

export function sumOfPublicKeys(multiples: readonly Multiple<PublicKey>[]): PublicKey {
  return sumOfMultiples((points) => blst.aggregatePublicKeys(points, false), multiples);
}

const RADIX = 4;

/**
 * Σ coefficient·point, in time that depends on the coefficients: they are public. The library has no multiplication, but adds many points
 * at once, also equal ones, and a call costs as much as three additions. Hence Straus's method (Handbook of Applied
 * Cryptography, 14.88): all points together, digit by digit, one call for each digit. Two bits per digit measured best.
 */
function sumOfMultiples<Point>(add: (points: Point[]) => Point, multiples: readonly Multiple<Point>[]): Point {
  const digits = multiples.map(({ coefficient }) => coefficient.toString(RADIX));
  const length = Math.max(...digits.map((text) => text.length));
  const rows = multiples.map(({ point }, i) => digitMultiples(add, point, digits[i] ?? "", length));

  let sum: Point | undefined;
  for (let place = 0; place < length; place++) {
    const points = sum === undefined ? [] : repeated(sum, RADIX);
    for (const row of rows) {
      const multiple = row[place];
      if (multiple !== undefined) points.push(multiple);
    }
    if (points.length > 0) sum = add(points);
  }
  if (sum === undefined) throw new RangeError("a sum of nothing");
  return sum;
}

/** For each of `length` digits, the leading ones 0, its multiple of `point`; undefined for 0. */
function digitMultiples<Point>(
  add: (points: Point[]) => Point,
  point: Point,
  digits: string,
  length: number,
): (Point | undefined)[] {
  const byDigit = new Map<string, Point>([["1", point]]);
  for (const digit of ["2", "3"]) {
    if (digits.includes(digit)) byDigit.set(digit, add(repeated(point, Number(digit))));
  }
  return Array.from(digits.padStart(length, "0"), (digit) => byDigit.get(digit));
}

function repeated<Point>(point: Point, times: number): Point[] {
  return Array.from({ length: times }, () => point);
}
