/** Formulas to test with, and every set of a few parties. */
import fc from "fast-check";
import { type Formula, allOf, anyOf, atLeast, leavesOf, weightedFormula } from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";

/** Formulas over the parties 0..n-1 with gates of up to five inputs, `depth` deep; the same party may come again. */
export function formulasOver(n: number, depth = 3, maxLeaves = 14): fc.Arbitrary<Formula> {
  const party: fc.Arbitrary<Formula> = fc.nat({ max: n - 1 });
  const node = (below: number): fc.Arbitrary<Formula> =>
    below === 0 ? party : fc.oneof({ arbitrary: party, weight: 2 }, { arbitrary: gate(below), weight: 1 });
  const gate = (height: number): fc.Arbitrary<Formula> =>
    fc
      .tuple(fc.array(node(height - 1), { minLength: 1, maxLength: 5 }), fc.nat())
      .map(([of, choice]) => atLeast(1 + (choice % of.length), of));
  return gate(depth).filter((formula) => leavesOf(formula).length <= maxLeaves);
}

/** All 2^n sets of the parties 0..n-1. */
export function subsetsOf(n: number): PartySet[] {
  return Array.from({ length: 2 ** n }, (_, bits) =>
    PartySet.of([...Array(n).keys()].filter((party) => ((bits >>> party) & 1) === 1)),
  );
}

const FOUR = [0, 1, 2, 3];
const cell = (row: number, column: number): PartyId => 4 * row + column;

/** Sixteen parties in four rows and columns, of which a row and a column together may be corrupted. */
export const FOUR_BY_FOUR = {
  /** Sets with an honest party. */
  honest: allOf(
    FOUR.map((i) =>
      atLeast(
        2,
        FOUR.map((c) => anyOf(FOUR.filter((r) => r !== i).map((r) => cell(r, c)))),
      ),
    ),
  ),
  /** Sets that the honest parties always make up. */
  quorum: anyOf(
    FOUR.map((j) =>
      atLeast(
        3,
        FOUR.map((r) => allOf(FOUR.filter((c) => c !== j).map((c) => cell(r, c)))),
      ),
    ),
  ),
  /** What the adversary may corrupt at most. */
  corrupted: FOUR.flatMap((row) =>
    FOUR.map((column) =>
      FOUR.flatMap((k) => [cell(row, k), cell(k, column)]).filter((p, i, all) => all.indexOf(p) === i),
    ),
  ),
};

/** The shapes that formulas come in, over the parties 0..6. */
export const SHAPES: readonly (readonly [string, Formula])[] = [
  ["a lone party", 0],
  ["a gate of one", anyOf([0])],
  ["threshold", atLeast(3, [0, 1, 2, 3, 4])],
  ["AND", allOf([0, 1, 2])],
  ["OR", anyOf([0, 1, 2])],
  ["weights", weightedFormula(4, [3, 2, 1, 0, 1])],
  ["one party in every place", atLeast(2, [0, 0, 0])],
  ["a party on both sides of AND", allOf([anyOf([0, 1]), anyOf([0, 2])])],
  ["threshold of thresholds", atLeast(2, [atLeast(2, [0, 1, 2]), atLeast(2, [2, 3, 4]), atLeast(3, [0, 2, 4, 5])])],
  ["uneven depth", anyOf([0, allOf([1, atLeast(2, [2, 3, allOf([4, 5])])])])],
  // Here the lowest common multiple of 4! and 5! is no D: see share-matrix.test.ts.
  ["gates that depend on each other", allOf([atLeast(3, [0, 1, 2, 3]), atLeast(3, [4, 2, 5, 1, 6])])],
];
