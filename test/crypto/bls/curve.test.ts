import { bls12_381 } from "@noble/curves/bls12-381.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../../src/core/bytes.js";
import {
  type Claim,
  GROUP_ORDER,
  type PublicKey,
  type Signature,
  blsKeys,
  isScalar,
  negated,
  openPublicKey,
  openSignature,
  openUnchecked,
  sign,
  sumOfPublicKeys,
  sumOfSignatures,
  verify,
  verifyAll,
} from "../../../src/crypto/bls/curve.js";
import { at } from "../fixtures.js";
import { DST, G1, G2, hex, noble, shiftedOutside } from "./support.js";
import { AGGREGATES, HASH_TO_G2, NOT_IN_G1, NOT_IN_G2, SIGN } from "./vectors.js";

function keyOf(bytes: Uint8Array): PublicKey {
  const key = openPublicKey(bytes);
  if (key === undefined) throw new Error("no public key");
  return key;
}

function signatureOf(bytes: Uint8Array): Signature {
  const signature = openSignature(bytes);
  if (signature === undefined) throw new Error("no signature");
  return signature;
}

const message = utf8("message");
const secrets = [1n, 2n, 12_345n, GROUP_ORDER - 1n].map((scalar) => blsKeys.scalarBytes(scalar));

describe("published vectors", () => {
  test("public keys, signatures, verification", () => {
    SIGN.secretKeys.forEach((secretKey, k) => {
      const publicKey = blsKeys.basePower(hex(secretKey));
      expect(toHex(publicKey)).toBe(SIGN.publicKeys[k]);
      SIGN.messages.forEach((text, m) => {
        const signature = at(at(SIGN.signatures, k), m);
        expect(toHex(sign(hex(secretKey), hex(text)))).toBe(signature);
        const verifies = (key: string, about: string, bytes: string): boolean => {
          const point = openSignature(hex(bytes));
          return point !== undefined && verify(hex(about), keyOf(hex(key)), point);
        };
        expect(verifies(at(SIGN.publicKeys, k), text, signature)).toBe(true);
        expect(verifies(at(SIGN.publicKeys, (k + 1) % 3), text, signature)).toBe(false);
        expect(verifies(at(SIGN.publicKeys, k), at(SIGN.messages, (m + 1) % 3), signature)).toBe(false);
        // The vectors' verify_tampered_signature.
        expect(verifies(at(SIGN.publicKeys, k), text, `${signature.slice(0, -8)}ffffffff`)).toBe(false);
      });
    });
  });

  test("aggregates", () => {
    AGGREGATES.forEach((aggregate, m) => {
      const multiples = SIGN.signatures.map((row) => ({ point: signatureOf(hex(at(row, m))), coefficient: 1n }));
      expect(toHex(sumOfSignatures(multiples).toBytes())).toBe(aggregate);
    });
  });

  test.each(NOT_IN_G1)("no public key: %s", (_name, text) => {
    expect(openPublicKey(hex(text))).toBeUndefined();
  });

  test.each(NOT_IN_G2)("no signature: %s", (name, text) => {
    expect(openSignature(hex(text))).toBeUndefined();
    expect(openUnchecked(hex(text)) === undefined).toBe(name !== "outside the subgroup");
  });

  test("the oracle hashes as RFC 9380 says", () => {
    for (const [text, ...coordinates] of HASH_TO_G2.cases) {
      const { x, y } = noble.hash(utf8(text), HASH_TO_G2.dst).toAffine();
      expect([x.c0, x.c1, y.c0, y.c1]).toEqual(coordinates.map((coordinate) => BigInt(`0x${coordinate}`)));
    }
  });
});

describe("against the oracle", () => {
  test("keys, hash and signatures", () => {
    for (const secret of secrets) {
      for (const about of [message, new Uint8Array(), new Uint8Array(300).fill(7)]) {
        const hashed = noble.hash(about, DST);
        const [key, signature] = [blsKeys.basePower(secret), sign(secret, about)];
        expect(key).toEqual(noble.getPublicKey(secret).toBytes());
        expect(signature).toEqual(noble.Signature.toBytes(noble.sign(hashed, secret)));
        expect(noble.verify(signature, hashed, key)).toBe(true);
        expect(verify(about, keyOf(key), signatureOf(signature))).toBe(true);
      }
    }
    // With the secret 1 a signature is the hash itself.
    expect(sign(at(secrets, 0), message)).toEqual(noble.hash(message, DST).toBytes());
  });

  const terms = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 50 }), fc.oneof(fc.bigInt(0n, 70n), fc.bigInt(1n, GROUP_ORDER - 1n))),
    { minLength: 1, maxLength: 5 },
  );

  test("sums of multiples in both groups", () => {
    fc.assert(
      fc.property(terms, (list) => {
        // The discrete logarithms are known, so the sum is one multiple.
        const sum = list.reduce((total, [log, coefficient]) => total + BigInt(log) * coefficient, 0n) % GROUP_ORDER;
        fc.pre(list.some(([, coefficient]) => coefficient !== 0n));
        const scalar = (log: number): Uint8Array => blsKeys.scalarBytes(BigInt(log));
        const inG1 = list.map(([log, coefficient]) => ({ point: keyOf(blsKeys.basePower(scalar(log))), coefficient }));
        const inG2 = list.map(([log, coefficient]) => ({
          point: signatureOf(sign(scalar(log), message)),
          coefficient,
        }));
        expect(sumOfPublicKeys(inG1).toBytes()).toEqual(G1.BASE.multiplyUnsafe(sum).toBytes());
        expect(sumOfSignatures(inG2).toBytes()).toEqual(noble.hash(message, DST).multiplyUnsafe(sum).toBytes());
      }),
      { numRuns: 15 },
    );
  });

  test("sums that are the identity, and of nothing", () => {
    const bytes = sign(at(secrets, 2), message);
    const opposite = openUnchecked(negated(bytes));
    if (opposite === undefined) throw new Error("no point");
    const sum = sumOfSignatures([
      { point: signatureOf(bytes), coefficient: 5n },
      { point: opposite, coefficient: 5n },
    ]);
    expect(sum.toBytes()).toEqual(G2.ZERO.toBytes());
    expect(() => sumOfSignatures([])).toThrow(RangeError);
    expect(() => sumOfSignatures([{ point: opposite, coefficient: 0n }])).toThrow(RangeError);
  });

  test("the inverse of a point", () => {
    const bytes = sign(at(secrets, 2), message);
    expect(negated(bytes)).toEqual(G2.fromBytes(bytes).negate().toBytes());
    expect(negated(negated(bytes))).toEqual(bytes);
  });
});

describe("what is opened", () => {
  test("scalars are 1..r-1, 32 bytes", () => {
    for (const secret of secrets) expect(isScalar(secret)).toBe(true);
    const sizes = [0, 31, 33, 64].map((size) => new Uint8Array(size).fill(1));
    for (const bad of [
      ...[0n, GROUP_ORDER, GROUP_ORDER + 1n, 2n ** 256n - 1n].map((value) => blsKeys.scalarBytes(value)),
      ...sizes,
    ]) {
      expect(isScalar(bad)).toBe(false);
    }
    expect(GROUP_ORDER).toBe(bls12_381.fields.Fr.ORDER);
  });

  test("uncompressed points are none", () => {
    expect(openPublicKey(G1.BASE.toBytes(false))).toBeUndefined();
    expect(openSignature(G2.BASE.toBytes(false))).toBeUndefined();
    expect(openUnchecked(G2.BASE.toBytes(false))).toBeUndefined();
    expect(openPublicKey(G1.BASE.toBytes())).toBeDefined();
    expect(openSignature(G2.BASE.toBytes())).toBeDefined();
  });

  test("a signature with a summand of small order is none", () => {
    const signature = sign(at(secrets, 2), message);
    const shifted = shiftedOutside(signature);
    expect(shifted).not.toEqual(signature);
    expect(openUnchecked(shifted)).toBeDefined();
    expect(openSignature(shifted)).toBeUndefined();
  });

  test("any other bytes are none", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(openPublicKey(bytes)).toBeUndefined();
        expect(openSignature(bytes)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });
});

describe("all at once", () => {
  const claims: readonly Claim[] = secrets.map((secret) => ({
    key: keyOf(blsKeys.basePower(secret)),
    signature: sign(secret, message),
  }));
  const withSignature = (index: number, signature: Uint8Array): Claim[] =>
    claims.map((claim, i) => (i === index ? { ...claim, signature } : claim));

  test.each([0, 1, 2, 4])("%i valid ones", (count) => {
    expect(verifyAll(message, claims.slice(0, count))).toBe("valid");
  });

  test("the same one many times, and opposite ones", () => {
    expect(
      verifyAll(
        message,
        Array.from({ length: 70 }, () => at(claims, 2)),
      ),
    ).toBe("valid");
    // The logarithms 1 and r-1 are opposite.
    expect(verifyAll(message, [at(claims, 0), at(claims, 3)])).toBe("valid");
  });

  test("a wrong or malformed one anywhere", () => {
    const [wrong, uncompressed] = [sign(at(secrets, 2), utf8("other")), G2.BASE.toBytes(false)];
    claims.forEach((_, i) => {
      expect(verifyAll(message, withSignature(i, wrong))).toBe("wrong");
      for (const [, text] of NOT_IN_G2) expect(verifyAll(message, withSignature(i, hex(text)))).toBe("malformed");
      expect(verifyAll(message, withSignature(i, uncompressed))).toBe("malformed");
    });
    expect(verifyAll(message, [{ key: at(claims, 0).key, signature: wrong }])).toBe("wrong");
    for (const [, text] of NOT_IN_G2)
      expect(verifyAll(message, [{ key: at(claims, 0).key, signature: hex(text) }])).toBe("malformed");
  });

  test("errors that cancel in the sum do not pass", () => {
    const [one, other] = [at(claims, 1), at(claims, 2)];
    const shifted = (claim: Claim, by: typeof G2.BASE): Claim => ({
      key: claim.key,
      signature: G2.fromBytes(claim.signature).add(by).toBytes(),
    });
    const forged = [shifted(one, G2.BASE), shifted(other, G2.BASE.negate())];
    // The plain sum is right, which is what makes this an attack.
    const sum = sumOfSignatures(forged.map(({ signature }) => ({ point: signatureOf(signature), coefficient: 1n })));
    const key = sumOfPublicKeys(forged.map(({ key: point }) => ({ point, coefficient: 1n })));
    expect(verify(message, key, sum)).toBe(true);
    expect(verifyAll(message, forged)).toBe("wrong");
  });
});
