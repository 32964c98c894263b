/** What a store does with bytes that are not those that were written: it cuts, or refuses, and never gives wrong data. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Key, open } from "lmdb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StorageError, createStorage, openReader, openStorage } from "../../../src/adapters/storage/index.js";
import { sizeOfPieces, toHex } from "../../../src/core/bytes.js";
import { encode } from "../../../src/core/codec.js";
import { scanLog } from "../../../src/adapters/storage/segment-scan.js";
import { BatchReader } from "../../../src/adapters/storage/batch-reader.js";
import { withReferences } from "../../../src/adapters/storage/batch-references.js";
import { encodeRecord } from "../../../src/adapters/storage/log-format.js";
import { checkStore } from "../../../src/adapters/storage/check.js";
import { sha256 } from "../../../src/cli/sha256.js";
import { digestOfBatch } from "../../../src/protocols/index.js";
import { realDisk } from "../../../src/adapters/storage/disk.js";
import { Tables, batchCodec, batchKey } from "../../../src/adapters/storage/tables.js";
import {
  CYCLE,
  MIN_FILED_BYTES,
  batchOf,
  chunksOf,
  differences,
  laneBatchOf,
  recoverAll,
  takeStep,
} from "../../support/storage-workload.mjs";

const scratch = mkdtempSync(join(tmpdir(), "abcast-damage-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const STEPS = CYCLE - 1;
const MAX_SEGMENT_BYTES = 1000;
const SETTINGS = { maxSegmentBytes: MAX_SEGMENT_BYTES, minFiledBytes: MIN_FILED_BYTES };
const whole = join(scratch, "whole");
let storeId: Uint8Array;

/** Ends of the log's records, in the last segment. */
let copies = 0;
function copy(of = whole): string {
  const directory = join(scratch, `copy-${++copies}`);
  cpSync(of, directory, { recursive: true });
  return directory;
}

function segments(directory: string): readonly string[] {
  return readdirSync(join(directory, "log"))
    .toSorted()
    .map((name) => join(directory, "log", name));
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x10, offset);
  writeFileSync(path, bytes);
}

/** What becomes of a store: the step up to which everything is there, or why it is refused. */
async function openedTo(directory: string): Promise<number | string> {
  let storage;
  try {
    storage = await openStorage(directory, SETTINGS);
  } catch (error) {
    expect(error).toBeInstanceOf(StorageError);
    return String(error);
  }
  const step = await recoverAll(storage);
  expect(differences(storage, step)).toEqual([]);
  await storage.close();
  return step;
}

/** A copy whose tables know nothing of the last `steps`: as when a crash came before they were written. */
async function withOldTables(steps: number): Promise<string> {
  const directory = join(scratch, `old-${++copies}`);
  await createStorage(directory);
  const storage = await openStorage(directory, SETTINGS);
  for (let step = 1; step <= STEPS - steps; step++) await takeStep(storage, step);
  await storage.close();
  const tables = readFileSync(join(directory, "store.mdb"));
  const again = await openStorage(directory, SETTINGS);
  for (let step = STEPS - steps + 1; step <= STEPS; step++) await takeStep(again, step);
  await again.close();
  writeFileSync(join(directory, "store.mdb"), tables);
  return directory;
}

beforeAll(async () => {
  await createStorage(whole);
  const storage = await openStorage(whole, SETTINGS);
  for (let step = 1; step <= STEPS; step++) await takeStep(storage, step);
  await storage.close();
  const tables = Tables.open(whole, true);
  ({ storeId } = tables.state());
  await tables.close();
  expect(segments(whole).length).toBeGreaterThan(1);
});

describe("a torn tail", () => {
  it("at any byte of the last record is cut and reported", async () => {
    const behind = await withOldTables(1);
    const last = segments(behind).at(-1) ?? "";
    const sizeBytes = statSync(last).size;
    const {
      inputs,
      batches: [batch],
    } = batchOf(STEPS);
    if (batch === undefined) throw new Error("no batch");
    const filed = { digest: batch.name.digest, file: 1, offset: 44, sizeBytes: batch.bytes.length, crc: 0 };
    const { pieces } = encodeRecord(
      new Uint8Array(16),
      { record: 1, input: 1, chain: new Uint8Array(32) },
      withReferences(inputs, [{ ...batch, filed }]),
    );
    const recordBytes = sizeOfPieces(pieces);
    const bytes = readFileSync(last);
    for (let cut = 1; cut <= recordBytes; cut++) {
      truncateSync(last, sizeBytes - cut);
      const storage = await openStorage(behind);
      expect([storage.report.cutBytes, [...storage.ledger(1)].length]).toEqual([recordBytes - cut, STEPS - 1]);
      expect(differences(storage, await recoverAll(storage))).toEqual([]);
      await storage.close();
      expect(statSync(last).size).toBe(sizeBytes - recordBytes);
      writeFileSync(last, bytes);
    }
  });

  it("that is full of zeros, or of garbage, is cut", async () => {
    for (const fill of [0, 0xa5]) {
      const directory = copy();
      const last = segments(directory).at(-1) ?? "";
      writeFileSync(last, Buffer.concat([readFileSync(last), Buffer.alloc(777, fill)]));
      const storage = await openStorage(directory);
      expect(storage.report.cutBytes).toBe(777);
      expect(differences(storage, await recoverAll(storage))).toEqual([]);
      await storage.close();
    }
  });

  it("of a segment that was just begun is removed", async () => {
    for (const sizeBytes of [0, 40]) {
      const directory = copy();
      const path = join(directory, "log", "0000000000000100.log");
      writeFileSync(path, Buffer.alloc(sizeBytes, 1));
      expect(await openedTo(directory)).toBe(STEPS);
      expect(segments(directory)).not.toContain(path);
    }
  });

  it("that the tables were made from is no torn tail", async () => {
    const directory = copy();
    const last = segments(directory).at(-1) ?? "";
    truncateSync(last, statSync(last).size - 1);
    expect(await openedTo(directory)).toMatch(
      /\.log: the record at offset \d+ is incomplete: the log ends with input \d+, but the tables were made from inputs up to/,
    );
    // And nothing was cut: who looks at it later finds what was there.
    expect(statSync(last).size).toBe(statSync(segments(whole).at(-1) ?? "").size - 1);
  });
});

describe("a flipped bit", () => {
  it("anywhere in the log is found", async () => {
    for (const [index, path] of segments(whole).entries()) {
      for (let offset = 0; offset < statSync(path).size; offset += 7) {
        const directory = copy();
        flip(segments(directory)[index] ?? "", offset);
        // The tables know all inputs: no part of the log can be taken for a torn tail.
        expect(await openedTo(directory)).toMatch(/\.log|\/log: /);
        rmSync(directory, { recursive: true });
      }
    }
  });

  it("is refused before the last record, and cuts that when the tables do not know it", async () => {
    const behind = await withOldTables(STEPS);
    const outcomes = new Map<string | number, number>();
    for (const [index, path] of segments(behind).entries()) {
      for (let offset = 0; offset < statSync(path).size; offset += 7) {
        const directory = copy(behind);
        flip(segments(directory)[index] ?? "", offset);
        const outcome = await openedTo(directory);
        const kind = typeof outcome === "number" ? outcome : "refused";
        outcomes.set(kind, (outcomes.get(kind) ?? 0) + 1);
        rmSync(directory, { recursive: true });
      }
    }
    process.stdout.write(`bits flipped in the log, by what is left: ${JSON.stringify([...outcomes])}\n`);
    expect(new Set(outcomes.keys())).toEqual(new Set([STEPS - 1, "refused"]));
  });

  it("names file, record and offset, and what to do", async () => {
    const directory = copy();
    flip(segments(directory)[0] ?? "", 84 + 64 + 5);
    expect(await openedTo(directory)).toMatch(
      /0000000000000001\.log: record 1 at offset 84: the body has a wrong checksum.*abcast fsck.*abcast rejoin/,
    );
  });
});

describe("the log", () => {
  it("without one of its segments is refused", async () => {
    for (const index of segments(whole).keys()) {
      const directory = copy();
      rmSync(segments(directory)[index] ?? "");
      expect(await openedTo(directory)).toMatch(/is missing|should come|the log ends with input/);
    }
  });

  it("with a segment of another store, or under another name, is refused", async () => {
    const [first = "", second = ""] = segments(whole);
    const directory = copy();
    const other = join(scratch, "other");
    await createStorage(other);
    writeFileSync(segments(directory)[0] ?? "", readFileSync(segments(other)[0] ?? ""));
    expect(await openedTo(directory)).toMatch(/the segment is of another store/);
    writeFileSync(segments(directory)[0] ?? "", readFileSync(second));
    expect(await openedTo(directory)).toMatch(/not with that of its name/);
    writeFileSync(segments(directory)[0] ?? "", readFileSync(first));
    expect(await openedTo(directory)).toBe(STEPS);
  });

  it("with a record that stands there twice, or continues another history, is refused", async () => {
    const directory = copy();
    const last = segments(directory).at(-1) ?? "";
    const bytes = readFileSync(last);
    writeFileSync(last, Buffer.concat([bytes, bytes.subarray(84)]));
    expect(await openedTo(directory)).toMatch(/stands where input \d+ should come/);
    const { end } = scanLog(join(whole, "log"), { storeId, batches: new BatchReader(whole) }, 1);
    const { pieces } = encodeRecord(storeId, { ...end, chain: new Uint8Array(32) }, [
      { before: [new Uint8Array(3)], batch: undefined, after: [] },
    ]);
    writeFileSync(last, Buffer.concat([bytes, ...pieces]));
    expect(await openedTo(directory)).toMatch(/does not continue the one before it/);
  });

  it("takes nothing that peers sent for a record of its own", async () => {
    const directory = await withOldTables(1);
    const last = segments(directory).at(-1) ?? "";
    const { pieces } = encodeRecord(new Uint8Array(16), { record: 99, input: 99, chain: new Uint8Array(32) }, []);
    writeFileSync(last, Buffer.concat([readFileSync(last), Buffer.alloc(64, 7), ...pieces]));
    expect(await openedTo(directory)).toBe(STEPS);
  });
});

it("a value of any table that is not what was written is found when it is read", async () => {
  const directory = join(scratch, "tables");
  await createStorage(directory);
  const storage = await openStorage(directory);
  for (let step = 1; step <= CYCLE + 1; step++) await takeStep(storage, step);
  await storage.close();
  const round = CYCLE + 1;
  const [chunk] = chunksOf(CYCLE);
  const cases = [
    ["signed", [round, `abc/${round}#slot`], (reader: Reader) => reader.signed(`abc/${round}#slot`)],
    ["proofs", [round, "abc"], (reader: Reader) => reader.proof("abc", round)],
    ["ledger", round, (reader: Reader) => reader.ledgerEntry(round)],
    ["ledger", round, (reader: Reader) => [...reader.ledger(1)]],
    ["checkpoints", CYCLE, (reader: Reader) => reader.base()],
    ["certificates", CYCLE, (reader: Reader) => reader.checkpoints()],
    ["chunks", toHex(chunk?.hash ?? new Uint8Array()), (reader: Reader) => chunk && reader.chunk(chunk.hash)],
    ["meta", "step", (reader: Reader) => reader.meta("step")],
    ["own", "state", (reader: Reader) => reader.appliedInput],
  ] as const;
  for (const [name, key, read] of cases) {
    const broken = copy(directory);
    const root = open({ path: join(broken, "store.mdb"), maxDbs: 12 });
    const table = root.openDB<Buffer, Key>({ name, encoding: "binary" });
    const at: Key = typeof key === "object" ? [...key] : key;
    const value = Buffer.from(table.get(at) ?? []);
    value.writeUInt8(value.readUInt8(value.length - 1) ^ 1, value.length - 1);
    await table.put(at, value);
    await root.close();
    const reader = openReader(broken);
    expect(() => read(reader)).toThrow(`table ${name}, key ${String(key)}: a wrong checksum`);
    await reader.close();
  }
});

it("an entry whose batch is gone is found when it is read, unless it was forgotten meanwhile", async () => {
  const directory = join(scratch, "places");
  await createStorage(directory);
  const storage = await openStorage(directory);
  for (let step = 1; step <= STEPS; step++) await takeStep(storage, step);
  const reader = openReader(directory);
  const entries = reader.ledger(1)[Symbol.iterator]();
  await expect.poll(() => reader.appliedInput).toBe(storage.lastInput);
  expect(entries.next().value).toMatchObject({ sequence: 1 });
  const lanes = [0, 1, 2].map((lane) => ({ channel: "abc", lane, upTo: STEPS }));
  await storage.prune({
    checkpointsBelow: 0,
    keepChunks: new Uint8Array(),
    proofsUpTo: STEPS,
    ledgerUpTo: STEPS,
    batches: lanes,
  });
  for (let next = entries.next(); next.done !== true; next = entries.next()) expect(next.value.sequence % 2).toBe(1);
  await storage.commit(batchOf(6));
  await storage.close();
  await reader.close();
  const root = open({ path: join(directory, "store.mdb"), maxDbs: 12 });
  await root.openDB<Buffer, Key>({ name: "batches", encoding: "binary" }).remove([6, "abc/0"]);
  await root.close();
  const problem = /table ledger, key 6: its payload is in batch [0-9a-f]{64} of abc\/0\/6, which is missing or shorter/;
  const check = async (...others: readonly string[]): Promise<void> => {
    const broken = openReader(directory);
    expect(() => broken.ledgerEntry(6)).toThrow(problem);
    expect(() => [...broken.ledger(1)]).toThrow(problem);
    await broken.close();
    expect((await checkStore(directory, (bytes) => digestOfBatch(bytes, sha256))).problems).toEqual([
      ...others.map((other) => expect.stringContaining(other) as string),
      expect.stringMatching(problem),
    ]);
  };
  await check();
  const { channel, name } = laneBatchOf(6);
  const tables = Tables.open(directory, false);
  await tables.transact(realDisk, "prune", () =>
    tables.batches.put(
      batchKey(channel, name),
      encode(batchCodec, { kind: "inline", digest: name.digest, bytes: new Uint8Array(5) }),
    ),
  );
  await tables.close();
  await check("table batches, key 6,abc/0: the bytes are no batch");
});

type Reader = ReturnType<typeof openReader>;
