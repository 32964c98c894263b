/** What processes have used, as the operating system counts it (proc_pid_stat(5), proc_pid_status(5), proc_pid_io(5)). */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { InputError } from "../errors.js";

export interface ProcessUse {
  readonly cpuSeconds: number;
  /** What it had written to the disk, in whole pages. */
  readonly diskBytes: number;
}

/** Of utime and stime among what follows the process's name, from 0 on. */
const [USER_TICKS, SYSTEM_TICKS] = [11, 12];
const KIBIBYTES_PER_MEBIBYTE = 1024;

let ticksPerSecond: number | undefined;

function ticks(): number {
  return (ticksPerSecond ??= Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" })));
}

/** @throws InputError where there is no /proc */
export function checkProcessUse(): void {
  try {
    processUse(process.pid);
  } catch {
    throw new InputError({}, "a benchmark reads what processes use from /proc, which there is on Linux only");
  }
}

export function processUse(pid: number): ProcessUse {
  const written = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1];
  return { cpuSeconds: cpuSeconds(pid), diskBytes: Number(written) };
}

/** Of processors since its start, in user mode and in the kernel. */
export function cpuSeconds(pid: number): number {
  // PID (NAME) STATE ..., where NAME may contain anything.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  const [user = 0, system = 0] = [USER_TICKS, SYSTEM_TICKS].map((field) => Number(fields[field]));
  return (user + system) / ticks();
}

export function residentMiB(pid: number): number {
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kibibytes) / KIBIBYTES_PER_MEBIBYTE;
}
