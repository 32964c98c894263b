/**
 * One leaf's share of the secret exponent, an integer that may be negative, kept as bytes that can be wiped: no BigInt of it, nor of a
 * proof's nonce, is ever made. In a key: a sign bit, then the magnitude, big-endian.
 */
import { bigintToBytes } from "../numbers/bigints.js";
import type { Modulus } from "../numbers/modexp.js";

const SIGN_BIT = 0x80;

/** @throws RangeError when the magnitude needs more than 8·sizeBytes - 1 bits. */
export function formatExponent(value: bigint, sizeBytes: number): Uint8Array {
  const bytes = bigintToBytes(value < 0n ? -value : value, sizeBytes);
  const first = bytes[0] ?? 0;
  if (first >= SIGN_BIT) throw new RangeError("no room for the sign");
  if (value < 0n) bytes[0] = first | SIGN_BIT;
  return bytes;
}

export class SecretExponent {
  readonly #magnitude: Uint8Array;
  /** Follows from the formula but with negligible probability, so it is no secret. */
  readonly #isNegative: boolean;

  /** Copies `bytes`. */
  constructor(bytes: Uint8Array) {
    const first = bytes[0] ?? 0;
    this.#magnitude = Uint8Array.from(bytes);
    this.#magnitude[0] = first & ~SIGN_BIT;
    this.#isNegative = first >= SIGN_BIT;
  }

  /** base^this. @throws RangeError unless 0 < base < N, and when this is negative and the base has no inverse. */
  power(modulus: Modulus, base: bigint): bigint {
    const power = modulus.powSecret(base, this.#magnitude);
    return this.#isNegative ? modulus.invert(power) : power;
  }

  /**
   * challenge·this + nonce, one byte longer than the nonce; all big-endian.
   * @throws RangeError when the sum is negative, which a nonce of the right length lets happen practically never.
   */
  respond(challenge: Uint8Array, nonce: Uint8Array): Uint8Array {
    const response = new Uint8Array(nonce.length + 1);
    const sign = this.#isNegative ? -1 : 1;
    let carry = 0;
    for (let place = 0; place < response.length; place++) {
      let sum = 0;
      for (let i = 0; i < challenge.length; i++) sum += digit(challenge, i) * digit(this.#magnitude, place - i);
      carry += sign * sum + digit(nonce, place);
      response[response.length - 1 - place] = carry & 0xff;
      carry >>= 8;
    }
    if (carry !== 0) throw new RangeError("the response does not fit");
    return response;
  }

  wipe(): void {
    this.#magnitude.fill(0);
  }
}

/** The byte of weight 256^place. */
function digit(bytes: Uint8Array, place: number): number {
  return place < 0 ? 0 : (bytes[bytes.length - 1 - place] ?? 0);
}
