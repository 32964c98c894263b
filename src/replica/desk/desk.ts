/**
 * Where clients are served: takes their payloads, and tells each client that asks what became of its number: the reply, or this
 * replica's share of a signature on it, made on demand, so that it is the same whenever a client asks. Answers queries.
 *
 * Shares, proofs, queries and the checks of payloads cost us more than asking for them costs a client. So they are made in turn
 * among the clients (turns.ts). What a client may have us keep is counted over all its connections; what is beyond is refused, with a hint when to
 * ask again.
 */
import { compact, toHex } from "../../core/bytes.js";
import { decode } from "../../core/codec.js";
import { signedStatement, type Statement } from "../../services/service.js";
import {
  CLIENT_PROTOCOL_VERSION,
  type ClientFrame,
  MAX_ACCUSATIONS,
  type Want,
  clientFrameCodec,
} from "../../wire/client-frames.js";
import { decodePayload } from "../../wire/payload.js";
import { replyStatement } from "../../wire/reply-statement.js";
import { weightOf } from "../../protocols/index.js";
import type { Connection, ConnectionHandlers } from "../links.js";
import type { Applied, Outcome, OutcomeStatus } from "../machine/types.js";
import type { DeskOptions } from "./options.js";
import { NO_ATTACHMENT, sharedStatement } from "./shared-statement.js";
import { Turns } from "./turns.js";
import { NOTHING, Visitor } from "./visitor.js";
import { type Place, type Waiter, Waiting } from "./waiting.js";

/** Outcomes that one client may wait for, over all its connections; of a long payload as many as it counts as (`weightOf`). */
const MAX_WAITING_PER_CLIENT = 1024;
/** Connections of one client; a further one is refused. */
const MAX_CONNECTIONS_PER_CLIENT = 8;
/** Shares of signatures that are remembered. */
const MAX_REMEMBERED_SHARES = 64;
/** When to ask a busy replica again. */
const BUSY_RETRY_MS = 250;
/** When to ask a replica again that lacks what others have. */
const LEARNER_RETRY_MS = 1000;
/** When to ask a replica again that lacks some of the log's end. */
const BEHIND_RETRY_MS = 50;

type Request = { readonly [K in ClientFrame["kind"]]: Extract<ClientFrame, { readonly kind: K }> };

export class Desk {
  readonly #options: DeskOptions;
  readonly #visitors = new Set<Visitor>();
  readonly #waiting = new Waiting();
  readonly #turns: Turns;
  /** Of payloads to be checked: apart, since a proof takes long, and is made elsewhere. */
  readonly #checks: Turns;
  readonly #shares = new Map<string, Uint8Array>();
  /** Queries whose turn came while the services were ahead of the disk. */
  #held: (() => void)[] = [];
  #closed = false;

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#turns = new Turns((work) => options.later(work));
    this.#checks = new Turns((work) => options.later(work));
  }

  /** Connections of clients. */
  get connectionCount(): number {
    return this.#visitors.size;
  }

  /**
   * Undefined when the client has as many connections as it may: the newest is refused without a word, so that the client's
   * pauses between attempts grow.
   */
  open(connection: Connection): ConnectionHandlers | undefined {
    const visitor = new Visitor(connection);
    const others = [...this.#visitors].filter(({ client }) => client === visitor.client).length;
    if (visitor.client >= 0 && others >= MAX_CONNECTIONS_PER_CLIENT) return undefined;
    this.#visitors.add(visitor);
    return {
      onFrame: (frame) => this.#onFrame(visitor, frame),
      onWritable: () => visitor.writable(),
      onClose: () => {
        this.#visitors.delete(visitor);
        this.#waiting.leave(visitor);
        visitor.left();
      },
    };
  }

  #onFrame(visitor: Visitor, bytes: Uint8Array): void {
    const decoded = decode(clientFrameCodec, bytes);
    if (!decoded.ok) return visitor.close();
    const frame = decoded.value;
    if (!visitor.greeted) return frame.kind === "hello" ? this.#greet(visitor, frame) : visitor.close();
    switch (frame.kind) {
      case "hello":
        return visitor.close();
      case "submit":
        return this.#onSubmit(visitor, compact(frame.payload), frame.want);
      case "await":
        return this.#onAwait(visitor, frame);
      case "query":
        return this.#onQuery(visitor, frame);
      case "status":
        return this.#onStatus(visitor);
      case "document":
        return this.#onDocument(visitor, { ...frame, id: frame.id.slice() });
      case "find":
        return this.#onFind(visitor, { ...frame, id: frame.id.slice(), digest: frame.digest.slice() });
    }
  }

  #greet(visitor: Visitor, { version, cluster }: Request["hello"]): void {
    if (version !== CLIENT_PROTOCOL_VERSION) {
      const reason = `this replica speaks version ${CLIENT_PROTOCOL_VERSION}, not ${version}`;
      return visitor.refuse(NOTHING, "wrong-version", reason);
    }
    const own = toHex(this.#options.cluster);
    if (toHex(cluster) !== own) {
      return visitor.refuse(NOTHING, "wrong-cluster", `this replica belongs to cluster ${own}`);
    }
    visitor.greeted = true;
    const { state, round, sequence } = this.#options.state();
    visitor.reply({ kind: "welcome", state, round, sequence });
  }

  /** To verify a signature takes us longer than it takes to send a wrong one. */
  #onSubmit(visitor: Visitor, payload: Uint8Array, want: Want): void {
    const owed = weightOf(payload.length);
    this.#inTurn(visitor, { turns: this.#checks, cost: 2, owed }, () => this.#check(visitor, payload, want));
  }

  #check(visitor: Visitor, payload: Uint8Array, want: Want): void {
    const id = this.#options.digestOf(payload);
    const { maxPayloadBytes } = this.#options;
    if (payload.length > maxPayloadBytes) {
      const reason = `a request of ${payload.length} bytes, and this cluster orders at most ${maxPayloadBytes}`;
      return visitor.refuse(id, "invalid-payload", reason);
    }
    const decoded = decodePayload(payload);
    // A replica's word that it lost its store is not a client's to say.
    if (!decoded.ok || decoded.value.kind !== "request" || !this.#options.isValid(payload)) {
      const reason = decoded.ok ? "the request is not a client's of this cluster, or names no service" : decoded.error;
      return visitor.refuse(id, "invalid-payload", `not a valid request: ${reason}`.slice(0, 512));
    }
    const { client, session, number } = decoded.value;
    const weight = weightOf(payload.length);
    this.#serve({ visitor, id, place: { client, session, number }, want, weight }, payload);
  }

  #onAwait(visitor: Visitor, { id, session, number, want }: Request["await"]): void {
    const client = this.#options.clientKey(visitor.client);
    if (client === undefined) return visitor.refuse(id, "invalid-payload", "there is no client with this number");
    // A view of the frame would keep all of it.
    this.#serve({ visitor, id: id.slice(), place: { client, session, number }, want, weight: 1 }, undefined);
  }

  /** Answers if the number is taken; else hands on the payload, if there is one, and lets the client wait. */
  #serve(waiter: Waiter, payload: Uint8Array | undefined): void {
    const { visitor, id, place } = waiter;
    const status = this.#options.outcome(place.client, place.session, place.number);
    if (status.kind !== "open") return this.#tell(waiter, status);
    const isHandedOn = payload === undefined || this.#waiting.wasSubmitted(place, id);
    if (isHandedOn && this.#waiting.has(waiter)) return;
    const added = this.#waiting.added(waiter);
    if (added > 0 && this.#waiting.count(visitor.client) + added > MAX_WAITING_PER_CLIENT) {
      const reason = `${MAX_WAITING_PER_CLIENT} requests of this client wait already; try again when some are answered`;
      return visitor.refuse(id, "busy", reason, BUSY_RETRY_MS);
    }
    // Handed on already for another connection, or for this client on an earlier one: it waits with them.
    const submitted = isHandedOn ? "taken" : this.#options.submit(payload);
    if (submitted === "busy") return visitor.refuse(id, "busy", "the queue is full; try again later", BUSY_RETRY_MS);
    if (submitted === "not-ready") {
      const reason = "this replica starts, or learns what it missed, and takes no requests yet";
      return visitor.refuse(id, "not-ready", reason, LEARNER_RETRY_MS);
    }
    this.#waiting.add(waiter, payload !== undefined);
  }

  /** What was executed since the last time, in the order of the log, when it is durable. */
  delivered(applied: readonly Applied[]): void {
    const clients = new Map<string, Uint8Array>();
    for (const { outcome: request } of applied) {
      if (request === undefined) continue;
      const { client, session, number, outcome } = request;
      for (const waiter of this.#waiting.take({ client, session, number })) this.#tell(waiter, outcome);
      clients.set(toHex(client), client);
    }
    // A new session may have evicted an older one, for all of whose numbers one may stand; and what was acknowledged is closed.
    // Once for all that was executed together: a client may wait for a lot, and have a lot executed.
    for (const client of clients.values()) for (const place of this.#waiting.placesOf(client)) this.#lookUp(place);
    this.#answerHeld();
  }

  /** The state was replaced by a later one: nobody was told what happened between. */
  settled(): void {
    for (const place of this.#waiting.places()) this.#lookUp(place);
    this.#answerHeld();
  }

  #answerHeld(): void {
    for (const answer of this.#held.splice(0)) answer();
  }

  #lookUp(place: Place): void {
    const status = this.#statusOf(place);
    if (status.kind === "open") return;
    for (const waiter of this.#waiting.take(place)) this.#tell(waiter, status);
  }

  #statusOf({ client, session, number }: Place): OutcomeStatus {
    return this.#options.outcome(client, session, number);
  }

  #tell(waiter: Waiter, status: OutcomeStatus | Outcome): void {
    const { visitor, id, want } = waiter;
    if ("kind" in status && status.kind !== "done") {
      if (status.kind === "evicted") {
        const reason =
          "later sessions of this client took the place of this one: what it asked for and is not executed, never will be";
        visitor.refuse(id, "session-evicted", reason);
      } else if (status.kind === "closed") {
        visitor.refuse(id, "number-closed", "the client said that it needs the outcome no more");
      }
      return;
    }
    // Nothing is signed where there is no reply.
    if (want === "reply" || status.reply === undefined) {
      return visitor.reply({ kind: "reply", ...frameOf(id, status) });
    }
    this.#sign(waiter, status, status.reply, want);
  }

  #sign({ visitor, id, place }: Waiter, outcome: Outcome, reply: Uint8Array, want: Want): void {
    // Now: by the time of its turn the service may have it no more.
    const shared = sharedStatement(this.#options.service(outcome.service), outcome, reply);
    const attachment = shared?.attachment ?? NO_ATTACHMENT;
    visitor.owe(1);
    this.#turns.add({
      client: visitor.client,
      cost: 8,
      isCancelled: () => visitor.hasLeft,
      run: (done) => {
        const statement = this.#statement(place, outcome, reply, shared?.statement);
        this.#makeShare(statement, want, (made) => {
          visitor.owe(-1);
          if (made !== undefined) visitor.reply({ kind: "share", ...frameOf(id, outcome), attachment, ...made });
          done();
        });
      },
    });
  }

  /** The share and, where that is wanted, the proof. Undefined when they cannot be made. */
  #makeShare(
    statement: Statement,
    want: string,
    use: (made: { readonly share: Uint8Array; readonly proof: Uint8Array } | undefined) => void,
  ): void {
    const signer = this.#options.signer(statement.key);
    const made = (bytes: Uint8Array | undefined): void => {
      if (bytes === undefined || this.#closed) return use(undefined);
      use({ share: bytes.subarray(0, signer.shareBytes), proof: bytes.subarray(signer.shareBytes) });
    };
    if (want === "proof") signer.prove(statement.bytes, made);
    else made(this.#share(statement));
  }

  /** Whoever asks: the log says that it was notarised, and a receipt says no more. */
  #onDocument(visitor: Visitor, { id, sequence, index, want }: Request["document"]): void {
    visitor.owe(1);
    this.#turns.add({
      client: visitor.client,
      cost: 8,
      isCancelled: () => visitor.hasLeft,
      run: (done) => {
        const document = this.#options.document(sequence, index);
        if (document === undefined) {
          visitor.owe(-1);
          visitor.refuse(id, "no-document", `payload ${sequence} is not here, or has no document ${index}`);
          return done();
        }
        const { statement, digest, round } = document;
        const outcome = { id, digest, sequence, round, timeMs: 0, isVoid: false, reply: statement };
        this.#makeShare({ key: "receipt", bytes: statement }, want, (made) => {
          visitor.owe(-1);
          if (made !== undefined) visitor.reply({ kind: "share", ...outcome, attachment: NO_ATTACHMENT, ...made });
          done();
        });
      },
    });
  }

  #onFind(visitor: Visitor, { id, digest }: Request["find"]): void {
    this.#inTurn(visitor, { turns: this.#turns, cost: 1 }, () => {
      const place = this.#options.find(digest);
      if (place === undefined) visitor.refuse(id, "no-document", "no document with this digest is known here");
      else visitor.reply({ kind: "found", id, ...place });
    });
  }

  /** Requests of one round may share a statement: its share is made once. */
  #share({ key, bytes }: Statement): Uint8Array {
    const name = `${key} ${toHex(this.#options.hash(bytes))}`;
    const share = this.#shares.get(name) ?? this.#options.signer(key).share(bytes);
    if (this.#shares.size >= MAX_REMEMBERED_SHARES) this.#shares.clear();
    this.#shares.set(name, share);
    return share;
  }

  /** What a service says of one reply it does not say of several. */
  #statement(
    place: Place,
    { sequence, round, action, service: name }: Outcome,
    reply: Uint8Array,
    shared: Uint8Array | undefined,
  ): Statement {
    const { cluster } = this.#options;
    const service = this.#options.service(name);
    const own = action === "calls" ? shared : service?.statement?.(reply);
    return signedStatement(service, own, () =>
      replyStatement({ cluster, ...place, sequence, round, service: name, reply }),
    );
  }

  #onQuery(visitor: Visitor, frame: Request["query"]): void {
    const request = { ...frame, id: frame.id.slice(), query: frame.query.slice() };
    visitor.owe(1);
    this.#turns.add({
      client: visitor.client,
      cost: frame.state === "local" ? 1 : 4,
      isCancelled: () => visitor.hasLeft,
      run: (done) => {
        if (request.state === "certified") this.#showProof(visitor, request);
        else if (this.#options.isDurable()) this.#answer(visitor, request);
        else this.#held.push(() => this.#answer(visitor, request));
        done();
      },
    });
  }

  #answer(visitor: Visitor, { id, service: name, query, minSequence }: Request["query"]): void {
    visitor.owe(-1);
    if (visitor.hasLeft) return;
    const service = this.#options.service(name);
    if (service === undefined) return refuseService(visitor, id, name);
    const position = this.#options.position();
    if (position === undefined) {
      return visitor.refuse(id, "not-ready", "this replica learns what it missed", LEARNER_RETRY_MS);
    }
    if (position.sequence < minSequence) {
      const reason = `this replica has ${position.sequence} payloads, less than ${minSequence}`;
      return visitor.refuse(id, "not-ready", reason, BEHIND_RETRY_MS);
    }
    visitor.reply({ kind: "answer", id, ...position, answer: service.query(query) });
  }

  #showProof(visitor: Visitor, { id, service, query }: Request["query"]): void {
    visitor.owe(-1);
    if (this.#options.service(service) === undefined) return refuseService(visitor, id, service);
    const proof = this.#options.proof(service, query);
    if (proof === undefined) return visitor.refuse(id, "no-proof", "no certified checkpoint here shows the answer");
    visitor.reply({ kind: "proof", id, ...proof });
  }

  #onStatus(visitor: Visitor): void {
    this.#inTurn(visitor, { turns: this.#turns, cost: 1 }, () => {
      const { accusations, ...state } = this.#options.state();
      visitor.reply({ kind: "state", ...state, accusations: accusations.slice(0, MAX_ACCUSATIONS) });
    });
  }

  /** What is done at once when its turn has come, and needs nothing that others make. */
  #inTurn(
    visitor: Visitor,
    { turns, cost, owed = 1 }: { turns: Turns; cost: number; owed?: number },
    work: () => void,
  ): void {
    visitor.owe(owed);
    turns.add({
      client: visitor.client,
      cost,
      isCancelled: () => visitor.hasLeft,
      run: (done) => {
        visitor.owe(-owed);
        work();
        done();
      },
    });
  }

  close(): void {
    this.#closed = true;
    this.#turns.close();
    this.#checks.close();
    this.#held = [];
    for (const visitor of this.#visitors) visitor.close();
  }
}

function refuseService(visitor: Visitor, id: Uint8Array, name: string): void {
  visitor.refuse(id, "unknown-service", `there is no service ${name} in this cluster`);
}

function frameOf(id: Uint8Array, { digest, sequence, round, timeMs, action, reply }: Outcome) {
  return { id, digest, sequence, round, timeMs: timeMs ?? 0, isVoid: action === "void", reply };
}
