/** Structures against their definitions, on all subsets of few parties. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_PARTIES, PartySet } from "../../src/core/party-set.js";
import {
  GroupError,
  MAX_MAXIMAL_SETS,
  MAX_PACKED_WEIGHT,
  type Structure,
  checkStructure,
  contains,
  coveringSets,
  expand,
  union,
} from "../../src/core/structure.js";

const subset = (mask: number): PartySet =>
  PartySet.of(Array.from({ length: 32 }, (_, party) => party).filter((party) => (mask >>> party) & 1));
const maskOf = (set: PartySet): number => [...set].reduce((mask, party) => mask | (1 << party), 0);
const masks = (n: number): number[] => Array.from({ length: 1 << n }, (_, mask) => mask);
const setsOf = (n: number, ...maskList: number[]): Structure => ({
  kind: "sets",
  sets: maskList.map((mask) => subset(mask & ((1 << n) - 1))),
});

/** Structures over n parties; the adversary of the larger ones covers all. */
function structures(n: number): fc.Arbitrary<Structure> {
  const value = fc.constantFrom("a", "b", "c", "d", "e");
  return fc.oneof(
    fc.record({ kind: fc.constant("threshold" as const), max: fc.nat(2) }),
    fc.array(fc.nat((1 << n) - 1), { maxLength: 5 }).map((maskList) => setsOf(n, ...maskList)),
    fc.record({
      kind: fc.constant("attributes" as const),
      attributes: fc.array(fc.array(value, { minLength: n, maxLength: n }), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      kind: fc.constant("weights" as const),
      weights: fc.array(fc.nat(6), { minLength: n, maxLength: n }),
      max: fc.nat(8),
    }),
  );
}

/** The definition. */
function isCorruptible(structure: Structure, mask: number, n: number): boolean {
  const parties = [...subset(mask)];
  if (structure.kind === "threshold") return parties.length <= structure.max;
  if (structure.kind === "sets") return mask === 0 || structure.sets.some((set) => (mask & ~maskOf(set)) === 0);
  if (structure.kind === "weights")
    return parties.reduce((sum, party) => sum + (structure.weights[party] ?? 0), 0) <= structure.max;
  // All combinations of values.
  let picked = [0];
  for (const values of structure.attributes)
    picked = picked.flatMap((before) =>
      [...new Set(values)].map((value) =>
        Array.from({ length: n }, (_, party) => party)
          .filter((party) => values[party] === value)
          .reduce((mask, party) => mask | (1 << party), before),
      ),
    );
  return picked.some((all) => (mask & ~all) === 0);
}

const familyOf = (structure: Structure, n: number): number[] =>
  masks(n).filter((mask) => isCorruptible(structure, mask, n));

function unions(one: Iterable<number>, other: Iterable<number>): Set<number> {
  const others = [...other];
  return new Set([...one].flatMap((a) => others.map((b) => a | b)));
}

/** Q^{2+3}, by definition. */
function canCover(n: number, byzantine: readonly number[], crash: readonly number[]): boolean {
  const three = unions(unions(byzantine, byzantine), byzantine);
  return unions(three, unions(crash, crash)).has((1 << n) - 1);
}

/** Decides, and when sets are found, that they are what is claimed. */
function coversChecked(n: number, byzantine: Structure, crash: Structure): boolean {
  const covering = coveringSets(n, byzantine, crash);
  if (covering === undefined) return false;
  expect(covering.byzantine.length).toBeLessThanOrEqual(3);
  expect(covering.crash.length).toBeLessThanOrEqual(2);
  for (const set of covering.byzantine) expect(contains(byzantine, set) && set.size > 0).toBe(true);
  for (const set of covering.crash) expect(contains(crash, set) && set.size > 0).toBe(true);
  const all = [...covering.byzantine, ...covering.crash].reduce((sum, set) => sum.union(set), new PartySet());
  expect(all.equals(PartySet.upTo(n))).toBe(true);
  return true;
}

const few = fc.integer({ min: 1, max: 6 });
const nobody: Structure = { kind: "threshold", max: 0 };

describe("PartySet", () => {
  it("has the operations of sets: against the language's own", () => {
    const anyParties = fc.uniqueArray(fc.nat(MAX_PARTIES - 1), { maxLength: 80 });
    const ascending = (parties: number[]): number[] => parties.sort((a, b) => a - b);
    fc.assert(
      fc.property(anyParties, anyParties, (left, right) => {
        const [a, b] = [PartySet.of(left), PartySet.of(right)];
        const both = left.filter((party) => right.includes(party));
        const onlyLeft = left.filter((party) => !right.includes(party));
        for (const [set, wanted] of [
          [a.union(b), [...right, ...onlyLeft]],
          [a.intersection(b), both],
          [a.difference(b), onlyLeft],
        ] as const) {
          expect([...set]).toEqual(ascending([...wanted]));
          expect(set.size).toBe(wanted.length);
        }
        expect(a.sizeWithout(b)).toBe(onlyLeft.length);
        expect(ascending(left)).toEqual([...a]);
      }),
    );
    expect(PartySet.upTo(MAX_PARTIES).size).toBe(MAX_PARTIES);
    expect([...PartySet.upTo(3)]).toEqual([0, 1, 2]);
    expect(PartySet.upTo(33).difference(PartySet.upTo(31)).size).toBe(2);
  });
});

describe("contains", () => {
  it("is the definition, for all subsets", () => {
    const cases = few.chain((n) => fc.record({ n: fc.constant(n), structure: structures(n) }));
    fc.assert(
      fc.property(cases, ({ n, structure }) => {
        for (const mask of masks(n)) expect(contains(structure, subset(mask))).toBe(isCorruptible(structure, mask, n));
        expect(contains(structure, new PartySet())).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it("takes each attribute once, also when two are the same list", () => {
    const values = ["a", "b", "c"];
    const twice: Structure = { kind: "attributes", attributes: [values, values] };
    expect(contains(twice, PartySet.of([0, 2]))).toBe(true);
    expect(contains(twice, PartySet.of([0, 1, 2]))).toBe(false);
  });
});

describe("expand", () => {
  it("gives the maximal sets, and no set twice", () => {
    const cases = few.chain((n) => fc.record({ n: fc.constant(n), structure: structures(n) }));
    fc.assert(
      fc.property(cases, ({ n, structure }) => {
        const expanded = expand(structure, n);
        for (const mask of masks(n)) expect(contains(expanded, subset(mask))).toBe(isCorruptible(structure, mask, n));
        if (structure.kind === "threshold") return;
        const family = familyOf(structure, n);
        const maximal = family.filter((mask) => !family.some((other) => other !== mask && (mask & ~other) === 0));
        const ascending = (list: number[]): number[] => list.sort((a, b) => a - b);
        expect(ascending(expanded.sets.map(maskOf))).toEqual(ascending(maximal));
      }),
      { numRuns: 300 },
    );
  });

  it("keeps no set that the caller may change", () => {
    const set = PartySet.of([0]);
    const expanded = expand({ kind: "sets", sets: [set] }, 4);
    set.add(1);
    expect(contains(expanded, set)).toBe(false);
  });

  it("refuses too many maximal sets, and says how many and what to do", () => {
    // 7 of 15 equal weights: 6435 sets.
    const equal: Structure = { kind: "weights", weights: Array.from({ length: 15 }, () => 1), max: 7 };
    expect(() => expand(equal, 15)).toThrow(GroupError);
    expect(() => expand(equal, 15)).toThrow(`more than 4096 sets; the limit is 4096. Describe it by thresholds`);
    const values = Array.from({ length: 65 }, (_, party) => String(party));
    expect(() => expand({ kind: "attributes", attributes: [values, values] }, 65)).toThrow(
      "4225 sets; the limit is 4096",
    );
    const allowed = values.slice(0, 64);
    expect(expand({ kind: "attributes", attributes: [allowed, allowed] }, 64).sets).toHaveLength((64 * 63) / 2);
  });
});

describe("union", () => {
  it("is what a set of each corrupts", () => {
    const cases = few.chain((n) => fc.record({ n: fc.constant(n), one: structures(n), other: structures(n) }));
    fc.assert(
      fc.property(cases, ({ n, one, other }) => {
        const both = union(one, other, n);
        const wanted = unions(familyOf(one, n), familyOf(other, n));
        for (const mask of masks(n)) expect(contains(both, subset(mask))).toBe(wanted.has(mask));
      }),
      { numRuns: 300 },
    );
  });

  it("stays compact beside nobody", () => {
    const weights: Structure = { kind: "weights", weights: [1, 1, 1, 1], max: 1 };
    expect(union(weights, { kind: "sets", sets: [] }, 4)).toEqual(weights);
    expect(union({ kind: "weights", weights: [1, 2, 3, 4], max: 0 }, weights, 4)).toEqual(weights);
  });
});

describe("coveringSets", () => {
  /** All monotone families over n parties, as their members. */
  function allFamilies(n: number): number[][] {
    const all = masks(n).slice(1);
    const extend = (index: number, family: readonly number[]): number[][] => {
      const mask = all[index];
      if (mask === undefined) return [[...family]];
      const without = extend(index + 1, family);
      const subsetsIn = [...subset(mask)].every((party) => family.includes(mask & ~(1 << party)));
      return subsetsIn ? [...without, ...extend(index + 1, [...family, mask])] : without;
    };
    return extend(0, [0]);
  }

  it("decides Q^{2+3} for every pair of structures over three parties", () => {
    const families = allFamilies(3);
    expect(families).toHaveLength(19);
    for (const byzantine of families)
      for (const crash of families)
        expect(coversChecked(3, setsOf(3, ...byzantine), setsOf(3, ...crash))).toBe(canCover(3, byzantine, crash));
  });

  it("decides Q^3 and Q^2 for every structure over four parties", () => {
    const families = allFamilies(4);
    expect(families).toHaveLength(167);
    for (const family of families) {
      const structure = setsOf(4, ...family);
      expect(coversChecked(4, structure, nobody)).toBe(canCover(4, family, [0]));
      expect(coversChecked(4, nobody, structure)).toBe(canCover(4, [0], family));
    }
  });

  it("decides for every mixture of kinds", () => {
    const cases = few.chain((n) => fc.record({ n: fc.constant(n), byzantine: structures(n), crash: structures(n) }));
    fc.assert(
      fc.property(cases, ({ n, byzantine, crash }) => {
        expect(coversChecked(n, byzantine, crash)).toBe(canCover(n, familyOf(byzantine, n), familyOf(crash, n)));
      }),
      { numRuns: 1000 },
    );
  });

  it("is n > 3·byzantine + 2·crash for thresholds", () => {
    for (const [n, byzantine, crash] of [
      [4, 1, 0],
      [3, 1, 0],
      [8, 1, 2],
      [7, 1, 2],
      [256, 85, 0],
      [255, 85, 0],
      [256, 51, 51],
    ] as const)
      expect(coversChecked(n, { kind: "threshold", max: byzantine }, { kind: "threshold", max: crash })).toBe(
        n <= 3 * byzantine + 2 * crash,
      );
  });

  it("packs weights exactly, where their sum alone does not tell", () => {
    const weights = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 5, maxLength: 7 });
    const tight = weights.chain((list) => {
      const sum = list.reduce((a, b) => a + b, 0);
      return fc.record({
        weights: fc.constant(list),
        max: fc.integer({ min: Math.ceil(sum / 3), max: Math.ceil(sum / 3) + 2 }),
        spare: fc.nat(1),
      });
    });
    fc.assert(
      fc.property(tight, ({ weights: list, max, spare }) => {
        const n = list.length;
        const heavy: Structure = { kind: "weights", weights: list, max };
        const some: Structure = { kind: "threshold", max: spare };
        expect(coversChecked(n, heavy, some)).toBe(canCover(n, familyOf(heavy, n), familyOf(some, n)));
        expect(coversChecked(n, some, heavy)).toBe(canCover(n, familyOf(some, n), familyOf(heavy, n)));
      }),
    );
    // Nine in sum, and three sets of three; but no two of the four fit together.
    const pairs: Structure = { kind: "weights", weights: [2, 2, 2, 2], max: 3 };
    expect(coveringSets(4, pairs, nobody)).toBeUndefined();
  });

  it("packs weights too large for a table by their maximal sets", () => {
    const max = 1_000_000 * MAX_PACKED_WEIGHT;
    const near = [max - 1, max - 2, max - 3, 1, 2, 3];
    expect(coversChecked(6, { kind: "weights", weights: near, max }, nobody)).toBe(true);
    expect(coversChecked(6, { kind: "weights", weights: [...near.slice(0, 5), 4], max }, nobody)).toBe(false);
    expect(coversChecked(7, { kind: "weights", weights: [...near, 2], max: max - 1 }, nobody)).toBe(false);
  });

  it("decides large groups of small weights in time", () => {
    const everyone = Array.from({ length: MAX_PARTIES }, (_, party) => party);
    // Weights of 3, and one of 2: three sets of at most 256 hold 85 parties each, 255.
    const threes = everyone.map((party) => (party === 0 ? 2 : 3));
    expect(coversChecked(MAX_PARTIES, { kind: "weights", weights: threes, max: 256 }, nobody)).toBe(false);
    expect(coversChecked(MAX_PARTIES, { kind: "weights", weights: threes, max: 257 }, nobody)).toBe(true);
    const mixed = everyone.map((party) => 1 + (party % 4));
    expect(coversChecked(MAX_PARTIES, { kind: "weights", weights: mixed, max: 213 }, nobody)).toBe(false);
    expect(coversChecked(MAX_PARTIES, { kind: "weights", weights: mixed, max: 214 }, nobody)).toBe(true);
  });

  it("decides large grids, and those with crashes, in time", () => {
    const grid = (rows: number, columns: number): Structure => {
      const cells = Array.from({ length: rows * columns }, (_, cell) => cell);
      return {
        kind: "attributes",
        attributes: [cells.map((cell) => `r${Math.floor(cell / columns)}`), cells.map((cell) => `c${cell % columns}`)],
      };
    };
    expect(coversChecked(256, grid(16, 16), { kind: "threshold", max: 40 })).toBe(false);
    expect(coversChecked(256, grid(4, 64), { kind: "threshold", max: 30 })).toBe(false);
    expect(coversChecked(256, grid(4, 64), { kind: "threshold", max: 31 })).toBe(true);
    expect(coversChecked(25, grid(5, 5), { kind: "threshold", max: 2 })).toBe(true);
    expect(coversChecked(25, grid(5, 5), { kind: "threshold", max: 1 })).toBe(false);
  });

  it("gives up on a search that takes too long, and says so", () => {
    // Pseudorandom halves of 39 of 40 parties: they cannot cover the last, but first everything else is tried.
    let state = 1;
    const next = (): number => (state = (state * 48_271) % 0x7fff_ffff);
    const half = (): PartySet => PartySet.of([...PartySet.upTo(39)].filter(() => next() % 2 === 0));
    const byzantine: Structure = { kind: "sets", sets: Array.from({ length: 3000 }, half) };
    const crash: Structure = { kind: "sets", sets: Array.from({ length: 50 }, half) };
    expect(() => coveringSets(40, byzantine, crash)).toThrow("takes too long to decide");
  });
});

describe("checkStructure", () => {
  it.each<[Structure, string]>([
    [{ kind: "threshold", max: -1 }, "threshold -1"],
    [{ kind: "threshold", max: 0.5 }, "threshold 0.5"],
    [{ kind: "threshold", max: Number.NaN }, "threshold NaN"],
    [{ kind: "sets", sets: [PartySet.of([0]), PartySet.of([3, 4])] }, "{3,4} names parties that are not within 0..3"],
    [
      { kind: "sets", sets: Array.from({ length: MAX_MAXIMAL_SETS + 1 }, () => PartySet.of([0])) },
      "4097 sets; the limit is 4096",
    ],
    [{ kind: "attributes", attributes: [] }, "0 attributes; there must be 1..6"],
    [{ kind: "attributes", attributes: Array.from({ length: 7 }, () => ["a", "b", "c", "d"]) }, "7 attributes"],
    [{ kind: "attributes", attributes: [["a", "b", "c", "d"], ["a"]] }, "1 values for 4 parties"],
    [{ kind: "weights", weights: [1, 1, 1], max: 0 }, "3 weights for 4 parties"],
    [{ kind: "weights", weights: [1, 1, 1, -1], max: 0 }, "whole numbers"],
    [{ kind: "weights", weights: [1, 1, 1, Number.NaN], max: 0 }, "whole numbers"],
    [{ kind: "weights", weights: [1, 1, 1, 1], max: 0.5 }, "whole numbers"],
    [{ kind: "weights", weights: Array.from({ length: 4 }, () => Number.MAX_SAFE_INTEGER), max: 1 }, "too large"],
  ])("refuses %o", (structure, reason) => {
    expect(() => checkStructure(structure, 4)).toThrow(GroupError);
    expect(() => checkStructure(structure, 4)).toThrow(reason);
    expect(() => coveringSets(4, structure, nobody)).toThrow(reason);
    expect(() => coveringSets(4, nobody, structure)).toThrow(reason);
  });

  it.each([0, -1, 0.5, Number.NaN, MAX_PARTIES + 1])("refuses n=%s", (n) => {
    expect(() => coveringSets(n, nobody, nobody)).toThrow(GroupError);
  });
});
