/**
 * Merkle trees: a root commits to a list, and a path of hashes opens it at one place. Leaves and inner nodes have different
 * prefixes, so that nobody can pass off one for the other.
 *
 * Source: RFC 9162 (Certificate Transparency 2.0), section 2.1; same roots and paths.
 */
import { concat } from "./bytes.js";

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

/** A tree whose paths are looked up when asked for: of many leaves, all paths would take too much room. */
export interface LazyMerkleTree {
  readonly root: Uint8Array;
  /** Leaves. */
  readonly count: number;
  /** The siblings' hashes, lowest first. @throws RangeError when there is no such leaf */
  path(index: number): readonly Uint8Array[];
}

/** The same tree as `merkleTree`, in room for 2n hashes. @throws RangeError when there are no leaves. */
export function lazyMerkleTree(hash: Hash, leaves: readonly Uint8Array[]): LazyMerkleTree {
  if (leaves.length === 0) throw new RangeError("a tree without leaves");
  let level: readonly Uint8Array[] = leaves.map((leaf) => leafHash(hash, leaf));
  const levels = [level];
  while (level.length > 1) {
    level = levelAbove(hash, level);
    levels.push(level);
  }
  return {
    root: level[0] ?? new Uint8Array(),
    count: leaves.length,
    path: (index) => {
      if (!Number.isInteger(index) || index < 0 || index >= leaves.length) throw new RangeError(`no leaf ${index}`);
      // Without a sibling a node rises unchanged.
      return levels.flatMap((nodes, height) => nodes[Math.floor(index / 2 ** height) ^ 1] ?? []);
    },
  };
}

/** Nodes two by two; one that is left over is its own parent. So all trees on the left are complete, as they must. */
function levelAbove(hash: Hash, nodes: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let index = 0; index < nodes.length; index += 2) {
    const [left, right] = [nodes[index], nodes[index + 1]];
    if (left !== undefined) above.push(right === undefined ? left : innerHash(hash, left, right));
  }
  return above;
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
