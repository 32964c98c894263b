/** `abcast simulate`: the production protocols under seeded adversaries, many runs in a row. One seed is one run. */
import { createHash } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import { PRESETS } from "../../core/presets.js";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS } from "../../protocols/index.js";
import { MAX_SEED, SCENARIOS, type Scenario, adversaryOf, simulate as simulateSeed } from "../../sim/index.js";
import { shellWord } from "../../replica/config-files.js";
import { EXIT, InputError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { simulateAdaptiveCoin } from "../simulation/adaptive-coin.js";
import { type BatchFailure, type Seeds, describeBatch, runBatch } from "../simulation/batch.js";
import { simulateLinkFailures } from "../simulation/link-failures.js";
import { type BatchOptions, VARIANTS, describeScenario, loadScenario, repeatLines } from "../simulation/scenario.js";
import { checkTraceTarget, traceFailure, traceRun } from "../simulation/tracing.js";

/** Native: the trace is a tenth of a run otherwise. */
const HOST = { newHash: () => createHash("sha256") };

/** Scenarios with an adversary of their own. */
const SPECIAL: ReadonlyMap<string, (options: BatchOptions, output: Output) => void> = new Map([
  ["adaptive-coin", simulateAdaptiveCoin],
  ["link-failures", simulateLinkFailures],
]);

interface Options extends BatchOptions {
  readonly json?: boolean;
}

export function registerSimulate(program: Command): void {
  program
    .command("simulate")
    .summary("run the protocols under seeded adversaries")
    .description(
      "Runs atomic broadcast among simulated parties, as many corrupted or stopped for ever as may be, with crashes, partitions, broken links and hostile " +
        "schedules drawn from the seed: first with faults, then without, until all others agree. Every property is checked after every step. Exit code 1 when one is " +
        "violated; the first such run is shortened and written as a trace (abcast trace). The seed repeats a run, step by step, on any machine.",
    )
    .option("--seeds <A..B>", "seeds to run, or one seed", seedRange, { from: 1, to: 100 })
    .addOption(
      new Option("--preset <P>", "a group with its adversary structure").choices(PRESETS.map(({ name }) => name)),
    )
    .option(
      "--scenario <FILE>",
      `a scenario in JSON, or one of: ${[...SCENARIOS.keys(), ...SPECIAL.keys()].join(", ")}`,
    )
    .option("--n <NUMBER>", "number of parties, 4 unless preset or scenario say it", wholeNumber(1, 100))
    .addOption(
      new Option(
        "--kappa <K>",
        "how many shares make the coin of binary agreement; t+1 is there to be seen failing",
      ).choices(["t+1", "n-t"]),
    )
    .addOption(new Option("--variant <NAME>", "how agreement treats its candidates").choices(Object.keys(VARIANTS)))
    .addOption(
      new Option(
        "--dissemination <MODE>",
        `how payloads get to all parties: ${DEFAULT_DISSEMINATION} unless the scenario says it`,
      ).choices(DISSEMINATIONS),
    )
    .option("--trace <OUT>", "where to write the trace: of the first violation, or of the run of a single seed")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast simulate --seeds 1..500",
        "abcast simulate --seeds 1..200 --dissemination inline",
        "abcast simulate --preset 4x4 --seeds 1..20 --variant random",
        "abcast simulate --scenario adaptive-coin --kappa n-t --seeds 1..1000",
        "abcast simulate --scenario link-failures --n 7 --seeds 1..20",
        "abcast simulate --seeds 7 --trace run.json",
      ),
    )
    .action(simulate);
}

function seedRange(text: string): Seeds {
  const [, first = "", last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(text) ?? [];
  const seeds = { from: Number(first), to: Number(last) };
  if (first === "" || seeds.to < seeds.from || seeds.to > MAX_SEED)
    throw new InvalidArgumentError(`It must be a seed, or A..B with A <= B, from 0 to ${MAX_SEED}.`);
  return seeds;
}

async function simulate(options: Options): Promise<void> {
  const output = createOutput(options);
  const special = SPECIAL.get(options.scenario ?? "");
  if (special !== undefined) return special(options, output);
  const scenario = await loadScenario(options);
  const { seeds, trace } = options;
  if (trace !== undefined) await checkTraceTarget(trace);
  const batch = runBatch(seeds, output, (seed) => simulateSeed({ seed, ...scenario }, HOST));
  const traced = await writeTrace(scenario, options, batch.violations, output);

  const report = {
    ...batch,
    n: adversaryOf(scenario).group.n,
    scenario,
    ...(traced === undefined ? {} : { trace: traced }),
  };
  const failed = batch.violations.map(({ seed }) => seed);
  const lines = [
    ...describeBatch(describeScenario(scenario), batch),
    ...repeatLines(options, failed),
    ...(traced === undefined
      ? []
      : [
          `a trace of seed ${traced.seed}, ${traced.actions} actions; look at it:`,
          `  abcast trace ${shellWord(traced.file)}`,
        ]),
  ];
  output.result(report, lines.join("\n"));
  if (batch.violations.length > 0) process.exitCode = EXIT.invalid;
}

/** Of the first violation; without any, of the only run, if that is asked for. */
async function writeTrace(
  scenario: Scenario,
  { seeds, trace }: Options,
  violations: readonly BatchFailure[],
  output: Output,
) {
  const [violation] = violations;
  if (violation !== undefined) {
    const { seed } = violation;
    const file = trace ?? `abcast-trace-${seed}.json`;
    try {
      return await traceFailure({ seed, ...scenario }, file, output);
    } catch (error) {
      // What failed is worth more than its trace.
      if (!(error instanceof InputError)) throw error;
      output.note(`no trace was written: ${error.message}`);
      return undefined;
    }
  }
  if (trace === undefined) return undefined;
  if (seeds.from !== seeds.to) {
    output.note(`no run failed, so there is nothing to write to ${trace}`);
    return undefined;
  }
  return traceRun({ seed: seeds.from, ...scenario }, trace);
}
