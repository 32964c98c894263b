/**
 * Many seeds of the simulator, outside the test suite. One seed is one run; a failure names the seed that repeats it.
 *
 *     npm run test:seeds -- [--from 1] [--to 5000] [--n 4] [--json]
 */
import { parseArgs } from "node:util";
import { simulate } from "../../dist/sim/index.js";

const { values } = parseArgs({
  options: {
    from: { type: "string", default: "1" },
    to: { type: "string", default: "5000" },
    n: { type: "string", default: "4" },
    json: { type: "boolean", default: false },
  },
});
const [from, to, n] = [values.from, values.to, values.n].map(Number);
const byzantine = Math.floor((n - 1) / 3);
const startedMs = performance.now();
const actions = {};
let rounds = 0;
const violations = [];

for (let seed = from; seed <= to; seed++) {
  try {
    // The same choices as test/sim/agreement.test.ts, so that a seed means the same there.
    const report = simulate({
      seed,
      n,
      order: seed % 2 === 0 ? "random" : "fixed",
      channels: seed % 5 === 0 ? ["abc", "other"] : ["abc"],
      vectorSize: seed % 3 === 0 ? byzantine + 1 : n - byzantine,
    });
    rounds += report.rounds;
    for (const [action, count] of Object.entries(report.actions)) actions[action] = (actions[action] ?? 0) + count;
  } catch (error) {
    violations.push({ seed, error: String(error) });
    process.stderr.write(`\rseed ${seed}: ${String(error).slice(0, 300)}\n`);
  }
  if (process.stderr.isTTY && seed % 20 === 0) process.stderr.write(`\r${seed - from + 1} of ${to - from + 1} seeds`);
}

const runs = to - from + 1;
const elapsedSeconds = (performance.now() - startedMs) / 1000;
const perSecond = (count) => Math.round((10 * count) / elapsedSeconds) / 10;
const [runsPerSecond, roundsPerSecond] = [runs, rounds].map(perSecond);
if (process.stderr.isTTY) process.stderr.write("\r");
if (values.json) console.log(JSON.stringify({ runs, n, violations, runsPerSecond, roundsPerSecond, actions }));
else {
  console.log(
    `${runs} seeds at n=${n}, ${violations.length} violations, ${runsPerSecond} runs/s, ${roundsPerSecond} rounds/s`,
  );
  for (const [action, count] of Object.entries(actions)) console.log(`  ${action.padEnd(32)} ${count}`);
}
process.exitCode = violations.length === 0 ? 0 : 1;
