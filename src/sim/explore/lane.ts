/**
 * A lane, exhaustively: three honest parties with the production code of a lane (protocols/atomic-broadcast/certified/lane.ts), its owner, and a
 * network that brings batches and decided cuts to anybody at any time, in any order, or late. The owner is corrupted, and forks its lane
 * and skips heights; or it is honest, and then nothing may be lost, however small the window.
 */
import { utf8 } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { Lane, type LaneState, NEW_LANE, isSame } from "../../protocols/atomic-broadcast/certified/lane.js";
import {
  type Batch,
  ORIGIN,
  type Place,
  readBatch,
  writeBatch,
} from "../../protocols/atomic-broadcast/certified/messages.js";
import type { Model, Step } from "./search.js";

const HONEST: readonly PartyId[] = [0, 1, 2];
/** Of four parties, whose fourth, the owner, signs whatever it likes. */
const HONEST_SHARES = 2;
/** Rounds are far enough that a lane may skip to any height here. */
const LATEST = 64;

/** A batch of the owner, by name: `parent` is another's name, or undefined where the lane begins. */
interface Plan {
  readonly name: string;
  readonly height: number;
  readonly parent: string | undefined;
}

export interface LaneOptions {
  readonly owner: "honest" | "corrupted";
  /** Batches beyond the last cut that an honest owner has; twice as many are stored. */
  readonly window: number;
  readonly batches: readonly Plan[];
}

interface Local {
  readonly lane: LaneState;
  /** Names of the batches that came, of those that may come again, and of those that are on disk. */
  readonly came: readonly string[];
  readonly kept: readonly string[];
  /** For which batches it has signed. */
  readonly signed: readonly string[];
  /** Names of the cuts that it has decided. */
  readonly cuts: readonly string[];
}

export interface LaneExploredState {
  readonly parties: readonly Local[];
  /** Names of the batches up to which rounds have ordered the lane. */
  readonly cuts: readonly string[];
}

export class LaneModel implements Model<LaneExploredState> {
  readonly start: LaneExploredState;
  readonly #options: LaneOptions;
  readonly #batches = new Map<string, Batch>();
  readonly #names = new Map<Batch, string>();
  /** Each local state once, with its number, and what came of steps from it. */
  readonly #locals = new Map<string, Local>();
  readonly #numbers = new Map<Local, number>();
  readonly #steps = new Map<string, Local | { readonly problem: string }>();

  constructor(options: LaneOptions) {
    this.#options = options;
    for (const plan of options.batches) this.#make(plan);
    const local = this.#known({ lane: NEW_LANE, came: [], kept: [], signed: [], cuts: [] });
    this.start = { parties: HONEST.map(() => local), cuts: [] };
  }

  get localStates(): number {
    return this.#locals.size;
  }

  #known(local: Local): Local {
    const key = this.#keyOf(local);
    const known = this.#locals.get(key);
    if (known !== undefined) return known;
    this.#locals.set(key, local);
    this.#numbers.set(local, this.#numbers.size);
    return local;
  }

  /** The step is run once from each local state. */
  #after<Next extends Local | { readonly problem: string }>(local: Local, label: string, step: () => Next): Next {
    const key = `${this.#numbers.get(local)} ${label}`;
    const next = this.#steps.get(key) ?? step();
    const known = "problem" in next ? next : this.#known(next);
    this.#steps.set(key, known);
    return known as Next;
  }

  #make({ name, height, parent }: Plan): void {
    const bytes = writeBatch(parent === undefined ? ORIGIN : this.#batch(parent), [utf8(name)]);
    const digest = new Uint8Array(32);
    digest.set(utf8(name));
    const read = readBatch(height, bytes);
    if (read === undefined) throw new RangeError(`no batch at height ${height}: ${name}`);
    const batch = { ...read, digest };
    this.#batches.set(name, batch);
    this.#names.set(batch, name);
  }

  #batch(name: string): Batch {
    const batch = this.#batches.get(name);
    if (batch === undefined) throw new RangeError(`no batch ${name}`);
    return batch;
  }

  /** Honest parties differ in nothing but their numbers. */
  key({ parties, cuts }: LaneExploredState): string {
    const numbers = parties.map((local) => this.#numbers.get(local) ?? 0);
    return `${cuts.join()};${numbers.toSorted((a, b) => a - b).join()}`;
  }

  #keyOf({ lane, came, kept, signed, cuts }: Local): string {
    const names = (batches: readonly Batch[]): string => batches.map((batch) => this.#names.get(batch)).join();
    const chain = lane.stored.map(({ batch, isSigned }) => `${this.#names.get(batch)}${isSigned ? "!" : ""}`).join();
    const sets = [came, kept, signed].map((set) => set.toSorted().join()).join("/");
    return `${cuts.join()}/${lane.signed}/${chain}/${names(lane.waiting)}/${lane.droppedFrom}/${sets}`;
  }

  steps(state: LaneExploredState): readonly Step<LaneExploredState>[] {
    const steps: Step<LaneExploredState>[] = [];
    for (const [party, local] of state.parties.entries()) {
      const to = (next: Local): LaneExploredState => ({
        ...state,
        parties: state.parties.map((other, of) => (of === party ? next : other)),
      });
      for (const name of this.#sent(state))
        if (!local.came.includes(name))
          steps.push({
            label: () => `${name} to ${party}`,
            isHonest: true,
            to: to(this.#after(local, name, () => this.#given(local, name))),
          });
      const cut = state.cuts[local.cuts.length];
      if (cut === undefined) continue;
      const moved = this.#after(local, `cut ${cut}`, () => this.#moved(local, cut));
      steps.push({
        label: () => `${party} decides ${cut}`,
        isHonest: true,
        to: "problem" in moved ? moved : to(moved),
      });
    }
    // Any certified place beyond the last cut may be decided.
    for (const name of this.#certified(state))
      if (this.#batch(name).height > this.#cutOf(state).height)
        steps.push({ label: () => `cut ${name}`, isHonest: true, to: { ...state, cuts: [...state.cuts, name] } });
    return steps;
  }

  /** What the owner has said so far. */
  #sent(state: LaneExploredState): readonly string[] {
    const { owner, window, batches } = this.#options;
    const reach = owner === "honest" ? this.#cutOf(state).height + window : Number.POSITIVE_INFINITY;
    return batches.filter(({ height }) => height <= reach).map(({ name }) => name);
  }

  #cutOf({ cuts }: LaneExploredState): Place {
    const last = cuts.at(-1);
    return last === undefined ? ORIGIN : this.#batch(last);
  }

  #certified({ parties }: LaneExploredState): readonly string[] {
    const shares = (name: string): number => parties.filter(({ signed }) => signed.includes(name)).length;
    return [...this.#batches.keys()].filter((name) => shares(name) >= HONEST_SHARES);
  }

  /** As `Certified` takes a batch. */
  #given(local: Local, name: string): Local {
    const lane = this.#laneOf(local);
    const batch = this.#batch(name);
    const came = [...local.came, name];
    if (batch.height <= lane.cut.height || lane.at(batch.height) !== undefined || !lane.hasRoom(batch, LATEST))
      return { ...local, lane: lane.state, came };
    lane.keep(batch);
    return this.#grown({ ...local, came, kept: [...local.kept, name] }, lane);
  }

  #laneOf({ lane }: Local): Lane {
    return new Lane(2 * this.#options.window, { ...lane, stored: lane.stored.map((stored) => ({ ...stored })) });
  }

  #grown(local: Local, lane: Lane): Local {
    lane.grow();
    const signed = lane.sign().map((batch) => this.#names.get(batch) ?? "");
    return { ...local, lane: lane.state, signed: [...local.signed, ...signed] };
  }

  /** As `Certified` takes a decision. What is wrong with it, for a signer that lacks what it answers for. */
  #moved(local: Local, cut: string): Local | { readonly problem: string } {
    const before = local.cuts.at(-1);
    const floor = before === undefined ? 0 : this.#batch(before).height;
    const missing = this.#chain(cut, floor).filter((name) => !local.kept.includes(name));
    if (local.signed.includes(cut) && missing.length > 0)
      return { problem: `availability: a signer of ${cut} has not kept ${missing.join(", ")}` };
    const lane = this.#laneOf(local);
    lane.moveTo(this.#batch(cut));
    const grown = this.#grown({ ...local, cuts: [...local.cuts, cut] }, lane);
    const isAsked = lane.takeDropped();
    // The owner says again what is not retired: all that is beyond the cut before.
    return {
      ...grown,
      lane: lane.state,
      came: isAsked ? grown.came.filter((name) => !this.#isBeyond(name, floor)) : grown.came,
    };
  }

  #isBeyond(name: string, floor: number): boolean {
    return this.#batch(name).height > floor;
  }

  /** What a cut at `tip` orders. */
  #chain(tip: string, floor: number): readonly string[] {
    const names: string[] = [];
    for (let place: Batch | undefined = this.#batch(tip); place !== undefined && place.height > floor;) {
      names.push(this.#names.get(place) ?? "");
      const { parent }: Batch = place;
      place = [...this.#batches.values()].find((batch) => isSame(batch, parent));
    }
    return names;
  }

  problem(state: LaneExploredState, steps: readonly Step<LaneExploredState>[]): string | undefined {
    for (const { signed } of state.parties) {
      const heights = signed.map((name) => this.#batch(name).height);
      if (heights.some((height, index) => index > 0 && height <= (heights[index - 1] ?? 0)))
        return `a party signs twice for a height, or downwards: ${signed.join(", ")}`;
    }
    if (this.#options.owner === "corrupted" || steps.length > 0) return undefined;
    const cut = this.#cutOf(state).height;
    const last = Math.max(...this.#options.batches.map(({ height }) => height));
    return cut === last ? undefined : `termination: the lane of an honest owner ends at ${cut}`;
  }
}

export function laneCases(): readonly { readonly name: string; readonly options: LaneOptions }[] {
  const plan = (name: string, parent?: string): Plan => ({ name, height: Number(name[1]), parent });
  const honest = [plan("a1"), plan("a2", "a1"), plan("a3", "a2")];
  const forks = [plan("a1"), plan("b1"), plan("a2", "a1"), plan("b2", "b1")];
  const skips = [plan("a1"), plan("s2"), plan("s3", "a1")];
  return [
    { name: "honest, window 1", options: { owner: "honest", window: 1, batches: honest } },
    { name: "honest, window 2", options: { owner: "honest", window: 2, batches: honest } },
    { name: "corrupted, forks", options: { owner: "corrupted", window: 1, batches: forks } },
    { name: "corrupted, skips", options: { owner: "corrupted", window: 1, batches: skips } },
  ];
}
