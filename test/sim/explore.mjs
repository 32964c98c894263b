/**
 * Explores all small schedules of binary and of multi-valued agreement, and of a lane (docs/exploration.md). Exit code 1 when something is wrong, 2
 * when the options are.
 *
 *     npm run test:explore -- [--protocol abba|mvba|lane] [--rounds R] [--tries T] [--only TEXT] \
 *         [--max-states N] [--mutant NAME] [--json]
 *
 * `--only` takes the cases whose name contains the text, such as "inputs 011".
 */
import { loadOpened } from "../support/open-sources.mjs";
import { parseOptions, usageError } from "../support/usage.mjs";

const PROTOCOLS = ["abba", "mvba", "lane"];
const SCRIPT = "test/sim/explore.mjs";
const refuse = (problem, advice) => usageError(SCRIPT, problem, advice);

const { values } = parseOptions(SCRIPT, {
  options: {
    protocol: { type: "string" },
    rounds: { type: "string", default: "2" },
    tries: { type: "string", default: "2" },
    "max-states": { type: "string", default: "2000000" },
    only: { type: "string", default: "" },
    mutant: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
for (const name of ["rounds", "tries", "max-states"])
  if (!/^[1-9][0-9]{0,14}$/.test(values[name])) refuse(`--${name} is "${values[name]}"`, "give a number from 1 on");
if (values.protocol !== undefined && !PROTOCOLS.includes(values.protocol))
  refuse(`--protocol is "${values.protocol}"`, `give ${PROTOCOLS.join(" or ")}, or leave it out for all`);
const [rounds, tries, maxStates] = [values.rounds, values.tries, values["max-states"]].map(Number);
const protocols = values.protocol === undefined ? PROTOCOLS : [values.protocol];

const { abbaCases, AbbaModel, mvbaCases, MvbaModel, laneCases, LaneModel, search } = await loadOpened(
  "sim/explore/index.ts",
  values.mutant,
);

/** @returns {Iterable<{ name: string, model: object }>} each model only when it is its turn: they take memory */
function* models(protocol) {
  const [cases, Model] = {
    abba: () => [abbaCases(rounds), AbbaModel],
    mvba: () => [mvbaCases(tries), MvbaModel],
    lane: () => [laneCases(), LaneModel],
  }[protocol]();
  for (const { name, options } of cases) if (name.includes(values.only)) yield { name, model: new Model(options) };
}

const results = [];
for (const protocol of protocols) {
  for (const { name, model } of models(protocol)) {
    const before = process.cpuUsage().user;
    const exploration = search(model, { maxStates });
    const cpuSeconds = Math.round((process.cpuUsage().user - before) / 1e5) / 10;
    const memoryMegabytes = Math.round(process.memoryUsage().rss / 1e6);
    const result = { protocol, name, ...exploration, localStates: model.localStates, cpuSeconds, memoryMegabytes };
    results.push(result);
    if (!values.json) print(result);
    if (exploration.violation !== undefined && values.mutant !== undefined) break;
  }
}
if (results.length === 0) refuse(`--only is "${values.only}", which is in no case's name`, "leave it out to see all");
if (values.json) console.log(JSON.stringify(results));
const isViolated = results.some(({ violation, isComplete }) => violation !== undefined || !isComplete);
process.exitCode = isViolated ? 1 : 0;

function print({ protocol, name, states, transitions, depth, final, localStates, isComplete, violation, ...cost }) {
  const outcome =
    violation === undefined ? (isComplete ? "no violation" : "stopped at the bound on states") : "VIOLATION";
  console.log(
    `${protocol} ${name}: ${states} states (${localStates} local), ${transitions} transitions, depth ${depth}, ` +
      `${final} final, ${cost.cpuSeconds} s CPU, ${cost.memoryMegabytes} MB: ${outcome}`,
  );
  if (violation === undefined) return;
  console.log(`  ${violation.problem}`);
  for (const [index, label] of violation.schedule.entries()) console.log(`  ${index + 1}. ${label}`);
}
