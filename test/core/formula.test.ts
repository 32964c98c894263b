import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EncodeError, decode, encode } from "../../src/core/codec.js";
import {
  type Formula,
  MAX_FORMULA_DEPTH,
  MAX_FORMULA_LEAVES,
  MAX_LEAVES_PER_PARTY,
  allOf,
  anyOf,
  atLeast,
  checkFormula,
  dual,
  formulaCodec,
  isSatisfied,
  leavesOf,
  sameFormula,
  thresholdFormula,
  weightedFormula,
} from "../../src/core/formula.js";
import { PartySet } from "../../src/core/party-set.js";

const PARTIES = 6;

/** Formulas over the parties 0..5, at most three gates deep. */
const formulas: fc.Arbitrary<Formula> = fc.letrec<{ node: Formula }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3 },
    fc.nat(PARTIES - 1),
    fc
      .record({ of: fc.array(tie("node"), { minLength: 1, maxLength: 3 }), spare: fc.nat(2) })
      .map(({ of, spare }) => atLeast(1 + (spare % of.length), of)),
  ),
})).node;

const subset = (mask: number): PartySet =>
  PartySet.of(Array.from({ length: 32 }, (_, party) => party).filter((party) => (mask >>> party) & 1));
const sets = Array.from({ length: 1 << PARTIES }, (_, mask) => subset(mask));
const everyone = PartySet.upTo(PARTIES);

/** By definition, without the shortcuts. */
function holds(formula: Formula, set: PartySet): boolean {
  if (typeof formula === "number") return set.has(formula);
  return formula.of.filter((input) => holds(input, set)).length >= formula.threshold;
}

/** One party below `gates` gates. */
function nested(gates: number): Formula {
  return gates === 0 ? 0 : atLeast(1, [nested(gates - 1)]);
}

/** A gate over `leaves` leaves of which no party has more than 32. */
function wide(leaves: number): Formula {
  return anyOf(Array.from({ length: leaves }, (_, leaf) => Math.floor(leaf / MAX_LEAVES_PER_PARTY)));
}

describe("isSatisfied", () => {
  it("is the definition, and monotone", () => {
    fc.assert(
      fc.property(formulas, fc.nat(63), fc.nat(63), (formula, mask, more) => {
        expect(isSatisfied(formula, subset(mask))).toBe(holds(formula, subset(mask)));
        if (isSatisfied(formula, subset(mask))) expect(isSatisfied(formula, subset(mask | more))).toBe(true);
      }),
    );
  });

  it("knows AND, OR, thresholds and weights", () => {
    for (const set of sets) {
      expect(isSatisfied(allOf([1, 3, 5]), set)).toBe(set.has(1) && set.has(3) && set.has(5));
      expect(isSatisfied(anyOf([1, 3]), set)).toBe(set.has(1) || set.has(3));
      expect(isSatisfied(thresholdFormula(4, PARTIES), set)).toBe(set.size >= 4);
      const weights = [5, 3, 2, 1, 1, 0];
      const weight = [...set].reduce((sum, party) => sum + (weights[party] ?? 0), 0);
      expect(isSatisfied(weightedFormula(6, weights), set)).toBe(weight >= 6);
    }
  });
});

describe("leavesOf", () => {
  it("goes from left to right", () => {
    expect(leavesOf(3)).toEqual([3]);
    expect(leavesOf(allOf([2, anyOf([0, 1, 0]), atLeast(2, [5, allOf([4]), 2])]))).toEqual([2, 0, 1, 0, 5, 4, 2]);
    expect(leavesOf(weightedFormula(2, [2, 0, 1]))).toEqual([0, 0, 2]);
  });
});

describe("dual", () => {
  it("holds for a set exactly when the formula does not hold for the others", () => {
    fc.assert(
      fc.property(formulas, (formula) => {
        for (const set of sets) expect(isSatisfied(dual(formula), set)).toBe(!holds(formula, everyone.difference(set)));
        expect(dual(dual(formula))).toEqual(formula);
        expect(leavesOf(dual(formula))).toEqual(leavesOf(formula));
      }),
    );
    expect(dual(allOf([0, anyOf([1, 2]), atLeast(2, [3, 4, 5, 0])]))).toEqual(
      anyOf([0, allOf([1, 2]), atLeast(3, [3, 4, 5, 0])]),
    );
  });
});

describe("checkFormula", () => {
  it("accepts formulas, also at each limit", () => {
    fc.assert(
      fc.property(formulas, (formula) => {
        expect(checkFormula(formula, PARTIES)).toBeUndefined();
      }),
    );
    expect(checkFormula(255)).toBeUndefined();
    expect(checkFormula(nested(MAX_FORMULA_DEPTH))).toBeUndefined();
    expect(checkFormula(wide(MAX_FORMULA_LEAVES))).toBeUndefined();
    expect(checkFormula(weightedFormula(3, [MAX_LEAVES_PER_PARTY]))).toBeUndefined();
  });

  it.each<[string, unknown, string]>([
    ["a party that is not there", 4, "party 4 is not within 0..3"],
    ["a negative party", -1, "party -1"],
    ["half a party", 0.5, "party 0.5"],
    ["NaN", Number.NaN, "party NaN"],
    ["infinity", Number.POSITIVE_INFINITY, "party Infinity"],
    ["null", null, "neither"],
    ["nothing", undefined, "neither"],
    ["a text", "0", "neither"],
    ["a list", [0, 1], "neither"],
    ["an empty object", {}, "neither"],
    ["a gate without a threshold", { of: [0] }, "neither"],
    ["another key in place of the threshold", { of: [0], also: 1 }, "neither"],
    ["a gate without inputs", { threshold: 1 }, "neither"],
    ["a gate with another key", { threshold: 1, of: [0], also: 1 }, "neither"],
    ["a gate with another key in place of one", { threshold: 1, off: [0] }, "neither"],
    ["inputs that are no list", { threshold: 1, of: { length: 1, 0: 0 } }, "neither"],
    ["a threshold of 0", { threshold: 0, of: [0] }, "threshold is not within 1..1"],
    ["a threshold above the inputs", { threshold: 3, of: [0, 1] }, "threshold is not within 1..2"],
    ["a threshold that is no number", { threshold: "1", of: [0] }, "threshold"],
    ["a threshold of NaN", { threshold: Number.NaN, of: [0] }, "threshold"],
    ["half a threshold", { threshold: 1.5, of: [0, 1] }, "threshold"],
    ["an empty gate", { threshold: 1, of: [] }, "threshold is not within 1..0"],
    ["a wrong node inside", { threshold: 1, of: [0, { threshold: 1, of: [null] }] }, "neither"],
  ])("refuses %s", (_, value, reason) => {
    expect(checkFormula(value, 4)).toContain(reason);
  });

  it("refuses what exceeds a limit, and says which", () => {
    expect(checkFormula(256)).toContain("party 256");
    expect(checkFormula(nested(MAX_FORMULA_DEPTH + 1))).toBe("the formula is deeper than 8 gates");
    expect(checkFormula(wide(MAX_FORMULA_LEAVES + 1))).toBe("the formula has more than 1024 leaves");
    expect(checkFormula(weightedFormula(3, [1, MAX_LEAVES_PER_PARTY + 1]))).toBe(
      "party 1 stands in more than 32 places",
    );
    expect(
      checkFormula(allOf([anyOf(Array.from({ length: 20 }, () => 7)), anyOf(Array.from({ length: 20 }, () => 7))])),
    ).toBe("party 7 stands in more than 32 places");
  });

  it("answers at once to what is far too deep or too wide", () => {
    const depth = 100_000;
    let deep: unknown = 0;
    for (let gates = 0; gates < depth; gates++) deep = { threshold: 1, of: [deep] };
    expect(checkFormula(deep)).toContain("deeper");
    expect(checkFormula({ threshold: 1, of: Array.from({ length: 1_000_000 }, (_, i) => i % 256) })).toContain(
      "leaves",
    );
  });

  it("takes any JSON value", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const problem = checkFormula(value, PARTIES);
        expect(problem === undefined || problem.length > 0).toBe(true);
      }),
    );
  });
});

describe("formulaCodec", () => {
  it("keeps formulas", () => {
    fc.assert(
      fc.property(formulas, (formula) => {
        expect(decode(formulaCodec, encode(formulaCodec, formula))).toEqual({ ok: true, value: formula });
      }),
    );
    const largest = wide(MAX_FORMULA_LEAVES);
    expect(decode(formulaCodec, encode(formulaCodec, largest))).toEqual({ ok: true, value: largest });
    const deepest = nested(MAX_FORMULA_DEPTH);
    expect(decode(formulaCodec, encode(formulaCodec, deepest))).toEqual({ ok: true, value: deepest });
  });

  it("is canonical and total: mutated bytes are refused, or are the encoding of a formula", () => {
    const edits = fc.array(
      fc.record({ at: fc.nat(), byte: fc.nat(255), kind: fc.constantFrom("set", "cut", "insert") }),
      {
        minLength: 1,
        maxLength: 3,
      },
    );
    fc.assert(
      fc.property(formulas, edits, (formula, edits) => {
        const bytes = [...encode(formulaCodec, formula)];
        for (const { at, byte, kind } of edits) {
          const place = at % (bytes.length + 1);
          if (kind === "set") bytes.splice(place, 1, byte);
          else if (kind === "cut") bytes.splice(place);
          else bytes.splice(place, 0, byte);
        }
        expectCanonical(Uint8Array.from(bytes));
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 40 }), expectCanonical));
  });

  function expectCanonical(bytes: Uint8Array): void {
    const decoded = decode(formulaCodec, bytes);
    if (!decoded.ok) {
      expect(decoded.error).not.toBe("");
      return;
    }
    expect(checkFormula(decoded.value)).toBeUndefined();
    expect(encode(formulaCodec, decoded.value)).toEqual(bytes);
  }

  const gate = (threshold: number, count: number, ...rest: number[]): number[] => [
    1,
    ...[threshold, count].flatMap((value) => [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255]),
    ...rest,
  ];
  const decodeBytes = (bytes: readonly number[]): string => {
    const decoded = decode(formulaCodec, Uint8Array.from(bytes));
    return decoded.ok ? "accepted" : decoded.error;
  };

  it("refuses bytes of no formula, with the reason", () => {
    expect(decodeBytes(gate(1, 1, 0, 9))).toBe("accepted");
    expect(decodeBytes([])).toContain("truncated");
    expect(decodeBytes([2, 0])).toContain("no node");
    expect(decodeBytes([0, 1, 0])).toContain("left over");
    expect(decodeBytes(gate(2, 1, 0, 9))).toContain("threshold");
    expect(decodeBytes(gate(1, 0))).toContain("threshold");
    expect(decodeBytes(gate(1, 0xffff_ffff))).toContain("a gate of 4294967295 inputs");
    expect(decodeBytes(gate(1, MAX_FORMULA_LEAVES + 1, ...Array.from({ length: 2050 }, () => 0)))).toContain(
      "a gate of 1025",
    );
    const deep = (gates: number): number[] => [...Array.from({ length: gates }, () => gate(1, 1)).flat(), 0, 3];
    expect(decodeBytes(deep(MAX_FORMULA_DEPTH))).toBe("accepted");
    expect(decodeBytes(deep(MAX_FORMULA_DEPTH + 1))).toContain("no node");
    expect(decodeBytes(deep(100_000))).toContain("no node");
    expect(decodeBytes(gate(1, 33, ...Array.from({ length: 33 }, () => [0, 5]).flat()))).toContain(
      "more than 32 places",
    );
  });

  it("writes no formula beyond the limits", () => {
    for (const formula of [256, nested(MAX_FORMULA_DEPTH + 1), wide(MAX_FORMULA_LEAVES + 1), atLeast(0, [1])])
      expect(() => encode(formulaCodec, formula)).toThrow(EncodeError);
  });

  it("compares", () => {
    fc.assert(
      fc.property(formulas, formulas, (one, other) => {
        expect(sameFormula(one, one)).toBe(true);
        expect(sameFormula(one, other)).toBe(JSON.stringify(one) === JSON.stringify(other));
      }),
    );
    expect(sameFormula(atLeast(1, [0, 1]), atLeast(2, [0, 1]))).toBe(false);
    expect(sameFormula(atLeast(1, [0, 1]), atLeast(1, [1, 0]))).toBe(false);
  });
});
