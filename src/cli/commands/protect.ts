/** `abcast protect`: sets, changes or removes the passphrase of a secret file. */
import { open, rename, rm } from "node:fs/promises";
import type { Command } from "commander";
import { clientConfigSchema, formatFile, partyKeysSchema } from "../../replica/config.js";
import { identitySchema } from "../../replica/config-ceremony.js";
import { readFileAs } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { passphrase, passphraseOf, passphraseOption } from "../passphrase.js";
import { protect as protectText } from "../write-cluster.js";
import { z } from "zod";

interface Options {
  readonly passphraseFile?: string;
  readonly remove?: boolean;
  readonly json?: boolean;
}

export function registerProtect(program: Command): void {
  program
    .command("protect")
    .summary("set, change or remove the passphrase of a secret file")
    .description(
      "FILE is a keys.json, identity.json or client-I.json. Its old passphrase, if it has one, comes from the file that ABCAST_PASSPHRASE_FILE names, or is asked for.",
    )
    .argument("<FILE>", "the secret file")
    .addOption(passphraseOption("FILE"))
    .option("--remove", "leave the file without a passphrase")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast protect cluster/party-0/keys.json --passphrase-file secret.txt"))
    .action(protect);
}

const secretFile = z.discriminatedUnion("format", [partyKeysSchema, clientConfigSchema, identitySchema]);

async function protect(file: string, options: Options): Promise<void> {
  const newPassphrase = passphraseOf(options);
  if ((newPassphrase === undefined) !== (options.remove === true))
    throw new InputError({ option: "--passphrase-file" }, "give either --passphrase-file or --remove");
  const content = formatFile(secretFile, await readFileAs(file, secretFile, "secret", passphrase));
  await replaceSecret(file, newPassphrase === undefined ? content : await protectText(content, newPassphrase));
  const now = newPassphrase === undefined ? "has no passphrase any more" : "is under the passphrase";
  createOutput(options).result({ file, protected: newPassphrase !== undefined }, `${file} ${now}`);
}

/** At once: a crash leaves the old file or the new one. */
async function replaceSecret(file: string, text: string): Promise<void> {
  const temporary = `${file}.new`;
  const handle = await open(temporary, "wx", 0o600);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
  await rename(temporary, file);
}
