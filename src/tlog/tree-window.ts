/**
 * The last entries of a tree that grows: what proofs about them take, and no more. Of what came before, the frontier is kept. Runs in a browser.
 */
import { EMPTY_FRONTIER, type Frontier, type Hash, nodeHash, rangeHash } from "./merkle.js";

/** Nodes of one level, from the node with the index `first` on. */
interface Level {
  first: number;
  nodes: Uint8Array[];
}

export class TreeWindow {
  readonly #hash: Hash;
  #start: Frontier;
  #size: number;
  /** Complete subtrees, by level: those with an entry of the window in them, and the frontier's. */
  #levels: Level[] = [];

  /** `start`: the tree before the first entry of the window. */
  constructor(hash: Hash, start: Frontier = EMPTY_FRONTIER, leaves: Iterable<Uint8Array> = []) {
    this.#hash = hash;
    this.#start = start;
    this.#size = start.size;
    let from = 0;
    for (const subtree of start.subtrees) {
      const level = Math.floor(Math.log2(start.size - from));
      this.#levels[level] = { first: from / 2 ** level, nodes: [subtree] };
      from += 2 ** level;
    }
    for (const leaf of leaves) this.push(leaf);
  }

  /** Of the whole tree. */
  get size(): number {
    return this.#size;
  }

  get start(): Frontier {
    return this.#start;
  }

  /** Leaf hashes of the window. */
  get leaves(): readonly Uint8Array[] {
    const level = this.#levels[0];
    return level === undefined ? [] : level.nodes.slice(this.#start.size - level.first);
  }

  push(leaf: Uint8Array): void {
    this.#put(0, this.#size, leaf);
    this.#size += 1;
  }

  #put(at: number, index: number, node: Uint8Array): void {
    const level = (this.#levels[at] ??= { first: index, nodes: [] });
    level.nodes.push(node);
    const left = index % 2 === 1 ? level.nodes[index - 1 - level.first] : undefined;
    if (left !== undefined) this.#put(at + 1, (index - 1) / 2, nodeHash(this.#hash, left, node));
  }

  /** The window begins later, at the entry `from`. @throws RangeError when that is not in it */
  trim(from: number): void {
    if (!(from >= this.#start.size && from <= this.#size)) throw new RangeError(`entry ${from} is not in the window`);
    const subtrees: Uint8Array[] = [];
    this.#levels = this.#levels.map(({ first, nodes }, level) => {
      // The node with the entry, or the one before it where that is a subtree of the tree before the entry.
      const index = Math.floor(from / 2 ** level);
      const kept = index % 2 === 1 ? index - 1 : index;
      const subtree = nodes[kept - first];
      if (kept < index && subtree !== undefined) subtrees.unshift(subtree);
      return { first: kept, nodes: nodes.slice(kept - first) };
    });
    this.#start = { size: from, subtrees };
  }

  /** @throws RangeError when nothing of the window is in it */
  nodeAt = (level: number, index: number): Uint8Array => {
    const at = this.#levels[level];
    const node = at?.nodes[index - at.first];
    if (node === undefined) throw new RangeError(`node ${index} at level ${level} is not in the window`);
    return node;
  };

  /** The root of the tree when it had `size` entries, as many as before the window, or more. */
  rootAt(size: number): Uint8Array {
    return size === 0 ? this.#hash(new Uint8Array(0)) : rangeHash(this.#hash, this.nodeAt, 0, size);
  }
}
