/** Who reads beside the process that writes, and forgets: what is gone is gone, not damaged; a backup has all that was there when it began. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { backUp, restore, verifyBackup } from "../../../src/adapters/storage/backup.js";
import { checkStore } from "../../../src/adapters/storage/check.js";
import { sha256 } from "../../../src/cli/sha256.js";
import { createStorage, openReader, openStorage, realDisk } from "../../../src/adapters/storage/index.js";
import { Reader } from "../../../src/adapters/storage/reader.js";
import { Tables } from "../../../src/adapters/storage/tables.js";
import type { Storage } from "../../../src/replica/storage.js";
import { NO_ROWS, batchFiles, heard, laneBatch, pruningUpTo } from "../../support/lane-batches.js";

const scratch = mkdtempSync(join(tmpdir(), "abcast-batch-readers-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const SETTINGS = { maxSegmentBytes: 400, minFiledBytes: 100, lingerMs: 0 };
const HEIGHTS = 4;
let stores = 0;

const payloadOf = (height: number): Uint8Array => laneBatch(height).bytes.subarray(10, 30);

/** Entry h has a part of the batch of height h, which is in file h. Its tables have all. */
async function filled(): Promise<{ readonly directory: string; readonly storage: Storage }> {
  const directory = join(scratch, String(++stores));
  await createStorage(directory);
  const storage = await openStorage(directory, SETTINGS);
  for (let height = 1; height <= HEIGHTS; height++) {
    const batch = laneBatch(height);
    const payload = batch.bytes.subarray(10, 30);
    await storage.commit({ ...heard(batch), ledger: [{ sequence: height, round: height, timeMs: 1, payload }] });
  }
  await storage.commit({ ...NO_ROWS, inputs: [] });
  expect(storage.appliedInput).toBe(HEIGHTS);
  return { directory, storage };
}

/** Forgets all up to `height`. */
async function forget(storage: Storage, height: number): Promise<void> {
  await storage.dropInputs();
  await storage.prune(pruningUpTo(height));
}

describe("a reader beside a process that writes", () => {
  it("has what is in the tables, whichever file it is in", async () => {
    const { directory, storage } = await filled();
    const reader = openReader(directory);
    expect([...reader.ledger(1)].map(({ payload }) => Buffer.from(payload))).toEqual(
      [1, 2, 3, 4].map((height) => Buffer.from(payloadOf(height))),
    );
    await reader.close();
    await storage.close();
  });

  it("does not have what was forgotten since it looked at the tables, and finds no damage in that", async () => {
    const { directory, storage } = await filled();
    const reader = openReader(directory);
    const entries = reader.ledger(1)[Symbol.iterator]();
    expect(entries.next().value).toMatchObject({ sequence: 1 });
    await forget(storage, 3);
    expect(batchFiles(directory)).toHaveLength(1);
    // The iterator still sees rows of which the files are gone.
    expect([entries.next().value, entries.next().done]).toEqual([expect.objectContaining({ sequence: 4 }), true]);
    expect([1, 2, 3, 4].map((height) => reader.batch("abc", laneBatch(height).name)?.length)).toEqual([
      undefined,
      undefined,
      undefined,
      500,
    ]);
    await reader.close();
    await storage.close();
  });

  it("nor what was forgotten within a turn of its event loop", async () => {
    const { directory, storage } = await filled();
    await storage.close();
    const program = `
      import { rmSync } from "node:fs";
      import { open } from "lmdb";
      const root = open({ path: ${JSON.stringify(join(directory, "store.mdb"))}, maxDbs: 12 });
      for (const height of [1, 2]) await root.openDB({ name: "batches", encoding: "binary" }).remove([height, "abc/1"]);
      await root.openDB({ name: "ledger", encoding: "binary" }).remove(2);
      await root.close();
      for (const number of [1, 2]) rmSync(${JSON.stringify(join(directory, "batches", "000000000000000"))} + number + ".batches");`;
    const reader = openReader(directory);
    const read = (height: number): number | undefined => reader.batch("abc", laneBatch(height).name)?.length;
    expect([read(1), read(2)]).toEqual([500, 500]);
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
      encoding: "utf8",
    });
    expect([status, stderr]).toEqual([0, ""]);
    expect([reader.ledgerEntry(2), read(1), read(2), read(3)]).toEqual([undefined, undefined, undefined, 500]);
    await reader.close();
  });

  it("may hold what is there, and reads it to its end", async () => {
    const { directory, storage } = await filled();
    const reader = new Reader(Tables.open(directory, true));
    reader.hold();
    const entries = reader.ledger(1)[Symbol.iterator]();
    expect(entries.next().value).toMatchObject({ sequence: 1 });
    const files = batchFiles(directory).map((name) => join(directory, "batches", name));
    // As a writer may within a turn of this process's event loop.
    for (const file of files) rmSync(file);
    for (let height = 2; height <= HEIGHTS; height++)
      expect(entries.next().value).toMatchObject({ sequence: height, payload: new Uint8Array(payloadOf(height)) });
    await reader.close();
    await storage.close();
  });
});

describe("a backup", () => {
  it("has the payloads that are in files of batches; what is restored from it has no such files", async () => {
    const { directory, storage } = await filled();
    const file = join(scratch, "backup");
    expect(await backUp(directory, file)).toMatchObject({ entries: HEIGHTS });
    await storage.close();
    expect(readFileSync(file).includes(Buffer.from(payloadOf(3)))).toBe(true);
    const restored = join(scratch, "restored");
    await restore(file, restored);
    const reader = openReader(restored);
    expect([...reader.ledger(1)].map(({ payload }) => Buffer.from(payload))).toEqual(
      [1, 2, 3, 4].map((height) => Buffer.from(payloadOf(height))),
    );
    await reader.close();
    expect(batchFiles(restored)).toEqual([]);
    expect((await checkStore(restored, sha256)).problems).toEqual([]);
  });

  it("holds the files before it reads, so that none goes meanwhile", async () => {
    const { directory, storage } = await filled();
    const file = join(scratch, "held");
    const spy = vi.spyOn(Reader.prototype, "checkpoints").mockImplementation(() => {
      // As a writer may in another process, while this one reads.
      for (const name of batchFiles(directory)) rmSync(join(directory, "batches", name));
      return [];
    });
    onTestFinished(() => spy.mockRestore());
    await backUp(directory, file);
    expect([spy.mock.calls.length, batchFiles(directory)]).toEqual([1, []]);
    expect(verifyBackup(file)).toMatchObject({ entries: HEIGHTS });
    await storage.close();
  });

  it("without entries that went all the same is none", async () => {
    const { directory, storage } = await filled();
    await storage.close();
    const tables = Tables.open(directory, false);
    await tables.transact(realDisk, "prune", () => tables.ledger.remove(2));
    await tables.close();
    await expect(backUp(directory, join(scratch, "gap"))).rejects.toThrow(/ledger entry 3 after 1: .*Try again/);
  });
});
