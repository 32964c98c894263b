/**
 * Where clients are served: takes their payloads, and hands each client that asks this replica's share of its receipt's
 * signature. The share is made on demand from the ordered entry, so it is the same whenever a client asks.
 */
import { toHex } from "../core/bytes.js";
import { decode, encode } from "../core/codec.js";
import {
  CLIENT_PROTOCOL_VERSION,
  type ClientFrame,
  MAX_ACCUSATIONS,
  REFUSALS,
  type Refusal,
  type ReplyFrame,
  clientFrameCodec,
  replyFrameCodec,
} from "../wire/client-frames.js";
import type { Connection, ConnectionHandlers } from "./links.js";
import type { ReplicaState } from "./replica.js";

/** Payloads for whose delivery one connection may wait. */
const MAX_WAITING_PER_SESSION = 1024;

/** What the service made of a payload: the statement that its receipt signs. */
export interface ReceiptEntry {
  readonly round: number;
  readonly statement: Uint8Array;
}

export interface ReceiptDeskOptions {
  readonly cluster: Uint8Array;
  hash(bytes: Uint8Array): Uint8Array;
  isValid(payload: Uint8Array): boolean;
  /** Queues the payload for ordering; false when there is no room. */
  submit(payload: Uint8Array): boolean;
  state(): ReplicaState;
  /** What was delivered as number `sequence`. */
  entry(sequence: number): ReceiptEntry;
  share(statement: Uint8Array): Uint8Array;
  prove(statement: Uint8Array): Uint8Array;
}

interface Session {
  readonly connection: Connection;
  /** Ids of payloads whose delivery it waits for. */
  readonly waiting: Set<string>;
  greeted: boolean;
}

export class ReceiptDesk {
  readonly #options: ReceiptDeskOptions;
  readonly #sequences = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Session>>();
  readonly #sessions = new Set<Session>();

  constructor(options: ReceiptDeskOptions) {
    this.#options = options;
  }

  open(connection: Connection): ConnectionHandlers {
    const session: Session = { connection, waiting: new Set(), greeted: false };
    this.#sessions.add(session);
    return {
      onFrame: (frame) => this.#onFrame(session, frame),
      // A client that does not read its replies is not read either.
      onWritable: () => connection.resume(),
      onClose: () => this.#leave(session),
    };
  }

  #leave(session: Session): void {
    this.#sessions.delete(session);
    for (const key of session.waiting) {
      const sessions = this.#waiting.get(key);
      sessions?.delete(session);
      if (sessions?.size === 0) this.#waiting.delete(key);
    }
  }

  #onFrame(session: Session, bytes: Uint8Array): void {
    const frame = decode(clientFrameCodec, bytes);
    if (!frame.ok) return session.connection.close();
    if (!session.greeted) return this.#greet(session, frame.value);
    switch (frame.value.kind) {
      case "hello":
        return session.connection.close();
      case "submit":
        return this.#onSubmit(session, frame.value.payload);
      case "prove":
        return this.#onProve(session, frame.value.id);
      case "status":
        return this.#onStatus(session);
    }
  }

  #greet(session: Session, frame: ClientFrame): void {
    if (frame.kind !== "hello") return session.connection.close();
    const nothing = new Uint8Array(32);
    if (frame.version !== CLIENT_PROTOCOL_VERSION) {
      return this.#refuse(
        session,
        nothing,
        "wrong-version",
        `this replica speaks version ${CLIENT_PROTOCOL_VERSION}, not ${frame.version}`,
      );
    }
    if (toHex(frame.cluster) !== toHex(this.#options.cluster)) {
      return this.#refuse(
        session,
        nothing,
        "wrong-cluster",
        `this replica belongs to cluster ${toHex(this.#options.cluster)}`,
      );
    }
    session.greeted = true;
    this.#reply(session, { kind: "welcome" });
  }

  #onSubmit(session: Session, payload: Uint8Array): void {
    const id = this.#options.hash(payload);
    const key = toHex(id);
    const sequence = this.#sequences.get(key);
    if (sequence !== undefined) return this.#sendShare(session, id, sequence, false);
    if (!this.#options.isValid(payload)) {
      return this.#refuse(
        session,
        id,
        "invalid-payload",
        "not a notary request of a client of this cluster, or its signature is wrong",
      );
    }
    if (session.waiting.size >= MAX_WAITING_PER_SESSION) {
      return this.#refuse(
        session,
        id,
        "busy",
        `${MAX_WAITING_PER_SESSION} payloads of this connection wait already; try again when some are answered`,
      );
    }
    // Queued already for another session, or by this one on an earlier connection: wait with it.
    if (!this.#waiting.has(key) && !this.#options.submit(payload)) {
      return this.#refuse(session, id, "busy", "the queue is full; try again later");
    }
    session.waiting.add(key);
    const sessions = this.#waiting.get(key) ?? new Set();
    sessions.add(session);
    this.#waiting.set(key, sessions);
  }

  #onProve(session: Session, id: Uint8Array): void {
    const sequence = this.#sequences.get(toHex(id));
    if (sequence === undefined)
      return this.#refuse(session, id, "unknown-payload", "no such payload was delivered here");
    this.#sendShare(session, id, sequence, true);
  }

  #onStatus(session: Session): void {
    const { party: _party, accusations, ...state } = this.#options.state();
    this.#reply(session, { kind: "state", ...state, accusations: accusations.slice(0, MAX_ACCUSATIONS) });
  }

  /** In the order of the log. */
  delivered(id: Uint8Array, sequence: number): void {
    const key = toHex(id);
    this.#sequences.set(key, sequence);
    for (const session of this.#waiting.get(key) ?? []) {
      session.waiting.delete(key);
      this.#sendShare(session, id, sequence, false);
    }
    this.#waiting.delete(key);
  }

  #sendShare(session: Session, id: Uint8Array, sequence: number, withProof: boolean): void {
    const { round, statement } = this.#options.entry(sequence);
    const share = this.#options.share(statement);
    const proof = withProof ? this.#options.prove(statement) : new Uint8Array(0);
    this.#reply(session, { kind: "share", id, sequence, round, share, proof });
  }

  #refuse(session: Session, id: Uint8Array, refusal: Refusal, reason: string): void {
    this.#reply(session, { kind: "refused", id, code: REFUSALS.indexOf(refusal), reason });
  }

  #reply({ connection }: Session, frame: ReplyFrame): void {
    if (!connection.send(encode(replyFrameCodec, frame))) connection.pause();
  }

  close(): void {
    for (const { connection } of this.#sessions) connection.close();
  }
}
