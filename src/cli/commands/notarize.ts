/** `abcast notarize`: has the cluster notarise a document, and writes the receipt. */
import { existsSync } from "node:fs";
import { rename, rm, writeFile } from "node:fs/promises";
import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import { InputError, naming } from "../../replica/input-error.js";
import { formatReceipt } from "../../verify/index.js";
import { openClient } from "../cluster-client.js";
import { hashWithProgress } from "../hash-progress.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";

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
    .description("Sends the SHA-256 digest of FILE to the cluster, which gives it a number in its total order, and writes the signed receipt. The document itself stays here.")
    .argument("<FILE>", "the document")
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option("-o, --out <FILE>", "where to write the receipt, replacing it (default: FILE.receipt, which must not exist)")
    .option("--timeout <SECONDS>", "how long to wait for enough replicas", wholeNumber(1, 86_400), 30)
    .addOption(jsonOption())
    .addHelpText("after", example("abcast notarize contract.pdf --cluster cluster/client-0.json -o contract.receipt"))
    .action(notarize);
}

async function notarize(document: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const out = options.out ?? `${document}.receipt`;
  if (options.out === undefined && existsSync(out)) {
    throw new InputError({ file: out }, "exists already; name the receipt with -o");
  }
  const { digest } = await hashWithProgress(document, output);
  const { client } = await openClient(options.cluster);
  try {
    const startedMs = performance.now();
    const { receipt, faulty } = await client.notarize(digest, new Uint8Array(randomBytes(16)), options.timeout * 1000);
    const latencyMs = Math.round(performance.now() - startedMs);
    await writeWhole(out, formatReceipt(receipt));
    const { sequence, round, cluster } = receipt;
    for (const party of faulty) output.note(`party ${party} sent a wrong signature share`);
    output.result(
      { receipt: out, sequence, round, digest: receipt.digest, client: receipt.client, cluster, latencyMs, faulty },
      `${document} is number ${sequence} (round ${round}), receipt in ${out}`,
    );
  } finally {
    client.close();
  }
}

/** All of the file or nothing, so that a crash leaves no half receipt. */
async function writeWhole(path: string, text: string): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await naming(path, writeFile(temporary, text));
    await naming(path, rename(temporary, path));
  } finally {
    await rm(temporary, { force: true });
  }
}
