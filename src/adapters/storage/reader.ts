/** What can be read of a store: the tables, and above them what is not in the tables yet. */
import { createHash } from "node:crypto";
import { equalBytes, toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import type { BatchName } from "../../core/protocol.js";
import type { Tag } from "../../core/tag.js";
import {
  type CheckpointRecord,
  type KeptBatch,
  type LedgerEntry,
  type Storage,
  laneOfSlot,
  roundOfSlot,
} from "../../replica/storage.js";
import { BatchReader } from "./batch-reader.js";
import { damaged } from "./errors.js";
import { type BatchRow, type Tables, batchCodec, batchKey, checkpointCodec, ledgerCodec } from "./tables.js";
import type { BatchPlace } from "./batch-places.js";
import { type Layer, type LedgerRow, batchName, proofKey } from "./write-behind.js";

/** Any number of processes may read a store beside the one that writes it. */
export type StorageReader = Pick<
  Storage,
  | "base"
  | "appliedInput"
  | "signed"
  | "signedCount"
  | "lastSignedRound"
  | "signedHeights"
  | "proof"
  | "ledgerEntry"
  | "ledger"
  | "batch"
  | "checkpoints"
  | "checkpoint"
  | "chunk"
  | "meta"
  | "close"
>;

export class Reader implements StorageReader {
  readonly tables: Tables;
  readonly #files: BatchReader;
  readonly #layers: () => readonly Layer[];
  /** The batch of the last entry that was in one. */
  #recentBatch: KeptBatch | undefined;

  constructor(tables: Tables, layers: () => readonly Layer[] = () => []) {
    this.tables = tables;
    this.#files = new BatchReader(tables.directory);
    this.#layers = layers;
  }

  /** From here on what is there now can be read to its end, whatever the process that writes forgets meanwhile: within this turn of the event loop. */
  hold(): void {
    this.#files.hold();
    this.tables.refresh();
  }

  get appliedInput(): number {
    return this.tables.state().appliedInput;
  }

  base(): CheckpointRecord | undefined {
    const { baseRound } = this.tables.state();
    if (baseRound === 0) return undefined;
    const record = this.checkpoint(baseRound);
    if (record === undefined) throw damaged(this.tables.path, `the checkpoint of round ${baseRound} is missing`);
    return record;
  }

  signed(slot: string): Uint8Array | undefined {
    for (const { signed } of this.#layers()) {
      const digest = signed.get(slot);
      if (digest !== undefined) return digest;
    }
    return this.tables.signed.get(signedKey(slot));
  }

  signedCount(round: number): number {
    let count = 0;
    for (const [of] of this.tables.signed.keys()) if (of > round) count++;
    return count;
  }

  signedHeights(): ReadonlyMap<PartyId, number> {
    const heights = new Map<PartyId, number>();
    const note = (slot: string): void => {
      const of = laneOfSlot(slot);
      if (of !== undefined) heights.set(of.lane, Math.max(heights.get(of.lane) ?? 0, of.height));
    };
    for (const [, slot] of this.tables.signed.keys([1])) note(slot);
    for (const { signed } of this.#layers()) for (const slot of signed.keys()) note(slot);
    return heights;
  }

  lastSignedRound(): number {
    return Math.max(this.tables.state().forgottenRound, this.tables.signed.lastKey()?.[0] ?? 0);
  }

  proof(channel: Tag, round: number): Uint8Array | undefined {
    for (const { proofs } of this.#layers()) {
      const proof = proofs.get(proofKey(channel, round));
      if (proof !== undefined) return proof.envelope;
    }
    return this.tables.proofs.get([round, channel]);
  }

  oldestProof(channel: Tag): number | undefined {
    for (const [round, of] of this.tables.proofs.keys()) if (of === channel) return round;
    const rounds = this.#layers().flatMap(({ proofs }) =>
      [...proofs.values()].filter((proof) => proof.channel === channel),
    );
    return rounds.length === 0 ? undefined : Math.min(...rounds.map(({ round }) => round));
  }

  ledgerEntry(sequence: number): LedgerEntry | undefined {
    for (const { ledger } of this.#layers()) {
      const row = ledger.get(sequence);
      if (row !== undefined) return this.#entryOf(row);
    }
    const value = this.tables.ledger.get(sequence);
    return value === undefined ? undefined : this.#entryOf(this.#row(sequence, value));
  }

  *ledger(sequence: number): Iterable<LedgerEntry> {
    // Before the tables: what goes from here to there meanwhile would be missed.
    const layers = this.#layers().toReversed();
    let next = sequence;
    for (const { key, value } of this.tables.ledger.entries(sequence)) {
      const entry = this.#entryOf(this.#row(key, value));
      if (entry !== undefined) yield entry;
      next = key + 1;
    }
    for (const { ledger } of layers) {
      for (const row of [...ledger.values()].toSorted((a, b) => a.sequence - b.sequence)) {
        if (row.sequence < next) continue;
        const entry = this.#entryOf(row);
        if (entry !== undefined) yield entry;
        next = row.sequence + 1;
      }
    }
  }

  #row(sequence: number, value: Uint8Array): LedgerRow {
    return { sequence, ...this.tables.ledger.decode(ledgerCodec, sequence, value) };
  }

  /** Undefined for what the process that writes has forgotten meanwhile. */
  #entryOf({ place, ...entry }: LedgerRow): LedgerEntry | undefined {
    if (place === undefined) return entry;
    const { offset, sizeBytes } = place;
    const batch = this.#batchAt(place);
    if (batch !== undefined && offset + sizeBytes <= batch.length)
      return { ...entry, payload: new Uint8Array(batch.subarray(offset, offset + sizeBytes)) };
    if (!this.tables.ledger.has(entry.sequence)) return undefined;
    throw damaged(`${this.tables.path}: table ledger, key ${entry.sequence}`, missingBatch(place));
  }

  /** Of neighbours in the ledger most are in the same batch. */
  #batchAt({ channel, name }: BatchPlace): Uint8Array | undefined {
    const recent = this.#recentBatch;
    if (recent?.channel === channel && equalBytes(recent.name.digest, name.digest)) return recent.bytes;
    const bytes = this.batch(channel, name);
    if (bytes !== undefined) this.#recentBatch = { channel, name, bytes };
    return bytes;
  }

  batch(channel: Tag, name: BatchName): Uint8Array | undefined {
    const row = this.#batchRow(channel, name);
    if (row === undefined || row.kind === "inline") return row?.bytes;
    const bytes = this.#files.read(row);
    if (typeof bytes !== "string") return bytes;
    // The process that writes may have forgotten it since the row was read.
    this.tables.refresh();
    const present = this.#batchRow(channel, name);
    if (present?.kind !== "filed" || present.file !== row.file || present.offset !== row.offset)
      return this.batch(channel, name);
    throw damaged(`${this.tables.path}: table batches, key ${String(batchKey(channel, name))}`, bytes);
  }

  /** Undefined when another of its height is there. */
  #batchRow(channel: Tag, name: BatchName): BatchRow | undefined {
    const row = this.#rowOfHeight(channel, name);
    return row !== undefined && equalBytes(row.digest, name.digest) ? row : undefined;
  }

  #rowOfHeight(channel: Tag, name: BatchName): BatchRow | undefined {
    for (const { batches } of this.#layers()) {
      const batch = batches.get(batchName(channel, name));
      if (batch !== undefined) return batch.row;
    }
    const key = batchKey(channel, name);
    const value = this.tables.batches.get(key);
    return value === undefined ? undefined : this.tables.batches.decode(batchCodec, key, value);
  }

  checkpoints(): readonly CheckpointRecord[] {
    return [...this.tables.checkpoints.entries()].map(({ key, value }) => this.#checkpoint(key, value));
  }

  checkpoint(round: number): CheckpointRecord | undefined {
    const value = this.tables.checkpoints.get(round);
    return value === undefined ? undefined : this.#checkpoint(round, value);
  }

  #checkpoint(round: number, value: Uint8Array): CheckpointRecord {
    return {
      round,
      ...this.tables.checkpoints.decode(checkpointCodec, round, value),
      certificate: this.#certificate(round),
    };
  }

  #certificate(round: number): Uint8Array | undefined {
    for (const { certificates } of this.#layers()) {
      const certificate = certificates.get(round);
      if (certificate !== undefined) return certificate;
    }
    return this.tables.certificates.get(round);
  }

  chunk(hash: Uint8Array): Uint8Array | undefined {
    const name = toHex(hash);
    const bytes = this.tables.chunks.get(name);
    if (bytes !== undefined && !equalBytes(sha256(bytes), hash)) {
      throw damaged(`${this.tables.path}: table chunks, key ${name}`, "the chunk has another hash");
    }
    return bytes;
  }

  meta(name: string): Uint8Array | undefined {
    return this.tables.meta.get(name);
  }

  async close(): Promise<void> {
    this.#files.close();
    await this.tables.close();
  }
}

export function missingBatch({ channel, name: { lane, height, digest } }: BatchPlace): string {
  return `its payload is in batch ${toHex(digest)} of ${batchName(channel, { lane, height })}, which is missing or shorter`;
}

export function sha256(bytes: Uint8Array): Uint8Array {
  return createHash("sha256").update(bytes).digest();
}

export function signedKey(slot: string): [number, string] {
  return [roundOfSlot(slot), slot];
}

/** The hashes in a list of hashes. */
export function* hashesIn(list: Uint8Array): Iterable<Uint8Array> {
  for (let offset = 0; offset + 32 <= list.length; offset += 32) yield list.subarray(offset, offset + 32);
}
