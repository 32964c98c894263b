/** How signatures of registered keys are checked. */

/** Ed25519 (RFC 8032). Deterministic: every replica must decide the same. */
export interface KeySignatures {
  /** Whether it is a point of the prime-order subgroup: under a key of small order one signature fits many statements. Total. */
  isKey(bytes: Uint8Array): boolean;
  /** Total, for keys that are some. */
  verify(key: Uint8Array, statement: Uint8Array, signature: Uint8Array): boolean;
}
