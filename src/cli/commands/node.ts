/** `abcast node`: runs one replica in the foreground until it is told to stop. */
import { join } from "node:path";
import { type Command, Option } from "commander";
import { openStorage, unsyncedDisk } from "../../adapters/storage/index.js";
import { equalBytes } from "../../core/bytes.js";
import { loadParty, loadPublic, type Party } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { EXIT } from "../errors.js";
import { collectLessOften } from "../garbage-collector.js";
import { checkPartyDirectory } from "../launch.js";
import { nodeLog } from "../node-log.js";
import { certificateOf, type NodePorts, REAL_PORTS, type RunningNode, startNode } from "../node-process.js";
import { allowOriginOption, example, jsonOption } from "../options.js";
import { removePidFile, runningProcess, writePidFile } from "../pid-file.js";
import { passphrase } from "../passphrase.js";

export function registerNode(program: Command): void {
  program
    .command("node")
    .summary("run one replica")
    .description(
      "Runs the replica of the party in DIR in the foreground. SIGTERM or Ctrl-C stops it in order. At a terminal its log is text, else, and with --json, JSON lines. " +
        "Without a terminal SIGHUP makes it show the certificate that is now in public.json.",
    )
    .argument("<DIR>", "the party's directory, as made by abcast init")
    .addOption(
      new Option(
        "--unsafe-speak-before-sync",
        "say what is not on the disk yet, to measure what that costs: a machine that stops makes this replica one of the corrupted",
      ).hideHelp(),
    )
    .addOption(allowOriginOption())
    .addOption(jsonOption())
    .addHelpText("after", example("abcast node cluster/party-0"))
    .action(node);
}

interface Options {
  readonly unsafeSpeakBeforeSync?: boolean;
  readonly allowOrigin?: readonly string[];
  readonly json?: boolean;
}

/** As REAL_PORTS, but for a disk that is not waited for. */
const UNSAFE_PORTS: NodePorts = {
  ...REAL_PORTS,
  openStorage: (directory, options) => openStorage(directory, { ...options, disk: unsyncedDisk }),
};

const UNSAFE_WARNING =
  "WARNING: --unsafe-speak-before-sync: this replica says what is not on its disk. If the machine stops, it must not go on from its store: abcast rejoin";

async function node(
  directory: string,
  { json = false, unsafeSpeakBeforeSync = false, allowOrigin }: Options,
): Promise<void> {
  collectLessOften();
  checkPartyDirectory(directory);
  const party = allowing(await loadParty(directory, passphrase), allowOrigin);
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
  const ending = hasTerminal() ? (["SIGTERM", "SIGINT", "SIGHUP"] as const) : (["SIGTERM", "SIGINT"] as const);
  const signalled = new Promise<undefined>((resolve) => {
    for (const signal of ending) process.once(signal, () => resolve(undefined));
  });
  let fail: (error: Error) => void = () => undefined;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  writePidFile(directory, "starting");
  try {
    if (unsafeSpeakBeforeSync) log(UNSAFE_WARNING);
    const ports = unsafeSpeakBeforeSync ? UNSAFE_PORTS : REAL_PORTS;
    const starting = startNode({ party, ports, onLog: log, onFatal: (error) => fail(error) });
    if (!hasTerminal()) {
      const renewed = (): Promise<void> => starting.then((running) => renew(running, party, log));
      // A start that fails is told below.
      process.on("SIGHUP", () => void renewed().catch(() => undefined));
    }
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

/** The party with these origins in place of those of its config.json. */
function allowing(party: Party, allowedOrigins: readonly string[] | undefined): Party {
  if (allowedOrigins === undefined) return party;
  return { ...party, config: { ...party.config, rest: { ...party.config.rest, allowedOrigins } } };
}

/** Then SIGHUP says that the terminal is gone; without one it is the operator who sends it. */
function hasTerminal(): boolean {
  return process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY;
}

/** Takes the party's certificate from public.json as it is now; where that cannot be used, all stays as it is. */
async function renew(running: RunningNode, party: Party, log: (message: string) => void): Promise<void> {
  const file = join(party.directory, "public.json");
  try {
    const cluster = await loadPublic(file);
    // The name covers the keys of the certificates.
    if (!equalBytes(cluster.cluster, party.public.cluster)) throw new InputError({ file }, "is another cluster's");
    running.present(certificateOf(cluster, party.config.party));
    log(`shows the certificate that is now in ${file}`);
  } catch (error) {
    log(`goes on with the certificate of before: ${error instanceof Error ? error.message : String(error)}`);
  }
}
