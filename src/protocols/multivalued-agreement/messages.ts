/** Messages of multi-valued agreement, its decision, and the scope of its instance. */
import { type Value, atMost, bytes, list, refine, struct, u8, union } from "../../core/codec.js";
import type { Envelope } from "../../core/envelope.js";
import { MAX_PARTIES, type PartyId, partySetCodec } from "../../core/party-set.js";
import type { Scope } from "../../core/protocol.js";
import { MAX_CERTIFICATE_BYTES, MAX_COIN_SHARE_BYTES } from "../../core/suite.js";
import type { Decision } from "../binary-agreement/index.js";
import { MAX_CLOSING_BYTES, closingBytesCodec } from "../consistent-broadcast/index.js";

/** The greatest number of candidates that are tried at once; it bounds the proof of a decision. */
export const MAX_PARALLEL = 16;

const candidate = atMost(u8, MAX_PARTIES - 1);
const pass = refine(u8, (value) => (value >= 1 ? undefined : "pass 0"));

/** What is said within one pass. */
const passVariants = {
  yes: struct({ candidate, closing: closingBytesCodec }),
  no: struct({ candidate }),
  coin: struct({ share: bytes(MAX_COIN_SHARE_BYTES) }),
};
const passMessage = union(passVariants);

/** A decision message of binary agreement: kind, round, value and certificate; and besides ρ, when it is for 1. */
const rejection = bytes(MAX_CERTIFICATE_BYTES + 16);
const acceptance = bytes(MAX_CERTIFICATE_BYTES + 16 + MAX_CLOSING_BYTES);

const decided = struct({
  pass,
  candidate,
  /** Shares of the coin that gave the order, as far as it matters. */
  shares: list(struct({ party: candidate, share: bytes(MAX_COIN_SHARE_BYTES) }), MAX_PARTIES),
  /** Decisions for 0 on the earlier candidates of the batch, in their order. */
  rejected: list(rejection, MAX_PARALLEL - 1),
  /** The decision for 1 on the candidate. */
  accepted: acceptance,
});

export const multivaluedAgreementMessageCodec = union({
  ...passVariants,
  /** As above, in a pass after the first. */
  later: struct({ pass, message: passMessage }),
  /** Between passes. */
  closing: struct({ candidate, closing: closingBytesCodec }),
  holds: struct({ pass, parties: partySetCodec }),
  /** The transferable proof, where it is more than a decision message of binary agreement. */
  decided,
});

export type MultivaluedAgreementMessage = Value<typeof multivaluedAgreementMessageCodec>;
export type PassMessage = Value<typeof passMessage>;
export type Decided = Value<typeof decided>;
export type CoinShares = Decided["shares"];

export interface MultivaluedDecision {
  readonly value: Uint8Array;
  readonly candidate: PartyId;
  /** The pass in which the candidate was accepted; 1, but for general adversary structures. */
  readonly pass: number;
  /** How many candidates were tried, this one included, in all passes. */
  readonly tries: number;
  /** The transferable proof: any other party decides on receiving it. */
  readonly proof: Envelope;
}

/** That a candidate was accepted in a pass, and what proves it. */
export interface Accepted {
  readonly pass: number;
  readonly candidate: PartyId;
  /** How many candidates of the pass were tried. */
  readonly tries: number;
  /** The decision for 1 on it. */
  readonly decision: Decision;
  /** The decision messages for 0 on the earlier candidates of its batch, in their order. */
  readonly rejected: readonly Uint8Array[];
  /** Shares of the coin that shows which these are; none where that needs no coin. */
  readonly shares: CoinShares;
}

export type AgreementScope = Scope<MultivaluedAgreementMessage, MultivaluedDecision>;

/** Where the binary agreement on `party` stands in pass `number`. */
export function agreementPath(number: number, party: PartyId): string {
  return `aba/${number}/${party}`;
}
