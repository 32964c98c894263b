/**
 * Which numbers of which sessions have been executed, such that none ever is twice, in bounded room (docs/sessions.md).
 *
 * A client has at most MAX_SESSIONS sessions. For another the least makes room. From then on the least that is there is the
 * client's floor: whatever is below it is evicted, also what was never seen. In a session, numbers up to the greatest
 * `acknowledged` are closed and their outcomes forgotten; no request is further ahead of its own `acknowledged` than the
 * window, so that at most the window's outcomes are kept. Closed and evicted are for ever: both bounds only grow.
 *
 * The same rules serve the admission, which keeps numbers only, and the machine, which keeps outcomes.
 */
import { InvariantError } from "../../core/protocol.js";
import { SnapshotError } from "./snapshot-error.js";

/** Sessions of one client. */
export const MAX_SESSIONS = 64;
/** How far a request's number may be ahead of what it acknowledges: outcomes that one session keeps. */
export const SESSION_WINDOW = 256;
/** Replies that are kept for one client, in all its sessions. */
export const MAX_CLIENT_REPLY_BYTES = 256 * 1024;

/** A number of a session of a client. */
export interface Place {
  /** Public key in hexadecimal. */
  readonly client: string;
  /** session-key.ts: greater keys are later sessions. */
  readonly session: string;
  readonly number: number;
}

export type Standing<O> =
  | { readonly kind: "done"; readonly outcome: O }
  | { readonly kind: "open" }
  | { readonly kind: "closed" }
  | { readonly kind: "evicted" };

/** What the table has to know of the outcomes that it keeps. */
export interface Keeping<O> {
  /** Later outcomes have greater ones. */
  order(outcome: O): number;
  /** Undefined: it has no reply. */
  replyBytes(outcome: O): number | undefined;
  withoutReply(outcome: O): O;
}

/** All that a table knows of a client. Sessions and numbers ascend. */
export interface ClientRecord<O> {
  readonly client: string;
  readonly sessions: readonly SessionRecord<O>[];
}

export interface SessionRecord<O> {
  readonly session: string;
  readonly acknowledged: number;
  readonly outcomes: readonly { readonly number: number; readonly outcome: O }[];
}

interface Kept<O> {
  readonly number: number;
  outcome: O;
}

interface Session<O> {
  acknowledged: number;
  readonly outcomes: Map<number, Kept<O>>;
}

interface Client<O> {
  readonly sessions: Map<string, Session<O>>;
  /** Keys of `sessions`, ascending. */
  readonly keys: string[];
  /** Those with a reply, oldest first. */
  readonly replies: Set<Kept<O>>;
  replyBytes: number;
}

/** Whether a request may have this number at all, whatever state there is. */
export function isWithinWindow(number: number, acknowledged: number): boolean {
  return acknowledged < number && number <= acknowledged + SESSION_WINDOW;
}

export class SessionTable<O> {
  readonly #keeping: Keeping<O>;
  readonly #clients = new Map<string, Client<O>>();

  constructor(keeping: Keeping<O>) {
    this.#keeping = keeping;
  }

  /** @throws SnapshotError when the records are not those of any table */
  static of<O>(keeping: Keeping<O>, records: readonly ClientRecord<O>[]): SessionTable<O> {
    const table = new SessionTable(keeping);
    let previous = "";
    for (const record of records) {
      if (record.client <= previous) throw new SnapshotError(`client ${record.client} is out of order`);
      previous = record.client;
      table.#clients.set(record.client, table.#restored(record));
    }
    return table;
  }

  standing({ client, session, number }: Place): Standing<O> {
    const known = this.#clients.get(client);
    const state = known?.sessions.get(session);
    if (state === undefined) {
      if (known !== undefined && isEvicted(known, session)) return { kind: "evicted" };
      return number > 0 ? { kind: "open" } : { kind: "closed" };
    }
    if (number <= state.acknowledged) return { kind: "closed" };
    const kept = state.outcomes.get(number);
    return kept === undefined ? { kind: "open" } : { kind: "done", outcome: kept.outcome };
  }

  /** The place, which is open, has been executed. @throws InvariantError when it is not open */
  take(place: Place, acknowledged: number, outcome: O): void {
    const { kind } = this.standing(place);
    const name = `${place.client}/${place.session}/${place.number}`;
    if (kind !== "open") throw new InvariantError(`${name} was delivered and is ${kind}`);
    if (!isWithinWindow(place.number, acknowledged)) throw new InvariantError(`${name} is outside of its window`);
    const client = this.#client(place.client);
    const session = sessionOf(client, place.session, this.#keeping);
    acknowledge(client, session, acknowledged, this.#keeping);
    const kept = { number: place.number, outcome };
    session.outcomes.set(place.number, kept);
    this.#keepReply(client, kept);
    this.#trim(client);
  }

  /** The table as it is, for others to keep. Ascending by client. */
  records(): ClientRecord<O>[] {
    const clients = [...this.#clients].sort(([a], [b]) => (a < b ? -1 : 1));
    return clients.map(([client, { keys, sessions }]) => ({
      client,
      sessions: keys.flatMap((session) => sessionRecord(session, sessions.get(session))),
    }));
  }

  #client(name: string): Client<O> {
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = { sessions: new Map(), keys: [], replies: new Set(), replyBytes: 0 };
      this.#clients.set(name, client);
    }
    return client;
  }

  #keepReply(client: Client<O>, kept: Kept<O>): void {
    const replyBytes = this.#keeping.replyBytes(kept.outcome);
    if (replyBytes === undefined) return;
    client.replies.add(kept);
    client.replyBytes += replyBytes;
  }

  /** Oldest replies go first; their outcomes stay. */
  #trim(client: Client<O>): void {
    for (const kept of client.replies) {
      if (client.replyBytes <= MAX_CLIENT_REPLY_BYTES) return;
      dropReply(client, kept, this.#keeping);
      kept.outcome = this.#keeping.withoutReply(kept.outcome);
    }
  }

  #restored({ client: name, sessions }: ClientRecord<O>): Client<O> {
    const refuse = (reason: string): never => {
      throw new SnapshotError(`sessions of client ${name}: ${reason}`);
    };
    const client: Client<O> = { sessions: new Map(), keys: [], replies: new Set(), replyBytes: 0 };
    if (sessions.length === 0 || sessions.length > MAX_SESSIONS) refuse(`there are ${sessions.length}`);
    let previous = "";
    const replies: Kept<O>[] = [];
    for (const { session, acknowledged, outcomes } of sessions) {
      if (session <= previous) refuse(`${session} is out of order`);
      previous = session;
      if (outcomes.length === 0) refuse(`nothing was executed in ${session}`);
      const state: Session<O> = { acknowledged, outcomes: new Map() };
      let last = 0;
      for (const { number, outcome } of outcomes) {
        if (number <= last) refuse(`${number} in ${session} is out of order`);
        if (!isWithinWindow(number, acknowledged)) refuse(`${number} in ${session} is outside of the window`);
        last = number;
        const kept = { number, outcome };
        state.outcomes.set(number, kept);
        if (this.#keeping.replyBytes(outcome) !== undefined) replies.push(kept);
      }
      client.sessions.set(session, state);
      client.keys.push(session);
    }
    replies.sort((a, b) => this.#keeping.order(a.outcome) - this.#keeping.order(b.outcome));
    for (const kept of replies) this.#keepReply(client, kept);
    if (client.replyBytes > MAX_CLIENT_REPLY_BYTES) refuse("their replies are above the budget");
    return client;
  }
}

/**
 * Of a session that the client has not. Once the client has all it may, it always has as many, and the least of them never becomes
 * less: so whatever is below it stays evicted. A new one there could only evict itself.
 */
function isEvicted<O>({ keys }: Client<O>, session: string): boolean {
  const [least] = keys;
  return keys.length >= MAX_SESSIONS && least !== undefined && session < least;
}

/** Opens it if it is new, in the place of the least. */
function sessionOf<O>(client: Client<O>, key: string, keeping: Keeping<O>): Session<O> {
  const known = client.sessions.get(key);
  if (known !== undefined) return known;
  if (client.keys.length >= MAX_SESSIONS) evictLeast(client, keeping);
  const later = client.keys.findIndex((other) => other > key);
  client.keys.splice(later < 0 ? client.keys.length : later, 0, key);
  const session: Session<O> = { acknowledged: 0, outcomes: new Map() };
  client.sessions.set(key, session);
  return session;
}

function evictLeast<O>(client: Client<O>, keeping: Keeping<O>): void {
  const least = client.keys.shift();
  const session = least === undefined ? undefined : client.sessions.get(least);
  if (least === undefined || session === undefined) throw new InvariantError("a full client has no session");
  for (const kept of session.outcomes.values()) dropReply(client, kept, keeping);
  client.sessions.delete(least);
}

/** Forgets outcomes up to `acknowledged`. */
function acknowledge<O>(client: Client<O>, session: Session<O>, acknowledged: number, keeping: Keeping<O>): void {
  if (acknowledged <= session.acknowledged) return;
  session.acknowledged = acknowledged;
  for (const [number, kept] of session.outcomes) {
    if (number > acknowledged) continue;
    dropReply(client, kept, keeping);
    session.outcomes.delete(number);
  }
}

function dropReply<O>(client: Client<O>, kept: Kept<O>, keeping: Keeping<O>): void {
  if (client.replies.delete(kept)) client.replyBytes -= keeping.replyBytes(kept.outcome) ?? 0;
}

function sessionRecord<O>(key: string, session: Session<O> | undefined): SessionRecord<O> {
  if (session === undefined) throw new InvariantError(`session ${key} is missing`);
  const outcomes = [...session.outcomes.values()].sort((a, b) => a.number - b.number);
  return {
    session: key,
    acknowledged: session.acknowledged,
    outcomes: outcomes.map(({ number, outcome }) => ({ number, outcome })),
  };
}
