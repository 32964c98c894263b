/**
 * Numbers as BigInt: bytes, inverses, the Jacobi symbol. Nothing here is constant time: it handles
 * public numbers, and secret ones only in the dealer's room and where a comment says why that is fine.
 */
import { toHex } from "../../core/bytes.js";

/** The number that big-endian `bytes` denote; 0 for none. */
export function bytesToBigint(bytes: Uint8Array): bigint {
  return bytes.length === 0 ? 0n : BigInt(`0x${toHex(bytes)}`);
}

/**
 * Big-endian, left-padded with zeros to `sizeBytes`.
 * @throws RangeError when `value` is negative or does not fit.
 */
export function bigintToBytes(value: bigint, sizeBytes: number): Uint8Array {
  const hex = value < 0n ? undefined : value.toString(16);
  if (hex === undefined || (value !== 0n && hex.length > 2 * sizeBytes)) {
    throw new RangeError(`the number does not fit in ${sizeBytes} bytes`);
  }
  const bytes = new Uint8Array(sizeBytes);
  const even = hex.length % 2 === 0 ? hex : `0${hex}`;
  if (value !== 0n) bytes.set(Buffer.from(even, "hex"), sizeBytes - even.length / 2);
  return bytes;
}

/** Binary digits of a number that is not negative; 0 for 0. */
export function bitLength(value: bigint): number {
  if (value === 0n) return 0;
  const hex = value.toString(16);
  return 4 * (hex.length - 1) + (32 - Math.clz32(Number.parseInt(hex.charAt(0), 16)));
}

/** The representative of `value` in 0..modulus-1. */
export function mod(value: bigint, modulus: bigint): bigint {
  const rest = value % modulus;
  return rest < 0n ? rest + modulus : rest;
}

export interface Bezout {
  readonly gcd: bigint;
  /** gcd = x·a + y·b. */
  readonly x: bigint;
  readonly y: bigint;
}

/** Extended Euclid for a, b >= 0. */
export function bezout(a: bigint, b: bigint): Bezout {
  let [r0, r1, x0, x1, y0, y1] = [a, b, 1n, 0n, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [x0, x1] = [x1, x0 - quotient * x1];
    [y0, y1] = [y1, y0 - quotient * y1];
  }
  return { gcd: r0, x: x0, y: y0 };
}

/** The inverse of `value` modulo `modulus` > 1, in 1..modulus-1; undefined when they share a factor. */
export function inverse(value: bigint, modulus: bigint): bigint | undefined {
  const reduced = mod(value, modulus);
  // Euclid with one cofactor only: the other one is not needed and would cost half again.
  let [r0, r1, x0, x1] = [modulus, reduced, 0n, 1n];
  while (r1 !== 0n) {
    const quotient = r0 / r1;
    [r0, r1] = [r1, r0 - quotient * r1];
    [x0, x1] = [x1, x0 - quotient * x1];
  }
  return r0 === 1n ? mod(x0, modulus) : undefined;
}

/**
 * The Jacobi symbol (value | modulus), 0 when they share a factor
 * (binary form: Cohen, "A Course in Computational Algebraic Number Theory", algorithm 1.4.10).
 * @throws RangeError unless `modulus` is odd and positive.
 */
export function jacobi(value: bigint, modulus: bigint): -1 | 0 | 1 {
  if (modulus <= 0n || (modulus & 1n) === 0n) throw new RangeError("the Jacobi symbol needs an odd positive modulus");
  let [a, m] = [mod(value, modulus), modulus];
  let negative = false;
  while (a !== 0n) {
    const twos = trailingZeros(a);
    a >>= twos;
    const m8 = m & 7n;
    if ((twos & 1n) === 1n && (m8 === 3n || m8 === 5n)) negative = !negative;
    // Both are odd and a < m: quadratic reciprocity, then reduce.
    if ((a & 3n) === 3n && (m & 3n) === 3n) negative = !negative;
    [a, m] = [m % a, a];
  }
  if (m !== 1n) return 0;
  return negative ? -1 : 1;
}

function trailingZeros(value: bigint): bigint {
  let zeros = 0n;
  // Word by word: a shift of a long number for every single bit would be quadratic.
  for (let rest = value; ; rest >>= 32n) {
    const word = Number(rest & 0xffff_ffffn);
    if (word !== 0) return zeros + BigInt(31 - Math.clz32(word & -word));
    zeros += 32n;
  }
}

/** n!, Shoup's Δ. */
export function factorial(n: number): bigint {
  let product = 1n;
  for (let factor = 2; factor <= n; factor++) product *= BigInt(factor);
  return product;
}
