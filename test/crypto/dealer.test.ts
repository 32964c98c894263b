import { afterEach, describe, expect, test, vi } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { anyOf, allOf, thresholdFormula } from "../../src/core/formula.js";
import { type Group, structureGroup, thresholdGroup } from "../../src/core/group.js";
import { bytesToBigint } from "../../src/crypto/numbers/bigints.js";
import {
  type DealProgress,
  KeyError,
  checkPublicKeys,
  combineRobustly,
  createRsaScheme,
  createRsaSharer,
  deal,
  generateSafePrimes,
} from "../../src/crypto/index.js";
import { whileReporting } from "../../src/crypto/dealer.js";
import { checkSafePrimes } from "../../src/crypto/rsa/dealer.js";
import { checkSharedSecrets } from "../../src/crypto/secret-checks.js";
import { PRIMES, dealKeys } from "./dealt.js";
import { OTHER_PRIMES_1024, PRIMES_1024, at, sharesOf } from "./fixtures.js";

const [p, q] = PRIMES_1024;
const group = thresholdGroup({ n: 4, byzantine: 1 });
const options = { group, rsaBits: 2048, primes: PRIMES };

describe("deal", () => {
  test("each key is for those who should use it", async () => {
    const ten = thresholdGroup({ n: 10, byzantine: 2, crash: 1 });
    const { publicKeys, secretKeys } = await deal({ ...options, group: ten, certificates: "bls" });
    expect(secretKeys.length).toBe(10);
    const [honest, quorum, broadcast] = [3, 7, 7].map((threshold) => thresholdFormula(threshold, 10));
    expect(publicKeys.coins).toMatchObject({ scheme: "dh", quorum: { access: quorum }, honest: { access: honest } });
    expect(publicKeys.certificates).toMatchObject({ quorum: { access: quorum }, broadcast: { access: broadcast } });
    expect(publicKeys.encryption.access).toEqual(honest);
    for (const key of [publicKeys.receipt, publicKeys.token])
      expect(key).toMatchObject({ access: honest, exponent: 65_537, nonResidue: new Uint8Array() });
    expect(bytesToBigint(publicKeys.receipt.modulus)).toBe(p * q);
    expect(bytesToBigint(publicKeys.token.modulus)).toBe(OTHER_PRIMES_1024[0] * OTHER_PRIMES_1024[1]);
  });

  test.each([
    ["Diffie-Hellman coins", {}],
    ["BLS", { certificates: "bls", coins: "bls" }],
  ] as const)("every party's secrets belong to the public keys: %s", async (_name, schemes) => {
    const { publicKeys, secretKeys } = await deal({ ...options, ...schemes });
    for (const party of group.parties) {
      expect(await checkSharedSecrets(party, publicKeys, at(secretKeys, party))).toEqual([]);
      // And to no other party.
      const all = await checkSharedSecrets((party + 1) % 4, publicKeys, at(secretKeys, party));
      const certificates = "certificates" in schemes ? ["certificates.quorum", "certificates.broadcast"] : [];
      expect(all.map((path) => path.join("."))).toEqual([
        "coins.quorum",
        "coins.honest",
        ...certificates,
        "encryption",
        "receipt",
        "token",
      ]);
    }
  });

  test("secrets for another scheme of certificates are not the party's", async () => {
    const [one, other] = [await deal(options), await deal({ ...options, certificates: "bls" })];
    const mixed = { ...at(one.secretKeys, 0), certificates: at(other.secretKeys, 0).certificates };
    expect(await checkSharedSecrets(0, one.publicKeys, mixed)).toEqual([["certificates"]]);
  });

  test("receipts are signed by b+1 parties", async () => {
    const { publicKeys, secretKeys } = await deal(options);
    const message = utf8("receipt");
    const shares = sharesOf([2, 3], (party) =>
      createRsaSharer(publicKeys.receipt, party, at(secretKeys, party).receipt).share(message),
    );
    expect(combineRobustly(createRsaScheme(publicKeys.receipt), message, shares).kind).toBe("combined");
  });

  test("all keys are different, within a dealing and from one to the next", async () => {
    const dealings = await Promise.all([deal(options), deal(options)]);
    const keys = dealings.flatMap(({ secretKeys }) =>
      secretKeys.flatMap(({ coins, encryption, receipt, token }) =>
        [coins.quorum, coins.honest, encryption, receipt, token].map(toHex),
      ),
    );
    expect(keys.length).toBe(40);
    expect(new Set(keys).size).toBe(40);
  });

  test("a structure whose formula has a greater threshold than there are parties", async () => {
    const heavy = structureGroup({ n: 4, byzantine: { kind: "weights", weights: [9, 9, 9, 9], max: 10 } });
    const { publicKeys, secretKeys } = await dealKeys(heavy);
    expect(publicKeys.receipt.access).toMatchObject({ threshold: 11 });
    expect(await checkPublicKeys(heavy, publicKeys)).toEqual([]);
    expect(await checkSharedSecrets(3, publicKeys, at(secretKeys, 3))).toEqual([]);
    await expect(deal({ ...options, group: heavy, spare: 1 })).rejects.toThrow("spare shares are for groups");
  });

  test("a group of one works, too", async () => {
    const { publicKeys } = await deal({ ...options, group: thresholdGroup({ n: 1, byzantine: 0 }) });
    expect(publicKeys.coins.quorum.access).toEqual(thresholdFormula(1, 1));
  });

  test.each([0, 1024, 2046, 2049, 4098, 1e9, Number.NaN])("refuses %s bits at once", async (rsaBits) => {
    await expect(deal({ group, rsaBits })).rejects.toThrow(KeyError);
  });
});

describe("shares to spare", () => {
  const message = utf8("receipt");

  test("sign like those of the first parties, and no fewer suffice", async () => {
    const { publicKeys, secretKeys, spares } = await deal({ ...options, spare: 2 });
    expect(spares.length).toBe(2);
    const scheme = createRsaScheme(publicKeys.receipt);
    const shares = (parties: readonly number[]) =>
      sharesOf(parties, (party) => {
        const secret = party < 4 ? at(secretKeys, party).receipt : at(spares, party - 4).receipt;
        return createRsaSharer(publicKeys.receipt, party, secret).share(message);
      });
    for (const parties of [
      [0, 5],
      [4, 5],
      [4, 1],
    ]) {
      const combination = combineRobustly(scheme, message, shares(parties));
      expect(combination.kind).toBe("combined");
      expect(combination).toEqual(combineRobustly(scheme, message, shares([0, 1])));
    }
    expect(combineRobustly(scheme, message, shares([5])).kind).toBe("insufficient");
  });

  test.each([-1, 0.5, 253, Number.NaN])("%s are too many or no number", async (spare) => {
    await expect(deal({ ...options, spare })).rejects.toThrow(KeyError);
  });

  test("need a threshold: in another structure a new party has no place", async () => {
    const general: Group = { ...group, access: { ...group.access, honest: anyOf([allOf([0, 1]), allOf([2, 3])]) } };
    await expect(deal({ ...options, group: general, spare: 1 })).rejects.toThrow(
      "spare shares are for groups with a threshold",
    );
    await expect(deal({ ...options, group: general })).resolves.toBeDefined();
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
    await expect(deal({ ...options, primes: { ...PRIMES, receipt: primes } })).rejects.toThrow(KeyError);
    await expect(deal({ ...options, primes: { ...PRIMES, token: primes } })).rejects.toThrow(KeyError);
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
    expect(reports.map(({ step }) => step)).toEqual(["coins, certificates and encryption", "receipt key", "token key"]);
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
