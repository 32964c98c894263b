/**
 * Binary agreement, explored: three honest parties that run the production code, a corrupted one with a repertoire, and a network that
 * delivers anything at any time. docs/exploration.md says why the steps below are all that matter.
 *
 * A global state is, for each honest party, its local state and what it has said. All of that is on its way to everybody, so no
 * more need be said of the network. A step gives one party the messages that make it act, and takes what it then says.
 */
import { toHex } from "../../core/bytes.js";
import { type Group, thresholdGroup } from "../../core/group.js";
import { PartySet } from "../../core/party-set.js";
import { type Bit, COIN, coinBody } from "../../protocols/binary-agreement/messages.js";
import { decisions, isMainVote, canCertify, type Heard } from "./abba-byzantine.js";
import { BYZANTINE, type Said, nameOf } from "./abba-messages.js";
import { AbbaParty, type Delivery, type Local, type Outcome } from "./abba-party.js";
import { type Move, movesOf } from "./abba-moves.js";
import { statementOf } from "./party.js";
import type { Model, Step } from "./search.js";
import { exploredSuite } from "./suite.js";

const BITS: readonly Bit[] = [0, 1];
const MAX_KEPT_MOVES = 20_000;

export interface AbbaOptions {
  /** The inputs of the honest parties. */
  readonly inputs: readonly [Bit, Bit, Bit];
  /** The greatest round that is explored: who enters the next one does no more than to take decisions. */
  readonly rounds: number;
  /** What the coins of rounds 2, 3, … show. */
  readonly coins: readonly Bit[];
  /** For which values the corrupted party has a ρ from the start; it learns those of honest parties. */
  readonly proofs: readonly Bit[];
}

/** All inputs up to the order of parties, and all coins that a run of so many rounds can depend on. */
export function abbaCases(rounds: number): readonly { readonly name: string; readonly options: AbbaOptions }[] {
  const inputs = [
    [0, 0, 0],
    [0, 0, 1],
    [0, 1, 1],
    [1, 1, 1],
  ] as const;
  // The coin of the last round decides what is said in the next one only.
  const coins = Array.from({ length: 2 ** Math.max(0, rounds - 2) }, (_, bits) =>
    Array.from({ length: Math.max(0, rounds - 2) }, (_, index): Bit => (((bits >> index) & 1) === 1 ? 1 : 0)),
  );
  return inputs.flatMap((input) =>
    coins.map((values) => ({
      name: `rounds ${rounds}, inputs ${input.join("")}${values.length === 0 ? "" : `, coins ${values.join("")}`}`,
      options: { inputs: input, rounds, coins: values, proofs: BITS },
    })),
  );
}

/** An honest party, with what it has said that can still matter. */
interface Honest {
  readonly local: Local;
  /** Before the input is given. */
  readonly input: Bit | undefined;
  readonly said: readonly Said[];
  readonly decided: Bit | undefined;
  readonly key: string;
}

export interface AbbaState {
  readonly honest: readonly Honest[];
  /** For which values a decision has been certifiable, in whatever round. */
  readonly certified: readonly Bit[];
}

export class AbbaModel implements Model<AbbaState> {
  readonly start: AbbaState;
  readonly party: AbbaParty;
  readonly #options: AbbaOptions;
  readonly #group: Group;
  readonly #moves = new Map<string, readonly Move[]>();

  constructor(options: AbbaOptions) {
    this.#options = options;
    this.#group = thresholdGroup({ n: BYZANTINE + 1, byzantine: 1 });
    const coins = new Map(options.coins.map((value, index) => [coinKey(index + 2), value]));
    const suites = this.#group.parties.map((self) =>
      exploredSuite(this.#group, self, (name) => new Uint8Array(32).fill(coins.get(toHex(name)) ?? 0)),
    );
    this.party = new AbbaParty(this.#group, suites);
    const honest = options.inputs.map((input) =>
      honestOf({ local: this.party.start, input, said: [], decided: undefined }),
    );
    this.start = this.#normal({ honest, certified: [] });
  }

  get localStates(): number {
    return this.party.size;
  }

  key({ honest, certified }: AbbaState): string {
    return `${honest.map(({ key }) => key).join("#")}#${certified.join("")}`;
  }

  steps(state: AbbaState): readonly Step<AbbaState>[] {
    const steps: Step<AbbaState>[] = [];
    for (const [index, honest] of state.honest.entries()) {
      // Parties in the same state do the same.
      if (index > 0 && state.honest[index - 1]?.key === honest.key) continue;
      for (const move of this.#movesOf(state, index)) steps.push(this.#step(state, index, move));
    }
    return steps;
  }

  #movesOf(state: AbbaState, index: number): readonly Move[] {
    const mover = state.honest[index];
    if (mover === undefined || mover.local.at === "halted") return [];
    // What matters to the mover, and no more: so that it is worked out once.
    const view = state.honest
      .map(({ decided, said }) => relevant(decided, said, mover.local.round - 1))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const own = relevant(mover.decided, mover.said, mover.local.round - 1);
    view.splice(
      view.findIndex(({ key }) => key === own.key),
      1,
    );
    const key = [
      mover.local.id,
      mover.input,
      own.key,
      ...view.map((other) => other.key),
      state.certified.join(""),
    ].join("#");
    let moves = this.#moves.get(key);
    if (moves === undefined) {
      const { local, input } = mover;
      const { rounds } = this.#options;
      const heard = this.#heard([own, ...view]);
      moves = movesOf(this.party, { local, input, heard, rounds, decisions: this.#decisions(state, view) });
      // They can be found again; all of them at once would take gigabytes.
      if (this.#moves.size >= MAX_KEPT_MOVES) this.#moves.clear();
      this.#moves.set(key, moves);
    }
    return moves;
  }

  #heard(honest: readonly Pick<Honest, "said">[]): Heard {
    return { histories: honest.map(({ said }) => said), group: this.#group, proofs: this.#options.proofs };
  }

  /** By sender, as the mover numbers them. */
  #decisions({ certified }: AbbaState, others: readonly Relevant[]): readonly Delivery[] {
    const ofOthers = others.flatMap(({ decided }, index) =>
      decided === undefined ? [] : [{ from: index + 1, said: { kind: "decision", round: 1, value: decided } as const }],
    );
    return [...ofOthers, ...decisions(certified).map((said) => ({ from: BYZANTINE, said }))];
  }

  #step(state: AbbaState, index: number, move: Move): Step<AbbaState> {
    const { label, isHonest, outcome } = move;
    if (outcome.problem !== undefined) return { label, isHonest, to: { problem: outcome.problem } };
    const honest = state.honest.map((one, other) => (other === index ? this.#after(one, outcome) : one));
    return { label, isHonest, to: this.#normal({ honest, certified: state.certified }) };
  }

  #after({ said, decided }: Honest, outcome: Outcome): Honest {
    const within = outcome.says.filter(({ kind, round }) => kind !== "decision" && round <= this.#options.rounds);
    return honestOf({
      local: outcome.to,
      input: undefined,
      said: [...said, ...within],
      decided: outcome.decided ?? decided,
    });
  }

  /** Notes what is certifiable, forgets what nobody can use any more, and sorts: the parties' numbers do not matter. */
  #normal({ honest, certified }: AbbaState): AbbaState {
    const heard = this.#heard(honest);
    const rounds = new Set(honest.flatMap(({ said }) => said.map(({ round }) => round)));
    const isCertifiable = (value: Bit): boolean =>
      certified.includes(value) ||
      [...rounds].some((round) => canCertify(heard, (said) => isMainVote(said, round, value)));
    const active = honest.filter((one) => this.#isActive(one)).map(({ local }) => local.round);
    // Reasons are of the round before.
    const oldest = Math.min(...active) - 1;
    const kept = honest.map((one) => honestOf({ ...one, said: one.said.filter(({ round }) => round >= oldest) }));
    return {
      honest: kept.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
      certified: BITS.filter(isCertifiable),
    };
  }

  #isActive({ local }: Honest): boolean {
    return local.at !== "halted" && local.round <= this.#options.rounds;
  }

  problem({ honest, certified }: AbbaState, steps: readonly Step<AbbaState>[]): string | undefined {
    const decided = new Set([...certified, ...honest.flatMap((one) => one.decided ?? [])]);
    const [value] = decided;
    if (decided.size > 1) return "agreement: decisions for both values";
    if (value === 0 && this.#isBiased())
      return "biased validity: 0 although the parties that do not propose 0 meet every quorum";
    if (value !== undefined) {
      const started = (wanted: (input: Bit) => boolean): number =>
        this.#options.inputs.filter(wanted).length -
        honest.filter(({ local, input }) => local.at === "idle" && input !== undefined && wanted(input)).length;
      if (started(() => true) < 2) return "participation: a decision before two honest parties have an input";
      if (value === 0 && started((input) => input === 0) < 2)
        return "participation: a decision for 0 before two honest parties have input 0";
    }
    const isWaiting = honest.some((one) => this.#isActive(one));
    if (isWaiting && !steps.some(({ isHonest }) => isHonest))
      return "deadlock: an undecided party waits and no honest message can move anybody";
    return undefined;
  }

  #isBiased(): boolean {
    const notZero = this.#options.inputs.flatMap((input, party) => (input === 0 ? [] : [party]));
    return this.#group.meetsEveryQuorum(PartySet.of(notZero));
  }
}

function coinKey(round: number): string {
  return toHex(statementOf(COIN, coinBody(round)));
}

type Relevant = Pick<Honest, "said" | "decided" | "key">;

/** What a party has said that can matter to one that needs messages from round `from` on. */
function relevant(decided: Bit | undefined, said: readonly Said[], from: number): Relevant {
  const kept = said.filter(({ round }) => round >= from);
  return { decided, said: kept, key: `${decided ?? ""},${namesOf(kept)}` };
}

function namesOf(said: readonly Said[]): string {
  return said.map(nameOf).sort().join("+");
}

function honestOf(honest: Omit<Honest, "key">): Honest {
  const { local, input, said, decided } = honest;
  const key = `${local.id},${local.at === "idle" ? input : ""},${decided ?? ""},${namesOf(said)}`;
  return { ...honest, key };
}
