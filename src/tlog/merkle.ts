/**
 * The Merkle tree of a transparency log (RFC 6962, section 2.1; RFC 9162, section 2.1): appending, roots, and proofs that an entry is
 * in a tree, or that one tree is the beginning of another. Sizes and indices are up to 2^53 - 1. Runs in a browser.
 */
import { equalBytes } from "../core/bytes.js";

export const HASH_BYTES = 32;
/** Of a tree with 2^53 entries. */
export const MAX_PROOF_HASHES = 64;

/** SHA-256. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

export function leafHash(hash: Hash, entry: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + entry.length);
  bytes.set(entry, 1);
  return hash(bytes);
}

export function nodeHash(hash: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(1 + left.length + right.length);
  bytes[0] = 1;
  bytes.set(left, 1);
  bytes.set(right, 1 + left.length);
  return hash(bytes);
}

/** What a tree of any size is known by, to go on from: the roots of its complete subtrees, the greatest first; at most 53. */
export interface Frontier {
  readonly size: number;
  readonly subtrees: readonly Uint8Array[];
}

export const EMPTY_FRONTIER: Frontier = { size: 0, subtrees: [] };

/** How many complete subtrees a tree of `size` entries has: the ones in the binary form of the number. */
export function subtreeCount(size: number): number {
  let count = 0;
  for (let rest = size; rest > 0; rest = Math.floor(rest / 2)) count += rest % 2;
  return count;
}

/** The tree with one more entry, whose leaf hash is `leaf`. */
export function append(hash: Hash, { size, subtrees }: Frontier, leaf: Uint8Array): Frontier {
  const kept = [...subtrees];
  let last = leaf;
  for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) last = nodeHash(hash, takeLast(kept), last);
  return { size: size + 1, subtrees: [...kept, last] };
}

function takeLast(subtrees: Uint8Array[]): Uint8Array {
  const last = subtrees.pop();
  if (last === undefined) throw new RangeError("a frontier has fewer subtrees than its size says");
  return last;
}

export function rootOf(hash: Hash, { subtrees }: Frontier): Uint8Array {
  if (subtrees.length === 0) return hash(new Uint8Array(0));
  return subtrees.reduceRight((right, left) => nodeHash(hash, left, right));
}

/** The root of the complete subtree over the entries from index × 2^level on, 2^level of them. */
export type NodeAt = (level: number, index: number) => Uint8Array;

/** That the entry at `index` is in the tree of `size` entries: hashes from the leaf up. @throws RangeError when it is not in it */
export function inclusionProof(hash: Hash, nodeAt: NodeAt, index: number, size: number): Uint8Array[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`no entry ${index} in a tree of ${size}`);
  const path = (from: number, end: number): Uint8Array[] => {
    if (end - from === 1) return [];
    const middle = from + splitOf(end - from);
    return index < middle
      ? [...path(from, middle), rangeHash(hash, nodeAt, middle, end)]
      : [...path(middle, end), rangeHash(hash, nodeAt, from, middle)];
  };
  return path(0, size);
}

/** That the tree of `oldSize` entries is the beginning of that of `size`. @throws RangeError unless 0 < oldSize ≤ size */
export function consistencyProof(hash: Hash, nodeAt: NodeAt, oldSize: number, size: number): Uint8Array[] {
  if (!(oldSize > 0 && oldSize <= size))
    throw new RangeError(`a tree of ${oldSize} is not the beginning of one of ${size}`);
  /** `isKnown`: whoever checks has the root of the old tree, which this subtree is. */
  const path = (from: number, end: number, isKnown: boolean): Uint8Array[] => {
    if (end === oldSize) return isKnown ? [] : [rangeHash(hash, nodeAt, from, end)];
    const middle = from + splitOf(end - from);
    return oldSize <= middle
      ? [...path(from, middle, isKnown), rangeHash(hash, nodeAt, middle, end)]
      : [...path(middle, end, false), rangeHash(hash, nodeAt, from, middle)];
  };
  return path(0, size, true);
}

/** The greatest power of two below `count`, which is 2 or more. */
export function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

/** The root over the entries from `from`, which splits lead to, up to `end`. */
export function rangeHash(hash: Hash, nodeAt: NodeAt, from: number, end: number): Uint8Array {
  const count = end - from;
  const level = Math.log2(count);
  if (Number.isInteger(level)) return nodeAt(level, from / count);
  const middle = from + splitOf(count);
  return nodeHash(hash, rangeHash(hash, nodeAt, from, middle), rangeHash(hash, nodeAt, middle, end));
}

export interface Inclusion {
  /** The entry's leaf hash. */
  readonly leaf: Uint8Array;
  readonly index: number;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Total. RFC 9162, section 2.1.3.2. */
export function isIncluded(hash: Hash, { leaf, index, size, root, proof }: Inclusion): boolean {
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(size) || index < 0 || index >= size) return false;
  let [node, last] = [index, size - 1];
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0 || sibling.length !== HASH_BYTES) return false;
    if (node % 2 === 1 || node === last) {
      computed = nodeHash(hash, sibling, computed);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      computed = nodeHash(hash, computed, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && equalBytes(computed, root);
}

export interface Consistency {
  readonly oldSize: number;
  readonly oldRoot: Uint8Array;
  readonly size: number;
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** Total. RFC 9162, section 2.1.4.2; the empty tree is the beginning of every other, by an empty proof. */
export function isConsistent(hash: Hash, { oldSize, oldRoot, size, root, proof }: Consistency): boolean {
  if (!Number.isSafeInteger(oldSize) || !Number.isSafeInteger(size) || oldSize < 0 || oldSize > size) return false;
  if (oldSize === 0) return proof.length === 0 && equalBytes(oldRoot, hash(new Uint8Array(0)));
  if (oldSize === size) return proof.length === 0 && equalBytes(oldRoot, root);
  const hashes = Number.isInteger(Math.log2(oldSize)) ? [oldRoot, ...proof] : proof;
  const [first, ...others] = hashes;
  if (first === undefined || hashes.some(({ length }) => length !== HASH_BYTES)) return false;
  let [node, last] = [oldSize - 1, size - 1];
  while (node % 2 === 1) [node, last] = [half(node), half(last)];
  let [old, computed] = [first, first];
  for (const sibling of others) {
    if (last === 0) return false;
    if (node % 2 === 1 || node === last) {
      [old, computed] = [nodeHash(hash, sibling, old), nodeHash(hash, sibling, computed)];
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      computed = nodeHash(hash, computed, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 && equalBytes(old, oldRoot) && equalBytes(computed, root);
}

function half(value: number): number {
  return Math.floor(value / 2);
}
