/** The messages of binary agreement as the explorer sees them: what they say and why, not their bytes. */
import { equalBytes, utf8 } from "../../core/bytes.js";
import { decode, encode } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import type { Suite } from "../../core/suite.js";
import {
  ABSTAIN,
  type BinaryAgreementMessage,
  type Bit,
  COIN,
  MAIN_VOTE,
  type MainValue,
  PRE_VOTE,
  type PreVote,
  coinBody,
  messageCodec,
  voteBody,
} from "../../protocols/binary-agreement/messages.js";
import { statementOf } from "./party.js";
import { forgedCertificate, uniqueCertificate } from "./suite.js";

/** n=4, t=1; the last party is corrupted. */
export const BYZANTINE: PartyId = 3;

export type Reason = PreVote["reason"]["kind"];

/** What is wrong with a message of the corrupted party; each makes it unacceptable. */
export type Flaw =
  /** The share is not of the sender, or of another statement. */
  | "bad share"
  /** The certificate has the sender's share only. */
  | "forged certificate"
  /** ρ does not satisfy R. */
  | "bad ρ"
  /** ρ after round 1, however good it is. */
  | "late ρ"
  /** An abstention that quotes a flawed vote, or two for one value. */
  | "bad quotes";

/** A pre-vote, also as an abstention quotes it. */
export interface PreVoteSaid {
  readonly kind: "preVote";
  readonly round: number;
  readonly value: Bit;
  readonly reason: Reason;
  readonly flaw?: Flaw | undefined;
}

export interface Quoted {
  readonly by: PartyId;
  readonly vote: PreVoteSaid;
}

export interface MainVoteSaid {
  readonly kind: "mainVote";
  readonly round: number;
  readonly value: MainValue;
  /** What an abstention quotes as votes for 0 and for 1; absent in what an honest party is known to have said. */
  readonly quotes?: { readonly zero: Quoted; readonly one: Quoted } | undefined;
  readonly flaw?: Flaw | undefined;
}

export type Said =
  | PreVoteSaid
  | MainVoteSaid
  | { readonly kind: "coin"; readonly round: number; readonly flaw?: Flaw | undefined }
  | { readonly kind: "decision"; readonly round: number; readonly value: Bit; readonly flaw?: Flaw | undefined };

const SHORT: Readonly<Record<Reason, string>> = { proof: "ρ", preVotes: "pre-votes", coin: "coin" };

const names = new WeakMap<Said, string>();

/** One name for each meaning. */
export function nameOf(said: Said): string {
  let name = names.get(said);
  if (name === undefined) names.set(said, (name = describe(said)));
  return name;
}

function describe(said: Said): string {
  const flaw = said.flaw === undefined ? "" : ` (${said.flaw})`;
  if (said.kind === "coin") return `coin ${said.round}${flaw}`;
  if (said.kind === "decision") return `decision ${said.value}${flaw}`;
  if (said.kind === "preVote") return `pre-vote ${said.round}: ${said.value} by ${SHORT[said.reason]}${flaw}`;
  const value = said.value === ABSTAIN ? "abstain" : said.value;
  const { quotes } = said;
  const quoting = quotes === undefined ? "" : ` quoting [${quoteName(quotes.zero)}; ${quoteName(quotes.one)}]`;
  return `main-vote ${said.round}: ${value}${quoting}${flaw}`;
}

function quoteName({ by, vote }: Quoted): string {
  return `${by}'s ${nameOf(vote)}`;
}

export function proofOf(value: Bit): Uint8Array {
  return utf8(`ρ of ${value}`);
}

/** R(value, ρ). */
export function predicate(value: Bit, proof: Uint8Array): boolean {
  return equalBytes(proof, proofOf(value));
}

/** The bytes of what `from` says. */
export function bytesOf(suites: readonly Suite[], from: PartyId, said: Said): Uint8Array {
  return encode(messageCodec, messageOf(suites, from, said));
}

function messageOf(suites: readonly Suite[], from: PartyId, said: Said): BinaryAgreementMessage {
  if (said.kind === "preVote") return { kind: "preVote", round: said.round, vote: preVoteOf(suites, from, said) };
  if (said.kind === "mainVote") return mainVoteOf(suites, from, said);
  if (said.kind === "coin") {
    const name = statementOf(COIN, coinBody(said.flaw === undefined ? said.round : said.round + 1));
    return { kind: "coin", round: said.round, share: suiteOf(suites, from).quorumCoin.share(name) };
  }
  const { round, value, flaw } = said;
  const certificate = certificateOf(MAIN_VOTE, round, value, flaw);
  return { kind: "decision", round, value, certificate, proof: rhoOf(value, flaw) };
}

function suiteOf(suites: readonly Suite[], party: PartyId): Suite {
  const suite = suites[party];
  if (suite === undefined) throw new RangeError(`no party ${party}`);
  return suite;
}

/** Of another statement if it is to be bad. */
function shareOf(
  suites: readonly Suite[],
  from: PartyId,
  purpose: string,
  said: PreVoteSaid | MainVoteSaid,
): Uint8Array {
  const signedRound = said.flaw === "bad share" ? said.round + 1 : said.round;
  return suiteOf(suites, from).quorumCertifier.share(statementOf(purpose, voteBody(signedRound, said.value)));
}

function certificateOf(purpose: string, round: number, value: MainValue, flaw: Flaw | undefined): Uint8Array {
  const statement = statementOf(purpose, voteBody(round, value));
  return flaw === "forged certificate" ? forgedCertificate(statement) : uniqueCertificate("quorum", statement);
}

function rhoOf(value: Bit, flaw: Flaw | undefined): Uint8Array {
  return flaw === "bad ρ" ? utf8("no ρ") : proofOf(value);
}

function preVoteOf(suites: readonly Suite[], from: PartyId, said: PreVoteSaid): PreVote {
  const { round, value, flaw } = said;
  const share = shareOf(suites, from, PRE_VOTE, said);
  if (said.reason === "proof") return { value, reason: { kind: "proof", proof: rhoOf(value, flaw) }, share };
  const certificate = reasonCertificate(said.reason, round, value, flaw);
  return { value, reason: { kind: said.reason, certificate }, share };
}

/** That a quorum pre-voted `value`, or abstained, in the round before. */
function reasonCertificate(reason: "preVotes" | "coin", round: number, value: Bit, flaw: Flaw | undefined): Uint8Array {
  return reason === "preVotes"
    ? certificateOf(PRE_VOTE, round - 1, value, flaw)
    : certificateOf(MAIN_VOTE, round - 1, ABSTAIN, flaw);
}

function mainVoteOf(suites: readonly Suite[], from: PartyId, said: MainVoteSaid): BinaryAgreementMessage {
  const { round, value, quotes, flaw } = said;
  const share = shareOf(suites, from, MAIN_VOTE, said);
  if (quotes === undefined) {
    const reason = { kind: "preVotes", certificate: certificateOf(PRE_VOTE, round, value, flaw) } as const;
    return { kind: "mainVote", round, value, reason, share };
  }
  const { zero, one } = quotes;
  const reason = {
    kind: "conflict",
    zeroBy: zero.by,
    zero: preVoteOf(suites, zero.by, zero.vote),
    oneBy: one.by,
    one: preVoteOf(suites, one.by, one.vote),
  } as const;
  return { kind: "mainVote", round, value, reason, share };
}

/** What an honest party's message says; undefined for bytes that are none. */
export function saidBy(body: Uint8Array): Said | undefined {
  const message = decode(messageCodec, body);
  if (!message.ok) return undefined;
  const { value } = message;
  if (value.kind === "coin") return { kind: "coin", round: value.round };
  // Receivers do not look at the round of a decision, and halt.
  if (value.kind === "decision") return { kind: "decision", round: 1, value: value.value };
  if (value.kind === "mainVote")
    return { kind: "mainVote", round: value.round, value: value.value, ...flawedQuotes(value) };
  return { kind: "preVote", round: value.round, value: value.vote.value, reason: value.vote.reason.kind };
}

/** The quotes of an honest party's abstention are good, whichever they are; where they are not, something is broken, and it matters which. */
function flawedQuotes({
  round,
  reason,
}: Extract<BinaryAgreementMessage, { kind: "mainVote" }>): Pick<MainVoteSaid, "quotes"> {
  if (reason.kind !== "conflict") return {};
  const [zero, one] = [
    { by: BYZANTINE, vote: quotedVote(round, reason.zero) },
    { by: BYZANTINE, vote: quotedVote(round, reason.one) },
  ];
  return zero.vote.flaw === undefined && one.vote.flaw === undefined ? {} : { quotes: { zero, one } };
}

function quotedVote(round: number, { value, reason }: PreVote): PreVoteSaid {
  const vote = { kind: "preVote", round, value, reason: reason.kind } as const;
  if (reason.kind === "proof") {
    if (round > 1) return { ...vote, flaw: "late ρ" };
    return predicate(value, reason.proof) ? vote : { ...vote, flaw: "bad ρ" };
  }
  const isGood = equalBytes(reason.certificate, reasonCertificate(reason.kind, round, value, undefined));
  return isGood ? vote : { ...vote, flaw: "forged certificate" };
}
