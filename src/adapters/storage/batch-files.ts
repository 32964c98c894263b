/**
 * Writes the bytes of batches, once, into files beside the log: the log's records and the table of batches refer to them there. Each life of
 * the process begins a file of its own with its first batch. A file goes when nothing refers to it any more.
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import type { KeptBatch } from "../../replica/storage.js";
import {
  BATCH_FILE_HEADER_BYTES,
  type FiledBatch,
  batchDirectory,
  batchFileName,
  encodeBatchFileHeader,
} from "./batch-format.js";
import { listBatchFiles } from "./batch-reader.js";
import { BLOCK_BYTES, type BlockFile, inBlocks } from "./block-file.js";
import type { Disk } from "./disk.js";
import { attempt, damaged } from "./errors.js";

export interface BatchFilesOptions {
  /** The store's. */
  readonly directory: string;
  readonly disk: Disk;
  readonly storeId: Uint8Array;
  /** A file that has a batch is not filled beyond this; what fills up blocks does not count. */
  readonly maxFileBytes: number;
  /** Batches with fewer bytes are in no file. */
  readonly minBatchBytes: number;
}

/** A batch in a record of the log. */
export interface LoggedBatch {
  /** Which input has it. */
  readonly input: number;
  readonly batch: FiledBatch;
}

/** A batch that is kept, and where its bytes are when they are in a file. */
export interface PlacedBatch extends KeptBatch {
  readonly filed: FiledBatch | undefined;
}

/** Who refers to a file. */
interface Use {
  sizeBytes: number;
  /** Of those, the header's and the batches'. */
  filledBytes: number;
  /** Rows that were made and are not known to be gone. */
  rows: number;
  /** The last input of which the log says that its batch is here. */
  lastInput: number;
}

/** What is written at once into one file: one after the other, from the beginning of a block on. */
interface Run {
  readonly file: number;
  readonly offset: number;
  readonly pieces: Uint8Array[];
}

export class BatchFiles {
  readonly #options: BatchFilesOptions;
  readonly #uses = new Map<number, Use>();
  /** The greatest number of a file that was there when it was opened, or since then. */
  #last: number;
  /** The file that is being filled; undefined before this life's first batch. */
  #filling: number | undefined;
  #open: { readonly file: number; readonly blocks: BlockFile } | undefined;

  private constructor(options: BatchFilesOptions, last: number) {
    this.#options = options;
    this.#last = last;
  }

  /** `rows`: of the table; `logged`: of inputs that may be replayed. Removes files to which neither refers. */
  static async open(
    options: BatchFilesOptions,
    rows: Iterable<FiledBatch>,
    logged: readonly LoggedBatch[],
  ): Promise<BatchFiles> {
    const there = listBatchFiles(options.directory);
    const files = new BatchFiles(options, there.at(-1)?.number ?? 0);
    for (const { number, bytes } of there)
      files.#uses.set(number, { sizeBytes: bytes, filledBytes: bytes, rows: 0, lastInput: 0 });
    for (const { file } of rows) files.#retain(file);
    for (const { batch, input } of logged) files.#note(batch.file, input);
    await files.sweep(0);
    return files;
  }

  #use(file: number): Use {
    const use = this.#uses.get(file);
    if (use === undefined) throw damaged(this.#pathOf(file), "a file of batches is missing");
    return use;
  }

  #retain(file: number): void {
    this.#use(file).rows++;
  }

  #note(file: number, input: number): void {
    const use = this.#use(file);
    use.lastInput = Math.max(use.lastInput, input);
  }

  /**
   * Where these batches are from now on, each held as by a row until it is released, and a promise of that they are on the disk there.
   * `input`: the last input that the log will say to have them. `known`: a batch's place, if it has one already. One at a time.
   */
  keep(
    batches: readonly KeptBatch[],
    input: number,
    known: (batch: KeptBatch) => FiledBatch | undefined = () => undefined,
  ): { readonly placed: readonly PlacedBatch[]; readonly written: Promise<void> } {
    const runs: Run[] = [];
    const placed = batches.map((batch) => {
      const filed = known(batch) ?? this.#place(batch, runs);
      if (filed !== undefined) {
        this.#retain(filed.file);
        this.#note(filed.file, input);
      }
      return { ...batch, filed };
    });
    for (const use of runs.map(({ file }) => this.#use(file))) use.sizeBytes = inBlocks(use.sizeBytes);
    return { placed, written: this.#write(runs) };
  }

  #place({ bytes, name }: KeptBatch, runs: Run[]): FiledBatch | undefined {
    if (bytes.length < this.#options.minBatchBytes) return undefined;
    const file = this.#roomyFile(bytes.length);
    const use = this.#use(file);
    const offset = use.sizeBytes;
    use.sizeBytes += bytes.length;
    use.filledBytes += bytes.length;
    const run = runs.at(-1);
    if (run?.file === file) run.pieces.push(bytes);
    else runs.push({ file, offset, pieces: [bytes] });
    return { digest: name.digest, file, offset, sizeBytes: bytes.length, crc: crc32(bytes) };
  }

  #roomyFile(sizeBytes: number): number {
    if (this.#filling !== undefined) {
      const { filledBytes } = this.#use(this.#filling);
      const isEmpty = filledBytes === BATCH_FILE_HEADER_BYTES;
      if (isEmpty || filledBytes + sizeBytes <= this.#options.maxFileBytes) return this.#filling;
    }
    this.#filling = ++this.#last;
    const use = { sizeBytes: BLOCK_BYTES, filledBytes: BATCH_FILE_HEADER_BYTES, rows: 0, lastInput: 0 };
    this.#uses.set(this.#filling, use);
    return this.#filling;
  }

  async #write(runs: readonly Run[]): Promise<void> {
    const { disk } = this.#options;
    for (const { file, offset, pieces } of runs) {
      const blocks = await this.#blocksOf(file);
      const path = this.#pathOf(file);
      await attempt(path, "appending", disk.writeBlocks("batches.append", blocks, pieces, offset));
      await attempt(path, "syncing", disk.sync("batches.sync", blocks.handle));
    }
  }

  async #blocksOf(file: number): Promise<BlockFile> {
    const open = this.#open;
    if (open?.file === file) return open.blocks;
    const blocks = await this.#create(file);
    this.#open = { file, blocks };
    await open?.blocks.handle.close();
    return blocks;
  }

  async #create(file: number): Promise<BlockFile> {
    const { disk, storeId, directory } = this.#options;
    const [path, parent] = [this.#pathOf(file), batchDirectory(directory)];
    const header = encodeBatchFileHeader(storeId, file);
    const blocks = await attempt(path, "making a file", disk.createBlocks("batches.roll", path));
    try {
      await attempt(path, "writing", disk.writeBlocks("batches.roll", blocks, [header], 0));
      await attempt(path, "syncing", disk.sync("batches.roll.sync", blocks.handle));
      await attempt(parent, "syncing", disk.syncDirectory("batches.roll.directory", parent));
      return blocks;
    } catch (error) {
      await blocks.handle.close();
      throw error;
    }
  }

  /** Rows that had these batches are gone, durably. */
  release(batches: Iterable<FiledBatch>): void {
    for (const { file } of batches) this.#use(file).rows--;
  }

  /** Removes files that no row needs, nor an input after `startInput`, but never the one that is being filled. */
  async sweep(startInput: number): Promise<void> {
    const { disk, directory } = this.#options;
    const isFree = ([file, { rows, lastInput }]: readonly [number, Use]): boolean =>
      rows === 0 && lastInput <= startInput && file !== this.#filling;
    const free = [...this.#uses].filter(isFree);
    for (const [file] of free) {
      const path = this.#pathOf(file);
      await attempt(path, "removing", disk.unlink("batches.unlink", path));
      this.#uses.delete(file);
    }
    const parent = batchDirectory(directory);
    if (free.length > 0) await attempt(parent, "syncing", disk.syncDirectory("batches.unlink.directory", parent));
  }

  #pathOf(file: number): string {
    return join(batchDirectory(this.#options.directory), batchFileName(file));
  }

  get sizeBytes(): number {
    let sizeBytes = 0;
    for (const use of this.#uses.values()) sizeBytes += use.sizeBytes;
    return sizeBytes;
  }

  async close(): Promise<void> {
    await this.#open?.blocks.handle.close();
  }
}
