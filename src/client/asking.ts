/** What all questions that change nothing have in common: refusals, time, the end. */
import { type PartyId, PartySet } from "../core/party-set.js";
import { BusyError, CallAbortedError, ClusterUnreachableError, RefusedError } from "./errors.js";
import type { AnswerFrame, Conversation, Network, RefusalNote } from "./network.js";

export interface AskingOptions {
  readonly network: Network;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** One question, to one replica or to several. */
export abstract class Asking<Result, Options extends AskingOptions> implements Conversation {
  protected readonly options: Options;
  protected readonly notes = new Map<PartyId, string>();
  protected readonly refused = new PartySet();
  readonly #busy = new Map<PartyId, number>();
  readonly #resolve: (result: Result) => void;
  readonly #reject: (error: Error) => void;
  readonly #cancels: (() => void)[] = [];
  protected isOver = false;

  constructor(options: Options, resolve: (result: Result) => void, reject: (error: Error) => void) {
    this.options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  protected abstract begin(): void;
  protected abstract stop(): void;
  abstract onAnswer(party: PartyId, frame: AnswerFrame): void;
  /** Refused for good, or for now. */
  protected abstract onRefusal(party: PartyId, note: RefusalNote): void;
  /** Whether answers of these could be enough. */
  protected abstract couldDo(parties: PartySet): boolean;

  start(): void {
    const { network, timeoutMs, signal } = this.options;
    if (signal !== undefined) {
      const onAbort = (): void => this.fail(new CallAbortedError("the query was aborted"));
      if (signal.aborted) return onAbort();
      signal.addEventListener("abort", onAbort, { once: true });
      this.#cancels.push(() => signal.removeEventListener("abort", onAbort));
    }
    this.after(timeoutMs, () => this.fail(this.#unreachable()));
    network.group.parties.forEach((party) => this.notes.set(party, ""));
    this.begin();
  }

  protected after(delayMs: number, action: () => void): void {
    this.#cancels.push(
      this.options.network.after(delayMs, () => {
        if (!this.isOver) action();
      }),
    );
  }

  onRefused(party: PartyId, note: RefusalNote): void {
    this.notes.set(party, note.reason);
    if (note.retryAfterMs > 0) this.#busy.set(party, note.retryAfterMs);
    else this.refused.add(party);
    const { parties } = this.options.network.group;
    if (this.couldDo(PartySet.of(parties.filter((other) => !this.refused.has(other))))) {
      return this.onRefusal(party, note);
    }
    const reasons = [...this.refused].map((other) => `party ${other}: ${this.notes.get(other)}`);
    this.fail(new RefusedError(`the cluster refuses the query (${reasons.join("; ")})`));
  }

  protected answered(party: PartyId, note: string): void {
    this.notes.set(party, note);
    this.#busy.delete(party);
  }

  #unreachable(): Error {
    const { network, timeoutMs } = this.options;
    const reasons = network.group.parties.map((party) => this.notes.get(party) || network.problem(party));
    const each = reasons.map((reason, party) => `party ${party}: ${reason}`).join("; ");
    const message = `the cluster did not answer within ${Math.ceil(timeoutMs / 1000)} s (${each})`;
    if (!network.group.hasHonest(PartySet.of(this.#busy.keys()))) return new ClusterUnreachableError(message, reasons);
    return new BusyError(message, reasons, Math.max(...this.#busy.values()));
  }

  protected succeed(result: Result): void {
    if (this.isOver) return;
    this.#end();
    this.#resolve(result);
  }

  fail(error: Error): void {
    if (this.isOver) return;
    this.#end();
    this.#reject(error);
  }

  #end(): void {
    this.isOver = true;
    for (const cancel of this.#cancels) cancel();
    this.stop();
  }
}

/** Of a question: 32 random bytes. */
export function newId(): Uint8Array {
  return globalThis.crypto.getRandomValues(new Uint8Array(32));
}
