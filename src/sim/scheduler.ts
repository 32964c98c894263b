/** The scheduler of the first phase: an adversary that chooses what happens next, as the weather says. */
import type { PartyId } from "../core/party-set.js";
import type { Action } from "./action.js";
import type { Flight } from "./flight.js";
import type { Random } from "./random.js";
import type { Weather } from "./weather.js";
import type { World } from "./world.js";

/** What comes next: an action, or the flight at an index. */
export type Choice =
  | Action
  | { readonly kind: "flight"; readonly index: number; readonly crashAfter: number | undefined };

export class Scheduler {
  readonly #world: World;
  readonly #random: Random;
  readonly #weather: Weather;
  /** A run has about n² messages for each of four parties', and each fault repeats as many: so there are no more faults in it. */
  readonly #often: number;
  /** Of each directed link, whether it is starved. */
  readonly #starved: readonly boolean[];
  /** Parties that stop for ever once the run has come to this step. */
  readonly #stops: Map<PartyId, number>;

  constructor(world: World, random: Random, weather: Weather, stops: ReadonlyMap<PartyId, number>) {
    this.#world = world;
    this.#random = random;
    this.#weather = weather;
    this.#stops = new Map(stops);
    const { n } = world.group;
    this.#often = Math.min(1, (4 / n) ** 2);
    this.#starved = Array.from({ length: n * n }, () => weather.starvation > 0 && random.chance(weather.starvation));
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
    if (!world.hasUnsubmitted && world.flights.length === 0) return undefined;
    if (random.chance(often * crashRate)) {
      const party = random.below(n);
      if (!world.isStopped(party)) return { kind: world.isUp(party) ? "crash" : "restart", party };
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
    if (world.hasUnsubmitted && (inFlight === 0 || this.#weather.burst || random.chance(0.02))) return this.#submit();
    if (inFlight === 0) return undefined;
    // A crash between two sends of one "send to all".
    const crashAfter = random.chance(this.#often * this.#weather.crashRate)
      ? random.below(2 * world.group.n)
      : undefined;
    return { kind: "flight", index: this.#pick(), crashAfter };
  }

  #submit(): Action {
    const index = this.#random.pick(this.#world.unsubmitted);
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
    return to === this.#weather.slow || this.#starved[from * this.#world.group.n + to] === true;
  }
}
