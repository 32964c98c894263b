/**
 * What a quorum certifies of the state after a round: a summary that names the state's chunks by the root of a tree. Whoever
 * has the certificate can check any chunk by itself. Runs in a browser.
 */
import { concat, equalBytes, utf8 } from "../core/bytes.js";
import { type Decoded, type Value, decode, encode, fixedBytes, refine, struct, u32, u64 } from "../core/codec.js";
import { type Hash, type LazyMerkleTree, lazyMerkleTree, rootOfPath } from "../core/merkle.js";

const DOMAIN = utf8("abcast/2 checkpoint\n");

const summaryCodec = struct({
  round: u64,
  /** Payloads delivered up to it. */
  sequence: u64,
  /** log-digest.ts */
  logDigest: fixedBytes(32),
  /** 0 for none. */
  timeMs: u64,
  chunkCount: refine(u32, (count) => (count > 0 ? undefined : "a state without chunks")),
  /** Of the Merkle tree over the chunks' SHA-256 hashes. */
  root: fixedBytes(32),
});
export type CheckpointSummary = Value<typeof summaryCodec>;

/** The tree over the hashes of a state's chunks. */
export type ChunkTree = LazyMerkleTree;

/** @throws RangeError when there are no chunks. */
export function chunkTree(hashes: readonly Uint8Array[], hash: Hash): ChunkTree {
  return lazyMerkleTree(hash, hashes);
}

/** The summary of a state with these chunk hashes. */
export function summarize(
  tip: {
    readonly round: number;
    readonly sequence: number;
    readonly logDigest: Uint8Array;
    readonly timeMs: number | undefined;
  },
  tree: ChunkTree,
): CheckpointSummary {
  const { round, sequence, logDigest, timeMs } = tip;
  return { round, sequence, logDigest, timeMs: timeMs ?? 0, chunkCount: tree.count, root: tree.root };
}

/** @throws EncodeError when a field is out of its bounds */
export function encodeSummary(summary: CheckpointSummary): Uint8Array {
  return encode(summaryCodec, summary);
}

/** Total and canonical. The fields are views of `bytes`. */
export function decodeSummary(bytes: Uint8Array): Decoded<CheckpointSummary> {
  return decode(summaryCodec, bytes);
}

/** What the checkpoint's certificate is on. */
export function summaryDigest(encodedSummary: Uint8Array, hash: Hash): Uint8Array {
  return hash(concat(DOMAIN, encodedSummary));
}

/** The path of one chunk. For several chunks, make the tree once. @throws RangeError when there is no such chunk */
export function proveChunk(hashes: readonly Uint8Array[], index: number, hash: Hash): readonly Uint8Array[] {
  return chunkTree(hashes, hash).path(index);
}

/** Whether `chunk` is the one at `index` of the state that the summary is of. Total. */
export function verifyChunk(
  summary: CheckpointSummary,
  index: number,
  chunk: Uint8Array,
  path: readonly Uint8Array[],
  hash: Hash,
): boolean {
  if (!Number.isSafeInteger(index) || index < 0 || index >= summary.chunkCount) return false;
  if (path.some((sibling) => sibling.length !== 32)) return false;
  const root = rootOfPath(hash, hash(chunk), index, summary.chunkCount, path);
  return root !== undefined && equalBytes(root, summary.root);
}
