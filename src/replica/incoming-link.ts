/**
 * The half of a link on which a peer speaks to this replica: hands on what it says, holds the peer back when that waits too long
 * here, and tells it how far it was heard.
 */
import { equalBytes } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import type { Tag } from "../core/tag.js";
import {
  type Item,
  PEER_PROTOCOL_VERSION,
  type PeerFrame,
  type PerLine,
  type Relayed,
  isItem,
  peerFrameCodec,
} from "../wire/peer-frames.js";
import type { LinkFault } from "./accusations.js";
import type { Connection, ConnectionHandlers } from "./links.js";

/**
 * What one peer says that waits for its turn; above it the peer is not read. An honest peer's bulk alone never is so much: it waits
 * until what it said is durable here, and has half as much on the way (relay/courier.ts).
 */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** An item that the peer said in its run, or a frame that it relays; with its encoding. */
export type PeerInput =
  | { readonly kind: "item"; readonly run: number; readonly item: Item; readonly bytes: Uint8Array }
  | { readonly kind: "relay"; readonly relayed: Relayed; readonly bytes: Uint8Array };

export interface IncomingLinkOptions {
  readonly cluster: Uint8Array;
  /** Up to which items the peer was heard in `run`; undefined when it is an earlier run than one that is known. */
  meet(run: number): PerLine<number> | undefined;
  positions(): readonly { readonly channel: Tag; readonly round: number }[];
  /** Takes the input; `handled` is called with its size when it is durable or dropped. */
  onInput(input: PeerInput): void;
  onFault(fault: LinkFault): void;
}

export class IncomingLink {
  readonly #options: IncomingLinkOptions;
  #connection: Connection | undefined;
  /** The peer's, from its `hello` on. */
  #run: number | undefined;
  #waitingBytes = 0;
  #paused = false;

  constructor(options: IncomingLinkOptions) {
    this.#options = options;
  }

  /** Whether the peer is connected and has greeted. */
  get isUp(): boolean {
    return this.#connection !== undefined && this.#run !== undefined;
  }

  /** A new connection that the peer dialled. */
  open(connection: Connection): ConnectionHandlers {
    this.#connection?.close();
    this.#connection = connection;
    this.#run = undefined;
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
    const fault = frame.ok ? this.#act(connection, frame.value, bytes) : "malformed-frame";
    if (fault !== undefined) this.refuse(fault);
  }

  #act(connection: Connection, frame: PeerFrame, bytes: Uint8Array): LinkFault | undefined {
    const run = this.#run;
    if (run === undefined) return frame.kind === "hello" ? this.#greet(connection, frame) : "unexpected-frame";
    if (isItem(frame)) this.#take(connection, { kind: "item", run, item: frame, bytes });
    else if (frame.kind === "relay") this.#take(connection, { kind: "relay", relayed: frame, bytes });
    else return "unexpected-frame";
    return undefined;
  }

  #greet(connection: Connection, hello: Extract<PeerFrame, { kind: "hello" }>): LinkFault | undefined {
    if (hello.version !== PEER_PROTOCOL_VERSION) return "wrong-version";
    if (!equalBytes(hello.cluster, this.#options.cluster)) return "wrong-cluster";
    const heard = this.#options.meet(hello.run);
    if (heard === undefined) {
      // Dialled before the peer started anew, and accepted late.
      connection.close();
      return undefined;
    }
    this.#run = hello.run;
    const positions = this.#options.positions();
    const resume = { resumeAfter: heard.prompt, bulkResumeAfter: heard.bulk };
    connection.send(encode(peerFrameCodec, { kind: "welcome", ...resume, positions }));
    return undefined;
  }

  #take(connection: Connection, input: PeerInput): void {
    this.#waitingBytes += input.bytes.length;
    if (this.#waitingBytes > MAX_WAITING_BYTES && !this.#paused) {
      this.#paused = true;
      connection.pause();
    }
    this.#options.onInput(input);
  }

  /** Inputs of this size have left the queue. */
  handled(sizeBytes: number): void {
    this.#waitingBytes -= sizeBytes;
    if (!this.#paused || this.#waitingBytes > MAX_WAITING_BYTES / 2) return;
    this.#paused = false;
    this.#connection?.resume();
  }

  /** Sends an encoded `heard`, if the peer is there. */
  acknowledge(frame: Uint8Array): void {
    if (this.#run !== undefined) this.#connection?.send(frame);
  }

  /** The peer has proved to be faulty. */
  refuse(fault: LinkFault): void {
    this.#options.onFault(fault);
    this.#connection?.close();
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }
}
