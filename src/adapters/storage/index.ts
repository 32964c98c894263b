/** Durable storage on disk: made once, opened by one process that writes and any number that read. */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { toHex } from "../../core/bytes.js";
import type { Storage } from "../../replica/storage.js";
import { CountingDisk, type Disk, realDisk, renameDurably, syncDirectory } from "./disk.js";
import { StorageError, damaged, failed, missing } from "./errors.js";
import { BatchFiles, type LoggedBatch } from "./batch-files.js";
import { type FiledBatch, batchDirectory } from "./batch-format.js";
import { BatchReader } from "./batch-reader.js";
import { BEGINNING, STORE_ID_BYTES } from "./log-format.js";
import { Reader, type StorageReader } from "./reader.js";
import { SegmentLog, createSegment } from "./segment-log.js";
import { type Scan, scanLog } from "./segment-scan.js";
import { DurableStorage } from "./storage.js";
import { ENGINE, type State, Tables, batchCodec } from "./tables.js";

export { lockStore } from "./lock.js";
export { type Disk, WRITE_POINTS, type WritePoint, realDisk, unsyncedDisk } from "./disk.js";
export { StorageError } from "./errors.js";
export type { StorageReader } from "./reader.js";
export { ENGINE, FORMAT } from "./tables.js";

/** Of a segment of the log, or a file of batches. */
export const MAX_SEGMENT_BYTES = 64 * 1024 * 1024;
/** Batches with fewer bytes are in the log and in the tables: a file of their own, and a sync of it, would cost more than to write them twice. */
export const MIN_FILED_BYTES = 4096;

export interface OpenOptions {
  readonly disk?: Disk;
  readonly maxSegmentBytes?: number;
  readonly minFiledBytes?: number;
  /** What was written behind could not be: the next commit rejects, too. */
  readonly onError?: (error: Error) => void;
  /** How long rows of the tables wait for those of later commits, unless somebody waits for them. */
  readonly lingerMs?: number;
}

const LINGER_MS = 100;

/** Where the log's segments are. */
export function logDirectory(directory: string): string {
  return join(directory, "log");
}

/**
 * Makes an empty store in `directory`: the explicit act that lets a party speak for the first time.
 * @param fill puts something into it before it has its name
 * @throws StorageError when there is something already
 */
export async function createStorage(directory: string, fill?: (tables: Tables) => Promise<void>): Promise<void> {
  const path = resolve(directory);
  refuseExisting(path);
  const parent = dirname(path);
  const temporary = join(parent, `.${basename(path)}-${randomBytes(6).toString("hex")}.tmp`);
  try {
    mkdirSync(parent, { recursive: true });
    for (const part of [logDirectory(temporary), batchDirectory(temporary)])
      await mkdir(part, { recursive: true, mode: 0o700 });
    const storeId = randomBytes(STORE_ID_BYTES);
    await (await createSegment({ directory: logDirectory(temporary), disk: realDisk, storeId }, BEGINNING)).close();
    const tables = await Tables.create(temporary, { ...EMPTY, storeId });
    try {
      await fill?.(tables);
    } finally {
      await tables.close();
    }
    await syncDirectory(temporary);
    refuseExisting(path);
    await renameDurably(temporary, path, parent);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw failed(path, "making the store", error);
  }
}

/** For `createStorage`: a store that has this value from the beginning. */
export function withMeta(name: string, value: Uint8Array): (tables: Tables) => Promise<void> {
  return (tables) => tables.transact(realDisk, "meta.put", () => tables.meta.put(name, value));
}

const EMPTY: Omit<State, "storeId"> = { baseRound: 0, startInput: 0, appliedInput: 0, forgottenRound: 0 };

function refuseExisting(directory: string): void {
  if (!existsSync(directory) || readdirSync(directory).length === 0) return;
  throw new StorageError(`${directory}: there is a store already`);
}

/**
 * Opens the store in `directory` to write it: one process at a time.
 * @throws StorageError when it is missing, damaged or of another format
 */
export async function openStorage(
  directory: string,
  {
    disk: given = realDisk,
    maxSegmentBytes = MAX_SEGMENT_BYTES,
    minFiledBytes = MIN_FILED_BYTES,
    onError = () => {},
    lingerMs = LINGER_MS,
  }: OpenOptions = {},
): Promise<Storage> {
  const disk = new CountingDisk(given);
  const tables = Tables.open(directory, false);
  try {
    const state = tables.state();
    const { storeId } = state;
    const batches = new BatchReader(directory);
    const scan = scanStore(directory, state);
    const files = await BatchFiles.open(
      { directory, disk, storeId, maxFileBytes: maxSegmentBytes, minBatchBytes: minFiledBytes },
      filedIn(tables),
      scan.batches,
    );
    const log = await SegmentLog.open(
      { directory: logDirectory(directory), disk, storeId, batches, maxSegmentBytes },
      scan,
    );
    const logged = byDigest(scan.batches, state.appliedInput);
    const { tail } = scan;
    const report = {
      cutBytes: tail === undefined ? 0 : tail.sizeBytes - tail.offset,
      foreignEngine: tables.engine === ENGINE ? undefined : tables.engine,
    };
    return new DurableStorage({ directory, disk, log, files, logged, tables, report, onError, lingerMs });
  } catch (error) {
    await tables.close();
    throw failed(directory, "opening the store", error);
  }
}

function* filedIn({ batches }: Tables): Iterable<FiledBatch> {
  for (const { key, value } of batches.entries()) {
    const row = batches.decode(batchCodec, key, value);
    if (row.kind === "filed") yield row;
  }
}

function byDigest(batches: readonly LoggedBatch[], after: number): ReadonlyMap<string, FiledBatch> {
  const later = batches.filter(({ input }) => input > after);
  return new Map(later.map(({ batch }) => [toHex(batch.digest), batch]));
}

/** The log, checked, and that it has all that the tables were made from. */
export function scanStore(directory: string, state: State): Scan {
  const log = logDirectory(directory);
  if (!existsSync(log)) throw missing(directory, "the log is missing from the store");
  if (!existsSync(batchDirectory(directory))) throw missing(directory, "the batches are missing from the store");
  const source = { storeId: state.storeId, batches: new BatchReader(directory) };
  const scan = scanLog(log, source, state.startInput + 1);
  const last = scan.end.input - 1;
  if (last < state.appliedInput) {
    const { tail } = scan;
    throw damaged(
      tail === undefined ? log : `${tail.path}: the record at offset ${tail.offset} is incomplete`,
      `the log ends with input ${last}, but the tables were made from inputs up to ${state.appliedInput}; this party would contradict what it said`,
    );
  }
  return scan;
}

/** Opens the store to read what the tables have; the replica may be running. @throws StorageError as `openStorage` */
export function openReader(directory: string): StorageReader {
  return new Reader(Tables.open(directory, true));
}
