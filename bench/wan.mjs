/**
 * Latency over wide-area links, which a process emulates: real replicas and clients on this machine, with the delays between four
 * places of one continent, jitter, and losses as TCP shows them. Prints a table, or JSON with --json.
 *
 *     npm run bench:wan -- [--seconds 15] [--dissemination inline|certified] [--json]
 */
import { DEFAULT_DISSEMINATION, DISSEMINATIONS } from "../dist/protocols/index.js";
import { measureWan } from "./wan/measure.mjs";
import { choiceOf, parseOptions, usageError } from "../test/support/usage.mjs";
import { interruption, watch } from "./performance/watch.mjs";

const SCRIPT = "bench/wan.mjs";
const { values } = parseOptions(SCRIPT, {
  options: {
    seconds: { type: "string", default: "15" },
    dissemination: { type: "string", default: DEFAULT_DISSEMINATION },
    json: { type: "boolean", default: false },
  },
});
const seconds = Number(values.seconds);
if (!Number.isInteger(seconds) || seconds < 1)
  usageError(SCRIPT, `--seconds is "${values.seconds}"`, "give a whole number");

const report = await measureWan({
  seconds,
  warmUpSeconds: Math.min(5, seconds),
  dissemination: choiceOf(SCRIPT, values, "dissemination", DISSEMINATIONS),
  onPhase: watch("wide area"),
  signal: interruption(),
});
if (values.json) console.log(JSON.stringify(report));
else {
  const { medianOneWayMs, alone, half, saturated, logDigestsEqual } = report;
  console.log(`median one-way delay   ${medianOneWayMs} ms`);
  console.log(`a payload alone        p50 ${alone.latencyMs.p50} ms, ${alone.multiple} delays`);
  console.log(
    `at half load           p50 ${half.latencyMs.p50} ms, ${half.multiple} delays, ${half.payloadsPerSecond} payloads/s`,
  );
  console.log(`as many as go through  ${saturated.payloadsPerSecond} payloads/s`);
  console.log(`logs equal             ${logDigestsEqual ? "yes" : "NO"}`);
}
process.exitCode = report.logDigestsEqual ? 0 : 1;
