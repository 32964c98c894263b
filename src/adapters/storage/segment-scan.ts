/** Reads the log: record by record, and all of it to find where it ends and whether it is whole. */
import { closeSync, fstatSync, openSync, readSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { equalBytes, join as joinPieces } from "../../core/bytes.js";
import type { LoggedBatch } from "./batch-files.js";
import type { BatchReader } from "./batch-reader.js";
import { damaged } from "./errors.js";
import {
  type Cursor,
  type LogInput,
  RECORD_HEADER_BYTES,
  SEGMENT_HEADER_BYTES,
  continues,
  decodeRecordHeader,
  decodeSegmentHeader,
  findLaterHeader,
  firstInputOf,
  inputsOfBody,
} from "./log-format.js";

export interface Segment {
  readonly path: string;
  readonly firstInput: number;
}

/** What is cut off: all of the last segment from `offset` on; from 0 on means the file itself. */
export interface Tail {
  readonly path: string;
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Scan {
  /** Those that hold what is needed, ascending. */
  readonly segments: readonly Segment[];
  /** Files that hold only inputs below: what is left of them when a crash came in between. */
  readonly stale: readonly string[];
  /** Where the whole records end. */
  readonly end: Cursor;
  readonly endOffset: number;
  readonly tail: Tail | undefined;
  readonly records: number;
  /** Batches of inputs from the first that was asked for on. */
  readonly batches: readonly LoggedBatch[];
}

export interface ReadRecord {
  /** Where it is, for messages. */
  readonly place: string;
  readonly input: number;
  readonly inputs: readonly LogInput[];
}

/** What is to be read. */
export interface LogSource {
  readonly storeId: Uint8Array;
  readonly batches: BatchReader;
}

/** Files of segments, ascending. */
export function listSegments(directory: string): readonly Segment[] {
  return readdirSync(directory)
    .flatMap((name) => {
      const firstInput = firstInputOf(name);
      return firstInput === undefined ? [] : [{ path: join(directory, name), firstInput }];
    })
    .toSorted((a, b) => a.firstInput - b.firstInput);
}

/**
 * Reads and checks everything from the segment that has input `from` on; of batches only where they should be, but for those of the last record.
 * @throws StorageError when a part is missing or damaged, other than by an append that a crash cut off
 */
export function scanLog(directory: string, source: LogSource, from: number): Scan {
  const { storeId } = source;
  const all = listSegments(directory);
  const { segments, unborn } = withoutUnborn(all, storeId);
  const first = segments.findLastIndex(({ firstInput }) => firstInput <= from);
  const needed = first === -1 ? [] : segments.slice(first);
  if (needed.length === 0) throw damaged(directory, `the log's segment with input ${from} is missing`);
  let at: Cursor | undefined;
  let endOffset = 0;
  let records = 0;
  let tail = unborn;
  const batches: LoggedBatch[] = [];
  for (const [index, segment] of needed.entries()) {
    const isLast = index === needed.length - 1;
    const end = scanSegment(segment, source, { before: at, from, mayTear: isLast && unborn === undefined });
    at = end.at;
    endOffset = end.offset;
    records += end.records;
    tail ??= end.tail;
    batches.push(...end.batches);
  }
  if (at === undefined) throw damaged(directory, "the log has no segment");
  const stale = segments.slice(0, first).map(({ path }) => path);
  return { segments: needed, stale, end: at, endOffset, tail, records, batches };
}

/** The last segment is not born yet when a crash came before its header was on the disk: then nothing was written to it. */
function withoutUnborn(
  segments: readonly Segment[],
  storeId: Uint8Array,
): { readonly segments: readonly Segment[]; readonly unborn: Tail | undefined } {
  const last = segments.at(-1);
  if (last === undefined || segments.length === 1) return { segments, unborn: undefined };
  return reading(last.path, (file, sizeBytes) => {
    const bytes = readAt(file, 0, Math.min(sizeBytes, SEGMENT_HEADER_BYTES));
    // A whole header that is not ours is no accident.
    if (typeof decodeSegmentHeader(bytes, storeId) !== "string" || sizeBytes > SEGMENT_HEADER_BYTES) {
      return { segments, unborn: undefined };
    }
    return { segments: segments.slice(0, -1), unborn: { path: last.path, offset: 0, sizeBytes } };
  });
}

interface SegmentEnd {
  readonly at: Cursor;
  readonly offset: number;
  readonly records: number;
  readonly tail: Tail | undefined;
  readonly batches: readonly LoggedBatch[];
}

interface SegmentScan {
  /** Where the segment before it ends, if one was read. */
  readonly before: Cursor | undefined;
  /** Of inputs before it batches may be gone. */
  readonly from: number;
  /** It is the last segment. */
  readonly mayTear: boolean;
}

function scanSegment(
  segment: Segment,
  { storeId, batches: reader }: LogSource,
  { before, from, mayTear }: SegmentScan,
): SegmentEnd {
  return reading(segment.path, (file, sizeBytes) => {
    let at = startOf(segment, file, storeId);
    if (before !== undefined && !isSame(before, at)) {
      throw damaged(segment.path, `the log goes on with input ${at.input} where input ${before.input} should come`);
    }
    let offset = SEGMENT_HEADER_BYTES;
    let records = 0;
    const batches: LoggedBatch[] = [];
    const tornFrom = (): SegmentEnd => {
      return { at, offset, records, tail: { path: segment.path, offset, sizeBytes }, batches };
    };
    while (offset < sizeBytes) {
      const read = readRecord(file, sizeBytes, offset, at, storeId);
      const place = `${segment.path}: record ${at.record} at offset ${offset}`;
      if (read.kind === "bad") throw damaged(place, read.problem);
      if (read.kind === "incomplete") {
        const rest = readAt(file, offset + 1, sizeBytes - offset - 1);
        const later = findLaterHeader(rest, at.record, storeId);
        if (!mayTear) throw damaged(place, `${read.problem}, and another segment follows`);
        if (later !== undefined) {
          throw damaged(place, `${read.problem}, and a whole record follows at offset ${offset + 1 + later}`);
        }
        return tornFrom();
      }
      const logged = loggedIn(read.inputs, at.input, from);
      // Nothing was appended after it: it may not have become durable as a whole.
      const isLast = mayTear && read.end === sizeBytes;
      if (isLast && logged.some(({ batch }) => typeof reader.read(batch) === "string")) return tornFrom();
      for (const { batch } of logged) {
        const problem = reader.absence(batch);
        if (problem !== undefined) throw damaged(place, problem);
      }
      batches.push(...logged);
      at = read.next;
      offset = read.end;
      records++;
    }
    return { at, offset, records, tail: undefined, batches };
  });
}

/** The batches of those of `inputs`, the first of which is number `first`, that are not before `from`. */
function loggedIn(inputs: readonly LogInput[], first: number, from: number): readonly LoggedBatch[] {
  return inputs.flatMap(({ batch }, index) => {
    const input = first + index;
    // The rest of the record need not stay in memory.
    return batch === undefined || input < from ? [] : [{ input, batch: { ...batch, digest: batch.digest.slice() } }];
  });
}

function startOf(segment: Segment, file: number, storeId: Uint8Array): Cursor {
  const start = decodeSegmentHeader(readAt(file, 0, SEGMENT_HEADER_BYTES), storeId);
  if (typeof start === "string") throw damaged(segment.path, start);
  if (start.input !== segment.firstInput) {
    throw damaged(segment.path, `the segment begins with input ${start.input}, not with that of its name`);
  }
  return start;
}

function isSame(a: Cursor, b: Cursor): boolean {
  return a.record === b.record && a.input === b.input && equalBytes(a.chain, b.chain);
}

/** All inputs after `input` up to the log's end as `scanLog` found it. */
export function* inputsAfter(
  segments: readonly Segment[],
  { storeId, batches }: LogSource,
  input: number,
  end: number,
): Iterable<Uint8Array> {
  for (const { place, inputs, input: first } of recordsOf(segments, storeId, input, end)) {
    for (const [index, one] of inputs.entries()) if (first + index > input) yield wholeInput(one, batches, place);
  }
}

/** With the bytes of its batch. */
function wholeInput({ before, batch, after }: LogInput, batches: BatchReader, place: string): Uint8Array {
  if (batch === undefined) return joinPieces(before);
  const bytes = batches.read(batch);
  if (typeof bytes === "string") throw damaged(place, bytes);
  return joinPieces([...before, bytes, ...after]);
}

function* recordsOf(
  segments: readonly Segment[],
  storeId: Uint8Array,
  after: number,
  end: number,
): Iterable<ReadRecord> {
  for (const [index, segment] of segments.entries()) {
    const next = segments[index + 1];
    if (next !== undefined && next.firstInput <= after + 1) continue;
    const file = openSync(segment.path, "r");
    try {
      let at = startOf(segment, file, storeId);
      const limit = next?.firstInput ?? end + 1;
      for (let offset = SEGMENT_HEADER_BYTES; at.input < limit;) {
        const read = readRecord(file, fstatSync(file).size, offset, at, storeId);
        const place = `${segment.path}: record ${at.record} at offset ${offset}`;
        if (read.kind !== "record") {
          throw damaged(place, read.problem);
        }
        yield { place, input: at.input, inputs: read.inputs };
        at = read.next;
        offset = read.end;
      }
    } finally {
      closeSync(file);
    }
  }
}

type RecordRead =
  | { readonly kind: "record"; readonly inputs: readonly LogInput[]; readonly next: Cursor; readonly end: number }
  /** As an append that was cut off leaves it. */
  | { readonly kind: "incomplete"; readonly problem: string }
  /** As no crash leaves it. */
  | { readonly kind: "bad"; readonly problem: string };

function readRecord(file: number, sizeBytes: number, offset: number, at: Cursor, storeId: Uint8Array): RecordRead {
  const headerBytes = readAt(file, offset, Math.min(RECORD_HEADER_BYTES, sizeBytes - offset));
  if (headerBytes.length < RECORD_HEADER_BYTES) {
    return { kind: "incomplete", problem: `${headerBytes.length} bytes of a header` };
  }
  const header = decodeRecordHeader(headerBytes, 0, storeId);
  if (header === undefined) return { kind: "incomplete", problem: "the header has a wrong checksum" };
  if (header.record !== at.record || header.input !== at.input) {
    const found = `record ${header.record} with input ${header.input}`;
    return { kind: "bad", problem: `${found} stands where input ${at.input} should come` };
  }
  const start = offset + RECORD_HEADER_BYTES;
  if (start + header.bodyBytes > sizeBytes) {
    return { kind: "incomplete", problem: `${sizeBytes - start} of ${header.bodyBytes} bytes` };
  }
  const body = readAt(file, start, header.bodyBytes);
  if (crc32(body) !== header.bodyCrc) return { kind: "incomplete", problem: "the body has a wrong checksum" };
  if (!continues(at.chain, header, headerBytes, body)) {
    return { kind: "bad", problem: "the record does not continue the one before it" };
  }
  const inputs = inputsOfBody(body, header.count);
  if (inputs === undefined) return { kind: "bad", problem: `the body does not hold ${header.count} inputs` };
  const next = { record: at.record + 1, input: at.input + header.count, chain: header.chain };
  return { kind: "record", inputs, next, end: start + header.bodyBytes };
}

function reading<T>(path: string, read: (file: number, sizeBytes: number) => T): T {
  const file = openSync(path, "r");
  try {
    return read(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

/** Fewer bytes when the file ends before. */
function readAt(file: number, offset: number, sizeBytes: number): Buffer {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  let done = 0;
  while (done < sizeBytes) {
    const count = readSync(file, bytes, done, sizeBytes - done, offset + done);
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}
