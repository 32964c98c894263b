/** Writes what happened in a run to a file, shortened when it failed. */
import { type SimulationOptions, formatTrace, record, shrink } from "../../sim/index.js";
import type { Output } from "../output.js";
import { checkTarget, writeWhole } from "../whole-file.js";

/** A replay takes milliseconds at n=4, and a short schedule many hundreds of them. */
const MAX_REPLAYS = 3000;
/** Some ten seconds of work, for schedules that are long. */
const MAX_ACTIONS = 1_000_000;

export interface Traced {
  readonly file: string;
  readonly seed: number;
  /** Actions in the file. */
  readonly actions: number;
  /** Actions in the run as it was. */
  readonly recorded: number;
}

/** @throws InputError when nothing can be written there */
export async function checkTraceTarget(file: string): Promise<void> {
  await checkTarget({ file, option: "--trace" }, { replace: true, keep: [] });
}

/** The run of a seed that fails, shortened. */
export async function traceFailure(options: SimulationOptions, file: string, output: Output): Promise<Traced> {
  const recording = record(options);
  const { failure, actions } = recording;
  if (failure === undefined) return traceRun(options, file);
  const short = shrink(
    options,
    { ...recording, failure },
    {
      maxReplays: MAX_REPLAYS,
      maxActions: MAX_ACTIONS,
      onReplay: (replays, left) =>
        output.live?.show(`shortening the schedule: ${left} of ${actions.length} actions, ${replays} replays`),
    },
  );
  output.live?.clear();
  await writeWhole(file, formatTrace({ options, recording: short }));
  return { file, seed: options.seed, actions: short.actions.length, recorded: actions.length };
}

export async function traceRun(options: SimulationOptions, file: string): Promise<Traced> {
  const recording = record(options);
  await writeWhole(file, formatTrace({ options, recording }));
  const { length } = recording.actions;
  return { file, seed: options.seed, actions: length, recorded: length };
}
