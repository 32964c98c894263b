/** `abcast auction key|register|keys`: keys of bidders and auctioneers who are no clients of the cluster. */
import type { Command } from "commander";
import { toHex } from "../../core/bytes.js";
import { formatFile } from "../../replica/config.js";
import { loadPublic } from "../../replica/config-files.js";
import {
  bidderSchema,
  createBidder,
  keyNameField,
  loadRegistration,
  registrationFile,
  registrationSchema,
} from "../bidder-file.js";
import { type BiddingOptions, biddingOptions, withBidding } from "../bidding-client.js";
import { registeredKeyJson } from "../bidding-json.js";
import { clientName } from "../key-names.js";
import { checkedText, example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";
import { passphraseOf, passphraseOption } from "../passphrase.js";
import { checkTarget } from "../whole-file.js";
import { writeSecretFile } from "../write-cluster.js";

interface KeyOptions {
  readonly name: string;
  readonly out: string;
  readonly public: string;
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

export function registerAuctionKeys(auction: Command): void {
  auction
    .command("key")
    .description(
      "Makes a key for who is no client of the cluster, and prints its registration: hand that to a client, who has it registered. The key is secret and stays in FILE.",
    )
    .requiredOption("--name <TEXT>", "what others are to call its holder", checkedText(keyNameField))
    .requiredOption("-o, --out <FILE>", "where to write the key; must not exist")
    .requiredOption("--public <FILE>", "the cluster's public.json, from a source that you trust")
    .addOption(passphraseOption("the key"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        'abcast auction key --name "Bidder Ltd" --out bidder.json --public cluster/public.json > registration.json',
      ),
    )
    .action(makeKey);
  biddingOptions(auction.command("register"))
    .description(
      "Has a key registered that its holder has made. The client vouches for nothing, but counts as its sponsor.",
    )
    .argument("<REGISTRATION>", "the file that the key's holder gave")
    .addHelpText("after", example("abcast auction register registration.json --cluster cluster/client-0.json"))
    .action(register);
  biddingOptions(auction.command("keys"))
    .description("Prints the keys that are registered: who holds one may bid and sell as clients do.")
    .addHelpText("after", example("abcast auction keys --cluster cluster/client-0.json"))
    .action(list);
}

async function makeKey(options: KeyOptions): Promise<void> {
  const { name, out } = options;
  await checkTarget({ option: "--out", file: out }, { replace: false, keep: [options.public] });
  const bidder = createBidder(name, await loadPublic(options.public));
  await writeSecretFile(out, formatFile(bidderSchema, bidder), await passphraseOf(options));
  const output = createOutput(options);
  const text = formatFile(registrationSchema, registrationFile(bidder));
  output.note(`the key is in ${out}; what follows is its registration, for a client of the cluster to register`);
  output.result(JSON.parse(text), text.trimEnd());
}

async function register(file: string, options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call, cluster }) => {
    const registration = await loadRegistration(file, cluster);
    const { sequence, round } = await bidding.register(registration, call);
    const { name, key } = registration;
    output.result(
      { ok: true, key: toHex(key), name, sequence, round },
      `${JSON.stringify(name)} is registered with the key ${toHex(key)} (round ${round})`,
    );
  });
}

async function list(options: BiddingOptions): Promise<void> {
  await withBidding(options, async ({ bidding, output, call, cluster }) => {
    const { timeoutMs } = call;
    const keys = await bidding.keys({ timeoutMs });
    const lines = keys.map(
      ({ key, name, sponsor }) => `${toHex(key)}  ${JSON.stringify(name)}, brought by ${clientName(cluster, sponsor)}`,
    );
    output.result({ keys: keys.map(registeredKeyJson) }, lines.join("\n") || "no keys are registered");
  });
}
