/**
 * A replicated state machine, as replicas run it. Every replica runs the same service on the same operations in the same
 * order and so stays in the same state.
 *
 * A service is sans-I/O: it MUST NOT read a clock, a random source, a file or the network, and MUST NOT
 * keep promises or timers. Whatever it needs from outside comes in the operation or in the context.
 */

import type { PartyId } from "../core/party-set.js";

/** What one reply may take. */
export const MAX_REPLY_BYTES = 64 * 1024;
/** What one operation or query may take. */
export const MAX_OPERATION_BYTES = 60 * 1024;
/** What a service may add to its replies (`SharedStatement`). */
export const MAX_ATTACHMENT_BYTES = 8 * 1024;
/** What one chunk of a snapshot may take. */
export const MAX_CHUNK_BYTES = 64 * 1024;

/** The group's keys that sign for third parties. */
export type StatementKey = "receipt" | "token";

/** Where an operation stands in the total order; the same at every replica. */
export interface Place {
  /** The number of the operation's request in the cluster's log. Never shrinks; operations of one request share it. */
  readonly sequence: number;
  /** Which operation of its request it is, from 0 on. Others come between operations of different requests only. */
  readonly index: number;
  /** The agreement round that delivered it. Never shrinks. */
  readonly round: number;
  /**
   * The round's time in milliseconds since 1970: between the clock readings of two honest replicas, and never shrinking
   * (docs/protocols.md, "Time"). Undefined in clusters whose rounds have no time.
   */
  readonly roundTimeMs: number | undefined;
}

/** Where a client's operation stands, and whose it is. */
export interface ApplyContext extends Place {
  /** Who asked: the client's raw Ed25519 public key, 32 bytes. Its signature on the request was checked. */
  readonly client: Uint8Array;
}

/** Where a party's operation stands, and whose it is. */
export interface DutyContext extends Place {
  /** Its signature was checked. */
  readonly party: PartyId;
}

/** A replica that asks what it owes the service. */
export interface Debtor {
  readonly party: PartyId;
  /** By its own clock, on which nobody relies. */
  readonly nowMs: number;
  /** Its share of a ciphertext under the group's encryption key, whose label was checked. @throws Error when the label is another */
  decryptionShare(label: Uint8Array, ciphertext: Uint8Array): Uint8Array;
}

/**
 * What replicas themselves have ordered for a service: word that time has passed, or shares of what the group decrypts. Each party has one
 * at a time, so that none of them floods the log. A corrupted party orders what it likes, as often as it gets its turn.
 */
export interface Duties {
  /** What the party should have ordered now: at most MAX_OPERATION_BYTES. Changes nothing. Asked when nothing of the party waits. */
  due(debtor: Debtor): Uint8Array | undefined;
  /** As `Service.validate`, for what parties have ordered. */
  validate(operation: Uint8Array): boolean;
  /** As `Service.apply`; there is nobody to reply to. */
  apply(context: DutyContext, operation: Uint8Array): void;
}

export interface Service {
  /** Names the service in requests: a lower-case letter, then letters, digits and `-`, at most 32. */
  readonly name: string;

  /**
   * Whether `operation` may be ordered at all. Called on hostile bytes, on every replica, any number of times, in any order.
   * Left out: everything may, and `apply` answers what makes no sense.
   *
   * MUST be pure and independent of the service's state: replicas ask at different times. MUST NOT throw.
   */
  validate?(operation: Uint8Array): boolean;

  /**
   * Executes one ordered operation, and returns the reply for its client: at most MAX_REPLY_BYTES.
   *
   * MUST be deterministic. MUST NOT throw on an operation that `validate` accepts: an exception means that a replica broke
   * its own invariant, and stops it. MUST NOT keep a reference to `operation` or into it: the bytes belong to a
   * buffer that is reused. A refused operation is a reply, not an exception.
   */
  apply(context: ApplyContext, operation: Uint8Array): Uint8Array;

  /**
   * Answers a question about the present state without changing it: at most MAX_REPLY_BYTES. Called on hostile bytes.
   * MUST be a deterministic function of state and `query`, MUST NOT throw.
   */
  query(query: Uint8Array): Uint8Array;

  /**
   * The state in chunks of at most MAX_CHUNK_BYTES, such that `restore` of them leads to a service that behaves the same for
   * ever, and gives the same chunks. The same operations lead to the same chunks at every replica, also where the state was
   * restored on the way. What is returned stays as it is when the service goes on: chunks MUST NOT be changed later.
   */
  snapshot(): Iterable<Uint8Array>;

  /** Replaces the state by that of a snapshot. @throws Error when the chunks are none */
  restore(chunks: Iterable<Uint8Array>): void;

  /**
   * For reads that prove themselves: answers `query` from one chunk of a snapshot alone. "before" and "after" say that the
   * chunk to ask comes earlier or later in the snapshot. Total on arbitrary bytes: undefined when `chunk` is no chunk of this service. Also
   * run by clients, on chunks that a replica has shown to be in a certified snapshot.
   */
  answerFrom?(chunk: Uint8Array, query: Uint8Array): ChunkAnswer | undefined;

  /**
   * What the group signs for a client that asks for a signed reply; left out or undefined: the reply with cluster, client, session,
   * number, position and service around it.
   */
  statement?(reply: Uint8Array): Uint8Array | undefined;

  /**
   * What the group signs instead for requests with several operations, so that requests may share a signature; left out: all
   * replies with the same around them.
   */
  readonly shared?: SharedStatement;

  /** What signs the service's own statements; left out: the receipt key. Nothing else is signed with another one. */
  readonly statementKey?: StatementKey;

  /** Left out: parties have nothing ordered for this service. */
  readonly duties?: Duties;
}

export interface SharedStatement {
  /**
   * What the group signs for a request with these replies; asked when the request's round is complete. From the state; undefined when that
   * does not have it any more.
   */
  ofRequest(sequence: number, replies: readonly Uint8Array[]): AttachedStatement | undefined;
  /**
   * The same statement, from the replies and what is attached to it; undefined when they make none. Pure and total: clients ask it of what
   * replicas say.
   */
  statement(replies: readonly Uint8Array[], attachment: Uint8Array): Uint8Array | undefined;
}

export interface AttachedStatement {
  readonly statement: Uint8Array;
  /** What a client needs, besides the replies, to make it: at most MAX_ATTACHMENT_BYTES, and never none. */
  readonly attachment: Uint8Array;
}

export interface Statement {
  readonly key: StatementKey;
  readonly bytes: Uint8Array;
}

/** What the group signs for a reply, and with which key: the service's `own` statement, if it makes one, or the `general` one. */
export function signedStatement(
  service: Pick<Service, "statementKey"> | undefined,
  own: Uint8Array | undefined,
  general: () => Uint8Array,
): Statement {
  if (own === undefined) return { key: "receipt", bytes: general() };
  return { key: service?.statementKey ?? "receipt", bytes: own };
}

export type ChunkAnswer = "before" | "after" | { readonly answer: Uint8Array };
