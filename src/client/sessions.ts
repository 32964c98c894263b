/**
 * A client's sessions: one at a time, in which its calls have their numbers. How far ahead of the oldest unfinished call a number
 * may be is bounded, since replicas keep the outcomes of all of these; calls beyond wait.
 *
 * A call that was given up without knowing its outcome stays unfinished, so that its outcome can be asked for. When such a one
 * holds up the others, they go on in a new session. So they do when replicas have evicted the session.
 */
import { SESSION_NONCE_BYTES, type SessionId } from "../wire/payload.js";

/** As the replicas have it (replica/machine/sessions.ts). */
export const SESSION_WINDOW = 256;
/** Numbers have 32 bits; a session is not used to the last. */
const MAX_SESSION_NUMBERS = 2 ** 31;

/** A number for one call. */
export interface Slot {
  readonly session: SessionId;
  readonly number: number;
  readonly acknowledged: number;
}

interface Session {
  readonly id: SessionId;
  next: number;
  acknowledged: number;
  /** Above `acknowledged`. */
  readonly finished: Set<number>;
  readonly abandoned: Set<number>;
}

interface Waiter {
  resolve(slot: Slot): void;
}

export class Sessions {
  readonly #now: () => number;
  #current: Session;
  readonly #waiters = new Set<Waiter>();
  /** How often in a row a session was evicted: then others of this client are later by our clock. */
  #evictions = 0;

  constructor(now: () => number) {
    this.#now = now;
    this.#current = this.#newSession(0);
  }

  #newSession(after: number): Session {
    const nonce = globalThis.crypto.getRandomValues(new Uint8Array(SESSION_NONCE_BYTES));
    const opened = Math.min(Math.max(this.#now(), after + 1), Number.MAX_SAFE_INTEGER);
    return { id: { opened, nonce }, next: 1, acknowledged: 0, finished: new Set(), abandoned: new Set() };
  }

  /** The next number, now or when there is room for it. `cancel` ends the wait; the promise stays open then. */
  take(): { readonly slot: Promise<Slot>; cancel(): void } {
    let waiter: Waiter | undefined;
    const slot = new Promise<Slot>((resolve) => {
      waiter = { resolve };
      this.#waiters.add(waiter);
    });
    this.#serve();
    return { slot, cancel: () => void (waiter !== undefined && this.#waiters.delete(waiter)) };
  }

  #serve(): void {
    for (const waiter of this.#waiters) {
      const slot = this.#next();
      if (slot === undefined) return;
      this.#waiters.delete(waiter);
      waiter.resolve(slot);
    }
  }

  #next(): Slot | undefined {
    if (this.#current.next > MAX_SESSION_NUMBERS || this.#isHeldUp()) {
      this.#current = this.#newSession(this.#current.id.opened);
    }
    const session = this.#current;
    if (session.next > session.acknowledged + SESSION_WINDOW) return undefined;
    return { session: session.id, number: session.next++, acknowledged: session.acknowledged };
  }

  /** No room, and nothing to wait for that will make some. */
  #isHeldUp(): boolean {
    const { next, acknowledged, abandoned } = this.#current;
    return next > acknowledged + SESSION_WINDOW && abandoned.has(acknowledged + 1);
  }

  /** The caller knows the outcome. */
  finish({ session, number }: Pick<Slot, "session" | "number">): void {
    const current = this.#current;
    if (session !== current.id && !isSame(session, current.id)) return;
    this.#evictions = 0;
    current.abandoned.delete(number);
    if (number > current.acknowledged) current.finished.add(number);
    while (current.finished.delete(current.acknowledged + 1)) current.acknowledged++;
    this.#serve();
  }

  /** The call was given up; its outcome is not known. */
  abandon({ session, number }: Pick<Slot, "session" | "number">): void {
    if (session === this.#current.id) this.#current.abandoned.add(number);
    this.#serve();
  }

  /** Replicas know the session no more. */
  evicted({ session }: Pick<Slot, "session">): void {
    if (session !== this.#current.id) return;
    // Once is in the course of things; again and again, the clock is behind those of the client's other programs.
    const ahead = this.#evictions === 0 ? 0 : 1000 * 2 ** Math.min(this.#evictions, 30);
    this.#evictions++;
    this.#current = this.#newSession(session.opened + ahead);
    this.#serve();
  }
}

function isSame(a: SessionId, b: SessionId): boolean {
  return a.opened === b.opened && a.nonce.every((byte, index) => byte === b.nonce[index]);
}
