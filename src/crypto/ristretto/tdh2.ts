/**
 * Threshold encryption: the scheme TDH2 of Shoup and Gennaro, "Securing threshold cryptosystems against chosen ciphertext
 * attack", EUROCRYPT '98; Journal of Cryptology 15(2), 2002; over ristretto255 and any access formula. Secure against chosen
 * ciphertexts, for parties corrupted in advance, under the decisional Diffie–Hellman assumption, with random oracles.
 *
 * A ciphertext carries a proof that its maker knows r (tdh2-ciphertext.ts), and no party makes a share without having
 * checked it: so shares tell a ciphertext's maker nothing that it did not know. The share of leaf j is u^{x_j}, and a
 * party proves that it took the x_j of its verification keys (the paper's "share verification"); shares of a
 * qualified set give u^x = h^r by interpolation in the exponent ("combining shares"), and h^r gives the key of the body.
 *
 * Share on the wire: the elements u^{x_j} of the party's leaves, 32 bytes each, then the proof (dleq.ts): 32·(2k+1) bytes for k leaves.
 *
 * Combining is never optimistic, there is no `checkValue`. ChaCha20-Poly1305 does not commit to its key, as AES-GCM does
 * not, and the maker of a ciphertext knows r, so that it can compute all u^{x_j} = h_j^r, and what a corrupted party's false
 * share would lead to. It could make a body that opens under that key as well as under the right one, and who combined
 * before looking at the shares would read something else than the others. From verified shares there is one key only.
 *
 * Deviations:
 * - The message is not masked with H1(h^r), which limits its size, but encrypted under that hash with a one-time authenticated
 *   cipher. The proof goes through: who cannot compute h^r does not have the key, a cipher that hides one message under one
 *   fresh key is what the mask was, and the proof (e, f) binds the body as it bound the mask. The tag makes
 *   nothing safer for an honest maker; it tells what a dishonest one made.
 * - A body that does not open gives the value "undecryptable". It depends on the ciphertext only: u^x and so the key do.
 * - Elements must be canonical and not the identity, scalars reduced and not 0: then the parts of a ciphertext have one form.
 *   The paper speaks of elements and numbers, not of bytes.
 * - The proof of a share binds party, key, label and ciphertext besides the paper's values (its H4), and one challenge serves
 *   all leaves of a party; its nonces are derived, not random (dleq.ts).
 * - Shares follow a formula, not one polynomial. The paper's simulator needs of sharing only that it is linear: shares of a
 *   corrupted, unqualified set are random, and the others follow in the exponent from them, h^r, and more random numbers.
 */
import { concat } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { CombineError, KeyError } from "../errors.js";
import { u32Bytes } from "../hashing.js";
import type { SharedPublicKey } from "../keys.js";
import {
  type Invalid,
  type Scheme,
  type Sharer,
  VALID,
  type Verdict,
  invalid,
  partiesOf,
  piecesOf,
} from "../scheme.js";
import { createSharing } from "../sharing/sharing.js";
import { type EqualLogs, createEqualLogsProofs, proofSizeBytes } from "./dleq.js";
import { ELEMENT_BYTES, type Ristretto } from "./group.js";
import { checkSharedKey, interpolate, openSecret } from "./shared-key.js";
import {
  type CheckedCiphertext,
  CiphertextError,
  type Decryption,
  type Plaintext,
  createCiphertexts,
  cutCiphertext,
} from "./tdh2-ciphertext.js";

export interface Tdh2Subject {
  readonly label: Uint8Array;
  readonly ciphertext: Uint8Array;
}

export interface Tdh2Scheme extends Scheme<Tdh2Subject, Decryption> {
  /** Randomised: different bytes each time. @throws RangeError when the plaintext is larger than `MAX_PLAINTEXT_BYTES`. */
  encrypt(input: Plaintext): Uint8Array;
  /** Whether parties may make shares of this ciphertext. Total. */
  checkCiphertext(label: Uint8Array, ciphertext: Uint8Array): Verdict;
}

export interface Tdh2Options {
  readonly ristretto: Ristretto;
  readonly publicKey: SharedPublicKey;
}

export interface Tdh2SharerOptions extends Tdh2Options {
  readonly party: PartyId;
  /** x_j of the party's leaves, 32 bytes little-endian each. */
  readonly secret: Uint8Array;
}

/** Bytes of the share of a party with `leaves` leaves. */
export function decryptionShareBytes(leaves: number): number {
  return leaves * ELEMENT_BYTES + proofSizeBytes(leaves);
}

/**
 * Checking a share includes checking its ciphertext; `checkShares` does that once for all.
 * @throws KeyError when the public key is malformed.
 */
export function createTdh2Scheme(options: Tdh2Options): Tdh2Scheme {
  const { ristretto } = options;
  const { sharing, proofs, ciphertexts, claim } = open(options);

  const checkShareOf = (checked: CheckedCiphertext | Invalid, party: PartyId, share: Uint8Array): Verdict => {
    if (checked.kind === "invalid") return invalid(`ciphertext: ${checked.reason}`);
    const elementsEnd = sharing.leavesOf(party).length * ELEMENT_BYTES;
    const elements = piecesOf(sharing, party, share.subarray(0, elementsEnd), ELEMENT_BYTES);
    if (elements === undefined) return invalid(`decryption share of ${share.length} bytes by party ${party}`);
    if (!elements.every((element) => ristretto.isElement(element)))
      return invalid("the decryption share is not an element of the group");
    const problem = proofs.check(claim(party, checked, elements), share.subarray(elementsEnd));
    return problem === undefined ? VALID : invalid(`decryption share: ${problem}`);
  };

  const checkCiphertext: Tdh2Scheme["checkCiphertext"] = (label, ciphertext) => {
    const checked = ciphertexts.check(label, ciphertext);
    return checked.kind === "invalid" ? checked : VALID;
  };

  return {
    sharing,
    checkSubject: ({ label, ciphertext }) => checkCiphertext(label, ciphertext),
    checkCiphertext,
    encrypt: (input) => ciphertexts.encrypt(input),

    checkShare: (party, { label, ciphertext }, share) =>
      checkShareOf(ciphertexts.check(label, ciphertext), party, share),

    checkShares({ label, ciphertext }, shares) {
      const checked = ciphertexts.check(label, ciphertext);
      return new Map([...shares].map(([party, share]) => [party, checkShareOf(checked, party, share)]));
    },

    combine({ ciphertext }, shares) {
      const parts = cutCiphertext(ciphertext);
      if (parts.kind === "invalid") throw new CombineError(parts.reason);
      const sharedElement = interpolate(ristretto, sharing, partiesOf(sharing, shares), (_leaf, party, piece) =>
        shares.get(party)?.subarray(piece * ELEMENT_BYTES, (piece + 1) * ELEMENT_BYTES),
      );
      return ciphertexts.decrypt(parts, sharedElement);
    },
  };
}

/**
 * `share` throws a CiphertextError for a ciphertext that does not pass the check, and makes nothing.
 * @throws KeyError when the public key is malformed or `secret` is not that of `party`.
 */
export function createTdh2Sharer(options: Tdh2SharerOptions): Sharer<Tdh2Subject> {
  const { ristretto, publicKey, party, secret } = options;
  const { sharing, proofs, ciphertexts, claim } = open(options);
  const scalars = openSecret(ristretto, sharing, publicKey, party, secret);
  let destroyed = false;
  return {
    party,
    share({ label, ciphertext }) {
      if (destroyed) throw new TypeError("the secret was destroyed");
      const checked = ciphertexts.check(label, ciphertext);
      if (checked.kind === "invalid") throw new CiphertextError(checked.reason);
      const elements = scalars.map((scalar) => ristretto.power(checked.u, scalar));
      return concat(...elements, proofs.prove(claim(party, checked, elements), scalars));
    },
    destroy() {
      destroyed = true;
      for (const scalar of scalars) scalar.fill(0);
    },
  };
}

/** What both sides have in common. */
function open({ ristretto, publicKey }: Tdh2Options) {
  const problem = checkSharedKey(ristretto, publicKey);
  if (problem !== undefined) throw new KeyError(`encryption key: ${problem}`);
  const sharing = createSharing(publicKey.access);
  const claim = (party: PartyId, { u, digest }: CheckedCiphertext, elements: readonly Uint8Array[]): EqualLogs => ({
    context: [u32Bytes(party), digest],
    keys: sharing.leavesOf(party).map((leaf) => publicKey.verificationKeys[leaf] ?? new Uint8Array()),
    base: u,
    elements,
  });
  return {
    sharing,
    ciphertexts: createCiphertexts(ristretto, publicKey.publicKey),
    proofs: createEqualLogsProofs(ristretto, "abcast/1 tdh2 share proof"),
    claim,
  };
}
