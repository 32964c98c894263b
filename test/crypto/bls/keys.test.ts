import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { type Formula, allOf, anyOf, atLeast, thresholdFormula } from "../../../src/core/formula.js";
import { consistencyWeights } from "../../../src/crypto/sharing/consistency.js";
import { GROUP_ORDER, blsKeys } from "../../../src/crypto/bls/curve.js";
import { checkBlsPublicKey, createBlsScheme, createBlsSharer } from "../../../src/crypto/bls/threshold.js";
import { KeyError } from "../../../src/crypto/errors.js";
import type { SharedPublicKey } from "../../../src/crypto/keys.js";
import { mod } from "../../../src/crypto/numbers/bigints.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { createSharing } from "../../../src/crypto/sharing/sharing.js";
import { at } from "../fixtures.js";
import { G1, IDENTITY_G1, cluster, hex } from "./support.js";
import { NOT_IN_G1 } from "./vectors.js";

const { publicKey, secretOf } = cluster(thresholdFormula(3, 4));
const { access, verificationKeys } = publicKey;
const nested: Formula = atLeast(2, [0, allOf([1, anyOf([0, 2])]), atLeast(2, [0, 3, 4]), 5]);

function withKey(key: SharedPublicKey, index: number, bytes: Uint8Array): SharedPublicKey {
  return { ...key, verificationKeys: key.verificationKeys.map((own, i) => (i === index ? bytes : own)) };
}

describe("public keys", () => {
  const refused = (key: SharedPublicKey, why: string): void => {
    expect(checkBlsPublicKey(key)).toContain(why);
    expect(() => createBlsScheme({ label: "test", publicKey: key })).toThrow(KeyError);
  };

  test("as the dealer makes them", () => {
    for (const formula of [0, access, nested, thresholdFormula(43, 64)]) {
      const dealt = dealKey(blsKeys, formula);
      expect(checkBlsPublicKey(dealt.publicKey)).toBeUndefined();
    }
  });

  test("formula and number of keys", () => {
    refused({ ...publicKey, access: atLeast(0, [0, 1, 2, 3]) }, "threshold");
    refused({ ...publicKey, access: atLeast(5, [0, 1, 2, 3]) }, "threshold");
    refused({ ...publicKey, access: 256 }, "party 256");
    refused({ ...publicKey, access: thresholdFormula(3, 5) }, "4 verification keys for 5 leaves");
    refused({ ...publicKey, access: thresholdFormula(3, 3) }, "4 verification keys for 3 leaves");
    refused({ ...publicKey, verificationKeys: [] }, "0 verification keys");
  });

  test("points", () => {
    const bad = [...NOT_IN_G1.map(([, text]) => hex(text)), G1.BASE.toBytes(false), IDENTITY_G1, new Uint8Array()];
    for (const bytes of bad) {
      refused({ ...publicKey, publicKey: bytes }, "the public key is not an element of G1");
      for (const i of [0, 3]) refused(withKey(publicKey, i, bytes), `verification key ${i} is not an element of G1`);
    }
  });

  test("that do not belong together", () => {
    const why = "do not belong to the public key";
    refused({ ...publicKey, publicKey: at(verificationKeys, 0) }, why);
    for (const formula of [access, nested, allOf([0, 1, 2]), anyOf([0, 1, 2])]) {
      const { publicKey: key } = cluster(formula);
      // Any single leaf, also one that the first qualified set does without.
      key.verificationKeys.forEach((_, i) => refused(withKey(key, i, G1.BASE.toBytes()), why));
      refused({ ...key, publicKey: G1.BASE.toBytes() }, why);
    }
    refused({ ...publicKey, access: thresholdFormula(2, 4) }, why);
    refused({ ...publicKey, verificationKeys: verificationKeys.toReversed() }, why);
    // The keys of three of four, as summands of four.
    expect(checkBlsPublicKey({ ...publicKey, access: allOf([0, 1, 2, 3]) })).toContain(why);
  });
});

describe("the weights", () => {
  const formulas: readonly Formula[] = [0, access, nested, allOf([0, 1, 2]), anyOf([0, 1, 2]), thresholdFormula(5, 9)];
  const sum = (weights: readonly bigint[], shares: readonly bigint[]): bigint =>
    mod(
      weights.reduce((total, weight, leaf) => total + weight * at(shares, leaf), 0n),
      GROUP_ORDER,
    );

  test("give the secret from all shares that can be dealt, and from no others", () => {
    fc.assert(
      fc.property(fc.constantFrom(...formulas), fc.bigInt(0n, GROUP_ORDER - 1n), fc.nat(), (formula, secret, seed) => {
        const shares = createSharing(formula).deal(secret, GROUP_ORDER);
        expect(sum(consistencyWeights(formula, GROUP_ORDER), shares)).toBe(secret);
        const leaf = seed % shares.length;
        const altered = shares.map((share, i) => (i === leaf ? share + 1n : share));
        expect(sum(consistencyWeights(formula, GROUP_ORDER), altered)).not.toBe(secret);
      }),
      { numRuns: 100 },
    );
  });

  test("find a polynomial of too high a degree, which each smaller set of points hides", () => {
    const tooHigh = createSharing(thresholdFormula(4, 6)).deal(7n, GROUP_ORDER);
    expect(sum(consistencyWeights(thresholdFormula(3, 6), GROUP_ORDER), tooHigh)).not.toBe(7n);
    expect(sum(consistencyWeights(thresholdFormula(4, 6), GROUP_ORDER), tooHigh)).toBe(7n);
  });

  test("are random, so that nobody can make keys for them", () => {
    expect(consistencyWeights(access, GROUP_ORDER)).not.toEqual(consistencyWeights(access, GROUP_ORDER));
  });
});

describe("secrets", () => {
  const open = (party: number, secret: Uint8Array, key = publicKey) =>
    createBlsSharer({ label: "test", publicKey: key, party, secret });

  test("must be the party's, in reduced form", () => {
    const secret = secretOf(0);
    expect(open(0, secret).party).toBe(0);
    expect(() => open(1, secret)).toThrow(KeyError);
    for (const party of [4, -1, 0.5, Number.NaN]) expect(() => open(party, secret)).toThrow(KeyError);
    const bad = [new Uint8Array(), new Uint8Array(32), new Uint8Array(32).fill(255), secret.subarray(1)];
    for (const bytes of [...bad, concat(secret, secret)]) expect(() => open(0, bytes)).toThrow(KeyError);
    // The same number modulo r, where that fits into 32 bytes.
    expect(() =>
      open(0, blsKeys.scalarBytes(5n + GROUP_ORDER), withKey(publicKey, 0, blsKeys.basePower(blsKeys.scalarBytes(5n)))),
    ).toThrow(KeyError);
    expect(() => open(0, secret, { ...publicKey, access: atLeast(0, [0]) })).toThrow(KeyError);
    expect(() => open(3, secretOf(3), { ...publicKey, verificationKeys: verificationKeys.slice(0, 3) })).toThrow(
      KeyError,
    );
  });

  test("of several leaves: each piece must fit its leaf", () => {
    const several = cluster(nested);
    const secret = several.secretOf(0);
    expect(secret.length).toBe(96);
    expect(() => open(0, secret, several.publicKey)).not.toThrow();
    const swapped = concat(secret.subarray(32, 64), secret.subarray(0, 32), secret.subarray(64));
    expect(() => open(0, swapped, several.publicKey)).toThrow(KeyError);
    expect(() => open(0, concat(secret.subarray(0, 64), new Uint8Array(32).fill(1)), several.publicKey)).toThrow(
      KeyError,
    );
  });

  test("are copied, and overwritten at the end", () => {
    const secret = secretOf(2);
    const copying = vi.spyOn(Uint8Array, "from");
    const sharer = open(2, secret);
    const copies = copying.mock.results.map(({ value }) => value as Uint8Array);
    copying.mockRestore();
    expect(copies).toEqual([secretOf(2)]);
    const share = sharer.share(utf8("message"));
    secret.fill(0);
    expect(sharer.share(utf8("message"))).toEqual(share);
    sharer.destroy();
    expect(copies).toEqual([new Uint8Array(32)]);
    expect(() => sharer.share(utf8("message"))).toThrow(TypeError);
  });
});
