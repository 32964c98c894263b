/**
 * Has one payload ordered, and learns what became of its number.
 *
 * Widening: one replica is handed the payload, the others are only asked what becomes of it. If nothing comes of that within a
 * while, the payload goes to a set with an honest, live member, and then to all. One replica may be corrupted or cut off and keep the
 * payload to itself, but not for longer than that. With `few` no more replicas are asked at first than the answer needs.
 */
import { type PartyId, PartySet } from "../core/party-set.js";
import type { OutcomeFrame, Want } from "../wire/client-frames.js";
import type { SessionId } from "../wire/payload.js";
import {
  BusyError,
  CallAbortedError,
  ClusterUnreachableError,
  RefusedError,
  SessionEvictedError,
  OutcomeForgottenError,
} from "./errors.js";
import type { AnswerFrame, Conversation, Network, RefusalNote } from "./network.js";

export type Fanout = "few" | "widen" | "all";

export interface OrderingOptions<Result> {
  readonly network: Network;
  readonly payload: Uint8Array;
  /** SHA-256 of it. */
  readonly id: Uint8Array;
  readonly session: SessionId;
  readonly number: number;
  readonly want: Want;
  readonly fanout: Fanout;
  /** After how long the payload goes to more replicas, and then to all. */
  readonly widenAfterMs: readonly [number, number];
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Whether the answers of these parties could be enough. */
  suffices(parties: PartySet): boolean;
  /** Takes a party's answer; returns the result when it completes one. */
  collect(party: PartyId, frame: OutcomeFrame): Result | undefined;
}

/**
 * @throws ClusterUnreachableError, BusyError, RefusedError, SessionEvictedError, OutcomeForgottenError, CallAbortedError; what
 *   `Network.end` is given
 */
export function order<Result>(options: OrderingOptions<Result>): Promise<Result> {
  return new Promise((resolve, reject) => new Ordering(options, resolve, reject).start());
}

class Ordering<Result> implements Conversation {
  readonly #options: OrderingOptions<Result>;
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: Error) => void;
  readonly #order: readonly PartyId[];
  /** When it began, or more replicas were asked. */
  #widenedMs: number;
  /** Who was asked what becomes of the payload, without it. */
  readonly #asked = new PartySet();
  /** Who was handed the payload. */
  readonly #handed = new PartySet();
  readonly #answered = new PartySet();
  /** Whose connection was lost, or could not be made. */
  readonly #down = new Set<PartyId>();
  /** Refusals for good, by party. */
  readonly #refusals = new Map<PartyId, RefusalNote>();
  /** Who said last that it is busy, and for how long. */
  readonly #busy = new Map<PartyId, number>();
  /** For the error when too few answer in time: what came of each party that answered without bringing us further. */
  readonly #notes = new Map<PartyId, string>();
  readonly #cancels: (() => void)[] = [];
  #wave = 0;
  #isOver = false;

  constructor(options: OrderingOptions<Result>, resolve: (result: Result) => void, reject: (error: Error) => void) {
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#order = options.network.nextOrder();
    this.#widenedMs = performance.now();
  }

  start(): void {
    const { network, id, fanout, widenAfterMs, timeoutMs, signal } = this.#options;
    if (signal !== undefined) {
      if (signal.aborted) return this.#abort();
      const onAbort = (): void => this.#abort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#cancels.push(() => signal.removeEventListener("abort", onAbort));
    }
    this.#cancels.push(network.after(timeoutMs, () => this.fail(this.#unreachable())));
    network.open(id, this);
    if (this.#isOver) return;
    if (fanout === "all") return this.#widen(2);
    const [someAfterMs, allAfterMs] = widenAfterMs;
    const { patience } = network;
    // However slow calls are of late, others are asked while there is time for their answers.
    this.#cancels.push(network.after(patience.after(someAfterMs, timeoutMs / 4), () => this.#widen(1)));
    this.#cancels.push(network.after(patience.after(allAfterMs, timeoutMs / 2), () => this.#widen(2)));
    // Whoever is connected first is the one, if nobody is.
    const [first] = this.#order;
    if (first !== undefined && network.isUp(first)) this.#hand(first);
    this.#ask(fanout === "few" ? this.#few() : this.#order);
  }

  /** As many as can answer for all, from the first on. */
  #few(): readonly PartyId[] {
    const few = new PartySet();
    for (const party of this.#order) {
      if (this.#options.suffices(few)) break;
      few.add(party);
    }
    return [...few];
  }

  #abort(): void {
    this.fail(new CallAbortedError("the call was aborted; what it asks for may still be ordered"));
  }

  /** Those that were not asked yet. */
  #ask(parties: readonly PartyId[]): void {
    const { network, id, session, number, want } = this.#options;
    for (const party of parties) {
      if (this.#handed.has(party) || !this.#asked.add(party)) continue;
      network.ask(party, id, { kind: "await", id, session, number, want });
    }
  }

  #hand(party: PartyId): void {
    const { network, payload, id, want } = this.#options;
    this.#handed.add(party);
    network.ask(party, id, { kind: "submit", payload, want });
  }

  /** 1: to a set with an honest, live member; 2: to all. */
  #widen(wave: 1 | 2): void {
    if (this.#isOver || wave <= this.#wave) return;
    this.#wave = wave;
    this.#widenedMs = performance.now();
    this.#handMore(wave);
    this.#ask(this.#order);
  }

  #handMore(wave: 1 | 2): void {
    const { group } = this.#options.network;
    for (const party of this.#order) {
      if (wave === 1 && group.meetsEveryQuorum(this.#live())) return;
      const isDone = this.#handed.has(party) || this.#refusals.has(party) || this.#answered.has(party);
      if (!isDone && (wave === 2 || !this.#busy.has(party))) this.#hand(party);
    }
  }

  /** Who was handed the payload, is connected, and has not said why it does nothing with it. */
  #live(): PartySet {
    const isIdle = (party: PartyId): boolean =>
      this.#refusals.has(party) || this.#busy.has(party) || this.#down.has(party);
    return PartySet.of([...this.#handed].filter((party) => !isIdle(party)));
  }

  onUp(party: PartyId): void {
    this.#down.delete(party);
    if (this.#handed.size === 0) this.#hand(party);
  }

  /** Whether it has the payload is not known; others are asked at once. */
  onDown(party: PartyId): void {
    this.#down.add(party);
    if (this.#handed.has(party)) this.#widen(1);
    else if (this.#asked.has(party)) this.#ask(this.#order);
  }

  onAnswer(party: PartyId, frame: AnswerFrame): void {
    const { network, id, want } = this.#options;
    if (frame.kind !== "reply" && frame.kind !== "share") return;
    if (want === "reply" && frame.kind === "share") return;
    network.settle(party, id);
    this.#answered.add(party);
    this.#busy.delete(party);
    this.#notes.set(party, "answered, but not enough others did with the same answer");
    const result = this.#options.collect(party, frame);
    if (this.#isOver) return;
    if (result === undefined) return this.#missing();
    network.patience.learn(performance.now() - this.#widenedMs);
    this.#end();
    this.#resolve(result);
  }

  /** Where few were asked, and these cannot bring it any more, the others are. */
  #missing(): void {
    const open = [...this.#asked, ...this.#handed].filter((party) => !this.#down.has(party));
    const hopes = open.filter((party) => !this.#refusals.has(party) && !this.#busy.has(party));
    if (hopes.every((party) => this.#answered.has(party))) this.#ask(this.#order);
  }

  onRefused(party: PartyId, note: RefusalNote): void {
    const { network, id, payload, session, number, want } = this.#options;
    this.#notes.set(party, note.reason);
    if (note.retryAfterMs === 0) return this.#refuse(party, note);
    this.#busy.set(party, note.retryAfterMs);
    this.#cancels.push(
      network.after(note.retryAfterMs, () => {
        if (this.#isOver) return;
        if (this.#handed.has(party)) network.ask(party, id, { kind: "submit", payload, want });
        else network.ask(party, id, { kind: "await", id, session, number, want });
      }),
    );
    if (this.#handed.has(party)) this.#widen(1);
    else this.#ask(this.#order);
  }

  #refuse(party: PartyId, note: RefusalNote): void {
    const { network, id } = this.#options;
    network.settle(party, id);
    this.#busy.delete(party);
    this.#refusals.set(party, note);
    const { group } = network;
    const saying = (refusal: string): PartySet =>
      PartySet.of([...this.#refusals].flatMap(([other, said]) => (said.refusal === refusal ? [other] : [])));
    if (group.hasHonest(saying("session-evicted"))) {
      return this.fail(
        new SessionEvictedError("the call's session was evicted; whether the call was executed is not known"),
      );
    }
    if (group.hasHonest(saying("number-closed"))) {
      return this.fail(new OutcomeForgottenError("this client has said that it needs the outcome of the call no more"));
    }
    const others = PartySet.of(group.parties.filter((other) => !this.#refusals.has(other)));
    if (this.#options.suffices(others)) return this.#handed.has(party) ? this.#widen(1) : this.#ask(this.#order);
    const reasons = [...this.#refusals].map(([other, { reason }]) => `party ${other}: ${reason}`);
    this.fail(new RefusedError(`the cluster refuses the request (${reasons.join("; ")})`));
  }

  #unreachable(): Error {
    const { network, timeoutMs } = this.#options;
    const { group } = network;
    const reasons = group.parties.map((party) => this.#notes.get(party) ?? network.problem(party));
    const each = reasons.map((reason, party) => `party ${party}: ${reason}`).join("; ");
    const message = `the cluster did not answer within ${Math.ceil(timeoutMs / 1000)} s (${each}); the request may have reached it: it may still be ordered`;
    if (!group.hasHonest(PartySet.of(this.#busy.keys()))) return new ClusterUnreachableError(message, reasons);
    return new BusyError(message, reasons, Math.max(...this.#busy.values()));
  }

  fail(error: Error): void {
    if (this.#isOver) return;
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.#isOver = true;
    for (const cancel of this.#cancels) cancel();
    this.#options.network.close(this.#options.id);
  }
}
