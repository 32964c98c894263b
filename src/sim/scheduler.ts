/** The scheduler of the first phase: an adversary that chooses what happens next, as the weather says. */
import type { PartyId } from "../core/party-set.js";
import type { Action } from "./action.js";
import type { Flight } from "./flight.js";
import type { Random } from "./random.js";
import type { Setup } from "./setup.js";
import type { Weather } from "./weather.js";
import type { World } from "./world.js";

/** What comes next: an action, or the flight at an index. */
export type Choice =
  | Action
  | { readonly kind: "flight"; readonly index: number; readonly crashAfter: number | undefined };

/** What an onlooker asks of the scheduler. Like all that it chooses, it is in the recorded actions and nowhere else. */
export interface Wishes {
  /** Parties that stay down. */
  readonly down: ReadonlySet<PartyId>;
  /** Whether the messages of a link arrive only when nothing else is in flight. */
  isSlow(from: PartyId, to: PartyId): boolean;
}

export class Scheduler {
  readonly #world: World;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #wishes: Wishes;
  /** A run has about n² messages for each of four parties', and each fault repeats as many: so there are no more faults in it. */
  readonly #often: number;
  /** Of each directed link, whether it is starved. */
  readonly #starved: readonly boolean[];
  /** Parties that stop for ever once the run has come to this step. */
  readonly #stops: Map<PartyId, number>;

  constructor({ world, random, weather, stops }: Setup, wishes: Wishes) {
    this.#world = world;
    this.#random = random;
    this.#weather = weather;
    this.#wishes = wishes;
    this.#stops = new Map(stops);
    const { n } = world.group;
    this.#often = Math.min(1, (4 / n) ** 2);
    this.#starved = Array.from({ length: n * n }, () => weather.starvation > 0 && random.chance(weather.starvation));
  }

  /** Whether nothing is left to do but what belongs to the end of a run. */
  get isIdle(): boolean {
    return this.#world.flights.length === 0 && this.#submittable().length === 0 && this.#world.heldUp.length === 0;
  }

  /** Undefined when nothing is left to do. */
  next(): Choice | undefined {
    return this.#fault() ?? this.#progress();
  }

  #fault(): Action | undefined {
    const random = this.#random;
    const often = this.#often;
    const { crashRate, breakRate, partitionRate } = this.#weather;
    const world = this.#world;
    const { n } = world.group;
    for (const [party, step] of this.#stops) {
      if (world.steps < step) continue;
      this.#stops.delete(party);
      return { kind: "stop", party };
    }
    if (this.isIdle) return undefined;
    if (random.chance(often * crashRate)) {
      const party = random.below(n);
      const mayChange = !world.isStopped(party) && !this.#wishes.down.has(party);
      if (mayChange) return { kind: world.isUp(party) ? "crash" : "restart", party };
    }
    if (random.chance(often * breakRate)) {
      const [from, to] = [random.below(n), random.below(n)];
      if (from !== to && world.isUp(from) && world.isUp(to)) return { kind: "break", from, to };
    }
    if (partitionRate > 0 && random.chance(often * partitionRate * (world.isPartitioned ? 10 : 1))) {
      if (world.isPartitioned) return { kind: "heal" };
      const side = world.group.parties.filter(() => random.chance(0.5));
      if (side.length > 0 && side.length < n) return { kind: "partition", side };
    }
    return undefined;
  }

  #progress(): Choice | undefined {
    const random = this.#random;
    const world = this.#world;
    const inFlight = world.flights.length;
    if (world.hasUnsubmitted && (inFlight === 0 || this.#weather.burst || random.chance(0.02))) {
      const submittable = this.#submittable();
      if (submittable.length > 0) return this.#submit(submittable);
    }
    const { heldUp } = world;
    if (heldUp.length > 0 && (inFlight === 0 || random.chance(0.05)))
      return { kind: "proceed", party: random.pick(heldUp) };
    if (inFlight === 0) return undefined;
    // A crash between two sends of one "send to all".
    const crashAfter = random.chance(this.#often * this.#weather.crashRate)
      ? random.below(2 * world.group.n)
      : undefined;
    return { kind: "flight", index: this.#pick(), crashAfter };
  }

  /** What clients have not handed over yet, and can. */
  #submittable(): readonly number[] {
    const { down } = this.#wishes;
    return this.#world.unsubmitted.filter((index) => !down.has(this.#world.submission(index)?.to ?? 0));
  }

  #submit(submittable: readonly number[]): Action {
    const index = this.#random.pick(submittable);
    const to = this.#world.submission(index)?.to ?? 0;
    const needsRestart = !this.#world.isUp(to) && !this.#world.isStopped(to);
    return needsRestart ? { kind: "restart", party: to } : { kind: "submit", index };
  }

  #pick(): number {
    const { flights } = this.#world;
    const random = this.#random;
    const index = random.chance(this.#weather.lifo) ? flights.length - 1 : random.below(flights.length);
    const flight = flights[index];
    if (flight === undefined || !this.#isLate(flight)) return index;
    const punctual = flights.findIndex((other) => !this.#isLate(other));
    return punctual < 0 ? index : punctual;
  }

  #isLate({ from, to }: Flight): boolean {
    const isStarved = this.#starved[from * this.#world.group.n + to] === true;
    return to === this.#weather.slow || isStarved || this.#wishes.isSlow(from, to);
  }
}
