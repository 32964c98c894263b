/**
 * When a vote counts: the checks of CKS 2000, section 5.2 ("justified" votes), with the external
 * validity of the source. All are functions of the message, the tag and the coins known here.
 */
import type { PartyId } from "../../core/party-set.js";
import type { Scope } from "../../core/protocol.js";
import {
  ABSTAIN,
  type BinaryAgreementMessage,
  type Bit,
  type Decision,
  MAIN_VOTE,
  type MainVote,
  PRE_VOTE,
  type PreVote,
  voteBody,
} from "./messages.js";

/** The external predicate R(value, proof): total, and never false again once true. */
export type ExternalPredicate = (value: Bit, proof: Uint8Array) => boolean;

/** ρ justifies in round 1 and only there: later it would let a party vote against all that was decided since. */
function fitsRound(round: number, { reason }: PreVote): boolean {
  return (reason.kind === "proof") === (round === 1);
}

/**
 * Whether a vote gives reasons of a kind that can hold in its round. Checked on arrival: votes of later rounds wait
 * unverified, since their coin is not known yet, and must not carry a ρ, which can be large.
 */
export function givesPossibleReason(
  message: Extract<BinaryAgreementMessage, { kind: "preVote" | "mainVote" }>,
): boolean {
  if (message.kind === "preVote") return fitsRound(message.round, message.vote);
  const { round, reason } = message;
  return reason.kind === "preVotes" || (fitsRound(round, reason.zero) && fitsRound(round, reason.one));
}

export type VoteCheck = "justified" | "invalid-share" | "invalid-justification";

export class Justification {
  readonly #scope: Scope<BinaryAgreementMessage, never>;
  readonly #predicate: ExternalPredicate;

  constructor(scope: Scope<BinaryAgreementMessage, never>, predicate: ExternalPredicate) {
    this.#scope = scope;
    this.#predicate = predicate;
  }

  /** @param coin the coin of the previous round, known to whoever is in `round` */
  preVote(party: PartyId, round: number, vote: PreVote, coin: Bit | undefined): VoteCheck {
    const statement = this.#scope.statement(PRE_VOTE, voteBody(round, vote.value));
    if (!this.#verifyShare(party, statement, vote.share)) return "invalid-share";
    return this.#isPreVoteReason(round, vote, coin) ? "justified" : "invalid-justification";
  }

  #isPreVoteReason(round: number, vote: PreVote, coin: Bit | undefined): boolean {
    if (!fitsRound(round, vote)) return false;
    const { value, reason } = vote;
    if (reason.kind === "proof") return this.#predicate(value, reason.proof);
    if (reason.kind === "preVotes") return this.#isCertified(PRE_VOTE, round - 1, value, reason.certificate);
    return value === coin && this.#isCertified(MAIN_VOTE, round - 1, ABSTAIN, reason.certificate);
  }

  mainVote(party: PartyId, round: number, vote: MainVote, coin: Bit | undefined): VoteCheck {
    const statement = this.#scope.statement(MAIN_VOTE, voteBody(round, vote.value));
    if (!this.#verifyShare(party, statement, vote.share)) return "invalid-share";
    return this.#isMainVoteReason(round, vote, coin) ? "justified" : "invalid-justification";
  }

  #isMainVoteReason(round: number, { value, reason }: MainVote, coin: Bit | undefined): boolean {
    if (reason.kind === "preVotes") {
      return value !== ABSTAIN && this.#isCertified(PRE_VOTE, round, value, reason.certificate);
    }
    const { zeroBy, zero, oneBy, one } = reason;
    return (
      value === ABSTAIN &&
      zero.value === 0 &&
      one.value === 1 &&
      zeroBy < this.#scope.group.n &&
      oneBy < this.#scope.group.n &&
      this.preVote(zeroBy, round, zero, coin) === "justified" &&
      this.preVote(oneBy, round, one, coin) === "justified"
    );
  }

  decision({ round, value, certificate, proof }: Decision): boolean {
    return this.#isCertified(MAIN_VOTE, round, value, certificate) && this.#predicate(value, proof);
  }

  #verifyShare(party: PartyId, statement: Uint8Array, share: Uint8Array): boolean {
    return this.#scope.suite.quorumCertifier.verifyShare(party, statement, share);
  }

  #isCertified(purpose: string, round: number, value: MainVote["value"], certificate: Uint8Array): boolean {
    const statement = this.#scope.statement(purpose, voteBody(round, value));
    return this.#scope.suite.quorumCertifier.verify(statement, certificate);
  }
}
