/** The coin over formulas that are no plain threshold. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../../src/core/bytes.js";
import { allOf, anyOf, atLeast, isSatisfied, weightedFormula } from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";
import { CombineError } from "../../../src/crypto/errors.js";
import { coinShareBytes } from "../../../src/crypto/ristretto/coin.js";
import { combineRobustly } from "../../../src/crypto/scheme.js";
import { at, flipBit, sharesOf } from "../fixtures.js";
import { FOUR_BY_FOUR, SHAPES, formulasOver, subsetsOf } from "../sharing/formulas.js";
import { type DealtCoin, dealCoin } from "./coins.js";

const name = utf8("name");

function shareAll(coin: DealtCoin): Map<PartyId, Uint8Array> {
  const holders = [...PartySet.of(coin.scheme.sharing.leaves)];
  return sharesOf(holders, (party) => coin.sharerOf(party).share(name));
}

/** All sets of `sets` that are qualified give one value, and the others none. */
function expectOneValue(coin: DealtCoin, sets: readonly PartySet[]): void {
  const { scheme, publicKey } = coin;
  const shares = shareAll(coin);
  for (const [party, share] of shares) {
    expect(share.length).toBe(coinShareBytes(scheme.sharing.leavesOf(party).length));
    expect(scheme.checkShare(party, name, share)).toEqual({ kind: "valid" });
  }
  const value = scheme.combine(name, shares);
  for (const set of sets) {
    const some = new Map([...shares].filter(([party]) => set.has(party)));
    if (isSatisfied(publicKey.access, set)) expect(scheme.combine(name, some)).toEqual(value);
    else expect(() => scheme.combine(name, some)).toThrow(CombineError);
  }
}

describe("every qualified set gives the same coin, and no other set gives any", () => {
  test.each(SHAPES)("%s", (_name, access) =>
    expectOneValue(
      dealCoin(access),
      subsetsOf(7).filter((_, i) => i % 5 === 0),
    ),
  );

  test("any formula", () => {
    const groups = fc.integer({ min: 1, max: 4 }).chain((n) => fc.tuple(fc.constant(n), formulasOver(n, 3, 10)));
    fc.assert(
      fc.property(groups, ([n, access]) => expectOneValue(dealCoin(access), subsetsOf(n))),
      { numRuns: 12 },
    );
  });

  test("4×4: a row and a column toss no coin, the others do", () => {
    for (const access of [FOUR_BY_FOUR.honest, FOUR_BY_FOUR.quorum]) {
      const sets = FOUR_BY_FOUR.corrupted
        .filter((_, i) => i % 5 === 0)
        .flatMap((bad) => [
          PartySet.of(bad),
          PartySet.of([...Array(16).keys()].filter((party) => !bad.includes(party))),
        ]);
      expectOneValue(dealCoin(access), sets);
    }
  });

  test("4×4: despite a corrupted row and column", () => {
    const coin = dealCoin(FOUR_BY_FOUR.quorum);
    const shares = shareAll(coin);
    const value = coin.scheme.combine(name, shares);
    const bad = at(FOUR_BY_FOUR.corrupted, 6);
    for (const party of bad) shares.set(party, flipBit(shares.get(party) ?? new Uint8Array(), 300 + party));
    const result = combineRobustly(coin.scheme, name, shares);
    expect(result).toMatchObject({ kind: "combined", value });
    expect(new Set(result.faulty.keys())).toEqual(new Set(bad));
  });
});

describe("the share of a party with several leaves", () => {
  // Party 0 has the leaves 0, 3 and 4; the last two are copies of each other.
  const coin = dealCoin(allOf([atLeast(2, [0, 1, 2]), anyOf([0, 0]), 1]));
  const { scheme } = coin;
  const share = coin.sharerOf(0).share(name);
  const pieces = [0, 1, 2, 3, 4, 5, 6].map((i) => share.subarray(32 * i, 32 * i + 32));
  const piece = (i: number): Uint8Array => at(pieces, i);
  const check = (...parts: readonly Uint8Array[]): string => scheme.checkShare(0, name, concat(...parts)).kind;

  test("is elements, then one challenge and a response for each", () => {
    expect(scheme.sharing.leavesOf(0)).toEqual([0, 3, 4]);
    expect(share.length).toBe(coinShareBytes(3));
    expect(coinShareBytes(3)).toBe(32 * 7);
    expect(check(...pieces)).toBe("valid");
  });

  test("may not have pieces swapped", () => {
    const [c, zs] = [piece(3), [piece(4), piece(5), piece(6)]];
    expect(check(piece(1), piece(0), piece(2), c, ...zs)).toBe("invalid");
    expect(check(piece(1), piece(0), piece(2), c, at(zs, 1), at(zs, 0), at(zs, 2))).toBe("invalid");
    expect(check(piece(0), piece(1), piece(2), c, at(zs, 1), at(zs, 0), at(zs, 2))).toBe("invalid");
    expect(check(piece(0), piece(0), piece(2), c, at(zs, 0), at(zs, 0), at(zs, 2))).toBe("invalid");
    // Copies have equal elements, and yet each its own nonce.
    expect(piece(1)).toEqual(piece(2));
    expect(piece(5)).not.toEqual(piece(6));
    expect(check(piece(0), piece(1), piece(2), c, at(zs, 0), at(zs, 2), at(zs, 1))).toBe("invalid");
  });

  test("is refused with a flipped bit in any piece", () => {
    for (let bit = 0; bit < 8 * share.length; bit += 7)
      expect(scheme.checkShare(0, name, flipBit(share, bit)).kind).toBe("invalid");
  });

  test("is refused cut short, drawn out, or with a piece left out", () => {
    expect(check(...pieces.slice(0, 6))).toBe("invalid");
    expect(check(...pieces, piece(6))).toBe("invalid");
    expect(check(piece(0), piece(3), piece(4))).toBe("invalid");
    expect(check(piece(0), piece(1), piece(3), piece(4), piece(5))).toBe("invalid");
    expect(scheme.checkShare(1, name, share).kind).toBe("invalid");
  });

  test("is refused when a piece is of another coin, even with that coin's response", () => {
    const other = coin.sharerOf(0).share(utf8("other"));
    expect(check(other.subarray(0, 32), ...pieces.slice(1))).toBe("invalid");
    expect(
      check(other.subarray(0, 32), piece(1), piece(2), piece(3), other.subarray(128, 160), piece(5), piece(6)),
    ).toBe("invalid");
  });

  test("counts by its weight", () => {
    const weighted = dealCoin(weightedFormula(4, [3, 1, 1, 1]));
    const shares = shareAll(weighted);
    const toss = (parties: readonly PartyId[]): string =>
      toHex(weighted.scheme.combine(name, new Map([...shares].filter(([party]) => parties.includes(party)))));
    expect(new Set([toss([0, 1]), toss([0, 3]), toss([0, 1, 2, 3])]).size).toBe(1);
    expect(() => toss([1, 2, 3])).toThrow(CombineError);
    expect(() => toss([0])).toThrow(CombineError);
  });
});
