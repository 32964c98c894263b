/**
 * A log as static files (C2SP tlog-tiles): tiles of 256 hashes, 8 levels of the tree high, and bundles of 256 entries. A tile or bundle
 * that is full never changes; one that is not has its width in its name. Runs in a browser.
 */
import { concat } from "../core/bytes.js";
import { HASH_BYTES, type Hash, type NodeAt, nodeHash } from "./merkle.js";

export const TILE_WIDTH = 256;
/** Levels of the tree in a tile. */
export const TILE_LEVELS = 8;
/** Of one entry in a bundle: its length has 16 bits. */
export const MAX_ENTRY_BYTES = 0xffff;

/** The hashes at tree level 8 × `level`, from `index` × 256 on, `width` of them. */
export interface Tile {
  readonly level: number;
  readonly index: number;
  /** 1 to 256. */
  readonly width: number;
}

export function tilePath({ level, index, width }: Tile): string {
  return `tile/${level}/${indexPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

export function entriesPath({ index, width }: Omit<Tile, "level">): string {
  return `tile/entries/${indexPath(index)}${width === TILE_WIDTH ? "" : `.p/${width}`}`;
}

/** Three digits a folder, `x` before all but the last: 1234067 is x001/x234/067. */
function indexPath(index: number): string {
  const last = String(index % 1000).padStart(3, "0");
  let path = last;
  for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000))
    path = `x${String(rest % 1000).padStart(3, "0")}/${path}`;
  return path;
}

/** The tile that has the hash at this place of the tree of `size` entries. @throws RangeError when the tree has no such hash */
export function tileOf(level: number, index: number, size: number): Tile {
  const tileLevel = Math.floor(level / TILE_LEVELS);
  const perTile = TILE_WIDTH / 2 ** (level % TILE_LEVELS);
  const tileIndex = Math.floor(index / perTile);
  const width = widthOf(tileLevel, tileIndex, size);
  const within = index - tileIndex * perTile;
  if ((within + 1) * 2 ** (level % TILE_LEVELS) > width)
    throw new RangeError(`a tree of ${size} has no node ${index} at level ${level}`);
  return { level: tileLevel, index: tileIndex, width };
}

/** Hashes of the tile in the tree of `size` entries; 0 or less when it has none of them. */
function widthOf(tileLevel: number, tileIndex: number, size: number): number {
  const hashes = Math.floor(size / 2 ** (TILE_LEVELS * tileLevel));
  return Math.min(TILE_WIDTH, hashes - tileIndex * TILE_WIDTH);
}

/** Tiles that the tree of `size` entries has and that of `oldSize` has not, or not as they are: those to write when it has grown. */
export function newTiles(oldSize: number, size: number): Tile[] {
  const tiles: Tile[] = [];
  for (let level = 0; ; level++) {
    const [had, has] = [oldSize, size].map((of) => Math.floor(of / 2 ** (TILE_LEVELS * level)));
    if (had === undefined || has === undefined || has === 0) return tiles;
    if (had === has) continue;
    for (let index = Math.floor(had / TILE_WIDTH); index * TILE_WIDTH < has; index++)
      tiles.push({ level, index, width: widthOf(level, index, size) });
  }
}

/** Bundles of entries to write when the log has grown. */
export function newBundles(oldSize: number, size: number): Omit<Tile, "level">[] {
  const bundles: Omit<Tile, "level">[] = [];
  if (oldSize === size) return bundles;
  for (let index = Math.floor(oldSize / TILE_WIDTH); index * TILE_WIDTH < size; index++)
    bundles.push({ index, width: widthOf(0, index, size) });
  return bundles;
}

/** The hashes of a tile, from its bytes. @throws RangeError when they have another length than its width says */
export function tileHashes({ width }: Pick<Tile, "width">, bytes: Uint8Array): Uint8Array[] {
  if (bytes.length !== width * HASH_BYTES) throw new RangeError(`${bytes.length} bytes in a tile of ${width} hashes`);
  return Array.from({ length: width }, (_, index) => bytes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES));
}

/** Nodes of the tree of `size` entries, from tiles that are there. */
export function nodesFrom(hash: Hash, size: number, hashesOf: (tile: Tile) => readonly Uint8Array[]): NodeAt {
  return (level, index) => {
    const tile = tileOf(level, index, size);
    const count = 2 ** (level % TILE_LEVELS);
    const from = index * count - tile.index * TILE_WIDTH;
    return foldHashes(hash, hashesOf(tile).slice(from, from + count));
  };
}

/** The root over hashes whose number is a power of two. */
export function foldHashes(hash: Hash, hashes: readonly Uint8Array[]): Uint8Array {
  const [first, second] = hashes;
  if (first === undefined) throw new RangeError("a tile has fewer hashes than it should");
  if (second === undefined) return first;
  const middle = hashes.length / 2;
  return nodeHash(hash, foldHashes(hash, hashes.slice(0, middle)), foldHashes(hash, hashes.slice(middle)));
}

/** @throws RangeError when an entry is longer than MAX_ENTRY_BYTES */
export function encodeBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concat(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES) throw new RangeError(`an entry of ${entry.length} bytes`);
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** Total: undefined when `bytes` is no bundle of `count` entries. Views of `bytes`. */
export function decodeBundle(bytes: Uint8Array, count: number): Uint8Array[] | undefined {
  const entries: Uint8Array[] = [];
  let at = 0;
  for (; entries.length < count;) {
    const [high, low] = [bytes[at], bytes[at + 1]];
    if (high === undefined || low === undefined) return undefined;
    const end = at + 2 + high * 256 + low;
    if (end > bytes.length) return undefined;
    entries.push(bytes.subarray(at + 2, end));
    at = end;
  }
  return at === bytes.length ? entries : undefined;
}
