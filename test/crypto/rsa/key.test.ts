import { describe, expect, test } from "vitest";
import { concat } from "../../../src/core/bytes.js";
import { bigintToBytes, bytesToBigint } from "../../../src/crypto/numbers/bigints.js";
import { type Formula, allOf, atLeast, thresholdFormula } from "../../../src/core/formula.js";
import { KeyError } from "../../../src/crypto/errors.js";
import type { RsaPublicKey } from "../../../src/crypto/keys.js";
import { type SafePrimes, checkSafePrimes, dealRsa, generateSafePrimes } from "../../../src/crypto/rsa/dealer.js";
import { checkRsaPublicKey } from "../../../src/crypto/rsa/key.js";
import { createRsaScheme } from "../../../src/crypto/rsa/threshold.js";
import { PRIMES_1024, PRIMES_1536, PROTOCOL_1, PROTOCOL_2, at } from "../fixtures.js";

const [p, q] = PRIMES_1024;
const N = p * q;
const number = (value: bigint, size = 256): Uint8Array => bigintToBytes(value, size);
const key1 = PROTOCOL_1.publicKey;
const key2 = PROTOCOL_2.publicKey;
const withKey = (key: Uint8Array): Partial<RsaPublicKey> => ({
  verificationKeys: [key, ...key1.verificationKeys.slice(1)],
});

test("dealt keys pass", () => {
  expect(checkRsaPublicKey(key1)).toBeUndefined();
  expect(checkRsaPublicKey(key2)).toBeUndefined();
});

/** What is wrong, how the message says so, a good key and the change that spoils it. */
const BAD: readonly (readonly [string, string, RsaPublicKey, Partial<RsaPublicKey>])[] = [
  ["empty modulus", "modulus of 0 bits", key1, { modulus: new Uint8Array() }],
  ["modulus of 2047 bits", "modulus of 2047 bits", key1, { modulus: number((1n << 2047n) - 1n) }],
  ["modulus of 4097 bits", "modulus of 4097 bits", key1, { modulus: number((1n << 4096n) + 1n, 513) }],
  ["leading zero", "modulus with leading zero", key1, { modulus: concat(new Uint8Array(1), key1.modulus) }],
  ["even modulus", "even modulus", key1, { modulus: number(N - 1n) }],
  ["exponent 1", "exponent", key1, { exponent: 1 }],
  ["exponent 2", "exponent", key1, { exponent: 2 }],
  ["exponent not prime", "not a prime above", key1, { exponent: 65_535 }],
  ["exponent not above the width", "not a prime above 4", key1, { exponent: 3 }],
  ["exponent of 1 mod 4, composite", "not a prime above", key1, { exponent: 65_537 * 5 }],
  ["exponent even", "not a prime above", key1, { exponent: 65_538 }],
  ["exponent NaN", "exponent", key1, { exponent: Number.NaN }],
  ["exponent fractional", "exponent", key1, { exponent: 65_537.5 }],
  ["exponent above 32 bits", "exponent", key1, { exponent: 4_294_967_311 }],
  ["exponent negative", "exponent", key1, { exponent: -65_537 }],
  ["formula with threshold 0", "threshold is not within", key1, { access: atLeast(0, [0, 1, 2, 3]) }],
  ["formula with too great a threshold", "threshold is not within", key1, { access: atLeast(5, [0, 1, 2, 3]) }],
  ["formula with half a threshold", "threshold is not within", key1, { access: atLeast(1.5, [0, 1, 2, 3]) }],
  ["formula with a party of no group", "party 256", key1, { access: atLeast(2, [0, 1, 2, 256]) }],
  ["no verification keys", "0 verification keys for 4 leaves", key1, { verificationKeys: [] }],
  ["too few verification keys", "3 verification keys", key2, { verificationKeys: key2.verificationKeys.slice(0, 3) }],
  ["formula with more leaves", "4 verification keys for 5", key2, { access: thresholdFormula(3, 5) }],
  ["base 0", "verification base", key1, { verificationBase: number(0n) }],
  ["base 1", "verification base", key1, { verificationBase: number(1n) }],
  ["base N-1", "verification base", key1, { verificationBase: number(N - 1n) }],
  ["base N", "verification base", key1, { verificationBase: number(N) }],
  ["base N+4", "verification base", key1, { verificationBase: number(N + 4n) }],
  ["base a factor of N", "verification base", key1, { verificationBase: number(p) }],
  ["base no square", "verification base", key1, { verificationBase: key2.nonResidue }],
  ["base too short", "verification base", key1, { verificationBase: key1.verificationBase.subarray(1) }],
  [
    "base with a leading zero",
    "verification base",
    key1,
    { verificationBase: concat(new Uint8Array(1), key1.verificationBase) },
  ],
  ["verification key 0", "verification key 0", key1, withKey(number(0n))],
  ["verification key 1", "verification key 0", key1, withKey(number(1n))],
  ["verification key N-1", "verification key 0", key1, withKey(number(N - 1n))],
  ["verification key N+4", "verification key 0", key1, withKey(number(N + 4n))],
  ["verification key no square", "verification key 0", key1, withKey(key2.nonResidue)],
  ["verification key a factor of N", "verification key 0", key1, withKey(number(q * 4n))],
  ["verification key empty", "verification key 0", key1, withKey(new Uint8Array())],
  ["u with Jacobi symbol 1", "u has no", key2, { nonResidue: number(4n) }],
  ["u with Jacobi symbol 0", "u has no", key2, { nonResidue: number(p) }],
  ["u above N", "u has no", key2, { nonResidue: number(bytesToBigint(key2.nonResidue) + N, 257) }],
];

describe("checkRsaPublicKey refuses", () => {
  test.each(BAD)("%s", (_name, reason, key, change) => {
    expect(checkRsaPublicKey({ ...key, ...change })).toContain(reason);
    expect(() => createRsaScheme({ ...key, ...change })).toThrow(KeyError);
  });
});

test("an exponent must exceed inner gates too", () => {
  const access = allOf([0, atLeast(2, [0, 1, 2, 3, 1])]);
  const [key] = key1.verificationKeys;
  const keys = Array.from({ length: 6 }, () => key).flatMap((each) => each ?? []);
  expect(checkRsaPublicKey({ ...key1, access, verificationKeys: keys, exponent: 7 })).toBeUndefined();
  expect(checkRsaPublicKey({ ...key1, access, verificationKeys: keys, exponent: 5 })).toContain("prime above 5");
});

describe("dealRsa", () => {
  const access = thresholdFormula(2, 4);
  const refusal = (formula: Formula, primes: SafePrimes) =>
    expect(dealRsa({ access: formula, dual: false, primes })).rejects.toThrow(KeyError);

  test("refuses equal primes, primes of unequal length, and small or even ones", async () => {
    await refusal(access, [p, p]);
    await refusal(access, [p, PRIMES_1536[1]]);
    await refusal(access, await generateSafePrimes(768));
    await refusal(access, [23n, 47n]);
    await refusal(access, [p - 1n, q]);
    await refusal(access, [1n << 1023n, (1n << 1023n) + 2n]);
  });

  test("refuses primes with which e, or D in Protocol 2, has no inverse", async () => {
    const odd = (3n << 1022n) + 1n;
    // (p-1)/2 a multiple of 65537; no prime, but nobody asks for that here.
    const unfit = odd + 2n * 65_537n - ((odd - 1n) % (2n * 65_537n));
    await refusal(access, [unfit, q]);
    const three = odd + 6n - ((odd - 1n) % 6n);
    await expect(dealRsa({ access, dual: true, primes: [three, q] })).rejects.toThrow(KeyError);
  });

  test("refuses what is no formula", () => refusal(atLeast(3, [0, 1]), PRIMES_1024));

  test("gives everybody a different share, below the order of the squares", () => {
    const order = ((p - 1n) / 2n) * ((q - 1n) / 2n);
    const secrets = [0, 1, 2, 3].map((party) => PROTOCOL_1.secretOf(party));
    const shares = secrets.map(bytesToBigint);
    expect(new Set(shares).size).toBe(4);
    expect(shares.every((share) => share < order)).toBe(true);
    expect(at(secrets, 0).length).toBe(256);
    expect(PROTOCOL_1.secretOf(4)).toEqual(new Uint8Array());
  });

  test("gives a party its leaves' shares one after the other", async () => {
    const dealt = await dealRsa({ access: atLeast(2, [0, 1, 0]), dual: false, primes: PRIMES_1024 });
    expect([0, 1, 2].map((party) => dealt.secretOf(party).length)).toEqual([512, 256, 0]);
    expect(dealt.publicKey.verificationKeys.length).toBe(3);
  });

  test("lets other events have their turn", async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await dealRsa({ access: thresholdFormula(4, 12), dual: false, primes: PRIMES_1024 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(3);
  });
});

describe("safe primes", () => {
  test("are checked", async () => {
    await checkSafePrimes(PRIMES_1024, 2048);
    await checkSafePrimes(PRIMES_1536, 3072);
    const bad: readonly (readonly [SafePrimes, number])[] = [
      [PRIMES_1024, 3072],
      [[p, p], 2048],
      [[p, q + 2n], 2048],
      [[p - 2n, q], 2048],
      [[(p - 1n) / 2n, q], 2048],
      [[-p, -q], 2048],
      [[5n, q], 1026],
      [[0n, 1n], 1],
    ];
    for (const [primes, bits] of bad) await expect(checkSafePrimes(primes, bits)).rejects.toThrow(KeyError);
  });

  test("are generated", async () => {
    const primes = await generateSafePrimes(256);
    await checkSafePrimes(primes, 256);
    await expect(generateSafePrimes(2047)).rejects.toThrow(RangeError);
    await expect(generateSafePrimes(Number.NaN)).rejects.toThrow(RangeError);
  });
});
