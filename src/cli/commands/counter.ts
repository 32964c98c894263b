/** `abcast counter`: the smallest service, to try a cluster with. */
import { type Command, Option } from "commander";
import type { ClientQueryOptions } from "../../client/index.js";
import { openClient, openCounter } from "../cluster-client.js";
import { EXIT } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput } from "../output.js";
import { passphrase } from "../passphrase.js";

interface Options {
  readonly cluster: string;
  readonly timeout: number;
  readonly json?: boolean;
}

interface ReadOptions extends Options {
  readonly consistency: NonNullable<ClientQueryOptions["consistency"]>;
}

export function registerCounter(program: Command): void {
  const counter = program
    .command("counter")
    .summary("count")
    .description("Adds to, and reads, the counter that the cluster replicates.");
  common(counter.command("add"))
    .description("Adds NUMBER to the counter, and prints the total.")
    .argument("<NUMBER>", "what to add", wholeNumber(0, 0xffff_ffff))
    .addHelpText("after", example("abcast counter add 1 --cluster cluster/client-0.json"))
    .action(add);
  common(counter.command("read"))
    .description("Prints the total.")
    .addOption(
      new Option("--consistency <WHAT>", "as in abcast kv get").choices(["any", "quorum", "ordered"]).default("quorum"),
    )
    .addHelpText("after", example("abcast counter read --cluster cluster/client-0.json"))
    .action(read);
}

function common(command: Command): Command {
  return command
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option("--timeout <SECONDS>", "how long to wait for enough replicas", wholeNumber(1, 86_400), 30)
    .addOption(jsonOption());
}

async function add(delta: number, options: Options): Promise<void> {
  const { client } = await openClient(options.cluster, passphrase);
  try {
    const { ok, total, sequence, round } = await openCounter(client).add(delta, { timeoutMs: options.timeout * 1000 });
    if (!ok) process.exitCode = EXIT.invalid;
    const text = ok ? String(total) : `nothing was added: the total is ${total} and would be too large`;
    createOutput(options).result({ ok, total, sequence, round }, text);
  } finally {
    client.close();
  }
}

async function read(options: ReadOptions): Promise<void> {
  const { client } = await openClient(options.cluster, passphrase);
  try {
    const { consistency, timeout } = options;
    const { total, sequence, round } = await openCounter(client).read({ consistency, timeoutMs: timeout * 1000 });
    createOutput(options).result({ total, sequence, round }, String(total));
  } finally {
    client.close();
  }
}
