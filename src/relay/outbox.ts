/**
 * What one party has said to one peer: the memory of a reliable link. Messages leave it when the protocol retires their
 * instances, not when the peer has taken them, so that a peer that dropped something can have it again; a slow or dead peer costs
 * what live instances say, and never more. What the party asks its peer, and proofs that the peer asked for, leave it when they are
 * acknowledged.
 */
import type { Envelope } from "../core/envelope.js";
import { type Tag, isWithin } from "../core/tag.js";

export type Said =
  | { readonly kind: "message"; readonly envelope: Envelope }
  /** Of a decided round; read from the archive when it is sent. */
  | { readonly kind: "proof"; readonly channel: Tag; readonly round: number }
  | { readonly kind: "askProofs"; readonly channel: Tag; readonly round: number }
  | { readonly kind: "askRepeat" };

export interface OutboxEntry {
  /** Counts from 1 in the order of sending. */
  readonly number: number;
  readonly said: Said;
}

export class Outbox {
  /** In the order of their numbers. */
  #entries: OutboxEntry[] = [];
  #next = 1;
  #sizeBytes = 0;
  #acknowledged = 0;
  #sent = 0;

  /** Bytes of the messages in it. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** The number of the last entry pushed, live or not; 0 before the first. */
  get lastNumber(): number {
    return this.#next - 1;
  }

  /** The peer has all up to this number, durably. */
  get acknowledged(): number {
    return this.#acknowledged;
  }

  get entries(): readonly OutboxEntry[] {
    return this.#entries;
  }

  push(said: Said): OutboxEntry {
    const entry = { number: this.#next++, said };
    this.#entries.push(entry);
    this.#sizeBytes += sizeOf(said);
    return entry;
  }

  /** Pushes a request in the place of an earlier one. */
  ask(request: Extract<Said, { readonly kind: "askProofs" | "askRepeat" }>): void {
    const channelOf = (said: Said): Tag | undefined => (said.kind === "askProofs" ? said.channel : undefined);
    this.#keep(({ said }) => said.kind !== request.kind || channelOf(said) !== channelOf(request));
    this.push(request);
  }

  /** The peer needs the proofs of rounds `from` to `end` - 1: before what it has not been sent yet, and no others. */
  serve(channel: Tag, from: number, end: number): void {
    const missing = new Set(Array.from({ length: Math.max(end - from, 0) }, (_, index) => from + index));
    const isWanted = ({ said }: OutboxEntry): boolean =>
      said.kind !== "proof" || said.channel !== channel || missing.delete(said.round);
    this.#keep(isWanted);
    if (missing.size === 0) return;
    const unsent = this.#entries.splice(this.#indexAfter(this.#sent)).map(({ said }) => said);
    const renumber = (said: Said): unknown => this.#entries.push({ number: this.#next++, said });
    unsent.filter(({ kind }) => kind === "proof").forEach(renumber);
    for (const round of missing) renumber({ kind: "proof", channel, round });
    unsent.filter(({ kind }) => kind !== "proof").forEach(renumber);
  }

  retire(tag: Tag): void {
    this.#keep(({ said }) => said.kind !== "message" || !isWithin(said.envelope.tag, tag));
  }

  #keep(isKept: (entry: OutboxEntry) => boolean): void {
    this.#entries = this.#entries.filter(isKept);
    this.#sizeBytes = this.#entries.reduce((sum, { said }) => sum + sizeOf(said), 0);
  }

  /** The peer has all up to `number`. False when that was known. */
  acknowledge(number: number): boolean {
    if (number <= this.#acknowledged) return false;
    this.#acknowledged = number;
    const first = this.#entries[0];
    // Messages stay: only a request or a proof is done with.
    if (first !== undefined && first.number <= number)
      this.#keep((entry) => entry.number > number || entry.said.kind === "message");
    return true;
  }

  /** The entry was sent, on whatever way. */
  sent({ number }: OutboxEntry): void {
    this.#sent = Math.max(this.#sent, number);
  }

  /** The peer turns out not to have heard what came after `number`: it counts as not sent. */
  unsend(number: number): void {
    this.#sent = Math.min(this.#sent, number);
  }

  /** Messages that were sent are to be sent again, as new ones. Nothing happens when none was sent since the last time. */
  repeat(): void {
    const end = this.#indexAfter(this.#sent);
    const again = this.#entries.slice(0, end).filter(({ said }) => said.kind === "message");
    if (again.length === 0) return;
    const others = this.#entries.slice(0, end).filter(({ said }) => said.kind !== "message");
    this.#entries = [...others, ...this.#entries.slice(end)];
    for (const { said } of again) this.#entries.push({ number: this.#next++, said });
  }

  /** The number of the unacknowledged entry before `entry`; 0 when there is none. */
  before({ number }: OutboxEntry): number {
    const previous = this.#entries[this.#indexAfter(number - 1) - 1]?.number ?? 0;
    return previous > this.#acknowledged ? previous : 0;
  }

  /** The first entry above `number`, in O(log) time. */
  firstAfter(number: number): OutboxEntry | undefined {
    return this.#entries[this.#indexAfter(number)];
  }

  /** Entries above `after`, up to `upTo`. */
  between(after: number, upTo: number): readonly OutboxEntry[] {
    return this.#entries.slice(this.#indexAfter(after), this.#indexAfter(upTo));
  }

  #indexAfter(number: number): number {
    let low = 0;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#entries[middle]?.number ?? 0) <= number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function sizeOf(said: Said): number {
  return said.kind === "message" ? said.envelope.body.length : 0;
}
