/** `abcast verify`: does this receipt prove that the cluster notarised this document, or this award its auction's outcome? Works offline. */
import type { Command } from "commander";
import { equalBytes, fromHex, toHex } from "../../core/bytes.js";
import { type ClusterPublic } from "../../replica/config.js";
import { loadPublic } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { type Receipt, ReceiptKeyError, type Verdict, verifyReceipt } from "../../verify/index.js";
import { type VerifyOptions, verifyAwardFile } from "../award-report.js";
import { EXIT } from "../errors.js";
import { hashWithProgress } from "../hash-progress.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { readReceipt } from "../receipt-file.js";
import { receiptKeySpki } from "../receipt-key.js";
import { timeText } from "../time-text.js";

export function registerVerify(program: Command): void {
  program
    .command("verify")
    .summary("check a receipt for a document, or an auction's award, offline")
    .description(
      "Checks that RECEIPT proves that the cluster notarised FILE; without RECEIPT, that FILE is an award: that the group signed it, that the bids behind it are in their order and before the close, and that the outcome follows from them. Needs no running cluster. Exit code 1 when it does not.",
    )
    .argument("<FILE>", "the document, or the award")
    .argument("[RECEIPT]", "the document's receipt")
    .requiredOption("--public <FILE>", "the cluster's public.json, from a source that you trust")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast verify contract.pdf contract.receipt --public cluster/public.json",
        "abcast verify boat.award --public cluster/public.json",
      ),
    )
    .action(verify);
}

async function verify(file: string, receiptFile: string | undefined, options: VerifyOptions): Promise<void> {
  return receiptFile === undefined ? verifyAwardFile(file, options) : verifyDocument(file, receiptFile, options);
}

async function verifyDocument(document: string, receiptFile: string, options: VerifyOptions): Promise<void> {
  const output = createOutput(options);
  const cluster = await loadPublic(options.public);
  const parsed = await readReceipt(receiptFile);
  const { digest } = await hashWithProgress(document, output);
  if (!parsed.ok) {
    const reason = `${receiptFile} is no receipt: ${parsed.error}`;
    output.result({ valid: false, reason }, `invalid: ${reason}`);
    process.exitCode = EXIT.invalid;
    return;
  }
  const receipt = parsed.value;
  const verdict = await check(receipt, digest, cluster, options.public);
  const { sequence, round, client } = receipt;
  const time = receipt.time ?? null;
  output.result(
    { ...verdict, sequence, round, time, digest: receipt.digest, client, cluster: receipt.cluster },
    verdict.valid ? validText(document, receipt, cluster) : `invalid: ${verdict.reason}`,
  );
  if (!verdict.valid) process.exitCode = EXIT.invalid;
}

async function check(
  receipt: Receipt,
  digest: Uint8Array,
  cluster: ClusterPublic,
  publicFile: string,
): Promise<Verdict> {
  try {
    return await verifyReceipt({
      receipt,
      digest,
      receiptKeySpki: receiptKeySpki(cluster),
      cluster: toHex(cluster.cluster),
    });
  } catch (error) {
    if (!(error instanceof ReceiptKeyError)) throw error;
    throw new InputError({ file: publicFile, field: "keys.receipt" }, "is not a usable RSA key");
  }
}

function validText(
  document: string,
  { sequence, round, time, client, cluster, digest }: Receipt,
  { clients }: ClusterPublic,
): string {
  const key = fromHex(client) ?? new Uint8Array();
  const index = clients.findIndex(({ publicKey }) => equalBytes(publicKey, key));
  const who = index === -1 ? "a client that public.json does not list" : `client ${index}`;
  return [
    `valid: ${document} is number ${sequence} of cluster ${cluster}, round ${round}, for ${who}`,
    ...(typeof time === "number" ? [`  time    ${timeText(time)}`] : []),
    `  SHA-256 ${digest.value}`,
    `  client  ${client}`,
  ].join("\n");
}
