/** `abcast simulate --scenario adaptive-coin`: binary agreement under the scheduler that knows everything (docs/adaptive-coin.md). */
import { Violation, runAdaptiveCoin } from "../../sim/index.js";
import { EXIT, InputError } from "../errors.js";
import type { Output } from "../output.js";
import { describeBatch, runBatch } from "./batch.js";
import { type BatchOptions, refuse, repeatLines } from "./scenario.js";

/** With κ = n-t the chance that a run is still open after so many rounds is below 2^-60. */
const MAX_ROUNDS = 200;

export function simulateAdaptiveCoin(options: BatchOptions, output: Output): void {
  refuse(options, ["preset", "variant", "dissemination", "trace"]);
  const { seeds, n = 4, kappa = "n-t" } = options;
  if (n < 4) throw new InputError({ option: "--n" }, `must be at least 4: of ${n} parties none may be corrupted`);
  const rounds: number[] = [];
  const batch = runBatch(seeds, output, (seed) => {
    const report = runAdaptiveCoin({ seed, n, kappa, maxRounds: MAX_ROUNDS });
    if (!report.decided) throw new Violation("termination", `no decision within ${MAX_ROUNDS} rounds`);
    rounds.push(report.rounds);
    return report;
  });
  const decided = rounds.length;
  const meanRounds = decided === 0 ? undefined : rounds.reduce((sum, count) => sum + count, 0) / decided;
  const maxRounds = decided === 0 ? undefined : Math.max(...rounds);
  const report = { ...batch, n, kappa, decided, undecided: batch.runs - decided, meanRounds, maxRounds };
  const mean = meanRounds === undefined ? "none decided" : `mean ${meanRounds.toFixed(2)} rounds, at most ${maxRounds}`;
  const lines = describeBatch(`of binary agreement at n=${n}, κ=${kappa}`, batch);
  const again = repeatLines(
    options,
    batch.violations.map(({ seed }) => seed),
  );
  output.result(report, [...lines, `${decided} of ${batch.runs} decided: ${mean}`, ...again].join("\n"));
  if (batch.violations.length > 0) process.exitCode = EXIT.invalid;
}
