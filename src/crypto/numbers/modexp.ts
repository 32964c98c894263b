/**
 * Modular exponentiation on OpenSSL's constant-time Montgomery code, reached through node:crypto's
 * DiffieHellman: an order of magnitude faster than BigInt, and the secret exponent does not show in
 * the timing (measured: 2048 bits in 1.7 ms, against 23 ms with BigInt).
 */
import { type DiffieHellman, createDiffieHellman } from "node:crypto";
import { bigintToBytes, bitLength, bytesToBigint, inverse } from "./bigints.js";

/** OpenSSL's DH_MIN_MODULUS_BITS: below it node:crypto returns zeros instead of an error. */
const MIN_MODULUS_BITS = 512;
/** OPENSSL_DH_MAX_MODULUS_BITS. */
const MAX_MODULUS_BITS = 10_000;
const ONE = Uint8Array.of(1);

/** One factor of a product of powers. */
export interface Power {
  readonly base: bigint;
  readonly exponent: bigint;
}

export class Modulus {
  readonly value: bigint;
  readonly sizeBytes: number;
  /** One object for the life of the modulus: making it costs as much as an exponentiation. */
  readonly #group: DiffieHellman;

  /** @throws RangeError unless `value` is odd and of 512 to 10,000 bits. */
  constructor(value: bigint) {
    // Montgomery arithmetic exists for odd moduli only.
    if ((value & 1n) === 0n) throw new RangeError("even modulus");
    const bits = value < 0n ? 0 : bitLength(value);
    if (bits < MIN_MODULUS_BITS || bits > MAX_MODULUS_BITS) throw new RangeError(`modulus of ${bits} bits`);
    this.value = value;
    this.sizeBytes = Math.ceil(bits / 8);
    this.#group = createDiffieHellman(bigintToBytes(value, this.sizeBytes));
  }

  /** The number in 1..N-1 that exactly `sizeBytes` big-endian `bytes` denote, otherwise undefined. */
  parse(bytes: Uint8Array): bigint | undefined {
    if (bytes.length !== this.sizeBytes) return undefined;
    const value = bytesToBigint(bytes);
    return value > 0n && value < this.value ? value : undefined;
  }

  /** Big-endian, `sizeBytes` long. */
  format(value: bigint): Uint8Array {
    return bigintToBytes(value, this.sizeBytes);
  }

  /**
   * base^exponent mod N, in 0..N-1. Takes exponents of any sign and length.
   * @throws RangeError unless 0 < base < N, and for a negative exponent when the base has no inverse.
   */
  pow(base: bigint, exponent: bigint): bigint {
    this.#checkBase(base);
    if (exponent < 0n) return this.pow(this.invert(base), -exponent);
    if (exponent === 0n || base === 1n) return 1n;
    const minusOne = this.value - 1n;
    if (base === minusOne) return (exponent & 1n) === 0n ? 1n : minusOne;
    return this.#nativePow(base, exponentBytes(exponent)) ?? this.#trivialPower(base, exponent);
  }

  /**
   * base^exponent mod N for a secret big-endian exponent, of which no copy is kept.
   * @throws RangeError unless 0 < base < N.
   */
  powSecret(base: bigint, exponent: Uint8Array): bigint {
    this.#checkBase(base);
    const power = this.#nativePow(base, exponent);
    // Makes OpenSSL wipe the exponent (DH_set0_key clears the number that it replaces).
    this.#group.setPrivateKey(ONE);
    // OpenSSL shows no power that is ±1, and none of ±1: no real secret leads there, a wrong key may.
    return power ?? this.pow(base, bytesToBigint(exponent));
  }

  #checkBase(base: bigint): void {
    // OpenSSL reduces some bases >= N silently and rejects others, so none reaches it.
    if (base <= 0n || base >= this.value) throw new RangeError("base outside 1..N-1");
  }

  /** The product of the powers mod N, with one inversion for all negative exponents together. */
  product(powers: Iterable<Power>): bigint {
    let [numerator, denominator] = [1n, 1n];
    for (const { base, exponent } of powers) {
      if (exponent < 0n) denominator = this.multiply(denominator, this.pow(base, -exponent));
      else numerator = this.multiply(numerator, this.pow(base, exponent));
    }
    return denominator === 1n ? numerator : this.multiply(numerator, this.invert(denominator));
  }

  multiply(a: bigint, b: bigint): bigint {
    return (a * b) % this.value;
  }

  /** @throws RangeError when `value` has no inverse mod N. */
  invert(value: bigint): bigint {
    const inverted = inverse(value, this.value);
    if (inverted === undefined) throw new RangeError("no inverse modulo N");
    return inverted;
  }

  /** In 1..N-1, or undefined where OpenSSL refuses to show the result: it is then 1 or N-1. */
  #nativePow(base: bigint, exponent: Uint8Array): bigint | undefined {
    const baseBytes = this.format(base);
    this.#group.setPrivateKey(exponent);
    try {
      // DiffieHellman pads the result to the size of the modulus.
      const power = bytesToBigint(this.#group.computeSecret(baseBytes));
      // No power of a base in 1..N-1 is 0 for a square-free N: zeros are how some refusals look.
      return power === 0n ? undefined : power;
    } catch {
      return undefined;
    }
  }

  /**
   * base^exponent when it is 1 or -1, which Diffie-Hellman must not accept as a secret: one power more
   * is ±base, which tells the two apart.
   */
  #trivialPower(base: bigint, exponent: bigint): bigint {
    const next = this.#nativePow(base, exponentBytes(exponent + 1n));
    if (next === base) return 1n;
    if (next === this.value - base) return this.value - 1n;
    throw new Error("OpenSSL refused a modular exponentiation");
  }
}

function exponentBytes(exponent: bigint): Uint8Array {
  return bigintToBytes(exponent, Math.ceil(bitLength(exponent) / 8));
}
