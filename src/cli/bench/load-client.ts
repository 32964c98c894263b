/**
 * One client of the load: a key, a session, a connection to each replica. Hands each request to one replica, asks the others what
 * becomes of it, as the client library does (docs/clients.md, "Calls"), and counts it when replicas with an honest one among them
 * tell the same. Leaner than the library: nothing is made for a payload, only for a request of many.
 */
import { encode } from "../../core/codec.js";
import { toHex } from "../../core/bytes.js";
import type { Group } from "../../core/group.js";
import type { PartyId, PartySet } from "../../core/party-set.js";
import { ReplyCollector } from "../../client/agreed.js";
import { ReplicaLink, type ReplicaLinkOptions } from "../../client/replica-link.js";
import { SESSION_WINDOW } from "../../client/sessions.js";
import { REFUSALS, type ReplyFrame, clientFrameCodec } from "../../wire/client-frames.js";
import type { SessionId } from "../../wire/payload.js";
import type { Batch } from "./pacer.js";
import type { RequestWriter, WrittenRequest } from "./request-writer.js";

/** A replica to which a request was handed in vain is passed over for so long. */
const AVOID_MS = 10_000;

export interface LoadClientOptions {
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly session: SessionId;
  readonly writer: RequestWriter;
  /** Requests under way at once; at most what a session may have. */
  readonly maxInFlight: number;
  /** The replica that is handed requests, unless it does nothing with them; undefined: each in turn. */
  readonly home: PartyId | undefined;
  readonly dial: ReplicaLinkOptions["dial"];
  readonly hash: (bytes: Uint8Array) => Uint8Array;
  readonly nowMs: () => number;
  /** @throws Error when a reply is not what the load is about */
  readonly check: ((reply: Uint8Array) => void) | undefined;
  /** `sentMs`: when the request was sent first. */
  onAcknowledged(batch: Batch, sentMs: number): void;
  /** It cannot go on. */
  onFailure(error: Error): void;
}

interface Request {
  readonly number: number;
  readonly key: string;
  readonly batch: Batch;
  readonly frame: Uint8Array;
  readonly replies: ReplyCollector;
  readonly sentMs: number;
  /** Who was handed it last, and when. */
  handedTo: PartyId;
  handedMs: number;
  /** Whether another was handed it before: its frame may still be on the way to one of them. */
  wasHandedOn: boolean;
}

export class LoadClient {
  readonly #options: LoadClientOptions;
  readonly #links: readonly ReplicaLink[];
  /** By identifier in hexadecimal; oldest first. */
  readonly #requests = new Map<string, Request>();
  /** Numbers that are acknowledged, above `#acknowledged`. */
  readonly #finished = new Set<number>();
  readonly #avoidedUntilMs: Float64Array;
  #next = 1;
  #acknowledged = 0;
  #turn: number;

  constructor(options: LoadClientOptions) {
    this.#options = options;
    const { cluster, group, dial } = options;
    this.#avoidedUntilMs = new Float64Array(group.n);
    this.#turn = options.home ?? options.session.opened % group.n;
    this.#links = group.parties.map(
      (party) =>
        new ReplicaLink({
          party,
          cluster,
          dial,
          onReply: (from, reply) => this.#onReply(from, reply),
          onUp: () => undefined,
          onDown: (from) => this.#onDown(from),
        }),
    );
  }

  /** Whether all replicas have welcomed it. */
  get isReady(): boolean {
    return this.#links.every((link) => link.isUp);
  }

  /** Requests under way. */
  get inFlight(): number {
    return this.#requests.size;
  }

  get hasRoom(): boolean {
    return this.#requests.size < this.#options.maxInFlight && this.#next <= this.#acknowledged + SESSION_WINDOW;
  }

  send(batch: Batch): void {
    const { session, group, hash, nowMs } = this.#options;
    const number = this.#next++;
    const written = this.#write(number, batch);
    if (written === undefined) return;
    const { frame, id } = written;
    const key = toHex(id);
    const [first, sentMs] = [this.#pick(), nowMs()];
    const replies = new ReplyCollector((parties: PartySet) => group.hasHonest(parties), hash);
    const handed = { handedTo: first, handedMs: sentMs, wasHandedOn: false };
    this.#requests.set(key, { number, key, batch, frame, replies, sentMs, ...handed });
    const question = encode(clientFrameCodec, { kind: "await", id, session, number, want: "reply" });
    for (const party of group.parties) this.#links[party]?.askEncoded(key, party === first ? frame : question);
  }

  #write(number: number, { count }: Batch): WrittenRequest | undefined {
    return this.#orFail(() => this.#options.writer.write(number, this.#acknowledged, count));
  }

  #orFail<T>(work: () => T): T | undefined {
    try {
      return work();
    } catch (error) {
      this.#options.onFailure(error instanceof Error ? error : new Error(String(error)));
      return undefined;
    }
  }

  /** The next replica in turn that is there and not known to do nothing. */
  #pick(): PartyId {
    const { group, home, nowMs } = this.#options;
    const now = nowMs();
    const start = home ?? this.#turn++;
    for (let offset = 0; offset < group.n; offset++) {
      const party = (start + offset) % group.n;
      if (this.#links[party]?.isUp === true && (this.#avoidedUntilMs[party] ?? 0) <= now) return party;
    }
    return start % group.n;
  }

  /** Hands what has waited longer than `patienceMs` to other replicas. */
  widen(patienceMs: number): void {
    const before = this.#options.nowMs() - patienceMs;
    for (const request of this.#requests.values()) if (request.handedMs < before) this.#handOn(request);
  }

  #handOn(request: Request): void {
    const now = this.#options.nowMs();
    this.#avoidedUntilMs[request.handedTo] = now + AVOID_MS;
    request.handedTo = this.#pick();
    request.handedMs = now;
    request.wasHandedOn = true;
    this.#links[request.handedTo]?.askEncoded(request.key, request.frame);
  }

  #onDown(party: PartyId): void {
    for (const request of this.#requests.values()) if (request.handedTo === party) this.#handOn(request);
  }

  #onReply(party: PartyId, reply: ReplyFrame): void {
    if (reply.kind === "refused") return this.#onRefused(reply);
    if (reply.kind !== "reply") return;
    const key = toHex(reply.id);
    this.#links[party]?.settle(key);
    const request = this.#requests.get(key);
    const told = request?.replies.add(party, reply);
    if (request === undefined || told === undefined) return;
    const { check } = this.#options;
    const { reply: agreed } = told;
    if (check !== undefined && agreed !== undefined) this.#orFail(() => check(agreed));
    this.#requests.delete(key);
    // Nobody else is asked again: one that is gone for good would be owed all of them.
    for (const link of this.#links) link.settle(key);
    // It is ordered: the only one that it was sent to has all of it.
    if (!request.wasHandedOn) this.#options.writer.release(request.frame);
    this.#finish(request.number);
    this.#options.onAcknowledged(request.batch, request.sentMs);
  }

  /** What still waits is asked for again by `widen`, also of a replica that was busy. */
  #onRefused({ code, reason }: Extract<ReplyFrame, { readonly kind: "refused" }>): void {
    const refusal = REFUSALS[code];
    if (refusal === "busy" || refusal === "not-ready" || refusal === "number-closed") return;
    this.#options.onFailure(new Error(`a replica refuses the load: ${reason}`));
  }

  #finish(number: number): void {
    this.#finished.add(number);
    while (this.#finished.delete(this.#acknowledged + 1)) this.#acknowledged++;
  }

  close(): void {
    for (const link of this.#links) link.close();
  }
}
