/** Dissemination in certified batches under the simulator's adversaries. */
import { expect, test } from "vitest";
import { LANE_ATTACKS } from "../../src/sim/byzantine-lanes.js";
import { type Scenario, simulate } from "../../src/sim/index.js";

function run(scenario: Scenario, from: number, to: number): Readonly<Record<string, number>> {
  const actions: Record<string, number> = {};
  for (let seed = from; seed <= to; seed++)
    for (const [name, count] of Object.entries(simulate({ seed, dissemination: "certified", ...scenario }).actions))
      actions[name] = (actions[name] ?? 0) + count;
  return actions;
}

const SCENARIOS: readonly (readonly [string, Scenario, to: number])[] = [
  ["n=4", {}, 40],
  ["n=7, random order", { n: 7, order: "random" }, 6],
  ["on request", { order: "random", delivery: "on-request" }, 15],
  ["two channels, c=t+1", { channels: ["abc", "other"], vectorSize: 2, payloads: 12 }, 10],
  ["hybrid-8", { preset: "hybrid-8" }, 3],
  ["full windows, a slow party", { payloads: 30, weather: { laneWindow: 1, maxEntryPayloads: 1, slow: 1 } }, 6],
];

test.each(SCENARIOS)("every property holds: %s", (_, scenario, to) => {
  run(scenario, 1, to);
});

test("every lie about lanes is told, and batches are asked for", () => {
  const actions = run({ payloads: 12, weather: { rate: 0.5, laneAttacks: [...LANE_ATTACKS] } }, 1, 40);
  for (const attack of LANE_ATTACKS) expect(actions[`attack:${attack}`], attack).toBeGreaterThan(0);
  expect(actions["ask-batch"]).toBeGreaterThan(10);
});

// Each of these broke something.
test.each([
  ["a batch that a cut proved before its parent came was delivered and not kept for others", 311, {}],
  ["the same, with seven parties", 8, { n: 7, order: "random" }],
] satisfies (readonly [string, number, Scenario])[])("%s", (_, seed, scenario) => {
  run(scenario, seed, seed);
});
