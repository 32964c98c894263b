/**
 * Multi-valued agreement in the fixed order, explored at a coarse grain: the production code of the agreement and everything below it
 * runs, but a broadcast is delivered as a whole, and a binary agreement comes to a decision by its transferable decision message, which
 * exists whenever the properties of binary agreement allow it. Those are explored by themselves (abba.ts).
 */
import { type Group, thresholdGroup } from "../../core/group.js";
import type { PartyId } from "../../core/party-set.js";
import type { Bit } from "../../protocols/binary-agreement/messages.js";
import { rotation } from "../../protocols/multivalued-agreement/order.js";
import { CORRUPTED, type Gift, type MvbaSaid, giftName, saidName } from "./mvba-messages.js";
import { type Local, MvbaParty, type Outcome } from "./mvba-party.js";
import type { Model, Step } from "./search.js";
import { exploredSuite } from "./suite.js";

const BITS: readonly Bit[] = [0, 1];

export interface MvbaOptions {
  /** The first candidate; the corrupted party is number 3. */
  readonly first: PartyId;
  /** How many candidates are explored: who comes to the next one does no more than to take decisions. */
  readonly tries: number;
}

/** The corrupted party first, honest ones first, and the corrupted one second: all there is, up to the numbers of honest parties. */
export function mvbaCases(tries: number): readonly { readonly name: string; readonly options: MvbaOptions }[] {
  return [3, 0, 2, 1].map((first) => ({ name: `tries ${tries}, first ${first}`, options: { first, tries } }));
}

interface Honest {
  readonly local: Local;
  readonly said: readonly MvbaSaid[];
  readonly decided: string | undefined;
}

export interface MvbaState {
  readonly honest: readonly Honest[];
  /** By candidate: how its binary agreement has been decided somewhere. */
  readonly decisions: readonly (Bit | undefined)[];
}

interface Offer {
  readonly gifts: readonly Gift[];
  readonly isHonest: boolean;
}

interface Move {
  readonly gifts: readonly Gift[];
  readonly isHonest: boolean;
  readonly outcome: Outcome;
}

export class MvbaModel implements Model<MvbaState> {
  readonly start: MvbaState;
  readonly parties: readonly MvbaParty[];
  readonly #options: MvbaOptions;
  readonly #group: Group;
  readonly #order: readonly PartyId[];
  readonly #moves = new Map<string, readonly Move[]>();

  constructor(options: MvbaOptions) {
    this.#options = options;
    this.#group = thresholdGroup({ n: CORRUPTED + 1, byzantine: 1 });
    this.#order = rotation(this.#group.n, options.first);
    const noCoin = (): Uint8Array => new Uint8Array(32);
    this.parties = this.#group.parties
      .filter((party) => party !== CORRUPTED)
      .map((self) => new MvbaParty(self, this.#group, exploredSuite(this.#group, self, noCoin), options.first));
    const honest = this.parties.map(({ start }) => ({ local: start, said: [], decided: undefined }));
    this.start = { honest, decisions: this.#group.parties.map(() => undefined) };
  }

  get localStates(): number {
    return this.parties.reduce((sum, { size }) => sum + size, 0);
  }

  key({ honest, decisions }: MvbaState): string {
    const parts = honest.map(
      ({ local, said, decided }) => `${local.id},${said.map(saidName).sort().join("+")},${decided ?? ""}`,
    );
    return `${parts.join("#")}#${decisions.join(",")}`;
  }

  steps(state: MvbaState): readonly Step<MvbaState>[] {
    return state.honest.flatMap(({ local }, party) =>
      local.isHalted ? [] : this.#movesOf(state, party).map((move) => this.#step(state, party, move)),
    );
  }

  #step(state: MvbaState, party: PartyId, { gifts, isHonest, outcome }: Move): Step<MvbaState> {
    const says = [
      ...outcome.says.map(saidName),
      ...(outcome.decided === undefined ? [] : [`decides ${outcome.decided}`]),
    ];
    const label = (): string => `${party} takes ${gifts.map(giftName).join("; ")} — and ${says.join(", ")}`;
    if (outcome.problem !== undefined) return { label, isHonest, to: { problem: outcome.problem } };
    const honest = state.honest.map((one, index) => (index === party ? after(one, outcome) : one));
    const decisions = state.decisions.map((known, candidate) => known ?? decisionIn(gifts, candidate));
    return { label, isHonest, to: { honest, decisions } };
  }

  /** The least rows of gifts that make the party say something. */
  #movesOf(state: MvbaState, party: PartyId): readonly Move[] {
    const local = state.honest[party]?.local;
    const runner = this.parties[party];
    if (local === undefined || runner === undefined) return [];
    const key = `${party}|${local.id}|${this.#offers(state, party, local).map(offerName).join("|")}`;
    let moves = this.#moves.get(key);
    if (moves === undefined) this.#moves.set(key, (moves = this.#explore(state, party, local, runner)));
    return moves;
  }

  /** By breadth, so that a row comes after all rows that are parts of it. */
  #explore(state: MvbaState, party: PartyId, local: Local, runner: MvbaParty): readonly Move[] {
    const moves = new Moves();
    const seen = new Map<Local, boolean>([[local, true]]);
    let frontier: readonly Path[] = [{ at: local, gifts: [], isHonest: true }];
    while (frontier.length > 0) {
      const next: Path[] = [];
      for (const path of frontier) {
        for (const offer of this.#offers(state, party, path.at)) {
          const outcome = runner.give(path.at, offer.gifts);
          const gifts = [...path.gifts, ...offer.gifts];
          const isHonest = path.isHonest && offer.isHonest;
          const isVisible = outcome.says.length > 0 || outcome.decided !== undefined || outcome.problem !== undefined;
          if (isVisible || outcome.to.position !== local.position) moves.add({ gifts, isHonest, outcome });
          else if (!seen.has(outcome.to) || (isHonest && seen.get(outcome.to) === false)) {
            seen.set(outcome.to, isHonest);
            next.push({ at: outcome.to, gifts, isHonest });
          }
        }
      }
      frontier = next;
    }
    return moves.all;
  }

  /** What can be given to the party in its local state `local`. */
  #offers(state: MvbaState, party: PartyId, local: Local): readonly Offer[] {
    const offers: Offer[] = this.#decisionOffers(state);
    if (local.position >= this.#options.tries) return offers;
    if (!local.isProposer) offers.push({ gifts: [{ kind: "input" }], isHonest: true });
    for (const of of this.#group.parties)
      if (this.#isProposed(state, of)) offers.push({ gifts: [{ kind: "proposal", of }], isHonest: of !== CORRUPTED });
    const [candidate, next] = this.#order.slice(local.position);
    if (candidate !== undefined && local.counting.includes(candidate))
      offers.push(...this.#voteOffers(state, party, candidate));
    // Votes of all others on the next candidate, which count at once when this party comes to it.
    if (next !== undefined && local.counting.includes(next)) offers.push(...this.#earlyOffers(state, party, next));
    return offers;
  }

  #isProposed(state: MvbaState, party: PartyId): boolean {
    return party === CORRUPTED || state.honest[party]?.said.some(({ kind }) => kind === "proposed") === true;
  }

  #voteOffers(state: MvbaState, to: PartyId, candidate: PartyId): Offer[] {
    const honest = this.#honestVotes(state, to, candidate).map((gift) => ({ gifts: [gift], isHonest: true }));
    return [...honest, ...this.#corruptedVotes(state, candidate).map((gift) => ({ gifts: [gift], isHonest: false }))];
  }

  #earlyOffers(state: MvbaState, to: PartyId, candidate: PartyId): Offer[] {
    const honest = this.#honestVotes(state, to, candidate);
    if (honest.length < this.parties.length - 1) return [];
    return this.#corruptedVotes(state, candidate).flatMap((gift) =>
      gift.kind === "vote" && gift.isForged === true ? [] : [{ gifts: [...honest, gift], isHonest: false }],
    );
  }

  #honestVotes({ honest }: MvbaState, to: PartyId, candidate: PartyId): Gift[] {
    return honest.flatMap(({ said }, from) => {
      const vote = said.find((one) => one.kind === "voted" && one.candidate === candidate);
      if (from === to || vote?.kind !== "voted") return [];
      return [{ kind: "vote", from, candidate, isYes: vote.isYes } as const];
    });
  }

  #corruptedVotes(state: MvbaState, candidate: PartyId): Gift[] {
    const vote = { kind: "vote", from: CORRUPTED, candidate } as const;
    const yes: Gift = this.#isProposed(state, candidate)
      ? { ...vote, isYes: true }
      : { ...vote, isYes: true, isForged: true };
    return [{ ...vote, isYes: false }, yes];
  }

  #decisionOffers(state: MvbaState): Offer[] {
    const tried = this.#order.slice(0, this.#options.tries);
    return tried.flatMap((candidate) =>
      BITS.filter((value) => this.#canDecide(state, candidate, value)).map((value) => ({
        gifts: [{ kind: "decision", candidate, value }],
        isHonest: this.#mustDecide(state, candidate),
      })),
    );
  }

  /** Agreement, participation, bias and external validity of binary agreement allow it. */
  #canDecide(state: MvbaState, candidate: PartyId, value: Bit): boolean {
    const known = state.decisions[candidate];
    if (known !== undefined) return known === value;
    const inputs = inputsOn(state, candidate);
    if (inputs.length < 2) return false;
    return value === 0 ? inputs.filter((input) => input === 0).length >= 2 : this.#isProposed(state, candidate);
  }

  /** Its termination promises it. */
  #mustDecide(state: MvbaState, candidate: PartyId): boolean {
    return state.decisions[candidate] !== undefined || inputsOn(state, candidate).length === this.parties.length;
  }

  problem({ honest }: MvbaState, steps: readonly Step<MvbaState>[]): string | undefined {
    const decided = new Set(honest.flatMap((one) => one.decided ?? []));
    if (decided.size > 1) return `agreement: ${[...decided].join(" and ")} are decided`;
    const isWaiting = honest.some(({ local }) => !local.isHalted && local.position < this.#options.tries);
    if (isWaiting && !steps.some(({ isHonest }) => isHonest))
      return "deadlock: an undecided party waits and no honest message can move anybody";
    return undefined;
  }
}

function inputsOn({ honest }: MvbaState, candidate: PartyId): readonly Bit[] {
  return honest.flatMap(({ said }) =>
    said.flatMap((one) => (one.kind === "entered" && one.candidate === candidate ? [one.value] : [])),
  );
}

function after({ said, decided }: Honest, outcome: Outcome): Honest {
  return { local: outcome.to, said: [...said, ...outcome.says], decided: outcome.decided ?? decided };
}

function decisionIn(gifts: readonly Gift[], candidate: PartyId): Bit | undefined {
  for (const gift of gifts) if (gift.kind === "decision" && gift.candidate === candidate) return gift.value;
  return undefined;
}

function offerName({ gifts, isHonest }: Offer): string {
  return `${isHonest ? "" : "!"}${gifts.map(giftName).join("+")}`;
}

/** A row of gifts on which nothing was said yet. */
interface Path {
  readonly at: Local;
  readonly gifts: readonly Gift[];
  readonly isHonest: boolean;
}

/** Moves of which each gift counts: with one gift less, the party would not say the same. */
class Moves {
  readonly #moves = new Map<string, { readonly names: ReadonlySet<string>; readonly move: Move }[]>();

  add(move: Move): void {
    const { says, decided, problem } = move.outcome;
    const result = [...says.map(saidName), decided, problem].join("|");
    const names = new Set(move.gifts.map(giftName));
    const known = this.#moves.get(result) ?? [];
    if (known.some((other) => isSubset(other.names, names))) return;
    this.#moves.set(result, [...known, { names, move }]);
  }

  get all(): readonly Move[] {
    return [...this.#moves.values()].flatMap((moves) => moves.map(({ move }) => move));
  }
}

function isSubset(part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean {
  return [...part].every((name) => whole.has(name));
}
