/**
 * The bytes of files of batches (docs/files.md, "party-I/store"). Integers are big-endian.
 *
 *     file      magic 16 | store 16 | number u64 | crc u32, then from byte 4096 on the bytes of batches
 *
 * Where a batch is, and its checksum, is said by who refers to it: records of the log, and rows of the table of batches.
 */
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { equalBytes } from "../../core/bytes.js";
import { type Value, atMost, fixedBytes, struct, u32, u64 } from "../../core/codec.js";
import { MAX_BATCH_BYTES } from "../../core/protocol.js";

export const BATCH_FILE_HEADER_BYTES = 44;

const MAGIC = Buffer.from("abcast-batches/1", "latin1");

/** A batch whose bytes are in a file. */
export const filedBatchCodec = struct({
  /** By which the cluster knows it. */
  digest: fixedBytes(32),
  /** The file's number. */
  file: u64,
  offset: u32,
  sizeBytes: atMost(u32, MAX_BATCH_BYTES),
  crc: u32,
});
export type FiledBatch = Value<typeof filedBatchCodec>;

/** Where the files of the store in `directory` are. */
export function batchDirectory(directory: string): string {
  return join(directory, "batches");
}

export function batchFileName(number: number): string {
  return `${String(number).padStart(16, "0")}.batches`;
}

/** Undefined for other files. */
export function batchFileNumber(name: string): number | undefined {
  const match = /^([0-9]{16})\.batches$/.exec(name);
  return match === null ? undefined : Number(match[1]);
}

export function encodeBatchFileHeader(storeId: Uint8Array, number: number): Buffer {
  const header = Buffer.alloc(BATCH_FILE_HEADER_BYTES);
  header.set(MAGIC, 0);
  header.set(storeId, 16);
  header.writeBigUInt64BE(BigInt(number), 32);
  header.writeUInt32BE(crc32(header.subarray(0, 40)), 40);
  return header;
}

/** Undefined when it is the header of this file. */
export function batchFileProblem(header: Uint8Array, storeId: Uint8Array, number: number): string | undefined {
  return equalBytes(header, encodeBatchFileHeader(storeId, number))
    ? undefined
    : "the file does not begin with its header: it is damaged, or of another store";
}
