/** `abcast export`: the ledger of a party, for other programs. */
import { once } from "node:events";
import { type FileHandle, open } from "node:fs/promises";
import type { Command } from "commander";
import { type StorageReader, openReader } from "../../adapters/storage/index.js";
import { toBase64 } from "../../core/base64.js";
import { naming } from "../../replica/input-error.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { storeIn } from "../store-directory.js";
import { checkTarget } from "../whole-file.js";

const PAGE_ENTRIES = 256;

export function registerExport(program: Command): void {
  program
    .command("export")
    .summary("write a party's ledger as JSON lines")
    .description(
      "Writes what the party in DIR has delivered and keeps, in order: one {sequence, round, time, payload} a line, the payload in base64. The party may run.",
    )
    .argument("<DIR>", "the party's directory, or its store")
    .option("--out <FILE>", "where to; a new file. Without it: stdout")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast export cluster/party-0 --out ledger.jsonl"))
    .action(exportLedger);
}

async function exportLedger(
  directory: string,
  options: { readonly out?: string; readonly json?: boolean },
): Promise<void> {
  const store = openReader(storeIn(directory));
  try {
    const { out } = options;
    if (out === undefined) {
      await writePages(store, toStdout);
      return;
    }
    await checkTarget({ option: "--out", file: out }, { replace: false, keep: [] });
    const file = await naming(out, open(out, "wx"));
    try {
      const entries = await writePages(store, (text) => toFile(file, out, text));
      await naming(out, file.sync());
      createOutput(options).result({ file: out, entries }, `${entries} entries in ${out}`);
    } finally {
      await file.close();
    }
  } finally {
    await store.close();
  }
}

/** A page at a time: whoever reads our output slowly holds neither memory nor an old state of the store. */
async function writePages(store: StorageReader, write: (text: string) => Promise<void>): Promise<number> {
  let count = 0;
  for (let next = 0; ;) {
    const lines: string[] = [];
    for (const { sequence, round, timeMs, payload } of store.ledger(next)) {
      lines.push(`${JSON.stringify({ sequence, round, time: timeMs ?? null, payload: toBase64(payload) })}\n`);
      next = sequence + 1;
      if (lines.length === PAGE_ENTRIES) break;
    }
    await write(lines.join(""));
    count += lines.length;
    if (lines.length < PAGE_ENTRIES) return count;
  }
}

async function toStdout(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

async function toFile(file: FileHandle, path: string, text: string): Promise<void> {
  await naming(path, file.appendFile(text));
}
