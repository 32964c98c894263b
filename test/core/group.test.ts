import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type Formula,
  MAX_FORMULA_LEAVES,
  MAX_LEAVES_PER_PARTY,
  checkFormula,
  isSatisfied,
  leavesOf,
  thresholdFormula,
} from "../../src/core/formula.js";
import { type Group, GroupError, coveringSets, structureGroup, thresholdGroup } from "../../src/core/group.js";
import { MAX_PARTIES, PartySet } from "../../src/core/party-set.js";
import { PRESETS, presetNamed } from "../../src/core/presets.js";
import { type Structure, contains } from "../../src/core/structure.js";

/** Thresholds that can be defended. */
const thresholds = fc
  .record({ byzantine: fc.nat(20), crash: fc.nat(10), spare: fc.nat(10) })
  .map(({ byzantine, crash, spare }) => ({ n: 3 * byzantine + 2 * crash + 1 + spare, byzantine, crash }));

const PREDICATES = ["isQuorum", "isBroadcastQuorum", "hasHonest", "meetsEveryQuorum"] as const;

const setOf = (size: number, from = 0): PartySet => PartySet.of(Array.from({ length: size }, (_, i) => from + i));

/** The size of the smallest sets that satisfy `predicate`. */
function smallest(group: Group, predicate: (typeof PREDICATES)[number]): number {
  for (let size = 0; size <= group.n; size++) if (group[predicate](setOf(size))) return size;
  throw new Error(`no set of ${group.n} parties satisfies ${predicate}`);
}

describe("thresholdGroup", () => {
  it("has the thresholds of the design's table", () => {
    fc.assert(
      fc.property(thresholds, ({ n, byzantine: b, crash: c }) => {
        const group = thresholdGroup({ n, byzantine: b, crash: c });
        expect(group.parties).toEqual(Array.from({ length: n }, (_, party) => party));
        expect(smallest(group, "isQuorum")).toBe(n - b - c);
        expect(smallest(group, "isBroadcastQuorum")).toBe(Math.ceil((n + b + 1) / 2));
        expect(smallest(group, "hasHonest")).toBe(b + 1);
        expect(smallest(group, "meetsEveryQuorum")).toBe(b + c + 1);
      }),
    );
  });

  it("keeps what the protocols need of it", () => {
    fc.assert(
      fc.property(thresholds, ({ n, byzantine: b, crash: c }) => {
        const group = thresholdGroup({ n, byzantine: b, crash: c });
        const [quorum, broadcast] = [smallest(group, "isQuorum"), smallest(group, "isBroadcastQuorum")];
        // What one waits for comes, although b are silent and c have stopped.
        expect(quorum).toBeLessThanOrEqual(n - b - c);
        expect(broadcast).toBeLessThanOrEqual(n - b - c);
        // Any two of them share more than the corrupted.
        expect(2 * quorum - n).toBeGreaterThan(b);
        expect(2 * broadcast - n).toBeGreaterThan(b);
        // The honest and alive of a quorum contain a truthful witness.
        expect(quorum - b).toBeGreaterThanOrEqual(smallest(group, "hasHonest"));
        // Every quorum meets it.
        expect(quorum + smallest(group, "meetsEveryQuorum")).toBeGreaterThan(n);
      }),
    );
  });

  it("asks for the size alone, and more parties never hurt", () => {
    const group = thresholdGroup({ n: 10, byzantine: 3 });
    for (const predicate of PREDICATES) {
      for (let size = 0; size < 10; size++) {
        expect(group[predicate](setOf(size, 10 - size))).toBe(group[predicate](setOf(size)));
        expect(group[predicate](setOf(size + 1)) || !group[predicate](setOf(size))).toBe(true);
      }
    }
  });

  it("has formulas that say the same", () => {
    fc.assert(
      fc.property(thresholds, ({ n, byzantine, crash }) => {
        const { access, ...group } = thresholdGroup({ n, byzantine, crash });
        for (let size = 0; size <= n; size++) {
          const set = setOf(size);
          expect(isSatisfied(access.honest, set)).toBe(group.hasHonest(set));
          expect(isSatisfied(access.quorum, set)).toBe(group.isQuorum(set));
          expect(isSatisfied(access.broadcastQuorum, set)).toBe(group.isBroadcastQuorum(set));
        }
        for (const formula of Object.values(access)) expect(checkFormula(formula, n)).toBeUndefined();
      }),
    );
    expect(thresholdGroup({ n: 4, byzantine: 1 }).access.honest).toEqual(thresholdFormula(2, 4));
  });

  it("is the plain case for n=4, t=1", () => {
    const group = thresholdGroup({ n: 4, byzantine: 1 });
    expect(PREDICATES.map((predicate) => smallest(group, predicate))).toEqual([3, 3, 2, 2]);
  });

  it("accepts a single party and the largest group", () => {
    expect(thresholdGroup({ n: 1, byzantine: 0 }).isQuorum(setOf(1))).toBe(true);
    expect(smallest(thresholdGroup({ n: MAX_PARTIES, byzantine: 85 }), "isQuorum")).toBe(171);
  });

  it("refuses exactly what Q^{2+3} rules out, and says what is needed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_PARTIES }), fc.nat(100), fc.nat(100), (n, byzantine, crash) => {
        const make = (): Group => thresholdGroup({ n, byzantine, crash });
        if (n > 3 * byzantine + 2 * crash) expect(make().n).toBe(n);
        else expect(make).toThrow(GroupError);
      }),
    );
    expect(() => thresholdGroup({ n: 6, byzantine: 2 })).toThrow("n=6 parties cannot tolerate t=2");
  });

  it.each([
    { n: 0, byzantine: 0 },
    { n: MAX_PARTIES + 1, byzantine: 0 },
    { n: 4.5, byzantine: 1 },
    { n: Number.NaN, byzantine: 0 },
    { n: 4, byzantine: -1 },
    { n: 4, byzantine: 0.5 },
    { n: 4, byzantine: Number.NaN },
    { n: 4, byzantine: 0, crash: -1 },
    { n: 4, byzantine: 0, crash: 0.1 },
  ])("refuses %o", (options) => {
    expect(() => thresholdGroup(options)).toThrow(GroupError);
  });
});

const nobody: Structure = { kind: "threshold", max: 0 };
const numbers = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const subset = (mask: number): PartySet => PartySet.of(numbers(32).filter((party) => (mask >>> party) & 1));
const subsets = (n: number): PartySet[] => numbers(1 << n).map(subset);

/** Small structures over n parties, so that three of one and two of another often cannot cover all. */
function structures(n: number): fc.Arbitrary<Structure> {
  const manyOf = <T>(item: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.array(item, { minLength: n, maxLength: n });
  return fc.oneof(
    fc.record({ kind: fc.constant("threshold" as const), max: fc.nat(1) }),
    fc
      .array(fc.array(fc.nat(n - 1), { maxLength: 2 }), { maxLength: 5 })
      .map((sets): Structure => ({ kind: "sets", sets: sets.map((set) => PartySet.of(set)) })),
    fc.record({
      kind: fc.constant("attributes" as const),
      attributes: fc.array(manyOf(fc.constantFrom("a", "b", "c", "d", "e", "f")), { minLength: 1, maxLength: 2 }),
    }),
    fc.record({ kind: fc.constant("weights" as const), weights: manyOf(fc.nat(4)), max: fc.nat(3) }),
  );
}

/** The predicates by definition, for a group of few parties. */
function expectDefinitions(group: Group, byzantine: Structure, crash: Structure): void {
  const all = subsets(group.n);
  const [byzantineSets, crashSets] = [byzantine, crash].map((structure) =>
    all.filter((set) => contains(structure, set)),
  );
  const key = String;
  const together = new Set(byzantineSets?.flatMap((b) => crashSets?.map((c) => key(b.union(c)))));
  const everyone = PartySet.upTo(group.n);
  for (const set of all) {
    const isQuorum = together.has(key(everyone.difference(set)));
    const hasHonest = !contains(byzantine, set);
    expect(group.isQuorum(set)).toBe(isQuorum);
    expect(group.isBroadcastQuorum(set)).toBe(isQuorum);
    expect(group.hasHonest(set)).toBe(hasHonest);
    expect(group.meetsEveryQuorum(set)).toBe(!together.has(key(set)));
    expect(isSatisfied(group.access.honest, set)).toBe(hasHonest);
    expect(isSatisfied(group.access.quorum, set)).toBe(isQuorum);
    expect(isSatisfied(group.access.broadcastQuorum, set)).toBe(isQuorum);
  }
}

/** Pairs within the parties 1..parties, `count` of them. */
function somePairs(parties: number, count: number): Structure {
  const pairs = numbers(parties).flatMap((i) => numbers(i).map((j) => PartySet.of([1 + i, 1 + j])));
  return { kind: "sets", sets: pairs.slice(0, count) };
}

/** Cells of a box, an attribute for each dimension. */
function box(...sides: number[]): { n: number; byzantine: Structure } {
  const n = sides.reduce((product, side) => product * side, 1);
  let stride = 1;
  const attributes = sides.map((side) => {
    const values = numbers(n).map((cell) => String(Math.floor(cell / stride) % side));
    stride *= side;
    return values;
  });
  return { n, byzantine: { kind: "attributes", attributes } };
}

function leavesPerParty(formula: Formula): number {
  const counts = new Map<number, number>();
  for (const party of leavesOf(formula)) counts.set(party, (counts.get(party) ?? 0) + 1);
  return Math.max(...counts.values());
}

describe("structureGroup", () => {
  const accepted = fc
    .integer({ min: 3, max: 7 })
    .chain((n) =>
      fc.record({ n: fc.constant(n), byzantine: structures(n), crash: fc.oneof(fc.constant(nobody), structures(n)) }),
    )
    .filter(({ byzantine, crash }) => byzantine.kind !== "threshold" || crash.kind !== "threshold")
    .filter(({ n, byzantine, crash }) => coveringSets(n, byzantine, crash) === undefined);

  it("has the predicates of the definition, and formulas that say the same, for all sets", () => {
    fc.assert(
      fc.property(accepted, ({ n, byzantine, crash }) => {
        const group = structureGroup({ n, byzantine, crash });
        expect(group.n).toBe(n);
        expect(group.parties).toEqual(numbers(n));
        for (const formula of Object.values(group.access)) expect(checkFormula(formula, n)).toBeUndefined();
        expectDefinitions(group, byzantine, crash);
      }),
      { numRuns: 150 },
    );
  });

  it("keeps what the protocols need of it", () => {
    fc.assert(
      fc.property(accepted, fc.nat(127), fc.nat(127), ({ n, byzantine, crash }, one, other) => {
        const group = structureGroup({ n, byzantine, crash });
        const everyone = PartySet.upTo(n);
        const [a, b] = [subset(one), subset(other)].map((set) => everyone.intersection(set));
        if (a === undefined || b === undefined) throw new Error("two sets");
        if (group.isQuorum(a) && group.isQuorum(b)) expect(group.hasHonest(a.intersection(b))).toBe(true);
        if (group.isQuorum(a) && contains(byzantine, b)) expect(group.hasHonest(a.difference(b))).toBe(true);
        if (group.isQuorum(a) && group.meetsEveryQuorum(b)) expect(a.intersection(b).size).toBeGreaterThan(0);
        for (const predicate of PREDICATES) if (group[predicate](a)) expect(group[predicate](a.union(b))).toBe(true);
      }),
    );
  });

  it("does not count strangers", () => {
    fc.assert(
      fc.property(accepted, fc.nat(127), ({ n, byzantine, crash }, mask) => {
        const group = structureGroup({ n, byzantine, crash });
        const set = PartySet.upTo(n).intersection(subset(mask));
        for (const predicate of PREDICATES)
          expect(group[predicate](set.union(PartySet.of([n, 255])))).toBe(group[predicate](set));
      }),
      { numRuns: 50 },
    );
  });

  it("is thresholdGroup for thresholds", () => {
    const group = structureGroup({
      n: 8,
      byzantine: { kind: "threshold", max: 1 },
      crash: { kind: "threshold", max: 2 },
    });
    expect(PREDICATES.map((predicate) => smallest(group, predicate))).toEqual([5, 5, 2, 4]);
    expect(group.access).toEqual(thresholdGroup({ n: 8, byzantine: 1, crash: 2 }).access);
    expect(structureGroup({ n: 4, byzantine: { kind: "threshold", max: 1 } }).access.quorum).toEqual(
      thresholdFormula(3, 4),
    );
    // Smaller than a quorum.
    expect(smallest(structureGroup({ n: 7, byzantine: { kind: "threshold", max: 1 } }), "isBroadcastQuorum")).toBe(5);
  });

  it("does not change when the caller's sets do", () => {
    const set = PartySet.of([0]);
    const group = structureGroup({ n: 4, byzantine: { kind: "sets", sets: [set] } });
    set.add(1);
    expect(group.hasHonest(set)).toBe(true);
    expect(group.meetsEveryQuorum(set)).toBe(true);
  });

  it("refuses what Q^{2+3} rules out, and names the sets", () => {
    const pairs = (...sets: number[][]): Structure => ({ kind: "sets", sets: sets.map((set) => PartySet.of(set)) });
    expect(() => structureGroup({ n: 5, byzantine: pairs([0, 1], [2, 3], [4]) })).toThrow(
      new GroupError(
        "the group cannot be defended: {4} ∪ {2,3} ∪ {0,1} cover all parties ({4}, {2,3}, {0,1} may be Byzantine), " +
          "and three sets that may be Byzantine and two that may crash must never do so (Q^{2+3})",
      ),
    );
    expect(() => structureGroup({ n: 4, byzantine: nobody, crash: pairs([0, 1], [2, 3]) })).toThrow(
      "{2,3} ∪ {0,1} cover all parties ({2,3}, {0,1} may crash), and",
    );
    expect(() => structureGroup({ n: 3, byzantine: pairs([0]), crash: { kind: "threshold", max: 1 } })).toThrow(
      "{0} ∪ {1} ∪ {2} cover all parties ({0} may be Byzantine; {1}, {2} may crash), and",
    );
    expect(structureGroup({ n: 5, byzantine: pairs([0, 1], [2, 3]) }).hasHonest(PartySet.of([1, 2]))).toBe(true);
  });

  it("refuses a structure that is wrong", () => {
    expect(() => structureGroup({ n: 4, byzantine: { kind: "weights", weights: [1], max: 0 } })).toThrow(GroupError);
    expect(() => structureGroup({ n: 4, byzantine: { kind: "threshold", max: 0.5 } })).toThrow(GroupError);
    expect(() => structureGroup({ n: 0, byzantine: { kind: "weights", weights: [], max: 0 } })).toThrow(GroupError);
  });
});

describe("the formulas of structures", () => {
  it("are as large as the limits allow, and no larger", () => {
    const largest = structureGroup({ n: 34, byzantine: somePairs(12, 32) }).access;
    expect(leavesOf(largest.honest)).toHaveLength(MAX_FORMULA_LEAVES);
    expect(leavesPerParty(largest.honest)).toBe(MAX_LEAVES_PER_PARTY);
    expect(() => structureGroup({ n: 35, byzantine: somePairs(12, 32) })).toThrow(
      new GroupError(
        "keys for this adversary structure would need a formula of 1056 leaves, 32 of one party; the limits are 1024 and 32. " +
          "Describe it by thresholds, weights or attributes instead of sets, or have fewer parties",
      ),
    );
    expect(() => structureGroup({ n: 20, byzantine: somePairs(12, 33) })).toThrow("594 leaves, 33 of one party");
  });

  it("of weights are as large as their sum, and otherwise those of the maximal sets", () => {
    const equal = (n: number, weight: number, max: number): Structure => ({
      kind: "weights",
      weights: numbers(n).map(() => weight),
      max,
    });
    const { access } = structureGroup({ n: 32, byzantine: equal(32, 32, 341) });
    expect(leavesOf(access.honest)).toHaveLength(MAX_FORMULA_LEAVES);
    // 33 for each party would be too many: 4 maximal sets.
    expect(leavesOf(structureGroup({ n: 4, byzantine: equal(4, 33, 40) }).access.honest)).toHaveLength(12);
    expect(() => structureGroup({ n: 33, byzantine: equal(33, 32, 341) })).toThrow("more than 4096 sets");
    const heavy: Structure = { kind: "weights", weights: [4000, 3000, 3000, 2000, 2000, 1000, 1000], max: 5999 };
    const fine = presetNamed("weighted")?.byzantine ?? nobody;
    expect(() => structureGroup({ n: 7, byzantine: { ...heavy, max: 6000 } })).toThrow("cover all parties");
    expectDefinitions(structureGroup({ n: 7, byzantine: { ...heavy, max: 5300 } }), fine, nobody);
  });

  it("of attributes are small: all numbers of values but the greatest, less one, multiplied", () => {
    for (const [sides, each] of [
      [[4], 1],
      [[4, 5], 3],
      [[5, 4], 3],
      [[4, 4, 5], 9],
    ] as const) {
      const { n, byzantine } = box(...sides);
      const { honest, quorum } = structureGroup({ n, byzantine }).access;
      expect([leavesOf(honest).length, leavesPerParty(honest)]).toEqual([n * each, each]);
      expect([leavesOf(quorum).length, leavesPerParty(quorum)]).toEqual([n * each, each]);
    }
    expect(() => structureGroup(box(4, 8, 8))).toThrow("5376 leaves, 21 of one party");
  });

  it("of attributes are right for three of them, too", () => {
    const { n, byzantine } = box(4, 4, 5);
    const group = structureGroup({ n, byzantine });
    fc.assert(
      fc.property(fc.array(fc.nat(n - 1), { maxLength: 12 }), (parties) => {
        const set = PartySet.of(parties);
        expect(isSatisfied(group.access.honest, set)).toBe(group.hasHonest(set));
        expect(isSatisfied(group.access.quorum, PartySet.upTo(n).difference(set))).toBe(!group.hasHonest(set));
      }),
    );
  });

  it("of a structure with crashes by threshold have a gate for each maximal set", () => {
    const { n, byzantine } = box(5, 5);
    const group = structureGroup({
      n,
      byzantine,
      crash: { kind: "threshold", max: 1 },
    });
    expect(leavesOf(group.access.quorum)).toHaveLength(25 * 16);
    fc.assert(
      fc.property(fc.array(fc.nat(n - 1), { maxLength: 14 }), (parties) => {
        const set = PartySet.of(parties);
        const others = PartySet.upTo(n).difference(set);
        const isMissing = [set, ...[...set].map((party) => set.difference(PartySet.of([party])))].some((rest) =>
          contains(byzantine, rest),
        );
        expect(group.meetsEveryQuorum(set)).toBe(!isMissing);
        expect(group.isQuorum(others)).toBe(isMissing);
        expect(isSatisfied(group.access.quorum, others)).toBe(isMissing);
      }),
    );
  });
});

describe("the presets", () => {
  it.each(PRESETS.map((preset) => [preset.name, preset] as const))("%s is a group", (name, preset) => {
    const group = structureGroup(preset);
    expect(group.n).toBe(preset.n);
    expect(preset.parties).toHaveLength(preset.n);
    expect(presetNamed(name)).toBe(preset);
    expect(coveringSets(preset.n, preset.byzantine, preset.crash)).toBeUndefined();
    if (preset.byzantine.kind !== "attributes") return;
    const values = preset.parties.map(({ attributes }) => Object.values(attributes));
    expect(numbers(values[0]?.length ?? 0).map((i) => values.map((own) => own[i]))).toEqual(
      preset.byzantine.attributes,
    );
  });

  it("have names of their own", () => {
    expect(PRESETS.map(({ name }) => name)).toEqual(["4x4", "hybrid-8", "weighted", "crash-3", "paley-19"]);
    expect(presetNamed("nothing")).toBeUndefined();
  });

  it("4x4: a site and a system, and formulas of 48 leaves that are right for all 2^16 sets", () => {
    const group = structureGroup(presetNamed("4x4") ?? { n: 0, byzantine: nobody });
    const cross = (row: number, column: number): number =>
      numbers(16).reduce((mask, cell) => (cell >>> 2 === row || (cell & 3) === column ? mask | (1 << cell) : mask), 0);
    const crosses = numbers(16).map((cell) => cross(cell >>> 2, cell & 3));
    expect(crosses.map((mask) => subset(mask).size)).toEqual(numbers(16).map(() => 7));
    const wrong = numbers(1 << 16).filter((mask) => {
      const set = subset(mask);
      const hasHonest = !crosses.some((cross) => (mask & ~cross) === 0);
      const isQuorum = crosses.some((cross) => (0xffff & ~mask & ~cross) === 0);
      return (
        group.hasHonest(set) !== hasHonest ||
        group.meetsEveryQuorum(set) !== hasHonest ||
        group.isQuorum(set) !== isQuorum ||
        isSatisfied(group.access.honest, set) !== hasHonest ||
        isSatisfied(group.access.quorum, set) !== isQuorum
      );
    });
    expect(wrong).toEqual([]);
    for (const formula of Object.values(group.access)) {
      expect(leavesOf(formula)).toHaveLength(48);
      expect(leavesPerParty(formula)).toBe(3);
    }
  });

  it("paley-19: sets of 10 of which no three cover all, and 9 leaves for each party", () => {
    const { byzantine } = presetNamed("paley-19") ?? { byzantine: nobody };
    const sets = byzantine.kind === "sets" ? byzantine.sets : [];
    expect(sets.map(({ size }) => size)).toEqual(numbers(19).map(() => 10));
    const sizes = sets.flatMap((a) => sets.flatMap((b) => sets.map((c) => a.union(b).union(c).size)));
    expect(Math.max(...sizes)).toBe(18);
    const { honest, quorum } = structureGroup({ n: 19, byzantine }).access;
    for (const formula of [honest, quorum]) {
      expect(leavesOf(formula)).toHaveLength(171);
      expect(leavesPerParty(formula)).toBe(9);
    }
  });
});
