/**
 * The bytes of the log of inputs (docs/files.md, "party-I/store"). Integers are big-endian.
 *
 *     segment   magic 16 | store 16 | record u64 | input u64 | chain 32 | crc u32, then records
 *     record    length u32 | count u32 | record u64 | input u64 | crc of the body u32 | chain 32 | crc u32, then the body
 *     body      count times: length u32 | bytes | 0, or 1 | batch | length u32 | bytes
 *     batch     digest 32 | file u64 | offset u32 | length u32 | crc u32
 *
 * An input is the bytes before its batch, the batch's, which are in a file of batches, and the bytes after it. What is chained of a batch is its
 * digest. Of a commit that a crash cut off, the record may be whole and the batch not: so the last record counts only if its batches are there.
 *
 * `record` and `input` are the numbers of the first that comes. A record's `chain` is the SHA-256 of the previous record's, the
 * first 28 bytes of its own header, and the body; a segment's is that of the last record before it, zeros at the beginning.
 * Checksums of headers start from that of the store's random name, which peers do not know: what they send, and what
 * therefore stands in bodies, cannot pass for a header.
 */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { type Pieces, equalBytes, sizeOfPieces } from "../../core/bytes.js";
import { type Codec, decode, encodePieces } from "../../core/codec.js";
import type { Writer } from "../../core/writer.js";
import { type FiledBatch, filedBatchCodec } from "./batch-format.js";

export const STORE_ID_BYTES = 16;
export const SEGMENT_HEADER_BYTES = 84;
export const RECORD_HEADER_BYTES = 64;
/** A record may be as long: far above what one group commit brings, and what a buffer can hold. */
export const MAX_RECORD_BYTES = 1 << 30;

const MAGIC = Buffer.from("abcast-log/3\n\0\0\0", "latin1");
const CHAIN_BYTES = 32;

/** Between two records: what the next one must have. */
export interface Cursor {
  readonly record: number;
  readonly input: number;
  readonly chain: Uint8Array;
}

export const BEGINNING: Cursor = { record: 1, input: 1, chain: new Uint8Array(CHAIN_BYTES) };

export interface RecordHeader {
  readonly bodyBytes: number;
  readonly count: number;
  readonly record: number;
  readonly input: number;
  readonly bodyCrc: number;
  readonly chain: Uint8Array;
}

/** An input as the log has it. */
export interface LogInput {
  readonly before: Pieces;
  /** What comes next is in a file of batches. */
  readonly batch: FiledBatch | undefined;
  readonly after: Pieces;
}

export function segmentName(firstInput: number): string {
  return `${String(firstInput).padStart(16, "0")}.log`;
}

/** The number of the first input that a segment of this name has; undefined for other files. */
export function firstInputOf(name: string): number | undefined {
  const match = /^([0-9]{16})\.log$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeSegmentHeader(storeId: Uint8Array, { record, input, chain }: Cursor): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.set(MAGIC, 0);
  header.set(storeId, 16);
  header.writeBigUInt64BE(BigInt(record), 32);
  header.writeBigUInt64BE(BigInt(input), 40);
  header.set(chain, 48);
  header.writeUInt32BE(crc32(header.subarray(0, 80)), 80);
  return header;
}

/** What is wrong with the header, as text, or where the segment starts. */
export function decodeSegmentHeader(header: Buffer, storeId: Uint8Array): Cursor | string {
  if (header.length < SEGMENT_HEADER_BYTES) return "the segment's header is incomplete";
  if (header.readUInt32BE(80) !== crc32(header.subarray(0, 80))) return "the segment's header has a wrong checksum";
  if (!equalBytes(header.subarray(0, 16), MAGIC)) return "the segment has another format than abcast-log/3";
  if (!equalBytes(header.subarray(16, 32), storeId)) return "the segment is of another store";
  return {
    record: Number(header.readBigUInt64BE(32)),
    input: Number(header.readBigUInt64BE(40)),
    chain: Uint8Array.from(header.subarray(48, 80)),
  };
}

/** The record with these inputs, and where the log stands after it. */
export function encodeRecord(
  storeId: Uint8Array,
  at: Cursor,
  inputs: readonly LogInput[],
): { readonly pieces: Pieces; readonly next: Cursor } {
  const body = encodePieces(inputsCodec(inputs.length), inputs);
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.writeUInt32BE(sizeOfPieces(body), 0);
  header.writeUInt32BE(inputs.length, 4);
  header.writeBigUInt64BE(BigInt(at.record), 8);
  header.writeBigUInt64BE(BigInt(at.input), 16);
  header.writeUInt32BE(
    body.reduce((crc, piece) => crc32(piece, crc), 0),
    24,
  );
  const chain = chainOf(at.chain, header, body);
  header.set(chain, 28);
  header.writeUInt32BE(headerCrc(storeId, header.subarray(0, 60)), 60);
  return { pieces: [header, ...body], next: { record: at.record + 1, input: at.input + inputs.length, chain } };
}

const inputCodec: Codec<LogInput> = {
  write(writer, { before, batch, after }) {
    writeBytes(writer, before);
    writer.u8(batch === undefined ? 0 : 1);
    if (batch === undefined) return;
    filedBatchCodec.write(writer, batch);
    writeBytes(writer, after);
  },
  read(reader) {
    const before = [reader.raw(reader.u32())];
    const hasBatch = reader.u8();
    if (hasBatch === 0) return { before, batch: undefined, after: [] };
    if (hasBatch !== 1) reader.fail(`${hasBatch} where 0 or 1 should be`);
    const batch = filedBatchCodec.read(reader);
    return { before, batch, after: [reader.raw(reader.u32())] };
  },
};

function writeBytes(writer: Writer, pieces: Pieces): void {
  writer.u32(sizeOfPieces(pieces));
  for (const piece of pieces) writer.raw(piece);
}

function inputsCodec(count: number): Codec<readonly LogInput[]> {
  return {
    write(writer, inputs) {
      for (const input of inputs) inputCodec.write(writer, input);
    },
    read(reader) {
      const inputs: LogInput[] = [];
      while (inputs.length < count) inputs.push(inputCodec.read(reader));
      return inputs;
    },
  };
}

/** Undefined when the 64 bytes at `offset` are no header. */
export function decodeRecordHeader(bytes: Buffer, offset: number, storeId: Uint8Array): RecordHeader | undefined {
  const header = bytes.subarray(offset, offset + RECORD_HEADER_BYTES);
  if (header.length < RECORD_HEADER_BYTES) return undefined;
  if (header.readUInt32BE(60) !== headerCrc(storeId, header.subarray(0, 60))) return undefined;
  return {
    bodyBytes: header.readUInt32BE(0),
    count: header.readUInt32BE(4),
    record: Number(header.readBigUInt64BE(8)),
    input: Number(header.readBigUInt64BE(16)),
    bodyCrc: header.readUInt32BE(24),
    chain: Uint8Array.from(header.subarray(28, 60)),
  };
}

/** Does the record continue what comes before it? `header` was decoded from `headerBytes`, its body checksum was checked. */
export function continues(previousChain: Uint8Array, header: RecordHeader, headerBytes: Buffer, body: Buffer): boolean {
  return equalBytes(chainOf(previousChain, headerBytes, [body]), header.chain);
}

/** The inputs in a body; undefined when it is not made of `count` inputs. They share its memory. */
export function inputsOfBody(body: Uint8Array, count: number): readonly LogInput[] | undefined {
  const inputs = decode(inputsCodec(count), body);
  return inputs.ok ? inputs.value : undefined;
}

/** Where in `bytes` a header of a record after number `record` begins, whatever lies before it; undefined: nowhere. */
export function findLaterHeader(bytes: Buffer, record: number, storeId: Uint8Array): number | undefined {
  for (let offset = 0; offset + RECORD_HEADER_BYTES <= bytes.length; offset++) {
    // Record numbers are below 2^48: spares nearly all checksums.
    if (bytes[offset + 8] !== 0 || bytes[offset + 9] !== 0) continue;
    const header = decodeRecordHeader(bytes, offset, storeId);
    if (header !== undefined && header.record > record) return offset;
  }
  return undefined;
}

function chainOf(previous: Uint8Array, header: Buffer, body: Pieces): Uint8Array {
  const hash = createHash("sha256").update(previous).update(header.subarray(0, 28));
  for (const piece of body) hash.update(piece);
  return hash.digest();
}

function headerCrc(storeId: Uint8Array, fields: Buffer): number {
  return crc32(fields, crc32(storeId));
}
