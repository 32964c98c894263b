/** `abcast simulate --scenario link-failures`: atomic broadcast over links that delete for ever, and relays that lie. */
import { MAX_LINK_PARTIES, runLinkFailures } from "../../sim/index.js";
import { EXIT, InputError } from "../errors.js";
import type { Output } from "../output.js";
import { describeBatch, runBatch } from "./batch.js";
import { type BatchOptions, refuse, repeatLines } from "./scenario.js";

export function simulateLinkFailures(options: BatchOptions, output: Output): void {
  refuse(options, ["preset", "variant", "kappa", "trace"]);
  const { seeds, n = 4, dissemination } = options;
  if (n < 2 || n > MAX_LINK_PARTIES)
    throw new InputError(
      { option: "--n" },
      `must be from 2 to ${MAX_LINK_PARTIES} with --scenario ${options.scenario}`,
    );
  const sum = { cutLinks: 0, frames: 0, relayedFrames: 0 };
  let mostCopies = 0;
  const batch = runBatch(seeds, output, (seed) => {
    const report = runLinkFailures({ seed, n, ...(dissemination === undefined ? {} : { dissemination }) });
    sum.cutLinks += report.cut.length;
    sum.frames += report.frames;
    sum.relayedFrames += report.relayedFrames;
    mostCopies = Math.max(mostCopies, report.mostCopies);
    return report;
  });
  const copiesBound = n - 1 + (n - 2) ** 2;
  const lines = [
    ...describeBatch(`over failing links at n=${n}`, batch),
    `${sum.cutLinks} of ${batch.runs * n * (n - 1)} directed links deleted everything; ${sum.relayedFrames} of ${sum.frames} frames were relayed`,
    `a relayed frame had at most ${mostCopies} copies; at most ${copiesBound} may be`,
    ...repeatLines(
      options,
      batch.violations.map(({ seed }) => seed),
    ),
  ];
  output.result({ ...batch, n, ...sum, mostCopies, copiesBound }, lines.join("\n"));
  if (batch.violations.length > 0) process.exitCode = EXIT.invalid;
}
