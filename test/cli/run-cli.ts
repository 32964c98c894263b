/**
 * Runs the command line as users do, but for what every process does before: most lines are run by processes that have run
 * others before. Those of README.md and docs/ are run by a process each (test/docs), and so are those that test/e2e starts itself.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";
import { runWarm } from "./warm-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));
const STACK_TRACE = /^\s+at .*[:(]/m;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Commands that make this process their own: they listen for signals, and may end it themselves. */
const ALONE: ReadonlySet<string> = new Set(["node", "demo", "bench"]);

/** @param env is added to this process's environment */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return ALONE.has(args[0] ?? "") ? runProgram([BIN, ...args], { ...process.env, ...env }) : runLine(args, { env });
}

/** `abcast init` with primes that are known, for tests of something else: it takes a moment instead of seconds. */
export function runInit(...args: readonly string[]): Promise<Finished> {
  return runLine(["init", ...args], { knownPrimes: true });
}

/** As `runCli`, of a line that ends soon, whatever its command. */
export async function runLine(
  words: readonly string[],
  {
    env = {},
    knownPrimes = false,
  }: { readonly env?: Readonly<Record<string, string>>; readonly knownPrimes?: boolean } = {},
): Promise<Finished> {
  return checked(await runWarm({ words, env: { ...process.env, ...env }, knownPrimes }));
}

/** Whatever a command does, users never see a stack trace. */
function checked(finished: Finished): Finished {
  expect(finished.stderr).not.toMatch(STACK_TRACE);
  return finished;
}

async function runProgram(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Finished> {
  const child = spawn(process.execPath, [...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  return checked({ code, stdout, stderr });
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
