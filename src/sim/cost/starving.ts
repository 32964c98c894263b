/**
 * The schedulers that make multi-valued agreement try as many candidates as they can (docs/cost.md explains why no other can
 * do better, or by how little). Each has chosen candidates of which it withholds the proposals, each from so many parties that
 * a quorum can vote no, and from no party more than it may lack when it votes.
 *
 * They see every message, and deliver everything in the end.
 */
import { encode } from "../../core/codec.js";
import { statement } from "../../core/engine.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { Tag } from "../../core/tag.js";
import { type BinaryAgreementMessage, binaryAgreementMessageCodec } from "../../protocols/binary-agreement/index.js";
import { PRE_VOTE, voteBody } from "../../protocols/binary-agreement/messages.js";
import { type CandidateOrder, multivaluedAgreementMessageCodec } from "../../protocols/multivalued-agreement/index.js";
import { permutation, rotation } from "../../protocols/multivalued-agreement/order.js";
import { mockSuite } from "../mock-suite.js";
import { CLUSTER, type Flight, type Network } from "../network.js";
import { Eavesdropper } from "./eavesdropper.js";
import { groupOf } from "./meter.js";
import type { Adversary } from "./schedule.js";

/** The agreement that is attacked. */
export interface Target {
  readonly n: number;
  /** The greatest t with n > 3t. */
  readonly faults: number;
  readonly order: CandidateOrder;
  readonly first: PartyId;
  /** Of the agreement's instance. */
  readonly tag: Tag;
  /** Of the suites, whose coin draws the order. */
  readonly seed: number;
}

/** By candidate: who shall not have its proposal. */
export type Starved = ReadonlyMap<PartyId, PartySet>;

/**
 * As many of `candidates`, from the first on, as can each be withheld from `times` of `parties` other than itself, so that no
 * party lacks more than `most` of them.
 */
export function starve(
  candidates: readonly PartyId[],
  parties: readonly PartyId[],
  times: number,
  most: number,
): Starved {
  const starved = new Map<PartyId, PartySet>();
  const lacks = new Map(parties.map((party) => [party, 0]));
  const lackedBy = (party: PartyId): number => lacks.get(party) ?? 0;
  for (const candidate of candidates) {
    const chosen = parties
      .filter((party) => party !== candidate && lackedBy(party) < most)
      .sort((one, other) => lackedBy(one) - lackedBy(other))
      .slice(0, times);
    if (chosen.length < times) break;
    for (const party of chosen) lacks.set(party, lackedBy(party) + 1);
    starved.set(candidate, PartySet.of(chosen));
  }
  return starved;
}

/** The candidates as the coin draws them, without one that was tried before. */
export function drawnOrder({ n, order, first, tag, seed }: Target): readonly PartyId[] {
  const suite = mockSuite(groupOf(n), 0, seed);
  const coin = suite.honestCoin.combine(statement(CLUSTER, tag, "order-coin", new Uint8Array(0)), new Map());
  const drawn = permutation(suite, n, coin);
  return order === "adaptive" ? drawn.filter((party) => party !== first) : drawn;
}

/** Those of `drawn` that come before anybody whom `isStarved` does not pick out. */
function leading(drawn: readonly PartyId[], isStarved: (party: PartyId) => boolean): readonly PartyId[] {
  const end = drawn.findIndex((party) => !isStarved(party));
  return end < 0 ? drawn : drawn.slice(0, end);
}

export interface Starver extends Adversary {
  readonly corrupted: readonly PartyId[];
  /** How many candidates it makes agreement try; in `random` and `adaptive` that depends on the coin. */
  readonly tries: number;
  /** What becomes of what the engine of a corrupted party says. */
  tamper(flight: Flight): readonly Flight["envelope"][];
  /** Has the corrupted parties say what they have to say. */
  begin(net: Pick<Network<never, never>, "suite" | "post">): void;
}

/**
 * Starves the first candidates of the fixed order, with t corrupted parties, the last ones, that run the protocol except that they say
 * no to starved candidates. Where a no must agree with a commit, these lack as many of the proposals as a commit may.
 */
export class FixedStarver implements Starver {
  readonly corrupted: readonly PartyId[];
  readonly starved: Starved;
  readonly #target: Target;
  readonly #honest: readonly PartyId[];
  /** To which of them the corrupted parties say no. */
  readonly #denied: readonly PartyId[];
  readonly #reader: Eavesdropper;

  constructor(target: Target) {
    const { n, faults, order, first, tag } = target;
    const parties = rotation(n, first);
    this.#target = target;
    this.#honest = parties.slice(0, n - faults);
    this.corrupted = parties.slice(n - faults);
    // n-2t honest parties and t corrupted ones are a quorum that says no.
    this.starved = starve(this.#honest, this.#honest, n - 2 * faults, faults);
    this.#denied = [...this.starved.keys()].slice(0, order === "fixed" ? undefined : faults);
    this.#reader = new Eavesdropper(tag);
  }

  get tries(): number {
    const { order } = this.#target;
    if (order === "fixed") return this.starved.size + 1;
    const before = order === "adaptive" ? 1 : 0;
    return before + leading(drawnOrder(this.#target), (party) => this.#denied.includes(party)).length + 1;
  }

  isLate(flight: Flight): boolean {
    const isCorrupted = this.corrupted.includes(flight.to);
    return this.#reader.reveals(flight, (candidate) =>
      isCorrupted ? this.#denied.includes(candidate) : this.starved.get(candidate)?.has(flight.to) === true,
    );
  }

  /** Of votes nothing; proposals and commits go on. */
  tamper({ from, envelope }: Flight): readonly Flight["envelope"][] {
    const { kind } = this.#reader.subject(envelope.tag);
    return this.corrupted.includes(from) && (kind === "votes" || kind === "aba/1") ? [] : [envelope];
  }

  /** All votes at once: they are kept until they matter. */
  begin(net: Pick<Network<never, never>, "suite" | "post">): void {
    for (const candidate of this.#denied) for (const from of this.corrupted) this.#deny(net, from, candidate);
  }

  #deny(net: Pick<Network<never, never>, "suite" | "post">, from: PartyId, candidate: PartyId): void {
    const { tag } = this.#target;
    const below = `${tag}/aba/1/${candidate}`;
    const signed = statement(CLUSTER, below, PRE_VOTE, voteBody(1, 0));
    const share = net.suite(from).quorumCertifier.share(signed);
    const reason = { kind: "proof", proof: new Uint8Array(0) } as const;
    const preVote: BinaryAgreementMessage = { kind: "preVote", round: 1, vote: { value: 0, reason, share } };
    const no = { tag, body: encode(multivaluedAgreementMessageCodec, { kind: "no", candidate }) };
    const zero = { tag: below, body: encode(binaryAgreementMessageCodec, preVote) };
    for (const to of this.#honest) {
      net.post(from, to, no);
      net.post(from, to, zero);
    }
  }
}

/**
 * Looks into the coin before t slow parties have committed, and corrupts nobody. Of the n-t quick parties n-2t lack each starved
 * candidate, and say so in their commits. Once shares that make the coin are in flight, the slow ones get the proposals of all but
 * the starved candidates that come first, at most t; so they too commit without these, and a quorum says no. In `adaptive`
 * the quick ones also lack the first candidate, which is slow, and reject it. For the orders that toss a coin.
 */
export class CoinStarver implements Starver {
  readonly corrupted: readonly PartyId[] = [];
  readonly starved: Starved;
  readonly #target: Target;
  readonly #slow: PartySet;
  readonly #reader: Eavesdropper;
  readonly #tossed = new PartySet();
  /** What the slow ones shall lack, once the coin is known. */
  #doomed: readonly PartyId[] | undefined;

  constructor(target: Target) {
    const { n, faults, order, first, tag } = target;
    const parties = rotation(n, first);
    const quick = parties.slice(faults);
    this.#target = target;
    this.#slow = PartySet.of(parties.slice(0, faults));
    this.starved = starve(quick, quick, n - 2 * faults, order === "adaptive" ? faults - 1 : faults);
    this.#reader = new Eavesdropper(tag);
  }

  get tries(): number {
    return (this.#target.order === "adaptive" ? 1 : 0) + this.#firstStarved().length + 1;
  }

  /** The starved candidates that the coin puts before all others, as many as a party may lack. */
  #firstStarved(): readonly PartyId[] {
    const { faults } = this.#target;
    return leading(drawnOrder(this.#target), (party) => this.starved.has(party)).slice(0, faults);
  }

  /** The coin is known by the shares of t+1 parties. */
  onSent(flight: Flight): boolean {
    if (this.#doomed !== undefined || this.#tossed.has(flight.from) || !this.#reader.isCoinShare(flight)) return false;
    this.#tossed.add(flight.from);
    if (this.#tossed.size <= this.#target.faults) return false;
    this.#doomed = this.#firstStarved();
    return true;
  }

  isLate(flight: Flight): boolean {
    return this.#reader.reveals(flight, (candidate) => this.#isWithheld(candidate, flight.to));
  }

  #isWithheld(candidate: PartyId, from: PartyId): boolean {
    const { order, first } = this.#target;
    if (this.#slow.has(from)) return this.#doomed?.includes(candidate) ?? true;
    return (order === "adaptive" && candidate === first) || this.starved.get(candidate)?.has(from) === true;
  }

  tamper({ envelope }: Flight): readonly Flight["envelope"][] {
    return [envelope];
  }

  begin(): void {
    // Nobody is corrupted.
  }
}
