/** `abcast node`: runs one replica in the foreground until it is told to stop. */
import type { Command } from "commander";
import { loadParty } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { EXIT } from "../errors.js";
import { checkPartyDirectory } from "../launch.js";
import { nodeLog } from "../node-log.js";
import { startNode } from "../node-process.js";
import { example, jsonOption } from "../options.js";
import { removePidFile, runningProcess, writePidFile } from "../pid-file.js";
import { passphrase } from "../passphrase.js";

export function registerNode(program: Command): void {
  program
    .command("node")
    .summary("run one replica")
    .description(
      "Runs the replica of the party in DIR in the foreground. SIGTERM or Ctrl-C stops it in order. At a terminal its log is text, else, and with --json, JSON lines.",
    )
    .argument("<DIR>", "the party's directory, as made by abcast init")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast node cluster/party-0"))
    .action(node);
}

async function node(directory: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  checkPartyDirectory(directory);
  const party = await loadParty(directory, passphrase);
  const log = nodeLog({ party: party.config.party, json: json || !process.stdout.isTTY });
  // A replica does not stop because nobody reads its log any more.
  process.stdout.removeAllListeners("error").on("error", () => undefined);
  const { host, port } = party.config.listen;
  const other = runningProcess(directory);
  // In a container every process has the number of its predecessor: a file that names us was left by that one.
  if (other !== undefined && other.pid !== process.pid) {
    throw new InputError(
      { file: directory },
      `process ${other.pid} runs this party already, on ${host}:${port}; stop it first`,
    );
  }
  // Before anything starts: a signal during start-up is heeded, too.
  const signalled = new Promise<undefined>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.once(signal, () => resolve(undefined));
  });
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  writePidFile(directory, "starting");
  try {
    const starting = startNode({ party, onLog: log, onFatal: (error) => fail(error) });
    const running = await Promise.race([starting, signalled, failed]);
    if (running === undefined) {
      log("stopped while it was starting");
      removePidFile(directory);
      // The replay of a long log cannot be called off, and ending it anywhere is harmless.
      process.exit(EXIT.ok);
    }
    try {
      writePidFile(directory, "serving");
      log(`serving on ${host}:${port}, pid ${process.pid}`);
      await Promise.race([signalled, failed]);
      log("stopping");
    } finally {
      await running.stop();
    }
  } finally {
    removePidFile(directory);
  }
}
