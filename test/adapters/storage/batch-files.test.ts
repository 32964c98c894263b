/** Bytes of batches are written once, into files that stay as long as anybody needs them, and no longer. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { type Disk, createStorage, openStorage, realDisk } from "../../../src/adapters/storage/index.js";
import { concat, utf8 } from "../../../src/core/bytes.js";
import type { Storage } from "../../../src/replica/storage.js";
import { faultyDisk } from "../../support/faulty-disk.mjs";
import { NO_ROWS, batchFiles, heard, laneBatch, messageOf, pruningUpTo, sealed } from "../../support/lane-batches.js";

const scratch = mkdtempSync(join(tmpdir(), "abcast-batches-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Two batches of 500 bytes fill a file. */
const SETTINGS = { maxSegmentBytes: 1100, minFiledBytes: 100 };
let stores = 0;

async function freshStore(): Promise<string> {
  const directory = join(scratch, String(++stores));
  await createStorage(directory);
  return directory;
}

/** Makes what was heard up to `input` the base: it is not replayed any more. */
async function rebaseTo(storage: Storage, round: number, input: number): Promise<void> {
  const record = { round, summary: utf8("s"), chunkHashes: new Uint8Array(), input, local: utf8("l") };
  await storage.putCheckpoint({ ...record, certificate: undefined });
  await storage.rebase(round, []);
}

function numbers(directory: string): readonly number[] {
  return batchFiles(directory).map((name) => Number.parseInt(name, 10));
}

describe("bytes of a batch", () => {
  it("are on the disk once, though an input and a row have them, and come back with both", async () => {
    const directory = await freshStore();
    const batch = laneBatch(1, 100_000);
    let storage = await openStorage(directory);
    await storage.commit(heard(batch));
    await storage.close();
    const files = ["", "log", "batches"].flatMap((part) => readdirSync(join(directory, part), { withFileTypes: true }));
    const contents = files
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name)));
    const sizes = contents.map((content) => content.toString("latin1").split("b".repeat(1000)).length - 1);
    expect(sizes.filter((count) => count > 0)).toEqual([99]);
    storage = await openStorage(directory);
    expect([...storage.inputs()].map((input) => Buffer.from(input))).toEqual([
      Buffer.from(concat(...messageOf(batch))),
    ]);
    expect(Buffer.from(storage.batch(batch.channel, batch.name) ?? [])).toEqual(Buffer.from(batch.bytes));
    expect(storage.size().batchBytes).toBe(26 * 4096);
    await storage.close();
  });

  it("are in no file when they are few, nor is there one before the first batch", async () => {
    const directory = await freshStore();
    const [small, large] = [laneBatch(1, 4095), laneBatch(2, 4096)];
    const storage = await openStorage(directory);
    expect(batchFiles(directory)).toEqual([]);
    await storage.commit(heard(small));
    expect([batchFiles(directory), storage.size().batchBytes]).toEqual([[], 0]);
    await storage.commit(heard(large));
    expect(batchFiles(directory)).toEqual(["0000000000000001.batches"]);
    for (const { channel, name, bytes } of [small, large])
      expect(Buffer.from(storage.batch(channel, name) ?? [])).toEqual(Buffer.from(bytes));
    await storage.close();
  });

  it("are on the disk, as the record that refers to them, before the commit resolves", async () => {
    for (const gated of ["log.sync", "batches.sync"]) {
      let release: (() => void) | undefined;
      const gate = new Promise<void>((resolve) => (release = resolve));
      const disk: Disk = {
        ...realDisk,
        async sync(point, file) {
          if (point === gated) await gate;
          await realDisk.sync(point, file);
        },
      };
      const storage = await openStorage(await freshStore(), { ...SETTINGS, disk, lingerMs: 0 });
      const batch = laneBatch(1);
      let isDone = false;
      const committed = storage.commit(heard(batch)).then(() => (isDone = true));
      for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect([gated, isDone, storage.batch(batch.channel, batch.name), storage.appliedInput]).toEqual([
        gated,
        false,
        undefined,
        0,
      ]);
      release?.();
      await committed;
      expect(storage.batch(batch.channel, batch.name)?.length).toBe(500);
      await storage.close();
    }
  });

  it.each(["batches.append", "batches.sync", "batches.roll"] as const)(
    "that cannot be written fail the commit at %s, and none comes after it",
    async (point) => {
      const directory = await freshStore();
      const moment = point === "batches.sync" ? "before" : "middle";
      const disk = faultyDisk(realDisk, { point, count: 2, moment, fate: "fail" });
      const storage = await openStorage(directory, { ...SETTINGS, disk });
      let height = 0;
      const commitNext = (): Promise<void> => storage.commit(heard(laneBatch(++height)));
      await commitNext();
      const failed = async (): Promise<string> => {
        for (;;) await commitNext();
      };
      await expect(failed()).rejects.toThrow(/\.batches: (appending|syncing|writing) failed: ENOSPC/);
      await expect(storage.commit({ ...NO_ROWS, inputs: [[utf8("x")]] })).rejects.toThrow(/ENOSPC/);
      await storage.close();
    },
  );
});

describe("files of batches", () => {
  it("are begun when one is full, and by each life of the process", async () => {
    const directory = await freshStore();
    let storage = await openStorage(directory, SETTINGS);
    for (let height = 1; height <= 3; height++) await storage.commit(heard(laneBatch(height)));
    // One that is longer than a file has one of its own.
    await storage.commit(heard(laneBatch(4, 3000)));
    await storage.commit({ ...NO_ROWS, inputs: [], batches: [5, 6, 7].map((height) => laneBatch(height)) });
    expect(numbers(directory)).toEqual([1, 2, 3, 4, 5]);
    await storage.close();
    storage = await openStorage(directory, SETTINGS);
    expect(numbers(directory)).toEqual([1, 2, 3, 4, 5]);
    await storage.commit(heard(laneBatch(8)));
    expect(numbers(directory)).toEqual([1, 2, 3, 4, 5, 6]);
    for (let height = 1; height <= 8; height++) {
      const { channel, name, bytes } = laneBatch(height, height === 4 ? 3000 : 500);
      expect(Buffer.from(storage.batch(channel, name) ?? [])).toEqual(Buffer.from(bytes));
    }
    const onDisk = batchFiles(directory).map((name) => statSync(join(directory, "batches", name)).size);
    expect(storage.size().batchBytes).toBe(onDisk.reduce((sum, bytes) => sum + bytes, 0));
    await storage.close();
  });

  it("go when no row has a batch there and no input that is replayed, and not before", async () => {
    const directory = await freshStore();
    let storage = await openStorage(directory, SETTINGS);
    for (let height = 1; height <= 7; height++) await storage.commit(heard(laneBatch(height)));
    expect(numbers(directory)).toEqual([1, 2, 3, 4]);
    // The log needs them.
    await storage.prune(pruningUpTo(3));
    expect(numbers(directory)).toEqual([1, 2, 3, 4]);
    await rebaseTo(storage, 1, 3);
    // The second has height 4, too.
    expect(numbers(directory)).toEqual([2, 3, 4]);
    // The rows need them.
    await rebaseTo(storage, 2, 7);
    expect(numbers(directory)).toEqual([2, 3, 4]);
    await storage.prune(pruningUpTo(4));
    expect(numbers(directory)).toEqual([3, 4]);
    await storage.close();
    // The same of those that are counted when it is opened.
    storage = await openStorage(directory, SETTINGS);
    expect(numbers(directory)).toEqual([3, 4]);
    await storage.prune(pruningUpTo(5));
    expect(numbers(directory)).toEqual([3, 4]);
    await storage.prune(pruningUpTo(7));
    expect(numbers(directory)).toEqual([]);
    await storage.close();
    // Nor is the log's last record cut because its batch is gone.
    storage = await openStorage(directory, SETTINGS);
    expect([storage.report.cutBytes, storage.lastInput, [...storage.inputs()]]).toEqual([0, 7, []]);
    await storage.close();
  });

  it("go when their batches gave way to others of their heights, and when inputs are dropped", async () => {
    const directory = await freshStore();
    const storage = await openStorage(directory, { ...SETTINGS, lingerMs: 1_000_000 });
    const other = (height: number) => ({
      ...laneBatch(height + 100),
      name: { ...laneBatch(height).name, digest: laneBatch(height + 100).name.digest },
    });
    const written = (): Promise<void> => storage.commit({ ...NO_ROWS, inputs: [] });
    for (let height = 1; height <= 2; height++) await storage.commit(heard(laneBatch(height)));
    await written();
    for (const batch of [laneBatch(3), laneBatch(4), other(3), other(4)]) await storage.commit(heard(batch));
    await written();
    for (let height = 1; height <= 2; height++) await storage.commit(heard(other(height)));
    expect(numbers(directory)).toEqual([1, 2, 3, 4]);
    await storage.dropInputs();
    expect(numbers(directory)).toEqual([3, 4]);
    for (let height = 1; height <= 4; height++) expect(storage.batch("abc", other(height).name)?.length).toBe(500);
    await storage.close();
  });

  it("of commits that a crash cut off are removed by the next life", async () => {
    const directory = await freshStore();
    const disk = faultyDisk(realDisk, { point: "log.append", count: 2, moment: "before", fate: "fail" });
    let storage = await openStorage(directory, { ...SETTINGS, maxSegmentBytes: 500, disk });
    await storage.commit(heard(laneBatch(1)));
    await expect(storage.commit(heard(laneBatch(2)))).rejects.toThrow(/ENOSPC/);
    await storage.close();
    expect(numbers(directory)).toEqual([1, 2]);
    storage = await openStorage(directory, SETTINGS);
    expect([numbers(directory), storage.lastInput]).toEqual([[1], 1]);
    await storage.close();
  });
});

describe("rows that a crash kept from the tables", () => {
  it("are recovered with the place that the log says, or with a new one", async () => {
    const directory = await freshStore();
    const tables = readFileSync(join(directory, "store.mdb"));
    let storage = await openStorage(directory, SETTINGS);
    const commits = [heard(laneBatch(1)), sealed(laneBatch(2)), heard(laneBatch(3)), heard(laneBatch(4))];
    for (const commit of commits) await storage.commit(commit);
    await storage.close();
    writeFileSync(join(directory, "store.mdb"), tables);
    storage = await openStorage(directory, SETTINGS);
    expect([storage.appliedInput, storage.lastInput, [...storage.inputs()].length]).toEqual([0, 4, 4]);
    for (const [index, rows] of commits.entries()) await storage.recover(index + 1, rows);
    for (let height = 1; height <= 4; height++) {
      const { channel, name, bytes } = laneBatch(height);
      expect(Buffer.from(storage.batch(channel, name) ?? [])).toEqual(Buffer.from(bytes));
    }
    // Only the own one was written again.
    expect(numbers(directory)).toEqual([1, 2, 3]);
    expect(storage.size().batchBytes).toBe((3 + 5) * 4096);
    await storage.close();
  });
});
