/** Starting and stopping replicas as processes of their own. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, closeSync, fstatSync, openSync, readSync, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { InputError, systemProblem } from "../replica/input-error.js";
import { clearStalePidFile, isAlive, removePidFile, runningProcess } from "./pid-file.js";

const POLL_MS = 50;
/** What a replica has said is durable when it is killed, too; but on a busy machine to end in order takes its time. */
const STOP_TIMEOUT_MS = 60_000;
/** How much of what a replica said before it died is looked at. */
const LOG_TAIL_BYTES = 16 * 1024;

/** The command of an ordinary replica; the party's directory is appended. */
export const NODE_COMMAND: readonly string[] = [fileURLToPath(new URL("main.js", import.meta.url)), "node"];

export function logFile(directory: string): string {
  return join(directory, "node.log");
}

/** The directories of the parties under `cluster`, by number. @throws InputError when there are none */
export function partyDirectories(cluster: string): readonly string[] {
  const parties = partyNames(namesIn(cluster));
  if (parties.length === 0) {
    throw new InputError({ file: cluster }, "has no party-I directories; name a directory that abcast init has made");
  }
  return parties.map((name) => join(cluster, name));
}

/** Those of `names` that are of parties' directories, by number. */
function partyNames(names: readonly string[]): readonly string[] {
  const number = (name: string): number => Number(name.slice("party-".length));
  return names.filter((name) => /^party-\d+$/.test(name)).toSorted((a, b) => number(a) - number(b));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === undefined) throw error;
    throw new InputError({ file: directory }, `${problem}; name a directory that abcast init has made`);
  }
}

/**
 * Whether `directory` can be a party's at all.
 * @throws InputError when it has no config.json, which of a mistyped path is the first thing to say
 */
export function checkPartyDirectory(directory: string): void {
  const config = join(directory, "config.json");
  try {
    accessSync(config);
  } catch (error) {
    const problem = systemProblem(error);
    if (problem === undefined) throw error;
    const isDirectory = statSync(directory, { throwIfNoEntry: false })?.isDirectory() ?? false;
    const [party] = isDirectory ? partyNames(namesIn(directory)) : [];
    if (party === undefined) throw new InputError({ file: config }, problem);
    throw new InputError(
      { file: directory },
      `is a cluster's directory; name a party's directory, such as ${join(directory, party)}`,
    );
  }
}

export interface Started {
  readonly pid: number;
  readonly wasRunning: boolean;
}

/** Makes sure that the party in `directory` is served, whoever starts it. @throws InputError as `launch` does */
export async function ensureServing(directory: string): Promise<Started> {
  const running = runningProcess(directory);
  if (running === undefined) {
    try {
      return { pid: await launch(directory), wasRunning: false };
    } catch (error) {
      // Perhaps because somebody else has started it meanwhile.
      if (runningProcess(directory) === undefined) throw error;
    }
  }
  for (;;) {
    const now = runningProcess(directory);
    if (now === undefined)
      throw new InputError({ file: logFile(directory) }, "the replica ended while it was starting");
    if (now.serving) return { pid: now.pid, wasRunning: true };
    await sleep(POLL_MS);
  }
}

/**
 * Starts the party in `directory` in the background, its output appended to `party-I/node.log`, and waits until it serves,
 * however long its log is. When the caller is interrupted, the replica goes on; its pid file tells where it is.
 * @throws InputError with its last words when it ends before that
 */
export async function launch(directory: string, command: readonly string[] = NODE_COMMAND): Promise<number> {
  const file = logFile(directory);
  const log = openSync(file, "a");
  const saidBefore = fstatSync(log).size;
  clearStalePidFile(directory);
  let child: ChildProcess;
  try {
    child = spawn(process.execPath, [...command, resolve(directory)], { detached: true, stdio: ["ignore", log, log] });
  } finally {
    closeSync(log);
  }
  if (child.pid === undefined) {
    const [error]: unknown[] = await once(child, "error");
    throw new InputError(
      { file: directory },
      `the process could not be started: ${systemProblem(error) ?? String(error)}`,
    );
  }
  child.unref();
  for (;;) {
    const running = runningProcess(directory);
    if (running?.pid === child.pid && running.serving) return child.pid;
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new InputError({ file }, `the replica did not start: ${lastWords(file, saidBefore) || "it said nothing"}`);
    }
    await sleep(POLL_MS);
  }
}

/** Of what `file` has from `offset` on: the error with which a command ended, or a crash, or else the last line. */
function lastWords(file: string, offset: number): string {
  const log = openSync(file, "r");
  try {
    const start = Math.max(offset, fstatSync(log).size - LOG_TAIL_BYTES);
    const tail = Buffer.alloc(LOG_TAIL_BYTES);
    const text = tail.subarray(0, readSync(log, tail, 0, tail.length, start)).toString("utf8");
    const lines = text.trimEnd().split("\n");
    const said = lines.findLast((line) => line.startsWith("abcast: "))?.slice("abcast: ".length);
    return said ?? lines.findLast((line) => /^\w*Error\b.*: /.test(line)) ?? lines.at(-1) ?? "";
  } finally {
    closeSync(log);
  }
}

/** Stops the party in `directory` in order; its pid, or undefined when it did not run. @throws InputError */
export async function stopParty(directory: string): Promise<number | undefined> {
  const pid = runningProcess(directory)?.pid;
  if (pid === undefined) return undefined;
  try {
    await kill(pid, "SIGTERM");
  } catch (error) {
    const problem = systemProblem(error);
    throw problem === undefined
      ? error
      : new InputError({ file: directory }, `process ${pid} cannot be stopped: ${problem}`);
  }
  // It does this itself, unless it had to be killed.
  removePidFile(directory, pid);
  return pid;
}

/** Stops the process: asks first, unless `signal` is SIGKILL, and insists after a minute. Resolves when it is gone. */
export async function kill(pid: number, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  send(pid, signal);
  for (let waitedMs = 0; isAlive(pid); waitedMs += POLL_MS) {
    if (waitedMs === STOP_TIMEOUT_MS) send(pid, "SIGKILL");
    // Nothing but the kernel can hold it now.
    if (waitedMs > 2 * STOP_TIMEOUT_MS) throw new InputError({}, `process ${pid} does not end, not even by SIGKILL`);
    await sleep(POLL_MS);
  }
}

function send(pid: number, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // Gone already.
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
