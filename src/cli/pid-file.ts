/**
 * Which process runs a party: `party-I/node.pid`, with `PID starting` or `PID serving`. The node writes it before it starts
 * and removes it when it has stopped. It is a hint for `up` and `down`, not a lock: what keeps a second process of the
 * party from opening its store, and speaking, is the port, which only one can have.
 */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, readlinkSync, realpathSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

export interface NodeProcess {
  readonly pid: number;
  /** False while it replays its log. */
  readonly serving: boolean;
}

const HAS_PROC = existsSync("/proc/self/cmdline");

function pidFile(directory: string): string {
  return join(directory, "node.pid");
}

/** Says that this process runs the party in `directory`. */
export function writePidFile(directory: string, state: "starting" | "serving" = "serving"): void {
  const temporary = `${pidFile(directory)}.${process.pid}`;
  writeFileSync(temporary, `${process.pid} ${state}\n`);
  // Whole or not at all: a reader never sees half a number.
  renameSync(temporary, pidFile(directory));
}

/** Does nothing when the file names another process than `pid`: that one runs the party now. */
export function removePidFile(directory: string, pid: number = process.pid): void {
  if (readPidFile(directory)?.pid === pid) rmSync(pidFile(directory), { force: true });
}

/** Removes the file that a killed process has left, so that it is not taken for that of a new one with the same number. */
export function clearStalePidFile(directory: string): void {
  if (runningProcess(directory) === undefined) rmSync(pidFile(directory), { force: true });
}

/** The live process that runs the party in `directory`, if there is one. */
export function runningProcess(directory: string): NodeProcess | undefined {
  const named = readPidFile(directory);
  return named !== undefined && isAlive(named.pid) && isNodeOf(named.pid, directory) ? named : undefined;
}

function readPidFile(directory: string): NodeProcess | undefined {
  const match = /^([1-9][0-9]{0,9}) (starting|serving)\n$/.exec(read(pidFile(directory)) ?? "");
  return match === null ? undefined : { pid: Number(match[1]), serving: match[2] === "serving" };
}

/** A process that has ended and that nobody has waited for counts as gone: it holds nothing any more. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // Somebody else's process: alive, but not ours to signal.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
  // PID (NAME) STATE ..., where NAME may contain anything.
  const status = read(`/proc/${pid}/stat`);
  return status === undefined || !/^.*\) [ZX] /s.test(status);
}

/**
 * Whether the process was started on `directory`. After a SIGKILL or a power failure the file stays, and its number may
 * have become another program's, or another cluster's replica of the same number.
 */
function isNodeOf(pid: number, directory: string): boolean {
  if (!HAS_PROC) return mentionsNode(pid);
  const words = read(`/proc/${pid}/cmdline`)?.split("\0") ?? [];
  const wanted = realPath(directory);
  // Only the owner may ask for the working directory; a word may be absolute without it.
  const base = attempt(() => readlinkSync(`/proc/${pid}/cwd`)) ?? "/";
  return words.some((word) => word !== "" && realPath(resolve(base, word)) === wanted);
}

/** Where there is no /proc: `ps` cannot tell the words apart, so this only excludes other programs. */
function mentionsNode(pid: number): boolean {
  const { stdout, error } = spawnSync("ps", ["-ww", "-o", "command=", "-p", String(pid)], { encoding: "utf8" });
  return error !== undefined || /\bnode\b/.test(stdout);
}

function realPath(path: string): string | undefined {
  return attempt(() => realpathSync(path));
}

function read(file: string): string | undefined {
  return attempt(() => readFileSync(file, "utf8"));
}

function attempt<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
