/**
 * What a run is about, apart from its seed: how many parties, who may fail, which variant, which faults. A file of a scenario is a
 * JSON object of these fields; what it leaves out each seed draws for itself.
 */
import { z } from "zod";
import { type Group, structureGroup } from "../core/group.js";
import { PRESETS, presetNamed } from "../core/presets.js";
import { MAX_VECTOR_SIZE, type VectorSize } from "../protocols/atomic-broadcast/messages.js";
import { DISSEMINATIONS, vectorSizeProblem } from "../protocols/index.js";
import type { Structure } from "../core/structure.js";
import { ATTACKS } from "./byzantine.js";
import { LANE_ATTACKS } from "./byzantine-lanes.js";

const rate = z.number().min(0).max(1);
const count = (max: number) => z.number().int().min(0).max(max);

export const weatherSchema = z.strictObject({
  rate: rate.optional(),
  attacks: z.array(z.enum(ATTACKS)).min(1).optional(),
  crashRate: rate.optional(),
  breakRate: rate.optional(),
  partitionRate: z.number().min(0).max(0.1).optional(),
  slow: count(255).nullable().optional(),
  starvation: rate.optional(),
  lifo: rate.optional(),
  burst: z.boolean().optional(),
  copies: z.enum(["some", "all"]).optional(),
  maxEntryPayloads: z.number().int().min(1).max(256).optional(),
  payloadBytes: count(4096).optional(),
  checkpointInterval: count(1000).optional(),
  isPaced: z.boolean().optional(),
  laneWindow: z.number().int().min(1).max(1024).optional(),
  laneAttacks: z.array(z.enum(LANE_ATTACKS)).min(1).optional(),
});

export const scenarioSchema = z.strictObject({
  /** A group with its adversary structure; else `n` parties of which any (n-1)/3 may be corrupted. */
  preset: z.enum(PRESETS.map(({ name }) => name)).optional(),
  n: z.number().int().min(1).max(100).optional(),
  order: z.enum(["fixed", "random", "adaptive"]).optional(),
  /** How payloads get to all parties; `DEFAULT_DISSEMINATION` unless given. */
  dissemination: z.enum(DISSEMINATIONS).optional(),
  delivery: z.enum(["full", "on-request"]).optional(),
  parallel: z.number().int().min(1).max(16).optional(),
  /** c; n-t unless given, and a quorum's in a preset. */
  vectorSize: z.number().int().min(1).max(100).optional(),
  /** How many shares make the coin of binary agreement; with t+1 a scheduler can keep the decision away (docs/adaptive-coin.md). */
  kappa: z.enum(["t+1", "n-t"]).optional(),
  /** How many parties are corrupted, and how many stop for ever, of those that may; all of them unless given. */
  corrupted: count(100).optional(),
  stopped: count(100).optional(),
  /** Payloads that clients hand to honest parties. */
  payloads: count(1000).optional(),
  channels: z
    .array(z.string().regex(/^[a-z][a-z-]{0,15}$/))
    .min(1)
    .max(4)
    .optional(),
  /** Messages that arrive, or are lost, after which a run counts as stuck. */
  maxSteps: z.number().int().min(1).max(100_000_000).optional(),
  weather: weatherSchema.optional(),
});

export type Scenario = Readonly<z.output<typeof scenarioSchema>>;

/** Scenarios with a name. Without one, each seed draws everything. */
export const SCENARIOS: ReadonlyMap<string, Scenario> = new Map<string, Scenario>(
  Object.entries({
    swarm: {},
    calm: { corrupted: 0, stopped: 0, weather: { crashRate: 0, breakRate: 0, partitionRate: 0, starvation: 0 } },
    "one-round": { payloads: 4, weather: { burst: true, copies: "all", maxEntryPayloads: 256 } },
    partition: { weather: { partitionRate: 0.01, crashRate: 0 } },
    crashes: { weather: { crashRate: 0.02 } },
    liars: { weather: { rate: 1, attacks: [...ATTACKS], crashRate: 0, breakRate: 0, partitionRate: 0 } },
    starvation: { weather: { starvation: 0.4 } },
  }),
);

export interface Adversary {
  readonly group: Group;
  readonly byzantine: Structure;
  readonly crash: Structure;
}

/** @throws GroupError when there is no such group */
export function adversaryOf({ preset, n = 4 }: Scenario): Adversary {
  const named = preset === undefined ? undefined : presetNamed(preset);
  const byzantine = named?.byzantine ?? { kind: "threshold", max: Math.floor((n - 1) / 3) };
  const crash = named?.crash ?? { kind: "threshold", max: 0 };
  return {
    group: structureGroup({ n: named?.n ?? n, byzantine, crash }),
    byzantine,
    crash,
  };
}

/** c: what the scenario says, else as many as can be; or a quorum's, where numbers say little. */
export function vectorSizeOf(scenario: Scenario, { group, byzantine, crash }: Adversary): VectorSize {
  if (scenario.vectorSize !== undefined) return scenario.vectorSize;
  if (byzantine.kind !== "threshold" || crash.kind !== "threshold") return "quorum";
  return Math.min(group.n - byzantine.max - crash.max, MAX_VECTOR_SIZE);
}

/** A scenario that cannot be run. */
export class ScenarioError extends Error {
  override readonly name = "ScenarioError";
}

/** @throws ScenarioError when what the scenario asks for cannot be, or contradicts itself */
export function checkScenario(scenario: Scenario): void {
  const problem = problemOf(scenario);
  if (problem !== undefined) throw new ScenarioError(problem);
}

function problemOf(scenario: Scenario): string | undefined {
  const { preset, n, weather, channels = [] } = scenario;
  if (preset !== undefined && n !== undefined) return `the preset ${preset} has its own number of parties: leave n out`;
  const adversary = adversaryOf(scenario);
  const { group } = adversary;
  const vectorSize = vectorSizeOf(scenario, adversary);
  if (vectorSize !== "quorum" && vectorSize > MAX_VECTOR_SIZE)
    return `c=${vectorSize} is more than ${MAX_VECTOR_SIZE}, the greatest vector that can be broadcast`;
  const problem = vectorSizeProblem(vectorSize, group);
  if (problem !== undefined) return `${problem}; at most ${MAX_VECTOR_SIZE} entries can be broadcast`;
  if (typeof weather?.slow === "number" && weather.slow >= group.n)
    return `there is no party ${weather.slow} to be slow: parties count from 0 to ${group.n - 1}`;
  return new Set(channels).size < channels.length ? "two channels have one name" : undefined;
}
