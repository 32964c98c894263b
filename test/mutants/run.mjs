/**
 * Proves that the tests of protocols and cryptography notice when a check is gone: applies one mutant at a time to a copy of the
 * sources and runs the tests there, after having seen them pass without any. Prints which test caught it, or how many seeds of
 * the simulator that took; exit code 1 when a mutant survives.
 *
 *   node test/mutants/run.mjs              all mutants
 *   node test/mutants/run.mjs coin vote    those whose name contains one of the words
 *   node test/mutants/run.mjs --only coin  the same; also --only=coin, and several times
 *   node test/mutants/run.mjs crypto:      those of the cryptography
 *   node test/mutants/run.mjs --check      none: only whether they still fit the sources
 *
 * Exit code 2 when the options are none of these.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseOptions, usageError } from "../support/usage.mjs";
import { AGREEMENT_MUTANTS } from "./agreement.mjs";
import { BIDDING_MUTANTS } from "./bidding.mjs";
import { BROADCAST_MUTANTS } from "./broadcasts.mjs";
import { CHECKPOINT_MUTANTS } from "./checkpoints.mjs";
import { CRYPTO_MUTANTS } from "./crypto.mjs";
import { MACHINE_MUTANTS } from "./machine.mjs";
import { LANE_MUTANTS } from "./lanes.mjs";
import { EVIDENCE_MUTANTS } from "./evidence.mjs";
import { MUTANTS as PROTOCOL_MUTANTS } from "./mutants.mjs";
import { NOTARY_MUTANTS } from "./notary.mjs";
import { REPLICA_MUTANTS } from "./replica.mjs";
import { RELAY_MUTANTS } from "./relay.mjs";
import { STORAGE_MUTANTS } from "./storage.mjs";
import { TLS_MUTANTS } from "./tls.mjs";
import { TSA_MUTANTS } from "./tsa.mjs";
import { TRANSFER_MUTANTS } from "./transfer.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MUTANTS = [
  ...PROTOCOL_MUTANTS,
  ...BROADCAST_MUTANTS,
  ...AGREEMENT_MUTANTS,
  ...RELAY_MUTANTS,
  ...TLS_MUTANTS,
  ...REPLICA_MUTANTS,
  ...STORAGE_MUTANTS,
  ...MACHINE_MUTANTS,
  ...LANE_MUTANTS,
  ...BIDDING_MUTANTS,
  ...EVIDENCE_MUTANTS,
  ...TRANSFER_MUTANTS,
  ...TSA_MUTANTS,
  ...NOTARY_MUTANTS,
  ...CHECKPOINT_MUTANTS,
  ...CRYPTO_MUTANTS,
];
/**
 * What vitest runs, one after the other, for a mutant that does not name its own: the first that fails has caught it. The seeds of
 * the simulator come first, since they were not written with any mutant in mind.
 */
const SEEDS = "test/mutants/seeds.test.ts";
const STAGES = [[SEEDS], ["test/protocols", "test/core/tally.test.ts"], ["test/sim/agreement.test.ts"]];
const CONCURRENT = 2;

const CONFIG = `export default { test: { include: ["test/**/*.test.ts"], testTimeout: 60_000, hookTimeout: 60_000, pool: "forks", maxWorkers: 1 } };\n`;

/** Matches `search` however its lines are broken: tokens with any space between them, a comma more before a bracket. */
function patternOf(search) {
  const tokens = search.match(/[\p{L}\p{N}_$]+|\s+|./gsu) ?? [];
  const escaped = tokens
    .filter((token) => token.trim() !== "")
    .map((token) => token.replace(/[$()*+.?[\\\]^{|}/]/g, "\\$&"));
  return new RegExp(escaped.map((token) => (/^\\[)\]}]$/.test(token) ? `,?\\s*${token}` : token)).join("\\s*"), "g");
}

function mutated({ file, search, replacement }) {
  const source = readFileSync(join(ROOT, file), "utf8");
  const pattern = patternOf(search);
  const occurrences = [...source.matchAll(pattern)].length;
  if (occurrences !== 1) throw new Error(`${file}: ${occurrences} places where one is expected: ${search}`);
  return source.replace(pattern, () => replacement);
}

/** The tree, with one mutant in it if any. What these tests do with the command line, they do with that of the tree itself. */
function copyWith(mutant) {
  const copy = mkdtempSync(join(tmpdir(), "abcast-mutant-"));
  for (const name of ["src", "test", "package.json", "tsconfig.json"])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  for (const name of ["node_modules", "bin", "dist", "docs"]) symlinkSync(join(ROOT, name), join(copy, name));
  writeFileSync(join(copy, "vitest.config.ts"), CONFIG);
  if (mutant !== undefined) writeFileSync(join(copy, mutant.file), mutated(mutant));
  return copy;
}

function runTests(cwd, paths) {
  return new Promise((resolve) => {
    const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
    const child = spawn(process.execPath, [vitest, "run", ...paths, "--bail", "1"], {
      cwd,
      env: { ...process.env, NO_COLOR: "1", CI: "1" },
    });
    let output = "";
    child.stdout.on("data", (data) => (output += data));
    child.stderr.on("data", (data) => (output += data));
    // One mutant may loop for ever: that it does not end is noticed, too.
    const timer = setTimeout(() => child.kill("SIGKILL"), 240_000);
    child.on("close", (code) => {
      clearTimeout(timer);
      resolve({ failed: code !== 0, output });
    });
  });
}

/** The first test that fails, or undefined. */
async function firstFailure(mutant, stages) {
  const copy = copyWith(mutant);
  try {
    for (const stage of stages) {
      const { failed, output } = await runTests(copy, stage);
      if (failed) return reasonOf(output) ?? `${stage.join(" ")}: ${output.slice(-200)}`;
    }
    return undefined;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The seed or the test that failed. */
function reasonOf(output) {
  const [, runs, seed] = /caught after (\d+) seeds: ([^'\n]+)/.exec(output) ?? [];
  if (runs !== undefined) return `${runs} ${runs === "1" ? "seed" : "seeds"} (${seed})`;
  return /FAIL +(.+)/.exec(output)?.[1];
}

/** Stages as they are, without those that come again. */
function distinct(stages) {
  return [...new Map(stages.map((stage) => [stage.join(" "), stage])).values()];
}

const SCRIPT = "test/mutants/run.mjs";
const { values, positionals } = parseOptions(SCRIPT, {
  options: { only: { type: "string", multiple: true, default: [] }, check: { type: "boolean", default: false } },
  allowPositionals: true,
});
const words = [...values.only, ...positionals];
// A word that fits nothing is a mistake, also next to others that do.
const unknown = words.filter((word) => !MUTANTS.some(({ name }) => name.includes(word)));
if (unknown.length > 0) {
  const subjects = [...new Set(MUTANTS.map(({ name }) => name.slice(0, name.indexOf(":") + 1)))];
  usageError(
    SCRIPT,
    `no mutant has ${unknown.map((word) => `"${word}"`).join(" or ")} in its name`,
    `names begin with ${subjects.join(", ")}; without words all are run`,
  );
}

// All must fit the sources before any test runs.
const misfits = MUTANTS.flatMap((mutant) => {
  try {
    mutated(mutant);
    return [];
  } catch (error) {
    return [`${mutant.name}: ${error.message}`];
  }
});
if (misfits.length > 0) {
  console.error(misfits.join("\n"));
  process.exit(1);
}
if (values.check) {
  console.log(`${MUTANTS.length} mutants fit the sources`);
  process.exit();
}
const waiting = MUTANTS.filter(({ name }) => words.length === 0 || words.some((word) => name.includes(word)));

/** Each is done by one of `CONCURRENT` at a time; takes them out of `items`. */
function inTurns(items, work) {
  return Promise.all(
    Array.from({ length: CONCURRENT }, async () => {
      for (let item = items.shift(); item !== undefined; item = items.shift()) await work(item);
    }),
  );
}

// Tests that fail anyway would seem to catch everything.
const failures = [];
await inTurns(distinct(waiting.flatMap(({ stages = STAGES }) => stages)), async (stage) => {
  const failure = await firstFailure(undefined, [stage]);
  if (failure !== undefined) failures.push(failure);
});
if (failures.length > 0) throw new Error(`tests that fail without any mutant: ${failures.join(", ")}`);
const survivors = [];
let caughtBySeeds = 0;
await inTurns(waiting, async (mutant) => {
  const caughtBy = await firstFailure(mutant, mutant.stages ?? STAGES);
  if (caughtBy === undefined) survivors.push(mutant.name);
  if (/^\d+ seeds? \(/.test(caughtBy ?? "")) caughtBySeeds++;
  console.log(caughtBy === undefined ? `NOT CAUGHT  ${mutant.name}` : `caught      ${mutant.name}  <  ${caughtBy}`);
});
console.log(`${caughtBySeeds} caught by seeds of the simulator, the others by the test that is named`);
console.log(survivors.length === 0 ? "all caught" : `${survivors.length} not caught: ${survivors.join(", ")}`);
process.exitCode = survivors.length === 0 ? 0 : 1;
