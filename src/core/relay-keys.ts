/** What a party needs to send something over third parties that it need not trust: the interface to its cryptography. */
import type { PartyId } from "./party-set.js";

export const RELAY_SIGNATURE_BYTES = 64;
/** By how much a sealed text may be longer than what is in it. */
export const MAX_SEALING_BYTES = 64;

/** Synchronous and total: what is wrong with a peer's bytes is a value. */
export interface RelayKeys {
  /** This party's signature, RELAY_SIGNATURE_BYTES long. */
  sign(statement: Uint8Array): Uint8Array;
  /** False also for parties that do not exist. */
  verify(party: PartyId, statement: Uint8Array, signature: Uint8Array): boolean;
  /** `plaintext` for `to` alone. */
  seal(to: PartyId, plaintext: Uint8Array): Uint8Array;
  /** What was sealed for this party; undefined when it was not, or was changed. */
  open(sealed: Uint8Array): Uint8Array | undefined;
}
