/**
 * The client library: has operations ordered and executed, and asks queries. It believes no single replica: an answer counts when so
 * many give it that an honest one is among them, when their shares make a signature, or when it comes with a proof.
 * docs/clients.md says what each kind of call promises.
 */
import { equalBytes } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import { type RsaScheme, createRsaScheme } from "../crypto/rsa/threshold.js";
import type { PartyState } from "../wire/client-frames.js";
import { type Service, signedStatement, type StatementKey } from "../services/service.js";
import { decodeReplies } from "../wire/replies.js";
import { replyStatement } from "../wire/reply-statement.js";
import { ReplyCollector, type Told } from "./agreed.js";
import { type ArchivedReceipt, askReceipt } from "./archived-receipt.js";
import {
  CallAbortedError,
  ClientClosedError,
  ClusterUnreachableError,
  NotExecutedError,
  RefusedError,
  ReplyLostError,
  SessionEvictedError,
} from "./errors.js";
import { findReceipt } from "./find-document.js";
import type { CallHandle } from "./handle.js";
import { type Kv, openKv } from "./kv.js";
import { Network } from "./network.js";
import {
  type Notarized,
  type NotarizedTogether,
  type NotarizeOptions,
  notarize,
  notarizeTogether,
} from "./notarize.js";
import { type OrderingOptions, order } from "./ordering.js";
import { type Action, payloadOf } from "./own-payload.js";
import { type Answered, type QueryOptions, askAny, askMany } from "./queries.js";
import { Sessions, type Slot } from "./sessions.js";
import { KnownSignatures } from "./known-signatures.js";
import { type Assembled, type Replied, ShareCollector } from "./share-collector.js";
import { StatusQueries } from "./status-queries.js";
import type {
  Acknowledgements,
  Called,
  CalledAll,
  Caller,
  CallOptions,
  CallOutcome,
  ClientOptions,
  ClientQueryOptions,
} from "./types.js";

/** After how long a payload goes from one replica to more, and then to all. */
const WIDEN_AFTER_MS = [250, 1_000] as const;
const DEFAULT_TIMEOUT_MS = 30_000;

type Execution = Exclude<Action, { readonly kind: "void" }>;

export class Client implements Caller {
  readonly #options: ClientOptions;
  readonly #schemes: Readonly<Record<StatementKey, RsaScheme>>;
  readonly #network: Network;
  readonly #status: StatusQueries;
  readonly #sessions = new Sessions(() => Date.now());
  /** Those of rounds, which calls may share. */
  readonly #signatures = new KnownSignatures();
  /** Calls that wait for a number. */
  readonly #waiting = new Set<(error: Error) => void>();
  /** The greatest position that a query was answered from, by kind of query: later ones are not answered from earlier states. */
  readonly #seen = { any: 0, quorum: 0 };
  #isClosed = false;

  /** Starts connecting to all replicas. */
  constructor(options: ClientOptions) {
    this.#options = options;
    const { cluster, group, dial, keys, home } = options;
    this.#schemes = { receipt: createRsaScheme(keys.receipt), token: createRsaScheme(keys.token) };
    this.#network = new Network({
      cluster,
      group,
      dial,
      home,
      onState: (party, state) => this.#status.onState(party, state),
    });
    this.#status = new StatusQueries(this.#network);
  }

  /** The cluster's identifier, 32 bytes. */
  get cluster(): Uint8Array {
    return this.#options.cluster;
  }

  /** This client's raw Ed25519 public key, 32 bytes. */
  get publicKey(): Uint8Array {
    return this.#options.publicKey;
  }

  /**
   * Has the cluster execute an operation, once.
   * @throws ClusterUnreachableError when too few replicas answer in time, BusyError when they are busy, RefusedError, CallAbortedError,
   *   ClientClosedError, SessionEvictedError: the outcome is not known, and the error has the `handle` to ask for it if the call was sent;
   *   NotExecutedError when `outcome` got its number first; ReplyLostError when it was executed and its reply is not kept any more
   */
  call(service: string, operation: Uint8Array, options: CallOptions = {}): Promise<Called> {
    return this.#execute({ kind: "call", service, operation }, options);
  }

  /**
   * Has the cluster execute operations of one service, at most 4,096 and 240 KiB, or 60 KiB in a cluster with dissemination `inline`,
   * together and one after the other: one number, one place in the log, one signature for all of them.
   * @throws as `call`; EncodeError when they are none or too many
   */
  async callAll(service: string, operations: readonly Uint8Array[], options: CallOptions = {}): Promise<CalledAll> {
    const { reply, ...called } = await this.#execute({ kind: "calls", service, operations }, options);
    const replies = decodeReplies(reply);
    if (!replies.ok) throw new TypeError(`replicas that agree answered with no replies: ${replies.error}`);
    return { ...called, replies: replies.value };
  }

  async #execute(action: Execution, options: CallOptions): Promise<Called> {
    const { timeoutMs = DEFAULT_TIMEOUT_MS, reply: kind = "matching" } = options;
    const deadlineMs = performance.now() + timeoutMs;
    const slot = await this.#takeSlot(timeoutMs, options.signal);
    const payload = this.#newPayload(slot, action);
    const handle = this.#handleOf(slot, payload);
    try {
      await options.onHandle?.(handle);
      const left = { ...options, timeoutMs: Math.max(1, Math.round(deadlineMs - performance.now())) };
      const called = await (kind === "signed"
        ? this.#callSigned(slot, action, payload, handle.digest, left)
        : this.#callMatching(slot, payload, handle.digest, left));
      this.#sessions.finish(slot);
      return called;
    } catch (error) {
      throw this.#failed(slot, handle, error);
    }
  }

  async #callMatching(slot: Slot, payload: Uint8Array, id: Uint8Array, options: CallOptions): Promise<Called> {
    const collector = this.#replies(options.acknowledgements);
    const suffices = this.#sufficient(options.acknowledgements);
    const told = await order<Told>({
      ...this.#ordering(slot, payload, id, options),
      want: "reply",
      suffices,
      collect: (party, frame) => collector.add(party, frame),
    });
    return { ...calledOf(told, id), faulty: collector.faulty };
  }

  async #callSigned(
    slot: Slot,
    { kind, service }: Execution,
    payload: Uint8Array,
    id: Uint8Array,
    options: CallOptions,
  ): Promise<Called> {
    const { cluster, publicKey: client } = this.#options;
    const { session, number } = slot;
    const shares = new ShareCollector({
      hash: (bytes) => this.#options.hash(bytes),
      signed: ({ reply, sequence, round }, attachment) => {
        const known = this.#options.service?.(service);
        const own = statementOf(kind, known, reply, attachment);
        const { key, bytes: statement } = signedStatement(known, own, () =>
          replyStatement({ cluster, client, session, number, sequence, round, service, reply }),
        );
        return { scheme: this.#schemes[key], statement };
      },
      signatures: this.#signatures,
      askProof: (party) => this.#network.ask(party, id, { kind: "submit", payload, want: "proof" }),
    });
    // What has no reply is not signed.
    const replies = this.#replies("honest");
    // All of the group's keys are shared alike.
    const { sharing } = this.#schemes.receipt;
    const all = PartySet.of(this.#options.group.parties);
    const without = new PartySet();
    let lost: Told | undefined;
    const result = await order<Assembled | Told>({
      ...this.#ordering(slot, payload, id, options),
      want: "share",
      suffices: (parties) => sharing.isQualified(parties),
      collect(party, frame) {
        const { reply } = frame;
        if (frame.kind === "share" && reply !== undefined)
          return shares.add(party, { ...frame, reply } satisfies Replied, frame);
        // Who was asked late may have the reply no more, and who was asked before is still at work.
        without.add(party);
        lost = replies.add(party, { ...frame, reply: undefined }) ?? lost;
        return sharing.isQualified(all.difference(without)) ? undefined : lost;
      },
    });
    if (!("signature" in result)) return { ...calledOf(result, id), faulty: replies.faulty };
    const { told, ...signed } = result;
    return { ...calledOf(told, id), faulty: shares.faulty, signature: signed };
  }

  #sufficient(acknowledgements: Acknowledgements | undefined): (parties: PartySet) => boolean {
    const { group } = this.#options;
    const rule = acknowledgements ?? this.#options.acknowledgements ?? "quorum";
    return (parties) => (rule === "quorum" ? group.isQuorum(parties) : group.hasHonest(parties));
  }

  #replies(acknowledgements: Acknowledgements | undefined): ReplyCollector {
    return new ReplyCollector(this.#sufficient(acknowledgements), (bytes) => this.#options.hash(bytes));
  }

  #ordering(
    { session, number }: Pick<Slot, "session" | "number">,
    payload: Uint8Array,
    id: Uint8Array,
    { fanout, timeoutMs = DEFAULT_TIMEOUT_MS, signal }: CallOptions,
  ): Omit<OrderingOptions<never>, "want" | "suffices" | "collect"> {
    const { fanout: usual = "widen", widenAfterMs = WIDEN_AFTER_MS } = this.#options;
    const network = this.#network;
    return { network, payload, id, session, number, fanout: fanout ?? usual, widenAfterMs, timeoutMs, signal };
  }

  /** @throws what the wait for a number ends with; nothing was sent then */
  async #takeSlot(timeoutMs: number, signal: AbortSignal | undefined): Promise<Slot> {
    if (this.#isClosed) throw new ClientClosedError("the client is closed");
    if (signal?.aborted === true) throw new CallAbortedError("the call was aborted before it was sent");
    const taking = this.#sessions.take();
    let stop = (): void => undefined;
    const failed = new Promise<never>((_, reject) => {
      const message = `${Math.ceil(timeoutMs / 1000)} s went by while as many earlier calls as may be were unfinished; this one was not sent`;
      const cancelTimer = this.#network.after(timeoutMs, () => reject(new ClusterUnreachableError(message, [])));
      const onAbort = (): void => reject(new CallAbortedError("the call was aborted before it was sent"));
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#waiting.add(reject);
      stop = () => {
        cancelTimer();
        signal?.removeEventListener("abort", onAbort);
        this.#waiting.delete(reject);
      };
    });
    try {
      return await Promise.race([taking.slot, failed]);
    } finally {
      stop();
      taking.cancel();
    }
  }

  /** @throws EncodeError for what is never sent; no outcome of its number will be asked for */
  #newPayload(slot: Slot, action: Execution): Uint8Array {
    try {
      return payloadOf(this.#options, slot, action);
    } catch (error) {
      this.#sessions.finish(slot);
      throw error;
    }
  }

  #handleOf(slot: Slot, payload: Uint8Array): CallHandle {
    const { cluster, publicKey: client } = this.#options;
    return { cluster, client, ...slot, digest: this.#options.hash(payload) };
  }

  /** Where the outcome is known, the number is finished; else it can be asked for. */
  #failed(slot: Slot, handle: CallHandle, error: unknown): unknown {
    if (error instanceof NotExecutedError || error instanceof ReplyLostError) this.#sessions.finish(slot);
    else if (error instanceof SessionEvictedError) this.#sessions.evicted(slot);
    else this.#sessions.abandon(slot);
    const isUnknown =
      error instanceof ClusterUnreachableError ||
      error instanceof RefusedError ||
      error instanceof CallAbortedError ||
      error instanceof ClientClosedError ||
      error instanceof SessionEvictedError;
    if (isUnknown) error.handle = handle;
    return error;
  }

  /**
   * Whether a call was executed: one definite answer, also after a lost connection, a time-out, or a restart of this program. If the
   * call has not been executed yet, it never will be: a request without an operation takes its number.
   * @throws SessionEvictedError, OutcomeForgottenError when nobody can know any more; ClusterUnreachableError and the others of `call`: ask again
   */
  async outcome(
    handle: CallHandle,
    options: Pick<CallOptions, "timeoutMs" | "fanout" | "signal"> = {},
  ): Promise<CallOutcome> {
    const { cluster, publicKey } = this.#options;
    if (!equalBytes(handle.cluster, cluster)) throw new TypeError("the handle is of a call to another cluster");
    if (!equalBytes(handle.client, publicKey)) throw new TypeError("the handle is of another client's call");
    if (this.#isClosed) throw new ClientClosedError("the client is closed");
    const payload = payloadOf(this.#options, handle, { kind: "void" });
    const collector = this.#replies(undefined);
    const told = await order<Told>({
      ...this.#ordering(handle, payload, this.#options.hash(payload), options),
      want: "reply",
      suffices: this.#sufficient(undefined),
      collect: (party, frame) => collector.add(party, frame),
    });
    this.#sessions.finish(handle);
    if (!equalBytes(told.digest, handle.digest)) return { committed: false };
    const { sequence, round, reply } = told;
    return { committed: true, sequence, round, timeMs: timeOf(told), reply };
  }

  /**
   * Asks a service about its state. `any`: the state of a certified checkpoint, proved by one replica; `quorum`: a present state;
   * `ordered`: the state at a place in the log that this query takes. @throws as `call`
   */
  async query(service: string, query: Uint8Array, options: ClientQueryOptions = {}): Promise<Answered> {
    const { consistency = "quorum", timeoutMs = DEFAULT_TIMEOUT_MS, signal } = options;
    if (this.#isClosed) throw new ClientClosedError("the client is closed");
    const deadlineMs = performance.now() + timeoutMs;
    const asked = (minSequence: number, leftMs: number): QueryOptions => {
      return { network: this.#network, service, query, minSequence, timeoutMs: leftMs, signal };
    };
    if (consistency === "ordered") {
      // A place behind everything that was answered before; whatever has reached it may answer.
      const { sequence } = await this.#mark(options);
      const minSequence = Math.max(sequence, options.minSequence ?? 0);
      return askMany(asked(minSequence, Math.max(1, Math.round(deadlineMs - performance.now()))), "honest");
    }
    const { proofs } = this.#options;
    const minSequence = options.minSequence ?? this.#seen[consistency];
    const answered = await (consistency === "any"
      ? askAny(asked(minSequence, timeoutMs), { ...proofs, hash: (bytes) => this.#options.hash(bytes) })
      : askMany(asked(minSequence, timeoutMs), "quorum"));
    this.#seen[consistency] = Math.max(this.#seen[consistency], answered.sequence);
    return answered;
  }

  /** Has a request without an operation ordered: its position. */
  async #mark({ timeoutMs = DEFAULT_TIMEOUT_MS, signal }: ClientQueryOptions): Promise<Told> {
    const slot = await this.#takeSlot(timeoutMs, signal);
    const payload = payloadOf(this.#options, slot, { kind: "void" });
    const collector = this.#replies("honest");
    try {
      const told = await order<Told>({
        ...this.#ordering(slot, payload, this.#options.hash(payload), { timeoutMs, ...(signal && { signal }) }),
        want: "reply",
        suffices: this.#sufficient("honest"),
        collect: (party, frame) => collector.add(party, frame),
      });
      this.#sessions.finish(slot);
      return told;
    } catch (error) {
      // Nobody will ask for its outcome.
      if (error instanceof SessionEvictedError) this.#sessions.evicted(slot);
      else this.#sessions.finish(slot);
      throw error;
    }
  }

  /** The key-value service. */
  get kv(): Kv {
    return openKv(this);
  }

  /** Has a document notarised by its SHA-256 digest (32 bytes). @throws as `call` */
  notarize(digest: Uint8Array, timeoutMs: number, options: NotarizeOptions = {}): Promise<Notarized> {
    return notarize(this, digest, { timeoutMs, ...options });
  }

  /** Has up to 200 documents notarised as one request, by their digests. @throws RangeError, or as `call` */
  notarizeAll(
    digests: readonly Uint8Array[],
    timeoutMs: number,
    options: NotarizeOptions = {},
  ): Promise<NotarizedTogether> {
    return notarizeTogether(this, (bytes) => this.#options.hash(bytes), digests, { timeoutMs, ...options });
  }

  /**
   * The receipt of a document that was notarised before, by whomever: the one at `index`, from 0 on, of the payload with this number.
   * @throws RefusedError when the replicas have no such document, or have its payload no more; as `query`
   */
  receipt(
    { sequence, index = 0 }: { readonly sequence: number; readonly index?: number },
    timeoutMs: number,
    { signal }: Pick<CallOptions, "signal"> = {},
  ): Promise<ArchivedReceipt> {
    if (this.#isClosed) return Promise.reject(new ClientClosedError("the client is closed"));
    const scheme = this.#schemes.receipt;
    const shares = {
      hash: (bytes: Uint8Array) => this.#options.hash(bytes),
      signed: ({ reply }: Replied) => ({ scheme, statement: reply }),
      signatures: this.#signatures,
    };
    const suffices = (parties: PartySet): boolean => scheme.sharing.isQualified(parties);
    return askReceipt({ network: this.#network, sequence, index, timeoutMs, signal, shares, suffices });
  }

  /**
   * The receipt of the first document with this digest (32 bytes), whoever had it notarised; undefined when the replicas do not agree on one.
   * One that was notarised just now, or of which too few keep the payload, may not be found. @throws as `query`
   */
  findReceipt(
    digest: Uint8Array,
    timeoutMs: number,
    { signal }: Pick<CallOptions, "signal"> = {},
  ): Promise<ArchivedReceipt | undefined> {
    if (this.#isClosed) return Promise.reject(new ClientClosedError("the client is closed"));
    const asked = { network: this.#network, cluster: this.cluster, digest, timeoutMs, signal };
    return findReceipt(asked, (place, leftMs) => this.receipt(place, leftMs, signal && { signal }));
  }

  /** Each replica's own account of itself, from those that answer within `timeoutMs`; the others' problems. */
  status(timeoutMs: number): Promise<ReadonlyMap<PartyId, PartyState | string>> {
    return this.#status.ask(timeoutMs);
  }

  /** What is still waited for fails with a ClientClosedError; `status` returns what it has. */
  close(): void {
    this.#isClosed = true;
    const error = new ClientClosedError("the client was closed");
    for (const fail of this.#waiting) fail(error);
    this.#status.finish();
    this.#network.end(error);
  }
}

/** What the service has the group sign; undefined: nothing of its own. */
function statementOf(
  kind: Execution["kind"],
  service: Pick<Service, "statement" | "shared"> | undefined,
  reply: Uint8Array,
  attachment: Uint8Array,
): Uint8Array | undefined {
  if (kind === "call") return service?.statement?.(reply);
  const replies = decodeReplies(reply);
  if (attachment.length === 0 || !replies.ok) return undefined;
  return service?.shared?.statement(replies.value, attachment);
}

/** @throws NotExecutedError, ReplyLostError */
function calledOf(told: Told, id: Uint8Array): Pick<Called, "reply" | "sequence" | "round" | "timeMs"> {
  const { digest, sequence, round, reply } = told;
  if (!equalBytes(digest, id)) {
    throw new NotExecutedError("another request took the call's number: the call was not executed and never will be");
  }
  if (reply === undefined) throw new ReplyLostError(sequence, round);
  return { reply, sequence, round, timeMs: timeOf(told) };
}

function timeOf({ timeMs }: Told): number | undefined {
  return timeMs === 0 ? undefined : timeMs;
}
