import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bigintToBytes, bytesToBigint } from "../../../src/crypto/numbers/bigints.js";
import { Modulus } from "../../../src/crypto/numbers/modexp.js";
import { SecretExponent, formatExponent } from "../../../src/crypto/rsa/secret-exponent.js";
import { powBigint } from "../oracle.js";

const MODULUS = new Modulus(((1n << 127n) - 1n) * ((1n << 521n) - 1n));
const SIZE = 40;
const exponent = fc.bigInt({ min: -(1n << 319n) + 1n, max: (1n << 319n) - 1n });

describe("a secret exponent", () => {
  test("is a sign bit and a magnitude of one size", () => {
    expect(formatExponent(5n, 2)).toEqual(Uint8Array.of(0, 5));
    expect(formatExponent(-5n, 2)).toEqual(Uint8Array.of(0x80, 5));
    expect(formatExponent(0x7fffn, 2)).toEqual(Uint8Array.of(0x7f, 0xff));
    expect(() => formatExponent(0x8000n, 2)).toThrow(RangeError);
    expect(() => formatExponent(-0x8000n, 2)).toThrow(RangeError);
    expect(() => formatExponent(0x10000n, 2)).toThrow(RangeError);
  });

  test("is what bases are raised to", () => {
    fc.assert(
      fc.property(exponent, fc.bigInt({ min: 2n, max: 1n << 126n }), (value, base) => {
        const power = new SecretExponent(formatExponent(value, SIZE)).power(MODULUS, base);
        const magnitude = powBigint(base, value < 0n ? -value : value, MODULUS.value);
        expect(value < 0n ? MODULUS.multiply(power, magnitude) : power).toBe(value < 0n ? 1n : magnitude);
      }),
      { numRuns: 30 },
    );
  });

  test("responds with challenge·secret + nonce", () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
    fc.assert(
      fc.property(exponent, bytes(16), bytes(72), (value, challenge, nonce) => {
        const expected = value * bytesToBigint(challenge) + bytesToBigint(nonce);
        fc.pre(expected >= 0n);
        const response = new SecretExponent(formatExponent(value, SIZE)).respond(challenge, nonce);
        expect(response).toEqual(bigintToBytes(expected, 73));
      }),
    );
  });

  test("responds at the extremes, and not with a negative number", () => {
    const ones = (length: number): Uint8Array => new Uint8Array(length).fill(0xff);
    const most = (1n << 319n) - 1n;
    const greatest = new SecretExponent(formatExponent(most, SIZE)).respond(ones(16), ones(72));
    expect(bytesToBigint(greatest)).toBe(most * ((1n << 128n) - 1n) + (1n << 576n) - 1n);
    const negative = new SecretExponent(formatExponent(-1n, SIZE));
    expect(bytesToBigint(negative.respond(Uint8Array.of(1), Uint8Array.of(1)))).toBe(0n);
    expect(() => negative.respond(Uint8Array.of(2), Uint8Array.of(1))).toThrow(RangeError);
  });

  test("is a copy, and 0 once wiped", () => {
    const bytes = formatExponent(3n, SIZE);
    const secret = new SecretExponent(bytes);
    bytes.fill(0);
    expect(secret.power(MODULUS, 5n)).toBe(125n);
    secret.wipe();
    expect(secret.power(MODULUS, 5n)).toBe(1n);
  });
});
