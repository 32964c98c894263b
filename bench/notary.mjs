/**
 * What one notarised document costs: four real replica processes on loopback with mutual TLS and durable commits, one
 * client; documents one after the other, then many at once. Prints a table, or JSON with --json.
 *
 *     node bench/notary.mjs [--documents 200] [--concurrent 64] [--order fixed|random] [--json]
 */
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cpuSeconds, residentMiB } from "../dist/cli/bench/process-use.js";
import { openClient } from "../dist/cli/cluster-client.js";

const MAIN = fileURLToPath(new URL("../bin/abcast.mjs", import.meta.url));

const { values } = parseArgs({
  options: {
    documents: { type: "string", default: "200" },
    concurrent: { type: "string", default: "64" },
    order: { type: "string", default: "fixed" },
    "base-port": { type: "string", default: "17400" },
    json: { type: "boolean", default: false },
  },
});
const documents = Number(values.documents);
const concurrent = Number(values.concurrent);

const directory = mkdtempSync(join(tmpdir(), "abcast-bench-"));
const cluster = join(directory, "cluster");
const abcast = (...words) =>
  execFileSync(process.execPath, [MAIN, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

const median = (numbers) => quantile(numbers, 0.5);
const quantile = (numbers, q) =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.floor(q * numbers.length))];
const round = (number, digits = 2) => Number(number.toFixed(digits));

async function measure(client, pids, count, width) {
  const traffic = async () => {
    const states = [...(await client.status(5000)).values()];
    return states.reduce(
      (sum, { sentFrames, sentBytes }) => ({ messages: sum.messages + sentFrames, bytes: sum.bytes + sentBytes }),
      { messages: 0, bytes: 0 },
    );
  };
  const before = { cpu: pids.map(cpuSeconds), client: process.cpuUsage(), traffic: await traffic() };
  const latenciesMs = [];
  const startedMs = performance.now();
  let next = 0;
  const worker = async () => {
    while (next++ < count) {
      const sentMs = performance.now();
      await client.notarize(new Uint8Array(randomBytes(32)), 60_000);
      latenciesMs.push(performance.now() - sentMs);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  const elapsedMs = performance.now() - startedMs;
  const after = await traffic();
  const clientCpu = process.cpuUsage(before.client);
  const replicaCpu = pids.reduce((sum, pid, index) => sum + cpuSeconds(pid) - before.cpu[index], 0);
  return {
    documents: count,
    concurrent: width,
    documentsPerSecond: round((1000 * count) / elapsedMs, 1),
    latencyMs: { p50: round(median(latenciesMs)), p99: round(quantile(latenciesMs, 0.99)) },
    perDocument: {
      messages: round((after.messages - before.traffic.messages) / count, 1),
      bytes: Math.round((after.bytes - before.traffic.bytes) / count),
      cpuMs: {
        replicas: round((1000 * replicaCpu) / count),
        client: round((clientCpu.user + clientCpu.system) / 1000 / count),
      },
    },
    residentMiB: pids.map((pid) => Math.round(residentMiB(pid))),
  };
}

try {
  abcast("init", "--n", "4", "--order", values.order, "--base-port", values["base-port"], "--out", cluster, "--json");
  const { started } = JSON.parse(abcast("up", cluster, "--json"));
  const pids = started.map(({ pid }) => pid);
  const { client } = await openClient(join(cluster, "client-0.json"));
  try {
    await measure(client, pids, 50, 1); // warm up
    const runs = [await measure(client, pids, documents, 1), await measure(client, pids, 4 * documents, concurrent)];
    if (values.json) console.log(JSON.stringify({ n: 4, t: 1, order: values.order, runs }));
    else console.log(JSON.stringify(runs, undefined, 2));
  } finally {
    client.close();
    abcast("down", cluster, "--json");
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}
