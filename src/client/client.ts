/**
 * The client library: hands a request to all replicas, as the source's client does, and assembles their signature shares to
 * a receipt that anybody can check. It believes no single replica: a number counts when the shares of a qualified set make a valid
 * signature on it.
 */
import { toHex } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { RsaPublicKey } from "../crypto/keys.js";
import { type RsaScheme, createRsaScheme } from "../crypto/rsa/threshold.js";
import { encodeRequest, encodeStatement, requestStatement } from "../services/notary/index.js";
import { type Receipt, receiptOf } from "../verify/index.js";
import { REFUSALS, type ReplyFrame } from "../wire/client-frames.js";
import { type Assembled, ReceiptCollector } from "./receipt-collector.js";
import { ReplicaSession, type ReplicaSessionOptions } from "./replica-session.js";

/** A client may use a clock: it asks a busy replica again after this time. */
const BUSY_RETRY_MS = 250;

export interface ClientOptions {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  readonly n: number;
  readonly receiptKey: RsaPublicKey;
  /** This client's raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** Signs with the client's key. */
  sign(statement: Uint8Array): Uint8Array;
  /** SHA-256. */
  hash(bytes: Uint8Array): Uint8Array;
  readonly dial: ReplicaSessionOptions["dial"];
}

export interface Notarized {
  readonly receipt: Receipt;
  /** Parties that sent a bad share, as far as it mattered. */
  readonly faulty: readonly PartyId[];
}

export type PartyState = Omit<Extract<ReplyFrame, { kind: "state" }>, "kind">;

/** The client was closed before the answer came. */
export class ClientClosedError extends Error {
  override readonly name = "ClientClosedError";
}

/** Too few replicas answered in time; says of each why. The request may still be ordered. */
export class ClusterUnreachableError extends Error {
  override readonly name = "ClusterUnreachableError";

  /** `reasons`: by party. */
  constructor(
    message: string,
    readonly reasons: readonly string[],
  ) {
    super(message);
  }
}

/** So many replicas refuse the request that it cannot succeed. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

interface Request {
  readonly payload: Uint8Array;
  readonly collector: ReceiptCollector;
  readonly refusals: Map<PartyId, string>;
  /** For the error when too few answer in time: what came of each party that answered without bringing us further. */
  readonly notes: Map<PartyId, string>;
  /** Notes the receipt. */
  done(assembled: Assembled): void;
  fail(error: Error): void;
}

interface StatusQuery {
  readonly states: Map<PartyId, PartyState | string>;
  finish(): void;
}

export class Client {
  readonly #options: ClientOptions;
  readonly #sessions: readonly ReplicaSession[];
  readonly #scheme: RsaScheme;
  readonly #requests = new Map<string, Request>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #statusQueries = new Set<StatusQuery>();

  /** Starts connecting to all replicas. */
  constructor(options: ClientOptions) {
    this.#options = options;
    this.#scheme = createRsaScheme(options.receiptKey);
    const { cluster, dial } = options;
    this.#sessions = Array.from(
      { length: options.n },
      (_, party) => new ReplicaSession({ party, cluster, dial, onReply: (from, reply) => this.#onReply(from, reply) }),
    );
  }

  /**
   * Has the cluster notarise a document by its SHA-256 digest (32 bytes). `nonce`: 16 bytes never used before.
   * @throws ClusterUnreachableError when no qualified set of replicas answers within `timeoutMs`; RefusedError
   */
  async notarize(digest: Uint8Array, nonce: Uint8Array, timeoutMs: number): Promise<Notarized> {
    const { cluster, publicKey } = this.#options;
    const documentDigest = { algorithm: "sha256", value: digest } as const;
    const unsigned = { cluster, client: publicKey, nonce, digest: documentDigest };
    const payload = encodeRequest({ ...unsigned, signature: this.#options.sign(requestStatement(unsigned)) });
    const id = this.#options.hash(payload);
    const key = toHex(id);
    const collector = new ReceiptCollector({
      scheme: this.#scheme,
      statement: (position) => encodeStatement({ cluster, ...position, digest: documentDigest, client: publicKey }),
      askProof: (party) => this.#sessions[party]?.ask(`prove ${key}`, { kind: "prove", id }),
    });
    try {
      const { statement, signature } = await this.#request(key, payload, collector, timeoutMs);
      const receipt = receiptOf(statement, signature);
      // We encoded the statement ourselves.
      if (!receipt.ok) throw new Error(receipt.error);
      return { receipt: receipt.value, faulty: collector.faulty };
    } finally {
      this.#requests.delete(key);
      for (const session of this.#sessions) {
        session.settle(`submit ${key}`);
        session.settle(`prove ${key}`);
      }
    }
  }

  #request(key: string, payload: Uint8Array, collector: ReceiptCollector, timeoutMs: number): Promise<Assembled> {
    const notes = new Map<PartyId, string>();
    let cancel = (): void => undefined;
    return new Promise<Assembled>((done, fail) => {
      cancel = this.#after(timeoutMs, () => fail(this.#unreachable(timeoutMs, notes)));
      this.#requests.set(key, { payload, collector, refusals: new Map(), notes, done, fail });
      for (const session of this.#sessions) session.ask(`submit ${key}`, { kind: "submit", payload });
    }).finally(() => cancel());
  }

  /** Returns what cancels it. */
  #after(delayMs: number, action: () => void): () => void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      action();
    }, delayMs);
    this.#timers.add(timer);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }

  #unreachable(timeoutMs: number, notes: ReadonlyMap<PartyId, string>): ClusterUnreachableError {
    const reasons = this.#sessions.map(
      (session, party) => notes.get(party) ?? session.problem ?? "connected, but has not answered",
    );
    const each = reasons.map((reason, party) => `party ${party}: ${reason}`).join("; ");
    return new ClusterUnreachableError(
      `the cluster did not answer within ${timeoutMs / 1000} s (${each}); the request may have reached it: it may still be ordered; notarising again makes a second entry`,
      reasons,
    );
  }

  #onReply(party: PartyId, reply: ReplyFrame): void {
    if (reply.kind === "state") this.#onState(party, reply);
    else if (reply.kind === "refused") this.#onRefused(party, toHex(reply.id), REFUSALS[reply.code], reply.reason);
    else if (reply.kind === "share") this.#onShare(party, reply);
  }

  #onShare(party: PartyId, { id, sequence, round, share, proof }: Extract<ReplyFrame, { kind: "share" }>): void {
    const key = toHex(id);
    const request = this.#requests.get(key);
    if (request === undefined) return;
    this.#sessions[party]?.settle(`submit ${key}`);
    if (proof.length > 0) this.#sessions[party]?.settle(`prove ${key}`);
    request.notes.set(party, "answered, but not enough others did with the same answer");
    const assembled = request.collector.add(party, { sequence, round }, share, proof);
    if (assembled !== undefined) request.done(assembled);
  }

  #onRefused(party: PartyId, key: string, code: (typeof REFUSALS)[number] | undefined, reason: string): void {
    if (code === "wrong-version" || code === "wrong-cluster") {
      this.#sessions[party]?.refused(reason);
      for (const request of this.#requests.values()) this.#refuse(party, request, reason);
      return;
    }
    const request = this.#requests.get(key);
    if (request === undefined) return;
    request.notes.set(party, reason);
    if (code === "busy") {
      this.#after(BUSY_RETRY_MS, () => {
        if (this.#requests.has(key))
          this.#sessions[party]?.ask(`submit ${key}`, { kind: "submit", payload: request.payload });
      });
      return;
    }
    this.#refuse(party, request, reason);
  }

  /** When those that do not refuse are no qualified set, no receipt can come any more. */
  #refuse(party: PartyId, request: Request, reason: string): void {
    request.refusals.set(party, reason);
    const others = [...this.#sessions.keys()].filter((id) => !request.refusals.has(id));
    if (this.#scheme.sharing.isQualified(PartySet.of(others))) return;
    const reasons = [...request.refusals].map(([id, text]) => `party ${id}: ${text}`);
    request.fail(new RefusedError(`the cluster refuses the request (${reasons.join("; ")})`));
  }

  #onState(party: PartyId, state: PartyState): void {
    for (const query of this.#statusQueries) {
      query.states.set(party, state);
      if (query.states.size === this.#sessions.length) query.finish();
    }
  }

  /** Each replica's own account of itself, from those that answer within `timeoutMs`; the others' problems. */
  status(timeoutMs: number): Promise<ReadonlyMap<PartyId, PartyState | string>> {
    const states = new Map<PartyId, PartyState | string>();
    return new Promise((resolve) => {
      const query: StatusQuery = {
        states,
        finish: () => {
          cancel();
          this.#statusQueries.delete(query);
          for (const [party, session] of this.#sessions.entries()) {
            if (this.#statusQueries.size === 0) session.settle("status");
            if (!states.has(party)) states.set(party, session.problem ?? "connected, but has not answered");
          }
          resolve(states);
        },
      };
      const cancel = this.#after(timeoutMs, () => query.finish());
      this.#statusQueries.add(query);
      for (const session of this.#sessions) session.ask("status", { kind: "status" });
    });
  }

  /** What is still waited for fails with a ClientClosedError; `status` returns what it has. */
  close(): void {
    for (const request of this.#requests.values()) request.fail(new ClientClosedError("the client was closed"));
    for (const query of this.#statusQueries) query.finish();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const session of this.#sessions) session.close();
  }
}
