/**
 * Binary agreement against the adversary that learns the coin: it is slow to decide, but does; and with either of the two rules gone
 * that the adversary runs into, κ = n-t and the freeze, it never does. docs/adaptive-coin.md
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import { type AdaptiveCoinOptions, type AdaptiveCoinReport, runAdaptiveCoin } from "../../src/sim/adaptive-coin.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const ABBA = "src/protocols/binary-agreement/binary-agreement.ts";

type Run = typeof runAdaptiveCoin;

function runs(count: number, options: Omit<AdaptiveCoinOptions, "seed">, run: Run = runAdaptiveCoin) {
  return Array.from({ length: count }, (_, index) => run({ seed: index + 1, ...options }));
}

function mean(reports: readonly AdaptiveCoinReport[]): number {
  return reports.reduce((sum, { rounds }) => sum + rounds, 0) / reports.length;
}

const share = (reports: readonly AdaptiveCoinReport[], rounds: number): number =>
  reports.filter((report) => report.rounds === rounds).length / reports.length;

describe("with κ = n-t and the freeze", () => {
  const reports = runs(1000, { kappa: "n-t" });

  test("all runs decide, in 6.2 rounds on average at most, and hardly below 6: the adversary is as strong as can be", () => {
    expect(reports.every(({ decided }) => decided)).toBe(true);
    expect(mean(reports)).toBeLessThanOrEqual(6.2);
    expect(mean(reports)).toBeGreaterThanOrEqual(5.7);
  });

  test("every second round, from the third on, the coin ends it with probability 1/2", () => {
    expect(reports.every(({ rounds }) => rounds >= 4 && rounds % 2 === 0)).toBe(true);
    for (const rounds of [4, 6, 8]) expect(Math.abs(share(reports, rounds) - 2 ** (1 - rounds / 2))).toBeLessThan(0.04);
  });

  test("either value is decided", () => {
    expect(new Set(reports.map(({ value }) => value))).toEqual(new Set([0, 1]));
  });

  test.each([7, 8])("the same with n=%i", (n) => {
    const reports = runs(100, { kappa: "n-t", n });
    expect(reports.every(({ decided }) => decided)).toBe(true);
    expect(mean(reports)).toBeLessThanOrEqual(6.2);
    expect(mean(reports)).toBeGreaterThanOrEqual(5.5);
  });

  test("to change a fast party's mind after it has tossed does not work", () => {
    const reports = runs(200, { kappa: "n-t", strategy: "re-evaluation" });
    expect(reports.every(({ decided }) => decided)).toBe(true);
    expect(mean(reports)).toBeLessThanOrEqual(6.2);
  });
});

describe("never a decision within 200 rounds", () => {
  const stalled = { decided: false, rounds: 200, value: undefined };
  const sizes = [
    { n: 4, count: 10 },
    { n: 7, count: 2 },
  ];

  test.each(sizes)("with κ = t+1, n=$n", ({ n, count }) => {
    for (const report of runs(count, { kappa: "t+1", n })) expect(report).toMatchObject(stalled);
  });

  test("without the freeze, although κ = n-t", async () => {
    const run = await withChange(RE_EVALUATION);
    for (const { n, count } of sizes) {
      for (const report of runs(count, { kappa: "n-t", strategy: "re-evaluation", n }, run))
        expect(report).toMatchObject(stalled);
    }
  });

  test("for lack of these rules: with both, the same attacks on the same seeds end", () => {
    for (const strategy of ["open-quorum", "re-evaluation"] as const) {
      for (const { n, count } of sizes)
        expect(runs(count, { kappa: "n-t", strategy, n }).every(({ decided }) => decided)).toBe(true);
    }
  });
});

describe("with n > 4t no round has both values open", () => {
  test.each([5, 9])("so that half of the coins end it, whatever κ is: n=%i", (n) => {
    for (const kappa of ["n-t", "t+1"] as const) {
      const reports = runs(200, { kappa, n });
      expect(reports.every(({ decided }) => decided)).toBe(true);
      expect(mean(reports)).toBeLessThanOrEqual(4.3);
      expect(mean(reports)).toBeGreaterThanOrEqual(3.7);
    }
  });
});

/** Main-votes count also after the own coin share has left, up to the time that the coin is known. */
const RE_EVALUATION: Change = {
  search: "    const coin = round.coin;\n",
  replacement: `
    const coin = round.coin;
    for (const [party, vote] of round.receivedMainVotes) {
      if (vote.value === ABSTAIN || vote.reason.kind !== "preVotes") continue;
      if (this.#justification.mainVote(party, this.#round, vote, this.#previousCoin()) !== "justified") continue;
      next = { kind: "preVotes", value: vote.value, certificate: vote.reason.certificate };
    }
`,
};

interface Change {
  readonly search: string;
  readonly replacement: string;
}

/** The adversary over a copy of the sources, in which binary agreement is changed in one place. */
async function withChange({ search, replacement }: Change): Promise<Run> {
  const copy = mkdtempSync(join(tmpdir(), "abcast-adaptive-coin-"));
  try {
    cpSync(join(ROOT, "src"), join(copy, "src"), { recursive: true });
    for (const name of ["package.json", "tsconfig.json"]) cpSync(join(ROOT, name), join(copy, name));
    symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
    const source = readFileSync(join(copy, ABBA), "utf8");
    expect(source.split(search), `places with ${search}`).toHaveLength(2);
    writeFileSync(join(copy, ABBA), source.replace(search, replacement));
    const changed = (await import(pathToFileURL(join(copy, "src/sim/adaptive-coin.ts")).href)) as {
      readonly runAdaptiveCoin: Run;
    };
    return changed.runAdaptiveCoin;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

describe("what must not be is noticed", () => {
  const OUTPUT = "this.#scope.output({ round, value,";
  test.each([
    ["agreement", OUTPUT, "this.#scope.output({ round, value: (this.#scope.self % 2) as Bit,"],
    ["termination", OUTPUT, "if (this.#scope.self % 2 === 0) this.#scope.output({ round, value,"],
    [
      "no honest party is accused",
      OUTPUT,
      "for (const party of this.#scope.group.parties) this.#scope.accuse(party, 'double-vote');\n    this.#scope.output({ round, value,",
    ],
  ])("%s", async (property, search, replacement) => {
    const run = await withChange({ search, replacement });
    expect(() => run({ seed: 1, kappa: "n-t", n: 7 })).toThrow(property);
  });
});

describe("runs", () => {
  test("are the same for the same options, and differ by seed", () => {
    for (const options of [
      { kappa: "n-t" },
      { kappa: "t+1", maxRounds: 20 },
      { kappa: "n-t", strategy: "re-evaluation", n: 7 },
    ] as const) {
      expect(runs(3, options)).toEqual(runs(3, options));
      expect(new Set(runs(10, options).map(({ traceSha256 }) => traceSha256)).size).toBe(10);
    }
  });

  test("end where told to, undecided", () => {
    expect(runAdaptiveCoin({ seed: 1, kappa: "n-t", maxRounds: 3 })).toMatchObject({ decided: false, rounds: 3 });
  });

  test.each([1, 2, 3])("need a party to corrupt: not n=%i", (n) => {
    expect(() => runAdaptiveCoin({ seed: 1, kappa: "t+1", n })).toThrow(RangeError);
  });
});
