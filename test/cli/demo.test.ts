/** What `abcast demo` does when it is told to stop; test/e2e has the rest. */
import { spawn } from "node:child_process";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { temporaryDirectory } from "./run-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));

it.each([
  ["SIGHUP", 129],
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("clears up at %s and exits with %i", async (signal, expected) => {
  const TMPDIR = join(temporaryDirectory(), "tmp");
  mkdirSync(TMPDIR);
  const child = spawn(process.execPath, [BIN, "demo"], {
    env: { ...process.env, TMPDIR },
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.once("data", () => child.kill(signal)).resume();
  const code = await new Promise<number | null>((resolve) => child.on("close", resolve));
  expect(code).toBe(expected);
  expect(readdirSync(TMPDIR)).toEqual([]);
});
