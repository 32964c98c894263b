/** The queue q and the record of the log d: payloads not yet delivered, in order of arrival. */
import { toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { MAX_PAYLOAD_BYTES, entryBytes } from "./messages.js";

export interface QueueLimits {
  /** Payloads that wait because this party's own clients sent them. */
  readonly maxPayloads: number;
  /** Payloads that wait because one peer's queue message brought them; each peer has its own quota. */
  readonly maxPayloadsPerPeer: number;
}

interface Waiting {
  readonly payload: Uint8Array;
  /** Whose quota it takes. */
  readonly broughtBy: PartyId;
}

export class PayloadQueue {
  readonly #hash: (bytes: Uint8Array) => Uint8Array;
  readonly #isValid: (payload: Uint8Array) => boolean;
  readonly #limits: () => QueueLimits;
  readonly #self: PartyId;
  readonly #waiting = new Map<string, Waiting>();
  readonly #delivered = new Set<string>();
  readonly #counts = new Map<PartyId, number>();

  constructor(options: {
    readonly self: PartyId;
    /** The limits in force now. */
    limits(): QueueLimits;
    hash(bytes: Uint8Array): Uint8Array;
    isValid(payload: Uint8Array): boolean;
  }) {
    this.#self = options.self;
    this.#limits = () => options.limits();
    this.#hash = (bytes) => options.hash(bytes);
    this.#isValid = (payload) => options.isValid(payload);
  }

  get length(): number {
    return this.#waiting.size;
  }

  /** Room for payloads of this party's own clients. */
  get room(): number {
    return Math.max(0, this.#limits().maxPayloads - (this.#counts.get(this.#self) ?? 0));
  }

  /** A payload's identity. */
  idOf(payload: Uint8Array): string {
    return toHex(this.#hash(payload));
  }

  isDelivered(id: string): boolean {
    return this.#delivered.has(id);
  }

  /** Valid, and in no earlier round's decision: the same answer at every honest party in the same round. */
  isDeliverable(id: string, payload: Uint8Array): boolean {
    if (this.#delivered.has(id)) return false;
    return this.#waiting.has(id) || (payload.length <= MAX_PAYLOAD_BYTES && this.#isValid(payload));
  }

  /** Appends unless q or d has it, it is invalid, or the quota of `broughtBy` is used up. */
  append(payload: Uint8Array, broughtBy: PartyId): void {
    const id = this.idOf(payload);
    const count = this.#counts.get(broughtBy) ?? 0;
    if (count >= this.#limit(broughtBy) || this.#waiting.has(id) || !this.isDeliverable(id, payload)) return;
    this.#waiting.set(id, { payload, broughtBy });
    this.#counts.set(broughtBy, count + 1);
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

  markDelivered(id: string): void {
    this.#delivered.add(id);
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    this.#counts.set(waiting.broughtBy, (this.#counts.get(waiting.broughtBy) ?? 1) - 1);
  }
}
