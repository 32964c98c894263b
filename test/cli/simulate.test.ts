/** `abcast simulate`: one seed is one run, whatever the machine does meanwhile. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { runCli } from "./run-cli.js";

const DIRECTORY = mkdtempSync(join(tmpdir(), "abcast-simulate-"));
afterAll(() => rmSync(DIRECTORY, { recursive: true, force: true }));

function written(name: string, content: unknown): string {
  const file = join(DIRECTORY, name);
  writeFileSync(file, JSON.stringify(content));
  return file;
}

interface Report {
  readonly n: number;
  readonly scenario: unknown;
  readonly trace?: unknown;
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

  let plain: Promise<Report> | undefined;
  // `adaptive` is another run than `fixed` only where the first candidate is rejected.
  it.each(["random", "adaptive", "on-request", "parallel"])("runs the variant %s", async (variant) => {
    plain ??= report("--seeds", "1..20");
    const { violations, traceSha256 } = await report("--seeds", "1..20", "--variant", variant);
    expect(violations).toEqual([]);
    expect(traceSha256).not.toBe((await plain).traceSha256);
  });

  it.each(["4x4", "hybrid-8", "weighted", "crash-3", "paley-19"])("runs the preset %s", async (preset) => {
    const { violations, actions } = await report("--seeds", "1", "--preset", preset);
    expect(violations).toEqual([]);
    expect(actions["deliver"]).toBeGreaterThan(0);
  });

  it("takes a scenario from a file, and lets options have the last word", async () => {
    const file = written("scenario.json", {
      n: 7,
      order: "random",
      payloads: 2,
      corrupted: 0,
      weather: { crashRate: 0 },
    });
    const { actions, n, scenario } = await report("--scenario", file, "--seeds", "1..2", "--n", "4");
    expect(n).toBe(4);
    expect(scenario).toMatchObject({ n: 4, order: "random", payloads: 2 });
    expect(Object.keys(actions).filter((action) => action.startsWith("attack:"))).toEqual([]);
  });

  it("disseminates as clusters do unless told otherwise, by the file or by an option", async () => {
    const [plain, certified, inline, file] = [
      await report("--seeds", "1..2"),
      await report("--seeds", "1..2", "--dissemination", "certified"),
      await report("--seeds", "1..2", "--dissemination", "inline"),
      await report("--seeds", "1..2", "--scenario", written("inline.json", { dissemination: "inline" })),
    ];
    expect(plain.traceSha256).toBe(certified.traceSha256);
    expect(inline.traceSha256).not.toBe(plain.traceSha256);
    expect(file.traceSha256).toBe(inline.traceSha256);
  });

  it("keeps the results when there is nothing to trace, or nowhere to", async () => {
    const { violations } = await report("--seeds", "1..2", "--trace", join(DIRECTORY, "none.json"));
    expect(violations).toEqual([]);
    expect(existsSync(join(DIRECTORY, "none.json"))).toBe(false);
  });

  it("ends a run whose faults never would", async () => {
    const file = written("mad.json", { weather: { crashRate: 1 } });
    expect((await report("--scenario", file, "--seeds", "1")).violations).toEqual([]);
    const storm = written("storm.json", { weather: { breakRate: 0.3 } });
    expect((await report("--scenario", storm, "--seeds", "2")).violations).toEqual([]);
  });

  it("repeats a swarm that is named", async () => {
    const liars = await report("--scenario", "liars", "--seeds", "1..5");
    expect(liars.actions["attack:equivocate-heights"]).toBeGreaterThan(0);
    expect(liars.actions["crash"]).toBeUndefined();
  });

  it("reports what a run broke, shortens it, writes it down, and shows it", async () => {
    const file = written("stuck.json", { maxSteps: 150 });
    const out = join(DIRECTORY, "stuck-trace.json");
    const failed = await runCli(["simulate", "--scenario", file, "--seeds", "3..4", "--trace", out, "--json"]);
    expect(failed.code).toBe(1);
    const { violations, trace } = JSON.parse(failed.stdout) as Report;
    expect(violations).toMatchObject([{ seed: 3, property: "termination" }, { seed: 4 }]);
    expect(trace).toMatchObject({ file: out, seed: 3 });
    const shown = await runCli(["trace", out, "--json"]);
    expect([shown.code, JSON.parse(shown.stdout)]).toMatchObject([
      0,
      { seed: 3, isSame: true, failure: { property: "termination" } },
    ]);
    const people = await runCli(["simulate", "--scenario", file, "--seeds", "3", "--trace", out]);
    expect(people.stdout).toContain(`abcast simulate --seeds 3 --scenario ${file}`);
    expect(people.stdout).toContain(`abcast trace ${out}`);
  });

  it("cuts links for ever, and counts what relaying costs", async () => {
    const { code, stdout } = await runCli(["simulate", "--scenario", "link-failures", "--seeds", "1..5", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ runs: 5, violations: [], n: 4, copiesBound: 7 });
  });

  it.each([
    ["n-t", 0],
    ["t+1", 1],
  ])("pits the adaptive coin adversary against κ=%s", async (kappa, exitCode) => {
    const { code, stdout } = await runCli([
      "simulate",
      "--scenario",
      "adaptive-coin",
      "--kappa",
      kappa,
      "--seeds",
      "1..2",
      "--json",
    ]);
    expect(code).toBe(exitCode);
    expect(JSON.parse(stdout)).toMatchObject({ runs: 2, kappa, undecided: 2 * exitCode, decided: 2 - 2 * exitCode });
  });

  it.each<readonly [option: string, ...rest: readonly string[]]>([
    ["--seeds", "9..1"],
    ["--seeds", "x"],
    ["--n", "0"],
    ["--variant", "unknown"],
    ["--preset", "unknown"],
    ["--kappa", "3"],
    ["--n", "4", "--preset", "4x4"],
    ["--trace", "/nowhere/trace.json"],
    ["--seeds", "4294967296"],
    ["--n", "100"],
    ["--n", "17", "--scenario", "link-failures"],
    ["--preset", "4x4", "--scenario", "adaptive-coin"],
    ["--n", "3", "--scenario", "adaptive-coin"],
    ["--kappa", "t+1", "--scenario", "link-failures"],
  ])("refuses %s %s", async (...args) => {
    const { code, stderr } = await runCli(["simulate", ...args]);
    expect(code).toBe(2);
    expect(stderr).toContain(args[0] === "--trace" && args.length === 2 ? "/nowhere" : args[0]);
  });

  it("takes no name that every object has for a scenario", async () => {
    const { code, stderr } = await runCli(["simulate", "--scenario", "toString"]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("no such file")]);
  });

  it.each<readonly [what: string, scenario: unknown, error: string]>([
    ["an unknown field", { parties: 4 }, "parties"],
    ["a field of the wrong kind", { n: "four" }, "n"],
    ["a rate above 1", { weather: { crashRate: 2 } }, "crashRate"],
    ["an attack that is none", { weather: { attacks: ["flatter"] } }, "attacks"],
    ["a slow party that is not there", { weather: { slow: 4 } }, "party 4"],
    ["a vector that is too large", { vectorSize: 4 }, "c=4"],
    ["a vector that is too small", { vectorSize: 1 }, "c=1"],
    ["a number where numbers say little", { preset: "4x4", vectorSize: 9 }, "quorum"],
    ["two numbers of parties", { preset: "4x4", n: 16 }, "own number"],
    ["two channels of one name", { channels: ["abc", "abc"] }, "channels"],
  ])("refuses a scenario with %s", async (_what, scenario, error) => {
    const file = written("wrong.json", scenario);
    const { code, stderr } = await runCli(["simulate", "--scenario", file]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(error)]);
  });
});

describe("abcast trace", () => {
  const file = join(DIRECTORY, "run.json");

  it("lists a run, and draws it", async () => {
    await report("--seeds", "7", "--trace", file);
    const listed = await runCli(["trace", file]);
    expect(listed.code, listed.stderr).toBe(0);
    expect(listed.stdout).toMatch(/^ event {2}0/);
    expect(listed.stdout).toMatch(/0 → \d round 1: heights( \d){4}/);
    expect(listed.stdout.trimEnd()).toMatch(/every property held$/);
    const svg = join(DIRECTORY, "run.svg");
    const drawn = await runCli(["trace", file, "--svg", svg]);
    expect(drawn.code, drawn.stderr).toBe(0);
    const picture = readFileSync(svg, "utf8");
    expect(picture).toMatch(/^<svg /);
    expect(picture).toContain("party 3");
  });

  it("tells when the run is another one than was recorded", async () => {
    const trace = JSON.parse(readFileSync(file, "utf8")) as { traceSha256: string };
    const { code, stdout } = await runCli(["trace", written("other.json", { ...trace, traceSha256: "0".repeat(64) })]);
    expect([code, stdout]).toEqual([1, expect.stringContaining("not the run that was recorded")]);
  });

  it("says when more fail than the group tolerates", async () => {
    const trace = JSON.parse(readFileSync(file, "utf8")) as { actions: string[] };
    const actions = ["corrupt 0", "corrupt 1", ...trace.actions];
    const { stdout } = await runCli(["trace", written("beyond.json", { ...trace, actions })]);
    expect(stdout).toContain("nothing is promised");
  });

  it("refuses a scenario that cannot be run", async () => {
    const trace = JSON.parse(readFileSync(file, "utf8")) as object;
    const { code, stderr } = await runCli(["trace", written("n100.json", { ...trace, scenario: { n: 100 } })]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("c=31")]);
  });

  it.each(["{}", "no json", '{"format":"abcast-trace/2"}'])("refuses %s", async (text) => {
    const wrong = join(DIRECTORY, "wrong-trace.json");
    writeFileSync(wrong, text);
    const { code, stderr } = await runCli(["trace", wrong]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("is no trace")]);
  });

  it("does not draw over the trace", async () => {
    const { code, stderr } = await runCli(["trace", file, "--svg", file]);
    expect([code, stderr]).toEqual([2, expect.stringContaining("would be lost")]);
  });
});
