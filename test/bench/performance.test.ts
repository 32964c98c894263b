/** `npm run bench:performance`: its short form, and that plots and tables are those of the committed figures. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { WITH_KNOWN_PRIMES } from "../support/with-known-primes.js";

const ROOT = join(import.meta.dirname, "../..");
const SCRIPT = join(ROOT, "bench/performance.mjs");

const reportSchema = z.object({
  runs: z.array(
    z.object({
      name: z.string(),
      report: z.looseObject({
        payloadsPerSecond: z.number(),
        acknowledged: z.number(),
        rounds: z.number(),
        cpuSeconds: z.strictObject({ replicas: z.number(), load: z.number() }),
        logDigestsEqual: z.literal(true),
        settings: z.looseObject({ rate: z.number().nullable() }),
      }),
    }),
  ),
  wan: z.null(),
});

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "abcast-performance-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (...words: readonly string[]): string =>
  execFileSync(process.execPath, [SCRIPT, ...words], {
    encoding: "utf8",
    env: { ...process.env, ...WITH_KNOWN_PRIMES },
    stdio: ["ignore", "pipe", "ignore"],
  });

test("the short form measures, and writes figures and plots where it is told to", () => {
  const out = join(directory, "short");
  const { runs } = reportSchema.parse(JSON.parse(run("--short", "--out", out, "--json")));
  const [most, half, idle] = runs.map(({ report }) => report);
  expect(runs.map(({ name }) => name)).toEqual(["as many as go through", "at 50 %", "idle"]);
  expect(most?.acknowledged).toBeGreaterThan(0);
  expect(half?.settings.rate).toBe(Math.round((most?.payloadsPerSecond ?? 0) / 2));
  // One payload before, none meanwhile; where all takes long, a replica may still be at the one.
  expect(idle?.acknowledged).toBeLessThanOrEqual(1);
  expect(idle?.rounds).toBeLessThanOrEqual(1);
  expect(idle?.cpuSeconds.replicas).toBeLessThan(most?.cpuSeconds.replicas ?? 0);
  expect(readdirSync(join(out, "img"))).toHaveLength(5);
  expect(reportSchema.parse(JSON.parse(readFileSync(join(out, "performance.json"), "utf8"))).runs).toHaveLength(3);
});

test("plots and tables in docs are those of the committed figures", () => {
  const copy = join(directory, "docs");
  for (const file of ["performance.json", "PERFORMANCE.md"]) cpSync(join(ROOT, "docs", file), join(copy, file));
  run("--render", "--out", copy);
  const committed = (file: string): string => readFileSync(join(ROOT, "docs", file), "utf8");
  for (const file of ["performance.json", "PERFORMANCE.md"])
    expect(readFileSync(join(copy, file), "utf8"), file).toBe(committed(file));
  const plots = readdirSync(join(copy, "img"));
  expect(plots.length).toBeGreaterThan(0);
  for (const file of plots) {
    expect(existsSync(join(ROOT, "docs/img", file)), file).toBe(true);
    expect(readFileSync(join(copy, "img", file), "utf8"), file).toBe(committed(join("img", file)));
  }
});

test.each([
  ["an option that there is not", ["--quick"], "bench/performance.mjs: Unknown option '--quick'"],
  ["a pattern that is none", ["--only", "("], "bench/performance.mjs: --only: Invalid regular expression"],
])("%s is named", (_, args, problem) => {
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, ...args], { encoding: "utf8" });
  expect(stderr).toContain(problem);
  expect(status).toBe(2);
});
