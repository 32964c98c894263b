/**
 * The part of a state that has arrived, durably: its chunks, and which they are. A restart goes on from here. The record is a
 * head with the certified summary, and the chunks' hashes in parts of PART_HASHES, so that what is written grows with what
 * arrives, not with its square. Hashes are written when their chunks are durable; a part is removed before the head that it
 * belongs to is, so that no crash leaves a part to another head.
 */
import { concat } from "../core/bytes.js";
import { type Value, bytes, decode, encode, struct } from "../core/codec.js";
import { InvariantError } from "../core/protocol.js";
import { MAX_CERTIFICATE_BYTES } from "../core/suite.js";
import { MAX_SUMMARY_BYTES } from "../wire/peer-frames.js";
import { type CheckpointSummary, decodeSummary } from "./checkpoint-summary.js";
import type { Storage } from "./storage.js";

export type TransferStorage = Pick<Storage, "putChunks" | "meta" | "setMeta">;

export const PART_HASHES = 1024;
const HASH_BYTES = 32;
const HEAD = "transfer";

const headCodec = struct({ summary: bytes(MAX_SUMMARY_BYTES), certificate: bytes(MAX_CERTIFICATE_BYTES) });

interface Chunk {
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

export class TransferRecord {
  readonly summary: CheckpointSummary;
  /** `summary` encoded, and its certificate. */
  readonly head: Value<typeof headCodec>;
  readonly #storage: TransferStorage;
  /** Hashes of durable chunks, one after the other; zeros where there is none. */
  readonly #parts = new Map<number, Uint8Array>();
  #durableCount = 0;
  /** By index, those that are not durable yet. */
  readonly #pending = new Map<number, Chunk>();

  /** @throws InvariantError when `head` has no summary */
  constructor(storage: TransferStorage, head: Value<typeof headCodec>) {
    const summary = decodeSummary(head.summary);
    if (!summary.ok)
      throw new InvariantError(`the summary of the state that is on its way is damaged: ${summary.error}`);
    this.summary = summary.value;
    this.head = head;
    this.#storage = storage;
  }

  /** What an earlier run has stored. @throws InvariantError when that is damaged */
  static load(storage: TransferStorage): TransferRecord | undefined {
    const encoded = storage.meta(HEAD);
    if (encoded === undefined) return undefined;
    const head = decode(headCodec, encoded);
    if (!head.ok) throw new InvariantError(`the record of the state that is on its way is damaged: ${head.error}`);
    const record = new TransferRecord(storage, head.value);
    for (let part = 0; part < record.#partCount; part++) record.#loadPart(part);
    return record;
  }

  get #partCount(): number {
    return Math.ceil(this.summary.chunkCount / PART_HASHES);
  }

  #loadPart(part: number): void {
    const hashes = this.#storage.meta(nameOf(part));
    if (hashes === undefined) return;
    if (hashes.length !== this.#partBytes(part))
      throw new InvariantError(`part ${part} of the hashes has another length`);
    this.#parts.set(part, hashes.slice());
    for (let index = part * PART_HASHES; index < (part + 1) * PART_HASHES; index++)
      if (this.#isDurable(index)) this.#durableCount++;
  }

  #partBytes(part: number): number {
    return HASH_BYTES * Math.min(PART_HASHES, this.summary.chunkCount - part * PART_HASHES);
  }

  /** Chunks that are here. */
  get count(): number {
    return this.#durableCount + this.#pending.size;
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  /** All chunks are here and durable. */
  get isComplete(): boolean {
    return this.#durableCount === this.summary.chunkCount;
  }

  has(index: number): boolean {
    return this.#pending.has(index) || this.#isDurable(index);
  }

  #isDurable(index: number): boolean {
    const hashes = this.#parts.get(Math.floor(index / PART_HASHES));
    const offset = (index % PART_HASHES) * HASH_BYTES;
    return hashes?.subarray(offset, offset + HASH_BYTES).some((byte) => byte !== 0) === true;
  }

  /** A verified chunk. */
  add(index: number, hash: Uint8Array, chunk: Uint8Array): void {
    // A copy: what came is a part of a frame.
    this.#pending.set(index, { hash, bytes: chunk.slice() });
  }

  /** Replaces `earlier` durably. */
  async open(earlier: TransferRecord | undefined): Promise<void> {
    if (earlier !== undefined) await earlier.#removeParts();
    await this.#storage.setMeta(HEAD, encode(headCodec, this.head));
  }

  async remove(): Promise<void> {
    await this.#removeParts();
    await this.#storage.setMeta(HEAD, undefined);
  }

  async #removeParts(): Promise<void> {
    for (const part of this.#parts.keys()) await this.#storage.setMeta(nameOf(part), undefined);
  }

  /** Makes durable what is here. One at a time. */
  async save(): Promise<void> {
    const saved = [...this.#pending];
    await this.#storage.putChunks(saved.map(([, chunk]) => chunk));
    const changed = new Set<number>();
    for (const [index, { hash }] of saved) {
      const part = Math.floor(index / PART_HASHES);
      const hashes = this.#parts.get(part) ?? new Uint8Array(this.#partBytes(part));
      hashes.set(hash, (index % PART_HASHES) * HASH_BYTES);
      this.#parts.set(part, hashes);
      changed.add(part);
    }
    for (const part of changed) await this.#storage.setMeta(nameOf(part), this.#parts.get(part)?.slice());
    for (const [index] of saved) this.#pending.delete(index);
    this.#durableCount += saved.length;
  }

  /** Hashes of the chunks that are here, in no order, one after the other. */
  get keptHashes(): Uint8Array {
    const kept = [...this.#pending.values()].map(({ hash }) => hash);
    for (const [part, hashes] of this.#parts) {
      for (let index = part * PART_HASHES; index < (part + 1) * PART_HASHES; index++) {
        const offset = (index % PART_HASHES) * HASH_BYTES;
        if (this.#isDurable(index)) kept.push(hashes.subarray(offset, offset + HASH_BYTES));
      }
    }
    return concat(...kept);
  }

  /** Of a complete state: its chunks' hashes, one after the other. */
  get chunkHashes(): Uint8Array {
    const hashes = new Uint8Array(HASH_BYTES * this.summary.chunkCount);
    for (const [part, its] of this.#parts) hashes.set(its, part * PART_HASHES * HASH_BYTES);
    return hashes;
  }
}

function nameOf(part: number): string {
  return `${HEAD}/${part}`;
}
