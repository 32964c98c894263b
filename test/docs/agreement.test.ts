/** The examples of docs/agreement.md, run as they stand against the built package. */
import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, it } from "vitest";
import { parse, ROOT } from "./markdown.js";

const { blocks } = parse("docs/agreement.md", readFileSync(join(ROOT, "docs/agreement.md"), "utf8"));
const examples = blocks.filter(({ language }) => language === "ts").map(({ code }) => code);

// In the package, so that it can name itself.
mkdirSync(join(ROOT, "build"), { recursive: true });
const directory = mkdtempSync(join(ROOT, "build", "agreement-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** What it prints. The examples are JavaScript, which is TypeScript, too. */
async function run(example = ""): Promise<readonly string[]> {
  const file = join(directory, "example.mjs");
  writeFileSync(file, example);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file]);
  expect(stderr).toBe("");
  return stdout.trimEnd().split("\n");
}

describe("docs/agreement.md", () => {
  it("has examples of under 60 lines", () => {
    expect(examples).toHaveLength(2);
    for (const example of examples) expect(example.trimEnd().split("\n").length).toBeLessThan(60);
  });

  it("agrees in memory on a value that the predicate takes", async () => {
    const printed = (await run(examples[0])).join("\n");
    const dishes = [...printed.matchAll(/^party (\d): (.*)$/gm)].map(([, party, dish]) => ({ party, dish }));
    expect(new Set(dishes.map(({ party }) => party))).toEqual(new Set(["0", "1", "2", "3"]));
    expect(new Set(dishes.map(({ dish }) => dish)).size).toBe(1);
    expect(["soup", "risotto", "dumplings"]).toContain(dishes[0]?.dish);
    expect(printed).toMatch(/^party 0 accuses \[\s+\{\s+party: 3,\s+fault: 'invalid-proposal'/m);
  });

  it("agrees over TLS on a bit", async () => {
    expect(await run(examples[1])).toEqual(Array.from({ length: 4 }, () => "decided 1, 64 bytes of proof"));
  });
});
