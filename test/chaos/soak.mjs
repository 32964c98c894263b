/**
 * Many payloads through a cluster of real processes, one after the other for hours if need be: memory and disk of each replica
 * must stay flat (docs/chaos.md).
 *
 *     npm run test:soak -- [--payloads 20000] [--every N] [--clients 4] [--sessions 4] [--width 128] [--n 4] [--json] [--plot FILE.svg]
 *     [--profile DIR]   a profile of party 0's processor time, written when it ends
 *
 * Exit code 0: over the last half, the least-squares slope of each replica's own memory and of its disk is under 1 % of its mean
 * per 100,000 payloads. What that memory is of is told besides.
 * 1: it is not; 2: the run is too short to say so (under a million payloads), or the call makes no sense.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { DEFAULT_DISSEMINATION, DISSEMINATIONS } from "../../dist/protocols/index.js";
import { choiceOf, parseOptions } from "../support/usage.mjs";
import { ChaosCluster } from "./cluster.mjs";
import { cpuSeconds, diskBytes, residentMemory } from "./footprint.mjs";
import { numberReader } from "./numbers.mjs";
import { linePlot } from "./plot.mjs";
import { growthErrorPercent, growthPercent } from "./slope.mjs";
import { accusations } from "./stores.mjs";
import { SoakWorkload } from "./workload-soak.mjs";

const SCRIPT = "test:soak";
const PER_PAYLOADS = 100_000;
const MAX_GROWTH_PERCENT = 1;
/** Before, memory and disk grow into their places; and of a short run the slope's own error is larger than what is looked for. */
const MIN_PAYLOADS = 1_000_000;
/** The log goes up and down from checkpoint to checkpoint: many measurements for each of these. */
const SAMPLES = 2000;
const POLL_MS = 50;
const AGREE_MS = 120_000;
/** Rounds. The log grows from one checkpoint to the next, and rounds are as full as they can be here. */
const CHECKPOINT_INTERVAL = "8";
/** Files of the log are forgotten whole. */
const MAX_SEGMENT_BYTES = 4 * 1024 * 1024;
const MIB = 1024 * 1024;
/** What is measured of each replica. Pages of files are the kernel's to take; the heap and what is outside of it are in the memory. */
const SERIES = [
  { field: "anonymousBytes", title: "Memory of its own", isJudged: true },
  { field: "heapBytes", title: "Heap in use after a full garbage collection", isJudged: false },
  { field: "outsideBytes", title: "In use outside of the heap, then", isJudged: false },
  { field: "fileBytes", title: "Pages of mapped files", isJudged: false },
  { field: "diskBytes", title: "Store on disk", isJudged: true },
];

const { values } = parseOptions(SCRIPT, {
  options: {
    payloads: { type: "string", default: "20000" },
    every: { type: "string" },
    clients: { type: "string", default: "4" },
    sessions: { type: "string", default: "4" },
    width: { type: "string", default: "128" },
    n: { type: "string", default: "4" },
    plot: { type: "string" },
    profile: { type: "string" },
    dissemination: { type: "string", default: DEFAULT_DISSEMINATION },
    json: { type: "boolean", default: false },
  },
});
const numbers = numberReader(SCRIPT, values);
const dissemination = choiceOf(SCRIPT, values, "dissemination", DISSEMINATIONS);
const [payloads, clients, sessions, width, n] = ["payloads", "clients", "sessions", "width", "n"].map(numbers.whole);
const every = values.every === undefined ? Math.max(1, Math.floor(payloads / SAMPLES)) : numbers.whole("every");

const directory = mkdtempSync(join(tmpdir(), "abcast-soak-"));
const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

/** Those of SERIES, by party, and when. */
function measure({ replicas }, count, startedMs) {
  const resident = replicas.map(({ pid }) => residentMemory(pid));
  const used = replicas.map((replica) => replica.usedMemory);
  return {
    payloads: count,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    cpuSeconds: [...replicas.map(({ pid }) => pid), process.pid].map(cpuSeconds),
    anonymousBytes: resident.map(({ anonymousBytes }) => anonymousBytes),
    fileBytes: resident.map(({ fileBytes }) => fileBytes),
    heapBytes: used.map((one) => one.heapBytes),
    outsideBytes: used.map((one) => one.outsideBytes),
    diskBytes: replicas.map(({ directory: path }) => diskBytes(join(path, "store"))),
  };
}

async function pump(cluster) {
  await cluster.start();
  const files = Array.from({ length: clients }, (_, client) => cluster.clientFile(client));
  const workload = await SoakWorkload.create({ clientFiles: files, sessions, width, limit: payloads });
  const startedMs = performance.now();
  const samples = [];
  const finished = workload.run();
  const state = { isOver: false };
  void finished.finally(() => (state.isOver = true)).catch(() => undefined);
  for (let next = every; !state.isOver;) {
    await sleep(POLL_MS);
    const ended = cluster.replicas.find(({ isRunning }) => !isRunning);
    if (ended !== undefined) throw new Error(`party ${ended.party} has ended: ${ended.log.slice(-1500)}`);
    if (workload.count < next) continue;
    samples.push(measure(cluster, workload.count, startedMs));
    next = workload.count + every;
    progress(
      `${workload.count} of ${payloads} payloads, ${Math.round(workload.count / samples.at(-1).seconds)} a second`,
    );
  }
  await finished;
  samples.push(measure(cluster, workload.count, startedMs));
  const states = await cluster.agreed(cluster.parties, AGREE_MS);
  return { samples, violations: accusations(states) };
}

/** By party, for 100,000 payloads; `error`: the standard error, null in a run with few measurements. */
function growthOf(samples, field) {
  const thousandths = (percent) => (percent === undefined ? null : Math.round(1000 * percent) / 1000);
  return Array.from({ length: n }, (_, party) => {
    const points = samples.map((sample) => ({ x: sample.payloads, y: sample[field][party] }));
    return {
      percent: thousandths(growthPercent(points, PER_PAYLOADS)),
      error: thousandths(growthErrorPercent(points, PER_PAYLOADS)),
    };
  });
}

function plotOf(samples) {
  const panels = SERIES.map(({ title, field }) => ({
    title,
    unit: "MiB",
    lines: Array.from({ length: n }, (_, party) => ({
      name: `party ${party}`,
      points: samples.map((sample) => ({ x: sample.payloads, y: sample[field][party] / MIB })),
    })),
  }));
  return linePlot({
    title: `Memory and disk of ${n} replicas over ${payloads} payloads`,
    xLabel: "payloads",
    panels,
  });
}

function nodeOptions(party) {
  const isProfiled = values.profile !== undefined && party === 0;
  return isProfiled ? ["--cpu-prof", `--cpu-prof-dir=${values.profile}`] : [];
}

let cluster;
for (const signal of ["SIGINT", "SIGTERM"])
  process.once(signal, () => {
    cluster?.killAll();
    rmSync(directory, { recursive: true, force: true });
    process.exit(130);
  });
try {
  cluster = await ChaosCluster.create({
    directory,
    dissemination,
    n,
    clients,
    init: ["--checkpoint-interval", CHECKPOINT_INTERVAL],
    limits: { ledger: "recent" },
    maxSegmentBytes: MAX_SEGMENT_BYTES,
    nodeOptions,
    withLinks: false,
  });
  const { samples, violations } = await pump(cluster);
  progress("");
  const growth = Object.fromEntries(SERIES.map(({ field }) => [field, growthOf(samples, field)]));
  const last = samples.at(-1);
  const judged = SERIES.filter(({ isJudged }) => isJudged).flatMap(({ field }) => growth[field]);
  const flat = judged.every(({ percent }) => percent < MAX_GROWTH_PERCENT);
  const result = {
    payloads: last.payloads,
    seconds: last.seconds,
    payloadsPerSecond: Math.round(last.payloads / last.seconds),
    cpuMsPerPayload: Math.round((1e6 * last.cpuSeconds.reduce((sum, one) => sum + one)) / last.payloads) / 1000,
    growthPer100000: growth,
    flat,
    violations,
    samples,
  };
  if (values.plot !== undefined) writeFileSync(values.plot, plotOf(samples));
  if (values.json) console.log(JSON.stringify(result));
  else {
    const growths = (all) => all.map(({ percent, error }) => `${percent} ± ${error ?? "?"} %`).join(", ");
    const mib = (bytes) => bytes.map((value) => (value / MIB).toFixed(1)).join(", ");
    console.log(
      `${result.payloads} payloads in ${result.seconds} s, ${result.payloadsPerSecond} a second, ${result.cpuMsPerPayload} ms of processors each`,
    );
    for (const { field, title, isJudged } of SERIES) {
      const judgement = isJudged ? `, to be under ${MAX_GROWTH_PERCENT} %` : "";
      console.log(
        `${title}: ${mib(last[field])} MiB at the end; growth per 100,000: ${growths(growth[field])}${judgement}`,
      );
    }
    for (const violation of violations) console.log(`VIOLATION: ${violation}`);
  }
  if (violations.length > 0) process.exitCode = 1;
  else if (payloads < MIN_PAYLOADS) {
    console.error(`${SCRIPT}: too short to say whether it stays flat: that takes ${MIN_PAYLOADS} payloads`);
    process.exitCode = 2;
  } else process.exitCode = flat ? 0 : 1;
} finally {
  await cluster?.stop();
  rmSync(directory, { recursive: true, force: true });
}
