/** Starting and stopping replicas as processes of their own. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { InputError } from "../replica/input-error.js";
import { isAlive, removePidFile, runningPid } from "./pid-file.js";

const POLL_MS = 50;
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 10_000;

/** The command of an ordinary replica; the party's directory is appended. */
export const NODE_COMMAND: readonly string[] = [fileURLToPath(new URL("main.js", import.meta.url)), "node"];

export function logFile(directory: string): string {
  return join(directory, "node.log");
}

/** The directories of the parties under `cluster`, by number. @throws InputError when there are none */
export function partyDirectories(cluster: string): readonly string[] {
  const names = existsSync(cluster) ? readdirSync(cluster) : [];
  const parties = names.filter((name) => /^party-\d+$/.test(name)).sort((a, b) => Number(a.slice(6)) - Number(b.slice(6)));
  if (parties.length === 0) throw new InputError({ file: cluster }, "has no party-I directories; make a cluster with abcast init");
  return parties.map((name) => join(cluster, name));
}

/**
 * Starts the party in `directory` in the background, its output appended to `party-I/node.log`, and waits until it serves.
 * @throws InputError with the log's last line when it ends before that
 */
export async function launch(directory: string, command: readonly string[] = NODE_COMMAND): Promise<number> {
  const log = openSync(logFile(directory), "a");
  removePidFile(directory);
  const child = spawn(process.execPath, [...command, resolve(directory)], { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  child.unref();
  const { pid } = child;
  if (pid === undefined) throw new InputError({ file: directory }, "the process could not be started");
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS; waitedMs += POLL_MS) {
    if (runningPid(directory) === pid) return pid;
    if (child.exitCode !== null || child.signalCode !== null || !isAlive(pid)) {
      throw new InputError({ file: logFile(directory) }, `the replica did not start: ${lastLine(logFile(directory))}`);
    }
    await sleep(POLL_MS);
  }
  await kill(pid, "SIGKILL");
  throw new InputError({ file: logFile(directory) }, `the replica did not start within ${START_TIMEOUT_MS / 1000} s`);
}

function lastLine(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").at(-1) ?? "";
}

/** Stops the process: asks first, unless `signal` is SIGKILL, and insists after ten seconds. Resolves when it is gone. */
export async function kill(pid: number, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  send(pid, signal);
  for (let waitedMs = 0; isAlive(pid); waitedMs += POLL_MS) {
    if (waitedMs === STOP_TIMEOUT_MS) send(pid, "SIGKILL");
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
