/**
 * The adaptive coin adversary of binary agreement: a scheduler that sees everything, with t corrupted parties, that keeps the
 * decision away for as long as it can. docs/adaptive-coin.md has the game and why nobody plays it better.
 *
 * Of the n-t honest parties t are *slow*: they stand one round behind the others, with a quorum still open, so that each can be led to
 * pre-vote 0 as well as 1. The other n-2t are *fast*: together with the corrupted ones they are a quorum and toss
 * the coin. When the fast parties disagree, the slow ones and the corrupted ones can make a certificate of pre-votes for
 * either value, also after the coin of the round is known.
 */
import type { PartyId } from "../core/party-set.js";
import { InvariantError } from "../core/protocol.js";
import { type Bit, binaryAgreement } from "../protocols/binary-agreement/index.js";
import { ABSTAIN } from "../protocols/binary-agreement/messages.js";
import { Violation } from "./checkers.js";
import { FullInformation } from "./full-information.js";
import { type Kappa, withKappa } from "./kappa.js";
import { mockSuite } from "./mock-suite.js";
import type { Accusation } from "./network.js";
import { ProtocolNetwork } from "./protocol-network.js";
import { Random, checkSeed } from "./random.js";

/**
 * What the adversary hopes that the parties do: `open-quorum`, that shares of the coin leave before quorums of main-votes are fixed;
 * `re-evaluation`, that main-votes still count at a party that has tossed, as long as it lacks the coin.
 */
export type AdaptiveCoinStrategy = "open-quorum" | "re-evaluation";

export interface AdaptiveCoinOptions {
  readonly seed: number;
  /** From 4 on; t = ⌊(n-1)/3⌋ parties are corrupted. With n > 4t, that is n = 5, 6 or 9, one round never has both values open. */
  readonly n?: number;
  /** How many shares make the coin: κ. */
  readonly kappa: Kappa;
  readonly strategy?: AdaptiveCoinStrategy;
  /** The adversary plays no further than this round. */
  readonly maxRounds?: number;
}

export interface AdaptiveCoinReport {
  /** Whether all honest parties have decided; else none has, and the adversary could go on. */
  readonly decided: boolean;
  /** The greatest round in which a party decided, or `maxRounds`. */
  readonly rounds: number;
  readonly value: Bit | undefined;
  /** How often the adversary did what. */
  readonly actions: Readonly<Record<string, number>>;
  readonly traceSha256: string;
}

const BITS: readonly Bit[] = [0, 1];
/** R: each value has its own ρ. */
const PROOFS: Readonly<Record<Bit, Uint8Array>> = { 0: Uint8Array.of(0), 1: Uint8Array.of(1) };

/**
 * One agreement under this adversary. The seed gives the roles, the coins and the order in which messages arrive when the adversary has
 * lost; equal options give equal reports.
 * @throws RangeError for an n below 4. @throws Violation when honest parties
 *   decide differently or twice, accuse an honest one, or do not decide although all has arrived.
 */
export function runAdaptiveCoin(options: AdaptiveCoinOptions): AdaptiveCoinReport {
  const { seed, n = 4, kappa, strategy = "open-quorum", maxRounds = 200 } = options;
  checkSeed(seed);
  const t = Math.floor((n - 1) / 3);
  if (t === 0) throw new RangeError(`of n=${n} parties none may be corrupted`);
  const parties = shuffled(n, new Random(seed));
  const corrupted = parties.slice(0, t);
  const slow = parties.slice(t, 2 * t);
  const fast = parties.slice(2 * t);

  const predicate = (value: Bit, proof: Uint8Array): boolean => proof.length === 1 && proof[0] === value;
  const net = new ProtocolNetwork(
    {
      n,
      seed,
      scripted: corrupted,
      keepsHistory: false,
      suiteOf: (group, party) => withKappa(kappa, mockSuite(group, party, seed)),
    },
    binaryAgreement({ predicate }),
  );
  // The first coin shows 1: whoever follows it contradicts the fast parties.
  for (const party of fast) net.input(party, { value: 0, proof: PROOFS[0] });
  for (const party of slow) net.input(party, { value: 1, proof: PROOFS[1] });

  const view = new FullInformation({ net, corrupted, proofs: PROOFS });
  const adversary = new AdaptiveCoin(view, { n, strategy, fast, slow });
  let played = 0;
  while (played < maxRounds && adversary.play(played + 1)) played++;
  const decided = played < maxRounds;
  if (decided) view.letGo();
  const decisions = net.running.flatMap((by) => net.outputsOf(by).map(({ value, round }) => ({ by, value, round })));
  check(decisions, decided ? net.running : []);
  checkAccusations(net.accusations, corrupted);
  return {
    decided,
    rounds: decided ? Math.max(...decisions.map((decision) => decision.round)) : maxRounds,
    value: decisions[0]?.value,
    actions: adversary.actions,
    traceSha256: view.traceSha256(),
  };
}

function shuffled(n: number, random: Random): readonly PartyId[] {
  const rest = Array.from({ length: n }, (_, party) => party);
  return Array.from({ length: n }, () => rest.splice(random.below(rest.length), 1)).flat();
}

/** @throws Violation unless each of `expected` has decided once, and all the same. */
function check(
  decisions: readonly { readonly by: PartyId; readonly value: Bit }[],
  expected: readonly PartyId[],
): void {
  if (new Set(decisions.map(({ value }) => value)).size > 1)
    throw new Violation("agreement", decisions.map(({ by, value }) => `party ${by} decided ${value}`).join(", "));
  const deciders = decisions.map(({ by }) => by).join();
  if (deciders !== expected.join())
    throw new Violation("termination", `decisions of parties [${deciders}] where [${expected.join()}] were expected`);
}

function checkAccusations(accusations: readonly Accusation[], corrupted: readonly PartyId[]): void {
  const wrong = accusations.find(({ party }) => !corrupted.includes(party));
  if (wrong !== undefined)
    throw new Violation("no honest party is accused", `${wrong.by} accused ${wrong.party} of ${wrong.fault}`);
}

interface Roles {
  readonly n: number;
  readonly strategy: AdaptiveCoinStrategy;
  readonly fast: readonly PartyId[];
  readonly slow: readonly PartyId[];
}

class AdaptiveCoin {
  readonly #view: FullInformation;
  readonly #strategy: AdaptiveCoinStrategy;
  #fast: readonly PartyId[];
  #slow: readonly PartyId[];
  /** n-3t: so many fast parties are a quorum together with the slow and the corrupted ones. */
  readonly #fewest: number;
  readonly #counts = new Map<string, number>();

  constructor(view: FullInformation, { n, strategy, fast, slow }: Roles) {
    this.#view = view;
    this.#strategy = strategy;
    this.#fast = fast;
    this.#slow = slow;
    this.#fewest = n - 3 * slow.length;
  }

  get actions(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
  }

  #count(action: string): void {
    this.#counts.set(action, (this.#counts.get(action) ?? 0) + 1);
  }

  /**
   * Brings the fast parties, who have pre-voted in `round`, into the next. False when all have the same value and no vote for the
   * other can be justified any more: the coin has shown it, the adversary has lost, and all decide it in `round`.
   */
  play(round: number): boolean {
    if (!this.#canMakeAbstain(round)) return false;
    this.#view.deliverOlderThan(round - 1);
    this.#makeAbstain(this.#fast, round);

    const [value, ...more] = BITS.filter((bit) => this.#supporters(round, bit).length >= this.#fewest);
    const isSplit = more.length > 0;
    this.#count(isSplit ? "rounds with either value open" : "rounds with one value open");
    if (value !== undefined && !isSplit && !this.#view.canMainVote(round, value)) this.#lead(round, value);
    for (const [index, party] of this.#fast.entries()) {
      // The first will follow the coin, so that the next round has pre-votes for what it shows.
      if (index < this.#fewest) this.#freeze(party, round, undefined);
      else this.#freeze(party, round, isSplit ? this.#againstCoin(round) : value);
    }

    const coin = this.#view.coin(round);
    if (coin === undefined)
      throw new InvariantError(`all fast parties have tossed, but the coin of round ${round} is not known`);
    this.#lead(round, opposite(coin));
    if (isSplit && this.#strategy === "re-evaluation") this.#changeRoles(round, opposite(coin));
    else this.#makeAbstain(this.#slow, round);
    for (const party of this.#fast) this.#giveCoin(party, round);
    return true;
  }

  #preVoteOf(party: PartyId, round: number): Bit {
    const value = this.#view.preVoteOf(party, round);
    if (value === undefined) throw new InvariantError(`party ${party} has not come to round ${round}`);
    return value;
  }

  /** The fast parties that pre-voted so. */
  #supporters(round: number, value: Bit): readonly PartyId[] {
    return this.#fast.filter((party) => this.#preVoteOf(party, round) === value);
  }

  #canMakeAbstain(round: number): boolean {
    return this.#fast.every((party) => this.#view.canPreVote(round, opposite(this.#preVoteOf(party, round))));
  }

  /** Each of `parties` sees a pre-vote against its own. */
  #makeAbstain(parties: readonly PartyId[], round: number): void {
    for (const party of parties) {
      this.#view.preVote(party, round, opposite(this.#preVoteOf(party, round)));
      this.#view.deliver(party, this.#fast, { kind: "preVote", round });
    }
  }

  /** Completes a fast party's quorum of main-votes: some are for `named`, or all abstain and it will follow the coin. */
  #freeze(party: PartyId, round: number, named: Bit | undefined): void {
    this.#view.mainVote(party, round, named ?? ABSTAIN);
    this.#view.deliver(party, this.#fast, { kind: "mainVote", round });
  }

  /** The value that the coin does not show, once that is known, if a main-vote for it can be had. */
  #againstCoin(round: number): Bit | undefined {
    const coin = this.#view.coin(round);
    if (coin === undefined) return undefined;
    this.#lead(round, opposite(coin));
    return this.#view.canMainVote(round, opposite(coin)) ? opposite(coin) : undefined;
  }

  /** Ends the round before for those slow parties that are still in it, so that they pre-vote `value` in `round`. */
  #lead(round: number, value: Bit): void {
    const ended = round - 1;
    for (const party of this.#slow) {
      if (this.#view.preVoteOf(party, round) !== undefined) continue;
      // The first main-votes count: some for the value, if there can be any; after abstentions it will be the last coin.
      this.#view.deliver(party, this.#everyone, { kind: "mainVote", round: ended, value });
      this.#view.mainVote(party, ended, value);
      this.#view.deliver(party, this.#everyone, { kind: "mainVote", round: ended, value: ABSTAIN });
      this.#view.mainVote(party, ended, ABSTAIN);
      this.#giveCoin(party, ended);
      this.#count("slow parties led");
    }
  }

  #giveCoin(party: PartyId, round: number): void {
    if (round === 1) return;
    this.#view.giveCoin(party, round);
    this.#view.deliver(party, this.#everyone, { kind: "coin", round });
  }

  /**
   * All fast parties have tossed, but may still change their minds. The slow ones main-vote against the coin and become fast; as many of the
   * fast ones become slow: they do not get the coin, and a main-vote for its opposite only if that will be wanted.
   */
  #changeRoles(round: number, against: Bit): void {
    const supporters = [...this.#supporters(round, against), ...this.#slow];
    for (const party of this.#slow) {
      this.#view.preVote(party, round, against);
      this.#view.deliver(party, supporters, { kind: "preVote", round });
    }
    for (const party of this.#slow) this.#freeze(party, round, undefined);
    const followers = this.#fast.slice(0, this.#fewest);
    const waiting = this.#fast.slice(this.#fewest);
    this.#fast = [...followers, ...this.#slow];
    this.#slow = waiting;
  }

  get #everyone(): readonly PartyId[] {
    return [...this.#fast, ...this.#slow];
  }
}

function opposite(bit: Bit): Bit {
  return bit === 0 ? 1 : 0;
}
