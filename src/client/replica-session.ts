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

export interface ReplicaSessionOptions {
  readonly party: PartyId;
  readonly cluster: Uint8Array;
  dial(party: PartyId, accept: Acceptor, onFailure: (reason: string) => void): Dialer;
  /** Everything but `welcome`. */
  onReply(party: PartyId, reply: ReplyFrame): void;
}

export class ReplicaSession {
  readonly #options: ReplicaSessionOptions;
  readonly #dialer: Dialer;
  /** Requests that are not answered yet, by key; said again on every new connection. */
  readonly #open = new Map<string, Uint8Array>();
  #connection: Connection | undefined;
  #welcomed = false;
  #problem: string | undefined = "no answer yet";
  /** What the replica did that no honest one does; not forgotten with the connection. */
  #fault: string | undefined;

  constructor(options: ReplicaSessionOptions) {
    this.#options = options;
    this.#dialer = options.dial(
      options.party,
      (connection) => this.#accept(connection),
      (reason) => (this.#problem = reason),
    );
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
    connection.send(
      encode(clientFrameCodec, { kind: "hello", version: CLIENT_PROTOCOL_VERSION, cluster: this.#options.cluster }),
    );
    return {
      onFrame: (frame) => this.#onFrame(connection, frame),
      onWritable: () => undefined,
      onClose: (reason) => {
        if (this.#connection !== connection) return;
        this.#connection = undefined;
        this.#welcomed = false;
        this.#problem = reason;
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
    for (const frame of this.#open.values()) connection.send(frame);
  }

  /** Sends `frame` now or once connected, and again after each reconnection until `settle(key)`. */
  ask(key: string, frame: ClientFrame): void {
    const bytes = encode(clientFrameCodec, frame);
    this.#open.set(key, bytes);
    if (this.#welcomed) this.#connection?.send(bytes);
  }

  settle(key: string): void {
    this.#open.delete(key);
  }

  close(): void {
    this.#dialer.close();
    this.#connection?.close();
  }
}
