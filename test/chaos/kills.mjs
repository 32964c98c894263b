/**
 * SIGKILL at every place where a replica writes, under load, again and again (docs/chaos.md).
 *
 *     npm run test:kills -- [--kills 200] [--seed 1] [--json]
 *
 * Prints how often each write point was the end. Exit code 0: no write point is without a hit, nothing was lost or is there twice. 1: else.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { WRITE_POINTS } from "../../dist/adapters/storage/index.js";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS } from "../../dist/protocols/index.js";
import { Random } from "../../dist/sim/index.js";
import { choiceOf, parseOptions } from "../support/usage.mjs";
import { ChaosCluster } from "./cluster.mjs";
import { conclude } from "./conclusion.mjs";
import { pretendOlderEngine } from "./older-engine.mjs";
import { numberReader } from "./numbers.mjs";
import { KvWorkload } from "./workload-kv.mjs";

const SCRIPT = "test:kills";
const MOMENTS = ["before", "middle", "after"];
/** Where replicas come by all the time: it need not be the first time that is the end. */
const OFTEN = new Set(["log.append", "log.sync", "batches.append", "batches.sync", "tables.commit"]);
/** Where one comes by only when it starts after a write that was cut off, or soonest then, and which write that is. */
const AFTER_TEAR = new Map([
  ["log.cut", "log.append"],
  ["log.cut.sync", "log.append"],
  ["batches.unlink", "batches.append"],
  ["batches.unlink.directory", "batches.append"],
]);
/** Where one comes by only when it starts with a log of another engine. */
const AFTER_UPGRADE = new Set(["drop", "meta.put"]);
/** How long a replica may work before it comes to its place; then another place is chosen. */
const PATIENCE_MS = 12_000;
const RECOVERY_MS = 60_000;
const MAX_COUNT = 5;
const IN_A_ROW = 8;

const { values } = parseOptions(SCRIPT, {
  options: {
    kills: { type: "string", default: "200" },
    seed: { type: "string", default: "1" },
    dissemination: { type: "string", default: DEFAULT_DISSEMINATION },
    json: { type: "boolean", default: false },
  },
});
const numbers = numberReader(SCRIPT, values);
const dissemination = choiceOf(SCRIPT, values, "dissemination", DISSEMINATIONS);
/** Without batches there are no files of them. */
const points = WRITE_POINTS.filter((point) => dissemination === "certified" || !point.startsWith("batches."));
const [wanted, seed] = [numbers.whole("kills"), numbers.whole("seed")];
const random = new Random(seed);
/** The orders so far. */
const told = [];
const directory = mkdtempSync(join(tmpdir(), "abcast-kills-"));
const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

/** Resolves with `undefined` when `promise` takes longer. */
async function within(timeoutMs, promise) {
  const timer = new AbortController();
  const late = sleep(timeoutMs, undefined, { signal: timer.signal }).catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/**
 * One replica after the other is killed some times in a row, started again at once; the others and the clients go on. Where its
 * place was not come to, it is killed from outside, at any moment.
 */
async function killAgainAndAgain(cluster, workload) {
  const tried = new Map();
  const kills = { total: 0, atWritePoints: 0, fromOutside: 0, fromOutsideDuringWrites: 0 };
  for (let cycle = 0; kills.total < wanted; cycle++) {
    const replica = cluster.replicas[Math.floor(cycle / IN_A_ROW) % cluster.n];
    await killFromOutside(replica, kills);
    const { point, moment } = leastTried(tried);
    if (AFTER_UPGRADE.has(point)) await pretendOlderEngine(replica.directory);
    if (AFTER_TEAR.has(point) && (await tear(replica, AFTER_TEAR.get(point)))) {
      kills.atWritePoints++;
      kills.total++;
    }
    const most = OFTEN.has(point) ? MAX_COUNT : 1;
    replica.start({ kill: { point, moment, count: 1 + random.below(most) } });
    const ended = await within(PATIENCE_MS, replica.ended);
    if (ended?.signal === "SIGKILL") {
      kills.atWritePoints++;
      kills.total++;
    } else if (ended !== undefined)
      throw new Error(
        `party ${replica.party} ended by itself, told ${moment} ${point} after ${told.slice(-6).join(", ")}: ${replica.log.slice(-1500)}`,
      );
    told.push(`party ${replica.party}: ${moment} ${point}`);
    progress(
      `${kills.total} of ${wanted} kills, ${workload.acknowledged.length} acknowledged; last: ${moment} ${point}`,
    );
    if (cycle % IN_A_ROW < IN_A_ROW - 1 && kills.total < wanted) continue;
    // Then the next one's turn comes. With two that must be silent in the round under way, that round would never end.
    await killFromOutside(replica, kills);
    await serve(replica);
    await cluster.speaking(replica.party, RECOVERY_MS);
  }
  return kills;
}

async function killFromOutside(replica, kills) {
  if (!replica.isRunning) return;
  await sleep(random.below(300));
  if (!replica.isRunning) return;
  kills.fromOutsideDuringWrites += (await replica.killNow()) ? 1 : 0;
  kills.fromOutside++;
  kills.total++;
}

/** The write point that was chosen least often so far, and of its moments the one that was. */
function leastTried(tried) {
  const point = leastOf(points, tried);
  const place = leastOf(
    MOMENTS.map((moment) => `${moment} ${point}`),
    tried,
  );
  for (const name of [point, place]) tried.set(name, (tried.get(name) ?? 0) + 1);
  return { point, moment: place.split(" ")[0] };
}

function leastOf(names, tried) {
  const count = (name) => tried.get(name) ?? 0;
  const least = Math.min(...names.map(count));
  return random.pick(names.filter((name) => count(name) === least));
}

/** Leaves the log of `replica` with half a record at its end, or a file with half a batch. Whether it came so far. */
async function tear(replica, point) {
  replica.start({ kill: { point, moment: "middle", count: 1 } });
  const ended = await within(PATIENCE_MS, replica.ended);
  if (ended === undefined) await replica.killNow();
  return ended?.signal === "SIGKILL";
}

async function serve(replica) {
  replica.start();
  const isServing = await within(RECOVERY_MS, replica.serving());
  if (isServing !== true) throw new Error(`party ${replica.party} does not serve again: ${replica.log.slice(-1500)}`);
}

const cluster = await ChaosCluster.create({
  directory,
  dissemination,
  n: 4,
  clients: 2,
  // Every place is to be come to within seconds.
  init: ["--checkpoint-interval", "4"],
  maxSegmentBytes: 64 * 1024,
  withLinks: false,
});
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    cluster.killAll();
    rmSync(directory, { recursive: true, force: true });
    process.exit(130);
  });
let result;
try {
  await cluster.start();
  const workload = await KvWorkload.create({ clientFiles: [cluster.clientFile(0)], width: 8, seed });
  workload.start();
  const kills = await killAgainAndAgain(cluster, workload);
  progress("waiting for agreement");
  await workload.stop();
  const conclusion = await conclude({ cluster, workload, historyFiles: [join(directory, "history.jsonl")] });
  progress("");
  const hits = cluster.hits();
  const without = points.filter((point) => hits[point] === 0);
  const violations = [...conclusion.violations];
  if (without.length > 0) violations.push(`write points without a hit: ${without.join(", ")}`);
  result = {
    ...conclusion,
    violations,
    kills: kills.total,
    killsAtWritePoints: kills.atWritePoints,
    killsFromOutside: kills.fromOutside,
    killsDuringWrites: kills.fromOutsideDuringWrites,
    hits,
    seed,
  };
} finally {
  await cluster.stop();
}
if (values.json) console.log(JSON.stringify(result));
else {
  for (const [point, count] of Object.entries(result.hits)) console.log(`${String(count).padStart(5)} ${point}`);
  console.log(
    `${result.kills} kills, ${result.killsFromOutside} from outside, ${result.killsDuringWrites} of these with a write under way`,
  );
  console.log(`${result.acknowledged} acknowledged, ${result.lost} lost, ${result.duplicated} duplicated`);
  for (const violation of result.violations) console.log(`VIOLATION: ${violation}`);
}
if (result.violations.length > 0) {
  console.error(`kept: ${directory}`);
  process.exitCode = 1;
} else rmSync(directory, { recursive: true, force: true });
