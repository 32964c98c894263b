/**
 * The seeds that a mutant of the protocols meets first (run.mjs): every variant, both modes of dissemination, several structures, and
 * the adversary of the coin. The unchanged code keeps every property on all of them.
 */
import { test } from "vitest";
import type { DisseminationMode } from "../../src/protocols/index.js";
import { type Scenario, Violation, runAdaptiveCoin, simulate } from "../../src/sim/index.js";

interface Seeds {
  readonly name: string;
  readonly scenario: Scenario;
  readonly to: number;
}

const INLINE: readonly Seeds[] = [
  { name: "fixed", scenario: {}, to: 60 },
  { name: "random", scenario: { order: "random" }, to: 60 },
  { name: "adaptive", scenario: { order: "adaptive" }, to: 30 },
  { name: "on-request", scenario: { order: "random", delivery: "on-request" }, to: 30 },
  { name: "parallel", scenario: { order: "random", parallel: 2 }, to: 30 },
  { name: "two channels, c=t+1", scenario: { channels: ["abc", "other"], vectorSize: 2 }, to: 20 },
  { name: "liars", scenario: { order: "random", weather: { rate: 1, crashRate: 0 } }, to: 60 },
  { name: "hybrid-8", scenario: { preset: "hybrid-8" }, to: 5 },
  { name: "weighted", scenario: { preset: "weighted", order: "random" }, to: 5 },
];
const CERTIFIED: readonly Seeds[] = [
  { name: "fixed", scenario: {}, to: 40 },
  { name: "liars on request", scenario: { order: "random", delivery: "on-request", weather: { rate: 1 } }, to: 40 },
  { name: "hybrid-8", scenario: { preset: "hybrid-8" }, to: 3 },
];

function swarmsIn(dissemination: DisseminationMode, swarms: readonly Seeds[]): readonly Seeds[] {
  return swarms.map(({ name, scenario, to }) => ({
    name: `${dissemination}, ${name}`,
    scenario: { ...scenario, dissemination },
    to,
  }));
}

const SWARMS = [...swarmsIn("inline", INLINE), ...swarmsIn("certified", CERTIFIED)];

/** The seed at which `run` throws, with how many runs that took, as run.mjs prints it. */
function firstFailure(): string | undefined {
  let runs = 0;
  const attempt = (name: string, seed: number, run: () => unknown): string | undefined => {
    runs++;
    try {
      run();
      return undefined;
    } catch (error) {
      const what = error instanceof Violation ? error.property : "no honest party stops";
      return `caught after ${runs} seeds: ${name}, seed ${seed}: ${what}`;
    }
  };
  for (const { name, scenario, to } of SWARMS) {
    for (let seed = 1; seed <= to; seed++) {
      const failure = attempt(name, seed, () => simulate({ seed, maxSteps: 100_000, ...scenario }));
      if (failure !== undefined) return failure;
    }
  }
  for (let seed = 1; seed <= 20; seed++) {
    const failure = attempt("adaptive-coin", seed, () => {
      const { decided } = runAdaptiveCoin({ seed, kappa: "n-t", maxRounds: 60 });
      if (!decided) throw new Violation("termination", "no decision within 60 rounds");
    });
    if (failure !== undefined) return failure;
  }
  return undefined;
}

test("no seed breaks a property", () => {
  const failure = firstFailure();
  if (failure !== undefined) throw new Error(failure);
});
