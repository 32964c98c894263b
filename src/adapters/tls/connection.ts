/** A TLS socket as a framed connection with a bounded send buffer (port: replica/links.ts). */
import type { TLSSocket } from "node:tls";
import { type Pieces, sizeOfPieces } from "../../core/bytes.js";
import type { Connection, ConnectionHandlers, Peer } from "../../replica/links.js";
import { FRAME_HEADER_BYTES, FrameReader, writeFrameHeader } from "./framing.js";

export interface ConnectionLimits {
  /** `send` returns false when more than this waits to be sent. */
  readonly sendBufferBytes: number;
  /** How long an orderly close may wait for the peer to take what was sent. */
  readonly lingerMs: number;
}

export const DEFAULT_CONNECTION_LIMITS: ConnectionLimits = { sendBufferBytes: 1024 * 1024, lingerMs: 2_000 };

/** A caller that ignores `false` from `send` loses the connection at this multiple of the send buffer. */
const OVERRUN_FACTOR = 16;

/** What of frames is up to this size is copied together and costs one write; longer pieces are written in place. */
const COALESCE_BYTES = 16 * 1024;

/** What waits in one tick is handed to the socket when it reaches this size. */
const FLUSH_BYTES = 64 * 1024;

/** Idle time after which TCP probes the peer; Node's probes are a second apart and ten are enough to give up. */
const KEEPALIVE_MS = 10_000;

/** Bytes of frames that connections were given to send, and have received, with what frames them, before encryption. */
export class Traffic {
  sentBytes = 0;
  receivedBytes = 0;
}

export class TlsConnection implements Connection {
  readonly peer: Peer;
  /** Resolves after `onClose`. */
  readonly closed: Promise<void>;
  readonly #socket: TLSSocket;
  readonly #reader: FrameReader;
  readonly #limits: ConnectionLimits;
  readonly #traffic: Traffic;
  #handlers: ConnectionHandlers | undefined;
  /** Frames that wait for the end of the tick. */
  #waiting: Pieces[] = [];
  #waitingBytes = 0;
  #flush: NodeJS.Immediate | undefined;
  #full = false;
  #receivedFrame = false;
  /** Why the connection is being closed; nothing is handed on once this is set. */
  #closeReason: string | undefined;
  #linger: NodeJS.Timeout | undefined;

  constructor(
    socket: TLSSocket,
    peer: Peer,
    maxFrameBytes: number,
    limits: ConnectionLimits,
    traffic: Traffic = new Traffic(),
  ) {
    this.peer = peer;
    this.#socket = socket;
    this.#reader = new FrameReader(maxFrameBytes);
    this.#limits = limits;
    this.#traffic = traffic;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEPALIVE_MS);
    // Several pieces at once Node.js copies into one first; what is short comes in one piece (`framed`), and what is long is not worth it.
    Object.assign(socket, { _writev: null });
    socket.on("error", (error) => (this.#closeReason ??= error.message));
    this.closed = new Promise((resolve) => {
      socket.on("close", () => {
        this.#finish();
        resolve();
      });
    });
  }

  /** Whether the peer has sent a whole frame: it has accepted us. */
  get receivedFrame(): boolean {
    return this.#receivedFrame;
  }

  /** Starts to read. Called once, with what the acceptor returned. */
  start(handlers: ConnectionHandlers): void {
    this.#handlers = handlers;
    const onFrame = (frame: Uint8Array): void => {
      this.#receivedFrame = true;
      if (this.#closeReason === undefined) handlers.onFrame(frame);
    };
    this.#socket.on("end", () => {
      this.#closeReason ??= "closed by the peer";
      this.#startLinger();
    });
    this.#socket.on("data", (chunk: Uint8Array) => {
      this.#traffic.receivedBytes += chunk.length;
      if (this.#closeReason !== undefined) return;
      const error = this.#reader.push(chunk, onFrame);
      if (error !== undefined) this.abort(error);
    });
  }

  /**
   * A frame, in one piece or several, is queued also when this returns false; it MUST NOT be changed afterwards.
   * @throws RangeError for an empty frame, which the peer would take for an attack.
   */
  send(...frame: Pieces): boolean {
    const sizeBytes = sizeOfPieces(frame);
    if (sizeBytes === 0) throw new RangeError("an empty frame cannot be sent");
    if (this.#closeReason !== undefined) return true;
    if (this.#bufferedBytes() > OVERRUN_FACTOR * this.#limits.sendBufferBytes) {
      this.abort("send buffer overrun: the sender did not wait for room");
      return true;
    }
    this.#waiting.push(frame);
    this.#waitingBytes += FRAME_HEADER_BYTES + sizeBytes;
    if (this.#waitingBytes >= FLUSH_BYTES) this.#writeOut();
    else this.#flush ??= setImmediate(() => this.#writeOut());
    if (this.#bufferedBytes() <= this.#limits.sendBufferBytes) return true;
    this.#full = true;
    return false;
  }

  pause(): void {
    if (this.#closeReason === undefined) this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    this.closeBecause("closed here");
  }

  /** An orderly close with a reason for the logs. */
  closeBecause(reason: string): void {
    if (this.#closeReason !== undefined) return;
    this.#writeOut();
    this.#closeReason = reason;
    this.#socket.end();
    // Unread data would turn the close into a reset, and the peer would lose what we sent last.
    this.#socket.resume();
    this.#startLinger();
  }

  /** Closes at once; what waits is lost. */
  abort(reason: string): void {
    this.#closeReason ??= reason;
    this.#socket.destroy();
  }

  /** A peer that does not take what is left must not keep the socket. */
  #startLinger(): void {
    this.#linger ??= setTimeout(() => this.#socket.destroy(), this.#limits.lingerMs).unref();
  }

  #bufferedBytes(): number {
    return this.#waitingBytes + this.#socket.writableLength;
  }

  #writeOut(): void {
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#flush = undefined;
    const frames = this.#waiting;
    if (frames.length === 0) return;
    const sizeBytes = this.#waitingBytes;
    this.#waiting = [];
    this.#waitingBytes = 0;
    if (!this.#socket.writable) return;
    this.#traffic.sentBytes += sizeBytes;
    const pieces = framed(frames, sizeBytes);
    const written = (): void => this.#wrote();
    for (const [index, piece] of pieces.entries())
      this.#socket.write(piece, index === pieces.length - 1 ? written : undefined);
  }

  /** Not 'drain': that waits until nothing at all is buffered, and the socket would idle meanwhile. */
  #wrote(): void {
    if (!this.#full || this.#closeReason !== undefined) return;
    if (this.#bufferedBytes() > this.#limits.sendBufferBytes / 2) return;
    this.#full = false;
    this.#handlers?.onWritable();
  }

  #finish(): void {
    clearTimeout(this.#linger);
    if (this.#flush !== undefined) clearImmediate(this.#flush);
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#closeReason ??= "connection lost";
    const handlers = this.#handlers;
    this.#handlers = undefined;
    handlers?.onClose(this.#closeReason);
  }
}

/** The frames with their headers: what is short in as few pieces as possible, long pieces as they are. `sizeBytes` is the sum of all. */
function framed(frames: readonly Pieces[], sizeBytes: number): Pieces {
  let copiedBytes = sizeBytes;
  for (const frame of frames) for (const { length } of frame) if (length > COALESCE_BYTES) copiedBytes -= length;
  const slab = new Uint8Array(copiedBytes);
  const view = new DataView(slab.buffer);
  const pieces: Uint8Array[] = [];
  let start = 0;
  let offset = 0;
  const endPiece = (): void => {
    if (offset > start) pieces.push(slab.subarray(start, offset));
    start = offset;
  };
  for (const frame of frames) {
    writeFrameHeader(view, offset, sizeOfPieces(frame));
    offset += FRAME_HEADER_BYTES;
    for (const piece of frame) {
      if (piece.length > COALESCE_BYTES) {
        endPiece();
        pieces.push(piece);
      } else {
        slab.set(piece, offset);
        offset += piece.length;
      }
    }
  }
  endPiece();
  return pieces;
}
