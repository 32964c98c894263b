/**
 * The half of a link on which a peer speaks to this replica: hears each message once, holds the peer back when its
 * messages wait too long here, and asks it for what is missing.
 */
import { equalBytes } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { Tag } from "../core/tag.js";
import { PEER_PROTOCOL_VERSION, type PeerFrame, peerFrameCodec } from "../wire/peer-frames.js";
import type { LinkFault } from "./accusations.js";
import type { Connection, ConnectionHandlers } from "./links.js";

/** Messages of one peer that wait for the engine; above it the peer is not read. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

export interface IncomingLinkOptions {
  readonly cluster: Uint8Array;
  positions(): readonly { readonly channel: Tag; readonly round: number }[];
  /** Takes the message; `handled` is called with its size when it is durable or dropped. */
  onMessage(envelope: Envelope, sizeBytes: number): void;
  onFault(fault: LinkFault): void;
  /** A new connection: requests under way on the old one are lost. */
  onOpen(): void;
}

export class IncomingLink {
  readonly #options: IncomingLinkOptions;
  #connection: Connection | undefined;
  #greeted = false;
  #epoch = new Uint8Array(0);
  /** The greatest message number heard in this epoch. */
  #last = 0;
  /** Requests to repeat that were made, and the last one that was answered; in between numbers do not tell what is new. */
  #asked = 0;
  #answered = 0;
  #waitingBytes = 0;
  #paused = false;

  constructor(options: IncomingLinkOptions) {
    this.#options = options;
  }

  /** A new connection that the peer dialled. */
  open(connection: Connection): ConnectionHandlers {
    this.#connection?.close();
    this.#connection = connection;
    this.#greeted = false;
    // What came on earlier connections still waits.
    this.#paused = this.#waitingBytes > MAX_WAITING_BYTES;
    if (this.#paused) connection.pause();
    return {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onWritable: () => undefined,
      onClose: () => {
        if (this.#connection === connection) this.#connection = undefined;
      },
    };
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    const frame = decode(peerFrameCodec, bytes);
    const fault = frame.ok ? this.#act(connection, frame.value, bytes.length) : "malformed-frame";
    if (fault === undefined) return;
    this.#options.onFault(fault);
    connection.close();
  }

  #act(connection: Connection, frame: PeerFrame, sizeBytes: number): LinkFault | undefined {
    if (!this.#greeted) return frame.kind === "hello" ? this.#greet(connection, frame) : "unexpected-frame";
    if (frame.kind === "repeated") {
      this.#answered = Math.min(Math.max(this.#answered, frame.ask), this.#asked);
      return undefined;
    }
    if (frame.kind !== "message") return "unexpected-frame";
    // What was heard before the connection broke comes again when the peer could not know; proofs have no number.
    const isNew = frame.number === 0 || frame.number > this.#last || this.#answered < this.#asked;
    this.#last = Math.max(this.#last, frame.number);
    if (isNew) this.#take(connection, frame.envelope, sizeBytes);
    return undefined;
  }

  #greet(connection: Connection, hello: Extract<PeerFrame, { kind: "hello" }>): LinkFault | undefined {
    if (hello.version !== PEER_PROTOCOL_VERSION) return "wrong-version";
    if (!equalBytes(hello.cluster, this.#options.cluster)) return "wrong-cluster";
    if (!equalBytes(hello.epoch, this.#epoch)) {
      this.#epoch = hello.epoch.slice();
      this.#last = 0;
    }
    this.#greeted = true;
    this.#options.onOpen();
    const positions = this.#options.positions();
    connection.send(encode(peerFrameCodec, { kind: "welcome", resumeAfter: this.#last, positions }));
    if (this.#answered < this.#asked) connection.send(encode(peerFrameCodec, { kind: "askRepeat", ask: this.#asked }));
    return undefined;
  }

  #take(connection: Connection, envelope: Envelope, sizeBytes: number): void {
    this.#waitingBytes += sizeBytes;
    if (this.#waitingBytes > MAX_WAITING_BYTES && !this.#paused) {
      this.#paused = true;
      connection.pause();
    }
    this.#options.onMessage(envelope, sizeBytes);
  }

  /** Messages of this size have left the queue. */
  handled(sizeBytes: number): void {
    this.#waitingBytes -= sizeBytes;
    if (!this.#paused || this.#waitingBytes > MAX_WAITING_BYTES / 2) return;
    this.#paused = false;
    this.#connection?.resume();
  }

  askProofs(channel: Tag, round: number): void {
    if (this.#greeted) this.#connection?.send(encode(peerFrameCodec, { kind: "askProofs", channel, round }));
  }

  /** Asked at once, and again by the `welcome` of the next connection while it is not answered. */
  askRepeat(): void {
    this.#asked++;
    if (this.#greeted) this.#connection?.send(encode(peerFrameCodec, { kind: "askRepeat", ask: this.#asked }));
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
