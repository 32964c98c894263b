/** What is loaded into a replica's process: it dies where it was told, with its store as it then was, and its clock is ours. */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { createStorage, openStorage } from "../../../src/adapters/storage/index.js";
import { temporaryDirectory } from "../../cli/run-cli.js";

const urlOf = (...names: readonly string[]): string => pathToFileURL(join(import.meta.dirname, ...names)).href;
const STORAGE = urlOf("../../../dist/adapters/storage/index.js");

/** A process commits two inputs; how it ended, what its marker says, and how many inputs the store has then. */
async function commitTwice(plan?: {
  readonly point: string;
  readonly count: number;
  readonly moment: string;
}): Promise<{
  readonly signal: string | null;
  readonly marker: number | undefined;
  readonly inputs: number;
  readonly cutBytes: number;
}> {
  const directory = temporaryDirectory();
  const [store, marker, program] = [
    join(directory, "store"),
    join(directory, "marker"),
    join(directory, "program.mjs"),
  ];
  await createStorage(store);
  writeFileSync(
    program,
    `import { openStorage } from ${JSON.stringify(STORAGE)};
     const storage = await openStorage(${JSON.stringify(store)});
     const rows = { signed: [], proofs: [], ledger: [], certificates: [], batches: [] };
     for (let count = 0; count < 2; count++) await storage.commit({ ...rows, inputs: [[new Uint8Array(1000)]] });
     await storage.close();`,
  );
  const { signal, stderr } = spawnSync(process.execPath, ["--import", urlOf("disk.mjs"), program], {
    encoding: "utf8",
    env: { ...process.env, CHAOS_DISK: JSON.stringify({ marker, plan: plan && { ...plan, fate: "kill" } }) },
  });
  expect(stderr).toBe("");
  const storage = await openStorage(store);
  const { lastInput, report } = storage;
  await storage.close();
  return { signal, marker: readFileSync(marker)[0], inputs: lastInput, cutBytes: report.cutBytes };
}

describe("a process with our disk", () => {
  it("works as with its own when it was told nothing", async () => {
    expect(await commitTwice()).toEqual({ signal: null, marker: 0, inputs: 2, cutBytes: 0 });
  });

  it("dies in the middle of a write, of which half is there", async () => {
    const ended = await commitTwice({ point: "log.append", count: 2, moment: "middle" });
    expect(ended).toMatchObject({ signal: "SIGKILL", marker: 1, inputs: 1 });
    expect(ended.cutBytes).toBeGreaterThan(400);
  });

  it.each([
    ["before", "log.append", 1, 0],
    ["after", "log.sync", 1, 1],
    ["after", "log.sync", 2, 2],
  ])("dies %s %s, the %s. time", async (moment, point, count, inputs) => {
    expect(await commitTwice({ point, count, moment })).toMatchObject({
      signal: "SIGKILL",
      marker: 1,
      inputs,
      cutBytes: 0,
    });
  });
});

describe("a process with our clock", () => {
  it("is off by what the file says, also when the file changes, and knows other dates", () => {
    const file = join(temporaryDirectory(), "clock");
    writeFileSync(file, "3600000");
    const program = `
      import { writeFileSync } from "node:fs";
      const first = Date.now();
      writeFileSync(process.env.CHAOS_CLOCK, "-3600000");
      // The clock's own listener was there before. To listen for a signal keeps no process alive.
      const alive = setInterval(() => undefined, 1000);
      const told = new Promise((done) => process.once("SIGUSR2", done));
      process.kill(process.pid, "SIGUSR2");
      await told;
      clearInterval(alive);
      const known = new Date(2026, 1, 3).getDate();
      console.log(JSON.stringify({ first, second: Date.now(), third: new Date().getTime(), known, isDate: new Date() instanceof Date }));`;
    const startedMs = Date.now();
    const { stdout } = spawnSync(
      process.execPath,
      ["--import", urlOf("clock.mjs"), "--input-type=module", "-e", program],
      {
        encoding: "utf8",
        env: { ...process.env, CHAOS_CLOCK: file },
      },
    );
    const said = JSON.parse(stdout) as { first: number; second: number; third: number; known: number; isDate: boolean };
    const within = (value: number, offsetMs: number): void => {
      expect(value).toBeGreaterThanOrEqual(startedMs + offsetMs);
      expect(value).toBeLessThanOrEqual(Date.now() + offsetMs);
    };
    within(said.first, 3_600_000);
    within(said.second, -3_600_000);
    within(said.third, -3_600_000);
    expect(said).toMatchObject({ known: 3, isDate: true });
  });
});
