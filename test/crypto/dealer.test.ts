import { afterEach, describe, expect, test, vi } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { GroupError } from "../../src/core/group.js";
import { bytesToBigint } from "../../src/crypto/numbers/bigints.js";
import {
  type DealProgress,
  KeyError,
  createRsaSigner,
  createRsaVerifier,
  deal,
  generateSafePrimes,
} from "../../src/crypto/index.js";
import { whileReporting } from "../../src/crypto/dealer.js";
import { checkSafePrimes } from "../../src/crypto/rsa/dealer.js";
import { PRIMES_1024, at, sharesOf } from "./fixtures.js";

const [p, q] = PRIMES_1024;
const options = { n: 4, byzantine: 1, rsaBits: 2048, primes: PRIMES_1024 };

describe("deal", () => {
  test("thresholds are the group's", async () => {
    const { publicKeys, secretKeys } = await deal({ ...options, n: 10, byzantine: 2, crash: 1 });
    expect(secretKeys.length).toBe(10);
    expect(publicKeys.signing.length).toBe(10);
    expect(publicKeys.quorumCoin.threshold).toBe(7);
    expect(publicKeys.honestCoin.threshold).toBe(3);
    expect(publicKeys.receipt).toMatchObject({
      threshold: 3,
      corrupted: 2,
      exponent: 65_537,
      nonResidue: new Uint8Array(),
    });
    expect(bytesToBigint(publicKeys.receipt.modulus)).toBe(p * q);
  });

  test("receipts are signed by b+1 parties", async () => {
    const { publicKeys, secretKeys } = await deal(options);
    const message = utf8("receipt");
    const shares = sharesOf([2, 3], (party) =>
      createRsaSigner(publicKeys.receipt, party, at(secretKeys, party).receipt).share(message),
    );
    expect(createRsaVerifier(publicKeys.receipt).combine(message, shares)).toBeDefined();
  });

  test("all keys are different, within a dealing and from one to the next", async () => {
    const dealings = await Promise.all([deal(options), deal(options)]);
    const keys = dealings.flatMap(({ secretKeys }) =>
      secretKeys.flatMap(({ signing, quorumCoin, honestCoin, receipt }) =>
        [signing, quorumCoin, honestCoin, receipt].map(toHex),
      ),
    );
    expect(keys.length).toBe(32);
    expect(new Set(keys).size).toBe(32);
  });

  test("a group of one works, too", async () => {
    const { publicKeys } = await deal({ ...options, n: 1, byzantine: 0 });
    expect(publicKeys.quorumCoin.threshold).toBe(1);
  });

  test("refuses groups that cannot be defended", async () => {
    await expect(deal({ ...options, n: 3 })).rejects.toThrow(GroupError);
  });

  test.each([0, 1024, 2046, 2049, 4098, 1e9, Number.NaN])("refuses %s bits at once", async (rsaBits) => {
    await expect(deal({ n: 4, byzantine: 1, rsaBits })).rejects.toThrow(KeyError);
  });
});

describe("imported primes", () => {
  const notSafe = (1n << 1279n) - 1n; // A Mersenne prime.
  test.each([
    ["equal", [p, p]],
    ["composite", [p, q + 2n]],
    ["prime but not safe", [p, notSafe]],
    ["tiny", [7n, 5n]],
    ["zero", [0n, q]],
    ["negative", [-p, -q]],
    ["the halves", [(p - 1n) / 2n, (q - 1n) / 2n]],
  ] as const)("%s", async (_name, primes) => {
    await expect(deal({ ...options, primes })).rejects.toThrow(KeyError);
  });

  test("must be prime, and so must be the halves of what is below them", async () => {
    await expect(checkSafePrimes([23n, 11n], 8)).resolves.toBeUndefined();
    // 19 is prime, but 9 is not; 15 is not, but 7 is.
    for (const bad of [19n, 15n]) {
      await expect(checkSafePrimes([23n, bad], 9)).rejects.toThrow("not a safe prime");
      await expect(checkSafePrimes([bad, 23n], 9)).rejects.toThrow("not a safe prime");
    }
  });

  test("must make a modulus of the size asked for", async () => {
    await expect(deal({ ...options, rsaBits: 3072 })).rejects.toThrow(KeyError);
    await expect(checkSafePrimes([p, q], 2048)).resolves.toBeUndefined();
  });
});

describe("prime search", () => {
  test("finds two safe primes with a product of exactly the size", async () => {
    // Small, so that the search is short.
    for (const bits of [64, 128])
      await expect(checkSafePrimes(await generateSafePrimes(bits), bits)).resolves.toBeUndefined();
    await expect(generateSafePrimes(127)).rejects.toThrow(RangeError);
  });

  test("reports that it lives", async () => {
    const reports: DealProgress[] = [];
    const at0 = performance.now();
    await deal({ ...options, onProgress: (progress) => reports.push(progress) });
    expect(reports.map(({ step }) => step)).toEqual(["signing keys and coins", "receipt key"]);
    expect(reports.every(({ elapsedMs }) => elapsedMs >= 0 && elapsedMs <= performance.now() - at0)).toBe(true);
  });
});

describe("a long search", () => {
  afterEach(() => vi.useRealTimers());

  test.each(["finds", "fails"])("is reported at least every 250 ms until it %s", async (outcome) => {
    vi.useFakeTimers();
    let reports = 0;
    const work = new Promise((resolve, reject) => {
      setTimeout(() => (outcome === "finds" ? resolve("primes") : reject(new Error("no luck"))), 10_000);
    });
    const result = whileReporting(work, () => reports++).catch((error: unknown) => error);
    expect(reports).toBe(1);
    for (let seconds = 1; seconds <= 9; seconds++) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(reports).toBeGreaterThanOrEqual(1 + 4 * seconds);
    }
    await vi.advanceTimersByTimeAsync(1_100);
    expect(await result).toEqual(outcome === "finds" ? "primes" : new Error("no luck"));
    expect(vi.getTimerCount()).toBe(0);
  });
});
