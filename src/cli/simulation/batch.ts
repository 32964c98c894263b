/** Many runs in a row, one for each seed, and what they add up to. */
import { createHash } from "node:crypto";
import { Violation } from "../../sim/index.js";
import type { Output } from "../output.js";

export interface Seeds {
  readonly from: number;
  readonly to: number;
}

/** What one run did. */
export interface Run {
  readonly actions: Readonly<Record<string, number>>;
  readonly traceSha256: string;
}

export interface BatchFailure {
  readonly seed: number;
  readonly property: string;
  readonly message: string;
}

export interface Batch {
  readonly runs: number;
  readonly violations: readonly BatchFailure[];
  /** SHA-256 over the traces of all runs in order. */
  readonly traceSha256: string;
  readonly runsPerSecond: number;
  readonly actions: Readonly<Record<string, number>>;
}

/** `run` throws a Violation when the run of a seed breaks a property; anything else that it throws is one as well, of an honest party. */
export function runBatch({ from, to }: Seeds, output: Output, run: (seed: number) => Run): Batch {
  const trace = createHash("sha256");
  const actions = new Map<string, number>();
  const violations: BatchFailure[] = [];
  const runs = to - from + 1;
  const startedMs = performance.now();
  for (let seed = from; seed <= to; seed++) {
    try {
      const done = run(seed);
      trace.update(done.traceSha256);
      for (const [action, count] of Object.entries(done.actions))
        actions.set(action, (actions.get(action) ?? 0) + count);
    } catch (error) {
      const failure = { seed, ...failureOf(error) };
      violations.push(failure);
      trace.update(`violation of ${failure.property}`);
      output.note(`seed ${seed}: ${failure.message}`);
    }
    showProgress(output, seed - from + 1, runs, startedMs);
  }
  output.live?.clear();
  return {
    runs,
    violations,
    traceSha256: trace.digest("hex"),
    runsPerSecond: perSecond(runs, startedMs),
    actions: Object.fromEntries([...actions].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function failureOf(error: unknown): Omit<BatchFailure, "seed"> {
  const message = error instanceof Error ? error.message : String(error);
  return { property: error instanceof Violation ? error.property : "no honest party stops", message };
}

function perSecond(runs: number, startedMs: number): number {
  return Math.round((10_000 * runs) / (performance.now() - startedMs)) / 10;
}

const BAR_CHARACTERS = 24;

function showProgress(output: Output, done: number, runs: number, startedMs: number): void {
  if (output.live === undefined || (done % 10 !== 0 && done !== runs)) return;
  const filled = Math.round((BAR_CHARACTERS * done) / runs);
  const bar = "█".repeat(filled) + "░".repeat(BAR_CHARACTERS - filled);
  output.live.show(`${bar} ${done} of ${runs} runs, ${perSecond(done, startedMs)}/s`);
}

/** For people: a line about the runs, and one for each kind of action. */
export function describeBatch(what: string, batch: Batch): readonly string[] {
  const { runs, violations, runsPerSecond, traceSha256, actions } = batch;
  return [
    `${runs} runs ${what}: ${violations.length} violations, ${runsPerSecond} runs/s, trace ${traceSha256.slice(0, 16)}`,
    ...Object.entries(actions).map(([action, count]) => `  ${action.padEnd(32)} ${count}`),
  ];
}
