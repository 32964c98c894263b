/** Messages of binary agreement, and the statements that their shares endorse. */
import { type Codec, type Value, bytes, decode, encode, refine, struct, u32, u8, union } from "../../core/codec.js";
import { MAX_CERTIFICATE_BYTES, MAX_COIN_SHARE_BYTES, MAX_SIGNATURE_BYTES } from "../../core/suite.js";
import { MAX_CLOSING_BYTES } from "../consistent-broadcast/closing.js";

export type Bit = 0 | 1;
/** A main-vote: a bit, or 2 for abstention. */
export type MainValue = Bit | typeof ABSTAIN;
export const ABSTAIN = 2;

/** The greatest ρ: in multi-valued agreement, a closing message. */
const MAX_PROOF_BYTES = MAX_CLOSING_BYTES;

const bit: Codec<Bit> = refine(u8 as Codec<Bit>, (value) => (value <= 1 ? undefined : `${value} is not a bit`));
const mainValue: Codec<MainValue> = refine(u8 as Codec<MainValue>, (value) =>
  value <= 2 ? undefined : `${value} is not a vote`,
);
/** Rounds count from 1. */
const round = refine(u32, (value) => (value >= 1 ? undefined : "round 0"));
const certificate = bytes(MAX_CERTIFICATE_BYTES);
const share = bytes(MAX_SIGNATURE_BYTES);

/** Why a party may pre-vote as it does. */
const preVoteReason = union({
  /** Round 1: the external predicate R(value, proof) holds. */
  proof: struct({ proof: bytes(MAX_PROOF_BYTES) }),
  /** A quorum pre-voted this value in the previous round. */
  preVotes: struct({ certificate }),
  /** A quorum abstained in the previous round, and its coin showed this value. */
  coin: struct({ certificate }),
});

const preVote = struct({ value: bit, reason: preVoteReason, share });
const u8Party = u8;

/** Why a party may main-vote as it does. */
const mainVoteReason = union({
  /** A quorum pre-voted this value. */
  preVotes: struct({ certificate }),
  /** Abstention: one justified pre-vote for each value. */
  conflict: struct({ zeroBy: u8Party, zero: preVote, oneBy: u8Party, one: preVote }),
});

export const messageCodec = union({
  preVote: struct({ round, vote: preVote }),
  mainVote: struct({ round, value: mainValue, reason: mainVoteReason, share }),
  coin: struct({ round, share: bytes(MAX_COIN_SHARE_BYTES) }),
  /** Transferable: whoever receives a valid one decides. */
  decision: struct({ round, value: bit, certificate, proof: bytes(MAX_PROOF_BYTES) }),
});

export type BinaryAgreementMessage = Value<typeof messageCodec>;
export type PreVote = Value<typeof preVote>;
export type MainVote = Omit<Extract<BinaryAgreementMessage, { kind: "mainVote" }>, "kind" | "round">;
export type Decision = Omit<Extract<BinaryAgreementMessage, { kind: "decision" }>, "kind">;

export const PRE_VOTE = "pre-vote";
export const MAIN_VOTE = "main-vote";
export const COIN = "coin";

const endorsed = struct({ round: u32, value: u8 });

/** The body of the statement that a vote's share endorses. */
export function voteBody(inRound: number, value: MainValue): Uint8Array {
  return encode(endorsed, { round: inRound, value });
}

/** The round of a vote's body for a value of at most `max`; undefined for bytes that are no such body. */
export function votedRound(body: Uint8Array, max: MainValue): number | undefined {
  const vote = decode(endorsed, body);
  return vote.ok && vote.value.value <= max ? vote.value.round : undefined;
}

export function coinBody(coinRound: number): Uint8Array {
  return encode(u32, coinRound);
}
