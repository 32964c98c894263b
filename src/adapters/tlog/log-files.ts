/**
 * A transparency log as static files (C2SP tlog-tiles): tiles and bundles of entries, and `state.json`, which says how far they go. The
 * files follow from the entries, and can be made again; so nothing here is synced.
 */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { concat } from "../../core/bytes.js";
import {
  type Frontier,
  HASH_BYTES,
  type Hash,
  TILE_WIDTH,
  type Tile,
  decodeBundle,
  encodeBundle,
  entriesPath,
  foldHashes,
  leafHash,
  rootOf,
  tileHashes,
  tilePath,
} from "../../tlog/index.js";

/** Tile levels of a log with 2^53 entries. */
const MAX_LEVELS = 7;

interface State {
  /** Entries. */
  readonly size: number;
  /** The last payload of the ledger that is in it. */
  readonly sequence: number;
}

/** What is in the way of going on with the files that are there. */
export class LogFilesError extends Error {
  override readonly name = "LogFilesError";
}

export class LogFiles {
  readonly #directory: string;
  readonly #hash: Hash;
  #sequence: number;
  #size: number;
  /** By tile level: the hashes of the last tile, while it is not full. */
  readonly #edges: Uint8Array[][];
  /** Of the last bundle, while it is not full. */
  #entries: Uint8Array[];
  /** Files that are full and not written yet. */
  readonly #full = new Map<string, Uint8Array>();

  /** @throws LogFilesError when the files are not those of a log, Error of the operating system */
  static async open(directory: string, hash: Hash): Promise<LogFiles> {
    const text = await readFile(join(directory, "state.json"), "utf8").catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    const state = text === undefined ? { size: 0, sequence: 0 } : parseState(text);
    if (state === undefined) throw new LogFilesError(`${join(directory, "state.json")} is damaged`);
    const edges: Uint8Array[][] = [];
    for (let level = 0; level < MAX_LEVELS; level++) {
      const hashes = Math.floor(state.size / TILE_WIDTH ** level);
      const width = hashes % TILE_WIDTH;
      const tile = { level, index: Math.floor(hashes / TILE_WIDTH), width };
      edges.push(width === 0 ? [] : tileHashes(tile, await read(directory, tilePath(tile), width * HASH_BYTES)));
    }
    const width = state.size % TILE_WIDTH;
    const path = entriesPath({ index: Math.floor(state.size / TILE_WIDTH), width });
    const entries = width === 0 ? [] : decodeBundle(await read(directory, path), width);
    if (entries === undefined) throw new LogFilesError(`${join(directory, path)} is damaged`);
    return new LogFiles(directory, hash, state, edges, entries);
  }

  private constructor(directory: string, hash: Hash, state: State, edges: Uint8Array[][], entries: Uint8Array[]) {
    this.#directory = directory;
    this.#hash = hash;
    this.#size = state.size;
    this.#sequence = state.sequence;
    this.#edges = edges;
    this.#entries = entries;
  }

  get size(): number {
    return this.#size;
  }

  /** Payloads of the ledger up to this one are in it. */
  get sequence(): number {
    return this.#sequence;
  }

  get root(): Uint8Array {
    return rootOf(this.#hash, this.#frontier());
  }

  #frontier(): Frontier {
    const subtrees: Uint8Array[] = [];
    for (const edge of this.#edges.toReversed()) {
      let from = 0;
      for (let count = TILE_WIDTH / 2; count >= 1; count /= 2) {
        if ((edge.length & count) === 0) continue;
        subtrees.push(foldHashes(this.#hash, edge.slice(from, from + count)));
        from += count;
      }
    }
    return { size: this.#size, subtrees };
  }

  /** The hashes of a tile, written or not. @throws LogFilesError when there are not so many, or the file is gone */
  async tile({ level, index, width }: Tile): Promise<readonly Uint8Array[]> {
    const path = tilePath({ level, index, width: TILE_WIDTH });
    const isLast = index === Math.floor(this.#size / TILE_WIDTH ** (level + 1));
    const unwritten = this.#full.get(path);
    const hashes = isLast
      ? (this.#edges[level] ?? [])
      : tileHashes({ width: TILE_WIDTH }, unwritten ?? (await read(this.#directory, path, TILE_WIDTH * HASH_BYTES)));
    if (hashes.length < width) throw new LogFilesError(`${path} has ${hashes.length} hashes where ${width} are needed`);
    return hashes.slice(0, width);
  }

  /** The entries of the payload with this number, of which there may be none. Not written before `publish`. */
  append(sequence: number, entries: readonly Uint8Array[]): void {
    if (sequence !== this.#sequence + 1)
      throw new LogFilesError(`payload ${sequence} came after payload ${this.#sequence}: the log has a gap`);
    this.#sequence = sequence;
    for (const entry of entries) this.#add(entry);
  }

  #add(entry: Uint8Array): void {
    this.#entries.push(entry);
    const index = Math.floor(this.#size / TILE_WIDTH);
    if (this.#entries.length === TILE_WIDTH) {
      this.#full.set(entriesPath({ index, width: TILE_WIDTH }), encodeBundle(this.#entries));
      this.#entries = [];
    }
    this.#put(0, leafHash(this.#hash, entry), index);
    this.#size += 1;
  }

  #put(level: number, hash: Uint8Array, index: number): void {
    const edge = (this.#edges[level] ??= []);
    edge.push(hash);
    if (edge.length < TILE_WIDTH) return;
    this.#full.set(tilePath({ level, index, width: TILE_WIDTH }), concat(...edge));
    this.#edges[level] = [];
    this.#put(level + 1, foldHashes(this.#hash, edge), Math.floor(index / TILE_WIDTH));
  }

  /** Writes what is new, then the checkpoint's signed note, when there is one: it tells of nothing that is not there. */
  async publish(note: string | undefined): Promise<void> {
    const [size, sequence] = [this.#size, this.#sequence];
    const files = [...this.#full, ...this.#partial()];
    for (const [path, bytes] of files) await this.#write(path, bytes);
    await this.#write("state.json", JSON.stringify({ format: "abcast-log-files/1", size, sequence }));
    if (note !== undefined) await this.#write("checkpoint", note);
    for (const [path] of files) {
      if (!this.#full.delete(path)) continue;
      // A full one stands for all that it was before.
      await rm(join(this.#directory, `${path}.p`), { recursive: true, force: true });
    }
  }

  *#partial(): Generator<[string, Uint8Array]> {
    for (const [level, edge] of this.#edges.entries()) {
      if (edge.length === 0) continue;
      const index = Math.floor(this.#size / TILE_WIDTH ** (level + 1));
      yield [tilePath({ level, index, width: edge.length }), concat(...edge)];
    }
    const width = this.#entries.length;
    if (width > 0)
      yield [entriesPath({ index: Math.floor(this.#size / TILE_WIDTH), width }), encodeBundle(this.#entries)];
  }

  async #write(path: string, content: Uint8Array | string): Promise<void> {
    const file = join(this.#directory, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.tmp`, content);
    await rename(`${file}.tmp`, file);
  }
}

function parseState(text: string): State | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  if (typeof value !== "object" || value === null || !("size" in value) || !("sequence" in value)) return undefined;
  const { size, sequence } = value;
  const isCount = (count: unknown): count is number => Number.isSafeInteger(count) && Number(count) >= 0;
  return isCount(size) && isCount(sequence) ? { size, sequence } : undefined;
}

async function read(directory: string, path: string, sizeBytes?: number): Promise<Uint8Array> {
  const bytes = await readFile(join(directory, path)).catch((error: unknown) => {
    if (isMissing(error)) throw new LogFilesError(`${join(directory, path)} is missing`);
    throw error;
  });
  if (sizeBytes !== undefined && bytes.length !== sizeBytes)
    throw new LogFilesError(`${join(directory, path)} has ${bytes.length} bytes where ${sizeBytes} are needed`);
  return new Uint8Array(bytes);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
