/** `abcast simulate`: the production protocols under seeded adversaries, many runs in a row. One seed is one run. */
import { createHash } from "node:crypto";
import { type Command, InvalidArgumentError, Option } from "commander";
import { type RunReport, type SimulationOptions, Violation, simulate as simulateSeed } from "../../sim/index.js";
import { EXIT } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";

/** Each way to run agreement, by the name of what is special about it. */
const VARIANTS = {
  fixed: { order: "fixed" },
  random: { order: "random" },
  adaptive: { order: "adaptive" },
  "on-request": { order: "fixed", delivery: "on-request" },
  parallel: { order: "random", parallel: 2 },
} as const satisfies Record<string, Partial<SimulationOptions>>;

type VariantName = keyof typeof VARIANTS;

interface Seeds {
  readonly from: number;
  readonly to: number;
}

interface Options {
  readonly seeds: Seeds;
  readonly n: number;
  readonly variant: VariantName;
  readonly json?: boolean;
}

export function registerSimulate(program: Command): void {
  program
    .command("simulate")
    .summary("run the protocols under seeded adversaries")
    .description(
      "Runs atomic broadcast among n simulated parties, of which (n-1)/3 are corrupted, with crashes, broken links and hostile schedules drawn from " +
        "the seed: first with faults, then without, until all honest parties agree. Every property is checked after every step. Exit code 1 when one is violated; " +
        "the seed repeats the run, step by step, on any machine.",
    )
    .option("--seeds <A..B>", "seeds to run, or one seed", seedRange, { from: 1, to: 100 })
    .option("--n <NUMBER>", "number of parties", wholeNumber(1, 100), 4)
    .addOption(
      new Option("--variant <NAME>", "how agreement treats its candidates")
        .choices(Object.keys(VARIANTS))
        .default("fixed"),
    )
    .addOption(jsonOption())
    .addHelpText("after", example("abcast simulate --seeds 1..500", "abcast simulate --seeds 7 --n 7 --variant random"))
    .action(simulate);
}

function seedRange(text: string): Seeds {
  const [, first = "", last = first] = /^(\d{1,10})(?:\.\.(\d{1,10}))?$/.exec(text) ?? [];
  const seeds = { from: Number(first), to: Number(last) };
  if (first === "" || seeds.to < seeds.from) throw new InvalidArgumentError("It must be a seed, or A..B with A <= B.");
  return seeds;
}

interface Failure {
  readonly seed: number;
  readonly property: string;
  readonly message: string;
}

function simulate(options: Options): void {
  const { n, variant, seeds } = options;
  const output = createOutput(options);
  const trace = createHash("sha256");
  const actions = new Map<string, number>();
  const violations: Failure[] = [];
  const runs = seeds.to - seeds.from + 1;
  const startedMs = performance.now();

  for (let seed = seeds.from; seed <= seeds.to; seed++) {
    const result = runSeed({ seed, n, ...VARIANTS[variant] });
    if ("property" in result) {
      violations.push(result);
      trace.update(`violation of ${result.property}`);
      output.note(`seed ${seed}: ${result.property}: ${result.message}`);
    } else {
      trace.update(result.traceSha256);
      for (const [action, count] of Object.entries(result.actions))
        actions.set(action, (actions.get(action) ?? 0) + count);
    }
    showProgress(output, seed - seeds.from + 1, runs);
  }
  output.live?.clear();

  const runsPerSecond = Math.round((10_000 * runs) / (performance.now() - startedMs)) / 10;
  const report = {
    runs,
    violations,
    traceSha256: trace.digest("hex"),
    runsPerSecond,
    actions: Object.fromEntries([...actions].toSorted(([a], [b]) => (a < b ? -1 : 1))),
    n,
    variant,
  };
  output.result(report, describe(report));
  if (violations.length > 0) process.exitCode = EXIT.invalid;
}

function runSeed(options: SimulationOptions): RunReport | Failure {
  try {
    return simulateSeed(options);
  } catch (error) {
    // Whatever stops an honest party is a violation as well, and the seed that repeats it must not be lost.
    const property = error instanceof Violation ? error.property : "no honest party stops";
    return { seed: options.seed, property, message: error instanceof Error ? error.message : String(error) };
  }
}

function showProgress(output: Output, done: number, runs: number): void {
  if (done % 10 === 0) output.live?.show(`${done} of ${runs} runs`);
}

function describe({
  runs,
  violations,
  traceSha256,
  runsPerSecond,
  actions,
  n,
  variant,
}: {
  readonly runs: number;
  readonly violations: readonly Failure[];
  readonly traceSha256: string;
  readonly runsPerSecond: number;
  readonly actions: Readonly<Record<string, number>>;
  readonly n: number;
  readonly variant: string;
}): string {
  const again = violations.map(({ seed }) => `  abcast simulate --seeds ${seed} --n ${n} --variant ${variant}`);
  return [
    `${runs} runs at n=${n}, ${variant}: ${violations.length} violations, ${runsPerSecond} runs/s, trace ${traceSha256.slice(0, 16)}`,
    ...Object.entries(actions).map(([action, count]) => `  ${action.padEnd(32)} ${count}`),
    ...(again.length === 0 ? [] : ["to repeat what failed:", ...again]),
  ].join("\n");
}
