/** `abcast receipt export`: the raw statement and signature, for other tools to verify. */
import { lstat, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Command } from "commander";
import { InputError, naming } from "../../replica/input-error.js";
import { checkStatement } from "../../verify/index.js";
import { InvalidError } from "../errors.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { readReceipt } from "../receipt-file.js";

interface Options {
  readonly statement: string;
  readonly signature: string;
  readonly force?: boolean;
  readonly json?: boolean;
}

export function registerReceipt(program: Command): void {
  const receipt = program
    .command("receipt")
    .summary("export a receipt for other tools")
    .description("Writes out what a receipt contains, for tools other than abcast.");
  receipt
    .command("export")
    .summary("write a receipt's statement and signature as raw files")
    .description("Writes the signed bytes and the RSA signature of RECEIPT, for verification without abcast.")
    .argument("<RECEIPT>", "the receipt")
    .requiredOption("--statement <FILE>", "where to write the statement")
    .requiredOption("--signature <FILE>", "where to write the signature")
    .option("--force", "overwrite existing files")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast receipt export contract.receipt --statement s --signature g",
        "openssl dgst -sha256 -verify cluster/receipt-key.pem -signature g s",
        "openssl dgst -sha256 contract.pdf   # compare with the digest line of s",
      ),
    )
    .action(exportReceipt);
}

async function exportReceipt(receiptFile: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const parsed = await readReceipt(receiptFile);
  if (!parsed.ok) throw new InvalidError(`${receiptFile} is no receipt: ${parsed.error}`);
  // Else openssl would confirm a statement that the receipt misquotes.
  const verdict = checkStatement(parsed.value);
  if (!verdict.valid) throw new InvalidError(`${receiptFile}: ${verdict.reason}`);

  const { statement, signature, force = false } = options;
  if (resolve(statement) === resolve(signature))
    throw new InputError({ option: "--signature" }, "is the same file as --statement");
  // Both are looked at before either is written, so that a refusal leaves nothing behind.
  if (!force)
    for (const option of ["statement", "signature"] as const) await refuseExisting(`--${option}`, options[option]);
  const flag = force ? "w" : "wx";
  await naming(statement, writeFile(statement, parsed.value.statement, { flag }));
  try {
    await naming(signature, writeFile(signature, parsed.value.signature, { flag }));
  } catch (error) {
    // Half an export is of no use.
    if (!force) await rm(statement, { force: true });
    throw error;
  }
  output.result(
    { statement, signature },
    `wrote ${statement} (${parsed.value.statement.length} bytes) and ${signature} (${parsed.value.signature.length} bytes)`,
  );
}

async function refuseExisting(option: string, path: string): Promise<void> {
  const exists = await lstat(path).then(
    () => true,
    () => false,
  );
  if (exists) throw new InputError({ option, file: path }, "exists already; choose another name or give --force");
}
