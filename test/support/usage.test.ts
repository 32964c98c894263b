/** Scripts that are called in a way that they do not know say so on one line: what, where, and what to do. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const MUTANTS = "test/mutants/run.mjs";
const EXPLORE = "test/sim/explore.mjs";
const COST = "bench/cost.mjs";

function run(script: string, words: readonly string[]): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [join(ROOT, script), ...words], { cwd: ROOT, encoding: "utf8" });
}

test.each<[string, string[], string]>([
  [MUTANTS, ["--only", "nope"], 'no mutant has "nope" in its name; names begin with core:, '],
  [MUTANTS, ["--only=nope"], 'no mutant has "nope" in its name; '],
  [MUTANTS, ["abba", "nope"], 'no mutant has "nope" in its name; '],
  [MUTANTS, ["--nope"], "Unknown option '--nope'; the options are --only, --check"],
  [EXPLORE, ["--protocol", "nope"], '--protocol is "nope"; give abba or mvba or lane, '],
  [EXPLORE, ["--rounds", "0"], '--rounds is "0"; give a number from 1 on'],
  [EXPLORE, ["--nope"], "Unknown option '--nope'; the options are --protocol, "],
  [COST, ["--max-n", "4"], '--max-n is "4"; give a number from 7 on'],
  [COST, ["--max-n", "x"], '--max-n is "x"; give a number from 7 on'],
  [COST, ["--max-n"], "Option '--max-n <value>' argument missing; the options are --max-n, "],
])("%s %j", (script, words, message) => {
  const { status, stdout, stderr } = run(script, words);
  expect(stderr).toContain(`${script}: ${message}`);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect(stdout).toBe("");
  expect(status).toBe(2);
});

test("both forms of --only, and plain words, are known", () => {
  for (const words of [["--only=abba"], ["--only", "abba"], ["abba"], ["--only=abba", "crypto:"]])
    expect(run(MUTANTS, [...words, "--check"])).toMatchObject({ status: 0, stderr: "" });
});
