/** Whole runs. One seed is one run, on any machine; what happened is a list of actions (action.ts), and such a list can be played again, whole or in part. */
import type { Action } from "./action.js";
import type { Observer } from "./event.js";
import { type Failure, Run } from "./run.js";
import type { Host, SetupOptions } from "./setup.js";

export type { Failure };

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

/** A run that may have failed, with all that happened in it. */
export interface Recording {
  readonly actions: readonly Action[];
  readonly failure: Failure | undefined;
  readonly traceSha256: string;
}

/** One seed is one run. @throws Violation naming the property that the run broke */
export function simulate(options: SimulationOptions, host?: Host): RunReport {
  const run = new Run(options, host);
  toTheEnd(run);
  if (run.error !== undefined) throw run.error;
  const { world } = run;
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
  return toTheEnd(new Run(options, { observe }));
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

export function play(options: SimulationOptions, actions: Iterable<Action>, how: PlayOptions): Recording {
  return toTheEnd(new Run(options, { script: actions, ...how }));
}

function toTheEnd(run: Run): Recording {
  while (run.step());
  return { actions: run.actions, failure: run.failure, traceSha256: run.world.traceSha256 };
}
