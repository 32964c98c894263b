/**
 * That neighbouring entries are in a tree, all by one proof: the hashes of the greatest subtrees beside them, from left to right. Whoever
 * has the entries and the proof can make the root, and the inclusion proof of each of the entries. Runs in a browser.
 */
import { HASH_BYTES, type Hash, MAX_PROOF_HASHES, type NodeAt, nodeHash, rangeHash, splitOf } from "./merkle.js";

/** On either side of the entries. */
export const MAX_RANGE_PROOF_HASHES = 2 * MAX_PROOF_HASHES;

export interface EntryRange {
  /** The index of the first. */
  readonly first: number;
  readonly count: number;
  /** Entries in the tree. */
  readonly size: number;
}

/** @throws RangeError when they are not entries of the tree */
export function rangeProof(hash: Hash, nodeAt: NodeAt, { first, count, size }: EntryRange): Uint8Array[] {
  if (!isRange({ first, count, size }))
    throw new RangeError(`no ${count} entries from ${first} on in a tree of ${size}`);
  const end = first + count;
  const beside = (from: number, to: number): Uint8Array[] => {
    if (to <= first || from >= end) return [rangeHash(hash, nodeAt, from, to)];
    if (from >= first && to <= end) return [];
    const middle = from + splitOf(to - from);
    return [...beside(from, middle), ...beside(middle, to)];
  };
  return beside(0, size);
}

export interface ProvenRange {
  readonly root: Uint8Array;
  /** The inclusion proof of each entry, in order. */
  readonly inclusions: readonly (readonly Uint8Array[])[];
}

/** What the entries, given by their leaf hashes, and the proof lead to; undefined when the proof has another form. Total. */
export function proveRange(
  hash: Hash,
  { first, size }: Omit<EntryRange, "count">,
  leaves: readonly Uint8Array[],
  proof: readonly Uint8Array[],
): ProvenRange | undefined {
  const isHash = ({ length }: Uint8Array): boolean => length === HASH_BYTES;
  if (!isRange({ first, count: leaves.length, size }) || proof.length > MAX_RANGE_PROOF_HASHES) return undefined;
  if (!leaves.every(isHash) || !proof.every(isHash)) return undefined;
  const end = first + leaves.length;
  const inclusions: Uint8Array[][] = leaves.map(() => []);
  let used = 0;
  /** Adds the sibling to the proofs of the entries between. */
  const extend = (from: number, to: number, sibling: Uint8Array): void => {
    for (let index = Math.max(from, first); index < Math.min(to, end); index++)
      inclusions[index - first]?.push(sibling);
  };
  const subtree = (from: number, to: number): Uint8Array | undefined => {
    if (to <= first || from >= end) return proof[used++];
    if (to - from === 1) return leaves[from - first];
    const middle = from + splitOf(to - from);
    const left = subtree(from, middle);
    const right = left && subtree(middle, to);
    if (left === undefined || right === undefined) return undefined;
    extend(from, middle, right);
    extend(middle, to, left);
    return nodeHash(hash, left, right);
  };
  const root = subtree(0, size);
  return root === undefined || used !== proof.length ? undefined : { root, inclusions };
}

function isRange({ first, count, size }: EntryRange): boolean {
  return [first, count, size].every(Number.isSafeInteger) && first >= 0 && count > 0 && first + count <= size;
}
