import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, equalBytes, utf8 } from "../../../src/core/bytes.js";
import { type Formula, allOf, anyOf, atLeast, thresholdFormula, weightedFormula } from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";
import { GROUP_ORDER, blsKeys, negated } from "../../../src/crypto/bls/curve.js";
import { createBlsScheme } from "../../../src/crypto/bls/threshold.js";
import { CombineError } from "../../../src/crypto/errors.js";
import { sha256 } from "../../../src/crypto/hashing.js";
import { inverse, mod } from "../../../src/crypto/numbers/bigints.js";
import { combineRobustly } from "../../../src/crypto/scheme.js";
import { at, flipBit } from "../fixtures.js";
import { DST, G2, IDENTITY_G2, cluster, hex, noble, shiftedOutside } from "./support.js";
import { NOT_IN_G2 } from "./vectors.js";

const message = utf8("message");
const threeOfFour = cluster(thresholdFormula(3, 4));
const { scheme, sharesFrom } = threeOfFour;
const shares = sharesFrom([0, 1, 2, 3], message);
const shareOf = (party: PartyId): Uint8Array => shares.get(party) ?? new Uint8Array();
const signature = scheme.combine(message, shares);
/** Party 0 has three leaves. */
const nested = cluster(atLeast(2, [0, allOf([1, anyOf([0, 2])]), atLeast(2, [0, 3, 4])]));

/** What is signed for `message` under a label. */
const digest = (about: Uint8Array, label = "test"): Uint8Array => sha256("abcast/1 bls message", utf8(label), about);

/** Formulas over the parties 0..5 with up to three levels of gates. */
const formulas: fc.Arbitrary<Formula> = fc.letrec<{ node: Formula; gate: Formula }>((tie) => ({
  node: fc.oneof({ maxDepth: 2, depthSize: "small" }, fc.integer({ min: 0, max: 5 }), tie("gate")),
  gate: fc
    .array(tie("node"), { minLength: 1, maxLength: 4 })
    .chain((of) => fc.integer({ min: 1, max: of.length }).map((threshold) => atLeast(threshold, of))),
})).gate;

describe("signatures", () => {
  test("are the same from every qualified set, and the ordinary ones of the secret", () => {
    const hashed = noble.hash(digest(message), DST);
    const expected = noble.Signature.toBytes(noble.sign(hashed, blsKeys.scalarBytes(12_345n)));
    for (const parties of [
      [0, 1, 2],
      [0, 1, 3],
      [3, 2, 0],
      [1, 2, 3],
      [3, 2, 1, 0],
    ]) {
      expect(scheme.combine(message, sharesFrom(parties, message))).toEqual(expected);
    }
    expect(scheme.checkValue(message, expected).kind).toBe("valid");
    expect(noble.verify(signature, hashed, threeOfFour.publicKey.publicKey)).toBe(true);
  });

  test("are what the oracle interpolates from the shares", () => {
    for (const parties of [
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
    ]) {
      const points = parties.map((i) => {
        const others = parties.filter((j) => j !== i);
        const numerator = others.reduce((product, j) => product * BigInt(-(j + 1)), 1n);
        const denominator = others.reduce((product, j) => product * BigInt(i - j), 1n);
        const lambda = mod(numerator * (inverse(denominator, GROUP_ORDER) ?? 0n), GROUP_ORDER);
        return G2.fromBytes(shareOf(i)).multiplyUnsafe(lambda);
      });
      expect(signature).toEqual(points.reduce((sum, point) => sum.add(point)).toBytes());
    }
  });

  test("any formula: qualified sets sign, others do not, all verdicts agree", () => {
    fc.assert(
      fc.property(formulas, fc.subarray([0, 1, 2, 3, 4, 5]), fc.uint8Array({ maxLength: 40 }), (access, set, about) => {
        const dealt = cluster(access, 67_890n);
        const parties = set.filter((party) => dealt.scheme.sharing.leavesOf(party).length > 0);
        const own = dealt.sharesFrom(parties, about);
        for (const [party, share] of own) expect(dealt.scheme.checkShare(party, about, share).kind).toBe("valid");
        expect([...dealt.scheme.checkShares(about, own)].map(([party, { kind }]) => [party, kind])).toEqual(
          parties.map((party) => [party, "valid"]),
        );
        if (dealt.scheme.sharing.isQualified(PartySet.of(parties))) {
          const value = dealt.scheme.combine(about, own);
          expect(dealt.scheme.checkValue(about, value).kind).toBe("valid");
        } else {
          expect(() => dealt.scheme.combine(about, own)).toThrow(CombineError);
          expect(combineRobustly(dealt.scheme, about, own).kind).toBe("insufficient");
        }
      }),
      { numRuns: 40 },
    );
  });

  test("weights: leaves count, not parties", () => {
    const weighted = cluster(weightedFormula(4, [3, 2, 1, 1]));
    const combine = (parties: readonly PartyId[]): Uint8Array =>
      weighted.scheme.combine(message, weighted.sharesFrom(parties, message));
    expect(weighted.sharerOf(0).share(message).length).toBe(3 * 96);
    expect(combine([0, 3])).toEqual(combine([1, 2, 3]));
    expect(() => combine([1, 2])).toThrow(CombineError);
  });

  test("large groups, where coefficients are longer than half the order", () => {
    const large = cluster(thresholdFormula(70, 110), 99n);
    const parties = Array.from({ length: 110 }, (_, i) => i).filter((i) => i % 11 > 3);
    expect(parties.length).toBe(70);
    const hashed = noble.hash(digest(message), DST);
    const value = large.scheme.combine(message, large.sharesFrom(parties, message));
    expect(value).toEqual(hashed.multiplyUnsafe(99n).toBytes());
  });

  test("verify for one message, label and key only, and in one form", () => {
    const check = (about: Uint8Array, bytes: Uint8Array): string => scheme.checkValue(about, bytes).kind;
    expect(check(message, signature)).toBe("valid");
    expect(check(utf8("messagE"), signature)).toBe("invalid");
    expect(check(new Uint8Array(), signature)).toBe("invalid");
    const relabelled = createBlsScheme({ label: "other", publicKey: threeOfFour.publicKey });
    expect(relabelled.checkValue(message, signature).kind).toBe("invalid");
    expect(cluster(thresholdFormula(3, 4), 54_321n).scheme.checkValue(message, signature).kind).toBe("invalid");
    for (let bit = 0; bit < 8 * signature.length; bit++)
      expect(check(message, flipBit(signature, bit))).toBe("invalid");
    for (const [, text] of NOT_IN_G2) expect(check(message, hex(text))).toBe("invalid");
    const bad = [negated(signature), shareOf(0), shiftedOutside(signature), G2.fromBytes(signature).toBytes(false)];
    const outside = scheme.checkValue(message, shiftedOutside(signature));
    expect(outside.kind === "invalid" && outside.reason).toBe("the signature is not an element of G2");
    for (const bytes of [...bad, new Uint8Array(), concat(signature, signature)])
      expect(check(message, bytes)).toBe("invalid");
  });

  test("of malformed shares or too few there are none", () => {
    const combine = (...entries: (readonly [PartyId, Uint8Array])[]) => scheme.combine(message, new Map(entries));
    const [one, two] = [[0, shareOf(0)] as const, [1, shareOf(1)] as const];
    expect(() => combine()).toThrow(CombineError);
    expect(() => combine(one, two)).toThrow(CombineError);
    for (const party of [-1, 4, 0.5, Number.NaN, 2 ** 33])
      expect(() => combine(one, two, [party, shareOf(2)])).toThrow(CombineError);
    const bad = [new Uint8Array(), shareOf(2).subarray(1), concat(shareOf(2), shareOf(2)), IDENTITY_G2];
    for (const bytes of [
      ...bad,
      ...NOT_IN_G2.filter(([name]) => name !== "outside the subgroup").map(([, text]) => hex(text)),
    ])
      expect(() => combine(one, two, [2, bytes])).toThrow(CombineError);
  });

  test("of wrong shares do not verify, also where they are opposite", () => {
    const wrong = new Map(shares).set(1, shareOf(0));
    expect(scheme.checkValue(message, scheme.combine(message, wrong)).kind).toBe("invalid");
    const shifted = new Map(shares).set(1, shiftedOutside(shareOf(1)));
    expect(scheme.checkValue(message, scheme.combine(message, shifted)).kind).toBe("invalid");
    const both = cluster(allOf([0, 1]));
    const own = both.sharerOf(0).share(message);
    const nothing = both.scheme.combine(
      message,
      new Map([
        [0, own],
        [1, negated(own)],
      ]),
    );
    expect(nothing).toEqual(IDENTITY_G2);
    expect(both.scheme.checkValue(message, nothing).kind).toBe("invalid");
  });
});

describe("a share", () => {
  test("is deterministic, and an ordinary signature under each verification key", () => {
    for (const [party, share] of shares) {
      expect(threeOfFour.sharerOf(party).share(message)).toEqual(share);
      const hashed = noble.hash(digest(message), DST);
      expect(noble.verify(share, hashed, at(threeOfFour.publicKey.verificationKeys, party))).toBe(true);
    }
  });

  test("is for one party, message, label and key", () => {
    const check = (party: PartyId, about: Uint8Array): string => scheme.checkShare(party, about, shareOf(0)).kind;
    expect(check(0, message)).toBe("valid");
    for (const party of [1, -1, 4, 0.5, Number.NaN, 2 ** 33]) expect(check(party, message)).toBe("invalid");
    expect(check(0, utf8("messagE"))).toBe("invalid");
    const relabelled = createBlsScheme({ label: "other", publicKey: threeOfFour.publicKey });
    expect(relabelled.checkShare(0, message, shareOf(0)).kind).toBe("invalid");
    expect(cluster(thresholdFormula(3, 4)).scheme.checkShare(0, message, shareOf(0)).kind).toBe("invalid");
  });

  test("with any bit flipped is none", () => {
    for (let bit = 0; bit < 8 * 96; bit++)
      expect(scheme.checkShare(0, message, flipBit(shareOf(0), bit)).kind).toBe("invalid");
    const several = nested.sharerOf(0).share(message);
    for (let bit = 0; bit < 8 * several.length; bit += 13)
      expect(nested.scheme.checkShare(0, message, flipBit(several, bit)).kind).toBe("invalid");
  });

  test("of other bytes is none, and the reason says why", () => {
    const reason = (party: PartyId, bytes: Uint8Array): string => {
      const verdict = scheme.checkShare(party, message, bytes);
      return verdict.kind === "invalid" ? verdict.reason : verdict.kind;
    };
    expect(reason(0, shareOf(1))).toBe("the signature does not verify");
    expect(reason(0, shiftedOutside(shareOf(0)))).toBe("a signature share is not an element of G2");
    expect(reason(0, new Uint8Array(3))).toBe("signature share of 3 bytes, not 96");
    expect(reason(4, shareOf(0))).toBe("party 4 holds no part of this key");
    for (const [, text] of NOT_IN_G2) expect(reason(0, hex(text))).toMatch(/not/);
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        (bytes) => scheme.checkShare(0, message, bytes).kind === "invalid",
      ),
    );
  });

  test("of several leaves has the pieces in order, all of them right", () => {
    const share = nested.sharerOf(0).share(message);
    const pieces = [0, 1, 2].map((i) => share.subarray(96 * i, 96 * (i + 1)));
    const check = (...parts: readonly Uint8Array[]): string =>
      nested.scheme.checkShare(0, message, concat(...parts)).kind;
    const [a, b, c] = [at(pieces, 0), at(pieces, 1), at(pieces, 2)];
    expect(check(a, b, c)).toBe("valid");
    expect(check(b, a, c)).toBe("invalid");
    expect(check(a, b)).toBe("invalid");
    expect(check(a, b, c, c)).toBe("invalid");
    for (const position of [0, 1, 2])
      expect(check(...pieces.map((piece, i) => (i === position ? IDENTITY_G2 : piece)))).toBe("invalid");
    // Errors that cancel in the sum of one party's pieces.
    const [up, down] = [G2.fromBytes(a).add(G2.BASE).toBytes(), G2.fromBytes(b).subtract(G2.BASE).toBytes()];
    expect(check(up, down, c)).toBe("invalid");
  });
});

describe("many shares at once", () => {
  const kinds = (given: ReadonlyMap<PartyId, Uint8Array>): Record<PartyId, string> =>
    Object.fromEntries([...scheme.checkShares(message, given)].map(([party, { kind }]) => [party, kind]));
  const [valid, invalid] = ["valid", "invalid"];

  test("none, one, all", () => {
    expect(kinds(new Map())).toEqual({});
    expect(kinds(new Map([[2, shareOf(2)]]))).toEqual({ 2: valid });
    expect(kinds(shares)).toEqual({ 0: valid, 1: valid, 2: valid, 3: valid });
  });

  test("errors that would cancel in a plain sum are found", () => {
    const up = G2.fromBytes(shareOf(1)).add(G2.BASE).toBytes();
    const down = G2.fromBytes(shareOf(3)).subtract(G2.BASE).toBytes();
    expect(kinds(new Map(shares).set(1, up).set(3, down))).toEqual({ 0: valid, 1: invalid, 2: valid, 3: invalid });
    // And those that would cancel because two parties swapped theirs.
    const swapped = new Map(shares).set(1, shareOf(3)).set(3, shareOf(1));
    expect(kinds(swapped)).toEqual({ 0: valid, 1: invalid, 2: valid, 3: invalid });
  });

  test("the verdicts are those on each share alone, whatever is wrong with it", () => {
    const eight = cluster(atLeast(5, [0, 1, 2, 3, 4, 5, 6, 7, 0]));
    const own = eight.sharesFrom([0, 1, 2, 3, 4, 5, 6, 7], message);
    const other = eight.sharesFrom([0, 1, 2, 3, 4, 5, 6, 7], utf8("other"));
    const faults: readonly ((share: Uint8Array, party: PartyId) => Uint8Array)[] = [
      (_share, party) => other.get(party) ?? new Uint8Array(),
      (share) => share.subarray(1),
      (share) => flipBit(share, 8 * share.length - 700),
      (share) => concat(share.subarray(96), hex(at(at(NOT_IN_G2, 2), 1))),
      (share) => concat(share.subarray(96), IDENTITY_G2),
    ];
    const fault = fc.option(fc.constantFrom(...faults), { freq: 2 });
    fc.assert(
      fc.property(fc.array(fault, { minLength: 8, maxLength: 8 }), (list) => {
        const given = new Map([...own].map(([party, share]) => [party, list[party]?.(share, party) ?? share]));
        const together = eight.scheme.checkShares(message, given);
        expect(together.size).toBe(8);
        for (const [party, share] of given) {
          expect(together.get(party)).toEqual(eight.scheme.checkShare(party, message, share));
          expect(together.get(party)?.kind).toBe(list[party] === null ? valid : invalid);
        }
      }),
      { numRuns: 20 },
    );
  });

  test("foreign parties are named", () => {
    const given = new Map([...shares, [4, shareOf(0)] as const, [-1, shareOf(0)] as const]);
    expect(kinds(given)).toEqual({ 0: valid, 1: valid, 2: valid, 3: valid, 4: invalid, [-1]: invalid });
  });

  test("copies of one share at the leaves of an OR", () => {
    const copies = cluster(anyOf(Array.from({ length: 40 }, (_, i) => i)));
    const own = copies.sharesFrom([...Array(40).keys()], message);
    expect(new Set([...copies.scheme.checkShares(message, own).values()].map(({ kind }) => kind))).toEqual(
      new Set([valid]),
    );
  });
});

describe("robust combination", () => {
  test("leaves bad shares out and names them", () => {
    const five = cluster(thresholdFormula(3, 5));
    const own = five.sharesFrom([0, 1, 2, 3, 4], message);
    const good = five.scheme.combine(message, own);
    const given = new Map(own).set(0, own.get(1) ?? new Uint8Array()).set(2, new Uint8Array(96));
    const result = combineRobustly(five.scheme, message, given);
    expect(result.kind === "combined" && equalBytes(result.value, good)).toBe(true);
    expect(new Set(result.faulty.keys())).toEqual(new Set([0, 2]));
  });

  test("says when too few are left", () => {
    const given = new Map(shares).set(0, shareOf(1)).set(2, shareOf(1));
    const result = combineRobustly(scheme, message, given);
    expect(result.kind).toBe("insufficient");
    expect([...result.faulty.keys()]).toEqual([0, 2]);
  });

  test("takes no share for another message", () => {
    const given = new Map([...shares].slice(0, 2)).set(2, threeOfFour.sharerOf(2).share(utf8("other")));
    expect(combineRobustly(scheme, message, given).kind).toBe("insufficient");
  });
});

test("the library's hash is the oracle's on what is signed", () => {
  const one = cluster(0, 1n);
  const hashed = bls12_381.G2.hashToCurve(digest(message), { DST });
  expect(one.sharerOf(0).share(message)).toEqual(hashed.toBytes());
});
