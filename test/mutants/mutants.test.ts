/** The mutants take minutes and have a script of their own; here only that the sources have not left them behind. */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";

test("every mutant still fits exactly one place of the sources", () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, "run.mjs"), "--check"], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toMatch(/^[1-9][0-9]+ mutants fit the sources$/m);
});
