/**
 * The half of a link on which this replica speaks: after each new connection it goes on from where the peer heard last, and writes
 * only what the connection takes. What it relays for others, and relays itself, waits in a queue of its own and takes turns with
 * what it says to the peer. Relaying needs no `welcome`: the other direction may be the one that fails.
 */
import { decode, encode } from "../core/codec.js";
import { InvariantError } from "../core/protocol.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { RelayQueue } from "../relay/relay-queue.js";
import { type Heard, PEER_PROTOCOL_VERSION, type PeerFrame, peerFrameCodec } from "../wire/peer-frames.js";
import type { LinkFault } from "./accusations.js";
import type { Connection, ConnectionHandlers } from "./links.js";

export interface OutgoingLinkOptions {
  readonly cluster: Uint8Array;
  /** This replica's. */
  run(): number;
  /** Where to go on when the peer has heard up to `number`; undefined when that cannot be. */
  resume(number: number): number | undefined;
  /** The peer is in `round` of `channel`. */
  position(channel: Tag, round: number): LinkFault | undefined;
  /** The first item above `number`, encoded. @throws InvariantError when the archive lacks what it must have */
  nextAfter(number: number): { readonly number: number; readonly frame: Uint8Array } | undefined;
  heard(heard: Heard): LinkFault | undefined;
  /** The peer sent something that no honest peer sends. */
  onFault(fault: LinkFault): void;
  /** The archive lacks what it must have. */
  onDamage(error: Error): void;
  /** The peer refused or closed; for logs. */
  onClose(reason: string): void;
}

/** One connection, from `welcome` on. */
interface Conversation {
  /** The number of the last item written. */
  cursor: number;
}

export class OutgoingLink {
  readonly #options: OutgoingLinkOptions;
  readonly #relayed = new RelayQueue();
  /** Frames written to the peer by this process, and their bytes before encryption. */
  sentFrames = 0;
  sentBytes = 0;
  /** Those among them that were relayed. */
  relayedFrames = 0;
  relayedBytes = 0;
  #connection: Connection | undefined;
  /** Whether its send buffer has room; nothing is written before it has. */
  #writable = true;
  #conversation: Conversation | undefined;
  /** Whether the last frame written was relayed. */
  #hasRelayed = false;

  constructor(options: OutgoingLinkOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#conversation !== undefined;
  }

  /** A new connection that this replica dialled. */
  open(connection: Connection): ConnectionHandlers {
    this.#connection?.close();
    this.#disconnected();
    this.#connection = connection;
    const { cluster } = this.#options;
    const hello: PeerFrame = { kind: "hello", version: PEER_PROTOCOL_VERSION, cluster, run: this.#options.run() };
    this.#writable = connection.send(encode(peerFrameCodec, hello));
    return {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onWritable: () => this.#onWritable(connection),
      onClose: (reason) => {
        if (this.#connection !== connection) return;
        this.#disconnected();
        this.#options.onClose(reason);
      },
    };
  }

  #disconnected(): void {
    this.#connection = undefined;
    this.#conversation = undefined;
    this.#relayed.clear();
  }

  #onWritable(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#writable = true;
    this.flush();
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    const frame = decode(peerFrameCodec, bytes);
    const fault = frame.ok ? this.#act(frame.value) : "malformed-frame";
    if (fault === undefined) return this.flush();
    this.#options.onFault(fault);
    connection.close();
  }

  #act(frame: PeerFrame): LinkFault | undefined {
    if (this.#conversation === undefined) return frame.kind === "welcome" ? this.#greeted(frame) : "unexpected-frame";
    return frame.kind === "heard" ? this.#options.heard(frame) : "unexpected-frame";
  }

  #greeted({ resumeAfter, positions }: Extract<PeerFrame, { kind: "welcome" }>): LinkFault | undefined {
    // The run is ours, so nobody can have heard in it what was not said yet.
    const cursor = this.#options.resume(resumeAfter);
    if (cursor === undefined) return "impossible-resume";
    for (const { channel, round } of positions) {
      const fault = this.#options.position(channel, round);
      if (fault !== undefined) return fault;
    }
    this.#conversation = { cursor };
    return undefined;
  }

  /** Queues an encoded `relay` of `origin`; without a connection it is dropped. */
  relay(origin: PartyId, frame: Uint8Array): void {
    if (this.#connection !== undefined) this.#relayed.put(origin, frame);
  }

  /** Writes as much as the connection takes. */
  flush(): void {
    try {
      this.#write();
    } catch (error) {
      // Our archive, not the peer: the replica must not go on as if nothing were.
      if (!(error instanceof InvariantError)) throw error;
      this.#options.onDamage(error);
    }
  }

  #write(): void {
    for (let connection = this.#connection; this.#writable && connection !== undefined; connection = this.#connection) {
      const frame = this.#next();
      if (frame === undefined) return;
      this.sentFrames++;
      this.sentBytes += frame.length;
      this.#writable = connection.send(frame);
    }
  }

  /** Items and relayed frames in turn. */
  #next(): Uint8Array | undefined {
    return this.#hasRelayed ? (this.#nextItem() ?? this.#nextRelayed()) : (this.#nextRelayed() ?? this.#nextItem());
  }

  #nextItem(): Uint8Array | undefined {
    const conversation = this.#conversation;
    const next = conversation && this.#options.nextAfter(conversation.cursor);
    if (conversation === undefined || next === undefined) return undefined;
    conversation.cursor = next.number;
    this.#hasRelayed = false;
    return next.frame;
  }

  #nextRelayed(): Uint8Array | undefined {
    const frame = this.#relayed.take();
    if (frame === undefined) return undefined;
    this.#hasRelayed = true;
    this.relayedFrames++;
    this.relayedBytes += frame.length;
    return frame;
  }

  close(): void {
    this.#connection?.close();
    this.#disconnected();
  }
}
