/** Payloads of this party's own clients that are not delivered: those that wait for a batch, and those in a batch of the own lane. */
import type { Admission } from "../admission.js";
import { MAX_PAYLOAD_BYTES, entryBytes, weightOf } from "../messages.js";

export class Backlog {
  readonly #admission: Admission;
  /** By identity, in order of arrival; all before those that wait. */
  readonly #sealed = new Map<string, Uint8Array>();
  #waiting = new Map<string, Uint8Array>();
  #waitingBytes = 0;
  #weight = 0;

  constructor(admission: Admission, payloads: readonly Uint8Array[]) {
    this.#admission = admission;
    for (const payload of payloads) this.append(payload);
  }

  get length(): number {
    return this.#sealed.size + this.#waiting.size;
  }

  /** What all of them count as (`weightOf`). */
  get weight(): number {
    return this.#weight;
  }

  /** In their order. */
  get payloads(): readonly Uint8Array[] {
    return [...this.#sealed.values(), ...this.#waiting.values()];
  }

  /** Whether any waits for a batch. */
  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  /** Whether what waits fills a batch of so much. */
  fills(maxPayloads: number, maxBytes: number): boolean {
    return this.#waiting.size >= maxPayloads || this.#waitingBytes >= maxBytes;
  }

  /** Appends unless it is known, or may not be delivered. */
  append(payload: Uint8Array): void {
    if (payload.length > MAX_PAYLOAD_BYTES) return;
    const id = this.#admission.identify(payload);
    if (id === undefined || !this.#admission.isOpen(id) || this.#waiting.has(id) || this.#sealed.has(id)) return;
    this.#waiting.set(id, payload);
    this.#waitingBytes += entryBytes(payload);
    this.#weight += weightOf(payload.length);
  }

  /** The oldest that wait, within both bounds, at least one; they are in a batch now. */
  seal(maxPayloads: number, maxBytes: number): readonly Uint8Array[] {
    const payloads: Uint8Array[] = [];
    let sizeBytes = 0;
    for (const [id, payload] of this.#waiting) {
      sizeBytes += entryBytes(payload);
      if (payloads.length > 0 && (payloads.length >= maxPayloads || sizeBytes > maxBytes)) break;
      payloads.push(payload);
      this.#sealed.set(id, payload);
      this.#drop(this.#waiting, id);
    }
    return payloads;
  }

  /** They are in a batch that the own lane has from before. */
  markSealed(payloads: readonly Uint8Array[]): void {
    for (const payload of payloads) {
      const id = this.#admission.identify(payload);
      if (id === undefined || !this.#waiting.has(id)) continue;
      this.#sealed.set(id, payload);
      this.#drop(this.#waiting, id);
    }
  }

  /** The batches of the own lane are worth nothing: what is in them waits again. */
  unseal(): void {
    const { payloads } = this;
    this.#sealed.clear();
    this.#waiting = new Map();
    this.#waitingBytes = 0;
    this.#weight = 0;
    for (const payload of payloads) this.append(payload);
  }

  /** A round was delivered: what may not be delivered any more goes. */
  dropClosed(): void {
    for (const payloads of [this.#sealed, this.#waiting])
      for (const [id, { length }] of payloads) {
        if (this.#admission.isOpen(id)) continue;
        this.#weight -= weightOf(length);
        this.#drop(payloads, id);
      }
  }

  #drop(payloads: Map<string, Uint8Array>, id: string): void {
    const payload = payloads.get(id);
    if (payload !== undefined && payloads === this.#waiting) this.#waitingBytes -= entryBytes(payload);
    payloads.delete(id);
  }
}
