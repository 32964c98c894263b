import { spawnSync } from "node:child_process";
import { createPublicKey, verify as nodeVerify } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import type { PartyId } from "../../../src/core/party-set.js";
import { bigintToBytes, bytesToBigint, inverse, jacobi } from "../../../src/crypto/numbers/bigints.js";
import {
  KeyError,
  type RsaDealing,
  createRsaSigner,
  createRsaVerifier,
  dealRsa,
  rsaPublicKeyPem,
} from "../../../src/crypto/index.js";
import { Modulus } from "../../../src/crypto/numbers/modexp.js";
import { openRsaKey } from "../../../src/crypto/rsa/key.js";
import { pkcs1Encode } from "../../../src/crypto/rsa/padding.js";
import { type ShareClaim, proveShare } from "../../../src/crypto/rsa/proof.js";
import { requireTool } from "../../support/tools.js";
import { OTHER_PRIMES_1024, PRIMES_1024, PROTOCOL_1, PROTOCOL_2, at, flipBit, sharesOf } from "../fixtures.js";
import { powBigint } from "../oracle.js";

const [p, q] = PRIMES_1024;
const N = p * q;

function open({ publicKey, secrets }: RsaDealing) {
  return {
    publicKey,
    verifier: createRsaVerifier(publicKey),
    signers: secrets.map((secret, party) => createRsaSigner(publicKey, party, secret)),
  };
}

/** A message whose padding has the given Jacobi symbol: Protocol 2 treats the two differently. */
function messageWithSymbol(symbol: 1 | -1): Uint8Array {
  for (let i = 0; ; i++) {
    const message = utf8(`message ${i}`);
    if (jacobi(bytesToBigint(pkcs1Encode(message, 256)), N) === symbol) return message;
  }
}

const MESSAGES = { residueLike: messageWithSymbol(1), nonResidue: messageWithSymbol(-1) };
const one = open(PROTOCOL_1);
const two = open(PROTOCOL_2);

const CASES = [
  { name: "Protocol 1", key: one, message: MESSAGES.residueLike },
  { name: "Protocol 1, Jacobi symbol -1", key: one, message: MESSAGES.nonResidue },
  { name: "Protocol 2", key: two, message: MESSAGES.residueLike },
  { name: "Protocol 2, Jacobi symbol -1", key: two, message: MESSAGES.nonResidue },
];

describe.each(CASES)("$name", ({ key: { publicKey, verifier, signers }, message }) => {
  const { threshold } = publicKey;
  const shares = signers.map((signer) => signer.share(message));
  const proofs = signers.map((signer) => signer.prove(message));
  const sharesFrom = (parties: readonly PartyId[]): Map<PartyId, Uint8Array> =>
    sharesOf(parties, (party) => at(shares, party));
  const verifyShare = (party: PartyId, share: Uint8Array, proof: Uint8Array, about = message): boolean =>
    verifier.verifyShare(party, about, share, proof);

  test("every qualified set makes the same ordinary signature", () => {
    const reference = verifier.combine(message, sharesFrom([0, 1, 2, 3])) ?? new Uint8Array();
    expect(nodeVerify("sha256", message, rsaPublicKeyPem(publicKey), reference)).toBe(true);
    for (let mask = 0; mask < 16; mask++) {
      const parties = [3, 1, 0, 2].filter((party) => (mask >> party) & 1);
      const signature = verifier.combine(message, sharesFrom(parties));
      expect(signature).toEqual(parties.length >= threshold ? reference : undefined);
    }
    expect(verifier.verify(message, reference)).toBe(true);
  });

  test("shares and proofs are deterministic", () => {
    expect(signers.map((signer) => signer.share(message))).toEqual(shares);
    expect(signers.map((signer) => signer.prove(message))).toEqual(proofs);
  });

  test("honest proofs verify", () => {
    for (const party of [0, 1, 2, 3]) expect(verifyShare(party, at(shares, party), at(proofs, party))).toBe(true);
  });

  test("a proof is for one party and one message", () => {
    expect(verifyShare(1, at(shares, 0), at(proofs, 0))).toBe(false);
    expect(verifyShare(0, at(shares, 1), at(proofs, 0))).toBe(false);
    expect(verifyShare(0, at(shares, 0), at(proofs, 1))).toBe(false);
    expect(verifyShare(0, at(shares, 0), at(proofs, 0), utf8("another"))).toBe(false);
    for (const party of [-1, 4, 0.5, Number.NaN, 2 ** 40])
      expect(verifyShare(party, at(shares, 0), at(proofs, 0))).toBe(false);
  });

  test("no bit of a share or proof may be flipped", () => {
    const share = at(shares, 0);
    const proof = at(proofs, 0);
    fc.assert(
      fc.property(fc.nat(8 * share.length - 1), fc.nat(8 * proof.length - 1), (inShare, inProof) => {
        expect(verifyShare(0, flipBit(share, inShare), proof)).toBe(false);
        expect(verifyShare(0, share, flipBit(proof, inProof))).toBe(false);
      }),
      { numRuns: 12 },
    );
    // The edges of the two fields.
    for (const bit of [0, 255, 256, 8 * proof.length - 1])
      expect(verifyShare(0, share, flipBit(proof, bit))).toBe(false);
  });

  test("shares outside the group are refused, by combining too", () => {
    const proof = at(proofs, 0);
    const negated = bigintToBytes(N - bytesToBigint(at(shares, 0)), 256);
    const numbers = [0n, 1n, N - 1n, N, N + 1n, p, q, 2n * p];
    const hostile = [
      ...numbers.map((value) => bigintToBytes(value, 256)),
      negated,
      new Uint8Array(),
      new Uint8Array(255).fill(1),
      new Uint8Array(257).fill(1),
      concat(new Uint8Array(1), at(shares, 0)),
      new Uint8Array(256).fill(0xff),
    ];
    for (const share of hostile) expect(verifyShare(0, share, proof)).toBe(false);
    for (const share of hostile.filter((bytes) => bytes !== negated)) {
      const mixed = sharesFrom([0, 1, 2].slice(0, threshold)).set(0, share);
      expect(verifier.combine(message, mixed)).toBeUndefined();
    }
  });

  test("malformed shares are passed over when there are enough others", () => {
    const expected = verifier.combine(message, sharesFrom([1, 2, 3]));
    for (const malformed of [new Uint8Array(), bigintToBytes(0n, 256), bigintToBytes(N, 256)]) {
      expect(verifier.combine(message, sharesFrom([0, 1, 2, 3]).set(0, malformed))).toEqual(expected);
    }
  });

  test("proofs of a wrong length are refused", () => {
    const proof = at(proofs, 0);
    for (const bytes of [
      new Uint8Array(),
      proof.subarray(1),
      concat(proof, new Uint8Array(1)),
      new Uint8Array(10_000),
    ]) {
      expect(verifyShare(0, at(shares, 0), bytes)).toBe(false);
    }
    expect(verifyShare(0, at(shares, 0), new Uint8Array(proof.length))).toBe(false);
    expect(verifyShare(0, at(shares, 0), new Uint8Array(proof.length).fill(0xff))).toBe(false);
  });

  test("the response has one form: leading zeros neither dropped nor added", () => {
    const proof = at(proofs, 0);
    const [challenge, response] = [proof.subarray(0, 32), proof.subarray(32)];
    expect(response[0]).toBe(0);
    expect(verifyShare(0, at(shares, 0), concat(challenge, response.subarray(1)))).toBe(false);
    expect(verifyShare(0, at(shares, 0), concat(challenge, new Uint8Array(1), response))).toBe(false);
  });

  test("a wrong share spoils the optimistic combination; the robust one names its sender", () => {
    const wrong = at(signers, 0).share(utf8("another message"));
    expect(verifier.combine(message, sharesFrom([1, 2, 3]).set(0, wrong))).toBeUndefined();
    const proven = sharesOf([0, 1, 2, 3], (party) => ({ share: at(shares, party), proof: at(proofs, party) }));
    const expected = verifier.combine(message, sharesFrom([1, 2, 3]));
    expect(verifier.combineProven(message, proven)).toEqual({ signature: expected, faulty: [] });
    proven.set(0, { share: wrong, proof: at(proofs, 0) }).set(9, { share: at(shares, 1), proof: at(proofs, 1) });
    expect(verifier.combineProven(message, proven)).toEqual({ signature: expected, faulty: [0, 9] });
    const lonely = new Map([...proven].filter(([party]) => party === 0 || party === 3));
    expect(verifier.combineProven(message, lonely)).toEqual({ signature: undefined, faulty: [0] });
  });

  test("shares of foreign parties do not count", () => {
    const foreign = sharesFrom([0, 1, 2].slice(0, threshold - 1))
      .set(4, at(shares, 3))
      .set(-1, at(shares, 3))
      .set(0.5, at(shares, 3));
    expect(verifier.combine(message, foreign)).toBeUndefined();
    expect(verifier.combine(message, foreign.set(3, at(shares, 3)))).toBeDefined();
  });
});

describe("a cheating prover", () => {
  const key = openRsaKey(PROTOCOL_2.publicKey);
  const message = MESSAGES.residueLike;
  const x = bytesToBigint(pkcs1Encode(message, 256));
  const base = key.modulus.pow(x, 4n);
  const secret = bytesToBigint(at(PROTOCOL_2.secrets, 0));
  const honest = { party: 0, base, share: key.modulus.pow(x, 2n * secret) };
  const isAccepted = (claim: ShareClaim, proof: Uint8Array): boolean =>
    two.verifier.verifyShare(claim.party, message, bigintToBytes(claim.share, 256), proof);

  test("the honest proof, made by hand", () => {
    expect(isAccepted(honest, proveShare(key, honest, secret))).toBe(true);
  });

  test("cannot prove a wrong share with the right secret", () => {
    const claim = { ...honest, share: key.modulus.pow(x, 2n * secret + 2n) };
    expect(isAccepted(claim, proveShare(key, claim, secret))).toBe(false);
  });

  test("cannot prove a share made with another secret", () => {
    const claim = { ...honest, share: key.modulus.pow(x, 2n * secret + 2n) };
    expect(isAccepted(claim, proveShare(key, claim, secret + 1n))).toBe(false);
  });

  test("cannot pass off a proof under a public key that differs anywhere", () => {
    const share = bigintToBytes(honest.share, 256);
    const proof = proveShare(key, honest, secret);
    const altered = createRsaVerifier({ ...PROTOCOL_2.publicKey, corrupted: 0 });
    expect(altered.verifyShare(0, message, share, proof)).toBe(false);
  });

  test("cannot pass off a proof as that of a party with the same key", () => {
    const [first, , ...rest] = PROTOCOL_2.publicKey.verificationKeys;
    const twins = {
      ...PROTOCOL_2.publicKey,
      verificationKeys: [first, first, ...rest].filter((each) => each !== undefined),
    };
    const proof = createRsaSigner(twins, 0, at(PROTOCOL_2.secrets, 0)).prove(message);
    const verifier = createRsaVerifier(twins);
    const share = bigintToBytes(honest.share, 256);
    expect([0, 1].map((party) => verifier.verifyShare(party, message, share, proof))).toEqual([true, false]);
  });
});

describe("signatures", () => {
  const { verifier, signers } = one;
  const sign = (message: Uint8Array): Uint8Array =>
    verifier.combine(
      message,
      sharesOf([0, 1], (party) => at(signers, party).share(message)),
    ) ?? new Uint8Array();

  test("verify for their message only, and totally", () => {
    const message = utf8("receipt");
    const signature = sign(message);
    expect(verifier.verify(message, signature)).toBe(true);
    expect(verifier.verify(utf8("receipT"), signature)).toBe(false);
    for (const bit of [0, 1000, 2047]) expect(verifier.verify(message, flipBit(signature, bit))).toBe(false);
    for (const size of [0, 1, 255, 257, 5000]) expect(verifier.verify(message, new Uint8Array(size))).toBe(false);
    expect(verifier.verify(message, concat(new Uint8Array(1), signature))).toBe(false);
    expect(verifier.verify(message, new Uint8Array(256).fill(0xff))).toBe(false);
  });

  test("s + N is not accepted as another form of s", () => {
    for (let i = 0; ; i++) {
      const message = utf8(`small ${i}`);
      const larger = bytesToBigint(sign(message)) + N;
      if (larger >> 2048n !== 0n) continue;
      return expect(verifier.verify(message, bigintToBytes(larger, 256))).toBe(false);
    }
  });

  test("are the one that the private exponent makes", () => {
    // λ(N), by which the ordinary private exponent is defined (RFC 8017, section 3.2).
    const lambda = (p - 1n) * ((q - 1n) / 2n);
    const exponent = inverse(65_537n, lambda) ?? 0n;
    const padded = bytesToBigint(pkcs1Encode(utf8("m"), 256));
    expect(bytesToBigint(sign(utf8("m")))).toBe(powBigint(padded, exponent, N));
    const publicKey = createPublicKey(rsaPublicKeyPem(one.publicKey));
    expect(publicKey.asymmetricKeyDetails).toMatchObject({ modulusLength: 2048, publicExponent: 65_537n });
  });
});

test("any group size and thresholds: κ shares sign, in both protocols", () => {
  const parameters = fc
    .tuple(fc.integer({ min: 1, max: 12 }), fc.nat(), fc.nat())
    .map(([n, a, b]) => {
      const corrupted = a % (Math.floor((n - 1) / 2) + 1);
      return { n, corrupted, threshold: corrupted + 1 + (b % (n - 2 * corrupted)) };
    })
    .chain((all) =>
      fc.record({
        all: fc.constant(all),
        parties: fc.subarray([...Array(all.n).keys()], { minLength: all.threshold, maxLength: all.threshold }),
      }),
    );
  fc.assert(
    fc.property(parameters, ({ all, parties }) => {
      const dealing = dealRsa({ ...all, primes: OTHER_PRIMES_1024 });
      const verifier = createRsaVerifier(dealing.publicKey);
      const message = utf8(JSON.stringify(all));
      const shares = sharesOf(parties, (party) =>
        createRsaSigner(dealing.publicKey, party, at(dealing.secrets, party)).share(message),
      );
      const signature = verifier.combine(message, shares);
      expect(signature !== undefined && verifier.verify(message, signature)).toBe(true);
      shares.delete(at(parties, 0));
      expect(verifier.combine(message, shares)).toBeUndefined();
    }),
    { numRuns: 8 },
  );
});

describe("secret keys", () => {
  test("must be those of the party", () => {
    const { publicKey, secrets } = PROTOCOL_1;
    expect(() => createRsaSigner(publicKey, 1, at(secrets, 0))).toThrow(KeyError);
    expect(() => createRsaSigner(publicKey, 4, at(secrets, 0))).toThrow(KeyError);
    expect(() => createRsaSigner(publicKey, 0, at(secrets, 0).subarray(1))).toThrow(KeyError);
    expect(() => createRsaSigner(publicKey, 0, concat(new Uint8Array(1), at(secrets, 0)))).toThrow(KeyError);
    expect(() => createRsaSigner(publicKey, 0, new Uint8Array(256))).toThrow(KeyError);
    expect(() => createRsaSigner(PROTOCOL_2.publicKey, 0, at(secrets, 0))).toThrow(KeyError);
  });

  test("two sharings of one key do not mix", () => {
    const again = open(dealRsa({ n: 4, threshold: 2, corrupted: 1, primes: PRIMES_1024 }));
    const message = utf8("m");
    const mixed = new Map([
      [0, at(one.signers, 0).share(message)],
      [1, at(again.signers, 1).share(message)],
    ]);
    expect(again.publicKey.modulus).toEqual(one.publicKey.modulus);
    expect(one.verifier.combine(message, mixed)).toBeUndefined();
  });
});

test.runIf(requireTool("openssl"))("openssl dgst -sha256 -verify accepts the signature", () => {
  const folder = mkdtempSync(join(tmpdir(), "abcast-rsa-"));
  try {
    const file = (name: string, content: string | Uint8Array): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const message = utf8("a receipt\n");
    const shares = sharesOf([1, 3], (party) => at(one.signers, party).share(message));
    const signature = file("signature", one.verifier.combine(message, shares) ?? "");
    const key = file("key.pem", rsaPublicKeyPem(one.publicKey));
    const openssl = (content: Uint8Array) =>
      spawnSync("openssl", ["dgst", "-sha256", "-verify", key, "-signature", signature, file("message", content)], {
        encoding: "utf8",
      });
    expect(openssl(message)).toMatchObject({ status: 0, stdout: "Verified OK\n" });
    expect(openssl(utf8("another\n")).status).not.toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
