/** The result is an ordinary RSA signature: what the private key makes, and what others accept. */
import { spawnSync } from "node:child_process";
import { createPublicKey, verify as nodeVerify, webcrypto } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { type Formula, allOf, anyOf, atLeast, thresholdFormula, weightedFormula } from "../../../src/core/formula.js";
import { type PartyId, PartySet } from "../../../src/core/party-set.js";
import { CombineError } from "../../../src/crypto/errors.js";
import type { Dealt, RsaPublicKey } from "../../../src/crypto/keys.js";
import { bigintToBytes, bytesToBigint, inverse } from "../../../src/crypto/numbers/bigints.js";
import { Modulus } from "../../../src/crypto/numbers/modexp.js";
import { type SafePrimes, dealRsa } from "../../../src/crypto/rsa/dealer.js";
import { rsaPublicKeyPem } from "../../../src/crypto/rsa/key.js";
import { pkcs1Encode } from "../../../src/crypto/rsa/padding.js";
import { createRsaScheme, createRsaSharer } from "../../../src/crypto/rsa/threshold.js";
import { requireTool } from "../../support/tools.js";
import {
  OTHER_PRIMES_1024,
  PRIMES_1024,
  PRIMES_1536,
  PRIMES_2048,
  PROTOCOL_1,
  at,
  flipBit,
  sharesOf,
} from "../fixtures.js";
import { powBigint } from "../oracle.js";
import { FOUR_BY_FOUR, ROW_AND_COLUMN, allSets, party, randomFormula } from "./formulas.js";

function sharesFrom(dealt: Dealt<RsaPublicKey>, message: Uint8Array, parties: readonly PartyId[]) {
  return sharesOf(parties, (each) => createRsaSharer(dealt.publicKey, each, dealt.secretOf(each)).share(message));
}

function sign(dealt: Dealt<RsaPublicKey>, message: Uint8Array, parties: readonly PartyId[]): Uint8Array {
  return createRsaScheme(dealt.publicKey).combine(message, sharesFrom(dealt, message, parties));
}

/** m^d with the ordinary private exponent, which λ(N) defines (RFC 8017, section 3.2). */
function signOrdinarily([p, q]: SafePrimes, message: Uint8Array): Uint8Array {
  const sizeBytes = new Modulus(p * q).sizeBytes;
  const exponent = inverse(65_537n, (p - 1n) * ((q - 1n) / 2n)) ?? 0n;
  return bigintToBytes(powBigint(bytesToBigint(pkcs1Encode(message, sizeBytes)), exponent, p * q), sizeBytes);
}

/** Whether openssl's command accepts the signature. */
function opensslAccepts(publicKey: RsaPublicKey, message: Uint8Array, signature: Uint8Array): boolean {
  const folder = mkdtempSync(join(tmpdir(), "abcast-rsa-"));
  try {
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const key = file("key.pem", rsaPublicKeyPem(publicKey));
    const { status, stdout } = spawnSync(
      "openssl",
      ["dgst", "-sha256", "-verify", key, "-signature", file("signature", signature), file("message", message)],
      { encoding: "utf8" },
    );
    return status === 0 && stdout === "Verified OK\n";
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function webCryptoAccepts(publicKey: RsaPublicKey, message: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const spki = createPublicKey(rsaPublicKeyPem(publicKey)).export({ format: "der", type: "spki" });
  const key = await webcrypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
  return webcrypto.subtle.verify(algorithm, key, signature, message);
}

const hasOpenssl = requireTool("openssl");
const NESTED = allOf([atLeast(2, [0, 1, anyOf([2, 3])]), anyOf([4, atLeast(2, [1, 2, 3])])]);
const SIZES: readonly (readonly [number, SafePrimes, Formula, boolean, readonly PartyId[]])[] = [
  [2048, PRIMES_1024, thresholdFormula(2, 4), false, [1, 3]],
  [2048, OTHER_PRIMES_1024, thresholdFormula(3, 4), true, [3, 0, 2]],
  [2048, PRIMES_1024, thresholdFormula(6, 11), false, [0, 3, 6, 7, 9, 10]],
  [2048, OTHER_PRIMES_1024, weightedFormula(5, [3, 2, 1, 1]), true, [0, 2, 3]],
  [2048, PRIMES_1024, NESTED, false, [1, 2, 3]],
  [2048, PRIMES_1024, NESTED, true, [0, 3, 4]],
  [3072, PRIMES_1536, NESTED, true, [1, 2, 3]],
  [4096, PRIMES_2048, thresholdFormula(3, 4), true, [0, 1, 3]],
];

test.each(SIZES)(
  "%i bits, case %#: the signature is the private key's, and others accept it",
  async (bits, primes, access, dual, parties) => {
    const dealt = await dealRsa({ access, dual, primes });
    const { publicKey } = dealt;
    const message = utf8("a receipt\n");
    const signature = sign(dealt, message, parties);
    expect(signature).toEqual(signOrdinarily(primes, message));
    const details = createPublicKey(rsaPublicKeyPem(publicKey)).asymmetricKeyDetails;
    expect(details).toMatchObject({ modulusLength: bits, publicExponent: 65_537n });
    expect(nodeVerify("sha256", message, rsaPublicKeyPem(publicKey), signature)).toBe(true);
    expect(await webCryptoAccepts(publicKey, message, signature)).toBe(true);
    expect(await webCryptoAccepts(publicKey, utf8("another\n"), signature)).toBe(false);
    if (!hasOpenssl) return;
    expect(opensslAccepts(publicKey, message, signature)).toBe(true);
    expect(opensslAccepts(publicKey, utf8("another\n"), signature)).toBe(false);
  },
);

test("any formula, by either protocol: its qualified sets sign, no other set does", async () => {
  const message = utf8("m");
  const expected = signOrdinarily(OTHER_PRIMES_1024, message);
  await fc.assert(
    fc.asyncProperty(randomFormula(4, 2), fc.boolean(), async (access, dual) => {
      const dealt = await dealRsa({ access, dual, primes: OTHER_PRIMES_1024 });
      const scheme = createRsaScheme(dealt.publicKey);
      const everybody = [0, 1, 2, 3].filter((each) => scheme.sharing.leavesOf(each).length > 0);
      const shares = sharesFrom(dealt, message, everybody);
      for (const set of allSets(4)) {
        const some = new Map([...shares].filter(([each]) => set.has(each)));
        if (scheme.sharing.isQualified(set)) expect(scheme.combine(message, some)).toEqual(expected);
        else expect(() => scheme.combine(message, some)).toThrow(CombineError);
      }
    }),
    { numRuns: 5 },
  );
});

test("any threshold: as many parties sign, one fewer do not", async () => {
  const message = utf8("m");
  const expected = signOrdinarily(OTHER_PRIMES_1024, message);
  const parameters = fc.integer({ min: 2, max: 12 }).chain((n) =>
    fc.record({
      n: fc.constant(n),
      dual: fc.boolean(),
      parties: fc.shuffledSubarray([...Array(n).keys()], { minLength: 1 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(parameters, async ({ n, dual, parties }) => {
      const access = thresholdFormula(parties.length, n);
      const dealt = await dealRsa({ access, dual, primes: OTHER_PRIMES_1024 });
      const scheme = createRsaScheme(dealt.publicKey);
      const shares = sharesFrom(dealt, message, parties);
      expect(scheme.combine(message, shares)).toEqual(expected);
      shares.delete(at(parties, 0));
      expect(() => scheme.combine(message, shares)).toThrow(CombineError);
    }),
    { numRuns: 4 },
  );
});

describe("16 parties, of which the adversary may have a row and a column", async () => {
  const dealt = await dealRsa({ access: FOUR_BY_FOUR, dual: false, primes: PRIMES_1024 });
  const scheme = createRsaScheme(dealt.publicKey);
  const message = utf8("a receipt of sixteen\n");

  test("three parties of different rows and columns sign; no two parties can", () => {
    const signature = sign(dealt, message, [party(0, 0), party(1, 1), party(2, 2)]);
    expect(signature).toEqual(signOrdinarily(PRIMES_1024, message));
    expect(sign(dealt, message, [party(3, 1), party(1, 0), party(2, 3)])).toEqual(signature);
    if (hasOpenssl) expect(opensslAccepts(dealt.publicKey, message, signature)).toBe(true);
    for (let one = 0; one < 16; one++)
      for (let other = 0; other < one; other++)
        expect(scheme.sharing.isQualified(PartySet.of([one, other]))).toBe(false);
  });

  test("no row and column together can; the other nine parties always can", () => {
    const everybody = Array.from({ length: 16 }, (_, each) => each);
    // Shares do not matter where they do not suffice: one and the same for all.
    const piece = createRsaSharer(dealt.publicKey, 0, dealt.secretOf(0)).share(message);
    expect(ROW_AND_COLUMN.length).toBe(16);
    for (const adversary of ROW_AND_COLUMN) {
      expect(adversary.length).toBe(7);
      expect(() =>
        scheme.combine(
          message,
          sharesOf(adversary, () => piece),
        ),
      ).toThrow(CombineError);
      const others = everybody.filter((each) => !adversary.includes(each));
      expect(scheme.sharing.isQualified(PartySet.of(others))).toBe(true);
    }
  });
});

describe("checking a signature", () => {
  const scheme = createRsaScheme(PROTOCOL_1.publicKey);
  const sharers = [0, 1].map((each) => createRsaSharer(PROTOCOL_1.publicKey, each, PROTOCOL_1.secretOf(each)));
  const signatureOf = (message: Uint8Array): Uint8Array =>
    scheme.combine(
      message,
      sharesOf([0, 1], (each) => at(sharers, each).share(message)),
    );
  const isValid = (message: Uint8Array, signature: Uint8Array): boolean =>
    scheme.checkValue(message, signature).kind === "valid";

  test("is for its message only, and total", () => {
    const message = utf8("receipt");
    const signature = signatureOf(message);
    expect(isValid(message, signature)).toBe(true);
    expect(scheme.checkValue(utf8("receipT"), signature)).toMatchObject({
      kind: "invalid",
      reason: expect.any(String),
    });
    for (const bit of [0, 1000, 2047]) expect(isValid(message, flipBit(signature, bit))).toBe(false);
    for (const size of [0, 1, 255, 257, 5000]) expect(isValid(message, new Uint8Array(size))).toBe(false);
    expect(isValid(message, concat(new Uint8Array(1), signature))).toBe(false);
    expect(isValid(message, new Uint8Array(256).fill(0xff))).toBe(false);
  });

  test("does not accept s + N as another form of s", () => {
    const [p, q] = PRIMES_1024;
    for (let i = 0; ; i++) {
      const message = utf8(`small ${i}`);
      const larger = bytesToBigint(signatureOf(message)) + p * q;
      if (larger >> 2048n !== 0n) continue;
      return expect(isValid(message, bigintToBytes(larger, 256))).toBe(false);
    }
  });
});

test("RFC 7515, appendix A.2: a published RS256 signature has our padding under it", () => {
  const number = (text: string): bigint => bytesToBigint(Buffer.from(text, "base64url"));
  const modulus = new Modulus(
    number(
      "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMs" +
        "D1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdV" +
        "MTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ",
    ),
  );
  const signature = number(
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQ" +
      "jbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt" +
      "FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
  );
  const signed =
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
  expect(modulus.format(modulus.pow(signature, 65_537n))).toEqual(pkcs1Encode(utf8(signed), 256));
});
