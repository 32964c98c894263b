/** The form for a new run. */
import { PRESETS, presetNamed } from "../../core/presets.js";
import { SCENARIOS, type Scenario, scenarioSchema } from "../../sim/scenario.js";
import type { SimulationOptions } from "../../sim/simulation.js";
import { byId, make } from "../common/dom.js";

const SMALLEST = 4;
const LARGEST = 16;

/** What the scenarios do, in words. */
const FAULTS: Readonly<Record<string, string>> = {
  calm: "none but mine",
  swarm: "whatever the seed draws",
  "one-round": "drawn, and all payloads at once",
  partition: "partitions",
  crashes: "many crashes",
  liars: "as many liars as tolerated",
  starvation: "starved links",
};

export function fillSettings(): void {
  const group = byId("group", HTMLSelectElement);
  for (let n = SMALLEST; n <= LARGEST; n++) group.append(make("option", { value: `n ${n}` }, `${n} parties`));
  for (const { name } of PRESETS) group.append(make("option", { value: `preset ${name}` }, `preset ${name}`));
  group.addEventListener("change", describeGroup);
  const scenario = byId("scenario", HTMLSelectElement);
  for (const name of SCENARIOS.keys()) scenario.append(make("option", { value: name }, FAULTS[name] ?? name));
  scenario.value = "calm";
  describeGroup();
}

function describeGroup(): void {
  const [kind, name = ""] = byId("group", HTMLSelectElement).value.split(" ");
  const tolerated = Math.floor((Number(name) - 1) / 3);
  byId("group-description", HTMLElement).textContent =
    kind === "preset" ? (presetNamed(name)?.description ?? "") : `${name} parties, of which any ${tolerated} may fail`;
}

/** What the form says. @throws Error for what no run can have; the browser keeps most of that out of the form */
export function readSettings(): SimulationOptions {
  const valueOf = (id: string): string => byId(id, HTMLSelectElement).value;
  const numberOf = (id: string): number => byId(id, HTMLInputElement).valueAsNumber;
  const [kind, name] = valueOf("group").split(" ");
  const base: Scenario = SCENARIOS.get(valueOf("scenario")) ?? {};
  const calm = valueOf("scenario") === "calm" ? { slow: null, lifo: 0 } : {};
  const scenario = scenarioSchema.parse({
    ...base,
    ...(kind === "preset" ? { preset: name } : { n: Number(name) }),
    dissemination: valueOf("dissemination"),
    order: valueOf("order"),
    delivery: valueOf("delivery"),
    parallel: numberOf("parallel"),
    payloads: numberOf("payloads"),
    // Payloads are their names, so that logs can be read.
    weather: { ...base.weather, ...calm, rate: Number(valueOf("rate")), payloadBytes: 0 },
  });
  return { seed: numberOf("seed"), ...scenario };
}
