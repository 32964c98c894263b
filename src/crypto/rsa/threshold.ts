/**
 * Threshold RSA: Shoup, "Practical threshold signatures", EUROCRYPT 2000, with a formula in place of the threshold. Any
 * qualified set makes a signature, and it is an ordinary RSASSA-PKCS1-v1_5 signature with SHA-256 (RFC 8017, section
 * 8.2), the same whoever makes it.
 *
 * Leaf j has s_j. A qualified set has integers c_j with Σ c_j·s_j = D·d modulo m (sharing.ts; D is Shoup's Δ = n!
 * for one gate over n parties), where d = e^{-1}, and in Protocol 2 d = (eD)^{-1}, modulo m = p'q'. x: the padded message.
 *   Protocol 1  x_j = x^{2D·s_j},  x~ = x^{4D},  w = Π x_j^{2c_j} = x^{4D·Dd},  w^e = x^{4D²}.
 *   Protocol 2  x = x^ or x^·u^e, whichever has Jacobi symbol 1,  x_j = x^{2s_j},  x~ = x^4,  w = x^{4·Dd},  w^e = x^4,
 *               and the result is divided by u when u was multiplied in.
 * w^e = x^{e'} with gcd(e', e) = 1, since e is a prime above every gate's width and D has no such factors: integers a, b with
 * a·e' + b·e = 1 give the signature y = w^a·x^b, as y^e = x. The c_j have a common factor g that divides D; it is taken out
 * first: Π x_j^{2c_j/g} is the g-th root of w among the squares, as g is coprime to m. Parties that follow one
 * another have small c_j/g, binomial coefficients.
 *
 * Security, with T the corrupted, unqualified set. Shoup's simulator makes T's secrets without knowing d, and from
 * (x, y) the honest parties' x_j. Here, from the root down: of a hidden AND or threshold gate (exponent-sharing.ts) T satisfies
 * fewer inputs than `threshold`. The simulator picks values below N/4 for `threshold - 1` inputs, those among them, and deals
 * below these as the dealer does. The other inputs' values, times the gate's δ, are integer combinations of the picked ones and d; in
 * these branches T's secrets are dealt for the value 0, statistically the same, and the others' are then integer combinations of that
 * value and known numbers. Multipliers along a path divide D, so D·s_j = α·d + β with α, β known, and
 * x_j = x^{2D·s_j} = y^{2(α + e·β)}. An OR passes d on, to branches that T does not satisfy. Hence Protocol 1 is as unforgeable as
 * ordinary RSA signatures with this padding against whoever corrupts an unqualified set and has no honest party's share of the
 * message in question; the random oracle is only in the proofs of shares.
 * Protocol 2 is for keys whose unqualified sets may contain honest parties. Shoup's theorem, for thresholds, needs DDH among the squares
 * modulo N and a full-domain hash as a random oracle. That it holds with PKCS#1 v1.5 padding, which is no such hash, and for other
 * formulas than one threshold gate is an assumption, not a theorem.
 *
 * The domain is the caller's to separate: the message is signed as it is, since others must verify it.
 *
 * A party's share: its x_j, each as long as the modulus. A *proven share*: the same, then the proof (proof.ts); the length tells them
 * apart. Shares need no proof until a combination fails.
 */
import { verify as verifySignature } from "node:crypto";
import { concat } from "../../core/bytes.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import { CombineError, KeyError } from "../errors.js";
import { hmacSha512 } from "../hashing.js";
import type { RsaPublicKey } from "../keys.js";
import { bezout, bytesToBigint, jacobi } from "../numbers/bigints.js";
import type { Power } from "../numbers/modexp.js";
import { type Scheme, type Sharer, UNPROVEN, VALID, type Verdict, invalid, piecesOf } from "../scheme.js";
import type { Term } from "../sharing/sharing.js";
import { type RsaKey, looksLikeSquare, openRsaKey } from "./key.js";
import { pkcs1Encode } from "./padding.js";
import { proofSizeBytes, proveShare, verifyShareProof } from "./proof.js";
import { SecretExponent } from "./secret-exponent.js";

export interface RsaSharer extends Sharer<Uint8Array> {
  /** Bytes of a share: where in a proven share the proof begins. */
  readonly shareBytes: number;
  /** The share, then the proof that it is correct. Deterministic. @throws TypeError after `destroy`. */
  prove(message: Uint8Array): Uint8Array;
}

export interface RsaScheme extends Scheme<Uint8Array, Uint8Array> {
  /** Of a share (x_j only): UNPROVEN unless something is wrong. */
  checkShare(party: PartyId, message: Uint8Array, share: Uint8Array): Verdict;
  /** Takes shares with and without proof; one that is malformed counts as missing. */
  combine(message: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Uint8Array;
  /** An ordinary RSA signature check. */
  checkValue(message: Uint8Array, signature: Uint8Array): Verdict;
}

/**
 * `secret`: the s_j of the party's leaves, as the dealer made them.
 * @throws KeyError when the public key is malformed or `secret` is not that of `party`.
 */
export function createRsaSharer(publicKey: RsaPublicKey, party: PartyId, secret: Uint8Array): RsaSharer {
  const key = openRsaKey(publicKey);
  const { modulus, sharing } = key;
  const leaves = sharing.leavesOf(party);
  const exponents = (piecesOf(sharing, party, secret, key.secretBytes) ?? []).map((piece) => new SecretExponent(piece));
  const isOwn = (leaf: number, i: number): boolean =>
    exponents[i]?.power(modulus, key.verificationBase) === key.verificationKeys[leaf];
  if (exponents.length === 0 || !leaves.every(isOwn)) {
    throw new KeyError(`RSA: the secret key is not that of party ${party}`);
  }
  const nonceKey = hmacSha512(secret, "abcast/1 rsa nonce key", key.digest);
  let isDestroyed = false;

  const makeShare = (message: Uint8Array) => {
    if (isDestroyed) throw new TypeError("the secret key was destroyed");
    // First the public factor of the exponent, once for all leaves.
    const power = modulus.pow(representative(key, message).x, publicFactor(key));
    const pieces = exponents.map((exponent) => exponent.power(modulus, power));
    return { base: modulus.multiply(power, power), pieces, share: concat(...pieces.map((x) => modulus.format(x))) };
  };

  return {
    party,
    shareBytes: leaves.length * modulus.sizeBytes,
    share: (message) => makeShare(message).share,
    prove(message) {
      const { base, pieces, share } = makeShare(message);
      return concat(share, proveShare(key, { party, base, pieces }, exponents, nonceKey));
    },
    destroy() {
      isDestroyed = true;
      nonceKey.fill(0);
      for (const exponent of exponents) exponent.wipe();
    },
  };
}

/** @throws KeyError when the public key is malformed. */
export function createRsaScheme(publicKey: RsaPublicKey): RsaScheme {
  const key = openRsaKey(publicKey);
  const { modulus, sharing } = key;
  return {
    sharing,

    checkShare(party, message, share) {
      if (sharing.leavesOf(party).length === 0) return invalid("the party holds no part of this key");
      const { shareBytes, provenBytes } = lengthsOf(key, party);
      if (share.length !== shareBytes && share.length !== provenBytes)
        return invalid(`${share.length} bytes; a share has ${shareBytes}, a proven one ${provenBytes}`);
      const pieces = parsePieces(key, party, share);
      if (pieces === undefined) return invalid("a part of the share is not in 1..N-1");
      if (!pieces.every((piece) => looksLikeSquare(piece, modulus.value)))
        return invalid("a part of the share is no square modulo N");
      if (share.length === shareBytes) return UNPROVEN;
      const base = modulus.pow(representative(key, message).x, 2n * publicFactor(key));
      const isProven = verifyShareProof(key, { party, base, pieces }, share.subarray(shareBytes));
      return isProven ? VALID : invalid("the proof is wrong");
    },

    combine(message, shares) {
      const wellFormed = new Map<PartyId, readonly bigint[]>();
      for (const [party, share] of shares) {
        const pieces = parsePieces(key, party, share);
        if (pieces !== undefined) wellFormed.set(party, pieces);
      }
      const terms = sharing.integerTerms(PartySet.of(wellFormed.keys()));
      if (terms === undefined)
        throw new CombineError(`${wellFormed.size} well-formed shares of a signature, of no qualified set`);
      return assemble(key, message, terms, wellFormed);
    },

    checkValue: (message, signature) =>
      verifySignature("sha256", message, key.standard, signature)
        ? VALID
        : invalid("not an RSA signature of this message under this key"),
  };
}

function lengthsOf(key: RsaKey, party: PartyId) {
  const count = key.sharing.leavesOf(party).length;
  const shareBytes = count * key.modulus.sizeBytes;
  return { shareBytes, provenBytes: shareBytes + proofSizeBytes(key, count) };
}

/** The x_j of a share, proven or not; undefined when it is malformed. */
function parsePieces(key: RsaKey, party: PartyId, share: Uint8Array): bigint[] | undefined {
  const { modulus, sharing } = key;
  const { shareBytes, provenBytes } = lengthsOf(key, party);
  const bare = share.length === provenBytes ? share.subarray(0, shareBytes) : share;
  const pieces = piecesOf(sharing, party, bare, modulus.sizeBytes);
  const numbers = pieces?.map((piece) => modulus.parse(piece)).filter((piece) => piece !== undefined);
  return numbers !== undefined && numbers.length === pieces?.length ? numbers : undefined;
}

/** x_j = x^{factor·s_j} and x~ = x^{2·factor}. */
function publicFactor({ nonResidue, sharing }: RsaKey): bigint {
  return nonResidue === undefined ? 2n * sharing.multiplier : 2n;
}

interface Representative {
  /** The number whose e-th root is computed. */
  readonly x: bigint;
  /** Whether that root is to be divided by u. */
  readonly shifted: boolean;
}

/** The padded message, in Protocol 2 shifted so that its Jacobi symbol is 1. */
function representative({ modulus, nonResidue, exponent }: RsaKey, message: Uint8Array): Representative {
  const padded = bytesToBigint(pkcs1Encode(message, modulus.sizeBytes));
  if (nonResidue === undefined || jacobi(padded, modulus.value) !== -1) return { x: padded, shifted: false };
  return { x: modulus.multiply(padded, modulus.pow(nonResidue, exponent)), shifted: true };
}

/** y = w^a·x^b, from w's g-th root. @throws CombineError when a share has no inverse. */
function assemble(
  key: RsaKey,
  message: Uint8Array,
  terms: readonly Term[],
  shares: ReadonlyMap<PartyId, readonly bigint[]>,
): Uint8Array {
  const { modulus, nonResidue, exponent, sharing } = key;
  const { x, shifted } = representative(key, message);
  const g = terms.reduce((gcd, { coefficient }) => bezout(gcd, coefficient < 0n ? -coefficient : coefficient).gcd, 0n);
  // e' of the g-th root in Protocol 1, where it may stay one; of w in Protocol 2.
  const rootExponent = nonResidue === undefined ? (4n * sharing.multiplier * sharing.multiplier) / g : 4n;
  const restoring = nonResidue === undefined ? 1n : g;
  const { x: a, y: b } = bezout(rootExponent, exponent);
  try {
    // All at once: an inversion costs as much as five of these powers.
    const powers = terms.map(({ party, piece, coefficient }): Power => {
      return { base: shares.get(party)?.[piece] ?? 0n, exponent: ((2n * coefficient) / g) * restoring * a };
    });
    powers.push({ base: x, exponent: b });
    if (shifted && nonResidue !== undefined) powers.push({ base: nonResidue, exponent: -1n });
    return modulus.format(modulus.product(powers));
  } catch (error) {
    if (error instanceof RangeError) throw new CombineError("a share has a factor in common with N");
    throw error;
  }
}
