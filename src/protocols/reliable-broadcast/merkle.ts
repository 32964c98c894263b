/**
 * Merkle trees: a root commits to a list, and a path of hashes opens it at one place. Leaves and inner nodes have different
 * prefixes, so that nobody can pass off one for the other.
 *
 * Source: RFC 9162 (Certificate Transparency 2.0), section 2.1; same roots and paths.
 */
import { concat } from "../../core/bytes.js";

/** 32 bytes, collision-resistant. */
export type Hash = (bytes: Uint8Array) => Uint8Array;

export interface MerkleTree {
  readonly root: Uint8Array;
  /** For each leaf the hashes of its siblings, lowest first. */
  readonly paths: readonly (readonly Uint8Array[])[];
}

const LEAF = Uint8Array.of(0);
const INNER = Uint8Array.of(1);

/** The tree of `leaves`. @throws RangeError when there are none. */
export function merkleTree(hash: Hash, leaves: readonly Uint8Array[]): MerkleTree {
  const [only] = leaves;
  if (only === undefined) throw new RangeError("a tree without leaves");
  if (leaves.length === 1) return { root: leafHash(hash, only), paths: [[]] };
  const middle = leavesOnTheLeft(leaves.length);
  const left = merkleTree(hash, leaves.slice(0, middle));
  const right = merkleTree(hash, leaves.slice(middle));
  return {
    root: innerHash(hash, left.root, right.root),
    paths: [...left.paths.map((path) => path.concat(right.root)), ...right.paths.map((path) => path.concat(left.root))],
  };
}

/**
 * The root of the tree of `count` leaves that has `leaf` at `index`, with this path; undefined when the path is not as long as
 * that place has it. Under one root, nobody can make two paths for one place that open it to different leaves.
 */
export function rootOfPath(
  hash: Hash,
  leaf: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
): Uint8Array | undefined {
  return path.length === depthOf(index, count) ? rootAbove(hash, leafHash(hash, leaf), index, count, path) : undefined;
}

function rootAbove(
  hash: Hash,
  node: Uint8Array,
  index: number,
  count: number,
  path: readonly Uint8Array[],
): Uint8Array {
  const sibling = path.at(-1);
  if (sibling === undefined) return node;
  const below = path.slice(0, -1);
  const middle = leavesOnTheLeft(count);
  return index < middle
    ? innerHash(hash, rootAbove(hash, node, index, middle, below), sibling)
    : innerHash(hash, sibling, rootAbove(hash, node, index - middle, count - middle, below));
}

function depthOf(index: number, count: number): number {
  if (count === 1) return 0;
  const middle = leavesOnTheLeft(count);
  return 1 + (index < middle ? depthOf(index, middle) : depthOf(index - middle, count - middle));
}

/** The largest power of two below `count`, which is at least 2. */
function leavesOnTheLeft(count: number): number {
  return 2 ** (31 - Math.clz32(count - 1));
}

function leafHash(hash: Hash, leaf: Uint8Array): Uint8Array {
  return hash(concat(LEAF, leaf));
}

function innerHash(hash: Hash, left: Uint8Array, right: Uint8Array): Uint8Array {
  return hash(concat(INNER, left, right));
}
