/** `abcast simulate`: the production protocols under seeded adversaries, many runs in a row. One seed is one run. */
import { createHash } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import { PRESETS } from "../../core/presets.js";
import { SCENARIOS, type Scenario, adversaryOf, simulate as simulateSeed } from "../../sim/index.js";
import { EXIT, InputError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { simulateAdaptiveCoin } from "../simulation/adaptive-coin.js";
import { type BatchFailure, type Seeds, describeBatch, runBatch } from "../simulation/batch.js";
import { simulateLinkFailures } from "../simulation/link-failures.js";
import {
  type BatchOptions,
  type ScenarioOptions,
  VARIANTS,
  describeScenario,
  loadScenario,
} from "../simulation/scenario.js";
import { checkTraceTarget, traceFailure, traceRun } from "../simulation/tracing.js";

/** Native: the trace is a tenth of a run otherwise. */
const HOST = { newHash: () => createHash("sha256") };

/** Scenarios with an adversary of their own. */
const SPECIAL: Readonly<Record<string, (options: BatchOptions, output: Output) => void>> = {
  "adaptive-coin": simulateAdaptiveCoin,
  "link-failures": simulateLinkFailures,
};

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
      `a scenario in JSON, or one of: ${[...Object.keys(SCENARIOS), ...Object.keys(SPECIAL)].join(", ")}`,
    )
    .option("--n <NUMBER>", "number of parties, 4 unless preset or scenario say it", wholeNumber(1, 100))
    .addOption(
      new Option(
        "--kappa <K>",
        "how many shares make the coin of binary agreement; t+1 is there to be seen failing",
      ).choices(["t+1", "n-t"]),
    )
    .addOption(new Option("--variant <NAME>", "how agreement treats its candidates").choices(Object.keys(VARIANTS)))
    .option("--trace <OUT>", "where to write the trace: of the first violation, or of the run of a single seed")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast simulate --seeds 1..500",
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
  if (first === "" || seeds.to < seeds.from) throw new InvalidArgumentError("It must be a seed, or A..B with A <= B.");
  return seeds;
}

async function simulate(options: Options): Promise<void> {
  const output = createOutput(options);
  const special = SPECIAL[options.scenario ?? ""];
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
  const again = batch.violations.map(({ seed }) => `  abcast simulate --seeds ${seed}${wordsOf(options)}`);
  const lines = [
    ...describeBatch(describeScenario(scenario), batch),
    ...(again.length === 0 ? [] : ["to repeat what failed:", ...again]),
    ...(traced === undefined
      ? []
      : [`a trace of seed ${traced.seed}, ${traced.actions} actions; look at it:`, `  abcast trace ${traced.file}`]),
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
    return traceFailure({ seed, ...scenario }, trace ?? `abcast-trace-${seed}.json`, output);
  }
  if (trace === undefined) return undefined;
  if (seeds.from !== seeds.to)
    throw new InputError({ option: "--trace" }, "has nothing to write: no run failed, and --seeds names more than one");
  return traceRun({ seed: seeds.from, ...scenario }, trace);
}

/** The options that chose the scenario, to be typed again. */
function wordsOf({ preset, scenario, n, variant, kappa }: ScenarioOptions): string {
  return Object.entries({ preset, scenario, n, variant, kappa })
    .map(([name, value]) => (value === undefined ? "" : ` --${name} ${value}`))
    .join("");
}
