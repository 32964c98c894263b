/**
 * The half of a link on which this replica speaks: it holds what has been said in live instances and says it again on
 * every new connection from where the peer heard last. It writes only what the connection takes, so a peer that does not
 * read costs no more than the live instances; what it misses of decided rounds it gets as proofs from the archive.
 */
import { decode, encode } from "../core/codec.js";
import { InvariantError } from "../core/protocol.js";
import type { Envelope } from "../core/envelope.js";
import { envelopeCodec } from "../core/envelope.js";
import type { Tag } from "../core/tag.js";
import { PROOFS_PER_REQUEST } from "../protocols/index.js";
import { PEER_PROTOCOL_VERSION, type PeerFrame, peerFrameCodec } from "../wire/peer-frames.js";
import type { LinkFault } from "./accusations.js";
import type { Connection, ConnectionHandlers } from "./links.js";
import { Outbox } from "./outbox.js";

export interface OutgoingLinkOptions {
  readonly cluster: Uint8Array;
  /** 16 random bytes per process. */
  readonly epoch: Uint8Array;
  /** This replica's round in `channel`, or undefined when there is no such channel. */
  round(channel: Tag): number | undefined;
  /** The archived proof of a decided round, as an encoded envelope. */
  proof(channel: Tag, round: number): Uint8Array | undefined;
  /** The peer sent something that no honest peer sends. */
  onFault(fault: LinkFault): void;
  /** The archive lacks what it must have. */
  onDamage(error: Error): void;
  /** The peer refused or closed; for logs. */
  onClose(reason: string): void;
}

/** One connection, from `welcome` on. */
interface Conversation {
  readonly connection: Connection;
  /** The number of the last message written. */
  cursor: number;
  /** Proofs being served, per channel. */
  readonly serving: Map<Tag, { next: number; end: number }>;
  /** The request to repeat being served, and the number up to which we repeat. */
  repeating: { readonly ask: number; readonly upTo: number } | undefined;
  /** The last request that came meanwhile; however many come, one repetition follows. */
  askedAgain: number | undefined;
}

export class OutgoingLink {
  readonly #options: OutgoingLinkOptions;
  readonly #outbox = new Outbox();
  /** Frames written to the peer by this process, and their bytes before encryption. */
  sentFrames = 0;
  sentBytes = 0;
  #connection: Connection | undefined;
  /** Whether its send buffer has room; nothing is written before it has. */
  #writable = true;
  #conversation: Conversation | undefined;

  constructor(options: OutgoingLinkOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#conversation !== undefined;
  }

  /** Bytes that are kept because their instances are live. */
  get heldBytes(): number {
    return this.#outbox.sizeBytes;
  }

  push(envelope: Envelope): void {
    this.#outbox.push(envelope);
  }

  retire(tag: Tag): void {
    this.#outbox.retire(tag);
  }

  /** A new connection that this replica dialled. */
  open(connection: Connection): ConnectionHandlers {
    this.#connection?.close();
    this.#connection = connection;
    this.#conversation = undefined;
    const { cluster, epoch } = this.#options;
    this.#writable = connection.send(
      encode(peerFrameCodec, { kind: "hello", version: PEER_PROTOCOL_VERSION, cluster, epoch }),
    );
    return {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onWritable: () => this.#onWritable(connection),
      onClose: (reason) => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#conversation = undefined;
        this.#options.onClose(reason);
      },
    };
  }

  #onWritable(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#writable = true;
    this.flush();
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    const frame = decode(peerFrameCodec, bytes);
    const fault = frame.ok ? this.#act(connection, frame.value) : "malformed-frame";
    if (fault === undefined) return this.flush();
    this.#options.onFault(fault);
    connection.close();
  }

  #act(connection: Connection, frame: PeerFrame): LinkFault | undefined {
    const conversation = this.#conversation;
    if (conversation === undefined) {
      return frame.kind === "welcome" ? this.#greeted(connection, frame) : "unexpected-frame";
    }
    if (frame.kind === "askProofs") return this.#serve(conversation, frame.channel, frame.round);
    if (frame.kind !== "askRepeat") return "unexpected-frame";
    if (conversation.repeating === undefined) this.#startRepeating(conversation, frame.ask);
    else conversation.askedAgain = frame.ask;
    return undefined;
  }

  #greeted(
    connection: Connection,
    { resumeAfter, positions }: Extract<PeerFrame, { kind: "welcome" }>,
  ): LinkFault | undefined {
    // The epoch is ours, so nobody can have heard in it what was not said yet.
    if (resumeAfter > this.#outbox.lastNumber) return "impossible-resume";
    const conversation: Conversation = {
      connection,
      cursor: resumeAfter,
      serving: new Map(),
      repeating: undefined,
      askedAgain: undefined,
    };
    for (const { channel, round } of positions) {
      const fault = this.#serve(conversation, channel, round);
      if (fault !== undefined) return fault;
    }
    this.#conversation = conversation;
    return undefined;
  }

  #startRepeating(conversation: Conversation, ask: number): void {
    conversation.repeating = { ask, upTo: conversation.cursor };
    conversation.cursor = 0;
  }

  #finishRepeating(
    conversation: Conversation,
    { ask, upTo }: { readonly ask: number; readonly upTo: number },
  ): PeerFrame {
    conversation.cursor = Math.max(conversation.cursor, upTo);
    conversation.repeating = undefined;
    const { askedAgain } = conversation;
    conversation.askedAgain = undefined;
    if (askedAgain !== undefined) this.#startRepeating(conversation, askedAgain);
    return { kind: "repeated", ask };
  }

  /** The peer is in `round`; the last decided round and the current one are in the outbox. */
  #serve(conversation: Conversation, channel: Tag, round: number): LinkFault | undefined {
    const own = this.#options.round(channel);
    if (own === undefined) return "unknown-channel";
    if (round >= own) return undefined;
    const next = Math.max(round, 1);
    const end = Math.min(round + PROOFS_PER_REQUEST, own);
    // A request that finds another one under way takes it further: the peer counts on each, and never asks again.
    const serving = conversation.serving.get(channel);
    if (serving === undefined) {
      conversation.serving.set(channel, { next, end });
    } else {
      serving.next = Math.max(serving.next, next);
      serving.end = Math.max(serving.end, end);
    }
    return undefined;
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
    const conversation = this.#conversation;
    if (conversation === undefined) return;
    while (this.#writable && conversation === this.#conversation) {
      const frame = this.#next(conversation);
      if (frame === undefined) return;
      const bytes = encode(peerFrameCodec, frame);
      this.sentFrames++;
      this.sentBytes += bytes.length;
      this.#writable = conversation.connection.send(bytes);
    }
  }

  #next(conversation: Conversation): PeerFrame | undefined {
    const proof = this.#nextProof(conversation);
    if (proof !== undefined) return { kind: "message", number: 0, envelope: proof };
    const entry = this.#outbox.firstAfter(conversation.cursor);
    const { repeating } = conversation;
    if (repeating !== undefined && (entry === undefined || entry.number > repeating.upTo)) {
      return this.#finishRepeating(conversation, repeating);
    }
    if (entry === undefined) return undefined;
    conversation.cursor = entry.number;
    return { kind: "message", ...entry };
  }

  #nextProof({ serving }: Conversation): Envelope | undefined {
    for (const [channel, range] of serving) {
      if (range.next < range.end) return this.#proof(channel, range.next++);
      serving.delete(channel);
    }
    return undefined;
  }

  /** Every round below the own one was archived when it was decided. */
  #proof(channel: Tag, round: number): Envelope {
    const bytes = this.#options.proof(channel, round);
    if (bytes === undefined) throw new InvariantError(`no proof of round ${round} of ${channel} in the archive`);
    const envelope = decode(envelopeCodec, bytes);
    if (!envelope.ok)
      throw new InvariantError(`the proof of round ${round} of ${channel} is damaged: ${envelope.error}`);
    return envelope.value;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
    this.#conversation = undefined;
  }
}
