/** `abcast watch`: notarises what comes into a directory. */
import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { ClusterUnreachableError } from "../../client/index.js";
import { loadClient } from "../../replica/config-files.js";
import { type BatchResult, notarizeDocuments } from "../batch-notary.js";
import { connectClient } from "../cluster-client.js";
import { documentsBelow, hasReceipt, receiptPath } from "../document-tree.js";
import { InputError } from "../errors.js";
import { example, jsonOption, wholeNumber } from "../options.js";
import { createOutput, type Output } from "../output.js";
import { passphrase } from "../passphrase.js";

interface Options {
  readonly cluster: string;
  readonly interval: number;
  readonly timeout: number;
  readonly json?: boolean;
}

export function registerWatch(program: Command): void {
  program
    .command("watch")
    .summary("notarise what comes into a directory")
    .description(
      "Looks again and again for files below DIR without a receipt, and has each notarised when it has not changed from one look to the next; FILE.receipt gets its receipt. Goes on until it is interrupted.",
    )
    .argument("<DIR>", "the directory")
    .requiredOption("--cluster <FILE>", "the client's file, client-I.json")
    .option("--interval <SECONDS>", "from one look to the next", wholeNumber(1, 86_400), 2)
    .option(
      "--timeout <SECONDS>",
      "how long to wait for enough replicas, before the next try",
      wholeNumber(1, 86_400),
      30,
    )
    .addOption(jsonOption())
    .addHelpText("after", example("abcast watch inbox --cluster cluster/client-0.json"))
    .action(watch);
}

async function watch(directory: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const config = await loadClient(options.cluster, passphrase);
  const client = connectClient(config);
  const stopped = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => stopped.abort());
  const calm = new Calm();
  try {
    output.note(`watching ${directory}`);
    while (!stopped.signal.aborted) {
      const ready = await calm.look(directory);
      const timeoutMs = options.timeout * 1000;
      await notarizeDocuments(client, ready, {
        timeoutMs,
        onReceipt: (document, { sequence, round, log }) =>
          output.result(
            { document, receipt: receiptPath(document), sequence, round, index: log.index },
            `${document} is number ${sequence} (round ${round}), receipt in ${receiptPath(document)}`,
          ),
      }).catch((error: unknown) => sayAndGoOn(error, output));
      await sleep(options.interval * 1000, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  } finally {
    client.close();
  }
}

/** A file that changes, or a cluster that is away, is a matter of time. */
function sayAndGoOn(error: unknown, output: Output): BatchResult {
  if (!(error instanceof InputError) && !(error instanceof ClusterUnreachableError)) throw error;
  process.stderr.write(
    `${output.json ? JSON.stringify({ warning: error.message }) : `abcast: ${error.message}; trying again`}\n`,
  );
  return { notarized: 0, skipped: 0, refused: [], faulty: [] };
}

/** Finds the files that were the same at two looks: nobody writes to them any more. */
class Calm {
  #seen = new Map<string, string>();

  async look(directory: string): Promise<string[]> {
    const seen = new Map<string, string>();
    const ready: string[] = [];
    for await (const document of documentsBelow(directory)) {
      if (await hasReceipt(document)) continue;
      const status = await lstat(document).catch(() => undefined);
      if (status === undefined) continue;
      const look = lookOf(status);
      seen.set(document, look);
      if (this.#seen.get(document) === look) ready.push(document);
    }
    this.#seen = seen;
    return ready;
  }
}

function lookOf({ ino, size, mtimeMs }: Stats): string {
  return `${ino} ${size} ${mtimeMs}`;
}
