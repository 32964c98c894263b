/** `abcast node`: runs one replica in the foreground until it is told to stop. */
import type { Command } from "commander";
import { loadParty } from "../../replica/config-files.js";
import { startNode } from "../node-process.js";
import { example, jsonOption } from "../options.js";
import { removePidFile, writePidFile } from "../pid-file.js";

export function registerNode(program: Command): void {
  program
    .command("node")
    .summary("run one replica")
    .description("Runs the replica of the party in DIR in the foreground. SIGTERM or Ctrl-C stops it in order.")
    .argument("<DIR>", "the party's directory, as made by abcast init")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast node cluster/party-0"))
    .action(node);
}

async function node(directory: string, { json = false }: { readonly json?: boolean }): Promise<void> {
  const party = await loadParty(directory);
  const log = (message: string): void => {
    const time = new Date().toISOString();
    const line = json ? JSON.stringify({ time, party: party.config.party, message }) : `${time} party ${party.config.party}: ${message}`;
    process.stdout.write(`${line}\n`);
  };
  // Before anything starts: a signal during start-up ends the replica in order, too.
  const signalled = new Promise<void>((resolve) => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => resolve());
  });
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const running = await startNode({ party, onLog: log, onFatal: (error) => fail(error) });
  try {
    writePidFile(directory);
    const { host, port } = party.config.listen;
    log(`serving on ${host}:${port}, pid ${process.pid}`);
    await Promise.race([signalled, failed]);
    log("stopping");
  } finally {
    removePidFile(directory);
    await running.stop();
  }
}
