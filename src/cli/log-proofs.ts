/** Proofs from the transparency log of a replica: from tiles that are its own, so that nothing is to be believed. */
import {
  type NodeAt,
  type Tile,
  consistencyProof,
  inclusionProof,
  nodesFrom,
  rangeHash,
  tileOf,
  tilePath,
} from "../tlog/index.js";
import { sha256 } from "./sha256.js";

export interface TileSource {
  /** Entries. */
  readonly size: number;
  tile(tile: Tile): Promise<readonly Uint8Array[]>;
}

export interface LogProof {
  /** Of the tree of the greater size. */
  readonly root: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

const NOTHING = new Uint8Array(32);

/** That entry `index` is in the log of the first `size`. @throws RangeError unless index < size ≤ source.size */
export function proveInclusion(source: TileSource, index: number, size: number): Promise<LogProof> {
  return prove(source, size, (nodeAt) => inclusionProof(sha256, nodeAt, index, size));
}

/** That the log of `oldSize` entries is the beginning of that of `size`. @throws RangeError unless 0 < oldSize ≤ size ≤ source.size */
export function proveConsistency(source: TileSource, oldSize: number, size: number): Promise<LogProof> {
  return prove(source, size, (nodeAt) => consistencyProof(sha256, nodeAt, oldSize, size));
}

/** Makes it twice: first to see which tiles it takes. */
async function prove(source: TileSource, size: number, make: (nodeAt: NodeAt) => Uint8Array[]): Promise<LogProof> {
  if (size > source.size) throw new RangeError(`the log has ${source.size} entries, not ${size}`);
  const makeBoth = (nodeAt: NodeAt): LogProof => ({ root: rangeHash(sha256, nodeAt, 0, size), proof: make(nodeAt) });
  const needed = new Map<string, Tile>();
  makeBoth((level, index) => {
    const tile = tileOf(level, index, size);
    needed.set(tilePath(tile), tile);
    return NOTHING;
  });
  const read = async ([path, tile]: [string, Tile]) => [path, await source.tile(tile)] as const;
  const hashes = new Map(await Promise.all([...needed].map(read)));
  return makeBoth(nodesFrom(sha256, size, (tile) => hashes.get(tilePath(tile)) ?? []));
}
