/**
 * How many RFC 3161 tokens a second a cluster gives: real replica processes on loopback, requests by HTTP at all of them at once, each a new
 * imprint and nonce. Prints JSON.
 *
 *     node bin/abcast.mjs --version && node bench/tokens.mjs [--n 4] [--seconds 20] [--concurrent 48] [--rsa-bits 2048]
 */
import { execFileSync, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { cpuSeconds } from "../dist/cli/bench/process-use.js";
import { reservePorts } from "../dist/cli/ports.js";
import { integer, NULL, octetString, oid, sequence, TRUE } from "../dist/core/der.js";

const MAIN = fileURLToPath(new URL("../bin/abcast.mjs", import.meta.url));
const SHA256 = sequence(oid("2.16.840.1.101.3.4.2.1"), NULL);
/** The first bytes of a response that has a token: status granted. */
const GRANTED = Buffer.from(sequence(integer(0)));

const { values } = parseArgs({
  options: {
    n: { type: "string", default: "4" },
    seconds: { type: "string", default: "20" },
    concurrent: { type: "string", default: "48" },
    "rsa-bits": { type: "string", default: "2048" },
  },
});
const [n, seconds, concurrent] = [values.n, values.seconds, values.concurrent].map(Number);
if (![n, seconds, concurrent].every((count) => Number.isInteger(count) && count > 0)) {
  throw new RangeError("positive numbers, please");
}

const basePort = await reservePorts(2 * n);
const directory = mkdtempSync(join(tmpdir(), "abcast-tokens-"));
const cluster = join(directory, "cluster");
const abcast = (...words) =>
  execFileSync(process.execPath, [MAIN, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

const query = () =>
  Buffer.from(
    sequence(
      integer(1),
      sequence(SHA256, octetString(randomBytes(32))),
      integer(BigInt(`0x${randomBytes(8).toString("hex")}`)),
      TRUE,
    ),
  );

/** What the replica answers. */
function post(port, body) {
  return new Promise((resolve, reject) => {
    const headers = { "Content-Type": "application/timestamp-query", "Content-Length": body.length };
    const asked = request(
      { host: "127.0.0.1", port, path: "/tsa", method: "POST", headers, agent: false },
      (answer) => {
        const chunks = [];
        answer.on("data", (chunk) => chunks.push(chunk));
        answer.on("end", () => resolve(Buffer.concat(chunks)));
        answer.on("error", reject);
      },
    );
    asked.on("error", reject);
    asked.end(body);
  });
}

const isGranted = (answer) => answer.includes(GRANTED);
const quantile = (sorted, q) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]);

try {
  abcast("init", "--n", values.n, "--out", cluster, "--base-port", String(basePort), "--rsa-bits", values["rsa-bits"]);
  const { started } = JSON.parse(abcast("up", cluster, "--json"));
  const pids = started.map(({ pid }) => pid);
  const ports = pids.map((_, party) => basePort + n + party);
  // Each replica connects as a client when it is asked for first.
  for (const port of ports) if (!isGranted(await post(port, query()))) throw new Error("no token");

  const latenciesMs = [];
  const failures = { rejected: 0, broken: 0 };
  const cpuBefore = pids.map(cpuSeconds);
  const startMs = performance.now();
  const worker = async (index) => {
    while (performance.now() < startMs + 1000 * seconds) {
      const sentMs = performance.now();
      const answer = await post(ports[index % n], query()).catch(() => undefined);
      if (answer === undefined) failures.broken++;
      else if (isGranted(answer)) latenciesMs.push(performance.now() - sentMs);
      else failures.rejected++;
    }
  };
  await Promise.all(Array.from({ length: concurrent }, (_, index) => worker(index)));
  const elapsedSeconds = (performance.now() - startMs) / 1000;
  const cpu = pids.reduce((sum, pid, index) => sum + cpuSeconds(pid) - cpuBefore[index], 0);

  // The last one, by OpenSSL.
  const last = query();
  writeFileSync(join(directory, "q"), last);
  writeFileSync(join(directory, "r"), await post(ports[0], last));
  const files = ["-queryfile", "q", "-in", "r", "-CAfile", join(cluster, "tsa-certificate.pem")];
  const verified = spawnSync("openssl", ["ts", "-verify", ...files], { cwd: directory, encoding: "utf8" });
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  const result = {
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    load: loadavg()[0],
    n,
    rsaBits: Number(values["rsa-bits"]),
    concurrent,
    seconds: Math.round(elapsedSeconds),
    tokens: sorted.length,
    tokensPerSecond: Math.round(sorted.length / elapsedSeconds),
    ...failures,
    latencyMs: { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) },
    replicaCpuMsPerToken: Number(((1000 * cpu) / sorted.length).toFixed(1)),
    openssl: verified.stdout.trim(),
  };
  console.log(JSON.stringify(result, undefined, 2));
} finally {
  abcast("down", cluster);
  rmSync(directory, { recursive: true, force: true });
}
