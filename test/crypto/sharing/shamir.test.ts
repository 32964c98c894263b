import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { factorial, mod } from "../../../src/crypto/numbers/bigints.js";
import { GROUP_ORDER } from "../../../src/crypto/ristretto/group.js";
import {
  abscissa,
  integerLagrangeAtZero,
  lagrangeAtZero,
  randomBelow,
  shareSecret,
} from "../../../src/crypto/sharing/shamir.js";
import { at } from "../fixtures.js";

/** n, a threshold and a set of exactly so many parties. */
const qualified = fc
  .integer({ min: 1, max: 24 })
  .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n })))
  .chain(([n, threshold]) => {
    const parties = fc.subarray([...Array(n).keys()], { minLength: threshold, maxLength: threshold });
    return fc.record({ n: fc.constant(n), threshold: fc.constant(threshold), parties });
  });
const secrets = fc.bigInt({ min: 0n, max: GROUP_ORDER - 1n });

const dot = (a: readonly bigint[], b: readonly bigint[]): bigint => a.reduce((sum, x, i) => sum + x * at(b, i), 0n);

describe("sharing", () => {
  test("every qualified set reconstructs the secret", () => {
    fc.assert(
      fc.property(qualified, secrets, ({ n, threshold, parties }, secret) => {
        const shares = shareSecret({ secret, modulus: GROUP_ORDER, n, threshold });
        const chosen = parties.map((party) => at(shares, party));
        expect(mod(dot(lagrangeAtZero(parties, GROUP_ORDER), chosen), GROUP_ORDER)).toBe(secret);
      }),
    );
  });

  test("the integer coefficients reconstruct Δ times the secret, whatever the modulus", () => {
    fc.assert(
      fc.property(
        qualified,
        secrets,
        fc.bigInt({ min: 1n, max: 1n << 100n }),
        ({ n, threshold, parties }, wide, modulus) => {
          const secret = wide % modulus;
          const shares = shareSecret({ secret, modulus, n, threshold });
          const sum = dot(
            integerLagrangeAtZero(parties, n),
            parties.map((party) => at(shares, party)),
          );
          expect(mod(sum, modulus)).toBe(mod(factorial(n) * secret, modulus));
        },
      ),
    );
  });

  test("one share fewer says nothing: every secret fits", () => {
    const shares = shareSecret({ secret: 5n, modulus: 101n, n: 3, threshold: 2 });
    const line = (secret: bigint): bigint => mod(secret + (at(shares, 0) - secret) * abscissa(1), 101n);
    // A line through the first share and any secret exists; interpolation from it gives that secret.
    for (let secret = 0n; secret < 101n; secret++) {
      expect(mod(dot(lagrangeAtZero([0, 1], 101n), [at(shares, 0), line(secret)]), 101n)).toBe(secret);
    }
  });

  test("the polynomial is random: shares differ from one sharing to the next", () => {
    const options = { secret: 1n, modulus: GROUP_ORDER, n: 4, threshold: 2 };
    expect(shareSecret(options)).not.toEqual(shareSecret(options));
    expect(new Set(shareSecret(options)).size).toBe(4);
  });

  test.each([
    { secret: 1n, modulus: 7n, n: 3, threshold: 0 },
    { secret: 1n, modulus: 7n, n: 3, threshold: 4 },
    { secret: 1n, modulus: 7n, n: 3, threshold: 1.5 },
    { secret: 7n, modulus: 7n, n: 3, threshold: 2 },
    { secret: -1n, modulus: 7n, n: 3, threshold: 2 },
  ])("refuses %o", (options) => expect(() => shareSecret(options)).toThrow(RangeError));
});

describe("coefficients", () => {
  test("refuse repeated and foreign parties", () => {
    expect(() => lagrangeAtZero([0, 1, 1], GROUP_ORDER)).toThrow(RangeError);
    expect(() => integerLagrangeAtZero([0, 1, 1], 4)).toThrow(RangeError);
    for (const party of [-1, 4, 0.5]) expect(() => integerLagrangeAtZero([party], 4)).toThrow(RangeError);
  });

  test("of {1, 2} are 2 and -1, times Δ = 3! for n = 3", () => {
    expect(lagrangeAtZero([0, 1], 101n)).toEqual([2n, 100n]);
    expect(integerLagrangeAtZero([0, 1], 3)).toEqual([12n, -6n]);
  });
});

test("randomBelow reaches all numbers below its bound and no other", () => {
  const seen = new Set(Array.from({ length: 600 }, () => randomBelow(5n)));
  expect(seen).toEqual(new Set([0n, 1n, 2n, 3n, 4n]));
  expect(randomBelow(1n)).toBe(0n);
  expect(() => randomBelow(0n)).toThrow(RangeError);
});
