/**
 * The transport port in memory, driven step by step: nothing moves unless a test says so, so that a connection can be
 * broken before or after any frame. It keeps the promises of `replica/links.ts` and no others, and notes when its user
 * breaks theirs.
 */
import { type Pieces, concat } from "../../src/core/bytes.js";
import type { Connection, ConnectionHandlers, Peer } from "../../src/replica/links.js";

export interface MemoryConnectionOptions {
  /** Who is at the other end of each end. */
  readonly left: Peer;
  readonly right: Peer;
  /** `send` returns false when more than this waits to be taken. */
  readonly bufferBytes?: number;
}

/** One end. */
export class MemoryConnection implements Connection {
  readonly peer: Peer;
  readonly #bufferBytes: number;
  #handlers: ConnectionHandlers | undefined;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #full = false;
  #paused = false;
  #closed = false;
  /** Frames that were written although the last `send` had said that there is no room. */
  overruns = 0;
  /** Frames ever written. */
  sent = 0;
  /** What becomes of a frame that is written: who watches it may change it. */
  rewrite: ((frame: Uint8Array) => Uint8Array) | undefined;

  constructor(peer: Peer, bufferBytes: number) {
    this.peer = peer;
    this.#bufferBytes = bufferBytes;
  }

  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  send(...pieces: Pieces): boolean {
    // A copy, as a network makes one: what the sender does with its bytes later is not heard.
    const frame = concat(...pieces);
    if (frame.length === 0) throw new RangeError("an empty frame cannot be sent");
    if (this.#closed) return true;
    if (this.#full) this.overruns++;
    this.sent++;
    const written = this.rewrite?.(frame) ?? frame;
    this.#queue.push(written);
    this.#queuedBytes += written.length;
    this.#full = this.#queuedBytes > this.#bufferBytes;
    return !this.#full;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
  }

  close(): void {
    this.#closed = true;
  }

  /** Whether a frame of the other end would be handed on now. */
  get takes(): boolean {
    return this.#handlers !== undefined && !this.#paused && !this.#closed;
  }

  hand(frame: Uint8Array): void {
    this.#handlers?.onFrame(frame);
  }

  /** The oldest frame that waits to be sent. */
  shift(): Uint8Array | undefined {
    const frame = this.#queue.shift();
    this.#queuedBytes -= frame?.length ?? 0;
    return frame;
  }

  /** What waits to be sent is lost, and nobody is told. */
  delete(): void {
    while (this.shift() !== undefined);
    this.notifyWritable();
  }

  /** As `shift` has made room. */
  notifyWritable(): void {
    if (!this.#full || this.#closed || this.#queuedBytes > this.#bufferBytes / 2) return;
    this.#full = false;
    this.#handlers?.onWritable();
  }

  /** The end of the connection, as its user sees it; once. */
  finish(reason: string): void {
    this.#closed = true;
    this.#queue = [];
    this.#queuedBytes = 0;
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose(reason);
  }
}

/** Both ends. */
export class MemoryPair {
  readonly left: MemoryConnection;
  readonly right: MemoryConnection;
  #broken = false;

  constructor({ left, right, bufferBytes = 1024 * 1024 }: MemoryConnectionOptions) {
    this.left = new MemoryConnection(left, bufferBytes);
    this.right = new MemoryConnection(right, bufferBytes);
  }

  get isBroken(): boolean {
    return this.#broken;
  }

  /** Hands one frame to `to`, or ends the connection that the other end has closed. False when nothing can move. */
  step(to: MemoryConnection): boolean {
    if (this.#broken) return false;
    const from = to === this.left ? this.right : this.left;
    if (from.hasQueued && !to.isClosed) {
      if (!to.takes) return false;
      const frame = from.shift();
      if (frame !== undefined) to.hand(frame);
      from.notifyWritable();
      return true;
    }
    if (!from.isClosed && !to.isClosed) return false;
    // Closed in order: what was sent before is through, or nobody takes it any more.
    this.break("closed");
    return true;
  }

  /** One step at `first` if anything can move there, else at the other end. */
  stepAny(first = this.right): boolean {
    return this.step(first) || this.step(first === this.left ? this.right : this.left);
  }

  /** Moves frames both ways until nothing moves; `limit` is above what any test needs. */
  settle(limit = 1_000_000): void {
    for (let moved = 0; moved < limit; moved++) {
      if (!this.stepAny()) return;
    }
    throw new Error(`still frames after ${limit}`);
  }

  /** Everything in flight is lost. */
  break(reason = "broken"): void {
    if (this.#broken) return;
    this.#broken = true;
    this.left.finish(reason);
    this.right.finish(reason);
  }
}
