/**
 * How fast a replica catches up: one of four real processes is away while clients write to the key-value store, and comes back when
 * they have ended. By proofs, where its peers still have those of all rounds; by a checkpoint, where they do not; and after the loss
 * of its store. Prints a table, or JSON with --json.
 *
 *     npm run bench:catch-up -- [--payloads 4000] [--json]
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openClient } from "../dist/cli/cluster-client.js";
import { ChaosCluster } from "../test/chaos/cluster.mjs";

const MAIN = fileURLToPath(new URL("../bin/abcast.mjs", import.meta.url));
const AWAY = 3;
const AGREE_MS = 600_000;
const POLL_MS = 20;
const WIDTH = 128;
const KEYS = 5000;
const VALUE = "v".repeat(200);
const TIMEOUT_MS = 120_000;

const { values } = parseArgs({
  options: { payloads: { type: "string", default: "4000" }, json: { type: "boolean", default: false } },
});
const payloads = Number(values.payloads);

/** Rounds from one checkpoint to the next: more than there are, or few. */
const CASES = [
  { by: "proofs", interval: 65_536, isWiped: false },
  { by: "checkpoint", interval: 8, isWiped: false },
  { by: "rejoin", interval: 8, isWiped: true },
];

function storeBytes(directory) {
  const store = join(directory, "store");
  return readdirSync(store, { recursive: true }).reduce((sum, name) => sum + statSync(join(store, name)).size, 0);
}

async function write(cluster, count) {
  const { client } = await openClient(cluster.clientFile(0));
  let begun = 0;
  const lane = async () => {
    while (begun < count) await client.kv.put(`key-${begun++ % KEYS}`, VALUE, { timeoutMs: TIMEOUT_MS });
  };
  await Promise.all(Array.from({ length: WIDTH }, lane));
  client.close();
}

async function measure({ by, interval, isWiped }) {
  const directory = mkdtempSync(join(tmpdir(), "abcast-catch-up-"));
  const init = ["--checkpoint-interval", String(interval)];
  const cluster = await ChaosCluster.create({ directory, n: 4, clients: 1, init, withLinks: false });
  try {
    await cluster.start();
    await write(cluster, 200);
    const away = cluster.replicas[AWAY];
    await away.killNow();
    await write(cluster, payloads);
    const ahead = (await cluster.status()).get(0);
    if (isWiped) {
      rmSync(join(away.directory, "store"), { recursive: true });
      execFileSync(process.execPath, [MAIN, "rejoin", away.directory], { stdio: "ignore" });
    }
    const startedMs = performance.now();
    away.start();
    for (;;) {
      if (performance.now() - startedMs > AGREE_MS) throw new Error(`${by}: not caught up within ${AGREE_MS / 1000} s`);
      const state = (await cluster.status()).get(AWAY);
      if (typeof state !== "string" && state.state === "active" && state.sequence >= ahead.sequence) break;
      await sleep(POLL_MS);
    }
    const seconds = (performance.now() - startedMs) / 1000;
    return {
      by,
      payloads,
      rounds: ahead.round,
      seconds: Math.round(seconds * 100) / 100,
      bytes: storeBytes(away.directory),
    };
  } finally {
    cluster.killAll();
    rmSync(directory, { recursive: true, force: true });
  }
}

const results = [];
for (const one of CASES) results.push(await measure(one));
if (values.json) console.log(JSON.stringify({ results }));
else {
  console.log("caught up by  payloads  rounds  seconds (start of the process included)  store bytes");
  for (const { by, payloads: count, rounds, seconds, bytes } of results)
    console.log(
      `${by.padEnd(12)}  ${String(count).padStart(8)}  ${String(rounds).padStart(6)}  ${String(seconds).padStart(7)}  ${String(bytes).padStart(44)}`,
    );
}
// Clients that were closed may still be dialling.
process.exit(0);
