/**
 * Multi-valued validated Byzantine agreement (MVBA).
 *
 * Source: the source, Figs. 2, 3a and 3b; CRYPTO 2001, section 4; docs/protocols.md section 2.
 *
 * Properties, for the external predicate `fault(value) === undefined`:
 *   external validity  every decided value satisfies the predicate;
 *   agreement          no two honest parties decide differently;
 *   termination        if all honest parties propose, all decide. Expected tries with thresholds: < 3 in `random`.
 *
 * Children: `proposal/j` and (random) `commit/j` are consistent broadcasts of party j; `aba/1/a` decides on
 * candidate a. All of them live from the start, so that a party that has no proposal yet signs others'
 * proposals and halts on others' decisions.
 *
 * Messages and steps (boxes of Figs. 2, 3a, 3b):
 *   proposal/j            box 10   VCBC of the own value, on input
 *   commit/j              box 32   random: VCBC of the set of delivered proposals, once `isQuorum`
 *   coin(share)           box 36   random: all → all, after `isQuorum` commits and the own; `hasHonest` shares give Π
 *   yes(a, closing)       box 40   all → all, for the next candidate a in Π: its proposal was delivered here
 *   no(a)                 box 40   all → all, otherwise
 *   counting              box 50   `isQuorum` valid votes; random: no(a) counts only if the voter's commit does not name a
 *   aba/1/a               box 70   input 1 with a's closing if a is delivered by then, else 0; 1 decides, 0: next a
 *
 * The decision is transferable: the decision message of `aba/1/a` with value 1 carries a's closing as its proof.
 * Whoever receives it, in any step, decides, forwards it and halts.
 *
 * Deviations: tags carry the pass (1), as docs/protocols.md asks; only thresholds are accepted so far, for which one
 * pass suffices (asserted), so no second pass is started.
 *
 * Limits: values up to MAX_MESSAGE_BYTES; one vote per party and candidate is kept.
 */
import { equalBytes } from "../../core/bytes.js";
import { type Value, atMost, bytes, decode, encode, struct, u8, union } from "../../core/codec.js";
import type { Envelope } from "../../core/envelope.js";
import type { Fault } from "../../core/fault.js";
import { MAX_PARTIES, type PartyId, type PartySet, partySetCodec } from "../../core/party-set.js";
import { type Child, type Instance, InvariantError, type Protocol, type Scope } from "../../core/protocol.js";
import { MAX_COIN_SHARE_BYTES } from "../../core/suite.js";
import { Tally } from "../../core/tally.js";
import { type BinaryDecision, type BinaryInput, type Bit, binaryAgreement } from "../binary-agreement/index.js";
import {
  type ConsistentBroadcastInput,
  type Delivered,
  closingBytesCodec,
  consistentBroadcast,
  verifyClosing,
} from "../consistent-broadcast/index.js";
import { permutation, rotation } from "./order.js";

export interface MultivaluedAgreementOptions {
  /** `fixed`: from party `first` on, around the circle. `random`: commits, then a coin. */
  readonly order: "fixed" | "random";
  readonly first: PartyId;
  /** The external predicate Q: what is wrong with a value, or undefined. Pure. */
  fault(value: Uint8Array): Fault | undefined;
}

export interface MultivaluedDecision {
  readonly value: Uint8Array;
  readonly candidate: PartyId;
  /** How many candidates were tried, this one included. */
  readonly tries: number;
  /** The transferable proof: any other party decides on receiving it. */
  readonly proof: Envelope;
}

const candidateCodec = atMost(u8, MAX_PARTIES - 1);

export const multivaluedAgreementMessageCodec = union({
  yes: struct({ candidate: candidateCodec, closing: closingBytesCodec }),
  no: struct({ candidate: candidateCodec }),
  coin: struct({ share: bytes(MAX_COIN_SHARE_BYTES) }),
});

export type MultivaluedAgreementMessage = Value<typeof multivaluedAgreementMessageCodec>;

export function multivaluedAgreement(
  options: MultivaluedAgreementOptions,
): Protocol<Uint8Array, MultivaluedAgreementMessage, MultivaluedDecision> {
  return { message: multivaluedAgreementMessageCodec, start: (scope) => new MultivaluedAgreement(scope, options) };
}

const COIN = "order-coin";
const NO_PROOF = new Uint8Array(0);

/** What is known of one candidate. */
class Candidate {
  readonly proposal: Child<ConsistentBroadcastInput>;
  readonly agreement: Child<BinaryInput>;
  /** Each party's first vote; true is Y. */
  readonly received = new Map<PartyId, boolean>();
  readonly valid: Tally<boolean>;
  delivered: Delivered | undefined;
  decided: BinaryDecision | undefined;

  constructor(proposal: Child<ConsistentBroadcastInput>, agreement: Child<BinaryInput>, valid: Tally<boolean>) {
    this.proposal = proposal;
    this.agreement = agreement;
    this.valid = valid;
  }
}

class MultivaluedAgreement implements Instance<Uint8Array, MultivaluedAgreementMessage> {
  readonly #scope: Scope<MultivaluedAgreementMessage, MultivaluedDecision>;
  readonly #options: MultivaluedAgreementOptions;
  readonly #candidates: readonly Candidate[];
  readonly #commits: readonly Child<ConsistentBroadcastInput>[];
  /** The parties whose proposals were delivered here. */
  readonly #proposals: Tally<true>;
  readonly #committed: Tally<PartySet>;
  readonly #coinShares: Tally<Uint8Array>;
  readonly #receivedCoinShares = new Map<PartyId, Uint8Array>();
  #order: readonly PartyId[] | undefined;
  /** Index in the order of the candidate being voted on. */
  #position = 0;
  #hasInput = false;
  #hasCommitted = false;
  #hasTossed = false;
  #halted = false;

  constructor(scope: Scope<MultivaluedAgreementMessage, MultivaluedDecision>, options: MultivaluedAgreementOptions) {
    const { group } = scope;
    const isQuorum = (set: PartySet): boolean => group.isQuorum(set);
    this.#scope = scope;
    this.#options = options;
    this.#proposals = new Tally(isQuorum);
    this.#committed = new Tally(isQuorum);
    this.#coinShares = new Tally((set) => group.hasHonest(set));
    this.#candidates = group.parties.map((party) => this.#spawnCandidate(party));
    this.#commits = options.order === "random" ? group.parties.map((party) => this.#spawnCommit(party)) : [];
  }

  #spawnCandidate(party: PartyId): Candidate {
    const broadcast = consistentBroadcast({ sender: party, fault: (value) => this.#options.fault(value) });
    const proposal = this.#scope.spawn(`proposal/${party}`, broadcast, (delivered) =>
      this.#onProposal(party, delivered),
    );
    const predicate = (value: Bit, proof: Uint8Array): boolean =>
      value === 1 ? this.#acceptClosing(party, proof) : proof.length === 0;
    const agreement = this.#scope.spawn(`aba/1/${party}`, binaryAgreement({ predicate }), (decision) =>
      this.#onBinaryDecision(party, decision),
    );
    return new Candidate(proposal, agreement, new Tally((set) => this.#scope.group.isQuorum(set)));
  }

  #spawnCommit(party: PartyId): Child<ConsistentBroadcastInput> {
    const fault = (value: Uint8Array): Fault | undefined => {
      const named = decode(partySetCodec, value);
      const isValid = named.ok && this.#isWithinGroup(named.value) && this.#scope.group.isQuorum(named.value);
      return isValid ? undefined : "invalid-commit";
    };
    return this.#scope.spawn(`commit/${party}`, consistentBroadcast({ sender: party, fault }), (delivered) =>
      this.#onCommit(party, delivered.message),
    );
  }

  #isWithinGroup(set: PartySet): boolean {
    return [...set].every((party) => party < this.#scope.group.n);
  }

  input(value: Uint8Array): void {
    if (this.#hasInput || this.#halted) return;
    this.#hasInput = true;
    this.#candidate(this.#scope.self).proposal.input({ kind: "broadcast", message: value });
    this.#afterProposals();
  }

  receive(from: PartyId, message: MultivaluedAgreementMessage): void {
    if (this.#halted) return;
    if (message.kind === "coin") return this.#onCoinShare(from, message.share);
    if (message.candidate >= this.#scope.group.n) return this.#scope.accuse(from, "malformed-message");
    const candidate = this.#candidate(message.candidate);
    const yes = message.kind === "yes";
    const first = candidate.received.get(from);
    if (first !== undefined) {
      if (first !== yes) this.#scope.accuse(from, "double-vote");
      return;
    }
    if (message.kind === "yes" && !this.#acceptClosing(message.candidate, message.closing)) {
      return this.#scope.accuse(from, "invalid-certificate");
    }
    candidate.received.set(from, yes);
    this.#countVotes();
  }

  #candidate(party: PartyId): Candidate {
    const candidate = this.#candidates[party];
    if (candidate === undefined) throw new InvariantError(`no candidate ${party}`);
    return candidate;
  }

  /** R(1, ρ) for candidate `party`; a valid closing also delivers the proposal here. */
  #acceptClosing(party: PartyId, closing: Uint8Array): boolean {
    const candidate = this.#candidate(party);
    if (candidate.delivered !== undefined && equalBytes(candidate.delivered.closing, closing)) return true;
    const verified = verifyClosing(this.#scope, closing, `proposal/${party}`);
    if (verified === undefined) return false;
    this.#deliver(party, { message: verified.message, closing });
    return true;
  }

  #onProposal(party: PartyId, delivered: Delivered): void {
    this.#deliver(party, delivered);
    this.#afterProposals();
    this.#countVotes();
  }

  #deliver(party: PartyId, delivered: Delivered): void {
    const candidate = this.#candidate(party);
    candidate.delivered ??= delivered;
    this.#proposals.add(party, true);
  }

  /** Box 20 passed: commit or start the loop. */
  #afterProposals(): void {
    if (!this.#hasInput || !this.#proposals.complete || this.#halted) return;
    if (this.#options.order === "random") this.#commit();
    else this.#startLoop(rotation(this.#scope.group.n, this.#options.first));
  }

  #commit(): void {
    if (this.#hasCommitted) return;
    this.#hasCommitted = true;
    // The set as it is now; proposals that come later may still get a Y-vote, which always counts.
    const message = encode(partySetCodec, this.#proposals.parties);
    this.#commits[this.#scope.self]?.input({ kind: "broadcast", message });
    this.#releaseCoin();
  }

  #onCommit(party: PartyId, message: Uint8Array): void {
    const named = decode(partySetCodec, message);
    // A certificate has an honest witness, who checked the set.
    if (!named.ok) throw new InvariantError(`certified commit of party ${party} does not decode`);
    if (this.#committed.add(party, named.value)) this.#releaseCoin();
    this.#countVotes();
  }

  #coinName(): Uint8Array {
    return this.#scope.statement(COIN, NO_PROOF);
  }

  /**
   * Only after a quorum of commits is fixed may anybody learn Π; and only who has committed goes on, since a commit made
   * after the first vote might contradict it.
   */
  #releaseCoin(): void {
    if (!this.#committed.complete || !this.#hasCommitted || this.#halted) return;
    this.#hasTossed = true;
    this.#scope.broadcast({ kind: "coin", share: this.#scope.suite.honestCoin.share(this.#coinName()) });
    this.#countCoinShares();
  }

  #onCoinShare(from: PartyId, share: Uint8Array): void {
    if (this.#options.order !== "random") return this.#scope.accuse(from, "malformed-message");
    const first = this.#receivedCoinShares.get(from);
    if (first !== undefined) {
      if (!equalBytes(first, share)) this.#scope.accuse(from, "equivocation");
      return;
    }
    this.#receivedCoinShares.set(from, share);
    this.#countCoinShares();
  }

  #countCoinShares(): void {
    if (!this.#hasTossed || this.#order !== undefined) return;
    const { honestCoin } = this.#scope.suite;
    const name = this.#coinName();
    for (const [party, share] of this.#receivedCoinShares) {
      if (this.#coinShares.has(party)) continue;
      if (!honestCoin.verifyShare(party, name, share)) {
        this.#receivedCoinShares.delete(party);
        this.#scope.accuse(party, "invalid-share");
      } else if (this.#coinShares.add(party, share)) {
        const seed = honestCoin.combine(name, this.#coinShares.items);
        return this.#startLoop(permutation(this.#scope.suite, this.#scope.group.n, seed));
      }
    }
  }

  #startLoop(order: readonly PartyId[]): void {
    if (this.#order !== undefined) return;
    this.#order = order;
    this.#vote();
  }

  #current(): { readonly party: PartyId; readonly candidate: Candidate } | undefined {
    const party = this.#order?.[this.#position];
    return party === undefined ? undefined : { party, candidate: this.#candidate(party) };
  }

  /** Box 40 for the candidate at the current position, past those that others' decisions have rejected. */
  #vote(): void {
    for (let current = this.#current(); current?.candidate.decided?.value === 0; current = this.#current())
      this.#position++;
    const current = this.#current();
    // By counting, some candidate's proposal is held by so many that it cannot be rejected (docs/protocols.md).
    if (current === undefined) throw new InvariantError("a pass rejected every candidate");
    const { party, candidate } = current;
    const closing = candidate.delivered?.closing;
    if (closing === undefined) this.#scope.broadcast({ kind: "no", candidate: party });
    else this.#scope.broadcast({ kind: "yes", candidate: party, closing });
    this.#countVotes();
  }

  /** Boxes 50 to 70 for the current candidate. */
  #countVotes(): void {
    const current = this.#current();
    if (current === undefined || this.#halted || current.candidate.valid.complete) return;
    const { party, candidate } = current;
    for (const [voter, yes] of candidate.received) {
      if (candidate.valid.has(voter) || !this.#isValidVote(voter, party, yes)) continue;
      if (candidate.valid.add(voter, yes)) {
        const proof = candidate.delivered?.closing;
        candidate.agreement.input(proof === undefined ? { value: 0, proof: NO_PROOF } : { value: 1, proof });
        return;
      }
    }
  }

  /** Box 60, Fig. 3b: an N-vote must agree with the voter's commit, which must be here. */
  #isValidVote(voter: PartyId, party: PartyId, yes: boolean): boolean {
    if (yes || this.#options.order === "fixed") return true;
    const commit = this.#committed.items.get(voter);
    if (commit === undefined) return false;
    if (!commit.has(party)) return true;
    this.#candidate(party).received.delete(voter);
    this.#scope.accuse(voter, "vote-contradicts-commit");
    return false;
  }

  #onBinaryDecision(party: PartyId, decision: BinaryDecision): void {
    const candidate = this.#candidate(party);
    candidate.decided = decision;
    if (this.#halted) return;
    if (decision.value === 1) this.#decide(party, candidate, decision);
    else if (this.#current()?.party === party) this.#vote();
  }

  #decide(party: PartyId, candidate: Candidate, decision: BinaryDecision): void {
    // The predicate of the binary agreement delivered the proposal when it accepted the proof.
    if (candidate.delivered === undefined) throw new InvariantError(`decided candidate ${party} without its proposal`);
    this.#halted = true;
    this.#scope.output({
      value: candidate.delivered.message,
      candidate: party,
      tries: this.#position + 1,
      proof: { tag: `${this.#scope.tag}/aba/1/${party}`, body: decision.message },
    });
  }
}
