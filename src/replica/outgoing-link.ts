/**
 * The half of a link on which this replica speaks: after each new connection it goes on from where the peer heard last, and writes
 * only what the connection takes. Bulk is written when there is nothing else: what is said meanwhile overtakes it, but for what the
 * connection has taken already. What it relays for others, and relays itself, waits in a queue of its own and takes turns with
 * what it says to the peer. Relaying needs no `welcome`: the other direction may be the one that fails.
 */
import { type Pieces, sizeOfPieces } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import { InvariantError } from "../core/protocol.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { RelayQueue } from "../relay/relay-queue.js";
import {
  type Heard,
  type Line,
  PEER_PROTOCOL_VERSION,
  type PeerFrame,
  type PerLine,
  peerFrameCodec,
} from "../wire/peer-frames.js";
import type { LinkFault } from "./accusations.js";
import type { Connection, ConnectionHandlers } from "./links.js";

export interface OutgoingLinkOptions {
  readonly cluster: Uint8Array;
  /** This replica's. */
  run(): number;
  /** Where to go on when the peer has heard up to these numbers; undefined when that cannot be. */
  resume(upTo: PerLine<number>): PerLine<number> | undefined;
  /** The peer is in `round` of `channel`. */
  position(channel: Tag, round: number): LinkFault | undefined;
  /** The first item of the line above `number`, encoded. @throws InvariantError when the archive lacks what it must have */
  nextAfter(number: number, line: Line): { readonly number: number; readonly frame: Pieces } | undefined;
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
  /** The number of the last item of each line that was written. */
  readonly cursors: Record<Line, number>;
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

  #greeted(welcome: Extract<PeerFrame, { kind: "welcome" }>): LinkFault | undefined {
    const { resumeAfter, bulkResumeAfter, positions } = welcome;
    // The run is ours, so nobody can have heard in it what was not said yet.
    const cursors = this.#options.resume({ prompt: resumeAfter, bulk: bulkResumeAfter });
    if (cursors === undefined) return "impossible-resume";
    for (const { channel, round } of positions) {
      const fault = this.#options.position(channel, round);
      if (fault !== undefined) return fault;
    }
    this.#conversation = { cursors: { ...cursors } };
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
      this.sentBytes += sizeOfPieces(frame);
      this.#writable = connection.send(...frame);
    }
  }

  /** Items and relayed frames in turn; bulk when there is nothing else. */
  #next(): Pieces | undefined {
    const first = this.#hasRelayed
      ? (this.#nextItem("prompt") ?? this.#nextRelayed())
      : (this.#nextRelayed() ?? this.#nextItem("prompt"));
    return first ?? this.#nextItem("bulk");
  }

  #nextItem(line: Line): Pieces | undefined {
    const conversation = this.#conversation;
    const next = conversation && this.#options.nextAfter(conversation.cursors[line], line);
    if (conversation === undefined || next === undefined) return undefined;
    conversation.cursors[line] = next.number;
    this.#hasRelayed = false;
    return next.frame;
  }

  #nextRelayed(): Pieces | undefined {
    const frame = this.#relayed.take();
    if (frame === undefined) return undefined;
    this.#hasRelayed = true;
    this.relayedFrames++;
    this.relayedBytes += frame.length;
    return [frame];
  }

  close(): void {
    this.#connection?.close();
    this.#disconnected();
  }
}
