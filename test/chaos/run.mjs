/**
 * Real processes, real kills, clients throughout (docs/chaos.md).
 *
 *     npm run test:chaos -- [--minutes 1] [--seed 1] [--n 4] [--only NEMESIS]... [--history FILE] [--keep] [--json]
 *
 * Exit code 0: nothing lost, nothing twice, nobody accused, the history linearisable. 1: something was violated; the
 * cluster's directory is kept, and named.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS } from "../../dist/protocols/index.js";
import { choiceOf, parseOptions, usageError } from "../support/usage.mjs";
import { abcast, ChaosCluster, TORMENTED } from "./cluster.mjs";
import { conclude } from "./conclusion.mjs";
import { SmallDisk } from "./full-disk.mjs";
import { Nemesis } from "./nemesis.mjs";
import { numberReader } from "./numbers.mjs";
import { NEMESES, schedule, smallDiskOf } from "./schedule.mjs";
import { KvWorkload } from "./workload-kv.mjs";

const SCRIPT = "test:chaos";
const SMALL_DISK_MEGABYTES = 256;
const MAX_SHOWN = 50;

const { values } = parseOptions(SCRIPT, {
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    n: { type: "string", default: "4" },
    clients: { type: "string", default: "3" },
    width: { type: "string", default: "3" },
    history: { type: "string" },
    only: { type: "string", multiple: true },
    keep: { type: "boolean", default: false },
    dissemination: { type: "string", default: DEFAULT_DISSEMINATION },
    json: { type: "boolean", default: false },
  },
});
const numbers = numberReader(SCRIPT, values);
const dissemination = choiceOf(SCRIPT, values, "dissemination", DISSEMINATIONS);
const minutes = numbers.positive("minutes");
const [seed, n, clients, width] = ["seed", "n", "clients", "width"].map(numbers.whole);
const t = Math.floor((n - 1) / 3);
const unknown = (values.only ?? []).find((name) => !NEMESES.includes(name));
if (unknown !== undefined) usageError(SCRIPT, `no nemesis ${unknown}`, `there are ${NEMESES.join(", ")}`);

const directory = mkdtempSync(join(tmpdir(), "abcast-chaos-"));
const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

async function main() {
  progress("making a cluster");
  const cluster = await ChaosCluster.create({ directory, n, clients: clients + 1, dissemination, ...TORMENTED });
  const disks = new Map();
  const cleanUp = async () => {
    await cluster.stop();
    for (const disk of disks.values()) disk.remove();
  };
  for (const signal of ["SIGINT", "SIGTERM"])
    process.once(signal, () => {
      cluster.killAll();
      void cleanUp().finally(() => {
        rmSync(directory, { recursive: true, force: true });
        process.exit(130);
      });
    });
  try {
    const small = smallDiskOf(n);
    const disk = await SmallDisk.under(cluster.party(small), SMALL_DISK_MEGABYTES, directory);
    if (disk !== undefined) disks.set(small, disk);
    return await torment(cluster, disks);
  } finally {
    await cleanUp();
  }
}

async function torment(cluster, disks) {
  const skipped = disks.size === 0 ? { "disk-full": "no file system can be mounted here" } : {};
  const nemeses = (values.only ?? NEMESES).filter((name) => !(name in skipped));
  await cluster.start();
  const clientFiles = Array.from({ length: clients }, (_, client) => cluster.clientFile(client));
  const workload = await KvWorkload.create({ clientFiles, width, seed });
  // The last client is a stranger's accomplice: it does not work.
  const nemesis = new Nemesis({
    cluster,
    clientFile: cluster.clientFile(clients),
    disks,
    rejoin: ({ directory: party }) => abcast("rejoin", party),
  });
  workload.start();
  const startedMs = performance.now();
  await nemesis.run(schedule({ seed, minutes, n, t, nemeses }), startedMs + minutes * 60_000, (actions) => {
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    const names = actions.map((action) => `${action.nemesis} ${action.party}`).join(", ");
    const counts = `${workload.acknowledged.length} acknowledged, ${nemesis.kills} kills`;
    progress(`${seconds} s of ${minutes * 60}: ${counts}; ${names}`);
  });
  progress("waiting for the clients, and for agreement");
  await workload.stop();
  const historyFiles = [join(directory, "history.jsonl"), ...(values.history === undefined ? [] : [values.history])];
  const conclusion = await conclude({ cluster, workload, historyFiles });
  progress("");
  return {
    ...conclusion,
    violations: [...nemesis.violations, ...conclusion.violations].slice(0, MAX_SHOWN),
    kills: nemesis.kills,
    killsDuringWrites: nemesis.killsDuringWrites,
    hits: cluster.hits(),
    nemeses: nemesis.done,
    skipped,
    seed,
    minutes,
    n,
  };
}

function show({ acknowledged, lost, duplicated, kills, killsDuringWrites, hits, violations, nemeses, skipped }) {
  console.log(`${acknowledged} acknowledged, ${lost} lost, ${duplicated} duplicated`);
  console.log(`${kills} kills, ${killsDuringWrites} of them from outside with a write under way`);
  const line = (name, what) => console.log(`  ${name.padEnd(24)} ${what}`);
  for (const [name, count] of Object.entries(nemeses)) line(name, count);
  for (const [name, reason] of Object.entries(skipped)) line(name, `skipped: ${reason}`);
  for (const [point, count] of Object.entries(hits)) line(point, count);
  for (const violation of violations) console.log(`VIOLATION: ${violation}`);
}

const result = await main();
if (values.json) console.log(JSON.stringify(result));
else show(result);
const isBad = result.violations.length > 0;
if (isBad || values.keep) console.error(`kept: ${directory}`);
else rmSync(directory, { recursive: true, force: true });
process.exitCode = isBad ? 1 : 0;
