/**
 * The port `Storage` on a log of inputs and LMDB tables (docs/files.md, "party-I/store").
 *
 * Law of order: the log's record is durable before `commit` resolves; tables follow, never run ahead; what the base needs is
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
  isForgotten,
  isSameEntry,
  roundOfSlot,
} from "../../replica/storage.js";
import type { CountingDisk } from "./disk.js";
import { StorageError } from "./errors.js";
import { putLayer } from "./put-layer.js";
import { Reader, hashesIn, sha256 } from "./reader.js";
import type { SegmentLog } from "./segment-log.js";
import { MAX_LEDGER_PAYLOAD_BYTES, type State, type Tables, checkpointCodec } from "./tables.js";
import { type Layer, WriteBehind } from "./write-behind.js";

export interface DurableStorageParts {
  readonly directory: string;
  readonly disk: CountingDisk;
  readonly log: SegmentLog;
  readonly tables: Tables;
  readonly report: OpenReport;
  readonly onError: (error: Error) => void;
  readonly lingerMs: number;
}

export class DurableStorage implements Storage {
  readonly #directory: string;
  readonly #disk: CountingDisk;
  readonly #log: SegmentLog;
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

  constructor({ directory, disk, log, tables, report, onError, lingerMs }: DurableStorageParts) {
    this.#directory = directory;
    this.#disk = disk;
    this.#log = log;
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
      const rows = this.#newRows(batch);
      if (batch.inputs.length > 0) await this.#log.append(batch.inputs);
      this.#take(rows, this.lastInput);
      // Rows without an input have nothing else that makes them durable.
      await (batch.inputs.length > 0 ? this.#behind.room() : this.#behind.settled());
    });
  }

  recover(input: number, rows: Rows): Promise<void> {
    return this.#inTurn(async () => {
      if (input <= this.#knownInput || input > this.lastInput) {
        throw new StorageError(
          `${this.#directory}: input ${input} cannot be recovered: the tables have those up to ${this.#knownInput}, the log up to ${this.lastInput}`,
        );
      }
      this.#take(this.#newRows(rows), input);
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
    this.#report = { ...this.#report, foreignEngine: undefined };
    await this.#log.forget(state.startInput);
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
      await this.#log.forget(this.#state.startInput);
    });
  }

  prune({ checkpointsBelow, keepChunks, proofsUpTo, ledgerUpTo, batches: lanes }: Pruning): Promise<void> {
    return this.#asUpkeep(async () => {
      const { baseRound } = this.#state;
      if (baseRound > 0 && checkpointsBelow > baseRound) {
        throw new StorageError(`the checkpoint of round ${baseRound} is the one to start from and cannot be forgotten`);
      }
      await this.#behind.settled();
      const tables = this.#tables;
      const rounds = [...tables.checkpoints.keys(checkpointsBelow)];
      const certificates = [...tables.certificates.keys(checkpointsBelow)];
      const chunks = this.#loseChunks(checkpointsBelow, keepChunks);
      const proofs = [...tables.proofs.keys([proofsUpTo + 1])];
      const entries = [...tables.ledger.keys(ledgerUpTo + 1)];
      // Payloads of the entries that are kept are in them; entries up to `ledgerUpTo` are in those up to `lanes`.
      const areFree = ledgerUpTo > 0 || tables.ledger.lastKey() === undefined;
      const batches = areFree ? [...keysUpTo(tables, lanes)] : [];
      if ([rounds, certificates, chunks, proofs, entries, batches].every(({ length }) => length === 0)) return;
      await tables.transact(this.#disk, "prune", (midway) => {
        for (const round of rounds) tables.checkpoints.remove(round);
        for (const round of certificates) tables.certificates.remove(round);
        for (const chunk of chunks) tables.chunks.remove(chunk);
        midway();
        for (const key of proofs) tables.proofs.remove(key);
        for (const sequence of entries) tables.ledger.remove(sequence);
        for (const key of batches) tables.batches.remove(key);
      });
      if (ledgerUpTo >= this.#lastSequence) this.#lastSequence = 0;
    });
  }

  /** Names of the chunks that no checkpoint from that round on has, nor `keep`. */
  #loseChunks(checkpointsBelow: number, keep: Uint8Array): readonly string[] {
    const kept = new Set<string>();
    for (const hash of hashesIn(keep)) kept.add(toHex(hash));
    for (const { round, chunkHashes } of this.checkpoints()) {
      if (round >= checkpointsBelow) for (const hash of hashesIn(chunkHashes)) kept.add(toHex(hash));
    }
    return [...this.#tables.chunks.keys()].filter((name) => !kept.has(name));
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

  size(): { readonly logBytes: number; readonly tableBytes: number } {
    return { logBytes: this.#log.sizeBytes, tableBytes: this.#tables.sizeBytes };
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

  /** Of `rows` what is not there yet. @throws StorageError on what contradicts what is */
  #newRows(rows: Rows): Rows {
    const signed = rows.signed.filter(({ slot, digest }) => {
      const earlier = this.signed(slot);
      if (earlier !== undefined && !equalBytes(earlier, digest)) {
        throw new StorageError(`slot ${slot} signed twice: ${toHex(earlier)} and ${toHex(digest)}`);
      }
      return earlier === undefined;
    });
    let last = this.#lastSequence;
    const ledger = rows.ledger.filter((entry) => {
      const { sequence, payload } = entry;
      if (last === 0 || sequence === last + 1) {
        // Before anything is written.
        if (payload.length > MAX_LEDGER_PAYLOAD_BYTES)
          throw new StorageError(`ledger entry ${sequence} has ${payload.length} bytes, above the bound`);
        last = sequence;
        return true;
      }
      const earlier = this.ledgerEntry(sequence);
      const isSame = earlier === undefined || isSameEntry(earlier, entry);
      if (sequence > last || !isSame) throw new StorageError(`ledger entry ${sequence} after ${last}`);
      return false;
    });
    return { ...rows, signed, ledger };
  }

  /** Reads show `rows` from here on. */
  #take(rows: Rows, input: number): void {
    for (const { slot } of rows.signed) this.#countSigned(roundOfSlot(slot));
    this.#lastSequence = rows.ledger.at(-1)?.sequence ?? this.#lastSequence;
    this.#knownInput = input;
    this.#behind.add(rows, input);
  }

  #countSigned(round: number): void {
    this.#signedCounts.set(round, (this.#signedCounts.get(round) ?? 0) + 1);
  }

  #writeLayer(layer: Layer): Promise<void> {
    return this.#change("tables.commit", (midway) => {
      putLayer(this.#tables, layer, midway);
      return { appliedInput: layer.input };
    });
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

/** Of the batches of these lanes up to these heights. */
function* keysUpTo(tables: Tables, lanes: OrderedLanes): Iterable<[number, string]> {
  const ends = new Map(lanes.map(({ channel, lane, upTo }) => [`${channel}/${lane}`, upTo]));
  const last = Math.max(0, ...ends.values());
  for (const key of tables.batches.keys([last + 1])) if (key[0] <= (ends.get(key[1]) ?? 0)) yield key;
}
