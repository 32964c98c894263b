/** A client's links to all replicas, and who waits for what on them. */
import { toHex } from "../core/bytes.js";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import { type ClientFrame, type PartyState, REFUSALS, type Refusal, type ReplyFrame } from "../wire/client-frames.js";
import { Patience } from "./patience.js";
import { ReplicaLink, type ReplicaLinkOptions } from "./replica-link.js";

/** A replica's hint when to ask again is taken within these bounds, whoever gives it. */
const MIN_RETRY_MS = 25;
const MAX_RETRY_MS = 5_000;

export type AnswerFrame = Exclude<ReplyFrame, { readonly kind: "welcome" | "refused" | "state" }>;

export interface RefusalNote {
  /** Undefined for a code that this version does not know. */
  readonly refusal: Refusal | undefined;
  readonly reason: string;
  /** 0: not at all. */
  readonly retryAfterMs: number;
}

/** Something that a client asks replicas. */
export interface Conversation {
  onAnswer(party: PartyId, frame: AnswerFrame): void;
  onRefused(party: PartyId, note: RefusalNote): void;
  onUp?(party: PartyId): void;
  onDown?(party: PartyId): void;
  fail(error: Error): void;
}

export interface NetworkOptions {
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly dial: ReplicaLinkOptions["dial"];
  /** The replica that is asked first, if there is one that is nearer than others; each in turn otherwise. */
  readonly home: PartyId | undefined;
  onState(party: PartyId, state: PartyState): void;
}

export class Network {
  readonly group: Group;
  readonly patience = new Patience();
  readonly #options: NetworkOptions;
  readonly #links: readonly ReplicaLink[];
  /** By identifier in hexadecimal. */
  readonly #conversations = new Map<string, Conversation>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  /** Who said on the present connection that it serves nobody like us. */
  readonly #strangers = new Map<PartyId, RefusalNote>();
  /** Where the next one starts to ask. */
  #start = 0;

  /** Starts connecting to all replicas. */
  constructor(options: NetworkOptions) {
    this.#options = options;
    this.group = options.group;
    this.#start = Math.floor(Math.random() * options.group.n);
    const { cluster, dial } = options;
    this.#links = options.group.parties.map(
      (party) =>
        new ReplicaLink({
          party,
          cluster,
          dial,
          onReply: (from, reply) => this.#onReply(from, reply),
          onUp: (from) => this.#each((conversation) => conversation.onUp?.(from)),
          onDown: (from) => {
            this.#strangers.delete(from);
            this.#each((conversation) => conversation.onDown?.(from));
          },
        }),
    );
  }

  #each(tell: (conversation: Conversation) => void): void {
    for (const conversation of this.#conversations.values()) tell(conversation);
  }

  /** Tells it at once who serves nobody like us. */
  open(id: Uint8Array, conversation: Conversation): void {
    this.#conversations.set(toHex(id), conversation);
    for (const [party, note] of this.#strangers) conversation.onRefused(party, note);
  }

  /** Nothing of it is said any more. */
  close(id: Uint8Array): void {
    const key = toHex(id);
    this.#conversations.delete(key);
    for (const link of this.#links) link.settle(key);
  }

  isOpen(id: Uint8Array): boolean {
    return this.#conversations.has(toHex(id));
  }

  /** Instead of what was asked under the identifier before; said again after reconnections until it is settled. */
  ask(party: PartyId, id: Uint8Array, frame: ClientFrame): void {
    this.#links[party]?.ask(toHex(id), frame);
  }

  /** The party has answered. */
  settle(party: PartyId, id: Uint8Array): void {
    this.#links[party]?.settle(toHex(id));
  }

  askStatus(): void {
    for (const link of this.#links) link.ask("status", { kind: "status" });
  }

  settleStatus(): void {
    for (const link of this.#links) link.settle("status");
  }

  isUp(party: PartyId): boolean {
    return this.#links[party]?.isUp === true;
  }

  problem(party: PartyId): string {
    return this.#links[party]?.problem ?? "connected, but has not answered";
  }

  /** All parties, those that are connected first, and of these the one at home; else another one is the first each time. */
  nextOrder(): readonly PartyId[] {
    const { parties } = this.group;
    const { home } = this.#options;
    const start = this.#start++ % parties.length;
    const turn = [...parties.slice(start), ...parties.slice(0, start)];
    const order = home === undefined ? turn : [home, ...turn.filter((party) => party !== home)];
    return [...order.filter((party) => this.isUp(party)), ...order.filter((party) => !this.isUp(party))];
  }

  #onReply(party: PartyId, reply: ReplyFrame): void {
    if (reply.kind === "welcome") return;
    if (reply.kind === "state") {
      const { kind: _kind, ...state } = reply;
      return this.#options.onState(party, state);
    }
    if (reply.kind === "refused") return this.#onRefused(party, reply);
    this.#conversations.get(toHex(reply.id))?.onAnswer(party, reply);
  }

  #onRefused(party: PartyId, { id, code, reason, retryAfterMs }: Extract<ReplyFrame, { kind: "refused" }>): void {
    const refusal = REFUSALS[code];
    const wait = retryAfterMs === 0 ? 0 : Math.min(Math.max(retryAfterMs, MIN_RETRY_MS), MAX_RETRY_MS);
    const note = { refusal, reason, retryAfterMs: wait };
    if (refusal === "wrong-version" || refusal === "wrong-cluster") {
      this.#links[party]?.refused(reason);
      this.#strangers.set(party, note);
      this.#each((conversation) => conversation.onRefused(party, note));
    } else this.#conversations.get(toHex(id))?.onRefused(party, note);
  }

  /** Returns what cancels it. */
  after(delayMs: number, action: () => void): () => void {
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

  /** What is still waited for fails with `error`. */
  end(error: Error): void {
    this.#each((conversation) => conversation.fail(error));
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    for (const link of this.#links) link.close();
  }
}
