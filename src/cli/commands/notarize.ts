/** `abcast notarize`: has the cluster notarise a document, and writes the receipt. */
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { loadClient } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { formatReceipt } from "../../verify/index.js";
import { connectClient } from "../cluster-client.js";
import { hashWithProgress } from "../hash-progress.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { checkTarget, writeWhole } from "../whole-file.js";
import { passphrase } from "../passphrase.js";

interface Options {
  readonly cluster: string;
  readonly out?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

export function registerNotarize(program: Command): void {
  program
    .command("notarize")
    .summary("have a document notarised")
    .description(
      "Sends the SHA-256 digest of FILE to the cluster, which gives it a number in its total order, and writes the signed receipt. The document itself stays here.",
    )
    .argument("<FILE>", "the document")
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option(
      "-o, --out <FILE>",
      "where to write the receipt, replacing it (default: FILE.receipt, which must not exist)",
    )
    .option("--timeout <SECONDS>", "how long to wait for enough replicas", wholeNumber(1, 86_400), 30)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast notarize contract.pdf --cluster cluster/client-0.json -o contract.receipt"))
    .action(notarize);
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
    const { receipt, faulty } = await client.notarize(digest, new Uint8Array(randomBytes(16)), options.timeout * 1000);
    const latencyMs = Math.round(performance.now() - startedMs);
    const { sequence, round, cluster } = receipt;
    await writeWhole(out, formatReceipt(receipt)).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error;
      throw new InputError(
        {},
        `the document is number ${sequence}, but its receipt was not written: ${error.message}; notarise it again to get one`,
      );
    });
    for (const party of faulty) output.note(`party ${party} sent a wrong signature share`);
    output.result(
      { receipt: out, sequence, round, digest: receipt.digest, client: receipt.client, cluster, latencyMs, faulty },
      `${document} is number ${sequence} (round ${round}), receipt in ${out}`,
    );
  } finally {
    client.close();
  }
}
