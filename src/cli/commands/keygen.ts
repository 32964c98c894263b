/** `abcast keygen`: a party makes its own keys, on its own machine. */
import { join } from "node:path";
import { type Command } from "commander";
import { toHex } from "../../core/bytes.js";
import { cardStatement } from "../../crypto/ceremony/identity-card.js";
import { formatFile } from "../../replica/config.js";
import { cardSchema, identitySchema } from "../../replica/config-ceremony.js";
import { hostField, nameField } from "../../replica/config-fields.js";
import { createIdentity } from "../ceremony.js";
import { checkedText, example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { passphraseOf, passphraseOption } from "../passphrase.js";
import { createDirectoryAtOnce } from "../whole-directory.js";
import { writePublicFile, writeSecretFile } from "../write-cluster.js";

interface Options {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly httpPort?: number;
  readonly out: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

export function registerKeygen(program: Command): void {
  program
    .command("keygen")
    .summary("make a party's own keys, on its own machine")
    .description(
      "First step of a key ceremony: makes the keys that a party shares with nobody (TLS, Ed25519, and one to which the dealer seals). " +
        "DIR/identity.json is secret and stays here. DIR/card.json has the public halves: give it to the dealer, who makes the cluster " +
        "with abcast init --cards, and compare the card's fingerprint with the dealer over another way.",
    )
    .requiredOption("--name <NAME>", "the party's name", checkedText(nameField))
    .requiredOption("--host <HOST>", "where others reach the party", checkedText(hostField))
    .requiredOption("--port <PORT>", "port for replicas and clients", wholeNumber(1, 65535))
    .option("--http-port <PORT>", "port for HTTP (default: the port plus one)", wholeNumber(1, 65535))
    .requiredOption("--out <DIR>", "directory to make; must not exist, or be empty")
    .addOption(passphraseOption("identity.json"))
    .addOption(jsonOption())
    .addHelpText("after", example("abcast keygen --name alice --host alice.example --port 7400 --out alice"))
    .action(keygen);
}

async function keygen(options: Options): Promise<void> {
  const { name, host, port, httpPort = port === 65535 ? port - 1 : port + 1, out } = options;
  const passphrase = await passphraseOf(options);
  const identity = await createIdentity({ name, host, port, httpPort });
  await createDirectoryAtOnce({ option: "--out", path: out }, async (directory) => {
    await writeSecretFile(join(directory, "identity.json"), formatFile(identitySchema, identity), passphrase);
    await writePublicFile(
      join(directory, "card.json"),
      formatFile(cardSchema, { format: "abcast-card/2", ...identity.card }),
    );
  });
  const fingerprint = toHex(cardStatement(identity.card));
  createOutput(options).result(
    { out, name, host, port, httpPort, fingerprint, protected: passphrase !== undefined },
    [
      `made the identity of ${name} in ${out}`,
      `  give ${join(out, "card.json")} to the dealer; its fingerprint is ${fingerprint}`,
      `  ${join(out, "identity.json")} is secret and stays here`,
    ].join("\n"),
  );
}
