/**
 * Where payloads are that lie in the bytes of a batch that is kept. The ledger says the place of such a payload, instead of having its bytes
 * once more.
 */
import type { BatchName } from "../../core/protocol.js";
import type { Tag } from "../../core/tag.js";
import type { KeptBatch } from "../../replica/storage.js";

/** A part of a batch's bytes. */
export interface BatchPlace {
  readonly channel: Tag;
  readonly name: BatchName;
  readonly offset: number;
  readonly sizeBytes: number;
}

export class BatchPlaces {
  /** By the memory that has the batch's bytes, which nobody changes: as long as views of it are there. */
  readonly #batches = new WeakMap<ArrayBufferLike, KeptBatch>();

  /** `batch` is kept from now on. */
  note(batch: KeptBatch): void {
    this.#batches.set(batch.bytes.buffer, batch);
  }

  /** Undefined for what is in none that was noted. */
  of(payload: Uint8Array): BatchPlace | undefined {
    const batch = this.#batches.get(payload.buffer);
    if (batch === undefined) return undefined;
    const { channel, name, bytes } = batch;
    const offset = payload.byteOffset - bytes.byteOffset;
    if (offset < 0 || offset + payload.length > bytes.length) return undefined;
    return { channel, name, offset, sizeBytes: payload.length };
  }
}
