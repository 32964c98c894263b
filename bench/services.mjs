/**
 * How fast the key-value service is at a given number of small keys: operations a second, and what a snapshot takes after
 * changes. Prints JSON.
 *
 *     node bin/abcast.mjs --version && node bench/services.mjs [--keys 1000000] [--changes 10000]
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { createKv, encodeKvOperation, encodeKvQuery } from "../dist/services/kv/index.js";

const { values } = parseArgs({
  options: { keys: { type: "string", default: "1000000" }, changes: { type: "string", default: "10000" } },
});
const keys = Number(values.keys);
const changes = Number(values.changes);
if (![keys, changes].every((n) => Number.isInteger(n) && n > 0)) throw new RangeError("positive numbers, please");

/** Spread over all keys, the same in each run: a multiplication by a number that has no factor in common with 2^32. */
const spread = (index) => Math.imul(index, 0x9e37_79b1) >>> 0;
const keyOf = (index) => new TextEncoder().encode(`key-${String(spread(index)).padStart(10, "0")}`);
const none = { kind: "none" };
const put = (index, value) =>
  encodeKvOperation({ kind: "put", key: keyOf(index), condition: none, value: new TextEncoder().encode(value) });

function timed(run) {
  const start = performance.now();
  run();
  return performance.now() - start;
}

let sequence = 0;
const kv = createKv();
/** Only `apply` is measured: the operations are made before, some at a time. */
function applyAll(service, count, operationOf) {
  let totalMs = 0;
  for (let start = 0; start < count; start += 10_000) {
    const operations = Array.from({ length: Math.min(10_000, count - start) }, (_, index) =>
      operationOf(start + index),
    );
    totalMs += timed(() => {
      for (const operation of operations) service.apply({ sequence: ++sequence }, operation);
    });
  }
  return totalMs;
}
const perSecond = (count, ms) => Math.round((1000 * count) / ms);

const filledMs = applyAll(kv, keys, (index) => put(index, `value ${index}`));
let chunks = [];
const firstSnapshotMs = timed(() => (chunks = [...kv.snapshot()]));
const changedMs = applyAll(kv, changes, (index) => put(index * 7, `changed ${index}`));
let changed = [];
const snapshotMs = timed(() => (changed = [...kv.snapshot()]));
const old = new Set(chunks);
const queries = Array.from({ length: changes }, (_, index) => encodeKvQuery({ kind: "get", key: keyOf(index * 3) }));
const queriedMs = timed(() => {
  for (const query of queries) kv.query(query);
});
const other = createKv();
const restoreMs = timed(() => other.restore(changed));

console.log(
  JSON.stringify(
    {
      cpu: cpus()[0]?.model,
      load: loadavg()[0],
      keys,
      putsPerSecondWhileFilling: perSecond(keys, filledMs),
      changes,
      putsPerSecondWhenFull: perSecond(changes, changedMs),
      queriesPerSecond: perSecond(changes, queriedMs),
      firstSnapshotMs,
      snapshotMs,
      restoreMs,
      chunks: changed.length,
      chunksChanged: changed.filter((chunk) => !old.has(chunk)).length,
      snapshotBytes: changed.reduce((sum, { length }) => sum + length, 0),
      residentMiB: Math.round(process.memoryUsage().rss / 2 ** 20),
    },
    undefined,
    2,
  ),
);
