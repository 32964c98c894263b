/** Commits that keep batches of lanes, to fill files of batches with. */
import { createHash } from "node:crypto";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { utf8 } from "../../src/core/bytes.js";
import type { Batch, KeptBatch, Pruning } from "../../src/replica/storage.js";

export const NO_ROWS = { signed: [], proofs: [], ledger: [], certificates: [], batches: [] };
const HEAD_BYTES = 5;

/** Of lane 1: `sizeBytes` bytes that no other height has, in the memory of a message. */
export function laneBatch(height: number, sizeBytes = 500): KeptBatch {
  const text = `batch ${height} `.padEnd(sizeBytes, "b");
  const bytes = utf8(`head:${text}:tail`).subarray(HEAD_BYTES, HEAD_BYTES + sizeBytes);
  const digest = Uint8Array.from(createHash("sha256").update(bytes).digest());
  return { channel: "abc", name: { lane: 1, height, digest }, bytes };
}

/** The message that has the batch, as an input. */
export function messageOf({ bytes }: KeptBatch): readonly Uint8Array[] {
  return [utf8("a message, "), new Uint8Array(bytes.buffer)];
}

/** What a peer's message with this batch leads to. */
export function heard(batch: KeptBatch): Batch {
  return { ...NO_ROWS, inputs: [messageOf(batch)], batches: [batch] };
}

/** What sealing this batch leads to: no input has its bytes. */
export function sealed(batch: KeptBatch): Batch {
  return { ...NO_ROWS, inputs: [[utf8("a request")]], batches: [batch] };
}

export function pruningUpTo(height: number): Pruning {
  return {
    checkpointsBelow: 0,
    keepChunks: new Uint8Array(),
    proofsUpTo: 0,
    ledgerUpTo: height,
    batches: [{ channel: "abc", lane: 1, upTo: height }],
  };
}

/** Names of the files of batches of the store in `directory`. */
export function batchFiles(directory: string): readonly string[] {
  return readdirSync(join(directory, "batches")).toSorted();
}

export function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x10, offset);
  writeFileSync(path, bytes);
}
