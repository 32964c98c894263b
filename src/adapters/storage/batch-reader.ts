/** Reads batches out of their files; also beside the process that writes these, and removes them. */
import { closeSync, openSync, readSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { toHex } from "../../core/bytes.js";
import {
  BATCH_FILE_HEADER_BYTES,
  type FiledBatch,
  batchDirectory,
  batchFileName,
  batchFileNumber,
  batchFileProblem,
} from "./batch-format.js";

export interface BatchFile {
  readonly path: string;
  readonly number: number;
  readonly bytes: number;
}

/** The files of the store in `directory`, ascending. */
export function listBatchFiles(directory: string): readonly BatchFile[] {
  const batches = batchDirectory(directory);
  return readdirSync(batches)
    .flatMap((name) => {
      const path = join(batches, name);
      const number = batchFileNumber(name);
      const bytes = statSync(path, { throwIfNoEntry: false })?.size;
      return number === undefined || bytes === undefined ? [] : [{ path, number, bytes }];
    })
    .toSorted((a, b) => a.number - b.number);
}

export class BatchReader {
  readonly #directory: string;
  /** By number: files that are read also when they were removed. */
  readonly #held = new Map<number, number>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  #pathOf(file: number): string {
    return join(batchDirectory(this.#directory), batchFileName(file));
  }

  /** From here on all that is in the files now can be read. */
  hold(): void {
    for (const { number, path } of listBatchFiles(this.#directory)) {
      const handle = this.#held.has(number) ? undefined : openIfThere(path);
      if (handle !== undefined) this.#held.set(number, handle);
    }
  }

  /** The batch's bytes, checked, in memory of their own; or why not, as text with its place. */
  read(batch: FiledBatch): Uint8Array | string {
    const { file, offset, sizeBytes, crc } = batch;
    const bytes = Buffer.allocUnsafeSlow(sizeBytes);
    const count = this.#readAt(file, bytes, offset);
    if (count === undefined) return this.#problem(batch, "which is missing");
    if (count < sizeBytes) return this.#problem(batch, "which ends before");
    return crc32(bytes) === crc ? bytes : this.#problem(batch, "where other bytes are");
  }

  /** Why a batch cannot be there, as far as the size of its file says. */
  absence(batch: FiledBatch): string | undefined {
    const sizeBytes = statSync(this.#pathOf(batch.file), { throwIfNoEntry: false })?.size;
    if (sizeBytes === undefined) return this.#problem(batch, "which is missing");
    return batch.offset + batch.sizeBytes <= sizeBytes ? undefined : this.#problem(batch, "which ends before");
  }

  /** Of a file that batches are in. */
  headerProblem(file: number, storeId: Uint8Array): string | undefined {
    const header = Buffer.alloc(BATCH_FILE_HEADER_BYTES);
    this.#readAt(file, header, 0);
    const problem = batchFileProblem(header, storeId, file);
    return problem === undefined ? undefined : `${this.#pathOf(file)}: ${problem}`;
  }

  /** How much of `bytes` the file filled; undefined: there is none. */
  #readAt(file: number, bytes: Buffer, offset: number): number | undefined {
    const held = this.#held.get(file);
    const handle = held ?? openIfThere(this.#pathOf(file));
    if (handle === undefined) return undefined;
    try {
      let done = 0;
      for (let count = 1; count > 0 && done < bytes.length; done += count)
        count = readSync(handle, bytes, done, bytes.length - done, offset + done);
      return done;
    } finally {
      if (held === undefined) closeSync(handle);
    }
  }

  #problem({ digest, file, offset, sizeBytes }: FiledBatch, what: string): string {
    return `batch ${toHex(digest)}, ${sizeBytes} bytes, should be at offset ${offset} of ${this.#pathOf(file)}, ${what}`;
  }

  close(): void {
    for (const handle of this.#held.values()) closeSync(handle);
    this.#held.clear();
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
