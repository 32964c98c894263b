import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Formula,
  allOf,
  anyOf,
  atLeast,
  isSatisfied,
  leavesOf,
  thresholdFormula,
} from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";
import { factorial, mod } from "../../../src/crypto/numbers/bigints.js";
import { GROUP_ORDER } from "../../../src/crypto/ristretto/group.js";
import { type Sharing, type Term, createSharing } from "../../../src/crypto/sharing/sharing.js";
import { at } from "../fixtures.js";
import { FOUR_BY_FOUR, SHAPES, formulasOver, subsetsOf } from "./formulas.js";

const groups = fc.integer({ min: 1, max: 6 }).chain((n) => fc.tuple(fc.constant(n), formulasOver(n)));
const wholeNumbers = fc.bigInt({ min: 0n, max: 1n << 260n });
const moduli = fc.bigInt({ min: 1n, max: 1n << 100n });

/** n, a threshold and a set of exactly so many parties. */
const thresholds = fc
  .integer({ min: 1, max: 24 })
  .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n })))
  .chain(([n, threshold]) => {
    const parties = fc.subarray([...Array(n).keys()], { minLength: threshold, maxLength: threshold });
    return fc.record({ n: fc.constant(n), threshold: fc.constant(threshold), parties });
  });

function sumOf(terms: readonly Term[], shares: readonly bigint[]): bigint {
  return terms.reduce((sum, { leaf, coefficient }) => sum + coefficient * at(shares, leaf), 0n);
}

/** From the outside: whether these leaves alone satisfy the formula. A leaf counts as a party of its own. */
function leavesSatisfy(formula: Formula, leaves: readonly number[]): boolean {
  let next = 0;
  const relabel = (node: Formula): Formula =>
    typeof node === "number" ? next++ : { ...node, of: node.of.map(relabel) };
  return isSatisfied(relabel(formula), PartySet.of(leaves));
}

/** `small`: a prime above the width of all gates. */
function expectReconstruction(
  sharing: Sharing,
  sets: readonly PartySet[],
  number: bigint,
  composite: bigint,
  small = 7n,
): void {
  const shared = [small, GROUP_ORDER, composite].map((modulus) => {
    const secret = number % modulus;
    return { modulus, secret, shares: sharing.deal(secret, modulus) };
  });
  for (const parties of sets) {
    const qualified = isSatisfied(sharing.formula, parties);
    expect(sharing.isQualified(parties)).toBe(qualified);
    const integers = sharing.integerTerms(parties);
    expect(integers === undefined).toBe(!qualified);
    for (const { modulus, secret, shares } of shared) {
      if (integers !== undefined)
        expect(mod(sumOf(integers, shares), modulus)).toBe(mod(sharing.multiplier * secret, modulus));
      if (modulus === composite) continue;
      const terms = sharing.terms(parties, modulus);
      expect(terms === undefined).toBe(!qualified);
      if (terms !== undefined) expect(mod(sumOf(terms, shares), modulus)).toBe(secret);
    }
  }
}

describe("qualified sets, and no others, put the secret together", () => {
  test.each(SHAPES)("%s", (_name, formula) =>
    expectReconstruction(createSharing(formula), subsetsOf(7), 0xabcdefn << 100n, 7n * 24n * 101n, 11n),
  );

  test("any formula: modulo a small prime, the group's order, and D times modulo any number", () => {
    fc.assert(
      fc.property(groups, wholeNumbers, moduli, ([n, formula], number, composite) =>
        expectReconstruction(createSharing(formula), subsetsOf(n), number, composite),
      ),
      { numRuns: 60 },
    );
  });

  test("any threshold of up to 24 parties", () => {
    fc.assert(
      fc.property(thresholds, wholeNumbers, moduli, ({ n, threshold, parties }, number, composite) => {
        const sharing = createSharing(thresholdFormula(threshold, n), n);
        const secret = number % GROUP_ORDER;
        const terms = sharing.terms(PartySet.of(parties), GROUP_ORDER) ?? [];
        expect(mod(sumOf(terms, sharing.deal(secret, GROUP_ORDER)), GROUP_ORDER)).toBe(secret);
        const integers = sharing.integerTerms(PartySet.of(parties)) ?? [];
        const sum = sumOf(integers, sharing.deal(number % composite, composite));
        expect(mod(sum, composite)).toBe(mod(sharing.multiplier * number, composite));
        expect(sharing.integerTerms(PartySet.of(parties.slice(1)))).toBeUndefined();
      }),
    );
  });

  test("4×4: everybody but a row and a column", () => {
    const sets = FOUR_BY_FOUR.corrupted.map((bad) =>
      PartySet.of([...Array(16).keys()].filter((party) => !bad.includes(party))),
    );
    const pairs = [...sets, ...FOUR_BY_FOUR.corrupted.map((bad) => PartySet.of(bad))];
    expectReconstruction(createSharing(FOUR_BY_FOUR.honest), pairs, 1n << 200n, 1n << 64n);
    expectReconstruction(createSharing(FOUR_BY_FOUR.quorum), pairs, 1n << 200n, 1n << 64n);
    // A quorum holds everybody but the corrupted; what is left without these has an honest party.
    for (const set of sets) {
      expect(isSatisfied(FOUR_BY_FOUR.quorum, set)).toBe(true);
      expect(isSatisfied(FOUR_BY_FOUR.honest, set)).toBe(true);
    }
  });

  test("at the largest sizes", () => {
    const wide = createSharing(thresholdFormula(171, 256));
    const heavy = createSharing(
      atLeast(
        600,
        Array.from({ length: 1024 }, (_, i) => i % 64),
      ),
    );
    for (const sharing of [wide, heavy])
      expectReconstruction(sharing, [PartySet.of(sharing.leaves)], 1n << 250n, 1n << 64n, 1031n);
  });
});

describe("terms", () => {
  test("name each leaf of the set at most once, by its party and its place among that party's leaves", () => {
    fc.assert(
      fc.property(groups, fc.nat(), ([n, formula], choice) => {
        const sharing = createSharing(formula);
        expect(sharing.leaves).toEqual(leavesOf(formula));
        const parties = at(subsetsOf(n), choice % 2 ** n);
        const terms = sharing.terms(parties, GROUP_ORDER) ?? [];
        expect(new Set(terms.map(({ leaf }) => leaf)).size).toBe(terms.length);
        for (const { leaf, party, piece, coefficient } of terms) {
          expect(parties.has(party)).toBe(true);
          expect(sharing.leavesOf(party)[piece]).toBe(leaf);
          expect(at(sharing.leaves, leaf)).toBe(party);
          expect(coefficient > 0n && coefficient < GROUP_ORDER).toBe(true);
        }
      }),
    );
  });

  test("are as few as can be", () => {
    const small = fc
      .integer({ min: 1, max: 6 })
      .chain((n) => fc.tuple(fc.constant(n), formulasOver(n, 3, 9), fc.nat({ max: 2 ** n - 1 })));
    fc.assert(
      fc.property(small, ([n, formula, choice]) => {
        const sharing = createSharing(formula);
        const parties = at(subsetsOf(n), choice);
        const own = [...parties].flatMap((party) => sharing.leavesOf(party));
        const sizes = subsetsOf(own.length)
          .map((some) => [...some].map((i) => at(own, i)))
          .filter((leaves) => leavesSatisfy(formula, leaves))
          .map(({ length }) => length);
        expect(sharing.integerTerms(parties)?.length ?? Infinity).toBe(Math.min(...sizes));
      }),
      { numRuns: 40 },
    );
  });

  test("are of the first inputs among equally good ones", () => {
    const leavesUsed = (formula: Formula, parties: readonly PartyId[]): number[] =>
      (createSharing(formula).integerTerms(PartySet.of(parties)) ?? []).map(({ leaf }) => leaf);
    expect(leavesUsed(atLeast(2, [3, 2, 1, 0]), [0, 1, 2])).toEqual([1, 2]);
    expect(leavesUsed(anyOf([allOf([0, 1]), 2, 3]), [0, 1, 2, 3])).toEqual([2]);
  });

  test("of parties 0 and 1 in 2 of 3 are 2 and -1, times D = 3!", () => {
    const sharing = createSharing(thresholdFormula(2, 3));
    const coefficients = (terms: readonly Term[] = []): bigint[] => terms.map(({ coefficient }) => coefficient);
    expect(coefficients(sharing.integerTerms(PartySet.of([0, 1])))).toEqual([12n, -6n]);
    expect(coefficients(sharing.terms(PartySet.of([0, 1]), 101n))).toEqual([2n, 100n]);
  });

  test("in nested gates: coefficients multiply, and each input is brought to the common D", () => {
    // D = 3!·4!: an input that is a lone party takes what the other gate has.
    const sharing = createSharing(atLeast(2, [0, atLeast(3, [1, 2, 3, 4]), 5]));
    const terms = sharing.integerTerms(PartySet.of([0, 1, 2, 3, 4])) ?? [];
    expect(sharing.multiplier).toBe(6n * 24n);
    expect(terms.map(({ leaf, coefficient }) => [leaf, coefficient])).toEqual([
      [0, 2n * 6n * 24n],
      [1, -6n * 24n * 3n],
      [2, -6n * 24n * -3n],
      [3, -6n * 24n],
    ]);
  });

  test("need an order above the width of every gate", () => {
    const sharing = createSharing(thresholdFormula(2, 5));
    expect(() => sharing.terms(PartySet.of([0, 1]), 5n)).toThrow(RangeError);
    expect(() => sharing.terms(PartySet.of([0]), 3n)).toThrow(RangeError);
  });
});

describe("D", () => {
  test("is the product of the m! of the threshold gates", () => {
    const two = atLeast(2, [0, 1, 2]);
    expect(createSharing(0).multiplier).toBe(1n);
    expect(createSharing(allOf([0, 1, anyOf([2, 3, 4])])).multiplier).toBe(1n);
    expect(createSharing(thresholdFormula(5, 7)).multiplier).toBe(factorial(7));
    expect(createSharing(allOf([two, two])).multiplier).toBe(36n);
    expect(createSharing(atLeast(2, [two, atLeast(2, [0, two, 3, 4]), 1])).multiplier).toBe(6n * 6n * 24n * 6n);
  });
});

describe("dealing", () => {
  test("an OR gate copies, an AND gate splits", () => {
    expect(createSharing(anyOf([0, 1, 2])).deal(5n, 101n)).toEqual([5n, 5n, 5n]);
    const summands = createSharing(allOf([0, 1, 2])).deal(5n, GROUP_ORDER);
    expect(
      mod(
        summands.reduce((sum, share) => sum + share, 0n),
        GROUP_ORDER,
      ),
    ).toBe(5n);
    expect(new Set(summands).size).toBe(3);
  });

  test("is random at every gate", () => {
    const sharing = createSharing(allOf([atLeast(2, [0, 1, 2]), atLeast(2, [0, 1, 2]), allOf([3, 4])]));
    const [one, two] = [sharing.deal(1n, GROUP_ORDER), sharing.deal(1n, GROUP_ORDER)];
    expect(new Set([...one, ...two]).size).toBe(2 * sharing.leaves.length);
  });

  test("gives numbers within the modulus", () => {
    fc.assert(
      fc.property(groups, moduli, ([, formula], modulus) => {
        const shares = createSharing(formula).deal(modulus - 1n, modulus);
        expect(shares.every((share) => share >= 0n && share < modulus)).toBe(true);
      }),
    );
  });

  test.each([
    [7n, 7n],
    [-1n, 7n],
  ])("refuses the secret %s modulo %s", (secret, modulus) => {
    expect(() => createSharing(thresholdFormula(2, 3)).deal(secret, modulus)).toThrow(RangeError);
  });
});

test.each<[string, Formula]>([
  ["threshold 0", atLeast(0, [0, 1, 2])],
  ["threshold above the inputs", atLeast(4, [0, 1, 2])],
  ["fractional threshold", atLeast(1.5, [0, 1, 2])],
  ["a gate without inputs", allOf([])],
  ["a foreign party", atLeast(1, [0, 3])],
])("refuses %s", (_name, formula) => expect(() => createSharing(formula, 3)).toThrow(RangeError));

test("leaves of a party that the formula does not name: none", () => {
  const sharing = createSharing(atLeast(2, [1, 3, 1]));
  expect([0, 1, 2, 3, -1, 0.5, Number.NaN, 256].map((party) => sharing.leavesOf(party))).toEqual([
    [],
    [0, 2],
    [],
    [1],
    [],
    [],
    [],
    [],
  ]);
});
