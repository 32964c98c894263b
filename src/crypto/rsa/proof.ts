/**
 * Shoup's proof that a party's share of a signature is correct ("Practical threshold signatures", EUROCRYPT 2000, section 4, "proof
 * of correctness"; the same in Protocol 2, section 5): for each of its leaves j the discrete logarithm of x_j² to the base x~
 * equals that of v_j to the base v, made non-interactive by hashing. The proofs of the leaves are one: they share the
 * challenge (Cramer, Damgård and Schoenmakers, CRYPTO '94, section 1: conjunction), and each has its own response.
 *
 * On the wire: challenge c, 16 bytes ‖ for each leaf a response z_j, 33 bytes more than a leaf's secret has, big-endian.
 *
 * The challenge has the paper's L_1 = 128 bits. p' and q' are larger than 2^128, so for a wrong share any two commitments can be
 * answered for one challenge only: one try at a forgery, which is one hash, succeeds with probability 2^-128 in the
 * random oracle model, and collisions of the hash are of no use. The nonce is 2·L_1 bits longer than the secret, so
 * that z_j hides s_j up to a statistical distance of 2^-128.
 *
 * Deviations: the nonces are a pseudorandom function of the secret and of all that enters the challenge (a replayed
 * log gives the same bytes); the hash binds x_j itself, not only its square, and the party and the whole public key.
 */
import { concat, equalBytes } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { bytesToBigint } from "../numbers/bigints.js";
import { hmacSha512, sha256, shake256, u32Bytes } from "../hashing.js";
import type { RsaKey } from "./key.js";
import type { SecretExponent } from "./secret-exponent.js";

/** L_1. */
const CHALLENGE_BYTES = 16;
const NONCE_EXTRA_BYTES = 2 * CHALLENGE_BYTES;
/** z = s·c + r may carry into one more byte. */
const RESPONSE_EXTRA_BYTES = NONCE_EXTRA_BYTES + 1;

/** The statement to be proven: log_x~(x_j²) = log_v(v_j) for each leaf j of the party. */
export interface ShareClaim {
  readonly party: PartyId;
  /** x~, with x_j² = x~^{s_j}. */
  readonly base: bigint;
  /** The x_j, in 1..N-1, in the order of the leaves. */
  readonly pieces: readonly bigint[];
}

/** Bytes of a proof about so many pieces. */
export function proofSizeBytes(key: RsaKey, pieces: number): number {
  return CHALLENGE_BYTES + pieces * (key.secretBytes + RESPONSE_EXTRA_BYTES);
}

/** Deterministic. `secrets`: the s_j; `nonceKey`: a secret from which nothing else is derived. */
export function proveShare(
  key: RsaKey,
  claim: ShareClaim,
  secrets: readonly SecretExponent[],
  nonceKey: Uint8Array,
): Uint8Array {
  const { modulus, verificationBase } = key;
  const nonces = noncesOf(key, claim, nonceKey);
  const commitments = nonces.flatMap((nonce) => [
    modulus.powSecret(verificationBase, nonce),
    modulus.powSecret(claim.base, nonce),
  ]);
  const challenge = challengeOf(key, claim, commitments);
  const responses = secrets.map((secret, i) => secret.respond(challenge, nonces[i] ?? new Uint8Array()));
  for (const nonce of nonces) nonce.fill(0);
  return concat(challenge, ...responses);
}

/** Whether `proof`, any `proofSizeBytes` bytes, proves the claim. The pieces must be as many as the party has leaves, and invertible. */
export function verifyShareProof(key: RsaKey, claim: ShareClaim, proof: Uint8Array): boolean {
  const { modulus, verificationBase } = key;
  const challenge = proof.subarray(0, CHALLENGE_BYTES);
  const c = bytesToBigint(challenge);
  const responseBytes = key.secretBytes + RESPONSE_EXTRA_BYTES;
  const verificationKeys = key.sharing.leavesOf(claim.party).map((leaf) => key.verificationKeys[leaf] ?? 0n);
  const commitments = claim.pieces.flatMap((piece, i) => {
    const start = CHALLENGE_BYTES + i * responseBytes;
    const z = bytesToBigint(proof.subarray(start, start + responseBytes));
    return [
      modulus.product([
        { base: verificationBase, exponent: z },
        { base: verificationKeys[i] ?? 0n, exponent: -c },
      ]),
      modulus.product([
        { base: claim.base, exponent: z },
        { base: piece, exponent: -2n * c },
      ]),
    ];
  });
  return equalBytes(challenge, challengeOf(key, claim, commitments));
}

function challengeOf(key: RsaKey, claim: ShareClaim, commitments: readonly bigint[]): Uint8Array {
  const numbers = commitments.map((value) => key.modulus.format(value));
  return sha256("abcast/1 rsa share proof", ...bound(key, claim), ...numbers).subarray(0, CHALLENGE_BYTES);
}

/** Everything that enters the challenge fixes the nonces: one nonce never answers two challenges. */
function noncesOf(key: RsaKey, claim: ShareClaim, nonceKey: Uint8Array): Uint8Array[] {
  const seed = hmacSha512(nonceKey, "abcast/1 rsa share nonce", ...bound(key, claim));
  const sizeBytes = key.secretBytes + NONCE_EXTRA_BYTES;
  const nonces = claim.pieces.map((_, i) =>
    shake256(sizeBytes, "abcast/1 rsa share nonce expansion", seed, u32Bytes(i)),
  );
  seed.fill(0);
  return nonces;
}

function bound({ digest, modulus }: RsaKey, { party, base, pieces }: ShareClaim): Uint8Array[] {
  return [digest, u32Bytes(party), ...[base, ...pieces].map((value) => modulus.format(value))];
}
