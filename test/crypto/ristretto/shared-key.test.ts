import { describe, expect, test } from "vitest";
import { concat } from "../../../src/core/bytes.js";
import { allOf, anyOf, atLeast, thresholdFormula } from "../../../src/core/formula.js";
import { PartySet } from "../../../src/core/party-set.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import type { SharedPublicKey } from "../../../src/crypto/keys.js";
import { GROUP_ORDER, loadRistretto, scalarToBytes } from "../../../src/crypto/ristretto/group.js";
import { checkSharedKey, interpolate, openSecret, ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { createSharing } from "../../../src/crypto/sharing/sharing.js";
import { at } from "../fixtures.js";

const ristretto = await loadRistretto();
const group = ristrettoKeys(ristretto);
const keyDealt = dealKey(group, thresholdFormula(3, 4));
const key = keyDealt.publicKey;
const { verificationKeys } = key;
const otherKey = dealKey(group, thresholdFormula(3, 4)).publicKey;

const withLast = (last: Uint8Array): SharedPublicKey => ({
  ...key,
  verificationKeys: [...verificationKeys.slice(0, 3), last],
});

describe("a shared key", () => {
  test.each<[string, SharedPublicKey, string]>([
    ["threshold 0", { ...key, access: thresholdFormula(0, 4) }, "threshold is not within 1..4"],
    ["threshold above n", { ...key, access: thresholdFormula(5, 4) }, "threshold is not within 1..4"],
    ["fractional threshold", { ...key, access: thresholdFormula(1.5, 4) }, "threshold is not within 1..4"],
    ["a gate without inputs", { ...key, access: anyOf([]), verificationKeys: [] }, "threshold is not within 1..0"],
    ["no keys", { ...key, verificationKeys: [] }, "0 verification keys for 4 leaves"],
    ["a key too many", { ...key, verificationKeys: [...verificationKeys, key.publicKey] }, "5 verification keys for 4"],
    ["identity", withLast(new Uint8Array(32)), "verification key 3 is not an element"],
    ["no point", withLast(new Uint8Array(32).fill(0xff)), "verification key 3 is not an element"],
    ["short key", withLast(new Uint8Array(31).fill(1)), "verification key 3 is not an element"],
    ["no public key", { ...key, publicKey: new Uint8Array() }, "the public key is not an element"],
    ["identity as public key", { ...key, publicKey: new Uint8Array(32) }, "the public key is not an element"],
    ["another public key", { ...key, publicKey: otherKey.publicKey }, "do not belong to the public key"],
    ["another threshold", { ...key, access: thresholdFormula(2, 4) }, "do not belong to the public key"],
    [
      "a verification key of another key",
      { ...key, verificationKeys: [...otherKey.verificationKeys.slice(0, 1), ...verificationKeys.slice(1)] },
      "do not belong to the public key",
    ],
  ])("%s is refused", (_name, bad, reason) => expect(checkSharedKey(ristretto, bad)).toContain(reason));

  test("as dealt is accepted", () => expect(checkSharedKey(ristretto, key)).toBeUndefined());
});

describe("a secret", () => {
  const access = atLeast(2, [0, 1, 0, allOf([0, 2])]);
  const dealt = dealKey(group, access);
  const sharing = createSharing(access);
  const open = (party: number, secret: Uint8Array) => openSecret(ristretto, sharing, dealt.publicKey, party, secret);

  test("is cut into one scalar for each leaf, in copies", () => {
    const secret = dealt.secretOf(0);
    const scalars = open(0, secret);
    expect(scalars.map((scalar) => ristretto.basePower(scalar))).toEqual(
      [0, 2, 3].map((leaf) => at(dealt.publicKey.verificationKeys, leaf)),
    );
    for (const scalar of scalars) scalar.fill(0);
    expect(secret).toEqual(dealt.secretOf(0));
  });

  test("must be the party's, whole, in order and reduced", () => {
    const secret = dealt.secretOf(0);
    const [a, b, c] = [0, 1, 2].map((i) => secret.subarray(32 * i, 32 * i + 32));
    const parts = [a, b, c].filter((part) => part !== undefined);
    const unreduced = parts.map((x) =>
      scalarToBytes(BigInt(`0x${Buffer.from(x).reverse().toString("hex")}`) + GROUP_ORDER),
    );
    for (const bad of [
      new Uint8Array(),
      new Uint8Array(96),
      secret.subarray(1),
      concat(secret, Uint8Array.of(0)),
      concat(...parts.slice(1)),
      concat(...parts.slice().reverse()),
      concat(...parts.slice(0, 2), at(unreduced, 2)),
      concat(at(unreduced, 0), ...parts.slice(1)),
      concat(...parts.slice(0, 2), new Uint8Array(32)),
    ])
      expect(() => open(0, bad)).toThrow(KeyError);
    for (const party of [1, 3, -1, 0.5, Number.NaN]) expect(() => open(party, secret)).toThrow(KeyError);
    expect(() => open(3, new Uint8Array())).toThrow(KeyError);
  });
});

describe("interpolation", () => {
  const sharing = createSharing(key.access);
  const keyOf = (leaf: number): Uint8Array => at(verificationKeys, leaf);

  test("of any three verification keys gives the public key", () => {
    for (const parties of [
      [0, 1, 2],
      [0, 1, 3],
      [0, 2, 3],
      [1, 2, 3],
      [0, 1, 2, 3],
    ])
      expect(interpolate(ristretto, sharing, PartySet.of(parties), keyOf)).toEqual(key.publicKey);
    // All of the party's secrets belong to it as well.
    expect(ristretto.basePower(keyDealt.secretOf(2))).toEqual(keyOf(2));
  });

  test("asks for each leaf by its party and piece", () => {
    const weighted = createSharing(atLeast(3, [1, 0, 1, 0]));
    const asked: (readonly number[])[] = [];
    interpolate(ristretto, weighted, PartySet.of([0, 1]), (...leaf) => {
      asked.push(leaf);
      return key.publicKey;
    });
    expect(asked).toEqual([
      [0, 1, 0],
      [1, 0, 0],
      [2, 1, 1],
    ]);
  });

  test("needs enough parties, and elements from all of them", () => {
    const three = PartySet.of([0, 1, 2]);
    expect(() => interpolate(ristretto, sharing, PartySet.of([0, 1]), keyOf)).toThrow(CombineError);
    for (const bad of [undefined, new Uint8Array(), new Uint8Array(32), new Uint8Array(32).fill(0xff)])
      expect(() => interpolate(ristretto, sharing, three, (leaf) => (leaf === 1 ? bad : keyOf(leaf)))).toThrow(
        CombineError,
      );
  });
});
