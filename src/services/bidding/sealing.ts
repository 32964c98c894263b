/**
 * Sealed bids: an offer, encrypted under the group's threshold key for one auction, bidder and counter. The label says for which, and
 * the ciphertext is good under no other: so nobody can submit another's bid as its own, nor a bid a second time.
 */
import { utf8, concat } from "../../core/bytes.js";
import { decode, encode, fixedBytes, struct, u32, u64 } from "../../core/codec.js";
import type { PartySet } from "../../core/party-set.js";
import type { Decryption } from "../../core/suite.js";
import { type Offer, offerCodec } from "./bid.js";
import type { KeySignatures } from "./key-signatures.js";
import { keyCodec } from "./terms.js";

/** An offer with the most criteria takes 220 bytes. */
export const MAX_CIPHERTEXT_BYTES = 256;

/** What the service needs to check signatures and sealed bids, and to open these; it has no part of the group's key. */
export interface Sealing {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  readonly decryption: Pick<Decryption, "checkCiphertext" | "verifyShare" | "combine">;
  /** Of registered keys. */
  readonly signatures: KeySignatures;
  /** Whose shares open a bid. */
  hasHonest(parties: PartySet): boolean;
}

const labelCodec = struct({ cluster: fixedBytes(32), auction: u64, bidder: keyCodec, counter: u32 });

export interface SealedFor {
  readonly cluster: Uint8Array;
  readonly auction: number;
  readonly bidder: Uint8Array;
  readonly counter: number;
}

/** The label under which a bid is encrypted. */
export function sealedBidLabel(sealedFor: SealedFor): Uint8Array {
  return concat(utf8("abcast/2 sealed bid\n"), encode(labelCodec, sealedFor));
}

/** What is encrypted. All offers in one auction are of one length, so that a ciphertext's length tells nothing. */
export function encodeOffer(offer: Offer): Uint8Array {
  return encode(offerCodec, offer);
}

/** Total. Undefined: no offer. */
export function decodeOffer(plaintext: Uint8Array): Offer | undefined {
  const offer = decode(offerCodec, plaintext);
  return offer.ok ? offer.value : undefined;
}
