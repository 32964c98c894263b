/** `npm run bench:cost`: its short form, its exit code, and that plots and tables are those of the committed figures. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";

const ROOT = join(import.meta.dirname, "../..");
const SCRIPT = join(ROOT, "bench/cost.mjs");

const reportSchema = z.object({
  settings: z.strictObject({ n: z.array(z.number()), valueBytes: z.number(), coins: z.number() }),
  rows: z.array(z.looseObject({ protocol: z.string(), variant: z.string(), adversary: z.string(), n: z.number() })),
  growth: z.array(z.looseObject({ variant: z.string(), messages: z.number() })),
  targets: z.array(z.looseObject({ name: z.string(), ok: z.boolean().nullable() })),
});

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "abcast-cost-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const run = (...words: readonly string[]): string =>
  execFileSync(process.execPath, [SCRIPT, ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

/** A directory with what docs/ has of it. */
function copyOfDocs(name: string): string {
  const copy = join(directory, name);
  for (const file of ["cost.json", "cost.md"]) cpSync(join(ROOT, "docs", file), join(copy, file));
  return copy;
}

describe("the short form", () => {
  test("measures the small sizes, the same each time, and writes where it is told", () => {
    const out = join(directory, "short");
    const first = run("--max-n", "7", "--json", "--out", out);
    const report = reportSchema.parse(JSON.parse(first));
    expect(report.settings.n).toEqual([4, 7]);
    expect(new Set(report.rows.map(({ n }) => n))).toEqual(new Set([4, 7]));
    expect(report.targets.filter(({ ok }) => ok === false)).toEqual([]);
    expect(report.targets.some(({ ok }) => ok === true)).toBe(true);
    expect(reportSchema.parse(JSON.parse(readFileSync(join(out, "cost.json"), "utf8")))).toEqual(report);
    expect(run("--max-n", "7", "--json")).toBe(first);
    expect(run("--render", "--out", out)).toContain("ok: longest causal chain, fixed, benign <= 6: 5");
  });

  test("fails when a target is missed", () => {
    const copy = copyOfDocs("missed");
    const path = join(copy, "cost.json");
    const text = readFileSync(path, "utf8");
    const worse = text.replace(
      /("variant":"fixed, full, parallel 1, multisig","adversary":"benign","n":4,.*?"rounds":)5/,
      "$17",
    );
    expect(worse).not.toBe(text);
    writeFileSync(path, worse);
    const { status, stdout } = spawnSync(process.execPath, [SCRIPT, "--render", "--out", copy], { encoding: "utf8" });
    expect(status).toBe(1);
    expect(stdout).toContain("missed: longest causal chain, fixed, benign <= 6: 7");
  });
});

test("the plots and tables in docs are those of docs/cost.json", () => {
  const copy = copyOfDocs("render");
  run("--render", "--out", copy);
  const read = (from: string, name: string): string => readFileSync(join(from, name), "utf8");
  const docs = join(ROOT, "docs");
  for (const name of ["cost.json", "cost.md"]) expect(read(copy, name), name).toBe(read(docs, name));
  const plots = readdirSync(join(copy, "img"));
  expect(plots).toHaveLength(5);
  for (const name of plots) {
    expect(read(join(copy, "img"), name), name).toBe(read(join(docs, "img"), name));
    expect(read(docs, "cost.md")).toContain(`(img/${name})`);
  }
  const page = read(docs, "cost.md");
  for (const [, path = ""] of page.matchAll(/\]\((img\/[^)]+)\)/g))
    expect(existsSync(join(docs, path)), path).toBe(true);
});
