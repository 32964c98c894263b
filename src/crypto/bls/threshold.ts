/**
 * Threshold BLS signatures over any access formula.
 *
 * Source: Boldyreva, "Threshold signatures, multisignatures and blind signatures based on the gap-Diffie-Hellman-group signature
 * scheme", PKC 2003, section 3, on the curve BLS12-381 (draft-irtf-cfrg-bls-signature-05). The share of leaf j on a message m is
 * σ_j = H(m)^{x_j}, an ordinary signature under g^{x_j}; shares of a qualified set give H(m)^x by interpolation in the exponent, an ordinary signature
 * under g^x. It is unique: all qualified sets give the same bytes, which is why it makes a coin.
 *
 * Share on the wire: the σ_j of the party's leaves, 96 bytes each. Signing needs no randomness and no round of messages.
 *
 * Unforgeable with random oracles, against static corruption: under co-CDH where the shares of corrupted parties and one honest party suffice.
 * Quorums are larger. That fewer honest shares than a quorum lacks are no signature yet is a one-more CDH assumption
 * (Bellare, Crites, Komlo, Maller, Tessaro and Zhu, CRYPTO 2022); the Diffie–Hellman coin has DDH for it, which a pairing makes easy.
 *
 * Rogue keys (draft, section 3) are no issue: the dealer makes all keys, so nobody chooses one after seeing the others, and
 * the sums of keys here are either over dealt keys with random weights or fixed by the sharing.
 *
 * The library fixes the hash's domain separation tag, so uses are kept apart in the message: what is signed is a hash with the label.
 */
import { concat, equalBytes, utf8 } from "../../core/bytes.js";
import { checkFormula } from "../../core/formula.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import { CombineError, KeyError } from "../errors.js";
import { sha256 } from "../hashing.js";
import type { SharedPublicKey } from "../keys.js";
import { type Invalid, type Scheme, type Sharer, VALID, type Verdict, invalid, piecesOf } from "../scheme.js";
import { consistencyWeights } from "../sharing/consistency.js";
import { type Sharing, createSharing } from "../sharing/sharing.js";
import { combinationOf, magnitude } from "./combining.js";
import {
  type Claim,
  GROUP_ORDER,
  type PublicKey,
  SCALAR_BYTES,
  SIGNATURE_BYTES,
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
} from "./curve.js";

export interface BlsOptions {
  /** What this key signs; a signature under one label is none under another. */
  readonly label: string;
  readonly publicKey: SharedPublicKey;
}

export interface BlsSharerOptions extends BlsOptions {
  readonly party: PartyId;
  /** x_j of the party's leaves, 32 bytes big-endian each. */
  readonly secret: Uint8Array;
}

/** Messages to signatures of 96 bytes. */
export type BlsScheme = Required<Omit<Scheme<Uint8Array, Uint8Array>, "checkSubject">>;

/**
 * Everybody's side. The keys are opened and validated here, once, and kept: about 0.1 ms a leaf,
 * which every check would cost otherwise.
 * @throws KeyError when the public key is malformed.
 */
export function createBlsScheme({ label, publicKey }: BlsOptions): BlsScheme {
  const key = openKey(publicKey);
  if (typeof key === "string") throw new KeyError(`BLS key for ${label}: ${key}`);
  const { sharing, keysOf } = key;

  const claimsOf = (party: PartyId, share: Uint8Array): Claim[] | Invalid => {
    const pieces = piecesOf(sharing, party, share, SIGNATURE_BYTES);
    if (pieces === undefined) return misfit(sharing, party, share);
    return keysOf(party).map((ofLeaf, i) => ({ key: ofLeaf, signature: pieces[i] ?? new Uint8Array() }));
  };

  return {
    sharing,

    checkShare(party, message, share) {
      const claims = claimsOf(party, share);
      return Array.isArray(claims) ? verdictOf(verifyAll(digestOf(label, message), claims)) : claims;
    },

    checkShares(message, shares) {
      const verdicts = new Map<PartyId, Verdict>();
      const candidates: Candidate[] = [];
      for (const [party, share] of shares) {
        const claims = claimsOf(party, share);
        if (Array.isArray(claims)) candidates.push({ party, claims });
        else verdicts.set(party, claims);
      }
      for (const [party, verdict] of judge(digestOf(label, message), candidates)) verdicts.set(party, verdict);
      return verdicts;
    },

    combine(_message, shares) {
      const parties = PartySet.of([...shares.keys()].filter((party) => sharing.leavesOf(party).length > 0));
      const combination = combinationOf(sharing, parties, GROUP_ORDER);
      if (combination === undefined) throw new CombineError(`the parties ${parties.toString()} do not suffice to sign`);
      const { terms, factor } = combination;
      const multiples = terms.map(({ party, piece, coefficient }) => {
        const bytes = piecesOf(sharing, party, shares.get(party) ?? new Uint8Array(), SIGNATURE_BYTES)?.[piece];
        const point = bytes && openUnchecked(coefficient < 0n ? negated(bytes) : bytes);
        if (point === undefined) throw new CombineError(`malformed signature share of party ${party}`);
        return { point, coefficient: magnitude(coefficient) };
      });
      return multiply(sumOfSignatures(multiples), factor).toBytes();
    },

    checkValue(message, signature) {
      const point = openSignature(signature);
      if (point === undefined) return invalid("the signature is not an element of G2");
      return verdictOf(verify(digestOf(label, message), key.publicKey, point) ? "valid" : "wrong");
    },
  };
}

/**
 * One party's side.
 * @throws KeyError when `secret` does not fit the party's verification keys.
 */
export function createBlsSharer({ label, publicKey, party, secret }: BlsSharerOptions): Sharer<Uint8Array> {
  const { access, verificationKeys } = publicKey;
  const problem = checkFormula(access);
  if (problem !== undefined) throw new KeyError(`BLS key for ${label}: ${problem}`);
  const sharing = createSharing(access);
  const scalars = piecesOf(sharing, party, secret, SCALAR_BYTES)?.map((scalar) => Uint8Array.from(scalar));
  const keys = sharing.leavesOf(party).map((leaf) => verificationKeys[leaf]);
  const fits = scalars?.every((scalar, i) => {
    const key = keys[i];
    return key !== undefined && isScalar(scalar) && equalBytes(blsKeys.basePower(scalar), key);
  });
  if (scalars === undefined || fits !== true)
    throw new KeyError(`BLS key for ${label}: the secret key is not that of party ${party}`);

  let destroyed = false;
  return {
    party,
    share(message) {
      if (destroyed) throw new TypeError("the secret was destroyed");
      const digest = digestOf(label, message);
      return concat(...scalars.map((scalar) => sign(scalar, digest)));
    },
    destroy() {
      destroyed = true;
      for (const scalar of scalars) scalar.fill(0);
    },
  };
}

/**
 * What is wrong with a shared key, or undefined: formula, points, and whether all qualified sets of verification keys give the
 * public key. Total. About 0.1 ms a leaf.
 */
export function checkBlsPublicKey(publicKey: SharedPublicKey): string | undefined {
  const key = openKey(publicKey);
  return typeof key === "string" ? key : undefined;
}

interface OpenKey {
  readonly sharing: Sharing;
  readonly publicKey: PublicKey;
  /** Those of a party's leaves. */
  readonly keysOf: (party: PartyId) => readonly PublicKey[];
}

/** The key, or what is wrong with it. */
function openKey({ access, publicKey, verificationKeys }: SharedPublicKey): OpenKey | string {
  const problem = checkFormula(access);
  if (problem !== undefined) return problem;
  const sharing = createSharing(access);
  if (verificationKeys.length !== sharing.leaves.length)
    return `${verificationKeys.length} verification keys for ${sharing.leaves.length} leaves`;
  const whole = openPublicKey(publicKey);
  if (whole === undefined) return "the public key is not an element of G1";
  const opened: PublicKey[] = [];
  for (const bytes of verificationKeys) {
    const key = openPublicKey(bytes);
    if (key === undefined) return `verification key ${opened.length} is not an element of G1`;
    opened.push(key);
  }
  const weights = consistencyWeights(access, GROUP_ORDER);
  const sum = sumOfPublicKeys(opened.map((point, leaf) => ({ point, coefficient: weights[leaf] ?? 0n })));
  if (!equalBytes(sum.toBytes(), publicKey)) return "the verification keys do not belong to the public key";
  return { sharing, publicKey: whole, keysOf: (party) => opened.filter((_, leaf) => sharing.leaves[leaf] === party) };
}

function digestOf(label: string, message: Uint8Array): Uint8Array {
  return sha256("abcast/1 bls message", utf8(label), message);
}

function misfit(sharing: Sharing, party: PartyId, share: Uint8Array): Invalid {
  const leaves = sharing.leavesOf(party).length;
  if (leaves === 0) return invalid(`party ${party} holds no part of this key`);
  return invalid(`signature share of ${share.length} bytes, not ${leaves * SIGNATURE_BYTES}`);
}

function verdictOf(outcome: ReturnType<typeof verifyAll>): Verdict {
  if (outcome === "valid") return VALID;
  return invalid(
    outcome === "malformed" ? "a signature share is not an element of G2" : "the signature does not verify",
  );
}

interface Candidate {
  readonly party: PartyId;
  readonly claims: readonly Claim[];
}

/**
 * A verdict on each: all at once, and where that fails by halves, after the malformed ones are put aside. With b bad shares
 * of n about 2b·log n batches. `known` is the outcome where it is known.
 */
function judge(
  digest: Uint8Array,
  candidates: readonly Candidate[],
  known?: ReturnType<typeof verifyAll>,
): (readonly [PartyId, Verdict])[] {
  const allClaims = candidates.flatMap(({ claims }) => claims);
  const outcome = known ?? verifyAll(digest, allClaims);
  if (outcome === "valid" || candidates.length === 1)
    return candidates.map(({ party }) => [party, verdictOf(outcome)] as const);
  if (outcome === "malformed") {
    const wellFormed = candidates.filter(isWellFormed);
    const malformed = candidates.filter((candidate) => !wellFormed.includes(candidate));
    return [...malformed.map(({ party }) => [party, verdictOf("malformed")] as const), ...judge(digest, wellFormed)];
  }
  const half = candidates.length >>> 1;
  const left = judge(digest, candidates.slice(0, half));
  const isLeftValid = left.every(([, { kind }]) => kind === "valid");
  return [...left, ...judge(digest, candidates.slice(half), isLeftValid ? "wrong" : undefined)];
}

function isWellFormed({ claims }: Candidate): boolean {
  return claims.every(({ signature }) => openSignature(signature) !== undefined);
}

function multiply(point: Signature, coefficient: bigint): Signature {
  return coefficient === 1n ? point : sumOfSignatures([{ point, coefficient }]);
}
