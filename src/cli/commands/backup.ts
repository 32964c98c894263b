/** `abcast backup`, `abcast restore`, `abcast rejoin`: what outlives a party's store, and how a party without one comes back. */
import { rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import { type BackupContent, backUp, createRejoining, restore, verifyBackup } from "../../adapters/storage/backup.js";
import { toHex } from "../../core/bytes.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { newStoreIn, ownerIn, refuseRunning, storeIn } from "../store-directory.js";
import { checkPartyDirectory } from "../launch.js";
import { checkTarget } from "../whole-file.js";

const SILENT =
  "The party starts silent: it follows the others and counts as faulty, until they have delivered its rejoin, which it asks for by itself.";

export function registerBackup(program: Command): void {
  program
    .command("backup")
    .summary("save what a party's store holds for everybody")
    .description(
      "Writes the latest certified checkpoint, the proofs and the ledger of the party in DIR to one file. The party may run. Neither what it signed nor what it heard is in it: a store that is restored from it must rejoin before it speaks.",
    )
    .argument("<DIR>", "the party's directory, or its store")
    .requiredOption("--out <FILE>", "the backup; a new file")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast backup cluster/party-0 --out party-0.backup"))
    .action(backup);
}

export function registerRestore(program: Command): void {
  program
    .command("restore")
    .summary("make a party's store from a backup")
    .description(
      `Checks all of BACKUP, then makes a store from it. ${SILENT} Refused where there is a store: one that is whole is better than any backup.`,
    )
    .argument("<BACKUP>", "a file that abcast backup has written")
    .requiredOption(
      "--out <DIR>",
      "the party's directory, which gets the store, or a new directory for the store alone",
    )
    .addOption(jsonOption())
    .addHelpText("after", example("abcast restore party-0.backup --out cluster/party-0"))
    .action(restoreStore);
}

export function registerRejoin(program: Command): void {
  program
    .command("rejoin")
    .summary("make a fresh store for a party that lost its own")
    .description(`Makes an empty store for the party in DIR, which has none. ${SILENT}`)
    .argument("<DIR>", "the party's directory")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast rejoin cluster/party-0"))
    .action(rejoin);
}

interface Options {
  readonly out: string;
  readonly json?: boolean;
}

async function backup(directory: string, options: Options): Promise<void> {
  const store = storeIn(directory);
  const { out } = options;
  await checkTarget({ option: "--out", file: out }, { replace: false, keep: [] });
  const temporary = `${out}.${process.pid}.tmp`;
  try {
    const content = await backUp(store, temporary);
    // What was written can be read again.
    verifyBackup(temporary);
    await rename(temporary, out);
    createOutput(options).result({ file: out, ...content }, `${out}: ${describe(content)}`);
  } finally {
    await rm(temporary, { force: true });
  }
}

async function restoreStore(file: string, options: Options): Promise<void> {
  const store = newStoreIn(options.out);
  const { nonce, ...content } = await restore(file, store, await ownerIn(options.out));
  createOutput(options).result(
    { store, nonce: toHex(nonce), ...content },
    `${store}: ${describe(content)}\n${SILENT} Start it with abcast node or abcast up.`,
  );
}

async function rejoin(directory: string, options: { readonly json?: boolean }): Promise<void> {
  checkPartyDirectory(directory);
  refuseRunning(directory);
  const store = newStoreIn(directory);
  const { nonce } = await createRejoining(store, await ownerIn(directory));
  createOutput(options).result(
    { store, nonce: toHex(nonce) },
    `${store}: an empty store\n${SILENT} Start it with abcast node or abcast up.`,
  );
}

function describe({ round, chunks, proofs, entries }: BackupContent): string {
  const checkpoint =
    round === 0 ? "no certified checkpoint yet" : `the checkpoint of round ${round} in ${chunks} chunks`;
  return `${checkpoint}, ${proofs} proofs, ${entries} ledger entries`;
}
