/**
 * What the corrupted party can say in binary agreement, to each honest party separately and as often as it likes: every
 * acceptable message that it can make from its own keys and what honest parties have said, and typical unacceptable ones
 * (docs/exploration.md has the table).
 */
import type { Group } from "../../core/group.js";
import { PartySet } from "../../core/party-set.js";
import { ABSTAIN, type Bit, type MainValue } from "../../protocols/binary-agreement/messages.js";
import type { MainVoteSaid, PreVoteSaid, Quoted, Said } from "./abba-messages.js";

const BITS: readonly Bit[] = [0, 1];

/** All that honest parties have said so far; the corrupted party sees it at once. */
export interface Heard {
  /** By honest party; the corrupted one comes after them. */
  readonly histories: readonly (readonly Said[])[];
  readonly group: Group;
  /** The values for which the corrupted party has a ρ of its own. */
  readonly proofs: readonly Bit[];
}

/** A place for one vote or share of each party. */
export interface Slot {
  readonly kind: "preVote" | "mainVote" | "coin";
  readonly round: number;
}

export function repertoire(heard: Heard, { kind, round }: Slot): readonly Said[] {
  if (kind === "preVote") return preVotes(heard, round);
  if (kind === "mainVote") return mainVotes(heard, round);
  return [
    { kind, round },
    { kind, round, flaw: "bad share" },
  ];
}

/** @param certified for which values honest parties have said enough to certify a decision, now or earlier */
export function decisions(certified: readonly Bit[]): readonly Said[] {
  return BITS.flatMap((value): readonly Said[] => {
    const said = { kind: "decision", round: 1, value } as const;
    if (!certified.includes(value)) return [{ ...said, flaw: "forged certificate" }];
    return [said, { ...said, flaw: "bad ρ" }];
  });
}

/** Whether the shares of honest parties that said so, and its own, make a certificate. */
export function canCertify({ histories, group }: Heard, endorses: (said: Said) => boolean): boolean {
  const signers = new PartySet();
  for (const [party, history] of histories.entries()) if (history.some(endorses)) signers.add(party);
  signers.add(histories.length);
  return signers.size > 1 && group.isQuorum(signers);
}

export function isMainVote(said: Said, round: number, value: MainValue): boolean {
  return said.kind === "mainVote" && said.round === round && said.value === value;
}

function isPreVote(said: Said, round: number, value: Bit): said is PreVoteSaid {
  return said.kind === "preVote" && said.round === round && said.value === value;
}

function preVotes(heard: Heard, round: number): readonly PreVoteSaid[] {
  return BITS.flatMap((value) => {
    const votes = preVotesFor(heard, round, value);
    const acceptable = votes.find(({ flaw }) => flaw === undefined);
    return acceptable === undefined ? votes : [...votes, { ...acceptable, flaw: "bad share" } as const];
  });
}

/** With each reason; a reason that it cannot give, it forges. */
function preVotesFor(heard: Heard, round: number, value: Bit): readonly PreVoteSaid[] {
  const vote = { kind: "preVote", round, value } as const;
  const isKnown = (said: Said): boolean => isPreVote(said, 1, value) && said.reason === "proof";
  const hasProof = heard.proofs.includes(value) || heard.histories.some((history) => history.some(isKnown));
  if (round === 1) {
    const forged = { ...vote, reason: "proof", flaw: "bad ρ" } as const;
    return hasProof ? [{ ...vote, reason: "proof" }, forged] : [forged];
  }
  const hasPreVotes = canCertify(heard, (said) => isPreVote(said, round - 1, value));
  const hasAbstentions = canCertify(heard, (said) => isMainVote(said, round - 1, ABSTAIN));
  const flawUnless = (has: boolean): "forged certificate" | undefined => (has ? undefined : "forged certificate");
  return [
    { ...vote, reason: "preVotes", flaw: flawUnless(hasPreVotes) },
    // Of the coin's value or not: the coin tells.
    { ...vote, reason: "coin", flaw: flawUnless(hasAbstentions) },
    { ...vote, reason: "proof", flaw: "late ρ" },
  ];
}

function mainVotes(heard: Heard, round: number): readonly MainVoteSaid[] {
  const forValue = BITS.flatMap((value): readonly MainVoteSaid[] => {
    const vote = { kind: "mainVote", round, value } as const;
    const isCertified = canCertify(heard, (said) => isPreVote(said, round, value));
    return isCertified ? [vote, { ...vote, flaw: "bad share" }] : [{ ...vote, flaw: "forged certificate" }];
  });
  return [...forValue, ...abstentions(heard, round)];
}

function abstentions(heard: Heard, round: number): readonly MainVoteSaid[] {
  const vote = { kind: "mainVote", round, value: ABSTAIN } as const;
  const [zero, one] = [quoteOf(heard, round, 0), quoteOf(heard, round, 1)];
  const result: MainVoteSaid[] = [];
  if (zero !== undefined && one !== undefined) result.push({ ...vote, quotes: { zero, one } });
  const flaw = "bad quotes";
  for (const same of [zero, one])
    if (same !== undefined) result.push({ ...vote, quotes: { zero: same, one: same }, flaw });
  const [badZero, badOne] = [flawedQuote(heard, round, 0), flawedQuote(heard, round, 1)];
  if (badZero !== undefined && one !== undefined) result.push({ ...vote, quotes: { zero: badZero, one }, flaw });
  if (zero !== undefined && badOne !== undefined) result.push({ ...vote, quotes: { zero, one: badOne }, flaw });
  return result;
}

function flawedQuote(heard: Heard, round: number, value: Bit): Quoted | undefined {
  const vote = preVotesFor(heard, round, value).find(({ flaw }) => flaw !== undefined);
  return vote === undefined ? undefined : { by: heard.histories.length, vote };
}

/**
 * A vote for `value` that can be justified: as an honest party gave it if there is one, else as the corrupted party can. It is always
 * quoted as the corrupted party's, which can sign both: receivers look at who is quoted only to accuse.
 */
export function quoteOf(heard: Heard, round: number, value: Bit): Quoted | undefined {
  const votes = [...heard.histories.flat(), ...preVotesFor(heard, round, value)];
  const isGood = (said: Said): said is PreVoteSaid => isPreVote(said, round, value) && said.flaw === undefined;
  const vote = votes.find(isGood);
  return vote === undefined ? undefined : { by: heard.histories.length, vote };
}
