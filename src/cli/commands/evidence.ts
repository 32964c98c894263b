/** `abcast evidence`: what a party can prove of others' misbehaviour; the replica may be running. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { type StorageReader, openReader } from "../../adapters/storage/index.js";
import type { Evidence } from "../../core/evidence.js";
import { faultOf } from "../../protocols/index.js";
import { loadPublic } from "../../replica/config-files.js";
import { formatEvidence } from "../../replica/evidence-file.js";
import { readEvidence } from "../../replica/evidence-store.js";
import { naming } from "../../replica/input-error.js";
import type { Storage } from "../../replica/storage.js";
import { checkPartyDirectory } from "../launch.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { storeDirectory } from "../store-directory.js";
import { checkTarget, writeWhole } from "../whole-file.js";
import { registerEvidenceVerify } from "./evidence-verify.js";

/** Opens the store of the party in `directory` for reading. */
export type OpenStorage = (directory: string) => Pick<Storage, "meta" | "close">;

interface Options {
  readonly out?: string;
  readonly json?: boolean;
}

export function registerEvidence(program: Command, open: OpenStorage = openStore): void {
  const evidence = program
    .command("evidence")
    .summary("list and check evidence of misbehaviour")
    .description(
      "Lists who was caught, by the party in DIR, signing two statements of which an honest party signs one at most. With --out each is written to a file that anybody can check.",
    )
    // Else `verify --json` would be this one's.
    .enablePositionalOptions()
    .argument("<DIR>", "the party's directory")
    .option("--out <DIR2>", "write each to a file in this directory")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast evidence cluster/party-0 --out evidence",
        "abcast evidence verify evidence/party-2-0.json --public cluster/public.json",
      ),
    )
    .action((directory: string, options: Options) => list(directory, options, open));
  registerEvidenceVerify(evidence);
}

function openStore(directory: string): StorageReader {
  return openReader(storeDirectory(directory));
}

async function list(directory: string, options: Options, open: OpenStorage): Promise<void> {
  const output = createOutput(options);
  // Else a mistyped path would be reported as a party that has lost its store.
  checkPartyDirectory(directory);
  const { cluster } = await loadPublic(join(directory, "public.json"));
  const kept = await read(directory, open);
  const files = options.out === undefined ? [] : await writeAll(options.out, cluster, kept);
  const rows = kept.map((evidence, index) => ({
    party: evidence.party,
    fault: faultOf(evidence),
    tag: evidence.tag,
    purpose: evidence.purpose,
    // JSON leaves it out where there is none.
    file: files[index],
  }));
  const lines = rows.map(({ party, fault, tag, purpose, file }) =>
    [`party ${party}`, fault, `two of "${purpose}" in ${tag}`, ...(file === undefined ? [] : [file])].join("  "),
  );
  output.result({ evidence: rows }, lines.length === 0 ? "no evidence is kept" : lines.join("\n"));
}

async function read(directory: string, open: OpenStorage): Promise<readonly Evidence[]> {
  const storage = open(directory);
  try {
    return readEvidence(storage);
  } finally {
    await storage.close();
  }
}

/** `party-I-K.json`: the K-th that is kept about party I, from 0. @throws InputError when one exists */
async function writeAll(out: string, cluster: Uint8Array, kept: readonly Evidence[]): Promise<readonly string[]> {
  await naming(out, mkdir(out, { recursive: true }));
  const counts = new Map<number, number>();
  const files = kept.map(({ party }) => {
    const index = counts.get(party) ?? 0;
    counts.set(party, index + 1);
    return join(out, `party-${party}-${index}.json`);
  });
  // All are looked at before any is written, so that a refusal leaves nothing behind.
  for (const file of files) await checkTarget({ option: "--out", file }, { replace: false, keep: [] });
  for (const [index, evidence] of kept.entries())
    await writeWhole(files[index] ?? "", formatEvidence(cluster, evidence));
  return files;
}
