/** Looks at all of a store, and says what it has and what is wrong. LMDB may crash the process on a damaged file. */
import { statSync } from "node:fs";
import { equalBytes, toHex } from "../../core/bytes.js";
import { roundOfSlot } from "../../replica/storage.js";
import type { FiledBatch } from "./batch-format.js";
import { BatchReader, listBatchFiles } from "./batch-reader.js";
import { DamageError, StorageError } from "./errors.js";
import { logDirectory, scanStore } from "./index.js";
import { Reader, hashesIn, missingBatch, sha256 } from "./reader.js";
import { listSegments } from "./segment-scan.js";
import { ENGINE, FORMAT, type Table, Tables, batchCodec, batchKey, checkpointCodec, ledgerCodec } from "./tables.js";

export interface Overview {
  readonly format: string;
  readonly engine: string;
  /** Whether this program may replay the inputs. */
  readonly isOwnEngine: boolean;
  /** 0: from nothing. */
  readonly baseRound: number;
  readonly checkpoints: readonly {
    readonly round: number;
    readonly input: number;
    readonly chunks: number;
    readonly certified: boolean;
  }[];
  /** The last input that is not replayed. */
  readonly startInput: number;
  readonly appliedInput: number;
  readonly segments: readonly { readonly file: string; readonly firstInput: number; readonly bytes: number }[];
  readonly batchFiles: readonly { readonly file: string; readonly bytes: number }[];
  readonly rows: Readonly<Record<"signed" | "proofs" | "ledger" | "certificates" | "chunks" | "batches", number>>;
  readonly ledgerFrom: number;
  readonly ledgerTo: number;
  readonly lastSignedRound: number;
  readonly meta: readonly string[];
  readonly logBytes: number;
  readonly batchBytes: number;
  readonly tableBytes: number;
}

export async function overviewOf(directory: string): Promise<Overview> {
  return reading(directory, (tables) => {
    const state = tables.state();
    const reader = new Reader(tables);
    const segments = listSegments(logDirectory(directory)).map(({ path, firstInput }) => ({
      file: path,
      firstInput,
      bytes: statSync(path).size,
    }));
    const batchFiles = listBatchFiles(directory).map(({ path, bytes }) => ({ file: path, bytes }));
    const { signed, proofs, ledger, certificates, chunks, batches } = tables;
    const [ledgerFrom = 0] = ledger.keys();
    return {
      format: FORMAT,
      engine: tables.engine,
      isOwnEngine: tables.engine === ENGINE,
      baseRound: state.baseRound,
      checkpoints: reader.checkpoints().map(({ round, input, chunkHashes, certificate }) => ({
        round,
        input,
        chunks: chunkHashes.length / 32,
        certified: certificate !== undefined,
      })),
      startInput: state.startInput,
      appliedInput: state.appliedInput,
      segments,
      batchFiles,
      rows: {
        signed: signed.size,
        proofs: proofs.size,
        ledger: ledger.size,
        certificates: certificates.size,
        chunks: chunks.size,
        batches: batches.size,
      },
      ledgerFrom,
      ledgerTo: ledger.lastKey() ?? 0,
      lastSignedRound: reader.lastSignedRound(),
      meta: [...tables.meta.keys()],
      logBytes: segments.reduce((sum, { bytes }) => sum + bytes, 0),
      batchBytes: batchFiles.reduce((sum, { bytes }) => sum + bytes, 0),
      tableBytes: tables.sizeBytes,
    };
  });
}

export interface Checked {
  /** What is wrong, each with its place; empty: the store is sound. */
  readonly problems: readonly string[];
  readonly records: number;
  readonly lastInput: number;
  readonly values: number;
  /** In files. */
  readonly batches: number;
  /** An incomplete record at the end, which the next start cuts off. */
  readonly cutBytes: number;
}

/** The digest of a batch, by its bytes; undefined: they are none. */
export type DigestOfBatch = (bytes: Uint8Array) => Uint8Array | undefined;

/** Nobody may write the store meanwhile. @throws StorageError when there is no store of this format */
export async function checkStore(directory: string, digestOf: DigestOfBatch): Promise<Checked> {
  try {
    return await checkReadable(directory, digestOf);
  } catch (error) {
    if (!(error instanceof DamageError)) throw error;
    return { problems: [error.message], records: 0, lastInput: 0, values: 0, batches: 0, cutBytes: 0 };
  }
}

/** @throws DamageError when the tables cannot even be opened */
async function checkReadable(directory: string, digestOf: DigestOfBatch): Promise<Checked> {
  return reading(directory, (tables) => {
    const problems: string[] = [];
    const attempt = <T>(action: () => T): T | undefined => {
      try {
        return action();
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        problems.push(error.message);
        return undefined;
      }
    };
    const state = attempt(() => tables.state());
    const scan = state === undefined ? undefined : attempt(() => scanStore(directory, state));
    const files = new Batches(directory, state?.storeId, digestOf);
    for (const { input, batch } of scan?.batches ?? []) {
      const problem = files.problemOf(batch);
      if (problem !== undefined) problems.push(`${logDirectory(directory)}: input ${input}: ${problem}`);
    }
    const values = checkTables(tables, state?.baseRound ?? 0, files, problems);
    const { tail, records = 0 } = scan ?? {};
    return {
      problems,
      records,
      lastInput: (scan?.end.input ?? 1) - 1,
      values,
      batches: files.count,
      cutBytes: tail === undefined ? 0 : tail.sizeBytes - tail.offset,
    };
  });
}

/** Reads each batch that is in a file once, whoever refers to it. */
class Batches {
  readonly #reader: BatchReader;
  readonly #digestOf: DigestOfBatch;
  readonly #storeId: Uint8Array | undefined;
  /** Of files, and of batches in them. */
  readonly #headers = new Map<number, string | undefined>();
  readonly #batches = new Map<string, string | undefined>();

  /** `storeId`: undefined when the store does not know its name. */
  constructor(directory: string, storeId: Uint8Array | undefined, digestOf: DigestOfBatch) {
    this.#reader = new BatchReader(directory);
    this.#digestOf = digestOf;
    this.#storeId = storeId;
  }

  /** In files. */
  get count(): number {
    return this.#batches.size;
  }

  problemOf(batch: FiledBatch): string | undefined {
    const { file, offset, digest } = batch;
    const key = `${file}/${offset}/${toHex(digest)}`;
    if (!this.#batches.has(key)) this.#batches.set(key, this.#headerProblem(file) ?? this.#bytesProblem(batch));
    return this.#batches.get(key);
  }

  #headerProblem(file: number): string | undefined {
    if (this.#storeId === undefined) return undefined;
    if (!this.#headers.has(file)) this.#headers.set(file, this.#reader.headerProblem(file, this.#storeId));
    return this.#headers.get(file);
  }

  #bytesProblem(batch: FiledBatch): string | undefined {
    const bytes = this.#reader.read(batch);
    return typeof bytes === "string" ? bytes : this.digestProblem(batch.digest, bytes);
  }

  digestProblem(digest: Uint8Array, bytes: Uint8Array): string | undefined {
    const found = this.#digestOf(bytes);
    if (found === undefined) return "the bytes are no batch";
    return equalBytes(found, digest) ? undefined : `the batch has another digest than ${toHex(digest)}`;
  }
}

/** Adds to `problems`; how many values there are. */
function checkTables(tables: Tables, baseRound: number, files: Batches, problems: string[]): number {
  let values = 0;
  const problem = (name: string, key: unknown, what: string): void => {
    problems.push(`${tables.path}: table ${name}, key ${String(key)}: ${what}`);
  };
  /** Reads a value by itself, so that one that is damaged hides no other. */
  const each = <K extends string | number | [number, string]>(
    table: Table<K>,
    visit: (key: K, value: Uint8Array) => void = () => {},
  ): void => {
    for (const key of table.keys()) {
      values++;
      try {
        const value = table.get(key);
        if (value !== undefined) visit(key, value);
      } catch (error) {
        if (!(error instanceof StorageError)) throw error;
        problems.push(error.message);
      }
    }
  };
  each(tables.signed, ([round, slot]) => {
    if (roundOfSlot(slot) !== round) problem("signed", slot, `kept under round ${round}`);
  });
  checkNumbers(tables, problem);
  each(tables.proofs);
  each(tables.certificates);
  /** Digests and sizes, by key. */
  const batches = new Map<string, { readonly digest: Uint8Array; readonly sizeBytes: number }>();
  each(tables.batches, (key, value) => {
    const row = tables.batches.decode(batchCodec, key, value);
    const sizeBytes = row.kind === "filed" ? row.sizeBytes : row.bytes.length;
    batches.set(String(key), { digest: row.digest, sizeBytes });
    const wrong = row.kind === "filed" ? files.problemOf(row) : files.digestProblem(row.digest, row.bytes);
    if (wrong !== undefined) problem("batches", key, wrong);
  });
  each(tables.ledger, (key, value) => {
    const { place } = tables.ledger.decode(ledgerCodec, key, value);
    if (place === undefined) return;
    const batch = batches.get(String(batchKey(place.channel, place.name)));
    const isThere = batch !== undefined && equalBytes(batch.digest, place.name.digest);
    if (!isThere || place.offset + place.sizeBytes > batch.sizeBytes) problem("ledger", key, missingBatch(place));
  });
  each(tables.meta);
  each(tables.own);
  each(tables.chunks, (name, value) => {
    if (toHex(sha256(value)) !== name) problem("chunks", name, "the chunk has another hash");
  });
  each(tables.checkpoints, (round, value) => {
    const { chunkHashes } = tables.checkpoints.decode(checkpointCodec, round, value);
    for (const hash of hashesIn(chunkHashes)) {
      if (!tables.chunks.has(toHex(hash))) problem("checkpoints", round, `chunk ${toHex(hash)} is missing`);
    }
  });
  if (baseRound > 0 && !tables.checkpoints.has(baseRound)) {
    problem("checkpoints", baseRound, "the checkpoint to start from is missing");
  }
  return values;
}

/** The ledger, and each channel's proofs, have no gaps. */
function checkNumbers(tables: Tables, problem: (name: string, key: unknown, what: string) => void): void {
  let before: number | undefined;
  for (const sequence of tables.ledger.keys()) {
    if (before !== undefined && sequence !== before + 1) problem("ledger", sequence, `the one before it is ${before}`);
    before = sequence;
  }
  const lastRounds = new Map<string, number>();
  for (const [round, channel] of tables.proofs.keys()) {
    const last = lastRounds.get(channel);
    if (last !== undefined && round !== last + 1)
      problem("proofs", [round, channel], `the one before it is of ${last}`);
    lastRounds.set(channel, round);
  }
}

async function reading<T>(directory: string, read: (tables: Tables) => T): Promise<T> {
  const tables = Tables.open(directory, true);
  try {
    return read(tables);
  } finally {
    await tables.close();
  }
}
