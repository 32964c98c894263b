/**
 * What the threshold schemes cost, next to one signer's operation of the same kind, and how long each operation blocks
 * the event loop. Prints a table, or JSON with --json.
 *
 *     node bench/crypto.mjs [--n 4,16,64] [--bits 2048|3072|4096] [--runs 25] [--json]
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { measureBls, measureBlsCoin } from "./crypto/bls.mjs";
import { createBench } from "./crypto/measure.mjs";
import { SAFE_PRIMES } from "./crypto/primes.mjs";
import { summarize, table } from "./crypto/report.mjs";
import { measureCoin, measureTdh2 } from "./crypto/ristretto.mjs";
import { measureRsa } from "./crypto/rsa.mjs";
import { measureParty, measureSharing } from "./crypto/single.mjs";

const { values } = parseArgs({
  options: {
    n: { type: "string", default: "4,16,64" },
    bits: { type: "string", default: "2048" },
    runs: { type: "string", default: "25" },
    json: { type: "boolean", default: false },
  },
});
const sizes = values.n
  .split(",")
  .map(Number)
  .sort((a, b) => a - b);
const bits = Number(values.bits);
const runs = Number(values.runs);
if (!sizes.every((n) => Number.isInteger(n) && n >= 4 && n <= 64)) throw new RangeError("--n takes numbers of 4..64");
if (!SAFE_PRIMES.has(bits)) throw new RangeError(`--bits takes ${[...SAFE_PRIMES.keys()].join(", ")}`);
if (!Number.isInteger(runs) || runs < 1) throw new RangeError("--runs takes a positive number");

// Others at work make every median longer: who reads the figures should see it.
const [load] = loadavg();
const bench = createBench({
  runs,
  onProgress({ scheme, operation, n = 1 }) {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${scheme}, n=${n}: ${operation}`);
  },
});
const rsa = await measureRsa(bench, sizes, bits);
await measureBls(bench, sizes);
await measureCoin(bench, sizes);
await measureBlsCoin(bench, sizes);
await measureTdh2(bench, sizes);
measureSharing(bench, sizes);
await measureParty(bench);
if (process.stderr.isTTY) process.stderr.write("\r\x1b[K");

const [{ model }] = cpus();
const summary = summarize({
  machine: { cpu: model, cores: cpus().length, node: process.versions.node, load },
  settings: { n: sizes, bits, runs },
  operations: bench.rows,
  rsa,
});
console.log(values.json ? JSON.stringify(summary) : table(summary));
