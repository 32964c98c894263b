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
  /** Who signed a certificate that verifies; undefined when it does not say, as a threshold signature. */
  signers?(certificate: Uint8Array): PartySet | undefined;
}

/** A threshold coin: an unpredictable 32-byte value per name (CKS 2000, section 4.3). */
export interface Coin {
  /** This party's share of the coin `name`. */
  share(name: Uint8Array): Uint8Array;
  verifyShare(party: PartyId, name: Uint8Array, share: Uint8Array): boolean;
  /** The coin's 32 bytes from verified shares of a sufficient set of parties; the same for each such set. */
  combine(name: Uint8Array, shares: ReadonlyMap<PartyId, Uint8Array>): Uint8Array;
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
}

/** Bounds on what a suite may put on the wire. */
/** 96 bytes for each leaf of a party in a BLS key's formula. */
export const MAX_SIGNATURE_BYTES = 3072;
export const MAX_CERTIFICATE_BYTES = 32 * 1024;
/** As a BLS signature share; a Diffie-Hellman share of so many leaves is shorter. */
export const MAX_COIN_SHARE_BYTES = 3072;
