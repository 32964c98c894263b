/**
 * What the dealer does is linear: shares = matrix · (secret, random numbers). Here the dealer's randomness is replaced by unit
 * vectors, so that the matrix comes from the code itself, and what a set of parties learns is linear algebra on its rows.
 */
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { type Formula, allOf, atLeast } from "../../../src/core/formula.js";
import { PartySet } from "../../../src/core/party-set.js";
import { inverse, mod } from "../../../src/crypto/numbers/bigints.js";
import { type Sharing, createSharing } from "../../../src/crypto/sharing/sharing.js";
import { at } from "../fixtures.js";
import { FOUR_BY_FOUR, SHAPES, formulasOver, subsetsOf } from "./formulas.js";

const tape = vi.hoisted((): { numbers: readonly bigint[]; read: number } => ({ numbers: [], read: 0 }));
vi.mock(import("../../../src/crypto/numbers/random.js"), () => ({
  randomBelow: () => tape.numbers[tape.read++] ?? 0n,
}));

/** The shares when the dealer draws these numbers. */
function dealWith(sharing: Sharing, secret: bigint, numbers: readonly bigint[], modulus: bigint): bigint[] {
  [tape.numbers, tape.read] = [numbers, 0];
  return sharing.deal(secret, modulus);
}

/** Much larger than any entry. */
const LARGE_PRIME = (1n << 127n) - 1n;

/** A row for each leaf: its share as a combination of the secret (column 0) and of the numbers that the dealer draws. */
function matrixOf(sharing: Sharing): bigint[][] {
  dealWith(sharing, 0n, [], LARGE_PRIME);
  const units = Array.from({ length: 1 + tape.read }, (_, one) =>
    Array.from({ length: 1 + tape.read }, (_, i) => (i === one ? 1n : 0n)),
  );
  const columns = units.map(([secret = 0n, ...numbers]) =>
    dealWith(sharing, secret, numbers, LARGE_PRIME).map((x) => (2n * x > LARGE_PRIME ? x - LARGE_PRIME : x)),
  );
  return sharing.leaves.map((_, leaf) => columns.map((column) => at(column, leaf)));
}

function rowsOf(sharing: Sharing, parties: PartySet): bigint[][] {
  const matrix = matrixOf(sharing);
  return [...parties].flatMap((party) => sharing.leavesOf(party).map((leaf) => at(matrix, leaf)));
}

function secretRow(sharing: Sharing): bigint[] {
  return at(matrixOf(sharing), 0).map((_, i) => (i === 0 ? 1n : 0n));
}

/** Gaussian elimination modulo a prime. */
function rankModulo(prime: bigint, matrix: readonly (readonly bigint[])[]): number {
  let rows = matrix.map((row) => row.map((x) => mod(x, prime)));
  let rank = 0;
  for (let column = 0; column < (matrix[0]?.length ?? 0); column++) {
    const pivot = rows.find((row) => row[column] !== 0n);
    if (pivot === undefined) continue;
    rank++;
    const scale = inverse(at(pivot, column), prime) ?? 0n;
    rows = rows
      .filter((row) => row !== pivot)
      .map((row) => row.map((x, i) => mod(x - at(row, column) * scale * at(pivot, i), prime)));
  }
  return rank;
}

/**
 * The last elementary divisor (Smith's normal form): the smallest positive number whose product with any integer
 * vector in the rational span of `matrix` is an integer combination of its rows.
 */
function lastElementaryDivisor(matrix: readonly (readonly bigint[])[]): bigint {
  let rows = matrix.map((row) => [...row]);
  let divisor = 1n;
  const size = (x: bigint): bigint => (x < 0n ? -x : x);
  for (;;) {
    const entries = rows.flatMap((row, r) => row.map((x, c) => ({ r, c, x }))).filter(({ x }) => x !== 0n);
    if (entries.length === 0) return divisor;
    const { r, c, x: pivot } = entries.reduce((least, entry) => (size(entry.x) < size(least.x) ? entry : least));
    const pivotRow = at(rows, r);
    // Clear the column by rows, then the row by columns; what remains is smaller than the pivot, so this ends.
    rows = rows.map((row, i) => (i === r ? row : minus(row, at(row, c) / pivot, pivotRow)));
    const quotients = pivotRow.map((x, i) => (i === c ? 0n : x / pivot));
    rows = rows.map((row) => row.map((x, i) => x - at(quotients, i) * at(row, c)));
    if (rows.some((row, i) => i !== r && row[c] !== 0n) || at(rows, r).some((x, i) => i !== c && x !== 0n)) continue;
    const stubborn = rows.findIndex((row) => row.some((x) => x % pivot !== 0n));
    if (stubborn >= 0) {
      rows[r] = minus(at(rows, r), -1n, at(rows, stubborn));
      continue;
    }
    divisor = size(pivot);
    rows = rows.filter((_, i) => i !== r).map((row) => row.filter((_, i) => i !== c));
  }
}

function minus(row: readonly bigint[], factor: bigint, other: readonly bigint[]): bigint[] {
  return row.map((x, i) => x - factor * at(other, i));
}

const groups = fc.integer({ min: 1, max: 6 }).chain((n) => fc.tuple(fc.constant(n), formulasOver(n)));
const shapes = SHAPES.map(([name, formula]) => [name, formula, 7] as const);

function expectSecrecy(formula: Formula, sets: readonly PartySet[]): void {
  const sharing = createSharing(formula);
  // Above the width of all gates here: f(11) would be f(0) modulo 11.
  for (const prime of [11n, LARGE_PRIME])
    for (const parties of sets) {
      const rows = rowsOf(sharing, parties);
      const learns = rankModulo(prime, [...rows, secretRow(sharing)]) === rankModulo(prime, rows);
      expect(learns, `{${parties.toString()}} modulo ${prime}`).toBe(sharing.isQualified(parties));
    }
}

function expectSimulatable(formula: Formula, sets: readonly PartySet[]): void {
  const sharing = createSharing(formula);
  for (const parties of sets) {
    if (sharing.isQualified(parties)) continue;
    const divisor = lastElementaryDivisor([secretRow(sharing), ...rowsOf(sharing, parties)]);
    expect(sharing.multiplier % divisor, `${divisor} for ${parties.toString()}`).toBe(0n);
  }
}

describe("the secret is in the span of a set's shares exactly when the set is qualified", () => {
  test.each(shapes)("%s", (_name, formula, n) => expectSecrecy(formula, subsetsOf(n)));

  test("any formula", () => {
    fc.assert(
      fc.property(groups, ([n, formula]) => expectSecrecy(formula, subsetsOf(n))),
      { numRuns: 25 },
    );
  });

  test("4×4: a row and a column learn nothing, the others learn it", () => {
    for (const formula of [FOUR_BY_FOUR.honest, FOUR_BY_FOUR.quorum]) {
      const sets = FOUR_BY_FOUR.corrupted.flatMap((bad) => [
        PartySet.of(bad),
        PartySet.of([...Array(16).keys()].filter((party) => !bad.includes(party))),
      ]);
      const sharing = createSharing(formula);
      expect(sets.map((set) => sharing.isQualified(set))).toEqual(sets.map((set) => set.size === 9));
      expectSecrecy(formula, sets.slice(0, 8));
    }
  });

  test("so all secrets are equally likely: counted over all randomness modulo 5", () => {
    for (const formula of [
      atLeast(3, [0, 1, 2, 3]),
      atLeast(2, [0, allOf([1, 2]), 2]),
      allOf([atLeast(2, [0, 1, 2]), 3]),
    ]) {
      const sharing = createSharing(formula);
      const draws = at(matrixOf(sharing), 0).length - 1;
      const randomness = Array.from({ length: 5 ** draws }, (_, code) =>
        Array.from({ length: draws }, (_, i) => BigInt(Math.floor(code / 5 ** i) % 5)),
      );
      const views = (parties: PartySet, secret: bigint): string[] =>
        randomness
          .map((numbers) => {
            const shares = dealWith(sharing, secret, numbers, 5n);
            return [...parties].flatMap((party) => sharing.leavesOf(party).map((leaf) => at(shares, leaf))).join();
          })
          .sort();
      for (const parties of subsetsOf(4)) {
        const views0 = views(parties, 0n);
        for (const secret of [1n, 4n])
          if (sharing.isQualified(parties)) expect(views(parties, secret)).not.toEqual(views0);
          else expect(views(parties, secret)).toEqual(views0);
      }
    }
  });
});

/**
 * Shoup's simulator chooses the shares of an unqualified set and the rest of the randomness, knows signatures and not the secret, and
 * must make everybody else's shares without dividing. With the last elementary divisor of the set's rows and the secret's, d: d times
 * any share is an integer combination of the secret, the set's shares and further numbers that it chooses.
 */
describe("D clears the denominators of all shares, given the secret and an unqualified set's shares", () => {
  test.each(shapes)("%s", (_name, formula, n) => expectSimulatable(formula, subsetsOf(n)));

  test("any formula", () => {
    fc.assert(
      fc.property(groups, ([n, formula]) => expectSimulatable(formula, subsetsOf(n))),
      { numRuns: 15 },
    );
  });

  test("4×4", () => {
    for (const formula of [FOUR_BY_FOUR.honest, FOUR_BY_FOUR.quorum])
      expectSimulatable(
        formula,
        FOUR_BY_FOUR.corrupted.slice(0, 3).map((parties) => PartySet.of(parties)),
      );
  });
});
