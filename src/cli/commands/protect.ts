/** `abcast protect`: sets, changes or removes the passphrase of a secret file. */
import type { Command } from "commander";
import { z } from "zod";
import { clientConfigSchema, formatFile, partyKeysSchema } from "../../replica/config.js";
import { identitySchema } from "../../replica/config-ceremony.js";
import { readFileAs } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { bidderSchema } from "../bidder-file.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { passphrase, passphraseOf, passphraseOption } from "../passphrase.js";
import { replaceFile } from "../replace-file.js";
import { protect as protectText } from "../write-cluster.js";

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
      "FILE is a keys.json, identity.json, client-I.json, or a key of abcast auction key. Its old passphrase, if it has one, comes from the file that ABCAST_PASSPHRASE_FILE names, or is asked for.",
    )
    .argument("<FILE>", "the secret file")
    .addOption(passphraseOption("FILE"))
    .option("--remove", "leave the file without a passphrase")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast protect cluster/party-0/keys.json --passphrase-file secret.txt"))
    .action(protect);
}

const secretFile = z.discriminatedUnion("format", [partyKeysSchema, clientConfigSchema, identitySchema, bidderSchema]);

async function protect(file: string, options: Options): Promise<void> {
  const newPassphrase = await passphraseOf(options);
  if ((newPassphrase === undefined) !== (options.remove === true))
    throw new InputError({ option: "--passphrase-file" }, "give either --passphrase-file or --remove");
  const content = formatFile(secretFile, await readFileAs(file, secretFile, "secret", passphrase));
  replaceFile(file, newPassphrase === undefined ? content : await protectText(content, newPassphrase));
  const now = newPassphrase === undefined ? "has no passphrase any more" : "is under the passphrase";
  createOutput(options).result({ file, protected: newPassphrase !== undefined }, `${file} ${now}`);
}
