/** The storage port in memory: a disk that outlives the process, and the handle that one process has on it. */
import { createHash } from "node:crypto";
import { type Pieces, concat, equalBytes, toHex } from "../../src/core/bytes.js";
import type { BatchName } from "../../src/core/protocol.js";
import type { Tag } from "../../src/core/tag.js";
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
  isSameEntry,
  laneOfSlot,
  roundOfSlot,
} from "../../src/replica/storage.js";

/** What is durable. */
export class MemoryDisk {
  /** The engine that wrote the inputs, if it is another than the present one. */
  foreignEngine: string | undefined;
  /** Number of the input before the first in `inputs`. */
  forgottenInputs = 0;
  inputs: Uint8Array[] = [];
  appliedInput = 0;
  startInput = 0;
  baseRound = 0;
  forgottenRound = 0;
  readonly signed = new Map<string, Uint8Array>();
  readonly proofs = new Map<string, { readonly round: number; readonly envelope: Uint8Array }>();
  readonly ledger = new Map<number, LedgerEntry>();
  lastSequence = 0;
  readonly checkpoints = new Map<number, Omit<CheckpointRecord, "certificate">>();
  readonly certificates = new Map<number, Uint8Array>();
  readonly chunks = new Map<string, Uint8Array>();
  /** By channel, lane and height. */
  readonly batches = new Map<string, { readonly digest: Uint8Array; readonly bytes: Uint8Array }>();
  readonly meta = new Map<string, Uint8Array>();
  /** Batches ever committed, by all processes. */
  commits = 0;
  /** All that the party ever signed, also what its disks have forgotten: nobody but a test knows that. */
  readonly everSigned: Map<string, string>;
  readonly contradictions: string[] = [];

  constructor(everSigned = new Map<string, string>()) {
    this.everSigned = everSigned;
  }

  get lastInput(): number {
    return this.forgottenInputs + this.inputs.length;
  }

  append(inputs: readonly Pieces[]): void {
    this.commits++;
    for (const input of inputs) this.inputs.push(concat(...input));
  }

  /** Whole, or throws and changes nothing. */
  put(rows: Rows, input: number): void {
    const ledger = this.check(rows);
    for (const { slot, digest } of rows.signed) {
      this.#remember(slot, toHex(digest));
      this.signed.set(slot, digest.slice());
    }
    for (const { channel, round, envelope } of rows.proofs) {
      this.proofs.set(`${channel}#${round}`, { round, envelope: envelope.slice() });
    }
    for (const entry of ledger) this.ledger.set(entry.sequence, { ...entry, payload: entry.payload.slice() });
    this.lastSequence = ledger.at(-1)?.sequence ?? this.lastSequence;
    for (const { round, certificate } of rows.certificates) this.certificates.set(round, certificate.slice());
    for (const { channel, name, bytes } of rows.batches)
      this.batches.set(`${channel}/${name.lane}/${name.height}`, { digest: name.digest.slice(), bytes: bytes.slice() });
    this.appliedInput = input;
  }

  #remember(slot: string, digest: string): void {
    const earlier = this.everSigned.get(slot) ?? digest;
    if (earlier !== digest) this.contradictions.push(`${slot} signed twice: ${earlier} and ${digest}`);
    this.everSigned.set(slot, earlier);
  }

  /** The entries of `rows` that are not there yet. */
  check(rows: Rows): readonly LedgerEntry[] {
    for (const { slot, digest } of rows.signed) {
      const earlier = this.signed.get(slot);
      if (earlier !== undefined && !equalBytes(earlier, digest)) {
        throw new Error(`slot ${slot} signed twice: ${toHex(earlier)} and ${toHex(digest)}`);
      }
    }
    let last = this.lastSequence;
    return rows.ledger.filter((entry) => {
      const { sequence } = entry;
      if (last === 0 || sequence === last + 1) {
        last = sequence;
        return true;
      }
      const earlier = this.ledger.get(sequence);
      const isSame = earlier === undefined || isSameEntry(earlier, entry);
      if (sequence > last || !isSame) throw new Error(`ledger entry ${sequence} after ${last}`);
      return false;
    });
  }

  checkpoint(round: number): CheckpointRecord | undefined {
    const record = this.checkpoints.get(round);
    return record === undefined ? undefined : { ...record, certificate: this.certificates.get(round) };
  }
}

/** What becomes of a commit. */
export type CommitFate =
  | "done"
  /** Not durable, never resolves: the process died in the middle. */
  | "lost"
  /** Durable, never resolves: the process died right after. */
  | "unheard"
  /** The inputs are durable and the rows are not, never resolves: the process died before the tables were written. */
  | "behind"
  /** Not durable, rejects. */
  | "failed";

/** What else is written, each once durable as a whole. */
export type Operation = "putChunks" | "putCheckpoint" | "rebase" | "prune" | "setMeta" | "dropInputs";

export interface MemoryStorageOptions {
  /** Asked for each commit, which counts from 1. */
  fate?(commit: number): CommitFate | Promise<CommitFate>;
  /** The same for the others; "behind" is "done". */
  operationFate?(operation: Operation): CommitFate | Promise<CommitFate>;
}

export class MemoryStorage implements Storage {
  readonly disk: MemoryDisk;
  readonly #options: MemoryStorageOptions;
  #commits = 0;
  #isDead = false;
  /** Commits whose rows need not be on disk yet, and how that was before each. */
  #behind: (() => void)[] = [];
  isClosed = false;

  constructor(disk: MemoryDisk, options: MemoryStorageOptions = {}) {
    this.disk = disk;
    this.#options = options;
  }

  /** The process is gone: nothing of it becomes durable any more. Of the last commits, so many have their inputs on disk only. */
  kill(lostCommits = 0): void {
    this.#isDead = true;
    for (let count = 0; count < lostCommits; count++) this.#behind.pop()?.();
  }

  get report(): OpenReport {
    return { cutBytes: 0, foreignEngine: this.disk.foreignEngine };
  }

  base(): CheckpointRecord | undefined {
    return this.disk.checkpoint(this.disk.baseRound);
  }

  get lastInput(): number {
    return this.disk.lastInput;
  }

  get appliedInput(): number {
    return this.disk.appliedInput;
  }

  get replayAfter(): number {
    return this.disk.startInput;
  }

  inputs(): Iterable<Uint8Array> {
    this.#refuseForeignEngine();
    return this.disk.inputs.slice(this.disk.startInput - this.disk.forgottenInputs);
  }

  signed(slot: string): Uint8Array | undefined {
    return this.disk.signed.get(slot);
  }

  signedCount(round: number): number {
    return [...this.disk.signed.keys()].filter((slot) => roundOfSlot(slot) > round).length;
  }

  signedHeights(): ReadonlyMap<number, number> {
    const heights = new Map<number, number>();
    for (const slot of this.disk.signed.keys()) {
      const of = laneOfSlot(slot);
      if (of !== undefined) heights.set(of.lane, Math.max(heights.get(of.lane) ?? 0, of.height));
    }
    return heights;
  }

  lastSignedRound(): number {
    return Math.max(this.disk.forgottenRound, ...[...this.disk.signed.keys()].map(roundOfSlot));
  }

  proof(channel: Tag, round: number): Uint8Array | undefined {
    return this.disk.proofs.get(`${channel}#${round}`)?.envelope;
  }

  oldestProof(channel: Tag): number | undefined {
    const rounds = [...this.disk.proofs].filter(([key]) => key.startsWith(`${channel}#`)).map(([, { round }]) => round);
    return rounds.length === 0 ? undefined : Math.min(...rounds);
  }

  ledgerEntry(sequence: number): LedgerEntry | undefined {
    return this.disk.ledger.get(sequence);
  }

  ledger(sequence: number): Iterable<LedgerEntry> {
    return [...this.disk.ledger.values()].filter((entry) => entry.sequence >= sequence);
  }

  batch(channel: Tag, { lane, height, digest }: BatchName): Uint8Array | undefined {
    const batch = this.disk.batches.get(`${channel}/${lane}/${height}`);
    return batch !== undefined && equalBytes(batch.digest, digest) ? batch.bytes : undefined;
  }

  async commit(batch: Batch): Promise<void> {
    const fate = (await this.#options.fate?.(++this.#commits)) ?? "done";
    if (fate === "failed") throw new Error("the disk refused");
    if (this.#isDead || fate === "lost") return new Promise(() => {});
    this.#refuseForeignEngine();
    if (this.appliedInput !== this.lastInput) throw new Error("replay first");
    this.disk.check(batch);
    this.disk.append(batch.inputs);
    if (fate === "behind") return new Promise(() => {});
    this.#behind.push(undo(this.disk, batch));
    this.disk.put(batch, this.disk.lastInput);
    if (fate === "unheard") return new Promise(() => {});
  }

  async recover(input: number, rows: Rows): Promise<void> {
    if (this.#isDead) return new Promise(() => {});
    if (input <= this.appliedInput || input > this.lastInput) throw new Error(`input ${input} cannot be recovered`);
    this.disk.put(rows, input);
  }

  dropInputs(): Promise<void> {
    return this.#write("dropInputs", (disk) => {
      for (const round of disk.checkpoints.keys()) if (round > disk.baseRound) this.#removeCheckpoint(round);
      disk.startInput = disk.lastInput;
      disk.appliedInput = disk.lastInput;
      disk.foreignEngine = undefined;
      this.#forgetInputs();
    });
  }

  checkpoints(): readonly CheckpointRecord[] {
    return [...this.disk.checkpoints.keys()]
      .toSorted((a, b) => a - b)
      .flatMap((round) => this.disk.checkpoint(round) ?? []);
  }

  checkpoint(round: number): CheckpointRecord | undefined {
    return this.disk.checkpoint(round);
  }

  chunk(hash: Uint8Array): Uint8Array | undefined {
    return this.disk.chunks.get(toHex(hash));
  }

  putChunks(chunks: readonly { readonly hash: Uint8Array; readonly bytes: Uint8Array }[]): Promise<void> {
    return this.#write("putChunks", (disk) => {
      for (const { hash, bytes } of chunks) {
        if (!equalBytes(createHash("sha256").update(bytes).digest(), hash)) throw new Error("another hash");
      }
      for (const { hash, bytes } of chunks) disk.chunks.set(toHex(hash), bytes.slice());
    });
  }

  putCheckpoint(record: CheckpointRecord): Promise<void> {
    return this.#write("putCheckpoint", (disk) => {
      const { certificate, ...rest } = record;
      if (record.round < 1 || record.round < disk.baseRound) throw new Error(`a checkpoint of round ${record.round}`);
      if (record.input > disk.lastInput) throw new Error(`a checkpoint of input ${record.input}, not there yet`);
      for (const name of hashNames(record.chunkHashes)) {
        if (!disk.chunks.has(name)) throw new Error(`the checkpoint of round ${record.round} lacks chunk ${name}`);
      }
      disk.checkpoints.set(record.round, structuredClone(rest));
      if (certificate !== undefined) disk.certificates.set(record.round, certificate.slice());
    });
  }

  rebase(round: number, lanes: OrderedLanes): Promise<void> {
    return this.#write("rebase", (disk) => {
      const record = disk.checkpoints.get(round);
      if (record === undefined) throw new Error(`there is no checkpoint of round ${round} to start from`);
      if (round < disk.baseRound) throw new Error(`the base has round ${disk.baseRound} already`);
      if (record.input > disk.appliedInput) throw new Error(`the checkpoint needs input ${record.input}`);
      disk.forgottenRound = Math.max(disk.forgottenRound, Math.min(this.lastSignedRound(), round));
      for (const slot of disk.signed.keys()) if (isForgotten(slot, round, lanes)) disk.signed.delete(slot);
      disk.baseRound = round;
      disk.startInput = Math.max(disk.startInput, record.input);
      this.#forgetInputs();
    });
  }

  prune({ checkpointsBelow, keepChunks, proofsUpTo, ledgerUpTo, batches }: Pruning): Promise<void> {
    return this.#write("prune", (disk) => {
      if (disk.baseRound > 0 && checkpointsBelow > disk.baseRound) throw new Error("the one to start from");
      for (const round of disk.checkpoints.keys()) if (round < checkpointsBelow) this.#removeCheckpoint(round);
      for (const round of disk.certificates.keys()) if (round < checkpointsBelow) disk.certificates.delete(round);
      const kept = new Set(
        [keepChunks, ...this.checkpoints().map(({ chunkHashes }) => chunkHashes)].flatMap(hashNames),
      );
      for (const name of disk.chunks.keys()) if (!kept.has(name)) disk.chunks.delete(name);
      for (const [key, { round }] of disk.proofs) if (round <= proofsUpTo) disk.proofs.delete(key);
      for (const sequence of disk.ledger.keys()) if (sequence <= ledgerUpTo) disk.ledger.delete(sequence);
      for (const { channel, lane, upTo } of batches)
        for (const key of disk.batches.keys())
          if (key.startsWith(`${channel}/${lane}/`) && Number(key.split("/")[2]) <= upTo) disk.batches.delete(key);
      if (ledgerUpTo >= disk.lastSequence) disk.lastSequence = 0;
    });
  }

  meta(name: string): Uint8Array | undefined {
    return this.disk.meta.get(name);
  }

  setMeta(name: string, value: Uint8Array | undefined): Promise<void> {
    return this.#write("setMeta", (disk) => {
      if (value === undefined) disk.meta.delete(name);
      else disk.meta.set(name, value.slice());
    });
  }

  get syncs(): number {
    return 0;
  }

  size(): StorageSize {
    const sum = (all: Iterable<Uint8Array>): number => [...all].reduce((bytes, { length }) => bytes + length, 0);
    return { logBytes: sum(this.disk.inputs), batchBytes: 0, tableBytes: sum(this.disk.chunks.values()) };
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }

  async #write(operation: Operation, change: (disk: MemoryDisk) => void): Promise<void> {
    const fate = (await this.#options.operationFate?.(operation)) ?? "done";
    if (fate === "failed") throw new Error("the disk refused");
    if (this.#isDead || fate === "lost") return new Promise(() => {});
    // These are not ahead of the tables.
    this.#behind = [];
    change(this.disk);
    if (fate === "unheard") return new Promise(() => {});
  }

  #removeCheckpoint(round: number): void {
    this.disk.checkpoints.delete(round);
    this.disk.certificates.delete(round);
  }

  #forgetInputs(): void {
    this.disk.inputs.splice(0, this.disk.startInput - this.disk.forgottenInputs);
    this.disk.forgottenInputs = this.disk.startInput;
  }

  #refuseForeignEngine(): void {
    if (this.disk.foreignEngine !== undefined) throw new Error(`the log was written by ${this.disk.foreignEngine}`);
  }
}

/** Takes the rows of a batch, which are not there yet, off again. */
function undo(disk: MemoryDisk, { signed, proofs, ledger, certificates, batches }: Batch): () => void {
  const { appliedInput, lastSequence } = disk;
  // After inputs were dropped some of it is there, and comes again.
  const slots = signed.map(({ slot }) => slot).filter((slot) => !disk.signed.has(slot));
  const keys = proofs.map(({ channel, round }) => `${channel}#${round}`).filter((key) => !disk.proofs.has(key));
  const sequences = ledger.map(({ sequence }) => sequence).filter((sequence) => !disk.ledger.has(sequence));
  const names = batches.map(({ channel, name }) => `${channel}/${name.lane}/${name.height}`);
  const formerBatches = new Map(names.map((key) => [key, disk.batches.get(key)]));
  return () => {
    for (const [key, former] of formerBatches) {
      if (former === undefined) disk.batches.delete(key);
      else disk.batches.set(key, former);
    }
    for (const slot of slots) disk.signed.delete(slot);
    for (const key of keys) disk.proofs.delete(key);
    for (const sequence of sequences) disk.ledger.delete(sequence);
    for (const { round } of certificates) disk.certificates.delete(round);
    disk.appliedInput = appliedInput;
    disk.lastSequence = lastSequence;
  };
}

function hashNames(list: Uint8Array): readonly string[] {
  return Array.from({ length: list.length / 32 }, (_, index) => toHex(list.subarray(32 * index, 32 * index + 32)));
}
