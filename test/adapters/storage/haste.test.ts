/** Which records this thread writes and syncs itself, and that they are on the disk when it has. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type * as FileSystem from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { Haste, MAX_AVERAGE_MS } from "../../../src/adapters/storage/haste.js";
import { type Disk, createStorage, openStorage, realDisk } from "../../../src/adapters/storage/index.js";
import { concat } from "../../../src/core/bytes.js";

/** What the system did at once: how many bytes it takes at a time, and which files were synced. */
const system = vi.hoisted(() => ({ takes: Infinity, synced: [] as number[] }));

vi.mock("node:fs", async (importActual) => {
  const actual = await importActual<typeof FileSystem>();
  return {
    ...actual,
    writevSync: (fd: number, pieces: readonly Uint8Array[], position: number) =>
      actual.writevSync(fd, [Buffer.concat(pieces).subarray(0, system.takes)], position),
    fdatasyncSync: (fd: number) => {
      actual.fdatasyncSync(fd);
      system.synced.push(fd);
    },
  };
});

beforeEach(() => Object.assign(system, { takes: Infinity, synced: [] }));

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), "abcast-haste-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function suitsEach(haste: Haste, sizes: readonly number[]): readonly boolean[] {
  return sizes.map((size) => haste.suits(size));
}

describe("a record is for this thread", () => {
  it("when it is short, and those of late were", () => {
    const haste = new Haste();
    expect(
      suitsEach(
        haste,
        Array.from({ length: 50 }, () => 3000),
      ),
    ).not.toContain(false);
    expect(suitsEach(haste, [9000, 3000])).toEqual([false, true]);
    expect(haste.suits(300_000)).toBe(false);
    const later = suitsEach(
      haste,
      Array.from({ length: 60 }, () => 3000),
    );
    expect([later[0], later.at(-1)]).toEqual([false, true]);
    expect(later.indexOf(true)).toBeGreaterThan(20);
  });

  it("not while the disk is slow; that it may be fast again is tried now and then", () => {
    const haste = new Haste();
    for (let record = 0; record < 10; record++) {
      expect(haste.suits(1000)).toBe(true);
      haste.waited(MAX_AVERAGE_MS);
    }
    for (let record = 0; record < 20 && haste.suits(1000); record++) haste.waited(10 * MAX_AVERAGE_MS);
    const later = suitsEach(
      haste,
      Array.from({ length: 200 }, () => 1000),
    );
    expect([later[0], later.at(-1)]).toEqual([false, true]);
    haste.waited(10 * MAX_AVERAGE_MS);
    expect(haste.suits(1000)).toBe(false);
  });
});

describe("at once", () => {
  it("all is written, however little the system takes at a time, and synced, before the call returns", async () => {
    const anyPieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 9 }), { maxLength: 6 });
    const path = join(scratch(), "file");
    await fc.assert(
      fc.asyncProperty(anyPieces, fc.integer({ min: 1, max: 20 }), async (pieces, takes) => {
        Object.assign(system, { takes, synced: [] });
        const file = await open(path, "w+");
        const written = realDisk.write("log.append", file, pieces, 5, true);
        expect(readFileSync(path).subarray(5)).toEqual(Buffer.from(concat(...pieces)));
        const synced = realDisk.sync("log.sync", file, true);
        expect(system.synced).toEqual([file.fd]);
        await Promise.all([written, synced]);
        await file.close();
      }),
    );
  });

  it("what fails is a rejection", async () => {
    const file = await open(join(scratch(), "file"), "w");
    await file.close();
    await expect(realDisk.write("log.append", file, [new Uint8Array(1)], 0, true)).rejects.toThrow();
    await expect(realDisk.sync("log.sync", file, true)).rejects.toThrow();
  });
});

it("a store does so with short records, and not with long ones or beside batches", async () => {
  const store = join(scratch(), "store");
  await createStorage(store);
  const atOnce: (boolean | undefined)[] = [];
  const disk: Disk = {
    ...realDisk,
    sync(point, file, how) {
      if (point === "log.sync") atOnce.push(how);
      return realDisk.sync(point, file, how);
    },
  };
  const storage = await openStorage(store, { disk });
  const commit = (sizeBytes: number, batchBytes = 0): Promise<void> => {
    const digest = new Uint8Array(32);
    const batch = { channel: "c", name: { lane: 0, height: 1, digest }, bytes: new Uint8Array(batchBytes) };
    const rows = { signed: [], proofs: [], ledger: [], certificates: [], batches: batchBytes > 0 ? [batch] : [] };
    return storage.commit({ inputs: [[new Uint8Array(sizeBytes)]], ...rows });
  };
  await commit(1000);
  expect(system.synced).toHaveLength(1);
  await commit(20_000);
  await commit(1000);
  await commit(1000, 50_000);
  expect(atOnce).toEqual([true, false, true, false]);
  expect(system.synced).toHaveLength(2);
  await storage.close();
  const reopened = await openStorage(store);
  expect([...reopened.inputs()].map(({ length }) => length)).toEqual([1000, 20_000, 1000, 1000]);
  await reopened.close();
});
