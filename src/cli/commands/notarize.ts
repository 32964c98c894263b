/** `abcast notarize`: has the cluster notarise a document, or all below a directory, and writes the receipts. */
import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { ClusterUnreachableError } from "../../client/index.js";
import { loadClient } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { formatReceipt } from "../../verify/index.js";
import { connectClient } from "../cluster-client.js";
import { notarizeDocuments } from "../batch-notary.js";
import { documentsBelow, receiptPath } from "../document-tree.js";
import { EXIT } from "../errors.js";
import { hashWithProgress } from "../hash-progress.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { timeText } from "../time-text.js";
import { checkTarget, writeWhole } from "../whole-file.js";
import { passphrase } from "../passphrase.js";

interface Options {
  readonly cluster: string;
  readonly out?: string;
  readonly recursive?: boolean;
  readonly new?: boolean;
  readonly timeout: number;
  readonly json?: boolean;
}

export function registerNotarize(program: Command): void {
  program
    .command("notarize")
    .summary("have a document notarised")
    .description(
      "Sends the SHA-256 digest of FILE to the cluster, which gives it a number in its total order, and writes the signed receipt. A document that has a number already keeps it, and its receipt is written again. The document itself stays here.",
    )
    .argument("<FILE>", "the document; with --recursive a directory")
    .option(
      "-r, --recursive",
      "notarise all files below a directory, many at a time; each gets FILE.receipt beside it, and those that have one are skipped, so that it can be interrupted and repeated",
    )
    .option("--new", "make a new entry, with a number of its own, though the document has one already")
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option(
      "-o, --out <FILE>",
      "where to write the receipt, replacing it (default: FILE.receipt, which must not exist)",
    )
    .option("--timeout <SECONDS>", "how long to wait for enough replicas", wholeNumber(1, 86_400), 30)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast notarize contract.pdf --cluster cluster/client-0.json -o contract.receipt"))
    .action((file: string, options: Options) =>
      options.recursive === true ? notarizeBelow(file, options) : notarize(file, options),
    );
}

async function notarize(document: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const out = options.out ?? `${document}.receipt`;
  // Whatever can go wrong here does so before the document gets a number.
  const config = await loadClient(options.cluster, passphrase);
  await checkTarget(
    { option: "--out", file: out },
    { replace: options.out !== undefined, keep: [document, options.cluster] },
  );
  const { digest } = await hashWithProgress(document, output);
  const client = connectClient(config);
  try {
    const startedMs = performance.now();
    const timeoutMs = options.timeout * 1000;
    const known = options.new === true ? undefined : await client.findReceipt(digest, timeoutMs);
    const { receipt, faulty } = known ?? (await client.notarize(digest, timeoutMs).catch(sayThatItMayBeOrdered));
    const latencyMs = Math.round(performance.now() - startedMs);
    const { sequence, round, time = null, client: owner, cluster } = receipt;
    await writeWhole(out, formatReceipt(receipt)).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(
        {},
        `the document is number ${sequence}, but its receipt was not written: ${error.message}; notarise it again to get one`,
      );
    });
    for (const party of faulty) output.note(`party ${party} sent a wrong signature share`);
    const where = `number ${sequence} (round ${round}${time === null ? "" : `, ${timeText(time)}`})`;
    output.result(
      {
        receipt: out,
        new: known === undefined,
        sequence,
        round,
        time,
        digest: receipt.digest,
        client: owner,
        cluster,
        latencyMs,
        faulty,
      },
      known === undefined
        ? `${document} is ${where}, receipt in ${out}`
        : `${document} is already notarised as ${where}, receipt in ${out}; --new makes another entry`,
    );
  } finally {
    client.close();
  }
}

async function notarizeBelow(directory: string, options: Options): Promise<void> {
  if (options.out !== undefined)
    throw new InputError({ option: "--out" }, "cannot be combined with --recursive: receipts are beside the documents");
  if (options.new === true)
    throw new InputError(
      { option: "--new" },
      "cannot be combined with --recursive: documents without a receipt get a new entry",
    );
  const output = createOutput(options);
  const config = await loadClient(options.cluster, passphrase);
  const documents: string[] = [];
  for await (const document of documentsBelow(directory)) documents.push(document);
  const bar = progressBar(output, documents.length);
  const client = connectClient(config);
  try {
    const { notarized, skipped, refused, faulty } = await notarizeDocuments(client, documents, {
      timeoutMs: options.timeout * 1000,
      onReceipt: () => bar?.increment(),
      onPassed: () => bar?.increment(),
    }).finally(() => bar?.stop());
    for (const party of faulty) output.note(`party ${party} sent a wrong signature share`);
    for (const document of refused)
      output.note(`${receiptPath(document)} is no receipt of ${document} as it is: move it away to get another`);
    output.result(
      { directory, documents: documents.length, notarized, skipped, refused, faulty },
      `${notarized} documents below ${directory} were notarised, ${skipped} had their receipt${refused.length > 0 ? `, ${refused.length} have another` : ""}`,
    );
    if (refused.length > 0) process.exitCode = EXIT.invalid;
  } finally {
    client.close();
  }
}

function progressBar(output: Output, documents: number): SingleBar | undefined {
  if (output.live === undefined) return undefined;
  const bar = new SingleBar({
    format: "notarising [{bar}] {value} of {total} documents, {eta_formatted} to go",
    stream: process.stderr,
    clearOnComplete: true,
  });
  bar.start(documents, 0);
  return bar;
}

function sayThatItMayBeOrdered(error: unknown): never {
  if (!(error instanceof ClusterUnreachableError)) throw error;
  throw new ClusterUnreachableError(`${error.message}; notarise it again for its receipt`, error.reasons);
}
