/** The store port in memory: a disk that outlives the process, and the handle that one process has on it. */
import { toHex } from "../../src/core/bytes.js";
import type { Tag } from "../../src/core/tag.js";
import type { Batch, LedgerEntry, Store } from "../../src/replica/store.js";

export class MemoryDisk {
  inputs: Uint8Array[] = [];
  readonly signed = new Map<string, Uint8Array>();
  readonly proofs = new Map<string, Uint8Array>();
  readonly ledger: LedgerEntry[] = [];
  /** Batches ever committed, by all processes. */
  commits = 0;

  apply(batch: Batch): void {
    this.commits++;
    for (const input of batch.inputs) this.inputs.push(input.slice());
    for (const { slot, digest } of batch.signed) {
      const earlier = this.signed.get(slot);
      if (earlier !== undefined) throw new Error(`slot ${slot} signed twice: ${toHex(earlier)} and ${toHex(digest)}`);
      this.signed.set(slot, digest.slice());
    }
    for (const { channel, round, envelope } of batch.proofs) this.proofs.set(`${channel}/${round}`, envelope.slice());
    for (const entry of batch.ledger) {
      if (entry.sequence !== this.ledger.length + 1)
        throw new Error(`entry ${entry.sequence} after ${this.ledger.length}`);
      this.ledger.push({ ...entry, payload: entry.payload.slice() });
    }
  }
}

/** What becomes of a commit. */
export type CommitFate =
  | "done"
  /** Not durable, never resolves: the process died in the middle. */
  | "lost"
  /** Durable, never resolves: the process died right after. */
  | "unheard"
  /** Not durable, rejects. */
  | "failed";

export interface MemoryStoreOptions {
  /** Asked for each commit, which counts from 1. */
  fate?(commit: number): CommitFate | Promise<CommitFate>;
}

export class MemoryStore implements Store {
  readonly disk: MemoryDisk;
  readonly #options: MemoryStoreOptions;
  #commits = 0;
  #isDead = false;
  isClosed = false;

  constructor(disk: MemoryDisk, options: MemoryStoreOptions = {}) {
    this.disk = disk;
    this.#options = options;
  }

  /** The process is gone: nothing of it becomes durable any more. */
  kill(): void {
    this.#isDead = true;
  }

  inputs(): Iterable<Uint8Array> {
    return [...this.disk.inputs];
  }

  signed(slot: string): Uint8Array | undefined {
    return this.disk.signed.get(slot);
  }

  signedCount(): number {
    return this.disk.signed.size;
  }

  proof(channel: Tag, round: number): Uint8Array | undefined {
    return this.disk.proofs.get(`${channel}/${round}`);
  }

  ledgerEntry(sequence: number): LedgerEntry | undefined {
    return this.disk.ledger[sequence - 1];
  }

  ledger(sequence: number): Iterable<LedgerEntry> {
    return this.disk.ledger.slice(sequence - 1);
  }

  async commit(batch: Batch): Promise<void> {
    const fate = (await this.#options.fate?.(++this.#commits)) ?? "done";
    if (fate === "failed") throw new Error("the disk refused");
    if (this.#isDead || fate === "lost") return new Promise(() => undefined);
    this.disk.apply(batch);
    if (fate === "unheard") return new Promise(() => undefined);
  }

  close(): Promise<void> {
    this.isClosed = true;
    return Promise.resolve();
  }
}
