/** Which process runs a party: `party-I/node.pid`, written by the node once it serves, removed when it stops. */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";

function pidFile(directory: string): string {
  return join(directory, "node.pid");
}

export function writePidFile(directory: string): void {
  writeFileSync(pidFile(directory), `${process.pid}\n`);
}

export function removePidFile(directory: string): void {
  rmSync(pidFile(directory), { force: true });
}

/** The pid of the live process that serves the party in `directory`, if there is one. */
export function runningPid(directory: string): number | undefined {
  if (!existsSync(pidFile(directory))) return undefined;
  const pid = Number(readFileSync(pidFile(directory), "utf8").trim());
  return Number.isSafeInteger(pid) && pid > 1 && isAlive(pid) && isNodeOf(pid, directory) ? pid : undefined;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process: alive, but not ours to signal.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** After a SIGKILL the file stays, and its number may have become another program's. */
function isNodeOf(pid: number, directory: string): boolean {
  const commandLine = `/proc/${pid}/cmdline`;
  if (!existsSync("/proc/self/cmdline")) return true;
  if (!existsSync(commandLine)) return false;
  const words = readFileSync(commandLine, "utf8").split("\0");
  return words.some((word) => basename(word) === basename(resolve(directory)));
}
