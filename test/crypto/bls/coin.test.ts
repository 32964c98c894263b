import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../src/core/bytes.js";
import { atLeast, thresholdFormula } from "../../../src/core/formula.js";
import type { PartyId } from "../../../src/core/party-set.js";
import type { Coin } from "../../../src/core/suite.js";
import { createBlsCertifier } from "../../../src/crypto/bls/certifier.js";
import { createBlsCoin, createBlsCoinScheme, createBlsCoinSharer } from "../../../src/crypto/bls/coin.js";
import { createBlsScheme } from "../../../src/crypto/bls/threshold.js";
import { coinValue } from "../../../src/crypto/coin-value.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import { combineRobustly } from "../../../src/crypto/scheme.js";
import { at, flipBit, sharesOf } from "../fixtures.js";
import { IDENTITY_G2, type Cluster, cluster } from "./support.js";

const key = cluster(thresholdFormula(3, 4));
const coinsOf = ({ publicKey, secretOf }: Cluster, label = "test"): Coin[] =>
  [0, 1, 2, 3].map((self) => createBlsCoin({ label, publicKey, self, secret: secretOf(self) }));
const coins = coinsOf(key);
const coin = at(coins, 0);
const name = utf8("name");
const sharesFrom = (parties: readonly PartyId[], about = name, all = coins): Map<PartyId, Uint8Array> =>
  sharesOf(parties, (party) => at(all, party).share(about));

describe("the coin", () => {
  const value = coin.combine(name, sharesFrom([0, 1, 2]));

  test("is the same for every qualified set, and for every party that combines", () => {
    expect(value.length).toBe(32);
    for (const parties of [
      [0, 1, 3],
      [3, 2, 0],
      [1, 2, 3],
      [3, 2, 1, 0],
    ]) {
      for (const each of coins) expect(each.combine(name, sharesFrom(parties))).toEqual(value);
    }
  });

  test("is the hash of the signature on its name", () => {
    const { publicKey } = key;
    const signature = createBlsScheme({ label: "coin test", publicKey }).combine(name, sharesFrom([1, 2, 3]));
    expect(createBlsScheme({ label: "coin test", publicKey }).checkValue(name, signature).kind).toBe("valid");
    expect(value).toEqual(coinValue(256, "test", name, signature));
  });

  test("depends on name, key and label", () => {
    const toss = (all: readonly Coin[], about: Uint8Array): string =>
      toHex(
        at(all, 0).combine(
          about,
          sharesOf([0, 1, 2], (party) => at(all, party).share(about)),
        ),
      );
    const values = [
      toss(coins, name),
      toss(coins, utf8("other")),
      toss(coins, new Uint8Array()),
      toss(coinsOf(cluster(thresholdFormula(3, 4), 54_321n)), name),
      toss(coinsOf(key, "other"), name),
    ];
    expect(new Set(values).size).toBe(values.length);
    // The same secret, shared in another way.
    expect(toss(coinsOf(cluster(atLeast(2, [0, 1, atLeast(1, [2, 3])]))), name)).toBe(toss(coins, name));
  });

  test.each([
    [1, 1],
    [7, 1],
    [8, 1],
    [9, 2],
    [300, 38],
  ])("of %i bits is %i bytes long", (bits, sizeBytes) => {
    const { publicKey, secretOf } = key;
    const sized = createBlsCoin({ label: "test", publicKey, self: 0, secret: secretOf(0), bits });
    const tossed = sized.combine(name, sharesFrom([0, 1, 2]));
    expect(tossed.length).toBe(sizeBytes);
    expect(at(tossed, sizeBytes - 1) >>> (bits - 8 * (sizeBytes - 1))).toBe(0);
  });

  test("has no other sizes", () => {
    const { publicKey, secretOf } = key;
    for (const bits of [0, -1, 1.5, Number.NaN])
      expect(() => createBlsCoin({ label: "test", publicKey, self: 0, secret: secretOf(0), bits })).toThrow(RangeError);
  });

  test("too few or malformed shares are the caller's mistake", () => {
    expect(() => coin.combine(name, sharesFrom([0, 1]))).toThrow(CombineError);
    expect(() => coin.combine(name, new Map())).toThrow(CombineError);
    expect(() => coin.combine(name, sharesFrom([1, 2]).set(0, new Uint8Array(96)))).toThrow(CombineError);
    for (const party of [-1, 4])
      expect(() => coin.combine(name, sharesFrom([0, 1]).set(party, IDENTITY_G2))).toThrow(CombineError);
  });
});

describe("shares", () => {
  const share = coin.share(name);

  test("verify for one party, name and label, and are deterministic", () => {
    expect(coin.share(name)).toEqual(share);
    for (const each of coins) expect(each.verifyShare(0, name, share)).toBe(true);
    for (const party of [1, -1, 4, 0.5, Number.NaN, 2 ** 33]) expect(coin.verifyShare(party, name, share)).toBe(false);
    expect(coin.verifyShare(0, utf8("namE"), share)).toBe(false);
    expect(at(coinsOf(key, "other"), 0).verifyShare(0, name, share)).toBe(false);
  });

  test("are not those of a certificate or of the scheme with the same label and key", () => {
    const options = { label: "test", publicKey: key.publicKey };
    const certifier = createBlsCertifier({ ...options, self: 0, secret: key.secretOf(0) });
    expect(coin.verifyShare(0, name, certifier.share(name))).toBe(false);
    expect(certifier.verifyShare(0, name, share)).toBe(false);
    expect(createBlsScheme(options).checkShare(0, name, share).kind).toBe("invalid");
  });

  test("fail when any bit is flipped, and for any other bytes", () => {
    for (let bit = 0; bit < 8 * share.length; bit++) expect(coin.verifyShare(0, name, flipBit(share, bit))).toBe(false);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => !coin.verifyShare(0, name, bytes)));
  });
});

test("as a scheme: robust combination, and verdicts on all shares at once", () => {
  const { publicKey, secretOf } = key;
  const scheme = createBlsCoinScheme({ label: "test", publicKey });
  const sharer = createBlsCoinSharer({ label: "test", publicKey, party: 3, secret: secretOf(3) });
  const given = sharesFrom([0, 1, 2]).set(1, coin.share(name)).set(3, sharer.share(name));
  expect([...(scheme.checkShares?.(name, given) ?? [])].map(([party, { kind }]) => [party, kind])).toEqual([
    [0, "valid"],
    [1, "invalid"],
    [2, "valid"],
    [3, "valid"],
  ]);
  const result = combineRobustly(scheme, name, given);
  expect(result.kind === "combined" && toHex(result.value)).toBe(toHex(coin.combine(name, sharesFrom([0, 1, 2]))));
  expect([...result.faulty.keys()]).toEqual([1]);
});

test("keys must fit", () => {
  const { publicKey, secretOf } = key;
  expect(() => createBlsCoin({ label: "test", publicKey, self: 1, secret: secretOf(0) })).toThrow(KeyError);
  const broken = { ...publicKey, verificationKeys: [] };
  expect(() => createBlsCoin({ label: "test", publicKey: broken, self: 0, secret: secretOf(0) })).toThrow(KeyError);
});
