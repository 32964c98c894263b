/**
 * The keys of a cluster as plain data: what the dealer makes, what files carry. Every use has its own,
 * independent key (docs/protocols.md section 3). All byte strings are raw, big-endian where they
 * are numbers.
 */

/** A threshold coin over ristretto255, shared by a polynomial of degree `threshold` - 1. */
export interface CoinPublicKey {
  /** Shares that determine a coin. */
  readonly threshold: number;
  /** Party i's g^{x_i}, 32 bytes each. */
  readonly verificationKeys: readonly Uint8Array[];
}

/** Shoup's threshold RSA (EUROCRYPT 2000). */
export interface RsaPublicKey {
  /** N. */
  readonly modulus: Uint8Array;
  /** e, a prime greater than n. */
  readonly exponent: number;
  /** κ: shares that make a signature. */
  readonly threshold: number;
  /** t: parties that may be corrupted; the key uses Shoup's Protocol 2 when κ > t+1. */
  readonly corrupted: number;
  /** v, a generator of the squares modulo N. */
  readonly verificationBase: Uint8Array;
  /** Party i's v_i = v^{s_i}. */
  readonly verificationKeys: readonly Uint8Array[];
  /** u with Jacobi symbol -1, for Protocol 2; empty in Protocol 1. */
  readonly nonResidue: Uint8Array;
}

/** What everybody knows. */
export interface PublicKeys {
  /** Party i's Ed25519 key for protocol signatures, 32 bytes each. */
  readonly signing: readonly Uint8Array[];
  readonly quorumCoin: CoinPublicKey;
  readonly honestCoin: CoinPublicKey;
  /** Signs receipts; κ = t+1. */
  readonly receipt: RsaPublicKey;
}

/** What one party alone knows. */
export interface SecretKeys {
  /** Ed25519 seed, 32 bytes. */
  readonly signing: Uint8Array;
  /** Scalars, 32 bytes little-endian as ristretto255 has them. */
  readonly quorumCoin: Uint8Array;
  readonly honestCoin: Uint8Array;
  /** s_i. */
  readonly receipt: Uint8Array;
}
