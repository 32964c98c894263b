/** `abcast simulate`: one seed is one run, whatever the machine does meanwhile. */
import { describe, expect, it } from "vitest";
import { runCli } from "./run-cli.js";

interface Report {
  readonly runs: number;
  readonly violations: readonly unknown[];
  readonly traceSha256: string;
  readonly runsPerSecond: number;
  readonly actions: Readonly<Record<string, number>>;
}

async function report(...args: readonly string[]): Promise<Report> {
  const { code, stdout, stderr } = await runCli(["simulate", "--json", ...args]);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as Report;
}

describe("abcast simulate", () => {
  it("repeats a run byte for byte, and another seed is another run", async () => {
    const [one, again, other] = [
      await report("--seeds", "1..3"),
      await report("--seeds", "1..3"),
      await report("--seeds", "2..4"),
    ];
    expect(one).toMatchObject({ runs: 3, violations: [] });
    expect(one.traceSha256).toMatch(/^[0-9a-f]{64}$/);
    expect({ ...again, runsPerSecond: one.runsPerSecond }).toEqual(one);
    expect(other.traceSha256).not.toBe(one.traceSha256);
    expect(one.runsPerSecond).toBeGreaterThan(0);
    expect(Object.values(one.actions).every((count) => count > 0)).toBe(true);
  });

  // Of seed 4 the first candidate is rejected once: only then is `adaptive` another run than `fixed`.
  it.each(["random", "adaptive", "on-request", "parallel"])("runs the variant %s", async (variant) => {
    const { violations, traceSha256 } = await report("--seeds", "4", "--variant", variant);
    expect(violations).toEqual([]);
    expect(traceSha256).not.toBe((await report("--seeds", "4")).traceSha256);
  });

  it.each([
    ["--seeds", "9..1"],
    ["--seeds", "x"],
    ["--n", "0"],
    ["--variant", "unknown"],
  ])("refuses %s %s", async (...args) => {
    const { code, stderr } = await runCli(["simulate", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(args[0]);
  });
});
