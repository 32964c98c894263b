/** How often the disk is waited for, and a disk that is not waited for when a record is appended. */
import { mkdtempSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";
import { type Disk, createStorage, openStorage, realDisk, unsyncedDisk } from "../../../src/adapters/storage/index.js";

const NO_ROWS = { signed: [], proofs: [], ledger: [], batches: [], certificates: [] };

/** Points at which `disk` was asked to sync while `inputs` were committed, one after the other, and what the store counted. */
async function syncsOf(
  disk: Disk,
  inputs: number,
): Promise<{ readonly points: readonly string[]; readonly counted: number }> {
  const directory = mkdtempSync(join(tmpdir(), "abcast-syncs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const points: string[] = [];
  const watched: Disk = {
    ...disk,
    sync(point, file) {
      points.push(point);
      return disk.sync(point, file);
    },
  };
  const store = join(directory, "store");
  await createStorage(store);
  const storage = await openStorage(store, { disk: watched });
  const before = storage.syncs;
  for (let input = 0; input < inputs; input++)
    await storage.commit({ inputs: [[new Uint8Array([input])]], ...NO_ROWS });
  const counted = storage.syncs - before;
  await storage.close();
  return { points: points.filter((point) => point === "log.sync"), counted };
}

it("counts each record that was made durable, and the transactions behind", async () => {
  const { points, counted } = await syncsOf(realDisk, 5);
  expect(points).toHaveLength(5);
  expect(counted).toBeGreaterThanOrEqual(5);
});

it("waits for the disk with each record, but for the disk that says that it need not", async () => {
  const directory = mkdtempSync(join(tmpdir(), "abcast-syncs-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = await open(join(directory, "file"), "w");
  const datasync = vi.spyOn(file, "datasync");
  await realDisk.sync("log.sync", file);
  await unsyncedDisk.sync("log.sync", file);
  await unsyncedDisk.sync("batches.sync", file);
  expect(datasync).toHaveBeenCalledTimes(1);
  // What a new segment needs is synced all the same.
  await unsyncedDisk.sync("log.roll.sync", file);
  expect(datasync).toHaveBeenCalledTimes(2);
  await file.close();
});
