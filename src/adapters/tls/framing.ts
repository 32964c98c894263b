/**
 * Frames on a byte stream: a u32 big-endian length, then that many bytes.
 *
 * The reader is total and bounded: any bytes give frames or one error, and what it holds is at most
 * four times what has arrived of the frame being assembled. A length alone costs the sender's peer nothing.
 */

import { compact } from "../../core/bytes.js";

export const FRAME_HEADER_BYTES = 4;

/** The first allocation for a frame that arrives in pieces. */
const FIRST_ALLOCATION_BYTES = 4 * 1024;
/** Memory is had for so many times what has arrived, so that most frames are copied once only. */
const GROWTH = 4;

/** Writes the header of a frame of `sizeBytes` at `offset`. */
export function writeFrameHeader(target: DataView, offset: number, sizeBytes: number): void {
  target.setUint32(offset, sizeBytes);
}

/** Turns chunks of any size into frames. */
export class FrameReader {
  readonly #maxFrameBytes: number;
  #error: string | undefined;
  /** The length of the frame under way, as far as its header has arrived. */
  #headerValue = 0;
  #headerBytes = 0;
  /** The frame under way when it spans chunks; `#received` of its bytes are there. */
  #partial: Uint8Array<ArrayBuffer> | undefined;
  #received = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  /** Memory held for the frame under way. */
  get heldBytes(): number {
    return this.#partial?.length ?? 0;
  }

  /**
   * Hands each frame that `chunk` completes to `onFrame`, in order. Returns what is wrong with the
   * stream, from then on always: nothing that follows can be told apart. `chunk` may not be changed
   * afterwards; a frame that fills most of the memory under it is a range of it, others are copies.
   */
  push(chunk: Uint8Array, onFrame: (frame: Uint8Array) => void): string | undefined {
    let offset = 0;
    while (this.#error === undefined && offset < chunk.length) {
      if (this.#headerBytes < FRAME_HEADER_BYTES) {
        this.#headerValue = this.#headerValue * 256 + (chunk[offset++] ?? 0);
        if (++this.#headerBytes === FRAME_HEADER_BYTES) this.#error = this.#checkLength(this.#headerValue);
        continue;
      }
      const wanted = this.#headerValue - this.#received;
      const end = Math.min(chunk.length, offset + wanted);
      if (end - offset < wanted) {
        this.#keep(chunk, offset, end);
      } else {
        const frame = this.#received === 0 ? compact(range(chunk, offset, end)) : this.#complete(chunk, offset, end);
        this.#headerValue = 0;
        this.#headerBytes = 0;
        this.#partial = undefined;
        this.#received = 0;
        onFrame(frame);
      }
      offset = end;
    }
    return this.#error;
  }

  #checkLength(sizeBytes: number): string | undefined {
    if (sizeBytes === 0) return "frame of length zero";
    if (sizeBytes > this.#maxFrameBytes) {
      return `frame of ${sizeBytes} bytes above the bound of ${this.#maxFrameBytes}`;
    }
    return undefined;
  }

  #keep(chunk: Uint8Array, start: number, end: number): Uint8Array {
    const needed = this.#received + end - start;
    let partial = this.#partial;
    if (partial === undefined || partial.length < needed) {
      const capacity = Math.max(GROWTH * needed, FIRST_ALLOCATION_BYTES);
      const grown = unfilled(Math.min(this.#headerValue, capacity));
      if (partial !== undefined) grown.set(partial.subarray(0, this.#received));
      this.#partial = partial = grown;
    }
    partial.set(range(chunk, start, end), this.#received);
    this.#received = needed;
    return partial;
  }

  /** The allocation is capped at the frame's length, so that here it is exactly as long as the frame. */
  #complete(chunk: Uint8Array, start: number, end: number): Uint8Array {
    return this.#keep(chunk, start, end).subarray(0, this.#headerValue);
  }
}

/** Memory that has anything in it. Nobody sees of it what was not received. */
function unfilled(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
}

/** A plain `Uint8Array` also when `bytes` is a `Buffer`, whose `slice` would not copy. */
function range(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
