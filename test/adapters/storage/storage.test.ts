import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open } from "lmdb";
import { afterAll, describe, expect, it } from "vitest";
import { createStorage, openReader, openStorage, realDisk, StorageError } from "../../../src/adapters/storage/index.js";
import { utf8 } from "../../../src/core/bytes.js";
import { MAX_BODY_BYTES } from "../../../src/core/envelope.js";
import type { StorageSize } from "../../../src/replica/storage.js";
import { faultyDisk } from "../../support/faulty-disk.mjs";
import { MemoryDisk, MemoryStorage } from "../../support/memory-storage.js";
import { MIN_FILED_BYTES, batchOf, differences, recoverAll, takeStep } from "../../support/storage-workload.mjs";
import { compliance } from "./compliance.js";

const scratch = mkdtempSync(join(tmpdir(), "abcast-storage-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let directories = 0;
const freshDirectory = (): string => join(scratch, String(++directories));

async function freshStore(): Promise<string> {
  const directory = freshDirectory();
  await createStorage(directory);
  return directory;
}

async function putRoot(directory: string, name: string, value: string): Promise<void> {
  const root = open<string, string>({ path: join(directory, "store.mdb"), encoding: "string", maxDbs: 12 });
  await root.put(name, value);
  await root.close();
}

compliance("on disk", async () => {
  const directory = await freshStore();
  return {
    open: () => openStorage(directory, { maxSegmentBytes: 1000, minFiledBytes: MIN_FILED_BYTES }),
    changeEngine: () => putRoot(directory, "engine", "abcast-engine/0"),
  };
});

compliance("in memory", async () => {
  const disk = new MemoryDisk();
  return Promise.resolve({
    open: () => Promise.resolve(new MemoryStorage(disk)),
    changeEngine: () => {
      disk.foreignEngine = "abcast-engine/0";
      return Promise.resolve();
    },
  });
});

describe("opening", () => {
  it("a store that is not there is refused and says how to come back", async () => {
    for (const directory of [join(scratch, "nowhere"), scratch]) {
      await expect(openStorage(directory)).rejects.toThrow(StorageError);
      await expect(openStorage(directory)).rejects.toThrow(/the store is missing.*counts as corrupted.*abcast rejoin/);
    }
  });

  it("one whose log is gone is refused", async () => {
    const directory = await freshStore();
    rmSync(join(directory, "log"), { recursive: true });
    await expect(openStorage(directory)).rejects.toThrow(/the log is missing.*abcast rejoin/);
  });

  it("another format is refused and named", async () => {
    for (const format of ["abcast-store/1", "abcast-storage/5", "abcast-storage/7"]) {
      const directory = freshDirectory();
      mkdirSync(directory);
      await putRoot(directory, "format", format);
      await expect(openStorage(directory)).rejects.toThrow(`has format ${format}`);
      expect(() => openReader(directory)).toThrow(StorageError);
    }
  });

  it("a file that is no database is refused", async () => {
    const directory = await freshStore();
    writeFileSync(join(directory, "store.mdb"), utf8("no store\n".repeat(2000)));
    await expect(openStorage(directory)).rejects.toThrow(/it is no database/);
  });

  it("makes a store only once", async () => {
    const directory = await freshStore();
    await expect(createStorage(directory)).rejects.toThrow(/there is a store already/);
    // Remains of one are no empty place.
    rmSync(join(directory, "store.mdb"));
    await expect(createStorage(directory)).rejects.toThrow(/there is a store already/);
  });
});

describe("a commit", () => {
  it("of what cannot be stored changes nothing", async () => {
    const storage = await openStorage(await freshStore());
    const entry = { sequence: 1, round: 1, timeMs: undefined, payload: new Uint8Array(MAX_BODY_BYTES + 1) };
    const batch = { ...batchOf(1), ledger: [entry] };
    await expect(storage.commit(batch)).rejects.toThrow(/above the bound/);
    expect([storage.lastInput, storage.ledgerEntry(1)]).toEqual([0, undefined]);
    await storage.commit(batchOf(1));
    expect(differences(storage, 1)).toEqual([]);
    await storage.close();
  });

  it.each(["log.append", "log.sync"] as const)("that fails at %s says so, and none comes after it", async (point) => {
    const directory = await freshStore();
    const disk = faultyDisk(realDisk, { point, count: 2, moment: "middle", fate: "fail" });
    const failing =
      point === "log.sync" ? faultyDisk(realDisk, { point, count: 2, moment: "before", fate: "fail" }) : disk;
    const storage = await openStorage(directory, { disk: failing });
    await storage.commit(batchOf(1));
    await expect(storage.commit(batchOf(2))).rejects.toThrow(/0000001\.log: (appending|syncing) failed: ENOSPC/);
    await expect(storage.commit(batchOf(2))).rejects.toThrow(StorageError);
    expect(differences(storage, 1)).toEqual([]);
    await storage.close();
    const again = await openStorage(directory);
    expect(differences(again, await recoverAll(again))).toEqual([]);
    await again.close();
  });

  it("whose rows cannot be written is reported, and the next one rejects", async () => {
    const directory = await freshStore();
    const errors: Error[] = [];
    const disk = faultyDisk(realDisk, { point: "tables.commit", count: 2, moment: "before", fate: "fail" });
    const storage = await openStorage(directory, { disk, lingerMs: 0, onError: (error) => errors.push(error) });
    await storage.commit(batchOf(1));
    while (errors.length === 0) {
      await storage.commit(batchOf(storage.lastSignedRound() + 1)).catch(() => {});
      // Commits may be over at once: the tables have their turn, too.
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(errors[0]?.message).toMatch(/store\.mdb: writing \(tables\.commit\) failed: ENOSPC/);
    await expect(storage.commit(batchOf(storage.lastSignedRound() + 1))).rejects.toBe(errors[0]);
    const last = storage.lastSignedRound();
    expect(differences(storage, last)).toEqual([]);
    await storage.close();
    // What the log has is not lost: it is replayed.
    const again = await openStorage(directory);
    expect(again.appliedInput).toBeLessThan(again.lastInput);
    await expect(again.commit(batchOf(last + 1))).rejects.toThrow(/replay first/);
    expect(await recoverAll(again)).toBe(last);
    expect(differences(again, last)).toEqual([]);
    await again.close();
  });

  it("resolves, and lets its rows into the tables, only when the log is on the disk", async () => {
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const order: string[] = [];
    const disk = {
      ...realDisk,
      async sync(...args: Parameters<typeof realDisk.sync>) {
        await gate;
        await realDisk.sync(...args);
        order.push("synced");
      },
      async transact(...args: Parameters<typeof realDisk.transact>) {
        order.push("tables");
        await realDisk.transact(...args);
      },
    };
    const storage = await openStorage(await freshStore(), { disk, lingerMs: 0 });
    const committed = storage.commit(batchOf(1)).then(() => order.push("committed"));
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([order, storage.ledgerEntry(1)]).toEqual([[], undefined]);
    release?.();
    await committed;
    expect(order).toEqual(["synced", "tables", "committed"]);
    await storage.close();
  });

  it("lets its rows wait for those of others, and writes them at once when somebody waits for them", async () => {
    let transactions = 0;
    const disk = {
      ...realDisk,
      async transact(...args: Parameters<typeof realDisk.transact>) {
        transactions++;
        await realDisk.transact(...args);
      },
    };
    const storage = await openStorage(await freshStore(), { disk, lingerMs: 1_000_000 });
    for (let round = 1; round <= 3; round++) await storage.commit(batchOf(round));
    expect([transactions, storage.appliedInput]).toEqual([0, 0]);
    expect(differences(storage, 3)).toEqual([]);
    await storage.close();
    expect(transactions).toBe(1);
  });

  it("waits when the tables cannot keep up", async () => {
    const directory = await freshStore();
    let release: (() => void) | undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    const slow = {
      ...realDisk,
      transact: async (...args: Parameters<typeof realDisk.transact>) => {
        await gate;
        await realDisk.transact(...args);
      },
    };
    const storage = await openStorage(directory, { disk: slow });
    let done = 0;
    const payload = new Uint8Array(MAX_BODY_BYTES);
    for (let step = 1; step <= 6; step++) {
      void storage
        .commit({ ...batchOf(step), ledger: [{ sequence: step, round: step, timeMs: step, payload }] })
        .then(() => done++);
    }
    // The fifth has more than what may wait.
    while (storage.lastSignedRound() < 4) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect([storage.lastInput, storage.lastSignedRound(), done]).toEqual([storage.lastInput, 4, 3]);
    release?.();
    while (storage.lastSignedRound() < 6) await new Promise((resolve) => setImmediate(resolve));
    expect(storage.lastSignedRound()).toBe(6);
    await storage.close();
  });
});

it("disk use stays flat under steady load", async () => {
  const storage = await openStorage(await freshStore(), { maxSegmentBytes: 4000, minFiledBytes: MIN_FILED_BYTES });
  const sizes: StorageSize[] = [];
  for (let step = 1; step <= 450; step++) {
    await takeStep(storage, step);
    if (step % 150 === 0) sizes.push(storage.size());
  }
  expect(differences(storage, 450)).toEqual([]);
  await storage.close();
  process.stdout.write(`log, batches and tables after 150, 300, 450 steps: ${JSON.stringify(sizes)}\n`);
  const [, , last] = sizes;
  expect(Math.max(...sizes.map(({ logBytes }) => logBytes))).toBeLessThan(3 * 4000);
  // What two checkpoints keep, in whole blocks.
  expect(Math.max(...sizes.map(({ batchBytes }) => batchBytes))).toBeLessThan(15 * 4096);
  // The tables' file is as long as it ever was, and reuses its pages. How many are in use at once depends on how many steps share a
  // transaction, which is up to the disk; all that the later steps wrote would make it three times as long.
  expect(last?.tableBytes).toBeLessThan(1.5 * (sizes[0]?.tableBytes ?? 0));
});
