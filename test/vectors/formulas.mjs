/** The access structures of the vectors, by name. */
import { allOf, anyOf, atLeast, thresholdFormula, weightedFormula } from "../../dist/core/formula.js";

const SIDE = [0, 1, 2, 3];

export const FORMULAS = {
  "2 of 4": thresholdFormula(2, 4),
  "3 of 4": thresholdFormula(3, 4),
  /** Party 0 has two leaves. */
  weighted: weightedFormula(3, [2, 1, 1, 1]),
  /** Party 0 stands at two depths; {0, 1, 2} satisfies the first gate, but not the formula. */
  nested: allOf([thresholdFormula(2, 3), anyOf([3, allOf([0, 4])])]),
  /** 16 parties in rows and columns, of which the adversary may have one row and one column. */
  "4x4": allOf(
    SIDE.map((row) =>
      atLeast(
        2,
        SIDE.map((column) => anyOf(SIDE.filter((other) => other !== row).map((other) => 4 * other + column))),
      ),
    ),
  ),
};

/** Qualified sets, the first a smallest one. */
export const QUALIFIED = {
  "2 of 4": [
    [0, 1],
    [1, 3],
    [0, 1, 2, 3],
  ],
  "3 of 4": [
    [0, 1, 2],
    [0, 2, 3],
  ],
  weighted: [
    [0, 3],
    [1, 2, 3],
  ],
  nested: [
    [0, 1, 4],
    [1, 2, 3],
    [0, 1, 2, 3, 4],
  ],
  "4x4": [[0, 1, 4, 5]],
};

export const UNQUALIFIED = {
  "2 of 4": [[], [2]],
  "3 of 4": [[1, 3]],
  weighted: [[0], [1, 2]],
  nested: [
    [0, 1, 2],
    [3, 4],
  ],
  "4x4": [[0, 1, 2, 3, 4, 8, 12]],
};
