/**
 * Whether a record is written and synced by the thread that asks for it, which then waits for the disk itself. Another thread must be
 * woken for each of the two, and wake this one again; a short record takes half of the time and of the processor without it. Meanwhile no
 * other event has its turn: so it is done only where little is written, and the disk is fast.
 */

/** A record for this thread has at most so many bytes, with the batches beside it. */
const MAX_SHORT_BYTES = 8 * 1024;
/** On average of late: beside who writes much the disk is busy. */
const MAX_AVERAGE_BYTES = 4 * 1024;
const LATEST = 1 / 8;
/** What the disk may take, on average of late. */
export const MAX_AVERAGE_MS = 3;
/** How much of that is forgotten with each short record that was left to another thread: the disk may be fast again. */
const FORGOTTEN = 1 / 64;

export class Haste {
  #averageBytes = 0;
  #averageMs = 0;

  /** The next record has so many bytes, with the batches beside it: whether it is for this thread. */
  suits(sizeBytes: number): boolean {
    this.#averageBytes += LATEST * (sizeBytes - this.#averageBytes);
    if (sizeBytes > MAX_SHORT_BYTES || this.#averageBytes > MAX_AVERAGE_BYTES) return false;
    if (this.#averageMs <= MAX_AVERAGE_MS) return true;
    this.#averageMs *= 1 - FORGOTTEN;
    return false;
  }

  /** So long this thread has waited for the disk. */
  waited(durationMs: number): void {
    this.#averageMs += LATEST * (durationMs - this.#averageMs);
  }
}
