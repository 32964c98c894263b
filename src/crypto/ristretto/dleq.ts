/**
 * Equality of discrete logarithms (Chaum and Pedersen, CRYPTO '92), made non-interactive by hashing (Fiat and Shamir): whoever
 * holds x_1..x_k with key_j = g^{x_j} shows that element_j = base^{x_j} for the same x_j. One challenge serves all k,
 * so that the statements are proved together or not at all.
 *
 * On the wire: challenge c ‖ responses z_1..z_k, 32 bytes each; g^{z_j} = a_j·key_j^c, base^{z_j} = b_j·element_j^c.
 *
 * Deviation: the nonces are not random but a pseudorandom function of the secrets and of all that enters the challenge, so that a
 * replayed log gives the same bytes, and a bad random generator cannot betray the key.
 */
import { concat, equalBytes } from "../../core/bytes.js";
import { type Domain, hmacSha512, sha512, u32Bytes } from "../hashing.js";
import { type Ristretto, SCALAR_BYTES } from "./group.js";

export interface EqualLogs {
  /** What the proof is for, and for whom: all that must not be exchanged. */
  readonly context: readonly Uint8Array[];
  /** key_j. Valid elements. */
  readonly keys: readonly Uint8Array[];
  /** A valid element. */
  readonly base: Uint8Array;
  /** element_j, as many as keys. Valid elements. */
  readonly elements: readonly Uint8Array[];
}

export interface EqualLogsProofs {
  /** `secrets`: x_j, scalars of 32 bytes. */
  prove(claim: EqualLogs, secrets: readonly Uint8Array[]): Uint8Array;
  /** What is wrong with a proof, or undefined. Total in `proof`. */
  check(claim: EqualLogs, proof: Uint8Array): string | undefined;
}

/** `domain` separates the proofs of one scheme from all others. */
export function createEqualLogsProofs(ristretto: Ristretto, domain: Domain): EqualLogsProofs {
  const challengeOf = (claim: EqualLogs, a: readonly Uint8Array[], b: readonly Uint8Array[]): Uint8Array =>
    ristretto.scalarFromHash(sha512(domain, ...transcript(claim), ...a, ...b));

  return {
    prove(claim, secrets) {
      const key = concat(...secrets);
      // Everything that enters the challenge fixes the nonce: one nonce never answers two challenges.
      const nonces = secrets.map((_, j) =>
        ristretto.scalarFromHash(hmacSha512(key, `${domain} nonce`, u32Bytes(j), ...transcript(claim))),
      );
      const a = nonces.map((nonce) => ristretto.basePower(nonce));
      const b = nonces.map((nonce) => ristretto.power(claim.base, nonce));
      const challenge = challengeOf(claim, a, b);
      const products = secrets.map((secret) => ristretto.multiplyScalars(challenge, secret));
      const responses = nonces.map((nonce, j) => ristretto.addScalars(nonce, products[j] ?? new Uint8Array()));
      // The challenge is public, so its product with a secret is as secret.
      for (const secret of [key, ...nonces, ...products]) secret.fill(0);
      return concat(challenge, ...responses);
    },

    check(claim, proof) {
      const { keys, base, elements } = claim;
      if (proof.length !== proofSizeBytes(keys.length)) return `proof of ${proof.length} bytes`;
      const scalars = Array.from({ length: keys.length + 1 }, (_, i) =>
        proof.subarray(i * SCALAR_BYTES, (i + 1) * SCALAR_BYTES),
      );
      // An honest scalar is 0 with probability 2^-252; excluding it keeps libsodium from throwing.
      if (!scalars.every((scalar) => ristretto.isScalar(scalar))) return "a scalar of the proof is 0 or not reduced";
      const [challenge = new Uint8Array(), ...responses] = scalars;
      const commitment = (from: Uint8Array, to: Uint8Array): Uint8Array =>
        ristretto.divide(from, ristretto.power(to, challenge));
      const a = responses.map((z, j) => commitment(ristretto.basePower(z), keys[j] ?? new Uint8Array()));
      const b = responses.map((z, j) => commitment(ristretto.power(base, z), elements[j] ?? new Uint8Array()));
      return equalBytes(challenge, challengeOf(claim, a, b)) ? undefined : "the proof does not hold";
    },
  };
}

/** Bytes of a proof of `count` equalities. */
export function proofSizeBytes(count: number): number {
  return (1 + count) * SCALAR_BYTES;
}

/** All but the commitments. The counts keep keys and elements apart. */
function transcript({ context, keys, base, elements }: EqualLogs): Uint8Array[] {
  return [u32Bytes(context.length), ...context, u32Bytes(keys.length), ...keys, base, ...elements];
}
