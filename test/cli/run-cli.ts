/** Runs the command line as users do: a child process of bin/abcast.mjs. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished } from "vitest";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** @param env is added to this process's environment */
export async function runCli(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const child = spawn(process.execPath, [BIN, ...args], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const code = await new Promise<number | null>((resolve, reject) => child.on("error", reject).on("close", resolve));
  // Whatever a command does, users never see a stack trace.
  expect(stderr).not.toMatch(/^\s+at .*[:(]/m);
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
