import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  bezout,
  bigintToBytes,
  bitLength,
  bytesToBigint,
  factorial,
  inverse,
  jacobi,
  mod,
} from "../../../src/crypto/numbers/bigints.js";
import { PRIMES_1024 } from "../fixtures.js";
import { powBigint } from "../oracle.js";

const odd = fc.bigInt({ min: 1n, max: 1n << 80n }).map((value) => 2n * value + 1n);

describe("bytes", () => {
  test("round-trip, left-padded", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.integer({ min: 16, max: 20 }), (value, size) => {
        const bytes = bigintToBytes(value, size);
        expect(bytes.length).toBe(size);
        expect(bytesToBigint(bytes)).toBe(value);
      }),
    );
  });

  test("known values", () => {
    expect([...bigintToBytes(0x1234n, 3)]).toEqual([0, 0x12, 0x34]);
    expect([...bigintToBytes(0x123n, 2)]).toEqual([1, 0x23]);
    expect([...bigintToBytes(0n, 0)]).toEqual([]);
    expect(bytesToBigint(new Uint8Array())).toBe(0n);
  });

  test.each([
    [256n, 1],
    [1n, 0],
    [-1n, 4],
  ])("%s does not fit in %s bytes", (value, size) => {
    expect(() => bigintToBytes(value, size)).toThrow(RangeError);
  });

  test("bit length", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 1n << 200n }), (value) => {
        expect(bitLength(value)).toBe(value === 0n ? 0 : value.toString(2).length);
      }),
    );
  });
});

describe("inverse and Bézout", () => {
  test("an inverse exists exactly for coprime numbers", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(1n << 90n), max: 1n << 90n }), odd, (value, modulus) => {
        const { gcd, x, y } = bezout(value < 0n ? -value : value, modulus);
        expect(x * (value < 0n ? -value : value) + y * modulus).toBe(gcd);
        const inverted = inverse(value, modulus);
        expect(inverted === undefined).toBe(gcd !== 1n);
        if (inverted === undefined) return;
        expect(mod(inverted * value, modulus)).toBe(1n);
        expect(inverted > 0n && inverted < modulus).toBe(true);
      }),
    );
  });

  test("none for 0", () => expect(inverse(0n, 15n)).toBeUndefined());
});

describe("Jacobi symbol", () => {
  test("is Euler's criterion for a prime", () => {
    const prime = 1_000_000_007n;
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: prime - 1n }), (value) => {
        const euler = value === 0n ? 0n : powBigint(value, (prime - 1n) / 2n, prime);
        expect(BigInt(jacobi(value, prime))).toBe(euler === prime - 1n ? -1n : euler);
      }),
    );
  });

  test("is the product of the symbols of the factors, for RSA's sizes too", () => {
    const [p, q] = PRIMES_1024;
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: p * q }), (value) => {
        expect(jacobi(value, p * q)).toBe(jacobi(value, p) * jacobi(value, q));
      }),
      { numRuns: 20 },
    );
    expect(jacobi(1n << 900n, p)).toBe(1);
    expect(jacobi(p * 5n, p * q)).toBe(0);
  });

  test("refuses even and non-positive moduli", () => {
    for (const modulus of [0n, -3n, 8n]) expect(() => jacobi(3n, modulus)).toThrow(RangeError);
  });
});

test("factorial", () => {
  expect([0, 1, 2, 5].map(factorial)).toEqual([1n, 1n, 2n, 120n]);
});
