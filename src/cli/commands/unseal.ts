/** `abcast unseal`: a party opens what the dealer sealed to it, and has the directory from which its replica starts. */
import { join } from "node:path";
import type { Command } from "commander";
import { equalBytes, toHex } from "../../core/bytes.js";
import { identitySchema, sealedPartySchema } from "../../replica/config-ceremony.js";
import { checkParty, checkPublic } from "../../replica/config-checks.js";
import { hexField } from "../../replica/config-fields.js";
import { readFileAs, refuse } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { openParty } from "../ceremony.js";
import { newPartyConfig, newPartyKeys } from "../new-cluster.js";
import { checkedText, example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { passphrase, passphraseOf, passphraseOption } from "../passphrase.js";
import { createDirectoryAtOnce } from "../whole-directory.js";
import { writeParty } from "../write-cluster.js";

interface Options {
  readonly identity: string;
  readonly cluster: string;
  readonly out: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

export function registerUnseal(program: Command): void {
  program
    .command("unseal")
    .summary("open what the dealer sealed to this party")
    .description(
      "Last step of a key ceremony: opens FILE, a party-I.sealed, with the identity that abcast keygen made, checks it, and makes the directory " +
        "from which abcast node starts the replica. ID is the cluster's name as the dealer printed it: learn it over another way than the file.",
    )
    .argument("<FILE>", "party-I.sealed, as made by abcast init --cards")
    .requiredOption("--identity <DIR>", "directory that abcast keygen made")
    .requiredOption("--cluster <ID>", "name of the cluster, 64 hexadecimal digits", checkedText(hexField(32)))
    .requiredOption("--out <DIR>", "directory to make; must not exist, or be empty")
    .addOption(passphraseOption("keys.json"))
    .addOption(jsonOption())
    .addHelpText("after", example("abcast unseal party-0.sealed --identity alice --cluster 5f2a… --out party-0"))
    .action(unseal);
}

async function unseal(file: string, options: Options): Promise<void> {
  const newPassphrase = await passphraseOf(options);
  const sealed = await readFileAs(file, sealedPartySchema, "open");
  if (toHex(sealed.cluster) !== options.cluster) {
    throw new InputError(
      { file, field: "cluster" },
      `is ${toHex(sealed.cluster)}, not the cluster that --cluster names`,
    );
  }
  const identityFile = join(options.identity, "identity.json");
  const identity = await readFileAs(identityFile, identitySchema, "secret", passphrase);
  const folder = await openParty(file, sealed, identity);
  const { public: cluster, keys, client } = folder;
  // The party's own: the dealer does not say where its replica listens.
  const config = newPartyConfig(sealed.party, identity.card, cluster.channel);

  const inside = (issues: Awaited<ReturnType<typeof checkPublic>>): void => refuse(`${file} (sealed)`, issues);
  inside(await checkPublic(cluster));
  inside(checkParty(config, cluster));
  if (!equalBytes(cluster.cluster, sealed.cluster))
    throw new InputError({ file }, "holds a folder of another cluster than it says; ask the dealer");
  checkOwnEntry(file, identity.card, cluster.parties[config.party]);

  await createDirectoryAtOnce({ option: "--out", path: options.out }, async (directory) => {
    const own = newPartyKeys(config.party, identity, keys, client);
    await writeParty(directory, { config, public: cluster, keys: own }, newPassphrase);
  });
  createOutput(options).result(
    { out: options.out, cluster: options.cluster, party: config.party, protected: newPassphrase !== undefined },
    `made the directory of party ${config.party} in ${options.out}; start its replica with: abcast node ${options.out}`,
  );
}

/** The dealer must not have put the party elsewhere than its card says. That the keys are its own, `writeParty` checks. */
function checkOwnEntry(
  file: string,
  card: { readonly name: string; readonly host: string; readonly port: number; readonly httpPort: number },
  entry: typeof card | undefined,
): void {
  for (const field of ["name", "host", "port", "httpPort"] as const) {
    if (entry?.[field] === card[field]) continue;
    throw new InputError(
      { file },
      `has another ${field} for this party than its card: ${String(entry?.[field])}; ask the dealer`,
    );
  }
}
