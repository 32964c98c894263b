/**
 * All that the store ever does to the disk, by the name of the place where it does it: what tests let fail, and crash, there.
 * Reading is not part of it.
 */
import { fdatasyncSync } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import type { Pieces } from "../../core/bytes.js";
import { type BlockFile, createBlockFile, writeAll, writeAllAtOnce, writeBlocks } from "./block-file.js";

/** Where the store writes. Each is a moment at which the process may die, before, in the middle or after. */
export const WRITE_POINTS = [
  /** A record's bytes. */
  "log.append",
  "log.sync",
  /** A new segment's header; its file and its entry in the directory made durable. */
  "log.roll",
  "log.roll.sync",
  "log.roll.directory",
  /** An incomplete tail is cut off when the store is opened. */
  "log.cut",
  "log.cut.sync",
  /** Segments below the base are removed. */
  "log.unlink",
  "log.unlink.directory",
  /** Batches' bytes. */
  "batches.append",
  "batches.sync",
  /** The header of a new file of batches; the file and its entry in the directory made durable. */
  "batches.roll",
  "batches.roll.sync",
  "batches.roll.directory",
  /** Files of batches to which nothing refers are removed. */
  "batches.unlink",
  "batches.unlink.directory",
  /** Transactions on the tables. */
  "tables.commit",
  "chunks.put",
  "checkpoint.put",
  "rebase",
  "drop",
  "prune",
  "meta.put",
] as const;

export type WritePoint = (typeof WRITE_POINTS)[number];

export interface Disk {
  /** Makes the file, which must not exist. */
  create(point: WritePoint, path: string): Promise<FileHandle>;
  /** All of `pieces`, from `position` on; `atOnce`: before it returns. */
  write(point: WritePoint, file: FileHandle, pieces: Pieces, position: number, atOnce?: boolean): Promise<void>;
  /** As `create`, a file that is written in blocks. */
  createBlocks(point: WritePoint, path: string): Promise<BlockFile>;
  /** As `write`, and zeros to the end of a block; one begins at `position`. */
  writeBlocks(point: WritePoint, file: BlockFile, pieces: Pieces, position: number): Promise<void>;
  /** Resolves when what was written is on the disk; `atOnce`: it is when it returns. */
  sync(point: WritePoint, file: FileHandle, atOnce?: boolean): Promise<void>;
  truncate(point: WritePoint, file: FileHandle, sizeBytes: number): Promise<void>;
  unlink(point: WritePoint, path: string): Promise<void>;
  syncDirectory(point: WritePoint, path: string): Promise<void>;
  /** Runs a transaction of the tables, which calls `midway` when half of its changes are made. */
  transact(point: WritePoint, transaction: (midway: () => void) => Promise<void>): Promise<void>;
}

export const realDisk: Disk = {
  create: (_point, path) => open(path, "wx+", 0o600),
  write: async (_point, file, pieces, position, atOnce = false) =>
    atOnce ? writeAllAtOnce(file, pieces, position) : writeAll(file, pieces, position),
  createBlocks: (_point, path) => createBlockFile(path),
  writeBlocks: (_point, file, pieces, position) => writeBlocks(file, pieces, position),
  sync: async (_point, file, atOnce = false) => (atOnce ? fdatasyncSync(file.fd) : file.datasync()),
  truncate: (_point, file, sizeBytes) => file.truncate(sizeBytes),
  unlink: (_point, path) => rm(path),
  syncDirectory: (_point, path) => syncDirectory(path),
  transact: (_point, transaction) => transaction(() => {}),
};

/** Counts how often `disk` was waited for: syncs of files and directories, and transactions of the tables, which end with one. */
export class CountingDisk implements Disk {
  readonly #disk: Disk;
  syncs = 0;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  create(point: WritePoint, path: string): Promise<FileHandle> {
    return this.#disk.create(point, path);
  }

  write(point: WritePoint, file: FileHandle, pieces: Pieces, position: number, atOnce?: boolean): Promise<void> {
    return this.#disk.write(point, file, pieces, position, atOnce);
  }

  createBlocks(point: WritePoint, path: string): Promise<BlockFile> {
    return this.#disk.createBlocks(point, path);
  }

  writeBlocks(point: WritePoint, file: BlockFile, pieces: Pieces, position: number): Promise<void> {
    return this.#disk.writeBlocks(point, file, pieces, position);
  }

  sync(point: WritePoint, file: FileHandle, atOnce?: boolean): Promise<void> {
    this.syncs++;
    return this.#disk.sync(point, file, atOnce);
  }

  truncate(point: WritePoint, file: FileHandle, sizeBytes: number): Promise<void> {
    return this.#disk.truncate(point, file, sizeBytes);
  }

  unlink(point: WritePoint, path: string): Promise<void> {
    return this.#disk.unlink(point, path);
  }

  syncDirectory(point: WritePoint, path: string): Promise<void> {
    this.syncs++;
    return this.#disk.syncDirectory(point, path);
  }

  transact(point: WritePoint, transaction: (midway: () => void) => Promise<void>): Promise<void> {
    this.syncs++;
    return this.#disk.transact(point, transaction);
  }
}

/**
 * Says that a record is durable when it was written, though it is still in the system's memory. What a replica has said is then
 * not kept by a machine that stops: it may contradict itself afterwards. To measure what syncing costs, and for nothing else.
 */
export const unsyncedDisk: Disk = {
  ...realDisk,
  sync: (point, file, atOnce) =>
    point === "log.sync" || point === "batches.sync" ? Promise.resolve() : realDisk.sync(point, file, atOnce),
};

/** Makes the names in the directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Durable when it resolves. */
export async function renameDurably(from: string, to: string, parent: string): Promise<void> {
  await rename(from, to);
  await syncDirectory(parent);
}
