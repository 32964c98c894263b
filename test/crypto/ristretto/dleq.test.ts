import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../../src/core/bytes.js";
import { hmacSha512, sha512, u32Bytes } from "../../../src/crypto/hashing.js";
import { type EqualLogs, createEqualLogsProofs, proofSizeBytes } from "../../../src/crypto/ristretto/dleq.js";
import { GROUP_ORDER, type Ristretto, loadRistretto, scalarToBytes } from "../../../src/crypto/ristretto/group.js";
import { at, flipBit } from "../fixtures.js";

const ristretto = await loadRistretto();
const proofs = createEqualLogsProofs(ristretto, "abcast/1 test proof");

const base = ristretto.elementFromHash(new Uint8Array(64).fill(9));
const context = [utf8("one"), utf8("two")];

/** A true claim about these exponents. */
function claimOf(secrets: readonly Uint8Array[], about: readonly Uint8Array[] = context): EqualLogs {
  return {
    context: about,
    keys: secrets.map((x) => ristretto.basePower(x)),
    base,
    elements: secrets.map((x) => ristretto.power(base, x)),
  };
}

const secrets = [3n, 1_000_003n, GROUP_ORDER - 5n].map(scalarToBytes);
const claim = claimOf(secrets);
const proof = proofs.prove(claim, secrets);
const holds = (about: EqualLogs, bytes: Uint8Array): boolean => proofs.check(about, bytes) === undefined;
const swap = <T>([a, b, ...rest]: readonly T[]): T[] => [b, a, ...rest].filter((item) => item !== undefined);
const other = ristretto.elementFromHash(new Uint8Array(64).fill(8));

describe("a proof of equal logarithms", () => {
  test("holds, for any number of exponents; the same bytes each time", () => {
    const scalars = fc.bigInt({ min: 1n, max: GROUP_ORDER - 1n }).map(scalarToBytes);
    fc.assert(
      fc.property(fc.array(scalars, { minLength: 1, maxLength: 4 }), fc.array(fc.uint8Array()), (xs, about) => {
        const made = proofs.prove(claimOf(xs, about), xs);
        expect(made.length).toBe(proofSizeBytes(xs.length));
        expect(holds(claimOf(xs, about), made)).toBe(true);
        expect(proofs.prove(claimOf(xs, about), xs)).toEqual(made);
      }),
      { numRuns: 30 },
    );
    expect(proofSizeBytes(3)).toBe(128);
  });

  test("leaves the secrets as they were", () => {
    expect(secrets).toEqual([3n, 1_000_003n, GROUP_ORDER - 5n].map(scalarToBytes));
  });

  test.each<[string, EqualLogs]>([
    ["another context", { ...claim, context: [utf8("one"), utf8("twO")] }],
    ["the context cut elsewhere", { ...claim, context: [utf8("onet"), utf8("wo")] }],
    ["a longer context", { ...claim, context: [...context, new Uint8Array()] }],
    ["a shorter context", { ...claim, context: context.slice(1) }],
    ["another key", { ...claim, keys: [other, ...claim.keys.slice(1)] }],
    ["another base", { ...claim, base: other }],
    ["another element", { ...claim, elements: [other, ...claim.elements.slice(1)] }],
    ["a false last element", { ...claim, elements: [...claim.elements.slice(0, 2), other] }],
    ["keys in another order", { ...claim, keys: swap(claim.keys) }],
    ["elements in another order", { ...claim, elements: swap(claim.elements) }],
    ["keys and elements in another order", { ...claim, keys: swap(claim.keys), elements: swap(claim.elements) }],
    ["fewer equalities", { ...claim, keys: claim.keys.slice(1), elements: claim.elements.slice(1) }],
  ])("does not hold for %s", (_name, changed) => expect(holds(changed, proof)).toBe(false));

  test("does not hold in another domain", () => {
    expect(createEqualLogsProofs(ristretto, "abcast/1 other proof").check(claim, proof)).toBe(
      "the proof does not hold",
    );
  });

  test("does not hold for false claims, whatever secrets are taken", () => {
    const [x = new Uint8Array(), y = new Uint8Array()] = secrets;
    const crossed: EqualLogs = { ...claimOf([x]), elements: [ristretto.power(base, y)] };
    for (const secret of [x, y]) expect(holds(crossed, proofs.prove(crossed, [secret]))).toBe(false);
    // Only the second of two equalities is false.
    const half: EqualLogs = { ...claimOf([x, y]), elements: [ristretto.power(base, x), ristretto.power(base, x)] };
    expect(holds(half, proofs.prove(half, [x, y]))).toBe(false);
  });

  test("does not hold when the commitments are left out of the hash: c first, then anything", () => {
    const z = scalarToBytes(99n);
    const lone = claimOf(secrets.slice(0, 1));
    const hashed = sha512(
      "abcast/1 test proof",
      u32Bytes(2),
      ...context,
      u32Bytes(1),
      ...lone.keys,
      base,
      ...lone.elements,
    );
    expect(holds(lone, concat(ristretto.scalarFromHash(hashed), z))).toBe(false);
  });

  test("is refused with any bit flipped, and as any other bytes", () => {
    for (let bit = 0; bit < 8 * proof.length; bit += 3) expect(holds(claim, flipBit(proof, bit))).toBe(false);
    fc.assert(fc.property(fc.uint8Array({ minLength: 120, maxLength: 136 }), (bytes) => !holds(claim, bytes)));
    for (const size of [0, 32, 96, 127, 129, 160])
      expect(proofs.check(claim, new Uint8Array(size).fill(1))).toBe(`proof of ${size} bytes`);
  });

  test("has scalars in one form only, and none that is 0", () => {
    const parts = [0, 1, 2, 3].map((i) => proof.subarray(32 * i, 32 * i + 32));
    const number = (bytes: Uint8Array): bigint => BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
    for (const i of [0, 1, 2, 3])
      for (const bad of [
        scalarToBytes(number(at(parts, i)) + GROUP_ORDER),
        new Uint8Array(32),
        scalarToBytes(GROUP_ORDER),
      ]) {
        const bytes = concat(...parts.map((part, k) => (k === i ? bad : part)));
        expect(proofs.check(claim, bytes)).toBe("a scalar of the proof is 0 or not reduced");
      }
  });
});

describe("nonces", () => {
  /** nonce_j = z_j - c·x_j. */
  const noncesOf = (xs: readonly bigint[], bytes: Uint8Array): string[] => {
    const negative = (x: bigint): Uint8Array => scalarToBytes(GROUP_ORDER - x);
    return xs.map((x, j) => {
      const [c, z] = [bytes.subarray(0, 32), bytes.subarray(32 * (j + 1), 32 * (j + 2))];
      return toHex(ristretto.addScalars(z, ristretto.multiplyScalars(c, negative(x))));
    });
  };

  test("differ for every leaf, claim, secret and domain: one nonce for two challenges would give the secret away", () => {
    // Copies of one secret: only the index tells their nonces apart.
    const xs = [7n, 7n];
    const claims: readonly EqualLogs[] = [
      claimOf(xs.map(scalarToBytes)),
      claimOf(xs.map(scalarToBytes), [utf8("one")]),
      { ...claimOf(xs.map(scalarToBytes)), base: other },
      { ...claimOf(xs.map(scalarToBytes)), elements: [other, other] },
      { ...claimOf(xs.map(scalarToBytes)), keys: [other, other] },
    ];
    const nonces = claims.flatMap((about) => noncesOf(xs, proofs.prove(about, xs.map(scalarToBytes))));
    const otherDomain = createEqualLogsProofs(ristretto, "abcast/1 other proof");
    nonces.push(...noncesOf(xs, otherDomain.prove(at(claims, 0), xs.map(scalarToBytes))));
    // The public parts alone do not give the nonce.
    nonces.push(...noncesOf([8n, 9n], proofs.prove(at(claims, 0), [8n, 9n].map(scalarToBytes))));
    expect(new Set(nonces).size).toBe(14);
  });

  test("and what would give the secret away with them are overwritten", () => {
    const made: Uint8Array[] = [];
    const keep = (bytes: Uint8Array): Uint8Array => {
      made.push(bytes);
      return bytes;
    };
    const spied: Ristretto = {
      ...ristretto,
      scalarFromHash: (hash) => keep(ristretto.scalarFromHash(hash)),
      multiplyScalars: (a, b) => keep(ristretto.multiplyScalars(a, b)),
    };
    const bytes = createEqualLogsProofs(spied, "abcast/1 test proof").prove(claim, secrets);
    expect(bytes).toEqual(proof);
    // Three nonces, the challenge, three products with it: all but the challenge.
    expect(made.length).toBe(7);
    expect(made.filter((scalar) => scalar.some((byte) => byte !== 0))).toEqual([proof.subarray(0, 32)]);
  });

  test("are a pseudorandom function of all secrets and of what is claimed", () => {
    const xs = [7n, 11n];
    const keys = xs.map(scalarToBytes);
    const { elements, keys: verificationKeys } = claimOf(keys);
    const expected = [0, 1].map((j) =>
      toHex(
        ristretto.scalarFromHash(
          hmacSha512(
            concat(...keys),
            "abcast/1 test proof nonce",
            u32Bytes(j),
            u32Bytes(2),
            ...context,
            u32Bytes(2),
            ...verificationKeys,
            base,
            ...elements,
          ),
        ),
      ),
    );
    expect(noncesOf(xs, proofs.prove(claimOf(keys), keys))).toEqual(expected);
  });
});
