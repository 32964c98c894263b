/**
 * The replica's store in LMDB: one transaction per group commit, so that inputs, the table of what was signed, proofs
 * and ledger are durable together or not at all.
 *
 * A store is made once, by `createStore`, when the dealer makes the party. A replica whose store has vanished must not
 * start with an empty one: it would contradict what it signed before (docs/protocols.md, section 4, "Amnesia").
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Database, type RootDatabase, open } from "lmdb";
import { type Value, bytes, decode, encode, struct, u64 } from "../core/codec.js";
import { MAX_BODY_BYTES } from "../core/envelope.js";
import type { Tag } from "../core/tag.js";
import type { Batch, LedgerEntry, Store } from "../replica/store.js";
import { beginsLikeLmdb } from "./lmdb-file.js";

const FORMAT = "abcast-store/1";

/**
 * The version of the engine whose inputs the log holds. To be raised whenever the same inputs lead elsewhere: another engine
 * that replayed them might contradict what was signed (docs/protocols.md, section 4).
 */
const ENGINE = "abcast-engine/1";

/** A store that is missing, or not one that this version can read. */
export class StoreError extends Error {
  override readonly name = "StoreError";
}

const ledgerCodec = struct({ round: u64, payload: bytes(MAX_BODY_BYTES) });

interface Tables {
  readonly root: RootDatabase<string, string>;
  readonly inputs: Database<Buffer, number>;
  readonly signed: Database<Buffer, string>;
  readonly proofs: Database<Buffer, [string, number]>;
  readonly ledger: Database<Buffer, number>;
}

function openRoot(directory: string, readOnly: boolean): RootDatabase<string, string> {
  return open<string, string>({
    path: join(directory, "store.mdb"),
    encoding: "string",
    // A commit resolves only when its pages are on disk.
    overlappingSync: false,
    readOnly,
    maxDbs: 8,
  });
}

function openTables(root: RootDatabase<string, string>): Tables {
  const table = <Key extends string | number | [string, number]>(name: string): Database<Buffer, Key> =>
    root.openDB<Buffer, Key>({ name, encoding: "binary" });
  return {
    root,
    inputs: table<number>("inputs"),
    signed: table<string>("signed"),
    proofs: table<[string, number]>("proofs"),
    ledger: table<number>("ledger"),
  };
}

/**
 * Makes an empty store in `directory`, which it creates: the explicit act that lets a party speak for the first time.
 * @throws StoreError when there is one already
 */
export async function createStore(directory: string): Promise<void> {
  if (existsSync(join(directory, "store.mdb"))) throw new StoreError(`${directory}: there is a store already`);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const root = openRoot(directory, false);
  openTables(root);
  await root.put("engine", ENGINE);
  await root.put("format", FORMAT);
  await root.close();
}

/**
 * Opens the store in `directory`; any number of read-only users beside one replica.
 * @throws StoreError when it is missing or of another format
 */
export function openStore(directory: string, { readOnly = false }: { readonly readOnly?: boolean } = {}): Store {
  if (!existsSync(join(directory, "store.mdb"))) {
    throw new StoreError(
      `${directory}: the store is missing. A party that lost its store counts as corrupted and must not speak with an empty one, nor with an older copy; bring back this very directory, or run the dealer for a new cluster`,
    );
  }
  if (!beginsLikeLmdb(join(directory, "store.mdb"))) {
    throw new StoreError(
      `${directory}: store.mdb is damaged: it is no database. A party that lost its store counts as corrupted and must not speak with an older copy; bring back this very directory, or run the dealer for a new cluster`,
    );
  }
  let root: RootDatabase<string, string>;
  try {
    root = openRoot(directory, readOnly);
  } catch (error) {
    throw new StoreError(
      `${directory}: the store cannot be opened: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  // Before the tables, which opening would create in whatever this is.
  const format = root.get("format");
  if (format !== FORMAT) {
    void root.close();
    throw new StoreError(`${directory}: the store has format ${String(format)}, this version reads ${FORMAT}`);
  }
  const engine = root.get("engine");
  if (engine !== ENGINE && !readOnly) {
    void root.close();
    throw new StoreError(
      `${directory}: the log was written by ${String(engine)}, this version is ${ENGINE} and must not replay it; run the version that wrote it`,
    );
  }
  return new LmdbStore(directory, openTables(root));
}

class LmdbStore implements Store {
  readonly #directory: string;
  readonly #tables: Tables;
  #nextInput: number;

  constructor(directory: string, tables: Tables) {
    this.#directory = directory;
    this.#tables = tables;
    const [last] = tables.inputs.getKeys({ reverse: true, limit: 1 });
    this.#nextInput = (last ?? 0) + 1;
  }

  *inputs(): Iterable<Uint8Array> {
    let expected = 1;
    for (const { key, value } of this.#tables.inputs.getRange({})) {
      if (key !== expected) throw new StoreError(`${this.#directory}: input ${expected} is missing from the log`);
      expected++;
      yield value;
    }
  }

  signed(slot: string): Uint8Array | undefined {
    return this.#tables.signed.get(slot);
  }

  signedCount(): number {
    return this.#tables.signed.getKeysCount();
  }

  proof(channel: Tag, round: number): Uint8Array | undefined {
    return this.#tables.proofs.get([channel, round]);
  }

  ledgerEntry(sequence: number): LedgerEntry | undefined {
    const value = this.#tables.ledger.get(sequence);
    return value === undefined ? undefined : this.#decodeEntry(sequence, value);
  }

  *ledger(sequence: number): Iterable<LedgerEntry> {
    for (const { key, value } of this.#tables.ledger.getRange({ start: sequence })) yield this.#decodeEntry(key, value);
  }

  #decodeEntry(sequence: number, value: Uint8Array): LedgerEntry {
    const entry = decode(ledgerCodec, value);
    if (!entry.ok) throw new StoreError(`${this.#directory}: ledger entry ${sequence} is damaged: ${entry.error}`);
    return { sequence, ...(entry.value satisfies Value<typeof ledgerCodec>) };
  }

  async commit(batch: Batch): Promise<void> {
    const { root, inputs, signed, proofs, ledger } = this.#tables;
    // Before the transaction: what is put in it stays in it, also when its function throws.
    const entries = batch.ledger.map(({ sequence, ...entry }) => ({ sequence, value: encode(ledgerCodec, entry) }));
    await root.transaction(() => {
      for (const input of batch.inputs) void inputs.put(this.#nextInput++, asBuffer(input));
      for (const { slot, digest } of batch.signed) void signed.put(slot, asBuffer(digest));
      for (const { channel, round, envelope } of batch.proofs) void proofs.put([channel, round], asBuffer(envelope));
      for (const { sequence, value } of entries) void ledger.put(sequence, asBuffer(value));
    });
    await root.flushed;
  }

  async close(): Promise<void> {
    await this.#tables.root.close();
  }
}

function asBuffer(bytes_: Uint8Array): Buffer {
  return Buffer.from(bytes_.buffer, bytes_.byteOffset, bytes_.byteLength);
}
