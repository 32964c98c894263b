/**
 * Shoup's proof that a signature share is correct ("Practical threshold signatures", EUROCRYPT 2000, Protocol 1,
 * "proof of correctness"; the same in Protocol 2): the discrete logarithm of x_i² to the base x~ equals that
 * of v_i to the base v, made non-interactive by hashing.
 *
 * On the wire: challenge c, 32 bytes ‖ response z, 65 bytes more than the modulus, big-endian.
 *
 * Deviations: the nonce r is a pseudorandom function of the secret and of all that enters the challenge (a
 * replayed log gives the same bytes); the hash binds x_i itself, not only its square, and the
 * party and the whole public key.
 */
import { concat, equalBytes } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { bigintToBytes, bytesToBigint, inverse } from "../numbers/bigints.js";
import { hmacSha512, sha256, shake256, u32Bytes } from "../hashing.js";
import type { RsaKey } from "./key.js";

const CHALLENGE_BYTES = 32;
/** The paper's L_1 is the challenge's length; r has 2·L_1 bits more than N, so that z hides s_i statistically. */
const NONCE_EXTRA_BYTES = 2 * CHALLENGE_BYTES;
/** z = s_i·c + r may carry into one more byte. */
const RESPONSE_EXTRA_BYTES = NONCE_EXTRA_BYTES + 1;

/** The statement to be proven: log_x~(x_i²) = log_v(v_i). */
export interface ShareClaim {
  readonly party: PartyId;
  /** x~, with x_i² = x~^{s_i}. */
  readonly base: bigint;
  /** x_i, in 1..N-1. */
  readonly share: bigint;
}

/** Bytes of a proof under `key`. */
export function proofSizeBytes(key: RsaKey): number {
  return CHALLENGE_BYTES + key.modulus.sizeBytes + RESPONSE_EXTRA_BYTES;
}

/** Deterministic. `secret` is s_party. */
export function proveShare(key: RsaKey, claim: ShareClaim, secret: bigint): Uint8Array {
  const { modulus, verificationBase } = key;
  const nonce = nonceOf(key, claim, secret);
  const challenge = challengeOf(key, claim, modulus.pow(verificationBase, nonce), modulus.pow(claim.base, nonce));
  // BigInt is not constant time, but r is used once and is longer than the product by 2·L_1 - L_1 bits.
  const response = secret * bytesToBigint(challenge) + nonce;
  return concat(challenge, bigintToBytes(response, modulus.sizeBytes + RESPONSE_EXTRA_BYTES));
}

/** Total in `proof` and in `claim.party`. `claim.share` must be in 1..N-1. */
export function verifyShareProof(key: RsaKey, claim: ShareClaim, proof: Uint8Array): boolean {
  const { modulus, verificationBase } = key;
  const verificationKey = key.verificationKeys[claim.party];
  if (verificationKey === undefined || proof.length !== proofSizeBytes(key)) return false;
  // A share with a factor in common with N is outside the group; `product` below could not invert it.
  if (inverse(claim.share, modulus.value) === undefined) return false;
  const challenge = proof.subarray(0, CHALLENGE_BYTES);
  const c = bytesToBigint(challenge);
  const z = bytesToBigint(proof.subarray(CHALLENGE_BYTES));
  const v = modulus.product([
    { base: verificationBase, exponent: z },
    { base: verificationKey, exponent: -c },
  ]);
  const x = modulus.product([
    { base: claim.base, exponent: z },
    { base: claim.share, exponent: -2n * c },
  ]);
  return equalBytes(challenge, challengeOf(key, claim, v, x));
}

function challengeOf(key: RsaKey, claim: ShareClaim, v: bigint, x: bigint): Uint8Array {
  const { digest, modulus } = key;
  const numbers = [claim.base, claim.share, v, x].map((value) => modulus.format(value));
  return sha256("abcast/1 rsa share proof", digest, u32Bytes(claim.party), ...numbers);
}

function nonceOf(key: RsaKey, claim: ShareClaim, secret: bigint): bigint {
  const { digest, modulus } = key;
  const numbers = [claim.base, claim.share].map((value) => modulus.format(value));
  const seed = hmacSha512(
    modulus.format(secret),
    "abcast/1 rsa share nonce",
    digest,
    u32Bytes(claim.party),
    ...numbers,
  );
  return bytesToBigint(shake256(modulus.sizeBytes + NONCE_EXTRA_BYTES, "abcast/1 rsa share nonce expansion", seed));
}
