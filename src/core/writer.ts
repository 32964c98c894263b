/** What encodings are written with: memory that is used again, and long byte strings that are not copied on the way. */
import { type Pieces, join } from "./bytes.js";

/** Encodings are cut from slabs of this size: an allocation for each would cost more than to write it. */
const SLAB_BYTES = 16 * 1024;
/** From this size on an encoding has memory of its own, so that what is kept of a slab is worth it; and a byte string in it is not copied. */
const LARGE_BYTES = 4 * 1024;

/** Memory for encodings that outgrow their slab is kept for the next ones up to this size. */
const MAX_SCRATCH_BYTES = 1024 * 1024;

export class Writer {
  /** What is written to: `#cut`, or the scratch memory when an encoding outgrows that. */
  #slab = new Uint8Array(SLAB_BYTES);
  /** Where the piece that is being written starts, and its end so far. */
  #start = 0;
  #end = 0;
  /** The slab that short encodings are cut from, and up to where it is used. */
  #cut = this.#slab;
  #used = 0;
  #scratch = new Uint8Array(0);
  /** The pieces before the one that is being written: those that were written here, and large byte strings between them. */
  #pieces: Uint8Array[] = [];
  #piecesBytes = 0;

  /** What was written since the last `finish`. */
  get sizeBytes(): number {
    return this.#piecesBytes + this.#end - this.#start;
  }

  #reserve(sizeBytes: number): number {
    const offset = this.#end;
    if (offset + sizeBytes > this.#slab.length) return this.#move(sizeBytes);
    this.#end = offset + sizeBytes;
    return offset;
  }

  /** Goes on where there is room for `sizeBytes` more: in a new slab, or when it gets long in the scratch memory. */
  #move(sizeBytes: number): number {
    const offset = this.#end - this.#start;
    const written = this.#slab.subarray(this.#start, this.#end);
    this.#slab = offset + sizeBytes < LARGE_BYTES ? this.#newSlab() : this.#roomyScratch(offset + sizeBytes);
    this.#slab.set(written);
    this.#start = 0;
    this.#end = offset + sizeBytes;
    return offset;
  }

  #newSlab(): Uint8Array<ArrayBuffer> {
    this.#cut = new Uint8Array(SLAB_BYTES);
    this.#used = 0;
    return this.#cut;
  }

  #roomyScratch(neededBytes: number): Uint8Array<ArrayBuffer> {
    if (this.#scratch.length < neededBytes) this.#scratch = new Uint8Array(Math.max(4 * SLAB_BYTES, 2 * neededBytes));
    return this.#scratch;
  }

  u8(value: number): void {
    const offset = this.#reserve(1);
    this.#slab[offset] = value;
  }

  u32(value: number): void {
    const offset = this.#reserve(4);
    const slab = this.#slab;
    slab[offset] = value >>> 24;
    slab[offset + 1] = value >>> 16;
    slab[offset + 2] = value >>> 8;
    slab[offset + 3] = value;
  }

  u64(value: number): void {
    this.u32(Math.floor(value / 0x1_0000_0000));
    this.u32(value >>> 0);
  }

  /** Large `bytes` are not copied: they may not be changed afterwards. */
  raw(bytes: Uint8Array): void {
    if (bytes.length >= LARGE_BYTES) return this.#refer(bytes);
    const offset = this.#reserve(bytes.length);
    this.#slab.set(bytes, offset);
  }

  #refer(bytes: Uint8Array): void {
    this.#endPiece();
    this.#pieces.push(bytes);
    this.#piecesBytes += bytes.length;
  }

  /** What is written next is a piece of its own. One in the slab stays where it is, the scratch memory is used again. */
  #endPiece(): void {
    const [start, end] = [this.#start, this.#end];
    if (end > start) {
      const isOwn = this.#slab !== this.#cut;
      this.#pieces.push(isOwn ? this.#slab.slice(start, end) : this.#slab.subarray(start, end));
      this.#piecesBytes += end - start;
      if (!isOwn) this.#used = end;
    }
    this.#slab = this.#cut;
    this.#start = this.#end = this.#used;
  }

  /** Text that `isAscii`. */
  ascii(value: string): void {
    const offset = this.#reserve(value.length);
    const slab = this.#slab;
    for (let index = 0; index < value.length; index++) slab[offset + index] = value.charCodeAt(index);
  }

  /** What was written, in one piece, and makes the writer ready for the next encoding. */
  finish(): Uint8Array {
    if (this.#pieces.length > 0) return join(this.finishPieces());
    const start = this.#start;
    const end = this.#end;
    if (end - start >= LARGE_BYTES) {
      const own = this.#slab.slice(start, end);
      this.discard();
      return own;
    }
    // It never outgrew its slab. The next one starts at a multiple of eight, as if it had been allocated.
    const short = this.#slab.subarray(start, end);
    this.#used = (end + 7) & ~7;
    this.discard();
    return short;
  }

  /** As `finish`; large byte strings are the ones that were given. */
  finishPieces(): Pieces {
    this.#endPiece();
    const pieces = this.#pieces;
    this.discard();
    return pieces;
  }

  /** Forgets what was written. */
  discard(): void {
    if (this.#scratch.length > MAX_SCRATCH_BYTES) this.#scratch = new Uint8Array(0);
    if (this.#pieces.length > 0) this.#pieces = [];
    this.#piecesBytes = 0;
    this.#slab = this.#cut;
    this.#start = this.#end = this.#used;
  }
}
