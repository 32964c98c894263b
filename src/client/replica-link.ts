/** A client's conversation with one replica: greets, asks again after each reconnection, reports what comes back. */
import { decode, encode } from "../core/codec.js";
import type { PartyId } from "../core/party-set.js";
import type { Acceptor, Connection, Dialer } from "../replica/links.js";
import {
  CLIENT_PROTOCOL_VERSION,
  type ClientFrame,
  type ReplyFrame,
  clientFrameCodec,
  replyFrameCodec,
} from "../wire/client-frames.js";

export interface ReplicaLinkOptions {
  readonly party: PartyId;
  readonly cluster: Uint8Array;
  dial(party: PartyId, accept: Acceptor, onFailure: (reason: string) => void): Dialer;
  /** Everything but the first `welcome` of a connection. */
  onReply(party: PartyId, reply: ReplyFrame): void;
  /** It was welcomed. */
  onUp(party: PartyId): void;
  /** A connection ended, or could not be made. */
  onDown(party: PartyId): void;
}

export class ReplicaLink {
  readonly #options: ReplicaLinkOptions;
  readonly #dialer: Dialer;
  /** What is not answered yet, by key; said again on every new connection. */
  readonly #open = new Map<string, Uint8Array>();
  /** Keys of what waits for room in the connection. */
  readonly #unsaid = new Set<string>();
  #connection: Connection | undefined;
  #welcomed = false;
  #full = false;
  #problem: string | undefined = "no answer yet";
  /** What the replica did that no honest one does; not forgotten with the connection. */
  #fault: string | undefined;
  /** While the dialler is made, it may fail already. */
  #isReady = false;

  constructor(options: ReplicaLinkOptions) {
    this.#options = options;
    this.#dialer = options.dial(
      options.party,
      (connection) => this.#accept(connection),
      (reason) => {
        this.#problem = reason;
        if (this.#isReady) options.onDown(options.party);
      },
    );
    this.#isReady = true;
  }

  get isUp(): boolean {
    return this.#welcomed;
  }

  /** Why the replica does not answer, as far as known. */
  get problem(): string | undefined {
    return this.#fault ?? this.#problem;
  }

  /** The replica said why it serves nobody like us. */
  refused(reason: string): void {
    this.#problem = reason;
  }

  #accept(connection: Connection): ReturnType<Acceptor> {
    this.#connection = connection;
    this.#welcomed = false;
    this.#full = false;
    this.#unsaid.clear();
    connection.send(
      encode(clientFrameCodec, { kind: "hello", version: CLIENT_PROTOCOL_VERSION, cluster: this.#options.cluster }),
    );
    return {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onWritable: () => this.#onWritable(connection),
      onClose: (reason) => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#welcomed = false;
        this.#problem = reason;
        this.#options.onDown(this.#options.party);
      },
    };
  }

  #onFrame(connection: Connection, bytes: Uint8Array): void {
    if (connection !== this.#connection) return;
    const reply = decode(replyFrameCodec, bytes);
    if (!reply.ok) {
      this.#fault = `sent a malformed frame: ${reply.error}`;
      return connection.close();
    }
    if (reply.value.kind !== "welcome") return this.#options.onReply(this.#options.party, reply.value);
    // A second welcome would have all requests said again.
    if (this.#welcomed) return;
    this.#welcomed = true;
    this.#problem = undefined;
    for (const [key, frame] of this.#open) this.#say(key, frame);
    this.#options.onUp(this.#options.party);
  }

  #onWritable(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#full = false;
    const keys = [...this.#unsaid];
    this.#unsaid.clear();
    for (const key of keys) {
      const frame = this.#open.get(key);
      if (frame !== undefined) this.#say(key, frame);
    }
  }

  #say(key: string, frame: Uint8Array): void {
    if (this.#full) this.#unsaid.add(key);
    else this.#full = this.#connection?.send(frame) === false;
  }

  /** Says `frame` now or once connected, and again after each reconnection until `settle(key)`. */
  ask(key: string, frame: ClientFrame): void {
    this.askEncoded(key, encode(clientFrameCodec, frame));
  }

  /** The same, of an encoded frame. */
  askEncoded(key: string, bytes: Uint8Array): void {
    this.#open.set(key, bytes);
    if (this.#welcomed) this.#say(key, bytes);
  }

  settle(key: string): void {
    this.#open.delete(key);
    this.#unsaid.delete(key);
  }

  close(): void {
    this.#dialer.close();
    this.#connection?.close();
  }
}
