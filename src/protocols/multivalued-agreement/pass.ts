/**
 * One pass through the candidates, batch by batch: vote, count, agree. Step (iii) of docs/protocols.md, boxes 40 to 80 of Fig. 2
 * and box 60 of Fig. 3b. A batch is one candidate, unless several are tried at once.
 */
import type { PartyId } from "../../core/party-set.js";
import { type Child, InvariantError } from "../../core/protocol.js";
import { Tally } from "../../core/tally.js";
import { type BinaryDecision, type BinaryInput, type Bit, binaryAgreement } from "../binary-agreement/index.js";
import type { Candidates } from "./candidates.js";
import { CommittedOrder } from "./commit.js";
import { type Accepted, type AgreementScope, type CoinShares, type PassMessage, agreementPath } from "./messages.js";
import { type Batch, type Plan, batchesByCoin, batchesWithoutCoin } from "./order.js";

export interface PassOptions {
  /** From 1. */
  readonly number: number;
  readonly plan: Plan;
  readonly candidates: Candidates;
  say(message: PassMessage): void;
  isHalted(): boolean;
  onAccepted(accepted: Accepted): void;
  /** Every candidate was rejected. */
  onExhausted(): void;
}

const NO_PROOF = new Uint8Array(0);

/** The votes on one candidate, and its binary agreement. */
class Ballot {
  readonly agreement: Child<BinaryInput>;
  /** Each party's first vote; true is Y. */
  readonly received = new Map<PartyId, boolean>();
  readonly valid: Tally<boolean>;
  decided: BinaryDecision | undefined;

  constructor(agreement: Child<BinaryInput>, valid: Tally<boolean>) {
    this.agreement = agreement;
    this.valid = valid;
  }
}

export class Pass {
  readonly number: number;
  readonly #scope: AgreementScope;
  readonly #options: PassOptions;
  readonly #ballots: readonly Ballot[];
  readonly #ordering: CommittedOrder | undefined;
  readonly #batches: Batch[];
  /** What is voted on first, where that is known without a coin, nor a pass before: whoever holds it may do so before `start`. */
  readonly #opening: Batch | undefined;
  /** Index of the batch that is being voted on, and of the one on which this party has voted. */
  #position = 0;
  #votedOn = -1;
  #hasStarted = false;

  constructor(scope: AgreementScope, options: PassOptions) {
    this.number = options.number;
    this.#scope = scope;
    this.#options = options;
    this.#batches = [...batchesWithoutCoin(options.plan, scope.group.n)];
    this.#opening = options.number === 1 ? this.#batches[0] : undefined;
    this.#ballots = scope.group.parties.map((party) => this.#spawnBallot(party));
    this.#ordering = options.plan.order === "fixed" ? undefined : this.#createOrdering();
  }

  #spawnBallot(party: PartyId): Ballot {
    const predicate = (value: Bit, proof: Uint8Array): boolean =>
      value === 1 ? this.#options.candidates.accept(party, proof) : proof.length === 0;
    const agreement = this.#scope.spawn(agreementPath(this.number, party), binaryAgreement({ predicate }), (decision) =>
      this.#onDecision(party, decision),
    );
    return new Ballot(agreement, new Tally((set) => this.#scope.group.isQuorum(set)));
  }

  #createOrdering(): CommittedOrder {
    return new CommittedOrder(this.#scope, {
      number: this.number,
      say: (share) => this.#options.say({ kind: "coin", share }),
      isHalted: () => this.#options.isHalted(),
      onCommit: () => this.#countVotes(),
      onCoin: (seed) => this.#onCoin(seed),
    });
  }

  /** The proposals of a quorum, or what a quorum holds after the pass before, are here. */
  start(): void {
    if (this.#hasStarted) return;
    this.#hasStarted = true;
    this.#advance();
  }

  /** A proposal is held that was not before. */
  onHeld(): void {
    if (!this.#hasStarted) this.#advance();
  }

  receive(from: PartyId, message: PassMessage): void {
    if (message.kind === "coin") {
      if (this.#ordering === undefined) this.#scope.accuse(from, "malformed-message");
      else this.#ordering.onShare(from, message.share);
    } else if (message.candidate >= this.#scope.group.n) this.#scope.accuse(from, "malformed-message");
    else this.#onVote(from, message);
  }

  #onVote(from: PartyId, vote: Exclude<PassMessage, { kind: "coin" }>): void {
    const ballot = this.#ballot(vote.candidate);
    const yes = vote.kind === "yes";
    const first = ballot.received.get(from);
    if (first !== undefined) {
      if (first !== yes) this.#scope.accuse(from, "double-vote");
      return;
    }
    if (vote.kind === "yes" && !this.#options.candidates.accept(vote.candidate, vote.closing)) {
      return this.#scope.accuse(from, "invalid-certificate");
    }
    ballot.received.set(from, yes);
    this.onHeld();
    this.#countVotes();
  }

  #ballot(party: PartyId): Ballot {
    const ballot = this.#ballots[party];
    if (ballot === undefined) throw new InvariantError(`no candidate ${party}`);
    return ballot;
  }

  #onCoin(seed: Uint8Array): void {
    const { suite, group } = this.#scope;
    this.#batches.push(...batchesByCoin(this.#options.plan, suite, group.n, seed));
    // Others may have decided before this party knew which candidates come first.
    if (!this.#accept()) this.#advance();
  }

  #batch(): Batch | undefined {
    const batch = this.#batches[this.#position];
    return this.#hasStarted || this.#maySupport(batch) ? batch : undefined;
  }

  /** Only a vote against, and whatever comes after, needs the proposals of a quorum. */
  #maySupport(batch: Batch | undefined): boolean {
    const { candidates } = this.#options;
    return (
      batch !== undefined &&
      batch === this.#opening &&
      batch.every((party) => candidates.closingOf(party) !== undefined)
    );
  }

  #isRejected(party: PartyId): boolean {
    return this.#ballot(party).decided?.value === 0;
  }

  /** On to the first batch that is not rejected as a whole, by this party's agreements or by others' decisions. */
  #advance(): void {
    while (this.#batch()?.every((party) => this.#isRejected(party)) === true) this.#position++;
    const batch = this.#batch();
    if (batch !== undefined) this.#vote(batch);
    else if (!this.#hasStarted) return;
    else if (this.#ordering?.hasCommitted === false) this.#ordering.commit(this.#options.candidates.held);
    else if (this.#ordering?.isDrawn !== false) this.#options.onExhausted();
  }

  /** Box 40. */
  #vote(batch: Batch): void {
    if (this.#votedOn === this.#position) return;
    this.#votedOn = this.#position;
    for (const candidate of batch) {
      if (this.#isRejected(candidate)) continue;
      const closing = this.#options.candidates.closingOf(candidate);
      this.#options.say(closing === undefined ? { kind: "no", candidate } : { kind: "yes", candidate, closing });
    }
    this.#countVotes();
  }

  /** Boxes 50 to 70 for the current batch. */
  #countVotes(): void {
    for (const party of this.#batch() ?? []) if (!this.#options.isHalted()) this.#countVotesOn(party);
  }

  #countVotesOn(party: PartyId): void {
    const ballot = this.#ballot(party);
    if (ballot.valid.complete) return;
    const proof = this.#options.candidates.closingOf(party);
    // Whatever others vote, the input will be 1: nobody need wait for it.
    if (proof !== undefined) ballot.agreement.input({ value: 1, proof });
    for (const [voter, yes] of ballot.received) {
      if (ballot.valid.has(voter) || !this.#isValidVote(voter, party, yes)) continue;
      if (!ballot.valid.add(voter, yes)) continue;
      if (proof === undefined) ballot.agreement.input({ value: 0, proof: NO_PROOF });
      return;
    }
  }

  /** Box 60, Fig. 3b: an N-vote must agree with the voter's commit, which must be here; before the coin nobody has committed. */
  #isValidVote(voter: PartyId, party: PartyId, yes: boolean): boolean {
    const { order, first } = this.#options.plan;
    if (yes || this.#ordering === undefined || (order === "adaptive" && party === first)) return true;
    const commit = this.#ordering.commitOf(voter);
    if (commit === undefined) return false;
    if (!commit.has(party)) return true;
    this.#ballot(party).received.delete(voter);
    this.#scope.accuse(voter, "vote-contradicts-commit");
    return false;
  }

  #onDecision(party: PartyId, decision: BinaryDecision): void {
    this.#ballot(party).decided = decision;
    if (this.#options.isHalted() || this.#accept()) return;
    if (this.#batch()?.includes(party) === true) this.#advance();
  }

  /** Box 90: a candidate with 1, all before it in its batch having 0. */
  #accept(): boolean {
    for (const [candidate, { decided }] of this.#ballots.entries()) {
      const earlier = decided?.value === 1 ? this.earlierInBatch(candidate) : undefined;
      if (decided === undefined || earlier?.every((party) => this.#isRejected(party)) !== true) continue;
      this.#options.onAccepted({
        pass: this.number,
        candidate,
        tries: this.triedUpTo(candidate),
        decision: decided,
        rejected: earlier.flatMap((party) => this.#ballot(party).decided?.message ?? []),
        shares: this.#sharesShowing(candidate),
      });
      return true;
    }
    return false;
  }

  /**
   * The candidates that must have been rejected before this one is accepted, besides those of earlier batches, which were before anybody
   * honest voted on this one. Undefined while it depends on a coin that neither this party has seen nor `shares` show.
   */
  earlierInBatch(candidate: PartyId, shares: CoinShares = []): Batch | undefined {
    if (this.#options.plan.parallel === 1) return [];
    const isMine = (batch: Batch): boolean => batch.includes(candidate);
    const batch = this.#batches.find(isMine) ?? this.#batchesShownBy(shares).find(isMine);
    return batch?.slice(0, batch.indexOf(candidate));
  }

  #batchesShownBy(shares: CoinShares): readonly Batch[] {
    const seed = shares.length === 0 ? undefined : this.#ordering?.seedFrom(shares);
    const { suite, group } = this.#scope;
    return seed === undefined ? [] : batchesByCoin(this.#options.plan, suite, group.n, seed);
  }

  /** What shows others which candidates come before this one in its batch; nothing where that needs no coin. */
  #sharesShowing(candidate: PartyId): CoinShares {
    const { plan } = this.#options;
    const isKnown = batchesWithoutCoin(plan, this.#scope.group.n).some((batch) => batch.includes(candidate));
    return plan.parallel === 1 || isKnown ? [] : (this.#ordering?.shares ?? []);
  }

  /** How many candidates were tried, up to `candidate`. */
  triedUpTo(candidate: PartyId): number {
    const before = this.#batches.slice(0, this.#position).reduce((sum, batch) => sum + batch.length, 0);
    return before + Math.max(0, this.#batch()?.indexOf(candidate) ?? 0) + 1;
  }
}
