import { spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { lockStore } from "../../../src/adapters/storage/lock.js";

// Longer than the address of a socket may be.
const root = mkdtempSync(join(tmpdir(), "abcast-lock-"));
const directory = join(root, "d".repeat(120));
mkdirSync(directory);
afterAll(() => rmSync(root, { recursive: true }));

/** Another process that has the lock; it says so, and stays. */
const HOLDER = `
  const { lockStore } = await import(${JSON.stringify(new URL("../../../dist/adapters/storage/lock.js", import.meta.url).href)});
  await lockStore(process.argv[1]);
  console.log("locked");
  setInterval(() => undefined, 1000);
`;

it("is had by one at a time, and again by the next", async () => {
  const lock = await lockStore(directory);
  await expect(lockStore(directory)).rejects.toThrow("another process writes this store; stop it first");
  await lock.close();
  expect(existsSync(join(directory, "lock"))).toBe(false);
  await (await lockStore(directory)).close();
});

it("ends with the process that had it, also when that is killed", async () => {
  const holder = spawn(process.execPath, ["--input-type=module", "-e", HOLDER, directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await new Promise((resolve) => holder.stdout.once("data", resolve));
  await expect(lockStore(directory)).rejects.toThrow("another process writes this store");
  const ended = new Promise((resolve) => holder.once("exit", resolve));
  holder.kill("SIGKILL");
  await ended;
  expect(existsSync(join(directory, "lock"))).toBe(true);
  await (await lockStore(directory)).close();
});

it("says where there is no store", async () => {
  await expect(lockStore(join(root, "nowhere"))).rejects.toThrow(/nowhere/);
});
