/** Which scenario a command line asks for: a file or a name, and the options that say the same as its fields. */
import { SCENARIOS, type Scenario, ScenarioError, checkScenario, scenarioSchema } from "../../sim/index.js";
import { DEFAULT_DISSEMINATION, type DisseminationMode } from "../../protocols/index.js";
import { InputError } from "../errors.js";
import type { Seeds } from "./batch.js";
import { readFileAs, shellWord } from "../../replica/config-files.js";

/** Each way to run agreement, by the name of what is special about it. */
export const VARIANTS = {
  fixed: { order: "fixed" },
  random: { order: "random" },
  adaptive: { order: "adaptive" },
  "on-request": { order: "fixed", delivery: "on-request" },
  parallel: { order: "random", parallel: 2 },
} as const satisfies Record<string, Scenario>;

export type VariantName = keyof typeof VARIANTS;

export interface ScenarioOptions {
  readonly preset?: string;
  readonly scenario?: string;
  readonly n?: number;
  readonly variant?: VariantName;
  readonly kappa?: "t+1" | "n-t";
  readonly dissemination?: DisseminationMode;
}

/** @throws InputError when the file is no scenario, or when what is asked for contradicts itself */
export async function loadScenario(options: ScenarioOptions): Promise<Scenario> {
  const { preset, scenario: file, n, variant, kappa, dissemination } = options;
  const base = file === undefined ? {} : (SCENARIOS.get(file) ?? (await readFileAs(file, scenarioSchema, "open")));
  const asked = {
    ...base,
    ...(preset === undefined ? {} : { preset }),
    ...(n === undefined ? {} : { n }),
    ...(variant === undefined ? {} : VARIANTS[variant]),
    ...(kappa === undefined ? {} : { kappa }),
    ...(dissemination === undefined ? {} : { dissemination }),
  };
  const scenario = scenarioSchema.parse(asked);
  try {
    checkScenario(scenario);
  } catch (error) {
    if (error instanceof ScenarioError) throw new InputError(placeOf(options), error.message);
    throw error;
  }
  return scenario;
}

/** What is to be changed, as far as can be told. */
function placeOf({ n, scenario }: ScenarioOptions): { readonly option: string } {
  if (n !== undefined) return { option: "--n" };
  return { option: scenario === undefined ? "--preset" : "--scenario" };
}

/** For a line about the runs. */
export function describeScenario({
  preset,
  n = 4,
  order = "fixed",
  delivery = "full",
  parallel = 1,
  dissemination = DEFAULT_DISSEMINATION,
}: Scenario): string {
  const variant = [
    order,
    dissemination,
    ...(delivery === "full" ? [] : [delivery]),
    ...(parallel === 1 ? [] : [`${parallel} in parallel`]),
  ];
  return `at ${preset ?? `n=${n}`}, ${variant.join(", ")}`;
}

export interface BatchOptions extends ScenarioOptions {
  readonly seeds: Seeds;
  readonly trace?: string;
}

/** What means nothing in a scenario with an adversary of its own is not silently ignored. */
export function refuse(options: BatchOptions, names: readonly (keyof BatchOptions)[]): void {
  for (const name of names) {
    if (options[name] === undefined) continue;
    throw new InputError({ option: `--${name}` }, `cannot be used with --scenario ${options.scenario}`);
  }
}

/** The command lines that repeat what failed, a heading before them; nothing when nothing did. */
export function repeatLines(options: BatchOptions, seeds: readonly number[]): readonly string[] {
  if (seeds.length === 0) return [];
  const { preset, scenario, n, variant, kappa, dissemination } = options;
  const words = Object.entries({ preset, scenario, n, variant, kappa, dissemination })
    .map(([name, value]) => (value === undefined ? "" : ` --${name} ${shellWord(String(value))}`))
    .join("");
  return ["to repeat what failed:", ...seeds.map((seed) => `  abcast simulate --seeds ${seed}${words}`)];
}
