import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import { anyOf, thresholdFormula } from "../../../src/core/formula.js";
import type { PartyId } from "../../../src/core/party-set.js";
import { bytesToBigint, mod } from "../../../src/crypto/numbers/bigints.js";
import { coinShareBytes, createCoinScheme, createCoinSharer } from "../../../src/crypto/ristretto/coin.js";
import { CombineError, KeyError } from "../../../src/crypto/errors.js";
import type { SharedPublicKey } from "../../../src/crypto/keys.js";
import { GROUP_ORDER, type Ristretto, scalarToBytes } from "../../../src/crypto/ristretto/group.js";
import { combineRobustly } from "../../../src/crypto/scheme.js";
import { at, flipBit, sharesOf } from "../fixtures.js";
import { type DealtCoin, dealCoin, ristretto } from "./coins.js";

const dealt = dealCoin(thresholdFormula(3, 4), { secret: 12_345n });
const { publicKey, scheme } = dealt;
const name = utf8("name");
const shares = [0, 1, 2, 3].map((party) => dealt.sharerOf(party).share(name));
const share = at(shares, 0);
const sharesFrom = (parties: readonly PartyId[]): Map<PartyId, Uint8Array> =>
  sharesOf(parties, (party) => at(shares, party));
/** The three fields of party 0's share. */
const [element, challenge, response] = [share.subarray(0, 32), share.subarray(32, 64), share.subarray(64)];
const littleEndian = (bytes: Uint8Array): bigint => bytesToBigint(Uint8Array.from(bytes).reverse());

const verdict = (party: PartyId, about: Uint8Array, bytes: Uint8Array): string =>
  scheme.checkShare(party, about, bytes).kind;
const reason = (party: PartyId, bytes: Uint8Array): string | undefined => {
  const result = scheme.checkShare(party, name, bytes);
  return result.kind === "invalid" ? result.reason : undefined;
};
const toss = (coin: DealtCoin, about: Uint8Array, parties: readonly PartyId[]): Uint8Array =>
  coin.scheme.combine(
    about,
    sharesOf(parties, (party) => coin.sharerOf(party).share(about)),
  );

describe("the coin", () => {
  test("is the same for every qualified set", () => {
    const value = scheme.combine(name, sharesFrom([0, 1, 2]));
    expect(value.length).toBe(32);
    for (const parties of [
      [0, 1, 3],
      [3, 2, 0],
      [1, 2, 3],
      [3, 2, 1, 0],
    ])
      expect(scheme.combine(name, sharesFrom(parties))).toEqual(value);
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
      fc.property(cases, fc.uint8Array({ maxLength: 40 }), ({ n, threshold, one, two }, about) => {
        const coin = dealCoin(thresholdFormula(threshold, n));
        expect(toss(coin, about, one)).toEqual(toss(coin, about, two));
      }),
      { numRuns: 30 },
    );
  });

  test("is g~^x hashed: a threshold of one is the secret itself", () => {
    const single = dealCoin(thresholdFormula(1, 1), { secret: 12_345n });
    // The same secret, shared among four.
    expect(scheme.combine(name, sharesFrom([1, 2, 3]))).toEqual(toss(single, name, [0]));
  });

  test("depends on name, key and label", () => {
    const access = thresholdFormula(3, 4);
    const values = [
      toss(dealt, name, [0, 1, 2]),
      toss(dealt, utf8("other"), [0, 1, 2]),
      toss(dealt, new Uint8Array(), [0, 1, 2]),
      toss(dealCoin(access, { secret: 54_321n }), name, [0, 1, 2]),
      toss(dealCoin(access, { secret: 12_345n, label: "other" }), name, [0, 1, 2]),
    ];
    expect(new Set(values.map(toHex)).size).toBe(values.length);
  });

  test("bits are balanced", () => {
    const lone = dealCoin(0, { secret: 12_345n });
    const sharer = lone.sharerOf(0);
    let ones = 0;
    for (let i = 0; i < 400; i++) {
      const about = utf8(`coin ${i}`);
      ones += at(lone.scheme.combine(about, new Map([[0, sharer.share(about)]])), 0) & 1;
    }
    // Five standard deviations. Key and names are fixed, so the result is always the same.
    expect(Math.abs(ones - 200)).toBeLessThan(50);
  });

  test.each([1, 7, 8, 9, 256, 1000])("of %s bits", (bits) => {
    const coin = dealCoin(thresholdFormula(2, 3), { secret: 12_345n, bits });
    const values = Array.from({ length: 12 }, (_, i) => toss(coin, Uint8Array.of(i), [0, 1]));
    expect(toss(coin, Uint8Array.of(0), [1, 2])).toEqual(values[0]);
    for (const value of values) {
      expect(value.length).toBe(Math.ceil(bits / 8));
      expect(at(value, value.length - 1) >>> (bits - 8 * (value.length - 1))).toBe(0);
    }
    expect(new Set(values.map(toHex)).size).toBeGreaterThan(1);
    // 256 is the default.
    const usual = toss(dealCoin(thresholdFormula(2, 3), { secret: 12_345n }), Uint8Array.of(0), [0, 1]);
    expect(toHex(at(values, 0)) === toHex(usual)).toBe(bits === 256);
  });

  test.each([0, 1.5, 65_537, Number.NaN])("has no %s bits", (bits) =>
    expect(() => createCoinScheme({ ristretto, label: "test", publicKey, bits })).toThrow(RangeError),
  );

  test("too few or unverified shares are the caller's mistake", () => {
    const fails = (some: Map<PartyId, Uint8Array>): void =>
      expect(() => scheme.combine(name, some)).toThrow(CombineError);
    fails(sharesFrom([0, 1]));
    fails(new Map());
    fails(sharesFrom([1, 2]).set(0, new Uint8Array(3)));
    fails(sharesFrom([1, 2]).set(0, new Uint8Array(96)));
    fails(sharesFrom([1, 2]).set(0, element));
    fails(sharesFrom([1, 2]).set(0, concat(share, Uint8Array.of(0))));
    for (const party of [4, -1, 0.5, Number.NaN, 256]) {
      fails(sharesFrom([0, 1]).set(party, share));
      fails(sharesFrom([0, 1, 2]).set(party, share));
    }
  });

  test("one share twice is no substitute for a second one", () => {
    const value = scheme.combine(name, sharesFrom([0, 1, 2]));
    expect(scheme.combine(name, sharesFrom([0, 1]).set(2, at(shares, 1)))).not.toEqual(value);
  });

  test("bad shares are left out, and too few good ones are insufficient", () => {
    const value = scheme.combine(name, sharesFrom([0, 1, 2]));
    const bad = flipBit(at(shares, 1), 700);
    const result = combineRobustly(scheme, name, sharesFrom([0, 2, 3]).set(1, bad).set(7, share));
    expect(result).toMatchObject({ kind: "combined", value });
    expect(new Set(result.faulty.keys())).toEqual(new Set([1, 7]));
    expect(combineRobustly(scheme, name, sharesFrom([0, 2]).set(1, bad)).kind).toBe("insufficient");
    // One party's share three times.
    expect(
      combineRobustly(
        scheme,
        name,
        sharesOf([0, 1, 2], () => share),
      ).kind,
    ).toBe("insufficient");
    // All of them for another coin.
    const other = sharesOf([0, 1, 2], (party) => dealt.sharerOf(party).share(utf8("other")));
    expect(combineRobustly(scheme, name, other).kind).toBe("insufficient");
  });
});

describe("shares", () => {
  test("verify, have a fixed size and are deterministic", () => {
    shares.forEach((each, party) => {
      expect(each.length).toBe(coinShareBytes(1));
      expect(scheme.checkShare(party, name, each)).toEqual({ kind: "valid" });
    });
    expect(coinShareBytes(1)).toBe(96);
    expect(dealt.sharerOf(0).share(name)).toEqual(share);
  });

  test("are for one party, name, key and label", () => {
    expect(verdict(1, name, share)).toBe("invalid");
    expect(verdict(0, utf8("namE"), share)).toBe("invalid");
    expect(verdict(0, new Uint8Array(), share)).toBe("invalid");
    const rekeyed = dealCoin(thresholdFormula(3, 4)).scheme;
    expect(rekeyed.checkShare(0, name, share).kind).toBe("invalid");
    const relabelled = createCoinScheme({ ristretto, label: "other", publicKey });
    expect(relabelled.checkShare(0, name, share).kind).toBe("invalid");
    for (const party of [-1, 4, 0.5, Number.NaN, 2 ** 33]) expect(verdict(party, name, share)).toBe("invalid");
    expect(reason(4, share)).toBe("party 4 holds no part of the test coin");
    // With no leaves this would be the right length.
    expect(reason(4, share.subarray(0, 32))).toBe("party 4 holds no part of the test coin");
  });

  test("are powers of a base that differs by name and label", () => {
    const options = { ristretto, label: "other", publicKey, party: 0, secret: dealt.secretOf(0) };
    const elements = [share, dealt.sharerOf(0).share(utf8("other")), createCoinSharer(options).share(name)].map(
      (each) => toHex(each.subarray(0, 32)),
    );
    expect(new Set(elements).size).toBe(3);
  });

  test("bind the party even when two hold the same key", () => {
    const twins = dealCoin(anyOf([0, 1]));
    const twin = twins.sharerOf(0).share(name);
    expect(twins.publicKey.verificationKeys[0]).toEqual(twins.publicKey.verificationKeys[1]);
    expect(twins.scheme.checkShare(0, name, twin).kind).toBe("valid");
    expect(twins.scheme.checkShare(1, name, twin).kind).toBe("invalid");
  });

  test("fail when any bit is flipped", () => {
    for (let bit = 0; bit < 8 * share.length; bit++) expect(verdict(0, name, flipBit(share, bit))).toBe("invalid");
  });

  test("fail for any other bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 90, maxLength: 100 }), (bytes) => {
        expect(verdict(0, name, bytes)).toBe("invalid");
      }),
    );
    for (const size of [0, 32, 64, 95, 97, 192]) {
      expect(reason(0, concat(share, share).subarray(0, size))).toBe(`coin share of ${size} bytes`);
      expect(verdict(0, name, new Uint8Array(size).fill(0xff))).toBe("invalid");
    }
  });

  test("fail with the identity, and with zero scalars", () => {
    const zero = new Uint8Array(32);
    expect(reason(0, concat(zero, challenge, response))).toBe("the coin share is not an element of the group");
    expect(verdict(0, name, concat(element, zero, response))).toBe("invalid");
    expect(verdict(0, name, concat(element, challenge, zero))).toBe("invalid");
    expect(verdict(0, name, new Uint8Array(96))).toBe("invalid");
  });

  test("fail with a scalar that is not reduced, though it denotes the same", () => {
    const unreduced = (scalar: Uint8Array): Uint8Array => scalarToBytes(littleEndian(scalar) + GROUP_ORDER);
    expect(verdict(0, name, concat(element, challenge, unreduced(response)))).toBe("invalid");
    expect(verdict(0, name, concat(element, unreduced(challenge), response))).toBe("invalid");
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
    expect(verdict(0, name, concat(bad, challenge, response))).toBe("invalid");
  });

  test("a false share cannot borrow the proof's shape: c and z simulated without the secret", () => {
    // The simulator of the zero-knowledge proof chooses c and z first; the hash must not give that c.
    const base = ristretto.elementFromHash(new Uint8Array(64).fill(3));
    const z = scalarToBytes(77n);
    for (let c = 1n; c < 4n; c++) expect(verdict(0, name, concat(base, scalarToBytes(c), z))).toBe("invalid");
  });
});

describe("keys", () => {
  // The checks themselves: shared-key.test.ts.
  test("a public key that is none is refused on both sides", () => {
    const bad: SharedPublicKey = { ...publicKey, verificationKeys: publicKey.verificationKeys.slice(1) };
    const secret = dealt.secretOf(0);
    expect(() => createCoinScheme({ ristretto, label: "test", publicKey: bad })).toThrow(KeyError);
    expect(() => createCoinSharer({ ristretto, label: "test", publicKey: bad, party: 1, secret })).toThrow(KeyError);
  });

  test("the secret must be the party's, in reduced form", () => {
    const open = (party: PartyId, secret: Uint8Array) =>
      createCoinSharer({ ristretto, label: "test", publicKey, party, secret });
    const secret = dealt.secretOf(0);
    expect(open(0, secret).party).toBe(0);
    expect(() => open(1, secret)).toThrow(KeyError);
    expect(() => open(4, secret)).toThrow(KeyError);
    expect(() => open(4, new Uint8Array())).toThrow(KeyError);
    expect(() => open(0, new Uint8Array(32))).toThrow(KeyError);
    expect(() => open(0, new Uint8Array(31).fill(1))).toThrow(KeyError);
    expect(() => open(0, concat(secret, secret))).toThrow(KeyError);
    expect(() => open(0, scalarToBytes(mod(littleEndian(secret), GROUP_ORDER) + GROUP_ORDER))).toThrow(KeyError);
  });

  test("a destroyed sharer makes no more shares, and leaves its owner's copy and other sharers alone", () => {
    const secret = dealt.secretOf(0);
    const [one, other] = [0, 0].map((party) =>
      createCoinSharer({ ristretto, label: "test", publicKey, party, secret }),
    );
    one?.destroy();
    expect(() => one?.share(name)).toThrow(TypeError);
    expect(secret).toEqual(dealt.secretOf(0));
    expect(other?.share(name)).toEqual(share);
  });

  test("destroying overwrites the secret", () => {
    const used: Uint8Array[] = [];
    const spied: Ristretto = {
      ...ristretto,
      power(base, scalar) {
        used.push(scalar);
        return ristretto.power(base, scalar);
      },
    };
    const secret = dealt.secretOf(0);
    const sharer = createCoinSharer({ ristretto: spied, label: "test", publicKey, party: 0, secret });
    used.length = 0;
    sharer.share(name);
    // The share's own power comes first, then the proof's.
    expect(used[0]).toEqual(secret);
    sharer.destroy();
    expect(used[0]).toEqual(new Uint8Array(32));
  });
});
