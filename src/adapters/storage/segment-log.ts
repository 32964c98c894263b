/** The log of inputs in segment files: appends, finds its end, forgets whole segments. Its format is in log-format.ts. */
import { statSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Pieces, sizeOfPieces } from "../../core/bytes.js";
import type { BatchReader } from "./batch-reader.js";
import type { Disk } from "./disk.js";
import { StorageError, attempt } from "./errors.js";
import { Haste } from "./haste.js";
import {
  type Cursor,
  type LogInput,
  MAX_RECORD_BYTES,
  SEGMENT_HEADER_BYTES,
  encodeRecord,
  encodeSegmentHeader,
  segmentName,
} from "./log-format.js";
import { type Scan, type Segment, type Tail, inputsAfter } from "./segment-scan.js";

export interface SegmentLogOptions {
  readonly directory: string;
  readonly disk: Disk;
  readonly storeId: Uint8Array;
  readonly batches: BatchReader;
  /** A segment that has a record is not made longer than this. */
  readonly maxSegmentBytes: number;
}

/** Makes the segment that starts at `at`, durably, and returns it open. */
export async function createSegment(
  { directory, disk, storeId }: Pick<SegmentLogOptions, "directory" | "disk" | "storeId">,
  at: Cursor,
): Promise<FileHandle> {
  const path = join(directory, segmentName(at.input));
  const file = await attempt(path, "making a segment", disk.create("log.roll", path));
  try {
    await attempt(path, "writing", disk.write("log.roll", file, [encodeSegmentHeader(storeId, at)], 0));
    await attempt(path, "syncing", disk.sync("log.roll.sync", file));
    await attempt(directory, "syncing", disk.syncDirectory("log.roll.directory", directory));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

export class SegmentLog {
  readonly #options: SegmentLogOptions;
  readonly #segments: Segment[];
  readonly #haste = new Haste();
  #file: FileHandle;
  #offset: number;
  #at: Cursor;

  private constructor(options: SegmentLogOptions, scan: Scan, file: FileHandle) {
    this.#options = options;
    this.#segments = [...scan.segments];
    this.#file = file;
    this.#offset = scan.endOffset;
    this.#at = scan.end;
  }

  /** Goes on where `scan` found the end: cuts what is incomplete, removes what is no longer needed. */
  static async open(options: SegmentLogOptions, scan: Scan): Promise<SegmentLog> {
    const { disk, directory } = options;
    if (scan.tail !== undefined) await cut(options, scan.tail);
    for (const path of scan.stale) await attempt(path, "removing", disk.unlink("log.unlink", path));
    if (scan.stale.length > 0) {
      await attempt(directory, "syncing", disk.syncDirectory("log.unlink.directory", directory));
    }
    const last = scan.segments.at(-1);
    if (last === undefined) throw new StorageError(`${directory}: the log has no segment`);
    return new SegmentLog(options, scan, await attempt(last.path, "opening", open(last.path, "r+")));
  }

  get lastInput(): number {
    return this.#at.input - 1;
  }

  /**
   * Appends one record, which is on the disk when this resolves. After a failure the end of the log is unknown. `besideBytes`: what is
   * written elsewhere at the same time.
   */
  async append(inputs: readonly LogInput[], besideBytes = 0): Promise<void> {
    const { storeId, directory, maxSegmentBytes } = this.#options;
    const bodyBytes = inputs.reduce((sum, { before, after }) => sum + sizeOfPieces(before) + sizeOfPieces(after), 0);
    if (bodyBytes > MAX_RECORD_BYTES) {
      throw new StorageError(
        `${directory}: ${bodyBytes} bytes of inputs at once, above the bound of ${MAX_RECORD_BYTES}`,
      );
    }
    const { pieces, next } = encodeRecord(storeId, this.#at, inputs);
    const sizeBytes = sizeOfPieces(pieces);
    if (this.#offset > SEGMENT_HEADER_BYTES && this.#offset + sizeBytes > maxSegmentBytes) await this.#roll();
    await this.#write(pieces, this.#haste.suits(sizeBytes + besideBytes));
    this.#offset += sizeBytes;
    this.#at = next;
  }

  async #write(pieces: Pieces, atOnce: boolean): Promise<void> {
    const { disk } = this.#options;
    const { path } = this.#last();
    const startMs = performance.now();
    await attempt(path, "appending", disk.write("log.append", this.#file, pieces, this.#offset, atOnce));
    await attempt(path, "syncing", disk.sync("log.sync", this.#file, atOnce));
    if (atOnce) this.#haste.waited(performance.now() - startMs);
  }

  async #roll(): Promise<void> {
    const file = await createSegment(this.#options, this.#at);
    const full = this.#file;
    this.#file = file;
    this.#offset = SEGMENT_HEADER_BYTES;
    const { directory } = this.#options;
    this.#segments.push({ path: join(directory, segmentName(this.#at.input)), firstInput: this.#at.input });
    await full.close();
  }

  #last(): Segment {
    const last = this.#segments.at(-1);
    if (last === undefined) throw new StorageError(`${this.#options.directory}: the log has no segment`);
    return last;
  }

  /** All inputs after `input` that are in the log now, oldest first. */
  inputs(input: number): Iterable<Uint8Array> {
    return inputsAfter([...this.#segments], this.#options, input, this.lastInput);
  }

  /** Removes the files in which all inputs are at most `input`, but never the last. */
  async forget(input: number): Promise<void> {
    const { disk, directory } = this.#options;
    let removed = 0;
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || next.firstInput > input + 1) break;
      await attempt(oldest.path, "removing", disk.unlink("log.unlink", oldest.path));
      this.#segments.shift();
      removed++;
    }
    if (removed > 0) await attempt(directory, "syncing", disk.syncDirectory("log.unlink.directory", directory));
  }

  get sizeBytes(): number {
    return this.#segments
      .slice(0, -1)
      .reduce((sum, { path }) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), this.#offset);
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

async function cut({ disk }: SegmentLogOptions, { path, offset }: Tail): Promise<void> {
  if (offset === 0) {
    await attempt(path, "removing", disk.unlink("log.cut", path));
    await attempt(path, "syncing", disk.syncDirectory("log.cut.sync", dirname(path)));
    return;
  }
  const file = await attempt(path, "opening", open(path, "r+"));
  try {
    await attempt(path, "cutting", disk.truncate("log.cut", file, offset));
    await attempt(path, "syncing", disk.sync("log.cut.sync", file));
  } finally {
    await file.close();
  }
}
