/**
 * Threshold RSA: Shoup, "Practical threshold signatures", EUROCRYPT 2000. κ of n parties make a signature, t may be
 * corrupted, and the result is an ordinary RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, section
 * 8.2), the same whichever parties make it.
 *
 * Protocol 1, κ = t+1:  x_i = x^{2Δs_i},  x~ = x^{4Δ},  w = Π x_i^{2λ_i},  w^e = x^{4Δ²}.
 *   As unforgeable as ordinary RSA signatures with the same padding; the random oracle is only in the proofs.
 * Protocol 2, κ > t+1:  s_i carries a factor Δ^{-1}, x = x^ or x^·u^e, whichever has Jacobi symbol 1,
 *   x_i = x^{2s_i},  x~ = x^4,  w^e = x^4,  and the result is divided by u when u was multiplied in.
 *   The paper's theorem needs DDH among the squares modulo N and a full-domain hash as a random oracle. PKCS#1
 *   v1.5 padding is no such hash: for κ > t+1 unforgeability with this padding is an assumption, not a theorem.
 *
 * The domain is the caller's to separate: the message is signed as it is, since others must verify it.
 * Combining is optimistic: shares carry no proof until a combination fails; then `prove` and `combineProven`.
 */
import { verify as verifySignature } from "node:crypto";
import type { PartyId } from "../../core/party-set.js";
import { bezout, bytesToBigint, jacobi } from "../numbers/bigints.js";
import { KeyError } from "../errors.js";
import type { RsaPublicKey } from "../keys.js";
import type { Power } from "../numbers/modexp.js";
import { type RsaKey, openRsaKey } from "./key.js";
import { pkcs1Encode } from "./padding.js";
import { type ShareClaim, proveShare, verifyShareProof } from "./proof.js";
import { integerLagrangeAtZero } from "../sharing/shamir.js";

export interface RsaSigner {
  /** This party's share of the signature of `message`, as long as the modulus. */
  share(message: Uint8Array): Uint8Array;
  /** A proof that `share(message)` is correct, 97 bytes longer than the modulus; the same each time. */
  prove(message: Uint8Array): Uint8Array;
}

/** A share and the proof that it is correct. */
export interface ProvenShare {
  readonly share: Uint8Array;
  readonly proof: Uint8Array;
}

export interface ProvenCombination {
  /** Undefined when fewer than κ of the shares are correct. */
  readonly signature: Uint8Array | undefined;
  /** The parties whose share or proof is wrong, ascending. */
  readonly faulty: readonly PartyId[];
}

export interface RsaVerifier {
  /** The same for any bytes as for a missing proof: false. */
  verifyShare(party: PartyId, message: Uint8Array, share: Uint8Array, proof: Uint8Array): boolean;
  /**
   * The signature from the κ lowest parties' shares that are well-formed, or undefined when there are too few or
   * one of those κ is wrong. Total.
   */
  combine(message: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Uint8Array | undefined;
  /** The robust way: checks all proofs, then combines what is correct. Total. */
  combineProven(message: Uint8Array, shares: ReadonlyMap<PartyId, ProvenShare>): ProvenCombination;
  /** An ordinary RSA signature check. Total. */
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/**
 * `secret` is party's s_i, as long as the modulus, big-endian.
 * @throws KeyError when the public key is malformed or `secret` is not that of `party`.
 */
export function createRsaSigner(publicKey: RsaPublicKey, party: PartyId, secret: Uint8Array): RsaSigner {
  const key = openRsaKey(publicKey);
  const { modulus } = key;
  const s = bytesToBigint(secret);
  const fits = secret.length === modulus.sizeBytes && s < modulus.value;
  if (!fits || modulus.pow(key.verificationBase, s) !== key.verificationKeys[party]) {
    throw new KeyError(`RSA: the secret key is not that of party ${party}`);
  }
  const shareOf = (x: bigint): bigint => modulus.pow(x, shareExponentFactor(key) * s);
  return {
    share: (message) => modulus.format(shareOf(representative(key, message).x)),
    prove(message) {
      const { x } = representative(key, message);
      return proveShare(key, { party, base: proofBase(key, x), share: shareOf(x) }, s);
    },
  };
}

/** @throws KeyError when the public key is malformed. */
export function createRsaVerifier(publicKey: RsaPublicKey): RsaVerifier {
  const key = openRsaKey(publicKey);

  const verify: RsaVerifier["verify"] = (message, signature) =>
    verifySignature("sha256", message, key.standard, signature);

  const verifyShare: RsaVerifier["verifyShare"] = (party, message, share, proof) => {
    const x = key.modulus.parse(share);
    if (x === undefined) return false;
    const claim: ShareClaim = { party, base: proofBase(key, representative(key, message).x), share: x };
    return verifyShareProof(key, claim, proof);
  };

  const combine: RsaVerifier["combine"] = (message, shares) => {
    const chosen = chooseShares(key, shares);
    if (chosen === undefined) return undefined;
    const signature = assemble(key, message, chosen);
    return signature !== undefined && verify(message, signature) ? signature : undefined;
  };

  const combineProven: RsaVerifier["combineProven"] = (message, shares) => {
    const correct = new Map<PartyId, Uint8Array>();
    const faulty: PartyId[] = [];
    for (const [party, { share, proof }] of [...shares].sort(([a], [b]) => a - b)) {
      if (verifyShare(party, message, share, proof)) correct.set(party, share);
      else faulty.push(party);
    }
    return { signature: combine(message, correct), faulty };
  };

  return { verifyShare, combine, combineProven, verify };
}

/** x_i = x^{factor·s_i}. */
function shareExponentFactor(key: RsaKey): bigint {
  return key.nonResidue === undefined ? 2n * key.delta : 2n;
}

/** x~ = x^{4Δ}, or x^4 in Protocol 2: x_i² = x~^{s_i}. */
function proofBase(key: RsaKey, x: bigint): bigint {
  return key.modulus.pow(x, 2n * shareExponentFactor(key));
}

/** e' with w^e = x^{e'}. */
function combinedExponent(key: RsaKey): bigint {
  return key.nonResidue === undefined ? 4n * key.delta * key.delta : 4n;
}

interface Representative {
  /** The number whose e-th root is computed. */
  readonly x: bigint;
  /** Whether that root is to be divided by u. */
  readonly shifted: boolean;
}

/** The padded message, in Protocol 2 shifted so that its Jacobi symbol is 1. */
function representative(key: RsaKey, message: Uint8Array): Representative {
  const { modulus, nonResidue, exponent } = key;
  const padded = bytesToBigint(pkcs1Encode(message, modulus.sizeBytes));
  if (nonResidue === undefined || jacobi(padded, modulus.value) !== -1) return { x: padded, shifted: false };
  return { x: modulus.multiply(padded, modulus.pow(nonResidue, exponent)), shifted: true };
}

/** κ well-formed shares, of the lowest parties, so that everybody takes the same; undefined when there are fewer. */
function chooseShares(key: RsaKey, shares: ReadonlyMap<PartyId, Uint8Array>): Map<PartyId, bigint> | undefined {
  const chosen = new Map<PartyId, bigint>();
  for (const party of [...shares.keys()].sort((a, b) => a - b)) {
    const share = key.modulus.parse(shares.get(party) ?? new Uint8Array());
    if (share === undefined || key.verificationKeys[party] === undefined) continue;
    chosen.set(party, share);
    if (chosen.size === key.threshold) return chosen;
  }
  return undefined;
}

/**
 * y = w^a·x^b with e'·a + e·b = 1, so that y^e = x. All in one product, so that there is one
 * inversion; undefined when a share has no inverse.
 */
function assemble(key: RsaKey, message: Uint8Array, shares: ReadonlyMap<PartyId, bigint>): Uint8Array | undefined {
  const { modulus, nonResidue } = key;
  const { x, shifted } = representative(key, message);
  const { x: a, y: b } = bezout(combinedExponent(key), key.exponent);
  const parties = [...shares.keys()];
  const lambdas = integerLagrangeAtZero(parties, key.n);
  const powers: Power[] = [{ base: x, exponent: b }];
  [...shares.values()].forEach((share, i) => powers.push({ base: share, exponent: 2n * (lambdas[i] ?? 0n) * a }));
  if (shifted && nonResidue !== undefined) powers.push({ base: nonResidue, exponent: -1n });
  try {
    return modulus.format(modulus.product(powers));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
