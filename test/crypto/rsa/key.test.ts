import { describe, expect, test } from "vitest";
import { concat } from "../../../src/core/bytes.js";
import { bigintToBytes, bytesToBigint } from "../../../src/crypto/numbers/bigints.js";
import {
  KeyError,
  type RsaPublicKey,
  checkRsaPublicKey,
  createRsaVerifier,
  dealRsa,
} from "../../../src/crypto/index.js";
import { OTHER_PRIMES_1024, PRIMES_1024, PROTOCOL_1, PROTOCOL_2, at } from "../fixtures.js";

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
  ["exponent not above n", "not a prime above", key1, { exponent: 3 }],
  ["exponent NaN", "exponent", key1, { exponent: Number.NaN }],
  ["exponent fractional", "exponent", key1, { exponent: 65_537.5 }],
  ["exponent above 32 bits", "exponent", key1, { exponent: 4_294_967_311 }],
  ["exponent negative", "exponent", key1, { exponent: -65_537 }],
  ["threshold 0", "is not within t", key1, { threshold: 0 }],
  ["threshold not above t", "is not within t", key1, { threshold: 1 }],
  ["threshold above n - t", "is not within t", key2, { threshold: 4 }],
  ["threshold fractional", "is not within t", key2, { threshold: 2.5 }],
  ["corrupted negative", "corrupted parties", key2, { corrupted: -1 }],
  ["corrupted fractional", "corrupted parties", key2, { corrupted: 0.5 }],
  ["too many corrupted", "is not within t", key1, { corrupted: 2 }],
  ["no verification keys", "is not within t", key1, { verificationKeys: [] }],
  ["too few verification keys", "is not within t", key2, { verificationKeys: key2.verificationKeys.slice(0, 3) }],
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
  ["u in Protocol 1", "u in a key", key1, { nonResidue: key2.nonResidue }],
  ["no u in Protocol 2", "u has no", key2, { nonResidue: new Uint8Array() }],
  ["u with Jacobi symbol 1", "u has no", key2, { nonResidue: number(4n) }],
  ["u with Jacobi symbol 0", "u has no", key2, { nonResidue: number(p) }],
  ["u above N", "u has no", key2, { nonResidue: number(bytesToBigint(key2.nonResidue) + N, 257) }],
];

describe("checkRsaPublicKey refuses", () => {
  test.each(BAD)("%s", (_name, reason, key, change) => {
    expect(checkRsaPublicKey({ ...key, ...change })).toContain(reason);
    expect(() => createRsaVerifier({ ...key, ...change })).toThrow(KeyError);
  });
});

describe("dealRsa", () => {
  test("refuses equal primes, and primes of unequal length", () => {
    expect(() => dealRsa({ n: 4, threshold: 2, corrupted: 1, primes: [p, p] })).toThrow(KeyError);
    expect(() => dealRsa({ n: 4, threshold: 2, corrupted: 1, primes: [p, 23n] })).toThrow(KeyError);
  });

  test("refuses thresholds that cannot work", () => {
    expect(() => dealRsa({ n: 4, threshold: 4, corrupted: 1, primes: OTHER_PRIMES_1024 })).toThrow(KeyError);
    expect(() => dealRsa({ n: 4, threshold: 1, corrupted: 1, primes: OTHER_PRIMES_1024 })).toThrow(KeyError);
  });

  test("gives everybody a different share, below the order of the squares", () => {
    const order = ((p - 1n) / 2n) * ((q - 1n) / 2n);
    const shares = PROTOCOL_1.secrets.map(bytesToBigint);
    expect(new Set(shares).size).toBe(4);
    expect(shares.every((share) => share < order)).toBe(true);
    expect(at(PROTOCOL_1.secrets, 0).length).toBe(256);
  });
});
