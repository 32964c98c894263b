import { describe, expect, test } from "vitest";
import { toHex } from "../../../src/core/bytes.js";
import { type Formula, atLeast, thresholdFormula } from "../../../src/core/formula.js";
import { GROUP_ORDER, loadRistretto } from "../../../src/crypto/ristretto/group.js";
import { checkSharedKey, ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import { type KeyGroup, dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { at } from "../fixtures.js";
import { FOUR_BY_FOUR, SHAPES } from "./formulas.js";

const ristretto = await loadRistretto();
const group = ristrettoKeys(ristretto);

/** The powers of 4 modulo 11: a group so small that a scalar is often 0. */
const TINY: KeyGroup = {
  order: 5n,
  scalarBytes: (scalar) => Uint8Array.of(Number(scalar)),
  basePower: (scalar) => Uint8Array.of(4 ** at(scalar, 0) % 11),
};

describe("a dealt key", () => {
  test.each<readonly [string, Formula]>([...SHAPES, ["4×4", FOUR_BY_FOUR.quorum]])("%s", (_name, access) => {
    const dealt = dealKey(group, access);
    const { publicKey } = dealt;
    expect(publicKey.access).toBe(access);
    expect(checkSharedKey(ristretto, publicKey)).toBeUndefined();
    const leaves = [publicKey.access].flatMap(function flatten(node: Formula): number[] {
      return typeof node === "number" ? [node] : node.of.flatMap(flatten);
    });
    expect(publicKey.verificationKeys.length).toBe(leaves.length);
    for (let party = 0; party < 17; party++) {
      const keys = publicKey.verificationKeys.filter((_, leaf) => leaves[leaf] === party);
      const secret = dealt.secretOf(party);
      expect(secret.length).toBe(32 * keys.length);
      keys.forEach((key, i) => expect(ristretto.basePower(secret.subarray(32 * i, 32 * i + 32))).toEqual(key));
    }
  });

  test("is another one each time", () => {
    const keys = Array.from({ length: 3 }, () => toHex(dealKey(group, atLeast(2, [0, 1, 2])).publicKey.publicKey));
    expect(new Set(keys).size).toBe(3);
    expect(group.order).toBe(GROUP_ORDER);
  });

  test("has no part that is the identity", () => {
    const secrets = new Set<number>();
    for (let i = 0; i < 200; i++) {
      const dealt = dealKey(TINY, thresholdFormula(2, 3));
      const { publicKey } = dealt;
      expect([...publicKey.verificationKeys, publicKey.publicKey]).not.toContainEqual(Uint8Array.of(1));
      for (const party of [0, 1, 2]) secrets.add(at(dealt.secretOf(party), 0));
    }
    expect(secrets).toEqual(new Set([1, 2, 3, 4]));
  });

  test("needs a formula", () => {
    expect(() => dealKey(group, atLeast(4, [0, 1, 2]))).toThrow(RangeError);
  });
});
