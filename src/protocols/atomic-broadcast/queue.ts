/** The queue q: payloads not yet delivered, in order of arrival. */
import type { PartyId } from "../../core/party-set.js";
import type { Admission } from "./admission.js";
import { MAX_INLINE_PAYLOAD_BYTES, entryBytes } from "./messages.js";

export interface QueueLimits {
  /** Payloads that wait because this party's own clients sent them, as `weightOf` counts them. */
  readonly maxPayloads: number;
  /** Payloads that wait because one peer's queue message brought them; each peer has its own quota. */
  readonly maxPayloadsPerPeer: number;
}

export interface Waiting {
  readonly payload: Uint8Array;
  /** Whose quota it takes. */
  readonly broughtBy: PartyId;
}

export class PayloadQueue {
  readonly #admission: Admission;
  readonly #limits: () => QueueLimits;
  readonly #self: PartyId;
  readonly #waiting = new Map<string, Waiting>();
  readonly #counts = new Map<PartyId, number>();

  constructor(options: {
    readonly self: PartyId;
    /** The limits in force now. */
    limits(): QueueLimits;
    readonly admission: Admission;
    /** What waits from the start, as far as it is open. */
    readonly waiting: readonly Waiting[];
  }) {
    this.#self = options.self;
    this.#limits = () => options.limits();
    this.#admission = options.admission;
    for (const waiting of options.waiting) {
      const id = this.openId(waiting.payload);
      if (id !== undefined && !this.#waiting.has(id)) this.#add(id, waiting);
    }
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Room for payloads of this party's own clients. */
  get room(): number {
    return Math.max(0, this.#limits().maxPayloads - (this.#counts.get(this.#self) ?? 0));
  }

  /** In order of arrival. */
  get waiting(): readonly Waiting[] {
    return [...this.#waiting.values()];
  }

  /** A payload's identity, if it may be delivered in this round: the same answer at every honest party in the same round. */
  openId(payload: Uint8Array): string | undefined {
    if (payload.length > MAX_INLINE_PAYLOAD_BYTES) return undefined;
    const id = this.#admission.identify(payload);
    return id !== undefined && this.#admission.isOpen(id) ? id : undefined;
  }

  /** Appends unless q or d has it, it is invalid, or the quota of `broughtBy` is used up. */
  append(payload: Uint8Array, broughtBy: PartyId): void {
    if ((this.#counts.get(broughtBy) ?? 0) >= this.#limit(broughtBy)) return;
    const id = this.openId(payload);
    if (id !== undefined && !this.#waiting.has(id)) this.#add(id, { payload, broughtBy });
  }

  #add(id: string, waiting: Waiting): void {
    this.#waiting.set(id, waiting);
    this.#counts.set(waiting.broughtBy, (this.#counts.get(waiting.broughtBy) ?? 0) + 1);
  }

  /**
   * Who sees a deliverable payload must take part in the round, with an entry that is not empty: so an empty queue takes
   * one payload of a peer also when peers have no quota (docs/protocols.md section 2).
   */
  #limit(broughtBy: PartyId): number {
    if (broughtBy === this.#self) return this.#limits().maxPayloads;
    return Math.max(this.#limits().maxPayloadsPerPeer, this.#waiting.size === 0 ? 1 : 0);
  }

  /** The portion to sign: the oldest payloads within both bounds, at least one when any waits. */
  portion(maxPayloads: number, maxBytes: number): readonly Uint8Array[] {
    const payloads: Uint8Array[] = [];
    let sizeBytes = 0;
    for (const { payload } of this.#waiting.values()) {
      sizeBytes += entryBytes(payload);
      if (payloads.length > 0 && (payloads.length >= maxPayloads || sizeBytes > maxBytes)) break;
      payloads.push(payload);
    }
    return payloads;
  }

  /** A round was delivered: what may not be delivered any more goes. */
  dropClosed(): void {
    for (const [id, { broughtBy }] of this.#waiting) {
      if (this.#admission.isOpen(id)) continue;
      this.#waiting.delete(id);
      this.#counts.set(broughtBy, (this.#counts.get(broughtBy) ?? 1) - 1);
    }
  }
}
