/**
 * The port `Storage` on a log of inputs and LMDB tables (docs/files.md, "party-I/store").
 *
 * Law of order: the log's record, and batches that it refers to, are durable before `commit` resolves; tables follow, never run ahead; what the base needs is
 * durable before the base moves; files and rows are forgotten only after it has moved.
 */
import { equalBytes, toHex } from "../../core/bytes.js";
import { encode } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import type { BatchName } from "../../core/protocol.js";
import type { Tag } from "../../core/tag.js";
import {
  type Batch,
  type CheckpointRecord,
  type LedgerEntry,
  type OpenReport,
  type OrderedLanes,
  type Pruning,
  type Rows,
  type Storage,
  type StorageSize,
  isForgotten,
  roundOfSlot,
} from "../../replica/storage.js";
import type { BatchFiles } from "./batch-files.js";
import type { FiledBatch } from "./batch-format.js";
import { withReferences } from "./batch-references.js";
import type { CountingDisk } from "./disk.js";
import { StorageError } from "./errors.js";
import type { LogInput } from "./log-format.js";
import { newRows } from "./new-rows.js";
import { lossesOf, removeLosses } from "./pruning.js";
import { putLayer } from "./put-layer.js";
import { Reader, hashesIn, sha256 } from "./reader.js";
import type { SegmentLog } from "./segment-log.js";
import { type State, type Tables, checkpointCodec } from "./tables.js";
import { type Layer, type PlacedRows, WriteBehind } from "./write-behind.js";

export interface DurableStorageParts {
  readonly directory: string;
  readonly disk: CountingDisk;
  readonly log: SegmentLog;
  readonly files: BatchFiles;
  /** By digest, in hexadecimal: those in files that inputs have which are to be recovered. */
  readonly logged: ReadonlyMap<string, FiledBatch>;
  readonly tables: Tables;
  readonly report: OpenReport;
  readonly onError: (error: Error) => void;
  readonly lingerMs: number;
}

export class DurableStorage implements Storage {
  readonly #directory: string;
  readonly #disk: CountingDisk;
  readonly #log: SegmentLog;
  readonly #files: BatchFiles;
  #logged: ReadonlyMap<string, FiledBatch>;
  readonly #tables: Tables;
  readonly #reader: Reader;
  readonly #behind: WriteBehind;
  readonly #onError: (error: Error) => void;
  #report: OpenReport;
  #state: State;
  /** The last input whose rows were given to us. */
  #knownInput: number;
  #lastSequence: number;
  /** Of the slots that are kept, how many each round has. */
  readonly #signedCounts = new Map<number, number>();
  #failure: Error | undefined;
  #commits: Promise<void> = Promise.resolve();
  #upkeep: Promise<void> = Promise.resolve();

  constructor({ directory, disk, log, files, logged, tables, report, onError, lingerMs }: DurableStorageParts) {
    this.#directory = directory;
    this.#disk = disk;
    this.#log = log;
    this.#files = files;
    this.#logged = logged;
    this.#tables = tables;
    this.#report = report;
    this.#onError = onError;
    this.#state = tables.state();
    this.#knownInput = this.#state.appliedInput;
    this.#lastSequence = tables.ledger.lastKey() ?? 0;
    for (const [round] of tables.signed.keys()) this.#countSigned(round);
    this.#behind = new WriteBehind(
      (layer) => this.#writeLayer(layer),
      (error) => this.#fail(error),
      lingerMs,
    );
    this.#reader = new Reader(tables, () => this.#behind.layers);
  }

  get report(): OpenReport {
    return this.#report;
  }

  base(): CheckpointRecord | undefined {
    return this.#reader.base();
  }

  get lastInput(): number {
    return this.#log.lastInput;
  }

  get appliedInput(): number {
    return this.#state.appliedInput;
  }

  get replayAfter(): number {
    return this.#state.startInput;
  }

  inputs(): Iterable<Uint8Array> {
    this.#refuseForeignEngine();
    return this.#log.inputs(this.#state.startInput);
  }

  signed(slot: string): Uint8Array | undefined {
    return this.#reader.signed(slot);
  }

  signedCount(round: number): number {
    let sum = 0;
    for (const [of, count] of this.#signedCounts) if (of > round) sum += count;
    return sum;
  }

  signedHeights(): ReadonlyMap<PartyId, number> {
    return this.#reader.signedHeights();
  }

  lastSignedRound(): number {
    return Math.max(this.#state.forgottenRound, ...this.#signedCounts.keys());
  }

  proof(channel: Tag, round: number): Uint8Array | undefined {
    return this.#reader.proof(channel, round);
  }

  oldestProof(channel: Tag): number | undefined {
    return this.#reader.oldestProof(channel);
  }

  ledgerEntry(sequence: number): LedgerEntry | undefined {
    return this.#reader.ledgerEntry(sequence);
  }

  ledger(sequence: number): Iterable<LedgerEntry> {
    return this.#reader.ledger(sequence);
  }

  batch(channel: Tag, name: BatchName): Uint8Array | undefined {
    return this.#reader.batch(channel, name);
  }

  commit(batch: Batch): Promise<void> {
    return this.#inTurn(async () => {
      this.#refuseForeignEngine();
      if (this.#knownInput !== this.lastInput) {
        const { lastInput } = this;
        throw new StorageError(
          `${this.#directory}: the tables have what inputs up to ${this.#knownInput} led to, the log goes up to ${lastInput}: replay first`,
        );
      }
      const rows = newRows(this.#reader, this.#lastSequence, batch);
      const { placed, written } = this.#files.keep(rows.batches, this.lastInput + batch.inputs.length);
      const besideBytes = placed.reduce((sum, { filed }) => sum + (filed?.sizeBytes ?? 0), 0);
      await allOf(written, this.#append(withReferences(batch.inputs, placed), besideBytes));
      this.#take({ ...rows, batches: placed }, this.lastInput);
      // Rows without an input have nothing else that makes them durable.
      await (batch.inputs.length > 0 ? this.#behind.room() : this.#behind.settled());
    });
  }

  async #append(inputs: readonly LogInput[], besideBytes: number): Promise<void> {
    if (inputs.length > 0) await this.#log.append(inputs, besideBytes);
  }

  recover(input: number, rows: Rows): Promise<void> {
    return this.#inTurn(async () => {
      if (input <= this.#knownInput || input > this.lastInput) {
        throw new StorageError(
          `${this.#directory}: input ${input} cannot be recovered: the tables have those up to ${this.#knownInput}, the log up to ${this.lastInput}`,
        );
      }
      const { batches, ...others } = newRows(this.#reader, this.#lastSequence, rows);
      const { placed, written } = this.#files.keep(batches, 0, ({ name }) => this.#logged.get(toHex(name.digest)));
      await written;
      this.#take({ ...others, batches: placed }, input);
      if (input === this.lastInput) this.#logged = new Map();
      await this.#behind.room();
    });
  }

  dropInputs(): Promise<void> {
    // Beside neither a commit nor a rebase.
    return this.#asUpkeep(() => this.#inTurn(() => this.#dropInputs()));
  }

  async #dropInputs(): Promise<void> {
    await this.#behind.settled();
    const state = { ...this.#state, startInput: this.lastInput, appliedInput: this.lastInput };
    const above = [...this.#tables.checkpoints.keys()].filter((round) => round > state.baseRound);
    await this.#tables.transact(this.#disk, "drop", (midway) => {
      for (const round of above) this.#removeCheckpoint(round);
      this.#tables.putState(state);
      midway();
      this.#tables.putEngine();
    });
    this.#state = state;
    this.#knownInput = this.lastInput;
    this.#logged = new Map();
    this.#report = { ...this.#report, foreignEngine: undefined };
    await this.#forgetInputs();
  }

  /** Files that only inputs need which are not replayed any more. */
  async #forgetInputs(): Promise<void> {
    const { startInput } = this.#state;
    await this.#log.forget(startInput);
    await this.#files.sweep(startInput);
  }

  checkpoints(): readonly CheckpointRecord[] {
    return this.#reader.checkpoints();
  }

  checkpoint(round: number): CheckpointRecord | undefined {
    return this.#reader.checkpoint(round);
  }

  chunk(hash: Uint8Array): Uint8Array | undefined {
    return this.#reader.chunk(hash);
  }

  putChunks(chunks: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[]): Promise<void> {
    return this.#asUpkeep(async () => {
      const missing = chunks.filter(({ hash }) => !this.#tables.chunks.has(toHex(hash)));
      const wrong = missing.find(({ hash, bytes }) => !equalBytes(sha256(bytes), hash));
      if (wrong !== undefined) throw new StorageError(`chunk ${toHex(wrong.hash)} has another hash`);
      if (missing.length === 0) return;
      await this.#tables.transact(this.#disk, "chunks.put", (midway) => {
        for (const [index, { hash, bytes }] of missing.entries()) {
          if (index === missing.length >> 1) midway();
          this.#tables.chunks.put(toHex(hash), bytes);
        }
      });
    });
  }

  putCheckpoint(record: CheckpointRecord): Promise<void> {
    return this.#asUpkeep(async () => {
      const { round, certificate } = record;
      if (round < 1 || round < this.#state.baseRound) {
        throw new StorageError(`a checkpoint of round ${round}, where the base has ${this.#state.baseRound}`);
      }
      if (record.input > this.lastInput) throw new StorageError(`a checkpoint of input ${record.input}, not there yet`);
      for (const hash of hashesIn(record.chunkHashes)) {
        if (!this.#tables.chunks.has(toHex(hash))) {
          throw new StorageError(`the checkpoint of round ${round} lacks chunk ${toHex(hash)}`);
        }
      }
      const value = encode(checkpointCodec, record);
      await this.#tables.transact(this.#disk, "checkpoint.put", (midway) => {
        this.#tables.checkpoints.put(round, value);
        midway();
        if (certificate !== undefined) this.#tables.certificates.put(round, certificate);
      });
    });
  }

  rebase(round: number, lanes: OrderedLanes): Promise<void> {
    return this.#asUpkeep(async () => {
      const record = this.checkpoint(round);
      if (record === undefined) throw new StorageError(`there is no checkpoint of round ${round} to start from`);
      const { baseRound } = this.#state;
      if (round < baseRound) throw new StorageError(`the base has round ${baseRound} already, not ${round}`);
      // What leads to the checkpoint is about to be forgotten.
      await this.#behind.settled();
      if (record.input > this.#state.appliedInput) {
        throw new StorageError(
          `the checkpoint of round ${round} needs input ${record.input}, the tables have those up to ${this.#state.appliedInput}`,
        );
      }
      const forgotten = [...this.#tables.signed.keys([round + 1])].filter(([, slot]) =>
        isForgotten(slot, round, lanes),
      );
      await this.#change("rebase", (midway) => {
        for (const key of forgotten) this.#tables.signed.remove(key);
        midway();
        return {
          baseRound: round,
          startInput: Math.max(this.#state.startInput, record.input),
          forgottenRound: Math.max(this.#state.forgottenRound, forgotten.at(-1)?.[0] ?? 0),
        };
      });
      for (const of of this.#signedCounts.keys()) if (of <= round) this.#signedCounts.delete(of);
      await this.#forgetInputs();
    });
  }

  prune(pruning: Pruning): Promise<void> {
    return this.#asUpkeep(async () => {
      const { baseRound, startInput } = this.#state;
      if (baseRound > 0 && pruning.checkpointsBelow > baseRound) {
        throw new StorageError(`the checkpoint of round ${baseRound} is the one to start from and cannot be forgotten`);
      }
      await this.#behind.settled();
      const losses = lossesOf(this.#tables, this.checkpoints(), pruning);
      if (Object.values(losses).every(({ length }) => length === 0)) return;
      let filed: readonly FiledBatch[] = [];
      await this.#tables.transact(this.#disk, "prune", (midway) => {
        filed = removeLosses(this.#tables, losses, midway);
      });
      if (pruning.ledgerUpTo >= this.#lastSequence) this.#lastSequence = 0;
      this.#files.release(filed);
      await this.#files.sweep(startInput);
    });
  }

  meta(name: string): Uint8Array | undefined {
    return this.#reader.meta(name);
  }

  setMeta(name: string, value: Uint8Array | undefined): Promise<void> {
    return this.#asUpkeep(() =>
      this.#tables.transact(this.#disk, "meta.put", (midway) => {
        if (value === undefined) this.#tables.meta.remove(name);
        else this.#tables.meta.put(name, value);
        midway();
      }),
    );
  }

  size(): StorageSize {
    return { logBytes: this.#log.sizeBytes, batchBytes: this.#files.sizeBytes, tableBytes: this.#tables.sizeBytes };
  }

  get syncs(): number {
    return this.#disk.syncs;
  }

  async close(): Promise<void> {
    await Promise.all([this.#commits, this.#upkeep]);
    try {
      if (this.#failure === undefined) await this.#behind.settled();
    } finally {
      await this.#log.close();
      await this.#files.close();
      await this.#tables.close();
    }
  }

  #refuseForeignEngine(): void {
    const { foreignEngine } = this.#report;
    if (foreignEngine === undefined) return;
    throw new StorageError(
      `${this.#directory}: the log was written by ${foreignEngine}: its inputs must not be replayed, only dropped`,
    );
  }

  /** Reads show `rows` from here on. */
  #take(rows: PlacedRows, input: number): void {
    for (const { slot } of rows.signed) this.#countSigned(roundOfSlot(slot));
    this.#lastSequence = rows.ledger.at(-1)?.sequence ?? this.#lastSequence;
    this.#knownInput = input;
    this.#behind.add(rows, input);
  }

  #countSigned(round: number): void {
    this.#signedCounts.set(round, (this.#signedCounts.get(round) ?? 0) + 1);
  }

  async #writeLayer(layer: Layer): Promise<void> {
    let replaced: readonly FiledBatch[] = [];
    await this.#change("tables.commit", (midway) => {
      replaced = putLayer(this.#tables, layer, midway);
      return { appliedInput: layer.input };
    });
    this.#files.release(replaced);
  }

  /** A transaction that also changes the state: on top of what it is when the transaction begins. */
  async #change(point: "tables.commit" | "rebase", change: (midway: () => void) => Partial<State>): Promise<void> {
    let next = this.#state;
    await this.#tables.transact(this.#disk, point, (midway) => {
      next = { ...this.#tables.state(), ...change(midway) };
      this.#tables.putState(next);
    });
    this.#state = next;
  }

  #removeCheckpoint(round: number): void {
    this.#tables.checkpoints.remove(round);
    this.#tables.certificates.remove(round);
  }

  #inTurn(action: () => Promise<void>): Promise<void> {
    const turn = this.#commits.then(() => this.#guarded(action));
    this.#commits = turn.catch(() => {});
    return turn;
  }

  /** Beside the commits, which do not wait for it. */
  #asUpkeep(action: () => Promise<void>): Promise<void> {
    const turn = this.#upkeep.then(() => this.#guarded(action));
    this.#upkeep = turn.catch(() => {});
    return turn;
  }

  async #guarded(action: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    try {
      await action();
    } catch (error) {
      // Whatever touched the disk and failed: what the disk has now is not known.
      if (error instanceof StorageError && error.cause !== undefined) this.#failure ??= error;
      throw error;
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#onError(error);
  }
}

/** Resolves when both have, and waits for both also when one fails: nothing is under way after it. */
async function allOf(...parts: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(parts)) if (outcome.status === "rejected") throw outcome.reason;
}
