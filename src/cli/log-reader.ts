/** Reads a transparency log from where its files are, and believes nothing that does not lead to a checkpoint that enough parties cosigned. */
import { equalBytes } from "../core/bytes.js";
import type { Group } from "../core/group.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import {
  type LogCheckpoint,
  MAX_NOTE_BYTES,
  type NodeAt,
  type NoteKey,
  TILE_LEVELS,
  TILE_WIDTH,
  type Tile,
  type VerifySignature,
  consistencyProof,
  cosignedAt,
  decodeBundle,
  foldHashes,
  entriesPath,
  isConsistent,
  leafHash,
  newBundles,
  nodesFrom,
  parseCheckpoint,
  parseNote,
  rangeHash,
  tileHashes,
  tileOf,
  tilePath,
} from "../tlog/index.js";
import { InvalidError, UnreachableError } from "./errors.js";
import { sha256 } from "./sha256.js";

const NOTHING = new Uint8Array();
const MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 0xffff);

export interface LogReaderOptions {
  readonly origin: string;
  readonly group: Group;
  /** By party. */
  readonly keys: readonly NoteKey[];
  readonly verify: VerifySignature;
  /** The file of this name; undefined when there is none. At most so many bytes. @throws Error when it cannot be had */
  fetch(path: string, maxBytes: number): Promise<Uint8Array | undefined>;
}

export interface ReadCheckpoint extends LogCheckpoint {
  /** When each party cosigned it, in seconds since 1970. */
  readonly cosigned: ReadonlyMap<PartyId, number>;
}

export class LogReader {
  readonly #options: LogReaderOptions;
  /** Tiles that lead to the root of the last checkpoint, by their paths. */
  #proven = new Map<string, readonly Uint8Array[]>();

  constructor(options: LogReaderOptions) {
    this.#options = options;
  }

  /** The log's checkpoint; undefined when there is none yet. @throws InvalidError when it is not to be believed */
  async checkpoint(): Promise<ReadCheckpoint | undefined> {
    const { origin, group, keys, verify } = this.#options;
    const bytes = await this.#options.fetch("checkpoint", MAX_NOTE_BYTES);
    if (bytes === undefined) return undefined;
    const note = parseNote(bytes);
    if (!note.ok) throw new InvalidError(`the checkpoint is no signed note: ${note.error}`);
    const checkpoint = parseCheckpoint(note.value.text);
    if (!checkpoint.ok) throw new InvalidError(`the checkpoint is none: ${checkpoint.error}`);
    if (checkpoint.value.origin !== origin)
      throw new InvalidError(`the checkpoint is of the log ${checkpoint.value.origin}, not of ${origin}`);
    const cosigned = new Map<PartyId, number>();
    for (const [party, key] of keys.entries()) {
      const time = await cosignedAt(sha256, verify, note.value, key);
      if (time !== undefined) cosigned.set(party, time);
    }
    if (!group.hasHonest(PartySet.of(cosigned.keys())))
      throw new InvalidError(
        `only parties ${[...cosigned.keys()].join(", ") || "(none)"} have cosigned the checkpoint of ${checkpoint.value.size} documents: corrupted ones alone might`,
      );
    return { ...checkpoint.value, cosigned };
  }

  /** That the files have the tree of `checkpoint`, which goes on from that of `old`. @throws InvalidError */
  async follow(old: Pick<LogCheckpoint, "size" | "root"> | undefined, { size, root }: LogCheckpoint): Promise<void> {
    if (old !== undefined && size < old.size)
      throw new InvalidError(`the log has ${size} documents, and had ${old.size}: it was cut`);
    this.#proven = new Map();
    if (size === 0) return;
    // All that is in tiles that are not full goes into the root.
    const tiles = new Map<string, readonly Uint8Array[]>();
    const computed = await this.#withNodes(size, (nodeAt) => rangeHash(sha256, nodeAt, 0, size), tiles);
    if (!equalBytes(computed, root))
      throw new InvalidError(`the tiles have another root than the checkpoint of ${size}`);
    this.#proven = tiles;
    if (old === undefined || old.size === 0) return;
    const proof = await this.#withNodes(size, (nodeAt) => consistencyProof(sha256, nodeAt, old.size, size));
    if (!isConsistent(sha256, { oldSize: old.size, oldRoot: old.root, size, root, proof }))
      throw new InvalidError(`the log of ${size} documents does not go on from that of ${old.size}: it was rewritten`);
  }

  /** Entries from `from` on of the log of `size` that was followed, each checked with its tile. @throws InvalidError */
  async *entries(from: number, size: number): AsyncGenerator<Uint8Array> {
    for (const bundle of newBundles(from, size)) {
      const hashes = await this.#proveTile({ level: 0, ...bundle }, size);
      const bytes = await this.#options.fetch(entriesPath(bundle), MAX_BUNDLE_BYTES);
      const entries = bytes && decodeBundle(bytes, bundle.width);
      if (entries === undefined) throw new InvalidError(`${entriesPath(bundle)} is missing, or no bundle of entries`);
      for (const [at, entry] of entries.entries()) {
        if (!equalBytes(leafHash(sha256, entry), hashes[at] ?? entry))
          throw new InvalidError(`entry ${bundle.index * TILE_WIDTH + at} is not the one in the tree`);
        if (bundle.index * TILE_WIDTH + at >= from) yield entry;
      }
    }
  }

  /** The tile, which leads to the root: each full one by its hash in the tile above. */
  async #proveTile(tile: Tile, size: number): Promise<readonly Uint8Array[]> {
    const path = tilePath(tile);
    const proven = this.#proven.get(path);
    if (proven !== undefined) return proven;
    const hashes = await this.#tile(tile);
    const above = await this.#proveTile(tileOf(TILE_LEVELS * (tile.level + 1), tile.index, size), size);
    if (!equalBytes(foldHashes(sha256, hashes), above[tile.index % TILE_WIDTH] ?? NOTHING))
      throw new InvalidError(`${path} is not the tile of the tree`);
    if (tile.level > 0) this.#proven.set(path, hashes);
    return hashes;
  }

  /** Runs `compute` on the tree's nodes; what it needs of tiles is found out by running it on none. */
  async #withNodes<T>(
    size: number,
    compute: (nodeAt: NodeAt) => T,
    tiles = new Map<string, readonly Uint8Array[]>(),
  ): Promise<T> {
    const needed = new Map<string, Tile>();
    const nothing = Array.from({ length: TILE_WIDTH }, () => new Uint8Array(32));
    compute(
      nodesFrom(sha256, size, (tile) => {
        needed.set(tilePath(tile), tile);
        return nothing;
      }),
    );
    for (const [path, tile] of needed) tiles.set(path, await this.#tile(tile));
    return compute(nodesFrom(sha256, size, (tile) => tiles.get(tilePath(tile)) ?? []));
  }

  /** Of a tile that was not full at the checkpoint, the full one does as well. */
  async #tile(tile: Tile): Promise<Uint8Array[]> {
    for (const width of [tile.width, TILE_WIDTH]) {
      const bytes = await this.#options.fetch(tilePath({ ...tile, width }), TILE_WIDTH * 32);
      if (bytes === undefined) continue;
      if (bytes.length !== width * 32)
        throw new InvalidError(`${tilePath({ ...tile, width })} has ${bytes.length} bytes`);
      return tileHashes({ width }, bytes).slice(0, tile.width);
    }
    throw new InvalidError(`${tilePath(tile)} is missing`);
  }
}

/** A file over HTTP, bounded. @throws InvalidError when it is longer; UnreachableError when the server cannot be reached or answers with an error */
export async function fetchFile(
  base: URL,
  path: string,
  maxBytes: number,
  timeoutMs: number,
): Promise<Uint8Array | undefined> {
  const url = new URL(path, base);
  const lost = (error: unknown): never => {
    throw new UnreachableError(`${url.href}: ${causeOf(error)}`);
  };
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: "error" }).catch(lost);
  if (response.status === 404) return undefined;
  if (!response.ok || response.body === null) return lost(`HTTP ${response.status}`);
  const parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  for (;;) {
    const { done, value } = await reader.read().catch(lost);
    if (done) return new Uint8Array(Buffer.concat(parts));
    sizeBytes += value.length;
    parts.push(value);
    if (sizeBytes <= maxBytes) continue;
    await reader.cancel().catch(lost);
    throw new InvalidError(`${url.href} has more than ${maxBytes} bytes`);
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
