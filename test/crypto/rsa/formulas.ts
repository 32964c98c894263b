/** Formulas for tests: small random ones, and a structure of two attributes. */
import fc from "fast-check";
import { type Formula, allOf, anyOf, atLeast } from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";

const SIDE = [0, 1, 2, 3];
const EVERYBODY: readonly PartyId[] = Array.from({ length: 16 }, (_, each) => each);

export const party = (row: number, column: number): PartyId => 4 * row + column;

/** 16 parties in four rows and columns, of which the adversary may have one whole row and one whole column. */
export const FOUR_BY_FOUR: Formula = allOf(
  SIDE.map((row) =>
    atLeast(
      2,
      SIDE.map((column) => anyOf(SIDE.filter((other) => other !== row).map((other) => party(other, column)))),
    ),
  ),
);

/** Every maximal set of the adversary, 7 parties each. */
export const ROW_AND_COLUMN: readonly (readonly PartyId[])[] = SIDE.flatMap((row) =>
  SIDE.map((column) => EVERYBODY.filter((each) => Math.floor(each / 4) === row || each % 4 === column)),
);

/** Over the parties 0..n-1, with at most `depth` gates above each other. */
export function randomFormula(n: number, depth = 3): fc.Arbitrary<Formula> {
  const leaf: fc.Arbitrary<Formula> = fc.nat(n - 1);
  const gate = (inputs: fc.Arbitrary<Formula>): fc.Arbitrary<Formula> =>
    fc
      .tuple(fc.array(inputs, { minLength: 1, maxLength: 4 }), fc.nat(3))
      .map(([of, threshold]) => atLeast(1 + (threshold % of.length), of));
  let node = leaf;
  for (let level = 0; level < depth; level++) node = fc.oneof({ maxDepth: 1 }, leaf, gate(node));
  return gate(node);
}

/** All sets of the parties 0..n-1. */
export function allSets(n: number): PartySet[] {
  return Array.from({ length: 2 ** n }, (_, mask) =>
    PartySet.of(Array.from({ length: n }, (_none, index) => index).filter((index) => (mask >> index) & 1)),
  );
}
