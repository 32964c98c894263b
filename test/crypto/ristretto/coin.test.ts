import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import type { PartyId } from "../../../src/core/party-set.js";
import type { Coin } from "../../../src/core/suite.js";
import { bytesToBigint, mod } from "../../../src/crypto/numbers/bigints.js";
import { COIN_SHARE_BYTES, checkCoinPublicKey, createCoin } from "../../../src/crypto/ristretto/coin.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import type { CoinPublicKey } from "../../../src/crypto/keys.js";
import { GROUP_ORDER, loadRistretto, scalarToBytes } from "../../../src/crypto/ristretto/group.js";
import { shareSecret } from "../../../src/crypto/sharing/shamir.js";
import { at, flipBit, sharesOf } from "../fixtures.js";

const ristretto = await loadRistretto();

interface Dealt {
  readonly publicKey: CoinPublicKey;
  readonly secrets: readonly Uint8Array[];
  readonly coins: readonly Coin[];
}

function dealCoin(n: number, threshold: number, label = "test", secret = 12_345n): Dealt {
  const secrets = shareSecret({ secret, modulus: GROUP_ORDER, n, threshold }).map(scalarToBytes);
  const publicKey = { threshold, verificationKeys: secrets.map((x) => ristretto.basePower(x)) };
  const coins = secrets.map((x, self) => createCoin({ ristretto, label, publicKey, self, secret: x }));
  return { publicKey, secrets, coins };
}

const { publicKey, secrets, coins } = dealCoin(4, 3);
const coin = at(coins, 0);
const name = utf8("name");
const shares = coins.map((each) => each.share(name));
const share = at(shares, 0);
const sharesFrom = (parties: readonly PartyId[]): Map<PartyId, Uint8Array> =>
  sharesOf(parties, (party) => at(shares, party));
/** The three fields of party 0's share. */
const [element, challenge, response] = [share.subarray(0, 32), share.subarray(32, 64), share.subarray(64)];
const littleEndian = (bytes: Uint8Array): bigint => bytesToBigint(Uint8Array.from(bytes).reverse());

describe("the coin", () => {
  test("is the same for every qualified set, and for every party that combines", () => {
    const value = coin.combine(name, sharesFrom([0, 1, 2]));
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

  test("any size and threshold: qualified sets agree", () => {
    const sizes = fc
      .integer({ min: 1, max: 12 })
      .chain((n) => fc.tuple(fc.constant(n), fc.integer({ min: 1, max: n })));
    const cases = sizes.chain(([n, threshold]) => {
      const set = fc.subarray([...Array(n).keys()], { minLength: threshold });
      return fc.record({ n: fc.constant(n), threshold: fc.constant(threshold), one: set, two: set });
    });
    fc.assert(
      fc.property(cases, fc.uint8Array({ maxLength: 40 }), ({ n, threshold, one, two }, coinName) => {
        const dealt = dealCoin(n, threshold);
        const value = (parties: readonly PartyId[]): Uint8Array =>
          at(dealt.coins, 0).combine(
            coinName,
            sharesOf(parties, (party) => at(dealt.coins, party).share(coinName)),
          );
        expect(value(one)).toEqual(value(two));
      }),
      { numRuns: 30 },
    );
  });

  test("is g~^{x_0} hashed: a threshold of one is the secret itself", () => {
    const single = dealCoin(1, 1, "test", 12_345n);
    const value = at(single.coins, 0).combine(name, new Map([[0, at(single.coins, 0).share(name)]]));
    // The same secret, shared among four.
    expect(coin.combine(name, sharesFrom([1, 2, 3]))).toEqual(value);
  });

  test("depends on name, key and label", () => {
    const flip = ({ coins: all }: Dealt, about: Uint8Array): string =>
      toHex(
        at(all, 0).combine(
          about,
          sharesOf([0, 1, 2], (party) => at(all, party).share(about)),
        ),
      );
    const values = [
      flip({ publicKey, secrets, coins }, name),
      flip({ publicKey, secrets, coins }, utf8("other")),
      flip({ publicKey, secrets, coins }, new Uint8Array()),
      flip(dealCoin(4, 3, "test", 54_321n), name),
      flip(dealCoin(4, 3, "other"), name),
    ];
    expect(new Set(values).size).toBe(values.length);
  });

  test("bits are balanced", () => {
    const lone = at(dealCoin(1, 1, "test", 12_345n).coins, 0);
    let ones = 0;
    for (let i = 0; i < 400; i++) {
      const about = utf8(`coin ${i}`);
      ones += at(lone.combine(about, new Map([[0, lone.share(about)]])), 0) & 1;
    }
    // Five standard deviations. Key and names are fixed, so the result is always the same.
    expect(Math.abs(ones - 200)).toBeLessThan(50);
  });

  test("too few or unverified shares are the caller's mistake", () => {
    expect(() => coin.combine(name, sharesFrom([0, 1]))).toThrow(CombineError);
    expect(() => coin.combine(name, new Map())).toThrow(CombineError);
    expect(() => coin.combine(name, sharesFrom([1, 2]).set(0, new Uint8Array(3)))).toThrow(CombineError);
    expect(() => coin.combine(name, sharesFrom([1, 2]).set(0, new Uint8Array(96)))).toThrow(CombineError);
    expect(() => coin.combine(name, sharesFrom([0, 1]).set(4, share))).toThrow(CombineError);
    expect(() => coin.combine(name, sharesFrom([0, 1]).set(-1, share))).toThrow(CombineError);
  });

  test("one share twice is no substitute for a second one", () => {
    const value = coin.combine(name, sharesFrom([0, 1, 2]));
    expect(coin.combine(name, sharesFrom([0, 1]).set(2, at(shares, 1)))).not.toEqual(value);
  });
});

describe("shares", () => {
  test("verify, have a fixed size and are deterministic", () => {
    shares.forEach((each, party) => {
      expect(each.length).toBe(COIN_SHARE_BYTES);
      for (const verifier of coins) expect(verifier.verifyShare(party, name, each)).toBe(true);
    });
    expect(coin.share(name)).toEqual(share);
  });

  test("are for one party, name, key and label", () => {
    expect(coin.verifyShare(1, name, share)).toBe(false);
    expect(coin.verifyShare(0, utf8("namE"), share)).toBe(false);
    expect(coin.verifyShare(0, new Uint8Array(), share)).toBe(false);
    expect(at(dealCoin(4, 3).coins, 0).verifyShare(0, name, share)).toBe(false);
    const relabelled = createCoin({ ristretto, label: "other", publicKey, self: 0, secret: at(secrets, 0) });
    expect(relabelled.verifyShare(0, name, share)).toBe(false);
    for (const party of [-1, 4, 0.5, Number.NaN, 2 ** 33]) expect(coin.verifyShare(party, name, share)).toBe(false);
  });

  test("are powers of a base that differs by name and label", () => {
    const relabelled = createCoin({ ristretto, label: "other", publicKey, self: 0, secret: at(secrets, 0) });
    const elements = [share, coin.share(utf8("other")), relabelled.share(name)].map((each) =>
      toHex(each.subarray(0, 32)),
    );
    expect(new Set(elements).size).toBe(3);
  });

  test("bind the party even when two hold the same key", () => {
    const [secret] = secrets;
    const key = at(publicKey.verificationKeys, 0);
    const twins: CoinPublicKey = { threshold: 1, verificationKeys: [key, key] };
    const twin = createCoin({
      ristretto,
      label: "test",
      publicKey: twins,
      self: 0,
      secret: secret ?? new Uint8Array(),
    });
    expect(twin.verifyShare(0, name, twin.share(name))).toBe(true);
    expect(twin.verifyShare(1, name, twin.share(name))).toBe(false);
  });

  test("fail when any bit is flipped", () => {
    for (let bit = 0; bit < 8 * share.length; bit++) expect(coin.verifyShare(0, name, flipBit(share, bit))).toBe(false);
  });

  test("fail for any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 90, maxLength: 100 }), (bytes) => {
        expect(coin.verifyShare(0, name, bytes)).toBe(false);
      }),
    );
    for (const size of [0, 32, 64, 95, 97, 192]) {
      expect(coin.verifyShare(0, name, concat(share, share).subarray(0, size))).toBe(false);
      expect(coin.verifyShare(0, name, new Uint8Array(size).fill(0xff))).toBe(false);
    }
  });

  test("fail with the identity, and with zero scalars", () => {
    const zero = new Uint8Array(32);
    expect(coin.verifyShare(0, name, concat(zero, challenge, response))).toBe(false);
    expect(coin.verifyShare(0, name, concat(element, zero, response))).toBe(false);
    expect(coin.verifyShare(0, name, concat(element, challenge, zero))).toBe(false);
    expect(coin.verifyShare(0, name, new Uint8Array(96))).toBe(false);
  });

  test("fail with a scalar that is not reduced, though it denotes the same", () => {
    const unreduced = (scalar: Uint8Array): Uint8Array => scalarToBytes(littleEndian(scalar) + GROUP_ORDER);
    expect(coin.verifyShare(0, name, concat(element, challenge, unreduced(response)))).toBe(false);
    expect(coin.verifyShare(0, name, concat(element, unreduced(challenge), response))).toBe(false);
  });

  /** RFC 9496, appendix A.3: encodings that a decoder must reject. */
  test.each([
    ["non-canonical field element", "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"],
    ["non-canonical field element", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["non-canonical field element", "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["negative field element", "0100000000000000000000000000000000000000000000000000000000000000"],
    ["negative field element", "01ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["non-square x²", "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"],
  ])("fail with a %s", (_kind, encoding) => {
    const bad = fromHex(encoding) ?? new Uint8Array();
    expect(ristretto.isElement(bad)).toBe(false);
    expect(coin.verifyShare(0, name, concat(bad, challenge, response))).toBe(false);
  });

  test("a false share cannot borrow the proof's shape: c and z simulated without the secret", () => {
    // The simulator of the zero-knowledge proof chooses c and z first; the hash must not give that c.
    const base = ristretto.elementFromHash(new Uint8Array(64).fill(3));
    const z = scalarToBytes(77n);
    for (let c = 1n; c < 4n; c++) expect(coin.verifyShare(0, name, concat(base, scalarToBytes(c), z))).toBe(false);
  });
});

describe("keys", () => {
  const { verificationKeys } = publicKey;
  test.each<[string, CoinPublicKey]>([
    ["threshold 0", { threshold: 0, verificationKeys }],
    ["threshold above n", { threshold: 5, verificationKeys }],
    ["fractional threshold", { threshold: 1.5, verificationKeys }],
    ["no keys", { threshold: 1, verificationKeys: [] }],
    ["identity", { threshold: 3, verificationKeys: [...verificationKeys.slice(0, 3), new Uint8Array(32)] }],
    ["no point", { threshold: 3, verificationKeys: [...verificationKeys.slice(0, 3), new Uint8Array(32).fill(0xff)] }],
    ["short key", { threshold: 3, verificationKeys: [...verificationKeys.slice(0, 3), new Uint8Array(31).fill(1)] }],
  ])("%s", (_name, key) => {
    expect(checkCoinPublicKey(ristretto, key)).toBeTypeOf("string");
    expect(() => createCoin({ ristretto, label: "test", publicKey: key, self: 0, secret: at(secrets, 0) })).toThrow(
      KeyError,
    );
  });

  test("the secret must be the party's, in reduced form", () => {
    const open = (self: PartyId, secret: Uint8Array) =>
      createCoin({ ristretto, label: "test", publicKey, self, secret });
    expect(checkCoinPublicKey(ristretto, publicKey)).toBeUndefined();
    expect(() => open(1, at(secrets, 0))).toThrow(KeyError);
    expect(() => open(4, at(secrets, 0))).toThrow(KeyError);
    expect(() => open(0, new Uint8Array(32))).toThrow(KeyError);
    expect(() => open(0, new Uint8Array(31).fill(1))).toThrow(KeyError);
    expect(() => open(0, scalarToBytes(mod(littleEndian(at(secrets, 0)), GROUP_ORDER) + GROUP_ORDER))).toThrow(
      KeyError,
    );
  });
});
