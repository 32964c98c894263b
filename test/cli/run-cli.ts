/** Runs the command line as users do: a child process of bin/abcast.mjs. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));
const LINES = fileURLToPath(new URL("../support/run-lines.mjs", import.meta.url));
const STACK_TRACE = /^\s+at .*[:(]/m;
const INIT = fileURLToPath(new URL("../support/init.mjs", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param env is added to this process's environment */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return runProgram([BIN, ...args], { ...process.env, ...env });
}

/** `abcast init` with primes that are known, for tests of something else: it takes a moment instead of seconds. */
export function runInit(...args: readonly string[]): Promise<Finished> {
  return runProgram([INIT, "init", ...args], process.env);
}

/** As `runCli`, of lines that end soon, one after the other in one process: to start one takes longer than such a line. */
export async function runLines(lines: readonly (readonly string[])[]): Promise<readonly Finished[]> {
  const { code, stdout, stderr } = await runProgram([LINES], process.env, JSON.stringify(lines));
  expect([code, stderr]).toEqual([0, ""]);
  const finished = JSON.parse(stdout) as readonly Finished[];
  for (const line of finished) expect(line.stderr).not.toMatch(STACK_TRACE);
  return finished;
}

async function runProgram(args: readonly string[], env: NodeJS.ProcessEnv, input = ""): Promise<Finished> {
  const child = spawn(process.execPath, [...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  // It may have ended without reading.
  child.stdin.on("error", () => undefined).end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  // Whatever a command does, users never see a stack trace.
  expect(stderr).not.toMatch(STACK_TRACE);
  return { code, stdout, stderr };
}

/** A directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "abcast-test-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A directory that the caller removes, for `beforeAll`. */
export function lastingDirectory(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), "abcast-test-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
