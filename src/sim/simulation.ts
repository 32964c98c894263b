/**
 * One run: first everything goes wrong that may, as scheduler and weather have it (safety); then all that is broken is mended,
 * for all but those that stopped for ever, and messages only arrive, so that what remains undelivered at the end is the protocol's failure (liveness).
 *
 * One seed is one run, on any machine. What happened is a list of actions (action.ts), and such a list can be played again,
 * whole or in part.
 */
import type { Action } from "./action.js";
import { Violation } from "./checkers.js";
import type { Observer } from "./event.js";
import { Random } from "./random.js";
import { type Choice, Scheduler } from "./scheduler.js";
import { type Host, type Setup, type SetupOptions, setUp } from "./setup.js";
import type { World } from "./world.js";

export type SimulationOptions = SetupOptions;

export interface RunReport {
  readonly seed: number;
  readonly steps: number;
  readonly rounds: number;
  readonly payloads: number;
  /** Actions of scheduler, adversary and parties by kind. */
  readonly actions: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly bytes: number;
  /** The greatest number of candidates that one agreement tried. */
  readonly maxTries: number;
  /** SHA-256 over all effects of all parties in order. */
  readonly traceSha256: string;
}

/** What broke: a property, or an honest party that stopped of itself. */
export interface Failure {
  readonly property: string;
  readonly message: string;
}

/** A run that may have failed, with all that happened in it. */
export interface Recording {
  readonly actions: readonly Action[];
  readonly failure: Failure | undefined;
  readonly traceSha256: string;
}

/** One seed is one run. @throws Violation naming the property that the run broke */
export function simulate(options: SimulationOptions, host?: Host): RunReport {
  const setup = setUp(options, host);
  const { world } = setup;
  for (const choice of choicesOf(setup)) perform(world, choice);
  finish(setup);
  return {
    seed: options.seed,
    steps: world.steps,
    rounds: world.checkers.rounds,
    payloads: world.checkers.payloads,
    actions: world.actions,
    messages: world.messages,
    bytes: world.bytes,
    maxTries: world.maxTries,
    traceSha256: world.traceSha256,
  };
}

/** The same run, with a list of what happened, up to the end or to what it broke. */
export function record(options: SimulationOptions, observe?: Observer): Recording {
  const setup = setUp(options, { observe });
  const actions: Action[] = [];
  const failure = failureOf(() => {
    for (const choice of choicesOf(setup)) {
      const action = actionOf(setup.world, choice);
      if (action !== undefined) actions.push(action);
      perform(setup.world, choice);
    }
    finish(setup);
  });
  return { actions, failure, traceSha256: setup.world.traceSha256 };
}

/**
 * Plays a recording or a part of one, and then brings the run to its end: mends all, delivers in order of sending.
 * Actions that do not apply any more are left out of what is returned, and those of the end are in it.
 */
export function replay(options: SimulationOptions, actions: Iterable<Action>, observe?: Observer): Recording {
  return play(options, actions, { hasEnd: true, observe });
}

export interface PlayOptions {
  /** Whether the run is brought to its end after the actions; what breaks before needs none. */
  readonly hasEnd: boolean;
  readonly observe?: Observer | undefined;
}

export function play(
  options: SimulationOptions,
  actions: Iterable<Action>,
  { hasEnd, observe }: PlayOptions,
): Recording {
  const setup = setUp(options, { observe });
  const { world } = setup;
  const played: Action[] = [];
  const failure = failureOf(() => {
    world.start();
    for (const action of actions) {
      played.push(action);
      if (!world.perform(action)) played.pop();
    }
    if (!hasEnd) return;
    for (const choice of liveness(setup, () => 0)) {
      const action = actionOf(world, choice);
      if (action !== undefined) played.push(action);
      perform(world, choice);
    }
    finish(setup);
  });
  return { actions: played, failure, traceSha256: world.traceSha256 };
}

/** Whatever stops an honest party is a failure as well. */
function failureOf(run: () => void): Failure | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof Violation) return { property: error.property, message: error.message };
    return { property: "no honest party stops", message: error instanceof Error ? error.message : String(error) };
  }
}

/** Starts the world, and says what happens next until nothing is left to do. */
export function* choicesOf(setup: Setup): Generator<Choice> {
  const { world, random, weather, stops } = setup;
  world.start();
  const scheduler = new Scheduler(world, random, weather, stops);
  for (let choice = scheduler.next(); choice !== undefined; choice = scheduler.next()) yield choice;
  const late = new Random(random.bits());
  yield* liveness(setup, (count) => late.below(count));
}

/** Mends everything; then messages only arrive, at first those that `pick` picks. */
function* liveness({ world, stops }: Setup, pick: (count: number) => number): Generator<Choice> {
  for (const party of stops.keys()) if (!world.isStopped(party)) yield { kind: "stop", party };
  if (world.isPartitioned) yield { kind: "heal" };
  for (const party of world.group.parties) {
    if (!world.isUp(party) && !world.isStopped(party)) yield { kind: "restart", party };
  }
  for (const index of world.unsubmitted) yield { kind: "submit", index };
  while (world.flights.length > 0) yield { kind: "flight", index: pick(world.flights.length), crashAfter: undefined };
}

function perform(world: World, choice: Choice): void {
  if (choice.kind === "flight") world.deliver(choice.index, choice.crashAfter);
  else world.perform(choice);
}

function actionOf(world: World, choice: Choice): Action | undefined {
  if (choice.kind !== "flight") return choice;
  const flight = world.flights[choice.index];
  if (flight === undefined) return undefined;
  const { from, to, number } = flight;
  const { crashAfter } = choice;
  return { kind: "deliver", from, to, number, ...(crashAfter === undefined ? {} : { crashAfter }) };
}

/** Termination, fairness and silence, now that nothing is in flight; and whether a stranger believes the proofs. */
function finish({ world, core }: Setup): void {
  world.checkers.quiescent(core);
  for (const party of core) {
    for (const [channel, waiting] of world.waiting(party)) {
      if (waiting > 0) throw new Violation("silence", `party ${party} still has ${waiting} payloads of ${channel}`);
    }
  }
  const [witness] = core;
  if (witness !== undefined) world.audit(witness);
}
