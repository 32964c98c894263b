/** `abcast init`: the dealer. Makes all keys of a new cluster and writes them to one directory. */
import { type Command, Option } from "commander";
import { toHex } from "../../core/bytes.js";
import { GroupError, thresholdGroup } from "../../core/group.js";
import { MAX_PARTIES } from "../../core/party-set.js";
import { deal } from "../../crypto/dealer.js";
import { MAX_VECTOR_SIZE } from "../../protocols/atomic-broadcast/messages.js";
import { type ChannelRules, MAX_CLIENTS, partiesFileSchema } from "../../replica/config.js";
import { checkEndpoints, checkRules } from "../../replica/config-checks.js";
import { readFileAs, refuse } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { type Address, assembleCluster } from "../new-cluster.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { createDirectoryAtOnce } from "../whole-directory.js";
import { writeCluster } from "../write-cluster.js";

const DEFAULT_BASE_PORT = 7400;

interface Options {
  readonly out: string;
  readonly n?: number;
  readonly t?: number;
  readonly parties?: string;
  readonly clients: number;
  readonly rsaBits: "2048" | "3072";
  readonly basePort?: number;
  readonly c?: number;
  readonly order: ChannelRules["order"];
  readonly json?: boolean;
}

export function registerInit(program: Command): void {
  program
    .command("init")
    .summary("make the keys and files of a new cluster")
    .description(
      "The dealer: makes the keys of n parties, of which t may be corrupted, and of the clients. " +
        "Run it on a machine that you trust, hand each party its party-I directory and each client its file over a safe way, " +
        "then delete the rest. party-I/keys.json and client-I.json are secret.",
    )
    .option("--n <NUMBER>", "number of parties (default: as many as --parties lists)", wholeNumber(1, MAX_PARTIES))
    .requiredOption("--out <DIR>", "directory to make; must not exist, or be empty")
    .option(
      "--t <NUMBER>",
      "how many parties may be corrupted (default: the most that n allows, (n-1)/3)",
      wholeNumber(0, MAX_PARTIES),
    )
    .option(
      "--parties <FILE>",
      "JSON list of {name, host, port, httpPort}, one per party, for clusters on several machines",
    )
    .option("--clients <NUMBER>", "number of clients", wholeNumber(0, MAX_CLIENTS), 1)
    .addOption(new Option("--rsa-bits <BITS>", "size of the receipt key").choices(["2048", "3072"]).default("2048"))
    .option(
      "--base-port <PORT>",
      `first of 2n ports on 127.0.0.1 (default: ${DEFAULT_BASE_PORT}); not with --parties`,
      wholeNumber(1, 65535),
    )
    .option(
      "--c <NUMBER>",
      `how many parties' queues make a batch, t+1..n-t, at most ${MAX_VECTOR_SIZE}: more is fairer, fewer takes less data (default: the most)`,
      wholeNumber(1, MAX_PARTIES),
    )
    .addOption(
      new Option("--order <ORDER>", "how agreement tries candidates: in turn, or in an order drawn by coin")
        .choices(["fixed", "random"])
        .default("fixed"),
    )
    .addOption(jsonOption())
    .addHelpText(
      "after",
      example(
        "abcast init --n 4 --out cluster",
        "abcast init --parties parties.json --t 2 --rsa-bits 3072 --out cluster",
      ),
    )
    .action(init);
}

async function init(options: Options): Promise<void> {
  const output = createOutput(options);
  const addresses = await addressesOf(options);
  const n = addresses.length;
  const t = options.t ?? Math.floor((n - 1) / 3);
  try {
    thresholdGroup({ n, byzantine: t });
  } catch (error) {
    if (!(error instanceof GroupError)) throw error;
    throw new InputError({ option: "--t" }, `${error.message}; give fewer, or more parties`);
  }

  const channel = { c: options.c ?? Math.min(n - t, MAX_VECTOR_SIZE), order: options.order };
  const [broken] = checkRules({ n, t, channel });
  if (broken !== undefined) throw new InputError({ option: `--${broken.path.at(-1)}` }, broken.message);

  const rsaBits = Number(options.rsaBits);
  const cluster = await createDirectoryAtOnce({ option: "--out", path: options.out }, async (directory) => {
    const dealing = await deal({ n, byzantine: t, rsaBits, onProgress: progress(output) });
    output.live?.clear();
    const made = await assembleCluster({ n, t, addresses, clientCount: options.clients, channel, dealing });
    await writeCluster(directory, made);
    return made.public;
  });

  const id = toHex(cluster.cluster);
  output.result(
    {
      out: options.out,
      cluster: id,
      n,
      t,
      channel,
      rsaBits,
      parties: cluster.parties.map(({ party, name, host, port, httpPort }) => ({ party, name, host, port, httpPort })),
      clients: cluster.clients.map(({ client, publicKey }) => ({ client, publicKey: toHex(publicKey) })),
    },
    [
      `made cluster ${id} in ${options.out}: ${n} parties, of which ${t} may be corrupted, ${options.clients} client${options.clients === 1 ? "" : "s"}`,
      ...cluster.parties.map(({ party, name, host, port }) => `  party-${party}  ${name} at ${host} port ${port}`),
      `party-I/keys.json and client-I.json are secret; ${options.out}/public.json and receipt-key.pem are for everybody`,
    ].join("\n"),
  );
}

async function addressesOf({ n, parties, basePort }: Options): Promise<readonly Address[]> {
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
  if (n === undefined)
    throw new InputError(
      { option: "--n" },
      "is missing; give the number of parties, or list them in a file with --parties",
    );
  const first = basePort ?? DEFAULT_BASE_PORT;
  const last = first + 2 * n - 1;
  if (last > 65535)
    throw new InputError(
      { option: "--base-port" },
      `${first} leaves no room for 2n = ${2 * n} ports: the last would be ${last}, above 65535`,
    );
  return Array.from({ length: n }, (_, party) => ({
    name: `party-${party}`,
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
