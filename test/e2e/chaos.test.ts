/** A minute of everything that docs/chaos.md lists, as `npm run test:chaos` does it. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryDirectory } from "../cli/run-cli.js";
import { NEMESES } from "../chaos/schedule.mjs";

const CHAOS = join(import.meta.dirname, "../chaos");

interface Result {
  readonly acknowledged: number;
  readonly lost: number;
  readonly duplicated: number;
  readonly kills: number;
  readonly violations: readonly string[];
  readonly operations: number;
  readonly nemeses: Readonly<Record<string, number>>;
  readonly skipped: Readonly<Record<string, string>>;
}

describe("a minute of chaos", () => {
  it("loses nothing, does nothing twice, and accuses nobody", () => {
    const history = join(temporaryDirectory(), "history.jsonl");
    const words = ["--minutes", "1", "--seed", "1", "--json", "--history", history];
    const run = spawnSync(process.execPath, [join(CHAOS, "run.mjs"), ...words], { encoding: "utf8" });
    expect(run.stdout, run.stderr).not.toBe("");
    const result = JSON.parse(run.stdout) as Result;
    expect(result.violations).toEqual([]);
    expect(run.status, run.stderr).toBe(0);
    expect(result).toMatchObject({ lost: 0, duplicated: 0 });
    expect(result.acknowledged).toBeGreaterThan(50);
    expect(result.kills).toBeGreaterThan(2);
    // On a slow machine it is over before everything had its turn.
    const names = Object.keys(result.nemeses);
    expect(names.length).toBeGreaterThan(4);
    expect(NEMESES).toEqual(expect.arrayContaining(names));
    // What other checkers are given says the same.
    const checked = spawnSync(process.execPath, [join(CHAOS, "check-history.mjs"), history], { encoding: "utf8" });
    expect(checked.stdout).toContain(": linearisable");
    expect(readFileSync(history, "utf8").trimEnd().split("\n")).toHaveLength(result.operations);
  });
});
