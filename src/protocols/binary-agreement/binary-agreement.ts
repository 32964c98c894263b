/**
 * Validated binary Byzantine agreement, biased towards 1 (ABBA).
 *
 * Source: "Protocol for Binary Byzantine Agreement" of the source; Cachin, Kursawe, Shoup, "Random oracles
 * in Constantinople", PODC 2000, section 5; docs/protocols.md section 2.
 *
 * Properties:
 *   external validity  a decided b comes with a proof ρ such that R(b, ρ) holds;
 *   agreement          no two honest parties decide differently;
 *   termination        if all honest parties have an input, all decide, with probability 1, in a constant expected
 *                      number of rounds (CKS 2000);
 *   biased validity    if the honest parties that do not propose 0 meet every quorum, the decision is 1.
 *
 * Messages of round r (quorums are of justified messages from distinct parties):
 *   preVote(r, b, reason, share)   all → all   r = 1: the input, with ρ. r > 1: from the frozen main-votes
 *                                              of r-1: the b one of them names, else the coin of r-1
 *   mainVote(r, v, reason, share)  all → all   on a quorum of pre-votes: b if all are for b, else abstain
 *   coin(r, share)                 all → all   on a quorum of main-votes that does not decide; r > 1
 *   decision(r, b, cert, ρ)        all → all   on a quorum of main-votes for b, or on a valid decision
 *
 * Deviations: the coin of round 1 is the constant 1, without shares (the bias). The coin needs a quorum of
 * shares instead of t+1, and the main-votes that lead from round r to r+1 are frozen before the own coin share
 * leaves: otherwise a scheduler that learns the coin early sets one slow party's vote against it for ever
 * (docs/protocols.md). A party that has halted does not answer messages one by one: its decision stands in the
 * reliable link to every party until the caller retires the instance.
 *
 * Limits: votes of up to MAX_ROUNDS_AHEAD rounds above the own one are kept, one of each kind per party and
 * round, those above round 1 without any ρ; later ones are dropped, and the party then decides by a decision message (the probability that a run
 * lasts that long is below 2^-60: from round 2 on the coin ends each with probability 1/2 at least).
 */
import { equalBytes } from "../../core/bytes.js";
import { encode } from "../../core/codec.js";
import type { SignedBody } from "../../core/evidence.js";
import type { PartyId } from "../../core/party-set.js";
import { type Instance, InvariantError, type Protocol, type Scope } from "../../core/protocol.js";
import { Tally } from "../../core/tally.js";
import { type ExternalPredicate, Justification, type VoteCheck, givesPossibleReason } from "./justification.js";
import {
  ABSTAIN,
  type BinaryAgreementMessage,
  type Bit,
  COIN,
  type Decision,
  MAIN_VOTE,
  type MainValue,
  type MainVote,
  PRE_VOTE,
  type PreVote,
  coinBody,
  messageCodec,
  voteBody,
} from "./messages.js";

const MAX_ROUNDS_AHEAD = 64;

export interface BinaryAgreementOptions {
  readonly predicate: ExternalPredicate;
}

export interface BinaryInput {
  readonly value: Bit;
  /** ρ with R(value, ρ). */
  readonly proof: Uint8Array;
}

export interface BinaryDecision extends Decision {
  /** The encoded decision message: any other party decides on receiving it. */
  readonly message: Uint8Array;
}

export function binaryAgreement(
  options: BinaryAgreementOptions,
): Protocol<BinaryInput, BinaryAgreementMessage, BinaryDecision> {
  return { message: messageCodec, start: (scope) => new BinaryAgreement(scope, options) };
}

/** What is known of one round: votes as they came, and those found justified. */
class Round {
  /** Once the quorum is complete also those that justified abstentions quote. */
  readonly receivedPreVotes = new Map<PartyId, PreVote>();
  readonly receivedMainVotes = new Map<PartyId, MainVote>();
  readonly receivedCoinShares = new Map<PartyId, Uint8Array>();
  readonly preVotes: Tally<PreVote>;
  readonly mainVotes: Tally<MainVote>;
  readonly coinShares: Tally<Uint8Array>;
  coin: Bit | undefined;

  constructor({ group, suite }: Pick<Scope<never, never>, "group" | "suite">) {
    this.preVotes = new Tally((parties) => group.isQuorum(parties));
    this.mainVotes = new Tally((parties) => group.isQuorum(parties));
    this.coinShares = new Tally((parties) => suite.quorumCoin.suffices(parties));
  }
}

type VotePurpose = typeof PRE_VOTE | typeof MAIN_VOTE;
type SignedVote = { readonly value: MainValue; readonly share: Uint8Array };

/** Where this party stands in its current round. */
type Step =
  | { readonly at: "idle" }
  | { readonly at: "pre-votes" }
  | { readonly at: "main-votes" }
  /** Main-votes are frozen; `next` is the pre-vote of the next round, made before the coin was known. */
  | { readonly at: "coin"; readonly next: NextPreVote }
  | { readonly at: "halted" };

type NextPreVote =
  | { readonly kind: "preVotes"; readonly value: Bit; readonly certificate: Uint8Array }
  | { readonly kind: "coin"; readonly certificate: Uint8Array };

class BinaryAgreement implements Instance<BinaryInput, BinaryAgreementMessage> {
  readonly #scope: Scope<BinaryAgreementMessage, BinaryDecision>;
  readonly #predicate: ExternalPredicate;
  readonly #justification: Justification;
  readonly #rounds = new Map<number, Round>();
  /** ρ for each value, as far as known; whoever enters round 2 knows both. */
  readonly #proofs = new Map<Bit, Uint8Array>();
  #round = 1;
  #step: Step = { at: "idle" };

  constructor(scope: Scope<BinaryAgreementMessage, BinaryDecision>, options: BinaryAgreementOptions) {
    this.#scope = scope;
    this.#predicate = options.predicate;
    this.#justification = new Justification(scope, options.predicate);
  }

  input({ value, proof }: BinaryInput): void {
    if (this.#step.at !== "idle") return;
    if (!this.#predicate(value, proof))
      throw new InvariantError(`input ${value} to ${this.#scope.tag} without a valid proof`);
    this.#preVote(value, { kind: "proof", proof });
    this.#advance();
  }

  receive(from: PartyId, message: BinaryAgreementMessage): void {
    if (this.#step.at === "halted") return;
    if (message.kind === "decision") {
      if (this.#justification.decision(message)) this.#decide(message);
      else this.#scope.accuse(from, "invalid-certificate");
      return;
    }
    if (message.round < this.#round || message.round > this.#round + MAX_ROUNDS_AHEAD) return;
    if (message.kind !== "coin" && !givesPossibleReason(message))
      return this.#scope.accuse(from, "invalid-justification");
    const round = this.#at(message.round);
    if (message.kind === "preVote") this.#keep(from, PRE_VOTE, message.round, round.receivedPreVotes, message.vote);
    else if (message.kind === "mainVote") this.#keep(from, MAIN_VOTE, message.round, round.receivedMainVotes, message);
    else this.#keepCoinShare(from, round, message.share);
    this.#advance();
  }

  #keep<Vote extends SignedVote>(
    from: PartyId,
    purpose: VotePurpose,
    round: number,
    received: Map<PartyId, Vote>,
    vote: Vote,
  ): void {
    const first = received.get(from);
    if (first === undefined) received.set(from, vote);
    else if (first.value !== vote.value) this.#accuseDoubleVote(from, purpose, round, first, vote);
  }

  /** Votes wait unverified; two that do not both verify are a fault, too, but prove nothing to others. */
  #accuseDoubleVote(party: PartyId, purpose: VotePurpose, round: number, first: SignedVote, second: SignedVote): void {
    this.#scope.accuse(party, "double-vote");
    const { quorumCertifier } = this.#scope.suite;
    // Spares the checks where they prove nothing.
    if (!quorumCertifier.sharesAreSignatures) return;
    const signedBody = ({ value, share }: SignedVote): SignedBody => ({
      body: voteBody(round, value),
      signature: share,
    });
    const both = { first: signedBody(first), second: signedBody(second) };
    const areSigned = Object.values(both).every(({ body, signature }) =>
      quorumCertifier.verifyShare(party, this.#scope.statement(purpose, body), signature),
    );
    if (areSigned) this.#scope.evidence(party, `${purpose}/${round}`, { as: "quorum", purpose, ...both });
  }

  #keepCoinShare(from: PartyId, round: Round, share: Uint8Array): void {
    const first = round.receivedCoinShares.get(from);
    if (first === undefined) round.receivedCoinShares.set(from, share);
    else if (!equalBytes(first, share)) this.#scope.accuse(from, "equivocation");
  }

  #at(number: number): Round {
    let round = this.#rounds.get(number);
    if (round === undefined) {
      round = new Round(this.#scope);
      // The bias: in round 1 the coin shows 1 and nobody tosses it.
      if (number === 1) round.coin = 1;
      this.#rounds.set(number, round);
    }
    return round;
  }

  /** Takes every step that the messages received so far allow. */
  #advance(): void {
    for (let before: Step | undefined; before !== this.#step;) {
      before = this.#step;
      const round = this.#at(this.#round);
      if (before.at === "pre-votes") this.#countPreVotes(round);
      else if (before.at === "main-votes") this.#countMainVotes(round);
      else if (before.at === "coin") this.#countCoinShares(round, before.next);
    }
  }

  /** Starts the current round with the own pre-vote. */
  #preVote(value: Bit, reason: PreVote["reason"]): void {
    const body = voteBody(this.#round, value);
    const share = this.#scope.endorse("quorum", `${PRE_VOTE}/${this.#round}`, PRE_VOTE, body);
    this.#scope.broadcast({ kind: "preVote", round: this.#round, vote: { value, reason, share } });
    this.#step = { at: "pre-votes" };
  }

  /** The coin of the round before the current one, on which votes of this round may lean. */
  #previousCoin(): Bit | undefined {
    return this.#rounds.get(this.#round - 1)?.coin;
  }

  #countPreVotes(round: Round): void {
    for (const [party, vote] of round.receivedPreVotes) {
      if (round.preVotes.complete) return;
      if (round.preVotes.has(party)) continue;
      const check = this.#justification.preVote(party, this.#round, vote, this.#previousCoin());
      if (check !== "justified") {
        this.#reject(party, round.receivedPreVotes, check);
        continue;
      }
      this.#rememberProof(vote);
      if (round.preVotes.add(party, vote)) this.#mainVote(round);
    }
  }

  #reject(party: PartyId, received: Map<PartyId, unknown>, fault: Exclude<VoteCheck, "justified">): void {
    received.delete(party);
    this.#scope.accuse(party, fault);
  }

  #rememberProof({ value, reason }: PreVote): void {
    if (reason.kind === "proof" && !this.#proofs.has(value)) this.#proofs.set(value, reason.proof);
  }

  #mainVote(round: Round): void {
    const votes = [...round.preVotes.items];
    const zero = votes.find(([, vote]) => vote.value === 0);
    const one = votes.find(([, vote]) => vote.value === 1);
    if (zero !== undefined && one !== undefined) {
      const reason = { kind: "conflict", zeroBy: zero[0], zero: zero[1], oneBy: one[0], one: one[1] } as const;
      this.#sendMainVote(ABSTAIN, reason);
    } else {
      const value = one === undefined ? 0 : 1;
      this.#sendMainVote(value, {
        kind: "preVotes",
        certificate: this.#certify(PRE_VOTE, value, round.preVotes.items),
      });
    }
  }

  #sendMainVote(value: MainValue, reason: MainVote["reason"]): void {
    const body = voteBody(this.#round, value);
    const share = this.#scope.endorse("quorum", `${MAIN_VOTE}/${this.#round}`, MAIN_VOTE, body);
    this.#scope.broadcast({ kind: "mainVote", round: this.#round, value, reason, share });
    this.#step = { at: "main-votes" };
  }

  #certify(purpose: string, value: MainValue, votes: ReadonlyMap<PartyId, { readonly share: Uint8Array }>): Uint8Array {
    const statement = this.#scope.statement(purpose, voteBody(this.#round, value));
    const shares = new Map([...votes].map(([party, vote]) => [party, vote.share]));
    return this.#scope.suite.quorumCertifier.combine(statement, shares);
  }

  #countMainVotes(round: Round): void {
    for (const [party, vote] of round.receivedMainVotes) {
      if (round.mainVotes.complete) return;
      if (round.mainVotes.has(party)) continue;
      const check = this.#justification.mainVote(party, this.#round, vote, this.#previousCoin());
      if (check !== "justified") {
        this.#reject(party, round.receivedMainVotes, check);
        continue;
      }
      this.#accuseDoublePreVotes(round, vote);
      if (round.mainVotes.add(party, vote)) this.#freeze(round);
    }
  }

  /** An abstention quotes two signed pre-votes; together with what came directly they may convict. */
  #accuseDoublePreVotes(round: Round, { reason }: MainVote): void {
    if (reason.kind !== "conflict") return;
    for (const [party, quoted] of [
      [reason.zeroBy, reason.zero],
      [reason.oneBy, reason.one],
    ] as const) {
      this.#rememberProof(quoted);
      // A share that others can make says nothing about its party unless it comes from there.
      if (this.#scope.suite.quorumCertifier.sharesAreSignatures)
        this.#keep(party, PRE_VOTE, this.#round, round.receivedPreVotes, quoted);
    }
  }

  /** Decides, or fixes once and for all what the next round starts from; then lets the coin go. */
  #freeze(round: Round): void {
    const votes = [...round.mainVotes.items.values()];
    const named = votes.find((vote) => vote.value !== ABSTAIN);
    if (named === undefined) {
      const certificate = this.#certify(MAIN_VOTE, ABSTAIN, round.mainVotes.items);
      this.#toss({ kind: "coin", certificate });
    } else if (votes.every((vote) => vote.value === named.value)) {
      const value = named.value as Bit;
      const proof = this.#proofs.get(value);
      // A quorum pre-voted `value` in round 1 or somebody abstained there; either quoted a ρ to us.
      if (proof === undefined) throw new InvariantError(`${this.#scope.tag} decides ${value} without a proof`);
      this.#decide({
        round: this.#round,
        value,
        certificate: this.#certify(MAIN_VOTE, value, round.mainVotes.items),
        proof,
      });
    } else {
      if (named.reason.kind !== "preVotes") throw new InvariantError("a vote for a value is justified by pre-votes");
      this.#toss({ kind: "preVotes", value: named.value as Bit, certificate: named.reason.certificate });
    }
  }

  #toss(next: NextPreVote): void {
    this.#step = { at: "coin", next };
    if (this.#round === 1) return;
    const name = this.#scope.statement(COIN, coinBody(this.#round));
    this.#scope.broadcast({ kind: "coin", round: this.#round, share: this.#scope.suite.quorumCoin.share(name) });
  }

  #countCoinShares(round: Round, next: NextPreVote): void {
    if (round.coin === undefined) this.#tryCoin(round);
    if (round.coin === undefined) return;
    const coin = round.coin;
    // The coin of the round that ends is all that the next one needs of it.
    for (const old of this.#rounds.keys()) if (old < this.#round) this.#rounds.delete(old);
    this.#round += 1;
    if (next.kind === "preVotes") this.#preVote(next.value, { kind: "preVotes", certificate: next.certificate });
    else this.#preVote(coin, { kind: "coin", certificate: next.certificate });
  }

  #tryCoin(round: Round): void {
    const { quorumCoin } = this.#scope.suite;
    const name = this.#scope.statement(COIN, coinBody(this.#round));
    for (const [party, share] of round.receivedCoinShares) {
      if (round.coinShares.has(party)) continue;
      if (!quorumCoin.verifyShare(party, name, share)) {
        this.#reject(party, round.receivedCoinShares, "invalid-share");
      } else if (round.coinShares.add(party, share)) {
        round.coin = ((quorumCoin.combine(name, round.coinShares.items)[0] ?? 0) & 1) as Bit;
        return;
      }
    }
  }

  #decide(decision: Decision): void {
    if (this.#step.at === "halted") return;
    this.#step = { at: "halted" };
    const { round, value, certificate, proof } = decision;
    const message = { kind: "decision", round, value, certificate, proof } as const;
    this.#scope.broadcast(message);
    this.#rounds.clear();
    this.#scope.output({ round, value, certificate, proof, message: encode(messageCodec, message) });
  }
}
