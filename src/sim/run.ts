/**
 * One run in the hands of an onlooker: it goes on step by step, by itself or as a script has it, takes the onlooker's actions
 * in between, and knows all that has happened.
 *
 * First everything goes wrong that may, as scheduler and weather have it (safety); then all that is broken is mended, for all
 * but those that stopped for ever, and messages only arrive, so that what remains undelivered at the end is the protocol's
 * failure (liveness).
 */
import { type PartyId, PartySet } from "../core/party-set.js";
import type { Action } from "./action.js";
import { Violation } from "./checkers.js";
import { Random } from "./random.js";
import { type Choice, Scheduler, type Wishes } from "./scheduler.js";
import { type Host, type Setup, type SetupOptions, setUp } from "./setup.js";
import type { World } from "./world.js";

/** Actions of the first part for each of n² links: many times what most runs take. */
const SAFETY_ACTIONS = 250;

/** What broke: a property, or an honest party that stopped of itself. */
export interface Failure {
  readonly property: string;
  readonly message: string;
}

export interface RunOptions extends Host {
  /** What happens, instead of what the scheduler chooses. */
  readonly script?: Iterable<Action> | undefined;
  /** Whether the run is brought to its end after the script, in order of sending; it is unless given. */
  readonly hasEnd?: boolean | undefined;
}

/** "free": the scheduler chooses; "mending": the second part; "over": nothing is left to do, or something broke. */
export type Phase = "scripted" | "free" | "mending" | "over";

export class Run {
  readonly #setup: Setup;
  readonly #scheduler: Scheduler;
  /** Parties that the onlooker keeps down, and links that the onlooker slows. */
  readonly #down = new Set<PartyId>();
  readonly #slow = new Set<string>();
  readonly #actions: Action[] = [];
  #choices: Iterator<Choice>;
  #phase: Phase;
  #error: Error | undefined;

  /** @throws GroupError when there is no such group */
  constructor(options: SetupOptions, { script, hasEnd = true, ...host }: RunOptions = {}) {
    this.#setup = setUp(options, host);
    const wishes: Wishes = { down: this.#down, isSlow: (from, to) => this.isSlow(from, to) };
    this.#scheduler = new Scheduler(this.#setup, wishes);
    this.#phase = script === undefined ? "free" : "scripted";
    this.#choices = script === undefined ? this.#free() : this.#scripted(script, hasEnd);
    this.#guard(() => this.world.start());
  }

  get world(): World {
    return this.#setup.world;
  }

  get phase(): Phase {
    return this.#phase;
  }

  /** All that has happened; with the options it is the whole run. */
  get actions(): readonly Action[] {
    return this.#actions;
  }

  get error(): Error | undefined {
    return this.#error;
  }

  /** Whatever stops an honest party is a failure as well. */
  get failure(): Failure | undefined {
    const error = this.#error;
    if (error === undefined) return undefined;
    const property = error instanceof Violation ? error.property : "no honest party stops";
    return { property, message: error.message };
  }

  /** Neither corrupted nor stopped for ever: those for whom termination is promised. */
  get core(): readonly PartyId[] {
    const { world, core } = this.#setup;
    return core.filter((party) => !world.isStopped(party) && !world.isCorrupted(party));
  }

  /** Whether no more parties fail than the group tolerates; else nothing is promised. */
  get isTolerated(): boolean {
    const { world } = this;
    const { group } = world;
    const corrupted = PartySet.of(group.parties.filter((party) => world.isCorrupted(party)));
    const live = group.parties.filter((party) => !world.isCorrupted(party) && !world.isStopped(party));
    return !group.hasHonest(corrupted) && group.isQuorum(PartySet.of(live));
  }

  /** Whether the run stands still because of what is broken: the next step mends it. */
  get waitsForMending(): boolean {
    if (this.#phase !== "free" || !this.#scheduler.isIdle) return false;
    const { world } = this;
    const isDown = world.group.parties.some((party) => !world.isUp(party) && !world.isStopped(party));
    return isDown || world.isPartitioned || world.cuts.length > 0;
  }

  /** One thing happens. False when the run is over. */
  step(): boolean {
    if (this.#phase === "over") return false;
    this.#guard(() => {
      const next = this.#choices.next();
      if (next.done !== true) return this.#perform(next.value);
      if (this.#phase === "mending") this.#finish();
      this.#phase = "over";
    });
    return this.#error === undefined;
  }

  /**
   * The onlooker's action happens now, also after the end: then the run goes on. False when it does not apply, while a
   * script is played, and after something broke. A party that the onlooker crashes stays down until the onlooker, or mending,
   * restarts it.
   */
  act(action: Action): boolean {
    if (this.#phase === "scripted" || this.#error !== undefined) return false;
    const before = this.#actions.length;
    this.#guard(() => this.#perform(action));
    if (this.#actions.length === before) return false;
    if (action.kind === "crash") this.#down.add(action.party);
    if (action.kind === "restart") this.#down.delete(action.party);
    if (this.#error === undefined && this.#phase !== "free") {
      this.#phase = "free";
      this.#choices = this.#free();
    }
    return true;
  }

  isSlow(from: PartyId, to: PartyId): boolean {
    return this.#slow.has(`${from}>${to}`);
  }

  /** From now on, or no longer, messages between the two arrive only when nothing else is in flight. */
  slow(a: PartyId, b: PartyId, isSlow: boolean): void {
    for (const link of [`${a}>${b}`, `${b}>${a}`]) {
      if (isSlow) this.#slow.add(link);
      else this.#slow.delete(link);
    }
  }

  *#scripted(script: Iterable<Action>, hasEnd: boolean): Generator<Choice> {
    yield* script;
    if (hasEnd) yield* this.#mending(() => 0);
  }

  /** Faults may breed faults, each with all that is said again because of it: the first part has an end of its own. */
  *#free(): Generator<Choice> {
    const end = this.#actions.length + SAFETY_ACTIONS * this.world.group.n ** 2;
    while (this.#actions.length < end) {
      const choice = this.#scheduler.next();
      if (choice === undefined) break;
      yield choice;
    }
    const late = new Random(this.#setup.random.bits());
    yield* this.#mending((count) => late.below(count));
  }

  /** Mends everything; then messages only arrive, at first those that `pick` picks. */
  *#mending(pick: (count: number) => number): Generator<Choice> {
    this.#phase = "mending";
    this.#down.clear();
    this.#slow.clear();
    const { world, stops } = this.#setup;
    for (const party of stops.keys()) if (!world.isStopped(party)) yield { kind: "stop", party };
    if (world.isPartitioned) yield { kind: "heal" };
    for (const [from, to] of world.cuts) yield { kind: "mend", from, to };
    for (const party of world.group.parties) {
      if (!world.isUp(party) && !world.isStopped(party)) yield { kind: "restart", party };
    }
    for (const index of world.unsubmitted) yield { kind: "submit", index };
    for (;;) {
      while (world.flights.length > 0)
        yield { kind: "flight", index: pick(world.flights.length), crashAfter: undefined };
      const { heldUp } = world;
      if (heldUp.length === 0) return;
      for (const party of heldUp) yield { kind: "proceed", party };
    }
  }

  /** Does it and notes it, if it applies. */
  #perform(choice: Choice): void {
    const { world } = this;
    const action = choice.kind === "flight" ? arrival(world, choice) : choice;
    if (action === undefined) return;
    this.#actions.push(action);
    const applies = choice.kind === "flight" ? world.deliver(choice.index, choice.crashAfter) : world.perform(choice);
    if (!applies) this.#actions.pop();
  }

  /** Termination, fairness and silence, now that nothing is in flight; and whether a stranger believes the proofs. */
  #finish(): void {
    const { world, core } = this;
    world.checkers.quiescent(core);
    for (const party of core) {
      for (const [channel, waiting] of world.waiting(party)) {
        if (waiting > 0) throw new Violation("silence", `party ${party} still has ${waiting} payloads of ${channel}`);
      }
    }
    const [witness] = core;
    if (witness !== undefined) world.audit(witness);
  }

  #guard(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#error = error instanceof Error ? error : new Error(String(error));
      this.#phase = "over";
    }
  }
}

function arrival(world: World, { index, crashAfter }: Extract<Choice, { kind: "flight" }>): Action | undefined {
  const flight = world.flights[index];
  if (flight === undefined) return undefined;
  const { from, to, number } = flight;
  return { kind: "deliver", from, to, number, ...(crashAfter === undefined ? {} : { crashAfter }) };
}
