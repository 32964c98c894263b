/** The process dies at every write point, before, in the middle of and after what it does there; the next one finds a sound store. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { WRITE_POINTS, createStorage, openStorage } from "../../../src/adapters/storage/index.js";
import type { Fault } from "../../support/faulty-disk.mjs";
import { CYCLE, MIN_FILED_BYTES, batchOf, differences, recoverAll, takeStep } from "../../support/storage-workload.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "abcast-crash-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

interface Life {
  readonly done: number;
  readonly hits: readonly string[];
  readonly signal: NodeJS.Signals | null;
  readonly code: number | null;
}

/** A process that takes steps until it is done or struck. */
async function live(directory: string, plan: Fault | undefined, steps: number, drop: boolean): Promise<Life> {
  const settings = JSON.stringify({ directory, steps, drop, plan });
  const worker = [
    join(root, "test/support/storage-worker.mjs"),
    join(root, "dist/adapters/storage/index.js"),
    settings,
  ];
  const child = spawn(process.execPath, worker, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(child, "close");
  const hits: string[] = [];
  let done = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    const [kind, value = ""] = line.split(" ");
    if (kind === "hit") hits.push(value);
    if (kind === "done") done = Number(value);
  }
  await closed;
  return { done, hits, signal: child.signalCode, code: child.exitCode };
}

/** Opens the store as a replica does, compares all that must be there, goes on, and compares again. */
async function checkSound(directory: string, done: number): Promise<void> {
  const storage = await openStorage(directory, { maxSegmentBytes: 2000, minFiledBytes: MIN_FILED_BYTES });
  const step = await recoverAll(storage);
  expect(step).toBeGreaterThanOrEqual(done);
  expect(differences(storage, step)).toEqual([]);
  for (let next = step + 1; next <= step + CYCLE; next++) await takeStep(storage, next);
  expect(differences(storage, step + CYCLE)).toEqual([]);
  await storage.close();
}

/** A store with a torn tail, so that opening cuts it. */
async function tear(directory: string): Promise<void> {
  const plan: Fault = { point: "log.append", count: 1, moment: "middle", fate: "kill" };
  expect((await live(directory, plan, 1, false)).signal).toBe("SIGKILL");
}

it("a crash at any write point loses nothing that was acknowledged", async () => {
  const lines: string[] = [];
  for (const point of WRITE_POINTS) {
    const isCut = point.startsWith("log.cut");
    const isDrop = point === "drop";
    for (const moment of ["before", "middle", "after"] as const) {
      const directory = join(scratch, `${point}-${moment}`);
      await createStorage(directory);
      if (isCut) await tear(directory);
      const plan: Fault = { point, count: isCut || isDrop ? 1 : 2, moment, fate: "kill" };
      const life = await live(directory, plan, isDrop ? CYCLE + 2 : 3 * CYCLE, isDrop);
      const hits = life.hits.filter((hit) => hit === point).length;
      lines.push(`${point} ${moment}: ${hits} hits, killed after step ${life.done}`);
      expect([point, moment, life.signal]).toEqual([point, moment, "SIGKILL"]);
      expect(hits).toBe(plan.count);
      if (!isDrop) await checkSound(directory, life.done);
      else await checkDropped(directory, life.done, moment);
    }
  }
  process.stdout.write(`${lines.join("\n")}\n`);
});

/** All or nothing of what is above the base is dropped. */
async function checkDropped(directory: string, done: number, moment: Fault["moment"]): Promise<void> {
  expect(done).toBe(CYCLE + 2);
  if (moment !== "after") return checkSound(directory, done);
  const storage = await openStorage(directory);
  expect([storage.base()?.round, storage.lastSignedRound()]).toEqual([CYCLE, done]);
  expect(storage.appliedInput).toBe(storage.lastInput);
  expect([...storage.inputs()]).toEqual([]);
  await storage.commit(batchOf(done + 1));
  await storage.close();
}
