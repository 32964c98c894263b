/** What a store does when the bytes of a batch are not in their file: at the log's end a crash may have done that, elsewhere it is damage. */
import { cpSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BLOCK_BYTES } from "../../../src/adapters/storage/block-file.js";
import { checkStore } from "../../../src/adapters/storage/check.js";
import { sha256 } from "../../../src/cli/sha256.js";
import { createStorage, openReader, openStorage } from "../../../src/adapters/storage/index.js";
import type { Batch } from "../../../src/replica/storage.js";
import { batchFiles, flip, heard, laneBatch, pruningUpTo, sealed } from "../../support/lane-batches.js";

const scratch = mkdtempSync(join(tmpdir(), "abcast-batch-damage-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** One batch fills a file: that of height h is in file h. */
const SETTINGS = { maxSegmentBytes: 400, minFiledBytes: 100 };
/** The header has a block of its own. */
const BATCH_OFFSET = BLOCK_BYTES;
const HEIGHTS = 4;
const COMMITS: readonly Batch[] = [
  heard(laneBatch(1)),
  sealed(laneBatch(2)),
  heard(laneBatch(3)),
  heard(laneBatch(HEIGHTS)),
];
/** Its tables have everything, and know nothing. */
const [whole, behind] = [join(scratch, "whole"), join(scratch, "behind")];
let recordBytes = 0;

beforeAll(async () => {
  await createStorage(whole);
  const tables = readFileSync(join(whole, "store.mdb"));
  const storage = await openStorage(whole, SETTINGS);
  for (const commit of COMMITS) {
    const before = storage.size().logBytes;
    await storage.commit(commit);
    recordBytes = storage.size().logBytes - before;
  }
  await storage.close();
  cpSync(whole, behind, { recursive: true });
  writeFileSync(join(behind, "store.mdb"), tables);
  expect(batchFiles(whole)).toHaveLength(HEIGHTS);
});

let copies = 0;
function copy(of: string): string {
  const directory = join(scratch, `copy-${++copies}`);
  cpSync(of, directory, { recursive: true });
  return directory;
}

const fileOf = (directory: string, height: number): string =>
  join(directory, "batches", batchFiles(whole)[height - 1] ?? "");

/** Ways in which a batch is not there, and what is said of it. */
const LOSSES = [
  ["is missing", (path: string) => rmSync(path), /\.batches, which is missing/],
  ["is shorter", (path: string) => truncateSync(path, BATCH_OFFSET + 499), /\.batches, which ends before/],
  ["is empty", (path: string) => truncateSync(path, 0), /\.batches, which ends before/],
  ["has a flipped bit", (path: string) => flip(path, BATCH_OFFSET + 99), /\.batches, where other bytes are/],
] as const;

/** Opens the store and reads all that it may replay; how much was cut, and how many inputs there are. */
async function replayed(directory: string): Promise<readonly [number, number]> {
  const storage = await openStorage(directory, SETTINGS);
  try {
    return [storage.report.cutBytes, [...storage.inputs()].length];
  } finally {
    await storage.close();
  }
}

describe.each(LOSSES)("where the file %s", (_, lose, problem) => {
  it("the last record, which nobody was told of, is cut", async () => {
    const directory = copy(behind);
    lose(fileOf(directory, HEIGHTS));
    expect((await checkStore(directory, sha256)).cutBytes).toBe(recordBytes);
    expect(await replayed(directory)).toEqual([recordBytes, HEIGHTS - 1]);
    // It is gone, and the next one comes in its place.
    const storage = await openStorage(directory, SETTINGS);
    expect([storage.report.cutBytes, batchFiles(directory).length]).toEqual([0, 2]);
    for (const [index, rows] of COMMITS.slice(0, -1).entries()) await storage.recover(index + 1, rows);
    await storage.commit(heard(laneBatch(HEIGHTS)));
    await storage.close();
    expect(await replayed(directory)).toEqual([0, HEIGHTS]);
  });

  it("a record that another one follows is damaged, and is not cut", async () => {
    const directory = copy(behind);
    lose(fileOf(directory, 3));
    const place =
      /0000000000000003\.log: record 3 at offset 84: batch [0-9a-f]{64}, 500 bytes, should be at offset 4096 of /;
    for (const of of [place, problem]) await expect(replayed(directory)).rejects.toThrow(of);
    expect((await checkStore(directory, sha256)).problems.join("\n")).toMatch(problem);
  });

  it("the last record of which the tables know, or which another segment follows, is damaged", async () => {
    const known = copy(whole);
    lose(fileOf(known, HEIGHTS));
    await expect(openStorage(known)).rejects.toThrow(
      /is incomplete: the log ends with input 3, but the tables were made/,
    );
    const followed = copy(behind);
    writeFileSync(join(followed, "log", "0000000000000005.log"), new Uint8Array(10));
    lose(fileOf(followed, HEIGHTS));
    await expect(replayed(followed)).rejects.toThrow(problem);
  });

  it("the row of the batch is damaged, though no input has it, and so are its entries", async () => {
    const directory = copy(whole);
    lose(fileOf(directory, 2));
    const { channel, name } = laneBatch(2);
    const reader = openReader(directory);
    for (const part of [problem, /table batches, key 2,abc\/1: batch/])
      expect(() => reader.batch(channel, name)).toThrow(part);
    expect(reader.batch(channel, laneBatch(1).name)).toHaveLength(500);
    await reader.close();
    expect((await checkStore(directory, sha256)).problems).toEqual([
      expect.stringMatching(/table batches, key 2,abc\/1: /),
    ]);
  });
});

it("a record that others follow in its segment is damaged, and is not cut", async () => {
  const directory = join(scratch, "one-segment");
  await createStorage(directory);
  const tables = readFileSync(join(directory, "store.mdb"));
  const storage = await openStorage(directory, { minFiledBytes: 100 });
  for (const height of [1, 2]) await storage.commit(heard(laneBatch(height)));
  await storage.close();
  writeFileSync(join(directory, "store.mdb"), tables);
  flip(fileOf(directory, 1), BATCH_OFFSET + 99);
  await expect(replayed(directory)).rejects.toThrow(/record 1 at offset 84: batch .*where other bytes are/);
  flip(fileOf(directory, 1), BATCH_OFFSET + 99);
  flip(fileOf(directory, 1), BATCH_OFFSET + BLOCK_BYTES + 99);
  expect((await replayed(directory))[1]).toBe(1);
});

it("a store that lacks a file that rows need is not opened", async () => {
  const directory = copy(whole);
  rmSync(fileOf(directory, 2));
  await expect(openStorage(directory)).rejects.toThrow(
    /0000000000000002\.batches: a file of batches is missing: the store is damaged/,
  );
  rmSync(join(directory, "batches"), { recursive: true });
  await expect(openStorage(directory)).rejects.toThrow(/the batches are missing from the store\. .*abcast rejoin/);
});

describe("fsck", () => {
  it("reads each batch in a file, and finds a whole store sound", async () => {
    for (const directory of [whole, behind]) {
      const batches = directory === whole ? HEIGHTS : HEIGHTS - 1;
      expect(await checkStore(directory, sha256)).toMatchObject({ problems: [], batches, lastInput: HEIGHTS });
    }
  });

  it("finds the file of another store, or under another name", async () => {
    const directory = copy(whole);
    flip(fileOf(directory, 1), 20);
    writeFileSync(
      fileOf(directory, 2),
      Buffer.concat([readFileSync(fileOf(whole, 1)).subarray(0, 44), readFileSync(fileOf(whole, 2)).subarray(44)]),
    );
    const { problems } = await checkStore(directory, sha256);
    expect(problems).toHaveLength(3);
    for (const problem of problems)
      expect(problem).toMatch(/000000000000000[12]\.batches: the file does not begin with its header/);
  });

  it("finds a batch whose bytes have another digest than its name", async () => {
    const directory = join(scratch, "misnamed");
    await createStorage(directory);
    const storage = await openStorage(directory, SETTINGS);
    const { bytes } = laneBatch(2);
    await storage.commit(heard({ ...laneBatch(1), bytes }));
    await storage.close();
    const { problems } = await checkStore(directory, sha256);
    expect(problems).toEqual([
      expect.stringMatching(/log: input 1: the batch has another digest than [0-9a-f]{64}/),
      expect.stringMatching(/table batches, key 1,abc\/1: the batch has another digest/),
    ]);
  });

  it("looks at no batch of an input that is not replayed", async () => {
    const directory = join(scratch, "dropped");
    await createStorage(directory);
    const storage = await openStorage(directory, SETTINGS);
    await storage.commit(heard(laneBatch(1)));
    await storage.dropInputs();
    await storage.prune(pruningUpTo(1));
    await storage.close();
    expect(batchFiles(directory)).toEqual(["0000000000000001.batches"]);
    rmSync(fileOf(directory, 1));
    expect(await checkStore(directory, sha256)).toMatchObject({ problems: [], batches: 0, cutBytes: 0, lastInput: 1 });
    expect(await replayed(directory)).toEqual([0, 0]);
  });
});
