/** `abcast inspect`: what a party's store holds. */
import type { Command } from "commander";
import { type Overview, overviewOf } from "../../adapters/storage/check.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { storeIn } from "../store-directory.js";

export function registerInspect(program: Command): void {
  program
    .command("inspect")
    .summary("show what a party's store holds")
    .description("Prints formats, checkpoints, segments of the log, and counts of the store in DIR. The party may run.")
    .argument("<DIR>", "the party's directory, or its store")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast inspect cluster/party-0"))
    .action(inspect);
}

async function inspect(directory: string, options: { readonly json?: boolean }): Promise<void> {
  const overview = await overviewOf(storeIn(directory));
  createOutput(options).result(overview, describe(overview));
}

function describe(overview: Overview): string {
  const { format, engine, isOwnEngine, baseRound, checkpoints, segments, batchFiles, rows } = overview;
  const list = checkpoints.map(({ round, chunks, certified }) => {
    return `round ${round} (${chunks} chunks${certified ? ", certified" : ""})`;
  });
  return [
    `format       ${format}`,
    `engine       ${engine}${isOwnEngine ? "" : ": not this version's, its inputs are not replayed"}`,
    `starts from  ${baseRound === 0 ? "nothing" : `the checkpoint of round ${baseRound}`}`,
    `checkpoints  ${list.join(", ") || "none"}`,
    `inputs       from ${overview.startInput + 1}, in the tables up to ${overview.appliedInput}`,
    `log          ${overview.logBytes} bytes in ${segments.length} segments`,
    ...segments.map(({ file, bytes }) => `  ${file}  ${bytes} bytes`),
    `batches      ${overview.batchBytes} bytes in ${batchFiles.length} files, ${rows.batches} batches are kept`,
    ...batchFiles.map(({ file, bytes }) => `  ${file}  ${bytes} bytes`),
    `tables       ${overview.tableBytes} bytes`,
    `  signed     ${rows.signed} slots, the last of round ${overview.lastSignedRound}`,
    `  ledger     ${rows.ledger === 0 ? "empty" : `entries ${overview.ledgerFrom} to ${overview.ledgerTo}`}`,
    `  proofs     ${rows.proofs}`,
    `  chunks     ${rows.chunks}`,
    `meta         ${overview.meta.join(", ") || "none"}`,
  ].join("\n");
}
