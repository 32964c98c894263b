/** `abcast init`: the dealer. Makes all keys of a new cluster and writes them to one directory. */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { toHex } from "../../core/bytes.js";
import type { Group } from "../../core/group.js";
import { MAX_PARTIES } from "../../core/party-set.js";
import { PRESETS } from "../../core/presets.js";
import { cardStatement } from "../../crypto/ceremony/identity-card.js";
import { type DealPrimes, deal, withSpares } from "../../crypto/dealer.js";
import { KeyError } from "../../crypto/errors.js";
import {
  DEFAULT_DISSEMINATION,
  DISSEMINATIONS,
  MAX_VECTOR_SIZE,
  type VectorSize,
} from "../../protocols/atomic-broadcast/messages.js";
import { MAX_PARALLEL } from "../../protocols/multivalued-agreement/messages.js";
import {
  type ClusterPublic,
  MAX_CHECKPOINT_INTERVAL,
  MAX_CLIENTS,
  type PartyKeys,
  formatFile,
  partiesFileSchema,
} from "../../replica/config.js";
import {
  type CardFile,
  type SealedParty,
  type SealedSpare,
  sealedPartySchema,
  sealedSpareSchema,
} from "../../replica/config-ceremony.js";
import { type Adversary, adversaryJson, describeAdversary, thresholdsOf } from "../../replica/config-adversary.js";
import { checkEndpoints } from "../../replica/config-checks.js";
import { readFileAs, refuse } from "../../replica/config-files.js";
import type { NamedStructure } from "../../replica/config-structure.js";
import { InputError } from "../../replica/input-error.js";
import { TSA_SERVICE } from "../../services/tsa/index.js";
import { encryptSpare, memberOf, readCards, sealParty } from "../ceremony.js";
import { type Address, assembleCluster, createMember, newPartyConfig, newPartyKeys } from "../new-cluster.js";
import { type NewGroupOptions, newGroup, structureOf } from "../new-group.js";
import { allowOriginOption, example, jsonOption, wholeNumber } from "../options.js";
import { TSA_ACCURACY, TSA_NAME, TSA_POLICY } from "../tsa-options.js";
import { createTsaCertificate } from "../tsa-certificate.js";
import { createOutput, type Output } from "../output.js";
import { passphraseOf, passphraseOption } from "../passphrase.js";
import { serviceNames, servicesOfAbcast } from "../service-names.js";
import { DEFAULT_SERVICES, KNOWN_SERVICES } from "../services.js";
import { createDirectoryAtOnce } from "../whole-directory.js";
import {
  makeSecretDirectory,
  writeClient,
  writeParty,
  writePublic,
  writePublicFile,
  writeTsa,
} from "../write-cluster.js";

const DEFAULT_BASE_PORT = 7400;
const DEFAULT_CHECKPOINT_INTERVAL = 128;

interface Options extends NewGroupOptions {
  readonly out: string;
  readonly n?: number;
  readonly parties?: string;
  readonly cards?: readonly string[];
  readonly clients: number;
  readonly rsaBits: "2048" | "3072" | "4096";
  readonly certificates: "multisig" | "bls";
  readonly coins: "dh" | "bls";
  readonly spare: number;
  readonly basePort?: number;
  readonly tsaName: string;
  readonly tsaPolicy: string;
  readonly tsaAccuracyMs: number;
  readonly allowOrigin?: readonly string[];
  readonly passphraseFile?: string;
  readonly json?: boolean;
}

function vectorSize(text: string): VectorSize {
  return text === "quorum" ? text : wholeNumber(1, MAX_PARTIES, ', or "quorum"')(text);
}

/** Safe primes by the size of the RSA keys that they make. */
export type KnownPrimes = ReadonlyMap<number, DealPrimes>;

/** For a size without primes in `known` the dealer searches new ones. Tests bring some: the search takes seconds. */
export function registerInit(program: Command, known: KnownPrimes = new Map()): void {
  program
    .command("init")
    .summary("make the keys and files of a new cluster")
    .description(
      "The dealer: makes the keys of n parties, of which t may be corrupted, and of the clients. " +
        "Run it on a machine that you trust, hand each party its party-I directory and each client its file over a safe way, " +
        "then delete the rest. party-I/keys.json and client-I.json are secret. With --cards each party has made its own keys with abcast keygen, " +
        "and gets a party-I.sealed that only it can open, with abcast unseal.",
    )
    .option(
      "--n <NUMBER>",
      "number of parties (default: as many as --parties or --cards lists)",
      wholeNumber(1, MAX_PARTIES),
    )
    .requiredOption("--out <DIR>", "directory to make; must not exist, or be empty")
    .option(
      "--t <NUMBER>",
      "how many parties may be corrupted (default: the most that n allows, (n-1)/3)",
      wholeNumber(0, MAX_PARTIES),
    )
    .option(
      "--structure <FILE>",
      `who may fail together, as abcast structure check takes it: a file, or a preset (${PRESETS.map(({ name }) => name).join(", ")}); says the parties' names and number`,
    )
    .option(
      "--parties <FILE>",
      "JSON list of {name, host, port, httpPort}, one per party, for clusters on several machines",
    )
    .option("--cards <FILES...>", "card.json of each party, in the order of their numbers, as made by abcast keygen")
    .option("--clients <NUMBER>", "number of clients", wholeNumber(0, MAX_CLIENTS), 1)
    .addOption(
      new Option("--rsa-bits <BITS>", "size of the RSA keys (receipts, tokens)")
        .choices(["2048", "3072", "4096"])
        .default("2048"),
    )
    .addOption(
      new Option(
        "--certificates <SCHEME>",
        "certificates from individual signatures, or as one BLS signature of constant size",
      )
        .choices(["multisig", "bls"])
        .default("multisig"),
    )
    .addOption(
      new Option("--coins <SCHEME>", "coins from Diffie-Hellman shares, or from BLS signatures")
        .choices(["dh", "bls"])
        .default("dh"),
    )
    .option(
      "--spare <NUMBER>",
      "RSA shares for so many parties that may join later, encrypted to the group",
      wholeNumber(0, MAX_PARTIES),
      0,
    )
    .option(
      "--base-port <PORT>",
      `first of 2n ports on 127.0.0.1 (default: ${DEFAULT_BASE_PORT}); not with --parties or --cards`,
      wholeNumber(1, 65535),
    )
    .option(
      "--c, --vector-size <C>",
      `how many parties' entries make the proposal of a round: t+1..n-t, at most ${MAX_VECTOR_SIZE}, for thresholds, or "quorum"; more is fairer, fewer takes less data (default: the most)`,
      vectorSize,
    )
    .addOption(
      new Option(
        "--order <ORDER>",
        "how agreement tries candidates: in turn, in an order drawn by coin, or one in turn and then by coin",
      )
        .choices(["fixed", "random", "adaptive"])
        .default("fixed"),
    )
    .addOption(
      new Option(
        "--delivery <DELIVERY>",
        "whether votes carry proposals, or certificates of them, and proposals are asked for",
      )
        .choices(["full", "on-request"])
        .default("full"),
    )
    .option(
      "--parallel <NUMBER>",
      "how many candidates agreement tries at once: more takes fewer steps under attack, and more messages",
      wholeNumber(1, MAX_PARALLEL),
      1,
    )
    .addOption(
      new Option(
        "--dissemination <MODE>",
        "whether payloads travel within agreement, or in certified batches of which agreement orders heights only",
      )
        .choices(DISSEMINATIONS)
        .default(DEFAULT_DISSEMINATION),
    )
    .option(
      "--services <NAMES>",
      `what the cluster runs, separated by commas: ${KNOWN_SERVICES.join(", ")} (default: ${DEFAULT_SERVICES.join(", ")}, unless there are --own-services)`,
      servicesOfAbcast,
    )
    .option(
      "--own-services <NAMES>",
      "what it runs besides, of a program of your own that all replicas run",
      serviceNames,
    )
    .option(
      "--checkpoint-interval <ROUNDS>",
      "rounds from one certified checkpoint of the state to the next",
      wholeNumber(1, MAX_CHECKPOINT_INTERVAL),
      DEFAULT_CHECKPOINT_INTERVAL,
    )
    .addOption(TSA_NAME)
    .addOption(TSA_POLICY)
    .addOption(TSA_ACCURACY)
    .addOption(allowOriginOption())
    .addOption(passphraseOption("all secret files"))
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast init --n 4 --out cluster",
        "abcast init --parties parties.json --t 2 --rsa-bits 3072 --out cluster",
        "abcast init --structure 4x4 --out cluster",
        "abcast init --n 4 --order adaptive --delivery on-request --parallel 2 --out cluster",
        "abcast init --cards alice.json bob.json carol.json dave.json --out cluster",
      ),
    )
    .action((options: Options) => init(options, known));
}

async function init(options: Options, known: KnownPrimes): Promise<void> {
  const output = createOutput(options);
  const passphrase = await passphraseOf(options);
  const structure = await structureOf(options);
  const cards = await cardsOf(options);
  const addresses = cards ?? (await addressesOf(options, structure));
  const names = addresses.map(({ name }) => name);
  const { adversary, group, channel } = newGroup(options, structure, names);
  checkSpare(group, adversary, options.spare);
  checkClients(options.clients, group.n);

  const rsaBits = Number(options.rsaBits);
  const { certificates, coins, spare } = options;
  const cluster = await createDirectoryAtOnce({ option: "--out", path: options.out }, async (directory) => {
    const local =
      cards === undefined ? await Promise.all(addresses.map((address, i) => createMember(address, `party-${i}`))) : [];
    const members = cards?.map(memberOf) ?? local.map(({ member }) => member);
    const primes = known.get(rsaBits);
    const dealing = await deal({ group, rsaBits, certificates, coins, spare, primes, onProgress: progress(output) });
    output.live?.clear();
    const tsa = channel.services.includes(TSA_SERVICE) ? createTsaCertificate(options.tsaName, dealing) : undefined;
    const timeStamping = tsa && {
      policy: options.tsaPolicy,
      accuracyMs: options.tsaAccuracyMs,
      certificate: tsa.certificatePem,
    };
    const clientCount = options.clients;
    const made = await assembleCluster({ adversary, members, clientCount, channel, dealing, timeStamping });

    await writePublic(directory, made.public);
    if (tsa !== undefined) await writeTsa(directory, tsa);
    // One after the other: after a failure nothing still writes into what the caller then removes.
    for (const [party, keys] of dealing.secretKeys.entries()) {
      const card = cards?.[party];
      const own = local[party]?.own;
      const client = made.partyClients[party];
      if (client === undefined) throw new Error(`no client for party ${party}`);
      if (card !== undefined) await writeSealed(directory, await sealParty(made.public, party, card, keys, client));
      else if (own !== undefined)
        await writeOwn(directory, made.public, newPartyKeys(party, own, keys, client), options.allowOrigin, passphrase);
    }
    for (const client of made.clients) await writeClient(directory, client, passphrase);
    for (const [index, keys] of dealing.spares.entries())
      await writeSpare(directory, await encryptSpare(made.public, group.n + index, keys));
    return made.public;
  });
  report(output, options, cluster, cards);
}

/** Before primes are searched. */
function checkSpare(group: Group, adversary: Adversary, spare: number): void {
  if (spare > 0 && thresholdsOf(adversary) === undefined)
    throw new InputError({ option: "--spare" }, "is for thresholds: in another structure a new party has no place yet");
  try {
    withSpares(group, spare);
  } catch (error) {
    if (!(error instanceof KeyError)) throw error;
    throw new InputError({ option: "--spare" }, error.message);
  }
}

/** Each party's replica is a client, too. */
function checkClients(count: number, n: number): void {
  if (count + n <= MAX_CLIENTS) return;
  throw new InputError({ option: "--clients" }, `is ${count}; with one for each party, at most ${MAX_CLIENTS - n}`);
}

async function writeOwn(
  directory: string,
  cluster: ClusterPublic,
  keys: PartyKeys,
  allowedOrigins: readonly string[] | undefined,
  passphrase: string | undefined,
): Promise<void> {
  const { party } = keys;
  const entry = cluster.parties[party];
  if (entry === undefined) throw new Error(`no party ${party}`);
  const partyDirectory = join(directory, `party-${party}`);
  await makeSecretDirectory(partyDirectory);
  const config = newPartyConfig(party, entry, cluster.channel, allowedOrigins && { allowedOrigins });
  const files = { config, public: cluster, keys };
  await writeParty(partyDirectory, files, passphrase);
}

async function writeSealed(directory: string, sealed: SealedParty): Promise<void> {
  await writePublicFile(join(directory, `party-${sealed.party}.sealed`), formatFile(sealedPartySchema, sealed));
}

async function writeSpare(directory: string, spare: SealedSpare): Promise<void> {
  await writePublicFile(join(directory, `spare-${spare.party}.sealed`), formatFile(sealedSpareSchema, spare));
}

function report(
  output: Output,
  options: Options,
  cluster: ClusterPublic,
  cards: readonly CardFile[] | undefined,
): void {
  const id = toHex(cluster.cluster);
  const { n, adversary, channel } = cluster;
  const thresholds = thresholdsOf(adversary);
  const { out, clients, certificates, coins, spare } = options;
  const fingerprints = cards?.map((card) => toHex(cardStatement(card)));
  output.result(
    {
      out,
      cluster: id,
      n,
      // What is more than one number has no short form.
      t: thresholds?.crash === 0 ? thresholds.byzantine : null,
      adversary: adversaryJson(adversary),
      channel,
      rsaBits: Number(options.rsaBits),
      certificates,
      coins,
      spare,
      parties: cluster.parties.map(({ party, name, host, port, httpPort }) => {
        return { party, name, host, port, httpPort, ...(fingerprints && { fingerprint: fingerprints[party] }) };
      }),
      clients: cluster.clients
        .slice(0, clients)
        .map(({ client, publicKey }) => ({ client, publicKey: toHex(publicKey) })),
    },
    [
      `made cluster ${id} in ${out}: ${n} parties, ${describeAdversary(adversary)}, ${clients} client${clients === 1 ? "" : "s"}`,
      ...cluster.parties.map(({ party, name, host, port }) => `  party-${party}  ${name} at ${host} port ${port}`),
      ...(fingerprints === undefined
        ? [`party-I/keys.json and client-I.json are secret; ${out}/public.json and the keys in PEM are for everybody`]
        : [
            "the cards have these fingerprints; each party must confirm its own, over another way than the card came:",
            ...fingerprints.map((fingerprint, party) => `  party-${party}  ${fingerprint}`),
            `give each party its party-I.sealed, and tell it the cluster's name ${id}; client-I.json is secret`,
          ]),
    ].join("\n"),
  );
}

async function cardsOf({
  cards,
  parties,
  basePort,
  n,
  allowOrigin,
}: Options): Promise<readonly CardFile[] | undefined> {
  if (cards === undefined) return undefined;
  if (allowOrigin !== undefined)
    throw new InputError({ option: "--allow-origin" }, "is each party's own affair with --cards, in its config.json");
  if (parties !== undefined || basePort !== undefined) {
    const other = parties === undefined ? "--base-port" : "--parties";
    throw new InputError({ option: other }, "cannot be combined with --cards, which say where the parties are");
  }
  if (n !== undefined && n !== cards.length)
    throw new InputError(
      { option: "--n" },
      `is ${n}, but --cards lists ${cards.length}; leave --n out or correct one of them`,
    );
  const read = await readCards(cards);
  const [clash] = checkEndpoints(read, []);
  if (clash !== undefined)
    throw new InputError({ file: cards[Number(clash.path[0])] ?? "", field: String(clash.path[1]) }, clash.message);
  return read;
}

async function addressesOf(
  { n, parties, basePort }: Options,
  structure: NamedStructure | undefined,
): Promise<readonly Address[]> {
  if (parties !== undefined) {
    if (basePort !== undefined)
      throw new InputError({ option: "--base-port" }, "cannot be combined with --parties, which lists the ports");
    const listed = await readFileAs(parties, partiesFileSchema, "open");
    refuse(parties, checkEndpoints(listed, []));
    if (n !== undefined && n !== listed.length) {
      throw new InputError(
        { option: "--n" },
        `is ${n}, but ${parties} lists ${listed.length} parties; leave --n out or correct one of them`,
      );
    }
    return listed;
  }
  const names = structure?.parties.map(({ name }) => name) ?? namesOf(n);
  if (n !== undefined && n !== names.length)
    throw new InputError({ option: "--n" }, `is ${n}, but --structure has ${names.length} parties; leave --n out`);
  return localAddresses(names, basePort);
}

function namesOf(n: number | undefined): readonly string[] {
  if (n !== undefined) return Array.from({ length: n }, (_, party) => `party-${party}`);
  throw new InputError(
    { option: "--n" },
    "is missing; give the number of parties, or list them in a file with --parties",
  );
}

/** On this machine. */
function localAddresses(names: readonly string[], basePort: number | undefined): readonly Address[] {
  const n = names.length;
  const first = basePort ?? DEFAULT_BASE_PORT;
  const last = first + 2 * n - 1;
  if (last > 65535)
    throw new InputError(
      { option: "--base-port" },
      `${first} leaves no room for 2n = ${2 * n} ports: the last would be ${last}, above 65535`,
    );
  return names.map((name, party) => ({
    name,
    host: "127.0.0.1",
    port: first + party,
    httpPort: first + n + party,
  }));
}

/** A live line on a terminal, else a line per step: the search for primes takes seconds of luck. */
function progress(output: Output): (progress: { readonly step: string; readonly elapsedMs: number }) => void {
  let last = "";
  return ({ step, elapsedMs }) => {
    if (output.live !== undefined) output.live.show(`making keys: ${step} … ${(elapsedMs / 1000).toFixed(1)} s`);
    else if (step !== last) output.note(`making keys: ${step}`);
    last = step;
  };
}
