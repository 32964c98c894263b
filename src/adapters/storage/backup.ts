/**
 * A backup: the latest certified checkpoint with its chunks, the proofs and the ledger, in one file. Nothing in it lets a party
 * speak: what it signed and heard is not there, and what is restored from it is silent until the others have delivered its rejoin.
 *
 *     "abcast-backup/2\n", then items: length u32 | kind u8 | content, the last of kind `end` with the SHA-256 of all before it
 */
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { equalBytes, toHex } from "../../core/bytes.js";
import { type Value, bytes, decode, encode, fixedBytes, optional, struct, u64, union } from "../../core/codec.js";
import { MAX_BODY_BYTES } from "../../core/envelope.js";
import { tagCodec } from "../../core/tag.js";
import { REJOIN_RANDOM_BYTES, rejoinNonce } from "../../replica/machine/index.js";
import { OWNER, type StoreOwner, encodeOwner } from "../../replica/store-owner.js";
import { realDisk } from "./disk.js";
import { StorageError } from "./errors.js";
import { createStorage } from "./index.js";
import { Reader, hashesIn, sha256 } from "./reader.js";
import { Tables, checkpointCodec, ledgerCodec } from "./tables.js";

const MAGIC = Buffer.from("abcast-backup/2\n", "latin1");
const MAX_LIST_BYTES = 1 << 28;
const MAX_ITEM_BYTES = MAX_LIST_BYTES + (1 << 20);

const itemCodec = union({
  checkpoint: struct({
    round: u64,
    summary: bytes(MAX_BODY_BYTES),
    chunkHashes: bytes(MAX_LIST_BYTES),
    certificate: bytes(MAX_BODY_BYTES),
  }),
  chunk: struct({ bytes: bytes(MAX_BODY_BYTES) }),
  proof: struct({ channel: tagCodec, round: u64, envelope: bytes(2 * MAX_BODY_BYTES) }),
  entry: struct({ sequence: u64, round: u64, timeMs: optional(u64), payload: bytes(MAX_BODY_BYTES) }),
  end: struct({ digest: fixedBytes(32) }),
});

type Item = Value<typeof itemCodec>;

/** The name of the meta value that makes a replica silent until its rejoin with this nonce was delivered. */
export const REJOIN_META = "rejoin";
export const REJOIN_NONCE_BYTES = 32;

export interface BackupContent {
  /** Of the checkpoint; 0: there is none. */
  readonly round: number;
  readonly chunks: number;
  readonly proofs: number;
  readonly entries: number;
}

/**
 * Writes a backup of the store in `directory` to `file`, which must not exist. The replica may be running: all is read in one
 * go, from one state of the tables and the files of batches that are there then.
 */
export async function backUp(directory: string, file: string): Promise<BackupContent> {
  const reader = new Reader(Tables.open(directory, true));
  try {
    const out = openSync(file, "wx", 0o600);
    try {
      return writeItems(out, itemsOf(reader));
    } finally {
      closeSync(out);
    }
  } finally {
    await reader.close();
  }
}

function* itemsOf(reader: Reader): Iterable<Item> {
  const { tables } = reader;
  reader.hold();
  const checkpoint = reader.checkpoints().findLast(({ certificate }) => certificate !== undefined);
  if (checkpoint?.certificate !== undefined) {
    const { round, summary, chunkHashes, certificate } = checkpoint;
    yield { kind: "checkpoint", round, summary, chunkHashes, certificate };
    for (const hash of hashesIn(chunkHashes)) {
      const chunk = reader.chunk(hash);
      if (chunk === undefined) throw new StorageError(`${tables.path}: chunk ${toHex(hash)} is missing`);
      yield { kind: "chunk", bytes: chunk };
    }
  }
  for (const { key, value } of tables.proofs.entries()) {
    yield { kind: "proof", channel: key[1], round: key[0], envelope: value };
  }
  let last: number | undefined;
  for (const entry of reader.ledger(0)) {
    if (last !== undefined && entry.sequence !== last + 1)
      throw new StorageError(
        `${tables.path}: ledger entry ${entry.sequence} after ${last}: others were forgotten while they were read. Try again; if that does not help, see what abcast fsck says`,
      );
    last = entry.sequence;
    yield { kind: "entry", ...entry };
  }
}

function writeItems(out: number, items: Iterable<Item>): BackupContent {
  const hash = createHash("sha256");
  const counter = new Counter();
  const write = (part: Uint8Array): void => {
    for (let done = 0; done < part.length;) done += writeSync(out, part, done);
  };
  hash.update(MAGIC);
  write(MAGIC);
  for (const item of items) {
    counter.count(item);
    const framed = frame(item);
    hash.update(framed);
    write(framed);
  }
  write(frame({ kind: "end", digest: hash.digest() }));
  return counter;
}

function frame(item: Item): Buffer {
  const content = encode(itemCodec, item);
  const framed = Buffer.allocUnsafe(4 + content.length);
  framed.writeUInt32BE(content.length, 0);
  framed.set(content, 4);
  return framed;
}

class Counter implements BackupContent {
  round = 0;
  chunks = 0;
  proofs = 0;
  entries = 0;

  count(item: Item): void {
    if (item.kind === "checkpoint") this.round = item.round;
    else if (item.kind === "chunk") this.chunks++;
    else if (item.kind === "proof") this.proofs++;
    else if (item.kind === "entry") this.entries++;
  }
}

/** Reads all of a backup and checks it. @throws StorageError when it is not whole */
export function verifyBackup(file: string): BackupContent {
  const counter = new Counter();
  for (const item of readItems(file)) counter.count(item);
  return counter;
}

/**
 * Makes a store from a backup, which is read twice: whole before anything is written. It is marked with a fresh nonce, and with
 * its owner where that is known.
 * @throws StorageError when the backup is not whole, or there is a store already
 */
export async function restore(
  file: string,
  directory: string,
  owner?: StoreOwner,
): Promise<BackupContent & { readonly nonce: Uint8Array }> {
  const content = verifyBackup(file);
  const nonce = rejoinNonce(Date.now(), randomBytes(REJOIN_RANDOM_BYTES));
  await createStorage(directory, (tables) => fill(tables, readItems(file), { nonce, owner }));
  const { round, chunks, proofs, entries } = content;
  return { round, chunks, proofs, entries, nonce };
}

/** An empty store for a party that has lost its own. @throws StorageError when there is one already */
export async function createRejoining(directory: string, owner?: StoreOwner): Promise<{ readonly nonce: Uint8Array }> {
  const nonce = rejoinNonce(Date.now(), randomBytes(REJOIN_RANDOM_BYTES));
  await createStorage(directory, (tables) => fill(tables, [], { nonce, owner }));
  return { nonce };
}

/** So many items go into one transaction: the store has no name yet, so that it need not be all at once. */
const ITEMS_AT_ONCE = 1000;

interface Marks {
  readonly nonce: Uint8Array;
  /** Undefined: who starts with the store first. */
  readonly owner: StoreOwner | undefined;
}

async function fill(tables: Tables, items: Iterable<Item>, { nonce, owner }: Marks): Promise<void> {
  let waiting: Item[] = [];
  const flush = async (): Promise<void> => {
    const batch = waiting;
    waiting = [];
    await tables.transact(realDisk, "tables.commit", () => {
      for (const item of batch) put(tables, item);
    });
  };
  await tables.transact(realDisk, "meta.put", () => {
    tables.meta.put(REJOIN_META, nonce);
    if (owner !== undefined) tables.meta.put(OWNER, encodeOwner(owner));
  });
  for (const item of items) {
    waiting.push(item);
    if (waiting.length === ITEMS_AT_ONCE) await flush();
  }
  await flush();
}

function put(tables: Tables, item: Item): void {
  switch (item.kind) {
    case "checkpoint":
      tables.checkpoints.put(item.round, encode(checkpointCodec, { ...item, input: 0, local: new Uint8Array() }));
      tables.certificates.put(item.round, item.certificate);
      tables.putState({ ...tables.state(), baseRound: item.round });
      return;
    case "chunk":
      return tables.chunks.put(toHex(sha256(item.bytes)), item.bytes);
    case "proof":
      return tables.proofs.put([item.round, item.channel], item.envelope);
    case "entry":
      return tables.ledger.put(item.sequence, encode(ledgerCodec, { ...item, place: undefined }));
    case "end":
      return;
  }
}

/** All items but the end; they may be trusted when the last was given. @throws StorageError at whatever does not fit */
function* readItems(file: string): Iterable<Item> {
  const input = openSync(file, "r");
  try {
    const hash = createHash("sha256");
    const magic = readAll(input, MAGIC.length);
    if (!magic.equals(MAGIC)) throw new StorageError(`${file}: is no backup of the format abcast-backup/2`);
    hash.update(magic);
    const order = new Order(file);
    for (let number = 1; ; number++) {
      const { item, framed } = readItem(input, `${file}: item ${number}`);
      if (item.kind === "end") {
        if (!equalBytes(item.digest, hash.digest())) throw new StorageError(`${file}: the backup has a wrong checksum`);
        if (readAll(input, 1).length > 0) throw new StorageError(`${file}: something follows the backup's end`);
        order.end();
        return;
      }
      hash.update(framed);
      order.next(item, number);
      yield item;
    }
  } finally {
    closeSync(input);
  }
}

function readItem(input: number, place: string): { readonly item: Item; readonly framed: Buffer } {
  const length = readAll(input, 4);
  const sizeBytes = length.length === 4 ? length.readUInt32BE(0) : 0;
  if (sizeBytes === 0 || sizeBytes > MAX_ITEM_BYTES)
    throw new StorageError(`${place}: the backup is cut off or damaged`);
  const content = readAll(input, sizeBytes);
  const item = decode(itemCodec, content);
  if (content.length < sizeBytes || !item.ok) throw new StorageError(`${place}: the backup is cut off or damaged`);
  return { item: item.value, framed: Buffer.concat([length, content]) };
}

/** That the chunks are those of the checkpoint, and the ledger has no gaps. */
class Order {
  readonly #file: string;
  #hashes: Uint8Array[] = [];
  #sequence: number | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  next(item: Item, number: number): void {
    const refuse = (what: string): never => {
      throw new StorageError(`${this.#file}: item ${number}: ${what}`);
    };
    if (item.kind === "checkpoint") {
      if (number !== 1 || item.round === 0) refuse("a checkpoint where none may be");
      this.#hashes = [...hashesIn(item.chunkHashes)].toReversed();
    } else if (item.kind === "chunk") {
      const expected = this.#hashes.pop();
      if (expected === undefined || !equalBytes(expected, sha256(item.bytes))) refuse("the chunk has another hash");
    } else if (item.kind === "entry") {
      if (this.#sequence !== undefined && item.sequence !== this.#sequence + 1) {
        refuse(`ledger entry ${item.sequence} after ${this.#sequence}`);
      }
      this.#sequence = item.sequence;
    }
  }

  end(): void {
    if (this.#hashes.length > 0) throw new StorageError(`${this.#file}: chunks of the checkpoint are missing`);
  }
}

function readAll(input: number, sizeBytes: number): Buffer {
  const content = Buffer.allocUnsafe(sizeBytes);
  let done = 0;
  while (done < sizeBytes) {
    const count = readSync(input, content, done, sizeBytes - done, null);
    if (count === 0) break;
    done += count;
  }
  return content.subarray(0, done);
}
