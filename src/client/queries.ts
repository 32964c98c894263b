/** Queries: of one replica that proves its answer, or of so many that an honest, recent one is among those that agree. */
import { toHex } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import { type ProofChecker, checkProof } from "./checkpoint-proof.js";
import { Asking, type AskingOptions, newId } from "./asking.js";
import type { AnswerFrame, RefusalNote } from "./network.js";

/** One that has not answered after this time is not waited for alone. */
const NEXT_REPLICA_MS = 250;
/** Pauses between two rounds of asking replicas that did not agree: the first, and the longest. */
const FIRST_PAUSE_MS = 20;
const MAX_PAUSE_MS = 500;

export interface QueryOptions extends AskingOptions {
  readonly service: string;
  readonly query: Uint8Array;
  /** The state must have at least so many payloads. */
  readonly minSequence: number;
}

export interface Answered {
  readonly answer: Uint8Array;
  /** The answer holds in a state that has at least so many payloads. */
  readonly sequence: number;
  readonly round: number;
  /** Of the checkpoint that proves it. */
  readonly timeMs: number | undefined;
  /** Replicas that answered as no honest one does, as far as it mattered. */
  readonly faulty: readonly PartyId[];
}

/** The answer of one replica, with its proof. @throws as `order` */
export function askAny(options: QueryOptions, checker: ProofChecker): Promise<Answered> {
  return new Promise((resolve, reject) => new AnyQuery(options, checker, resolve, reject).start());
}

/** Asks one after the other, and the next when one is slow or its proof is wrong. */
class AnyQuery extends Asking<Answered, QueryOptions> {
  readonly #checker: ProofChecker;
  readonly #id = newId();
  readonly #faulty = new Set<PartyId>();
  readonly #waiting: PartyId[];

  constructor(
    options: QueryOptions,
    checker: ProofChecker,
    resolve: (answered: Answered) => void,
    reject: (error: Error) => void,
  ) {
    super(options, resolve, reject);
    this.#checker = checker;
    this.#waiting = [...options.network.nextOrder()];
  }

  protected begin(): void {
    this.options.network.open(this.#id, this);
    if (!this.isOver) this.#next();
  }

  protected stop(): void {
    this.options.network.close(this.#id);
  }

  #next(): void {
    const party = this.#waiting.shift();
    if (party === undefined) return;
    this.#ask(party);
    this.after(NEXT_REPLICA_MS, () => this.#next());
  }

  #ask(party: PartyId): void {
    const { network, service, query, minSequence } = this.options;
    network.ask(party, this.#id, { kind: "query", id: this.#id, state: "certified", service, query, minSequence });
  }

  /** A connection that failed is no reason to wait. */
  onDown(): void {
    this.#next();
  }

  onAnswer(party: PartyId, frame: AnswerFrame): void {
    if (frame.kind !== "proof") return;
    const { network, service, query, minSequence } = this.options;
    network.settle(party, this.#id);
    const checked = checkProof(this.#checker, frame, service, query);
    if (!checked.ok) {
      this.#faulty.add(party);
      this.answered(party, `its proof is wrong: ${checked.error}`);
      return this.#next();
    }
    if (checked.value.sequence < minSequence) {
      this.answered(party, `its checkpoint has ${checked.value.sequence} payloads, less than ${minSequence}`);
      this.after(MAX_PAUSE_MS, () => this.#ask(party));
      return this.#next();
    }
    this.succeed({ ...checked.value, faulty: [...this.#faulty] });
  }

  protected onRefusal(party: PartyId, { retryAfterMs }: RefusalNote): void {
    if (retryAfterMs > 0) this.after(retryAfterMs, () => this.#ask(party));
    else this.options.network.settle(party, this.#id);
    this.#next();
  }

  protected couldDo(parties: PartySet): boolean {
    return parties.size > 0;
  }
}

/** @throws as `order` */
export function askMany(options: QueryOptions, rule: "quorum" | "honest"): Promise<Answered> {
  return new Promise((resolve, reject) => new ManyQuery(options, rule, resolve, reject).start());
}

interface Answer {
  readonly answer: Uint8Array;
  readonly key: string;
  readonly sequence: number;
  readonly round: number;
}

/**
 * Asks all, again and again, until they agree. `honest`: a set with an honest party gives the same answer, each from a state with
 * `minSequence` payloads. `quorum`: a quorum gives the same answer, and a quorum has reached the greatest of their positions
 * (docs/clients.md has why that is linearizable).
 */
class ManyQuery extends Asking<Answered, QueryOptions> {
  readonly #rule: "quorum" | "honest";
  #id = newId();
  #rounds = 0;
  #isAgainDue = false;
  /** Of the present round of asking. */
  #answers = new Map<PartyId, Answer>();
  /** Answers that enough gave, while too few have reached their position. */
  readonly #pending: { readonly answer: Answer; readonly reach: number }[] = [];
  /** The greatest position that each party claimed. */
  readonly #reached = new Map<PartyId, number>();

  constructor(
    options: QueryOptions,
    rule: "quorum" | "honest",
    resolve: (answered: Answered) => void,
    reject: (error: Error) => void,
  ) {
    super(options, resolve, reject);
    this.#rule = rule;
  }

  protected begin(): void {
    const { network, service, query, minSequence } = this.options;
    this.#id = newId();
    this.#answers = new Map();
    network.open(this.#id, this);
    if (this.isOver) return;
    for (const party of network.group.parties) {
      if (this.refused.has(party)) continue;
      network.ask(party, this.#id, { kind: "query", id: this.#id, state: "local", service, query, minSequence });
    }
  }

  protected stop(): void {
    this.options.network.close(this.#id);
  }

  #again(): void {
    if (this.#isAgainDue) return;
    this.#isAgainDue = true;
    this.after(Math.min(FIRST_PAUSE_MS * 2 ** Math.min(this.#rounds++, 10), MAX_PAUSE_MS), () => {
      this.#isAgainDue = false;
      this.stop();
      this.begin();
    });
  }

  onAnswer(party: PartyId, frame: AnswerFrame): void {
    if (frame.kind !== "answer") return;
    const { network, minSequence } = this.options;
    network.settle(party, this.#id);
    if (frame.sequence < minSequence || this.#answers.has(party)) return;
    this.answered(party, "answered, but not enough others did with the same answer");
    const { answer, sequence, round } = frame;
    this.#answers.set(party, { answer, key: toHex(answer), sequence, round });
    this.#reached.set(party, Math.max(sequence, this.#reached.get(party) ?? 0));
    this.#judge();
    if (!this.isOver && this.#isComplete()) this.#again();
  }

  #judge(): void {
    const { group } = this.options.network;
    for (const key of new Set([...this.#answers.values()].map((answer) => answer.key))) {
      const equal = [...this.#answers].filter(([, answer]) => answer.key === key);
      // The fewer claim a high position, the sooner it is reached: whoever claims more than the others is left out if it can be.
      equal.sort(([, a], [, b]) => a.sequence - b.sequence);
      const parties = new PartySet();
      for (const [party, answer] of equal) {
        parties.add(party);
        const suffices = this.#rule === "honest" ? group.hasHonest(parties) : group.isQuorum(parties);
        if (!suffices) continue;
        const [, least] = equal[0] ?? [party, answer];
        const reach = this.#rule === "honest" ? 0 : answer.sequence;
        this.#pending.push({ answer: least, reach });
        break;
      }
    }
    for (const { answer, reach } of this.#pending) {
      const there = [...this.#reached].filter(([, sequence]) => sequence >= reach).map(([party]) => party);
      if (reach > 0 && !group.isQuorum(PartySet.of(there))) continue;
      return this.succeed({ ...answer, timeMs: undefined, faulty: [] });
    }
  }

  /** No more answers need be waited for: those that are missing may never come. */
  #isComplete(): boolean {
    const parties = PartySet.of(this.#answers.keys());
    return this.options.network.group.isQuorum(parties);
  }

  protected onRefusal(party: PartyId, { retryAfterMs }: RefusalNote): void {
    const id = this.#id;
    const { network, service, query, minSequence } = this.options;
    if (retryAfterMs === 0) return network.settle(party, id);
    this.after(retryAfterMs, () => {
      if (this.#id !== id || this.#answers.has(party)) return;
      network.ask(party, id, { kind: "query", id, state: "local", service, query, minSequence });
    });
  }

  protected couldDo(parties: PartySet): boolean {
    const { group } = this.options.network;
    return this.#rule === "honest" ? group.hasHonest(parties) : group.isQuorum(parties);
  }
}
