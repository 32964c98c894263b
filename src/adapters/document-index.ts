/**
 * Where in the log each document of the notary is, by digest and by number: one LMDB file. It follows from the ledger, and is made again
 * when it is missing or damaged; so it is written behind, and what a crash keeps from it is added at the next start.
 */
import { rmSync, existsSync } from "node:fs";
import { type Database, open, type RootDatabase } from "lmdb";
import { equalBytes, toHex } from "../core/bytes.js";
import { type Value, decode, encode, fixedBytes, optional, struct, u32, u64 } from "../core/codec.js";
import { beginsLikeLmdb } from "./lmdb-file.js";

/** Between two writes. */
const FLUSH_MS = 500;

const rowCodec = struct({
  /** Of the payload. */
  number: u64,
  /** In its request. */
  index: u32,
  round: u64,
  /** The round's; undefined where rounds have none. */
  timeMs: optional(u64),
  digest: fixedBytes(32),
  client: fixedBytes(32),
});

/** A document that was notarised. */
export interface IndexedDocument extends Value<typeof rowCodec> {
  /** Its place in the notary's log, from 0 on. */
  readonly logIndex: number;
}

const stateCodec = struct({ version: u32, cluster: fixedBytes(32), sequence: u64, documents: u64 });
const VERSION = 2;
const STATE = "state";

export interface NewDocument {
  readonly digest: Uint8Array;
  readonly client: Uint8Array;
}

export interface DocumentIndexOptions {
  readonly path: string;
  readonly cluster: Uint8Array;
  /** It could not be written: from then on it has what it had. */
  readonly onError: (error: unknown) => void;
}

type Key = string | number;

export class DocumentIndex {
  readonly #options: DocumentIndexOptions;
  readonly #root: RootDatabase<Buffer, Key>;
  /** By place in the notary's log. */
  readonly #rows: Database<Buffer, Key>;
  /** The place of the first document of each payload that has some. */
  readonly #numbers: Database<number, Key>;
  /** The place of the first document with this digest, in hexadecimal. */
  readonly #digests: Database<number, Key>;
  /** What is not written yet, ascending. */
  #pending: IndexedDocument[] = [];
  readonly #pendingDigests = new Map<string, IndexedDocument>();
  #sequence = 0;
  #documents = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #isBroken = false;
  readonly #listeners = new Set<() => void>();

  static async open(options: DocumentIndexOptions): Promise<DocumentIndex> {
    const { path } = options;
    if (existsSync(path) && !beginsLikeLmdb(path)) remove(path);
    const index = new DocumentIndex(options);
    if (index.#load()) return index;
    await index.#root.close();
    remove(path);
    return new DocumentIndex(options);
  }

  private constructor(options: DocumentIndexOptions) {
    this.#options = options;
    this.#root = open<Buffer, Key>({ path: options.path, noSubdir: true, encoding: "binary", overlappingSync: false });
    this.#rows = this.#root.openDB<Buffer, Key>({ name: "rows", encoding: "binary" });
    this.#numbers = this.#root.openDB<number, Key>({ name: "numbers", encoding: "ordered-binary" });
    this.#digests = this.#root.openDB<number, Key>({ name: "digests", encoding: "ordered-binary" });
  }

  /** False when it is another's, or none that this version reads. */
  #load(): boolean {
    const bytes = this.#root.get(STATE);
    if (bytes === undefined) return true;
    const state = decode(stateCodec, bytes);
    if (!state.ok || state.value.version !== VERSION || !equalBytes(state.value.cluster, this.#options.cluster))
      return false;
    this.#sequence = state.value.sequence;
    this.#documents = state.value.documents;
    return true;
  }

  /** Payloads up to this one are in it, but for those that `skipTo` left out. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Documents in the notary's log up to there. */
  get documents(): number {
    return this.#documents;
  }

  /** The documents of a payload, which may be none. */
  append(at: Pick<IndexedDocument, "number" | "round" | "timeMs">, documents: readonly NewDocument[]): void {
    if (this.#isBroken) return;
    if (at.number <= this.#sequence) throw new RangeError(`payload ${at.number} came after payload ${this.#sequence}`);
    this.#sequence = at.number;
    for (const [index, { digest, client }] of documents.entries()) {
      const { number, round, timeMs } = at;
      const document = { number, index, round, timeMs, digest, client, logIndex: this.#documents++ };
      this.#pending.push(document);
      const key = toHex(digest);
      if (!this.#pendingDigests.has(key)) this.#pendingDigests.set(key, document);
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, FLUSH_MS).unref();
    if (documents.length > 0) for (const listener of this.#listeners) listener();
  }

  /** Payloads up to this one, with which the notary's log has so many documents, are not to be had. */
  skipTo(sequence: number, documents: number): void {
    this.#sequence = sequence;
    this.#documents = documents;
  }

  /** Calls `listener` when there are more documents, until the result is called. */
  onMore(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The first with this digest. */
  byDigest(digest: Uint8Array): IndexedDocument | undefined {
    const key = toHex(digest);
    const place = this.#digests.get(key);
    return place === undefined ? this.#pendingDigests.get(key) : this.#row(place);
  }

  /** Of the payload with this number. */
  byNumber(number: number): IndexedDocument[] {
    return this.from(number, 1).filter((document) => document.number === number);
  }

  /** From the payload with this number on, ascending: `limit` documents, and what else the payload of the last one has. */
  from(number: number, limit: number): IndexedDocument[] {
    const found: IndexedDocument[] = [];
    const isFull = (next: IndexedDocument): boolean => found.length >= limit && found.at(-1)?.number !== next.number;
    const [pending] = this.#pending;
    const [start] = [...this.#numbers.getRange({ start: number, limit: 1 })];
    if (start !== undefined) {
      for (const { key, value } of this.#rows.getRange({ start: start.value })) {
        // What is written just now is there twice.
        if (Number(key) >= (pending?.logIndex ?? Infinity)) break;
        const document = rowOf(Number(key), value);
        if (isFull(document)) return found;
        found.push(document);
      }
    }
    for (const document of this.#pending) {
      if (document.number < number) continue;
      if (isFull(document)) break;
      found.push(document);
    }
    return found;
  }

  #row(place: number): IndexedDocument | undefined {
    const bytes = this.#rows.get(place);
    return bytes && rowOf(place, bytes);
  }

  /** Resolves when what was appended before is written, or never will be. */
  async flush(): Promise<void> {
    await this.#writing;
    this.#writing = this.#write().catch((error: unknown) => {
      this.#isBroken = true;
      this.#pending = [];
      this.#pendingDigests.clear();
      this.#options.onError(error);
    });
    await this.#writing;
  }

  async #write(): Promise<void> {
    if (this.#isBroken) return;
    const [documents, sequence, count] = [[...this.#pending], this.#sequence, this.#documents];
    await this.#root.transaction(() => {
      for (const document of documents) this.#put(document);
      const state = { version: VERSION, cluster: this.#options.cluster, sequence, documents: count };
      void this.#root.put(STATE, Buffer.from(encode(stateCodec, state)));
    });
    this.#pending = this.#pending.slice(documents.length);
    for (const document of documents) {
      const key = toHex(document.digest);
      if (this.#pendingDigests.get(key) === document) this.#pendingDigests.delete(key);
    }
  }

  /** In a transaction. */
  #put(document: IndexedDocument): void {
    const { logIndex, number, index } = document;
    void this.#rows.put(logIndex, Buffer.from(encode(rowCodec, document)));
    if (index === 0) void this.#numbers.put(number, logIndex);
    this.#digests.putSync(toHex(document.digest), logIndex, { noOverwrite: true });
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
    await this.#root.close();
  }
}

function rowOf(logIndex: number, bytes: Uint8Array): IndexedDocument {
  // A copy: the database uses its memory again.
  const row = decode(rowCodec, new Uint8Array(bytes));
  if (!row.ok) throw new Error(`document ${logIndex} of the index is damaged: ${row.error}`);
  return { ...row.value, logIndex };
}

function remove(path: string): void {
  rmSync(path, { force: true });
  rmSync(`${path}-lock`, { force: true });
}
