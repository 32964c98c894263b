/** Multi-valued agreement as the explorer sees it, at a coarse grain: what a delivery does as a whole. */
import { fromUtf8, utf8 } from "../../core/bytes.js";
import { type Codec, decode, encode } from "../../core/codec.js";
import type { Envelope } from "../../core/envelope.js";
import type { Fault } from "../../core/fault.js";
import type { PartyId } from "../../core/party-set.js";
import type { Bit } from "../../protocols/binary-agreement/messages.js";
import {
  MAIN_VOTE,
  messageCodec as binaryAgreementMessageCodec,
  voteBody,
} from "../../protocols/binary-agreement/messages.js";
import { WITNESS, consistentBroadcastMessageCodec, encodeClosing } from "../../protocols/consistent-broadcast/index.js";
import { agreementPath, multivaluedAgreementMessageCodec } from "../../protocols/multivalued-agreement/messages.js";
import { mockHash } from "../mock-suite.js";
import { type Given, TAG, statementOf } from "./party.js";
import { forgedCertificate, uniqueCertificate } from "./suite.js";

/** What the explorer gives a party in one go. */
export type Gift =
  | { readonly kind: "input" }
  /** The proposal of `of` and its certificate: both messages of the broadcast. */
  | { readonly kind: "proposal"; readonly of: PartyId }
  | {
      readonly kind: "vote";
      readonly from: PartyId;
      readonly candidate: PartyId;
      readonly isYes: boolean;
      /** A yes without a valid closing. */
      readonly isForged?: boolean;
    }
  /** The decision message of the binary agreement on `candidate`. */
  | { readonly kind: "decision"; readonly candidate: PartyId; readonly value: Bit };

/** What a party says of which others must know. */
export type MvbaSaid =
  | { readonly kind: "proposed" }
  | { readonly kind: "voted"; readonly candidate: PartyId; readonly isYes: boolean }
  /** Its input to the binary agreement on `candidate`. */
  | { readonly kind: "entered"; readonly candidate: PartyId; readonly value: Bit };

export function giftName(gift: Gift): string {
  if (gift.kind === "input") return "its input";
  if (gift.kind === "proposal") return `the proposal of ${gift.of}`;
  if (gift.kind === "decision") return `the decision ${gift.value} on ${gift.candidate}`;
  const closing = gift.isForged === true ? " with a forged closing" : "";
  return `${gift.from}'s ${gift.isYes ? "yes" : "no"} on ${gift.candidate}${closing}`;
}

export function saidName(said: MvbaSaid): string {
  if (said.kind === "proposed") return "proposes";
  if (said.kind === "voted") return `votes ${said.isYes ? "yes" : "no"} on ${said.candidate}`;
  return `enters the agreement on ${said.candidate} with ${said.value}`;
}

export function valueOf(party: PartyId): Uint8Array {
  return utf8(`value of ${party}`);
}

/** The external predicate. */
export function valueFault(value: Uint8Array): Fault | undefined {
  return fromUtf8(value).startsWith("value of ") ? undefined : "invalid-proposal";
}

function proposalCertificate(party: PartyId): Uint8Array {
  return uniqueCertificate("broadcast", statementOf(WITNESS, mockHash(valueOf(party)), `proposal/${party}`));
}

function closingOf(party: PartyId, isForged = false): Uint8Array {
  const forged = forgedCertificate(valueOf(party));
  return encodeClosing(valueOf(party), isForged ? forged : proposalCertificate(party));
}

/** The messages of a gift to `self`. */
export function givenBy(self: PartyId, gift: Gift): readonly Given<Uint8Array>[] {
  if (gift.kind === "input") return [{ kind: "input", value: valueOf(self) }];
  if (gift.kind === "proposal") {
    const message = valueOf(gift.of);
    const final = { kind: "final", digest: mockHash(message), certificate: proposalCertificate(gift.of) } as const;
    const below = `proposal/${gift.of}`;
    return [{ kind: "send", message } as const, final].map((part) =>
      told(gift.of, below, consistentBroadcastMessageCodec, part),
    );
  }
  if (gift.kind === "decision") return [decisionOf(gift.candidate, gift.value)];
  const { from, candidate, isYes, isForged } = gift;
  const vote = isYes
    ? ({ kind: "yes", candidate, closing: closingOf(candidate, isForged) } as const)
    : ({ kind: "no", candidate } as const);
  return [told(from, undefined, multivaluedAgreementMessageCodec, vote)];
}

function decisionOf(candidate: PartyId, value: Bit): Given<Uint8Array> {
  const below = agreementPath(1, candidate);
  const certificate = uniqueCertificate("quorum", statementOf(MAIN_VOTE, voteBody(1, value), below));
  const proof = value === 1 ? closingOf(candidate) : new Uint8Array(0);
  const decision = { kind: "decision", round: 1, value, certificate, proof } as const;
  // Transferable: whose link it comes by does not matter.
  return told(CORRUPTED, below, binaryAgreementMessageCodec, decision);
}

/** n=4, t=1; the last party is corrupted. */
export const CORRUPTED: PartyId = 3;

function told<T>(from: PartyId, below: string | undefined, codec: Codec<T>, message: T): Given<Uint8Array> {
  const tag = below === undefined ? TAG : `${TAG}/${below}`;
  return { kind: "message", from, envelope: { tag, body: encode(codec, message) } };
}

/** What a message of an honest party says that others must know. */
export function mvbaSaidBy({ tag, body }: Envelope): MvbaSaid | undefined {
  if (tag === TAG) {
    const vote = decode(multivaluedAgreementMessageCodec, body);
    const isVote = vote.ok && (vote.value.kind === "yes" || vote.value.kind === "no");
    return isVote ? { kind: "voted", candidate: vote.value.candidate, isYes: vote.value.kind === "yes" } : undefined;
  }
  const [kind, ...path] = tag.slice(TAG.length + 1).split("/");
  if (kind === "proposal") {
    const message = decode(consistentBroadcastMessageCodec, body);
    return message.ok && message.value.kind === "send" ? { kind: "proposed" } : undefined;
  }
  const message = decode(binaryAgreementMessageCodec, body);
  const entered = message.ok && message.value.kind === "preVote" && message.value.round === 1;
  return entered ? { kind: "entered", candidate: Number(path[1]), value: message.value.vote.value } : undefined;
}
