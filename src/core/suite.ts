/**
 * The cryptography that the protocols use, as an interface: the real schemes are in `src/crypto`, a
 * fast stand-in for the simulator in `src/sim`. Every function is synchronous and deterministic, also
 * the signing ones: a replica that replays its log must produce the same bytes.
 *
 * Everything that arrives here from a peer is hostile: `verify…` functions are total, they return
 * false on any bytes that are not a valid share, signature or certificate.
 */
import type { PartyId, PartySet } from "./party-set.js";

/** Makes and checks transferable proofs that a large enough set of parties endorsed a statement. */
export interface Certifier {
  /** This party's endorsement of `statement`. */
  share(statement: Uint8Array): Uint8Array;
  verifyShare(party: PartyId, statement: Uint8Array, share: Uint8Array): boolean;
  /** The certificate from verified shares of a sufficient set of parties. */
  combine(statement: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Uint8Array;
  verify(statement: Uint8Array, certificate: Uint8Array): boolean;
  /**
   * Whether nobody but its party can make a share that verifies. So it is with lists of signatures. Shares of a threshold
   * signature can be worked out from those of enough others: they convince whoever takes them from a link, and nobody else.
   */
  readonly sharesAreSignatures: boolean;
  /** Who signed a certificate that verifies; undefined when it does not say, as a threshold signature. */
  signers?(certificate: Uint8Array): PartySet | undefined;
}

/** A threshold coin: an unpredictable 32-byte value per name (CKS 2000, section 4.3). */
export interface Coin {
  /** Whether shares of these parties make the coin. */
  suffices(parties: PartySet): boolean;
  /** This party's share of the coin `name`. */
  share(name: Uint8Array): Uint8Array;
  verifyShare(party: PartyId, name: Uint8Array, share: Uint8Array): boolean;
  /** The coin's 32 bytes from verified shares of a sufficient set of parties; the same for each such set. */
  combine(name: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Uint8Array;
}

/**
 * Threshold decryption: each ciphertext is for one label and decrypts under no other. Secure against chosen ciphertexts:
 * the shares of one say nothing about any other (Shoup and Gennaro, EUROCRYPT '98).
 */
export interface Decryption {
  /** Whether shares of `ciphertext` may be made for `label`. Any bytes are answered. */
  checkCiphertext(label: Uint8Array, ciphertext: Uint8Array): boolean;
  /** This party's share of a ciphertext that passed the check; else it throws. */
  share(label: Uint8Array, ciphertext: Uint8Array): Uint8Array;
  verifyShare(party: PartyId, label: Uint8Array, ciphertext: Uint8Array, share: Uint8Array): boolean;
  /**
   * The plaintext from verified shares of a set that `hasHonest`; undefined when whoever encrypted did not follow the
   * scheme. The same for each such set; throws on smaller ones.
   */
  combine(label: Uint8Array, ciphertext: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Uint8Array | undefined;
}

export interface Suite {
  /** SHA-256, or in the simulator's suite anything collision-free there; 32 bytes. */
  hash(bytes: Uint8Array): Uint8Array;
  /** This party's ordinary signature. */
  sign(statement: Uint8Array): Uint8Array;
  verify(party: PartyId, statement: Uint8Array, signature: Uint8Array): boolean;
  /** Endorsed by `isQuorum` parties. */
  readonly quorumCertifier: Certifier;
  /** Endorsed by `isBroadcastQuorum` parties. */
  readonly broadcastCertifier: Certifier;
  /** Needs the shares of `isQuorum` parties: the coin inside binary agreement. */
  readonly quorumCoin: Coin;
  /** Needs the shares of `hasHonest` parties: the coin that orders candidates. */
  readonly honestCoin: Coin;
  /** Needs the shares of `hasHonest` parties: payloads that are sealed until they are ordered. */
  readonly decryption: Decryption;
}

/** Bounds on what a suite may put on the wire. */
/** 96 bytes for each leaf of a party in a BLS key's formula. */
export const MAX_SIGNATURE_BYTES = 3072;
export const MAX_CERTIFICATE_BYTES = 32 * 1024;
/** As a BLS signature share; a Diffie-Hellman share of so many leaves is shorter. */
export const MAX_COIN_SHARE_BYTES = 3072;
/** As a coin share of the greatest number of leaves; an element for each leaf and a proof. */
export const MAX_DECRYPTION_SHARE_BYTES = 3072;
