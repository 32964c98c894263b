/** Which scenario a command line asks for: a file or a name, and the options that say the same as its fields. */
import { GroupError } from "../../core/group.js";
import { SCENARIOS, type Scenario, adversaryOf, scenarioSchema } from "../../sim/index.js";
import { InputError } from "../errors.js";
import type { Seeds } from "./batch.js";
import { readFileAs } from "../../replica/config-files.js";

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
}

/** @throws InputError when the file is no scenario, or when what is asked for contradicts itself */
export async function loadScenario({ preset, scenario: file, n, variant, kappa }: ScenarioOptions): Promise<Scenario> {
  const base = file === undefined ? {} : (SCENARIOS[file] ?? (await readFileAs(file, scenarioSchema, "open")));
  const asked = {
    ...base,
    ...(preset === undefined ? {} : { preset }),
    ...(n === undefined ? {} : { n }),
    ...(variant === undefined ? {} : VARIANTS[variant]),
    ...(kappa === undefined ? {} : { kappa }),
  };
  if (asked.preset !== undefined && asked.n !== undefined)
    throw new InputError(
      { option: "--n" },
      `contradicts the preset ${asked.preset}, which has its own number of parties`,
    );
  const scenario = scenarioSchema.parse(asked);
  check(scenario);
  return scenario;
}

/** Whether the scenario can be run at all. */
function check(scenario: Scenario): void {
  const place = { option: "--scenario" };
  try {
    const { group } = adversaryOf(scenario);
    const { vectorSize, weather } = scenario;
    if (vectorSize !== undefined && vectorSize > group.n) throw new GroupError(`c=${vectorSize} exceeds n=${group.n}`);
    if (weather?.slow !== undefined && weather.slow >= group.n)
      throw new GroupError(`there is no party ${weather.slow} to be slow: parties count from 0 to ${group.n - 1}`);
  } catch (error) {
    if (error instanceof GroupError) throw new InputError(place, error.message);
    throw error;
  }
}

/** For a line about the runs. */
export function describeScenario({
  preset,
  n = 4,
  order = "fixed",
  delivery = "full",
  parallel = 1,
}: Scenario): string {
  const variant = [
    order,
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
