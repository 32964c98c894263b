/** The tables of the store, in LMDB. Each value begins with a checksum of the table's name, its key and itself. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { type Database, type RootDatabase, open } from "lmdb";
import {
  type Codec,
  type Value,
  atMost,
  bytes,
  decode,
  encode,
  fixedBytes,
  optional,
  struct,
  u32,
  u64,
  union,
} from "../../core/codec.js";
import { MAX_BODY_BYTES } from "../../core/envelope.js";
import { type BatchName, MAX_BATCH_BYTES } from "../../core/protocol.js";
import { type Tag, tagCodec } from "../../core/tag.js";
import { beginsLikeLmdb } from "../lmdb-file.js";
import { filedBatchCodec } from "./batch-format.js";
import type { Disk, WritePoint } from "./disk.js";
import { StorageError, damaged, failed, missing } from "./errors.js";
import { STORE_ID_BYTES } from "./log-format.js";

export const FORMAT = "abcast-storage/6";

/**
 * The version of the engine whose inputs the log holds. To be raised whenever the same inputs lead elsewhere: another engine
 * that replayed them might contradict what was signed (docs/protocols.md, section 4).
 */
export const ENGINE = "abcast-engine/6";

const TABLES_FILE = "store.mdb";
const CRC_BYTES = 4;
const NO_BYTES = new Uint8Array(0);
/** Above what a checkpoint's own part can be. */
const MAX_PART_BYTES = 1 << 30;

export const MAX_LEDGER_PAYLOAD_BYTES = MAX_BODY_BYTES;
const batchPlaceCodec = struct({
  channel: tagCodec,
  name: struct({ lane: u32, height: u64, digest: fixedBytes(32) }),
  offset: atMost(u32, MAX_BATCH_BYTES),
  sizeBytes: atMost(u32, MAX_BATCH_BYTES),
});
/** Where a payload is in a batch that is kept, or its bytes, of which there are none then. */
export const ledgerCodec = struct({
  round: u64,
  timeMs: optional(u64),
  place: optional(batchPlaceCodec),
  payload: bytes(MAX_LEDGER_PAYLOAD_BYTES),
});
/** What stands before the payload. */
export const ledgerHeadCodec = struct({
  round: u64,
  timeMs: optional(u64),
  place: optional(batchPlaceCodec),
  payloadBytes: atMost(u32, MAX_LEDGER_PAYLOAD_BYTES),
});

export const checkpointCodec = struct({
  summary: bytes(MAX_PART_BYTES),
  chunkHashes: bytes(MAX_PART_BYTES),
  input: u64,
  local: bytes(MAX_PART_BYTES),
});

/** A batch's bytes, or where they are. */
export const batchCodec = union({
  inline: struct({ digest: fixedBytes(32), bytes: bytes(MAX_BATCH_BYTES) }),
  filed: filedBatchCodec,
});
export type BatchRow = Value<typeof batchCodec>;

/** The key of a batch, whose digest its value has. */
export function batchKey(channel: Tag, { lane, height }: Pick<BatchName, "lane" | "height">): [number, string] {
  return [height, `${channel}/${lane}`];
}

/** What the store knows of itself. */
export const stateCodec = struct({
  storeId: fixedBytes(STORE_ID_BYTES),
  /** The round of the checkpoint to start from; 0: from nothing. */
  baseRound: u64,
  /** No input up to this one is ever replayed. */
  startInput: u64,
  appliedInput: u64,
  /** The greatest round of which anything that was forgotten was signed. */
  forgottenRound: u64,
});

export interface State {
  readonly storeId: Uint8Array;
  readonly baseRound: number;
  readonly startInput: number;
  readonly appliedInput: number;
  readonly forgottenRound: number;
}

type Key = string | number | [number, string] | [number];

/** One table. Values that come out are memory of their own. */
export class Table<K extends string | number | [number, string]> {
  readonly name: string;
  readonly #db: Database<Buffer, Key>;
  readonly #path: string;

  constructor(root: RootDatabase<string, string>, name: string, path: string) {
    this.name = name;
    this.#path = path;
    this.#db = root.openDB<Buffer, Key>({ name, encoding: "binary" });
  }

  /** @throws StorageError when the value is damaged, as all that read */
  get(key: K): Uint8Array | undefined {
    const value = this.#db.get(key);
    return value === undefined ? undefined : this.#check(key, value);
  }

  has(key: K): boolean {
    return this.#db.doesExist(key);
  }

  /** Ascending; `start` is the first, or may be a prefix of keys. */
  *entries(start?: K | [number]): Iterable<{ readonly key: K; readonly value: Uint8Array }> {
    for (const { key, value } of this.#db.getRange(start === undefined ? {} : { start })) {
      yield { key: key as K, value: this.#check(key as K, value) };
    }
  }

  *keys(end?: K | [number]): Iterable<K> {
    for (const key of this.#db.getKeys(end === undefined ? {} : { end })) yield key as K;
  }

  lastKey(): K | undefined {
    const [last] = this.#db.getKeys({ reverse: true, limit: 1 });
    return last as K | undefined;
  }

  /** The greatest that is at most `key`. */
  lastKeyUpTo(key: K): K | undefined {
    const [last] = this.#db.getKeys({ reverse: true, limit: 1, start: key });
    return last as K | undefined;
  }

  get size(): number {
    return this.#db.getKeysCount();
  }

  /** A value, which may come in two parts. */
  put(key: K, value: Uint8Array, rest: Uint8Array = NO_BYTES): void {
    const sealed = Buffer.allocUnsafe(CRC_BYTES + value.length + rest.length);
    sealed.set(value, CRC_BYTES);
    sealed.set(rest, CRC_BYTES + value.length);
    sealed.writeUInt32BE(this.#crc(key, sealed.subarray(CRC_BYTES)), 0);
    void this.#db.put(key, sealed);
  }

  remove(key: K): void {
    void this.#db.remove(key);
  }

  decode<T>(codec: Codec<T>, key: K, value: Uint8Array): T {
    const decoded = decode(codec, value);
    if (!decoded.ok) throw this.#damaged(key, decoded.error);
    return decoded.value;
  }

  #check(key: K, sealed: Buffer): Uint8Array {
    const value = sealed.subarray(CRC_BYTES);
    if (sealed.length < CRC_BYTES || sealed.readUInt32BE(0) !== this.#crc(key, value)) {
      throw this.#damaged(key, "a wrong checksum");
    }
    return value;
  }

  #crc(key: K, value: Uint8Array): number {
    return crc32(value, crc32(`${this.name}/${String(key)}/`));
  }

  #damaged(key: K, problem: string): StorageError {
    return damaged(`${this.#path}: table ${this.name}, key ${String(key)}`, problem);
  }
}

export class Tables {
  /** The store's. */
  readonly directory: string;
  readonly path: string;
  readonly #root: RootDatabase<string, string>;
  readonly signed: Table<[number, string]>;
  readonly proofs: Table<[number, string]>;
  readonly ledger: Table<number>;
  readonly checkpoints: Table<number>;
  readonly certificates: Table<number>;
  /** By the hash, in hexadecimal. */
  readonly chunks: Table<string>;
  /** By `batchKey`. */
  readonly batches: Table<[number, string]>;
  readonly meta: Table<string>;
  readonly own: Table<string>;

  private constructor(directory: string, root: RootDatabase<string, string>) {
    const path = join(directory, TABLES_FILE);
    this.directory = directory;
    this.path = path;
    this.#root = root;
    this.signed = new Table(root, "signed", path);
    this.proofs = new Table(root, "proofs", path);
    this.ledger = new Table(root, "ledger", path);
    this.checkpoints = new Table(root, "checkpoints", path);
    this.certificates = new Table(root, "certificates", path);
    this.chunks = new Table(root, "chunks", path);
    this.batches = new Table(root, "batches", path);
    this.meta = new Table(root, "meta", path);
    this.own = new Table(root, "own", path);
  }

  static async create(directory: string, state: State): Promise<Tables> {
    const root = openRoot(join(directory, TABLES_FILE), false);
    const tables = new Tables(directory, root);
    await root.transaction(() => {
      tables.putState(state);
      void root.put("engine", ENGINE);
      void root.put("format", FORMAT);
    });
    await root.flushed;
    return tables;
  }

  /** @throws StorageError when they are missing, damaged at the beginning, or of another format */
  static open(directory: string, readOnly: boolean): Tables {
    const path = join(directory, TABLES_FILE);
    if (!existsSync(path)) throw missing(directory, "the store is missing");
    if (!beginsLikeLmdb(path)) throw damaged(path, "it is no database");
    let root: RootDatabase<string, string>;
    try {
      root = openRoot(path, readOnly);
    } catch (error) {
      throw failed(path, "opening", error);
    }
    // Before the tables, which opening would create in whatever this is.
    const format = root.get("format");
    if (format !== FORMAT) {
      void root.close();
      throw new StorageError(`${directory}: ${formatProblem(format)}`);
    }
    return new Tables(directory, root);
  }

  get engine(): string {
    return String(this.#root.get("engine"));
  }

  state(): State {
    const value = this.own.get("state");
    if (value === undefined) throw damaged(this.path, "the store's own state is missing");
    return this.own.decode(stateCodec, "state", value);
  }

  /** Within a transaction, as all that write. */
  putState(state: State): void {
    this.own.put("state", encode(stateCodec, state));
  }

  putEngine(): void {
    void this.#root.put("engine", ENGINE);
  }

  /** Later reads see what was written until now, by whomever; without it they may see what was there when the present turn of the event loop began. */
  refresh(): void {
    this.#root.resetReadTxn();
  }

  /**
   * Durable when it resolves. What `change` did stays also when it throws: it must not.
   * @param change is given what to call when half of it is done
   */
  async transact(disk: Disk, point: WritePoint, change: (midway: () => void) => void): Promise<void> {
    try {
      await disk.transact(point, async (midway) => {
        await this.#root.transaction(() => change(midway));
        await this.#root.flushed;
      });
    } catch (error) {
      throw failed(this.path, `writing (${point})`, error);
    }
  }

  get sizeBytes(): number {
    return statSync(this.path).size;
  }

  async close(): Promise<void> {
    await this.#root.close();
  }
}

function openRoot(path: string, readOnly: boolean): RootDatabase<string, string> {
  return open<string, string>({
    path,
    encoding: "string",
    // A transaction resolves only when its pages are on disk.
    overlappingSync: false,
    readOnly,
    maxDbs: 12,
  });
}

function formatProblem(format: string | undefined): string {
  if (format === "abcast-store/1") {
    return `the store has format ${format}, of an earlier version, and this one reads ${FORMAT}: run the version that made it, or run the dealer for a new cluster`;
  }
  return `the store has format ${String(format)}, this version reads ${FORMAT}`;
}
