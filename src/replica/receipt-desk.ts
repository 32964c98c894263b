/**
 * Where clients are served: takes their payloads, and hands each client that asks this replica's share of its receipt's
 * signature. The share is made on demand from the ordered entry, so it is the same whenever a client asks.
 *
 * Shares and proofs cost milliseconds each, requests for them cost a client nothing. So they are made one at a time, in turn
 * among the clients, and between two of them everything else has its turn: who asks for many waits for many.
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

/** Shares that one connection may be owed before it is read further. */
const MAX_OWED_PER_SESSION = 64;

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
  /** Bytes of a share. */
  readonly shareBytes: number;
  share(statement: Uint8Array): Uint8Array;
  /** The share, then the proof that it is right, or undefined when it cannot be made. `done` may be called later: it takes long. */
  prove(statement: Uint8Array, done: (proven: Uint8Array | undefined) => void): void;
  /** Calls `work` when other events have had their turn. */
  later(work: () => void): void;
}

interface Session {
  readonly connection: Connection;
  /** Ids of payloads whose delivery it waits for. */
  readonly waiting: Set<string>;
  /** Shares that it will be sent. */
  owed: number;
  /** Whether it does not read its replies. */
  full: boolean;
  greeted: boolean;
}

/** A share to be made. */
interface Owed {
  readonly session: Session;
  readonly id: Uint8Array;
  readonly sequence: number;
  readonly withProof: boolean;
}

export class ReceiptDesk {
  readonly #options: ReceiptDeskOptions;
  readonly #sequences = new Map<string, number>();
  readonly #waiting = new Map<string, Set<Session>>();
  readonly #sessions = new Set<Session>();
  /** By client, whose turn is next first; no list is empty. */
  readonly #owed = new Map<number, Owed[]>();
  #isWorking = false;
  #closed = false;

  constructor(options: ReceiptDeskOptions) {
    this.#options = options;
  }

  /** Connections of clients. */
  get connectionCount(): number {
    return this.#sessions.size;
  }

  open(connection: Connection): ConnectionHandlers {
    const session: Session = { connection, waiting: new Set(), owed: 0, full: false, greeted: false };
    this.#sessions.add(session);
    return {
      onFrame: (frame) => this.#onFrame(session, frame),
      onWritable: () => {
        session.full = false;
        this.#regulate(session);
      },
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
    for (const [client, list] of this.#owed) {
      const others = list.filter((owed) => owed.session !== session);
      if (others.length === 0) this.#owed.delete(client);
      else this.#owed.set(client, others);
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
    if (sequence !== undefined) return this.#owe({ session, id, sequence, withProof: false });
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
    this.#owe({ session, id, sequence, withProof: true });
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
      this.#owe({ session, id, sequence, withProof: false });
    }
    this.#waiting.delete(key);
  }

  #owe(owed: Owed): void {
    // The store may be closed by the time of its turn.
    if (this.#closed) return;
    const { session } = owed;
    const { peer } = session.connection;
    const client = peer.kind === "client" ? peer.client : -1;
    const list = this.#owed.get(client);
    if (list === undefined) this.#owed.set(client, [owed]);
    else list.push(owed);
    session.owed++;
    this.#regulate(session);
    if (this.#isWorking) return;
    this.#isWorking = true;
    this.#options.later(() => this.#work());
  }

  /** One share; its client goes to the end of the line. */
  #work(): void {
    const [next] = this.#owed;
    if (next === undefined) {
      this.#isWorking = false;
      return;
    }
    const [client, list] = next;
    const owed = list.shift();
    this.#owed.delete(client);
    if (list.length > 0) this.#owed.set(client, list);
    const goOn = (): void => this.#options.later(() => this.#work());
    if (owed === undefined) goOn();
    else this.#pay(owed, goOn);
  }

  #pay(owed: Owed, done: () => void): void {
    const { round, statement } = this.#options.entry(owed.sequence);
    const pay = (made: Uint8Array | undefined): void => {
      owed.session.owed--;
      if (made !== undefined) this.#sendShare(owed, round, made);
      this.#regulate(owed.session);
      done();
    };
    if (owed.withProof) this.#options.prove(statement, pay);
    else pay(this.#options.share(statement));
  }

  /** A client that does not read its replies, or has asked for more than we can make, is not read either. */
  #regulate({ connection, full, owed }: Session): void {
    if (full || owed > MAX_OWED_PER_SESSION) connection.pause();
    else connection.resume();
  }

  #sendShare({ session, id, sequence }: Owed, round: number, made: Uint8Array): void {
    if (this.#closed) return;
    const { shareBytes } = this.#options;
    const [share, proof] = [made.subarray(0, shareBytes), made.subarray(shareBytes)];
    this.#reply(session, { kind: "share", id, sequence, round, share, proof });
  }

  #refuse(session: Session, id: Uint8Array, refusal: Refusal, reason: string): void {
    this.#reply(session, { kind: "refused", id, code: REFUSALS.indexOf(refusal), reason });
  }

  #reply(session: Session, frame: ReplyFrame): void {
    if (session.connection.send(encode(replyFrameCodec, frame))) return;
    session.full = true;
    this.#regulate(session);
  }

  close(): void {
    this.#closed = true;
    this.#owed.clear();
    for (const { connection } of this.#sessions) connection.close();
  }
}
