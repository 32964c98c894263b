/**
 * Multi-valued validated Byzantine agreement (MVBA).
 *
 * Source: the source, Figs. 2, 3a and 3b; CRYPTO 2001, section 4; docs/protocols.md section 2.
 *
 * Properties, for the external predicate `fault(value) === undefined`:
 *   external validity  every decided value satisfies the predicate;
 *   agreement          no two honest parties decide differently;
 *   termination        if all honest parties propose, all decide, in one pass with thresholds, in at most ⌈log2 n⌉ passes in
 *                      general. Expected tries with thresholds: < 3 in `random`, < 4 in `adaptive`.
 *
 * Children: `proposal/j` is the consistent broadcast of party j; in pass p, `commit/j` (p = 1) or `commit/p/j` that of its commit, and
 * `aba/p/a` decides on candidate a. All of them live from the start, so that a party that has no proposal yet signs others'
 * proposals and halts on others' decisions.
 *
 * Messages and steps (boxes of Figs. 2, 3a, 3b); what is said in a pass after the first travels within `later(p, ·)`:
 *   proposal/j            box 10   candidates.ts  VCBC of the own value, on input
 *   commit/j              box 32   commit.ts      random, adaptive: VCBC of the set of proposals held, once `isQuorum`; adaptive: after the
 *                                                 first candidate is rejected
 *   coin(share)           box 36   commit.ts      all → all, after `isQuorum` commits and the own; `hasHonest` shares give Π
 *   yes(a, closing)       box 40   pass.ts        all → all, for the next candidates a in Π: the proposal is held here
 *   no(a)                 box 40   pass.ts        all → all, otherwise; once proposals of `isQuorum` are here
 *   counting              box 50   pass.ts        `isQuorum` valid votes; no(a) counts only if the voter's commit, if a's order needed one, does
 *                                                 not name a
 *   aba/p/a               box 70   pass.ts        input 1 with a's closing if a is held by then, else 0; 1 decides, 0: next a
 *   closing(a, closing)            holdings.ts    all → all, for each proposal held, when a pass has rejected all
 *   holds(p, set)                  holdings.ts    all → all, after these; `isQuorum` of them, all held here, start the next pass
 *   decided(p, a, …)               decision.ts    all → all, once: parallel, on deciding in an order by coin; on another's, on deciding by it
 *   ask, value                     fetching.ts    on request: for a decided value of which only the certificate is held
 *
 * The decision is transferable: the decision message of `aba/p/a` with value 1 carries a's closing as its proof. With batches the
 * proof is `decided`, which also has the decisions for 0 on the earlier candidates of the batch. Whoever receives it, in any
 * step, decides, forwards it and halts.
 *
 * Variants: `order`; `delivery: "on-request"`, where closings are compact and the proof alone has the value; `parallel` > 1, where so many
 * candidates are voted on at once and the first in Π with 1 wins.
 *
 * Deviations: who holds the first candidates where no coin draws them votes for them at once, without own input and without the proposals
 * of a quorum, which a vote against needs (docs/protocols.md). Who has a proposal when it votes inputs 1 at once. Passes; the source's counting shows one to be enough, for thresholds. Coin
 * shares in `decided`, so that also a party that has not seen the coin can check it. Only who has committed tosses the coin and votes,
 * but for such early votes.
 *
 * Limits: values up to MAX_MESSAGE_BYTES; one vote per party, candidate and pass is kept; at most MAX_PARALLEL at once.
 */
import type { Fault } from "../../core/fault.js";
import type { PartyId, PartySet } from "../../core/party-set.js";
import { type Instance, InvariantError, type Protocol } from "../../core/protocol.js";
import { Tally } from "../../core/tally.js";
import { Candidates, DELIVERIES, type Delivery } from "./candidates.js";
import { decidedEnvelope, decidedMessage, plainProof, verifyDecided } from "./decision.js";
import { Holdings } from "./holdings.js";
import {
  type Accepted,
  type AgreementScope,
  type Decided,
  MAX_PARALLEL,
  type MultivaluedAgreementMessage,
  type MultivaluedDecision,
  type PassMessage,
  multivaluedAgreementMessageCodec,
} from "./messages.js";
import { CANDIDATE_ORDERS, type CandidateOrder } from "./order.js";
import { Pass } from "./pass.js";
import { passBound } from "./passes.js";

/** The same at all parties. */
export interface AgreementVariant {
  /** `fixed`: from party `first` on, around the circle. `random`: commits, then a coin. `adaptive`: `first`, then random. */
  readonly order: CandidateOrder;
  /** Whether votes carry proposals, or certificates only; `full` unless given. */
  readonly delivery?: Delivery | undefined;
  /** How many candidates are tried at once, within 1..MAX_PARALLEL; 1 unless given. */
  readonly parallel?: number | undefined;
}

export interface MultivaluedAgreementOptions extends AgreementVariant {
  readonly first: PartyId;
  /** The external predicate Q: what is wrong with a value, or undefined. Pure. */
  fault(value: Uint8Array): Fault | undefined;
}

/** What is wrong with a variant, or undefined. A caller in JavaScript may give anything. */
export function variantProblem({ order, delivery = "full", parallel = 1 }: AgreementVariant): string | undefined {
  if (!CANDIDATE_ORDERS.includes(order)) return `order=${order} is none of ${CANDIDATE_ORDERS.join(", ")}`;
  if (!DELIVERIES.includes(delivery)) return `delivery=${delivery} is none of ${DELIVERIES.join(", ")}`;
  if (Number.isInteger(parallel) && parallel >= 1 && parallel <= MAX_PARALLEL) return undefined;
  return `parallel=${parallel} is not within 1..${MAX_PARALLEL}`;
}

/** A variant that does not exist. */
export class AgreementVariantError extends Error {
  override readonly name = "AgreementVariantError";
}

/** @throws AgreementVariantError when `order` or `delivery` does not exist, or `parallel` is out of its bounds */
export function multivaluedAgreement(
  options: MultivaluedAgreementOptions,
): Protocol<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision> {
  const problem = variantProblem(options);
  if (problem !== undefined) throw new AgreementVariantError(problem);
  return { message: multivaluedAgreementMessageCodec, start: (scope) => new MultivaluedAgreement(scope, options) };
}

class MultivaluedAgreement implements Instance<Uint8Array, MultivaluedAgreementMessage> {
  readonly #scope: AgreementScope;
  readonly #delivery: Delivery;
  readonly #parallel: number;
  readonly #candidates: Candidates;
  readonly #passes: readonly Pass[];
  /** What follows each pass but the last. */
  readonly #holdings: readonly Holdings[];
  #hasInput = false;
  #accepted: Accepted | undefined;
  #hasOutput = false;
  /** Who was heard of while a decided value is being fetched. */
  readonly #heard: Tally<true>;

  constructor(scope: AgreementScope, options: MultivaluedAgreementOptions) {
    const { order, first, delivery = "full", parallel = 1 } = options;
    this.#scope = scope;
    this.#delivery = delivery;
    this.#parallel = parallel;
    this.#heard = new Tally((set) => scope.group.isQuorum(set));
    this.#candidates = new Candidates(scope, {
      delivery,
      fault: (value) => options.fault(value),
      onDelivered: (party) => this.#onDelivered(party),
    });
    const numbers = Array.from({ length: passBound(scope.group) }, (_, index) => index + 1);
    const plan = { order, first, parallel };
    this.#passes = numbers.map((number) => this.#createPass(number, plan));
    this.#holdings = numbers.slice(1).map((next) => this.#createHoldings(next - 1));
  }

  #createPass(number: number, plan: { order: CandidateOrder; first: PartyId; parallel: number }): Pass {
    return new Pass(this.#scope, {
      number,
      plan,
      candidates: this.#candidates,
      say: (message) => this.#say(number, message),
      isHalted: () => this.#accepted !== undefined,
      // The binary agreements have forwarded their decisions, which is all of the proof where it needs no coin.
      onAccepted: (accepted) => this.#decide(accepted, accepted.shares.length > 0),
      onExhausted: () => this.#onExhausted(number),
    });
  }

  #createHoldings(number: number): Holdings {
    return new Holdings(this.#scope, {
      number,
      candidates: this.#candidates,
      onMerged: () => {
        if (this.#accepted === undefined) this.#passes[number]?.start();
      },
    });
  }

  #say(pass: number, message: PassMessage): void {
    this.#scope.broadcast(pass === 1 ? message : { kind: "later", pass, message });
  }

  input(value: Uint8Array): void {
    if (this.#hasInput || this.#accepted !== undefined) return;
    this.#hasInput = true;
    this.#candidates.propose(value);
    this.#startIfReady();
  }

  /** Box 20. */
  #startIfReady(): void {
    if (this.#hasInput && this.#candidates.areEnough && this.#accepted === undefined) this.#passes[0]?.start();
  }

  #onDelivered(party: PartyId): void {
    if (this.#accepted?.candidate === party) this.#finish(this.#accepted);
    if (this.#accepted === undefined) this.#passes[0]?.onHeld();
    this.#startIfReady();
    for (const holdings of this.#holdings) holdings.count();
  }

  receive(from: PartyId, message: MultivaluedAgreementMessage): void {
    if (this.#accepted !== undefined) this.#whileFetching(from);
    if (message.kind === "decided") return this.#onDecided(from, message);
    if (this.#accepted !== undefined) return;
    if (message.kind === "closing") this.#onClosing(from, message.candidate, message.closing);
    else if (message.kind === "holds") this.#onHolds(from, message.pass, message.parties);
    else if (message.kind === "later") this.#onLater(from, message.pass, message.message);
    else this.#passes[0]?.receive(from, message);
  }

  #onLater(from: PartyId, number: number, message: PassMessage): void {
    const pass = number === 1 ? undefined : this.#passes[number - 1];
    if (pass === undefined) this.#scope.accuse(from, "malformed-message");
    else pass.receive(from, message);
  }

  #onHolds(from: PartyId, number: number, parties: PartySet): void {
    const holdings = this.#holdings[number - 1];
    if (holdings === undefined) this.#scope.accuse(from, "malformed-message");
    else holdings.receive(from, parties);
  }

  #onClosing(from: PartyId, candidate: PartyId, closing: Uint8Array): void {
    if (this.#holdings.length === 0 || candidate >= this.#scope.group.n)
      return this.#scope.accuse(from, "malformed-message");
    if (!this.#candidates.accept(candidate, closing)) return this.#scope.accuse(from, "invalid-certificate");
    for (const holdings of this.#holdings) holdings.count();
  }

  #onExhausted(number: number): void {
    const holdings = this.#holdings[number - 1];
    // docs/protocols.md has the proof that this cannot be.
    if (holdings === undefined) throw new InvariantError(`pass ${number}, the last one, rejected every candidate`);
    holdings.begin();
  }

  /** Whether a proof is more than a decision message of binary agreement. */
  get #hasOwnProofs(): boolean {
    return this.#parallel > 1 || this.#delivery === "on-request";
  }

  #onDecided(from: PartyId, message: Decided): void {
    if (this.#hasOutput) return;
    const pass = this.#passes[message.pass - 1];
    if (!this.#hasOwnProofs || pass === undefined) return this.#scope.accuse(from, "malformed-message");
    const accepted = verifyDecided(this.#scope, pass, this.#candidates, message);
    if (accepted === undefined) this.#scope.accuse(from, "invalid-certificate");
    else if (this.#accepted === undefined) this.#decide(accepted, true);
    else if (this.#candidates.valueOf(accepted.candidate) !== undefined) this.#finish(accepted);
  }

  #decide(accepted: Accepted, isForwarded: boolean): void {
    this.#accepted = accepted;
    if (isForwarded) this.#forward(accepted);
    this.#finish(accepted);
  }

  #forward(accepted: Accepted): void {
    const closing = this.#candidates.closingOf(accepted.candidate) ?? accepted.decision.proof;
    this.#scope.broadcast(decidedMessage(accepted, closing));
  }

  /** The signers are asked first. Once a quorum has been heard of and none has answered, everybody is. */
  #whileFetching(from: PartyId): void {
    if (this.#accepted === undefined || this.#hasOutput) return;
    if (this.#heard.add(from, true)) this.#candidates.fetch(this.#accepted.candidate);
  }

  /** With the value, at once or when it has been fetched. */
  #finish(accepted: Accepted): void {
    if (this.#hasOutput) return;
    const { candidate, pass, tries } = accepted;
    const value = this.#candidates.valueOf(candidate);
    if (value === undefined) return this.#candidates.fetch(candidate);
    this.#hasOutput = true;
    const earlier = (pass - 1) * this.#scope.group.n;
    const proof = this.#hasOwnProofs
      ? decidedEnvelope(this.#scope, accepted, value.fullClosing)
      : plainProof(this.#scope, accepted);
    this.#scope.output({ value: value.message, candidate, pass, tries: earlier + tries, proof });
    if (this.#delivery === "on-request") this.#candidates.serveOnly();
  }
}
