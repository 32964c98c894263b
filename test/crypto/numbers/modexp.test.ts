import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bytesToBigint } from "../../../src/crypto/numbers/bigints.js";
import { Modulus } from "../../../src/crypto/numbers/modexp.js";
import { PRIMES_1024 } from "../fixtures.js";
import { powBigint } from "../oracle.js";

const [p, q] = PRIMES_1024;
const N = p * q;
const modulus = new Modulus(N);
/** The order of the squares. */
const order = ((p - 1n) / 2n) * ((q - 1n) / 2n);
/** A small odd composite modulus, so that the oracle is fast and zero divisors are easy to find. */
const SMALL_P = (1n << 127n) - 1n;
const SMALL_Q = (1n << 521n) - 1n;
const small = new Modulus(SMALL_P * SMALL_Q);

describe("pow agrees with square-and-multiply", () => {
  test("on a small modulus, with exponents shorter and longer than it", () => {
    const base = fc.bigInt({ min: 1n, max: small.value - 1n });
    fc.assert(
      fc.property(base, fc.bigInt({ min: 0n, max: 1n << 600n }), (x, e) => {
        expect(small.pow(x, e)).toBe(powBigint(x, e, small.value));
      }),
    );
  });

  test("on 2048 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: N - 1n }), fc.bigInt({ min: 0n, max: N << 600n }), (x, e) => {
        expect(modulus.pow(x, e)).toBe(powBigint(x, e, N));
      }),
      { numRuns: 5 },
    );
  });

  test.each([0n, 1n, 2n, 3n, 255n, 256n, 65_537n])("on the edges, with exponent %s", (exponent) => {
    for (const base of [1n, 2n, N - 2n, N - 1n, p, q]) {
      expect(modulus.pow(base, exponent)).toBe(powBigint(base, exponent, N));
    }
  });
});

describe("powSecret", () => {
  test("agrees with square-and-multiply, with leading zeros or without", () => {
    const base = fc.bigInt({ min: 1n, max: small.value - 1n });
    fc.assert(
      fc.property(base, fc.uint8Array({ maxLength: 100 }), (x, bytes) => {
        expect(small.powSecret(x, bytes)).toBe(powBigint(x, bytesToBigint(bytes), small.value));
      }),
    );
  });

  test("agrees where the result is 1 or -1, which Diffie–Hellman refuses", () => {
    const exponent = modulus.format(order);
    expect(modulus.powSecret(4n, exponent)).toBe(1n);
    expect(modulus.powSecret(N - 4n, exponent)).toBe(N - 1n);
    expect(modulus.powSecret(1n, exponent)).toBe(1n);
    expect(modulus.powSecret(N - 1n, exponent)).toBe(N - 1n);
    expect(modulus.powSecret(5n, new Uint8Array(256))).toBe(1n);
    expect(modulus.powSecret(5n, new Uint8Array())).toBe(1n);
  });

  test.each([0n, -1n, N, N + 1n, N + 2n, 2n * N])("refuses base %#", (base) => {
    expect(() => modulus.powSecret(base, Uint8Array.of(3))).toThrow(RangeError);
  });
});

describe("pow's special cases", () => {
  test("results 1 and -1, which Diffie–Hellman refuses", () => {
    expect(modulus.pow(4n, order)).toBe(1n);
    expect(modulus.pow(N - 4n, order)).toBe(N - 1n);
    expect(modulus.pow(4n, 7n * order)).toBe(1n);
  });

  test("short results are padded", () => {
    const tiny = modulus.pow(2n, 3n);
    expect(tiny).toBe(8n);
    expect(modulus.format(tiny).length).toBe(256);
  });

  test("negative exponents take the inverse", () => {
    const x = modulus.pow(3n, -5n);
    expect(modulus.multiply(x, modulus.pow(3n, 5n))).toBe(1n);
    expect(() => modulus.pow(p, -1n)).toThrow(RangeError);
  });

  test.each([0n, -1n, N, N + 1n, N + 2n, 2n * N])("refuses base %#", (base) => {
    expect(() => modulus.pow(base, 3n)).toThrow(RangeError);
  });

  test("multiples of a factor stay such", () => {
    expect(small.pow(SMALL_P, 12_345n)).toBe(powBigint(SMALL_P, 12_345n, small.value));
  });
});

test("product multiplies powers of any sign", () => {
  const exponents = fc.bigInt({ min: -(1n << 70n), max: 1n << 70n });
  fc.assert(
    fc.property(fc.array(exponents, { maxLength: 4 }), (list) => {
      const powers = list.map((exponent, i) => ({ base: BigInt(i + 2), exponent }));
      const expected = powers.reduce((all, { base, exponent }) => small.multiply(all, small.pow(base, exponent)), 1n);
      expect(small.product(powers)).toBe(expected);
    }),
  );
  expect(() => small.product([{ base: SMALL_P, exponent: -2n }])).toThrow(RangeError);
});

describe("bytes", () => {
  test("parse takes exactly the canonical form of 1..N-1", () => {
    expect(modulus.parse(modulus.format(1n))).toBe(1n);
    expect(modulus.parse(modulus.format(N - 1n))).toBe(N - 1n);
    expect(modulus.parse(modulus.format(0n))).toBeUndefined();
    expect(modulus.parse(modulus.format(N))).toBeUndefined();
    expect(modulus.parse(modulus.format(N + 1n))).toBeUndefined();
    expect(modulus.parse(modulus.format(5n).subarray(1))).toBeUndefined();
    expect(modulus.parse(new Uint8Array(257).fill(1, 256))).toBeUndefined();
    expect(modulus.parse(new Uint8Array())).toBeUndefined();
  });
});

test.each([0n, -(N * 2n + 1n), 15n, N - 1n, N + 1n, (1n << 511n) - 187n, (1n << 10_001n) - 1n])(
  "refuses modulus %#",
  (value) => {
    expect(() => new Modulus(value)).toThrow(RangeError);
  },
);
