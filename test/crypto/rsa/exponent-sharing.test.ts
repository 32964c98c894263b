import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Formula, allOf, anyOf, atLeast, thresholdFormula, weightedFormula } from "../../../src/core/formula.js";
import { bitLength, mod } from "../../../src/crypto/numbers/bigints.js";
import { secretBytes, shareExponent } from "../../../src/crypto/rsa/exponent-sharing.js";
import { createSharing } from "../../../src/crypto/sharing/sharing.js";
import { PRIMES_1024, at } from "../fixtures.js";
import { FOUR_BY_FOUR, allSets, randomFormula } from "./formulas.js";

const [p, q] = PRIMES_1024;
const ORDER = ((p - 1n) / 2n) * ((q - 1n) / 2n);
const SECRET = ORDER / 3n;
const deal = (formula: Formula): bigint[] => shareExponent(formula, SECRET, ORDER);

test("in any formula, qualified sets recombine to D times the secret, and no others", () => {
  fc.assert(
    fc.property(randomFormula(5), (formula) => {
      const sharing = createSharing(formula);
      const shares = deal(formula);
      for (const set of allSets(5)) {
        const terms = sharing.integerTerms(set);
        expect(terms !== undefined).toBe(sharing.isQualified(set));
        const sum = terms?.reduce((total, { leaf, coefficient }) => total + coefficient * at(shares, leaf), 0n);
        if (sum !== undefined) expect(mod(sum, ORDER)).toBe(mod(sharing.multiplier * SECRET, ORDER));
      }
    }),
    { numRuns: 40 },
  );
});

describe("the length of a share", () => {
  test("is bounded by the formula", () => {
    fc.assert(
      fc.property(randomFormula(5), (formula) => {
        const bits = 8 * secretBytes(formula, p * q) - 1;
        for (const share of deal(formula)) expect(bitLength(share < 0n ? -share : share)).toBeLessThanOrEqual(bits);
      }),
      { numRuns: 40 },
    );
  });

  test.each([
    ["a threshold", thresholdFormula(3, 7)],
    ["weights", weightedFormula(4, [1, 2, 3])],
    ["AND", allOf([0, 1, 2])],
    ["ORs below", allOf([anyOf([0, 1]), atLeast(2, [anyOf([1, 2]), 3, 4])].slice(0, 1))],
    ["ORs above", anyOf([atLeast(2, [0, 1, 2]), allOf([3, 4])])],
  ])("is the modulus's with one gate: %s", (_, formula) => {
    expect(secretBytes(formula, p * q)).toBe(256);
    for (const share of deal(formula)) expect(share >= 0n && share < ORDER).toBe(true);
  });

  test("hides what is below an open gate by 128 bits and more", () => {
    const order = bitLength(ORDER);
    for (const formula of [allOf([9, allOf([0, 1])]), allOf([9, atLeast(2, [0, 1, 2])])]) {
      const [, ...below] = deal(formula);
      for (const share of below) expect(bitLength(share < 0n ? -share : share)).toBeGreaterThan(order + 120);
    }
  });
});

/** What a set that may not know m sees of it: 0, or else a multiple of m. Shares by leaf. */
const RELATIONS: readonly (readonly [string, Formula, readonly bigint[]])[] = [
  ["a line through three points", allOf([atLeast(2, [0, 1, 2]), 3]), [1n, -2n, 1n, 0n]],
  ["summands of what is also whole", allOf([anyOf([0, allOf([1, 2])]), 3]), [1n, -1n, -1n, 0n]],
  ["a line through what is also whole", allOf([anyOf([0, atLeast(2, [1, 2, 3])]), 4]), [1n, -2n, 1n, 0n, 0n]],
  [
    "two lines to one value",
    allOf([anyOf([atLeast(2, [0, 1, 2]), atLeast(2, [3, 4, 5])]), 6]),
    [2n, -1n, 0n, -2n, 1n, 0n, 0n],
  ],
  ["a line two gates below", allOf([5, anyOf([4, allOf([3, atLeast(2, [0, 1, 2])])])]), [0n, 0n, 0n, 1n, -2n, 1n]],
  ["a line, then summands", allOf([6, atLeast(2, [0, 1, allOf([2, 3])])]), [0n, 1n, -2n, 1n, 1n]],
];

describe("no unqualified set learns a multiple of m", () => {
  const value = (shares: readonly bigint[], relation: readonly bigint[]): bigint =>
    relation.reduce((sum, coefficient, leaf) => sum + coefficient * at(shares, leaf), 0n);

  test.each(RELATIONS)("%s", (_, formula, relation) => {
    for (let time = 0; time < 20; time++) expect(value(deal(formula), relation)).toBe(0n);
    // Shares that are reduced modulo m, which groups of known order have, would betray it.
    const sharing = createSharing(formula);
    const betrayed = Array.from({ length: 60 }, () => value(sharing.deal(SECRET, ORDER), relation));
    expect(betrayed.some((each) => each !== 0n && each % ORDER === 0n)).toBe(true);
  });

  test("not of the structure of two attributes either", () => {
    const shares = deal(FOUR_BY_FOUR);
    for (let gate = 0; gate < 4; gate++) {
      const columns = [0, 1, 2, 3].map((column) => shares.slice(12 * gate + 3 * column, 12 * gate + 3 * column + 3));
      for (const copies of columns) expect(new Set(copies).size).toBe(1);
      const points = columns.map((copies) => at(copies, 0));
      expect(at(points, 0) - 2n * at(points, 1) + at(points, 2)).toBe(0n);
      expect(at(points, 1) - 2n * at(points, 2) + at(points, 3)).toBe(0n);
    }
  });
});

test("the i-th point of an open gate is divisible by i: modulo i it says nothing", () => {
  for (let time = 0; time < 20; time++) {
    const [, ...points] = deal(allOf([9, atLeast(4, [0, 1, 2, 3, 4, 5])]));
    points.forEach((point, i) => expect(point % BigInt(i + 1)).toBe(0n));
  }
});

test("refuses what cannot be shared", () => {
  expect(() => shareExponent(atLeast(3, [0, 1]), SECRET, ORDER)).toThrow(RangeError);
  expect(() => shareExponent(0, ORDER, ORDER)).toThrow(RangeError);
  expect(() => shareExponent(0, -1n, ORDER)).toThrow(RangeError);
  expect(() => shareExponent(allOf([3, atLeast(2, [0, 1, 2])]), 1n, 3n * ORDER)).toThrow(RangeError);
});
