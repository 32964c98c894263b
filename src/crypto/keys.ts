/**
 * The keys of a cluster as plain data: what the dealer makes, what files carry. Every use has its own,
 * independent key (docs/CRYPTO.md). All byte strings are raw, big-endian where they are numbers, unless said otherwise.
 *
 * A shared key has a public part for each leaf of its formula, and a party's secret is the concatenation of
 * its leaves' shares, in the formula's order.
 */
import type { Formula } from "../core/formula.js";
import type { PartyId } from "../core/party-set.js";

/** A key x of a group of known prime order, shared along `access`: ristretto255 (elements of 32 bytes), or BLS12-381 (G1, 48 bytes). */
export interface SharedPublicKey {
  /** Who can use the secret together. */
  readonly access: Formula;
  /** g^x. */
  readonly publicKey: Uint8Array;
  /** g^{x_j} for each leaf j. */
  readonly verificationKeys: readonly Uint8Array[];
}

/** Shoup's threshold RSA (EUROCRYPT 2000), over any formula. */
export interface RsaPublicKey {
  /** N. */
  readonly modulus: Uint8Array;
  /** e, a prime greater than any gate of the formula is wide. */
  readonly exponent: number;
  /** Whose shares make a signature. */
  readonly access: Formula;
  /** v, a generator of the squares modulo N. */
  readonly verificationBase: Uint8Array;
  /** v_j = v^{s_j} for each leaf j. */
  readonly verificationKeys: readonly Uint8Array[];
  /** u with Jacobi symbol -1 in a key for Shoup's Protocol 2; empty in one for Protocol 1. */
  readonly nonResidue: Uint8Array;
}

/** How agreement tosses its coins. */
export interface CoinPublicKeys {
  /** `dh`: Cachin, Kursawe and Shoup's coin over ristretto255; `bls`: the hash of a unique BLS signature. */
  readonly scheme: "dh" | "bls";
  /** For the coin that needs a quorum. */
  readonly quorum: SharedPublicKey;
  /** For the coin that needs an honest party. */
  readonly honest: SharedPublicKey;
}

/** How certificates are made: from individual Ed25519 signatures, or as one BLS signature of constant size. */
export type CertificatePublicKeys =
  | { readonly scheme: "multisig" }
  | { readonly scheme: "bls"; readonly quorum: SharedPublicKey; readonly broadcast: SharedPublicKey };

/** The public parts of what the dealer shares among the parties. */
export interface SharedPublicKeys {
  readonly coins: CoinPublicKeys;
  readonly certificates: CertificatePublicKeys;
  /** TDH2 over ristretto255: payloads encrypted to the group. */
  readonly encryption: SharedPublicKey;
  /** Signs receipts. */
  readonly receipt: RsaPublicKey;
  /** Signs RFC 3161 tokens. */
  readonly token: RsaPublicKey;
}

/** What everybody knows. */
export interface PublicKeys extends SharedPublicKeys {
  /** Party i's Ed25519 key for protocol messages, 32 bytes each. */
  readonly signing: readonly Uint8Array[];
  /** Party i's Ed25519 key for cosignatures on the log, 32 bytes each. */
  readonly cosigning: readonly Uint8Array[];
  /** Party i's X25519 key for what reaches it over third parties, 32 bytes each. None in a cluster that is older than relaying. */
  readonly relaying: readonly Uint8Array[];
}

/** A party's secrets of the RSA keys: also what a spare consists of, for a party that joins later. */
export interface RsaSecretKeys {
  /** The s_j, each as long as the modulus; longer in formulas of several gates (rsa/exponent-sharing.ts). */
  readonly receipt: Uint8Array;
  readonly token: Uint8Array;
}

/** A party's shares of what the dealer made. Scalars of 32 bytes: little-endian for ristretto255, big-endian for BLS12-381. */
export interface SharedSecretKeys extends RsaSecretKeys {
  readonly coins: { readonly quorum: Uint8Array; readonly honest: Uint8Array };
  readonly certificates:
    | { readonly scheme: "multisig" }
    | { readonly scheme: "bls"; readonly quorum: Uint8Array; readonly broadcast: Uint8Array };
  readonly encryption: Uint8Array;
}

/** What a party makes itself: two Ed25519 seeds and an X25519 key, 32 bytes each. */
export interface OwnSecretKeys {
  readonly signing: Uint8Array;
  readonly cosigning: Uint8Array;
  readonly relaying: Uint8Array;
}

/** What one party alone knows. */
export interface SecretKeys extends Omit<OwnSecretKeys, "relaying">, SharedSecretKeys {
  /** Undefined in a cluster that is older than relaying. */
  readonly relaying?: Uint8Array | undefined;
}

/** What the protocols among the parties need; the rest is for services. */
export type ProtocolPublicKeys = Pick<PublicKeys, "signing" | "coins" | "certificates" | "encryption">;
export type ProtocolSecretKeys = Pick<SecretKeys, "signing" | "coins" | "certificates" | "encryption">;

/** One key as the dealer makes it. */
export interface Dealt<PublicKey> {
  readonly publicKey: PublicKey;
  /** A party's secret; empty for a party that the formula does not name. */
  readonly secretOf: (party: PartyId) => Uint8Array;
}
