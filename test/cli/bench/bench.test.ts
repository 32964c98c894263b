/** `abcast bench` itself: what it prints, that it leaves nothing behind, and what it refuses. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, it } from "vitest";
import { z } from "zod";
import { WITH_KNOWN_PRIMES } from "../../support/with-known-primes.js";
import { runCli } from "../run-cli.js";

const BIN = fileURLToPath(new URL("../../../bin/abcast.mjs", import.meta.url));

const positive = z.number().positive();

const reportSchema = z.strictObject({
  payloadsPerSecond: positive,
  latencyMs: z.strictObject({ p50: positive, p99: positive, p999: positive }),
  cpuSecondsPerMillion: z.strictObject({ replicas: positive, load: z.number().nonnegative() }),
  cpuSeconds: z.strictObject({ replicas: positive, load: z.number().nonnegative() }),
  residentMiB: z.strictObject({ median: positive, peak: positive, load: positive }),
  bytesOnWire: z.int().positive(),
  // Of a disk in memory there are none.
  bytesOnDisk: z.int().nonnegative(),
  fsyncs: z.int().positive(),
  rounds: z.int().positive(),
  acknowledged: z.int().positive(),
  logDigestsEqual: z.literal(true),
  samples: z
    .array(
      z.strictObject({
        seconds: positive,
        payloadsPerSecond: z.number(),
        residentMiB: z.array(positive).length(4),
        loadMiB: positive,
      }),
    )
    .min(1),
  settings: z.strictObject({
    n: z.literal(4),
    service: z.literal("kv"),
    payload: z.literal(128),
    rate: z.literal(200),
    clients: z.literal(2),
    seconds: z.literal(2),
    warmUpSeconds: z.literal(2),
    durability: z.literal("sync"),
    dissemination: z.literal("certified"),
    certificates: z.literal("multisig"),
    crash: z.literal(0),
    byzantine: z.null(),
    operationsPerRequest: z.int().positive(),
  }),
});

/** Where the benchmark makes its directories. */
let scratch = "";
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), "abcast-test-"));
});
afterEach(() => rmSync(scratch, { recursive: true, force: true }));

it("measures, and leaves nothing behind", async () => {
  const options = ["--seconds", "2", "--rate", "200", "--payload", "128", "--clients", "2", "--service", "kv"];
  const { code, stdout, stderr } = await runCli(["bench", ...options, "--json"], {
    TMPDIR: scratch,
    ...WITH_KNOWN_PRIMES,
  });
  expect([code, stderr]).toEqual([0, ""]);
  const { acknowledged, payloadsPerSecond, latencyMs } = reportSchema.parse(JSON.parse(stdout));
  // In seconds: on a busy machine more than the two that it was told.
  expect(acknowledged / payloadsPerSecond).toBeGreaterThan(0.5);
  expect(latencyMs.p50).toBeLessThanOrEqual(latencyMs.p99);
  expect(latencyMs.p99).toBeLessThanOrEqual(latencyMs.p999);
  expect(readdirSync(scratch)).toEqual([]);
});

it("is interrupted at once, and leaves nothing behind", async () => {
  const child = spawn(process.execPath, [BIN, "bench", "--seconds", "600"], {
    env: { ...process.env, TMPDIR: scratch },
    stdio: "ignore",
  });
  const exit = once(child, "exit");
  // At whatever it is: making keys, as a rule.
  while (readdirSync(scratch).length === 0) await sleep(20);
  await sleep(500);
  child.kill("SIGINT");
  expect(await exit).toEqual([130, null]);
  expect(readdirSync(scratch)).toEqual([]);
});

it.each([
  ["more failures than may be", ["--crash", "1", "--byzantine", "withhold"], "2 of 4 replicas cannot fail, at most 1"],
  ["two kinds of load", ["--rate", "5", "--max"], "option '--rate <NUMBER>' cannot be used with option '--max'"],
  ["a service without a load", ["--service", "bids"], "Allowed choices are log, kv, notary, counter, bidding, book"],
])("refuses %s", async (_, options, message) => {
  const { code, stderr } = await runCli(["bench", ...options]);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});
