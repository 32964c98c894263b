/**
 * Judges a history that a chaos run has written: whether it is linearisable (docs/chaos.md).
 *
 *     node test/chaos/check-history.mjs FILE [--max-configurations 2000000]
 *
 * Exit code 0: it is. 1: it is not. 2: the file cannot be read, or the search was given up.
 */
import { readFileSync } from "node:fs";
import { parseOptions, usageError } from "../support/usage.mjs";
import { SearchLimitError, findViolations, parseHistory } from "./linearizability.mjs";

const SCRIPT = "check-history";
const { values, positionals } = parseOptions(SCRIPT, {
  allowPositionals: true,
  options: { "max-configurations": { type: "string", default: "2000000" } },
});
const [file] = positionals;
const maxConfigurations = Number(values["max-configurations"]);
if (file === undefined || positionals.length > 1) usageError(SCRIPT, "one file is expected", "give a history.jsonl");
if (!Number.isSafeInteger(maxConfigurations) || maxConfigurations < 1)
  usageError(SCRIPT, "--max-configurations is no positive integer", "leave it out for 2000000");

function read() {
  try {
    return parseHistory(readFileSync(file, "utf8"));
  } catch (error) {
    return usageError(SCRIPT, `${file}: ${error.message}`, "give a history that a chaos run has written");
  }
}

const history = read();
try {
  const violations = findViolations(history, { maxConfigurations });
  const unknown = history.filter(({ endNs }) => endNs === null).length;
  for (const violation of violations) console.log(JSON.stringify(violation));
  const verdict = violations.length === 0 ? "linearisable" : `${violations.length} keys are not linearisable`;
  console.log(`${history.length} operations, ${unknown} of unknown outcome: ${verdict}`);
  process.exitCode = violations.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof SearchLimitError)) throw error;
  usageError(SCRIPT, error.message, "raise --max-configurations");
}
