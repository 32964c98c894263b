/**
 * What one party has said to one peer: the memory of a reliable link. Messages leave it when the protocol retires their
 * instances, not when the peer has taken them, so that a peer that dropped something can have it again; a slow or dead peer costs
 * what live instances say, and never more. What the party asks its peer, and what the peer asked for, leave it when they are
 * acknowledged.
 */
import type { Envelope } from "../core/envelope.js";
import { toHex } from "../core/bytes.js";
import { type BatchName, MAX_BATCH_BYTES } from "../core/protocol.js";
import { MAX_CERTIFICATE_BYTES } from "../core/suite.js";
import { type Tag, isWithin } from "../core/tag.js";
import { MAX_STATE_CHUNK_BYTES } from "../wire/peer-frames.js";

/** Chunks, or batches, that wait to be sent to one peer. It asks again for those beyond. */
export const MAX_SERVED_CHUNKS = 64;
/** Those that are in its outbox, with those that are sent and not acknowledged. */
export const MAX_UNACKNOWLEDGED_CHUNKS = 1024;

export type Said =
  | { readonly kind: "message"; readonly envelope: Envelope }
  /** Of a decided round; read from the archive when it is sent. */
  | { readonly kind: "proof"; readonly channel: Tag; readonly round: number }
  | { readonly kind: "askProofs"; readonly channel: Tag; readonly round: number }
  | { readonly kind: "askRepeat" }
  /** Of the checkpoint that is the latest when it is sent. */
  | { readonly kind: "offer"; readonly channel: Tag }
  | ({ readonly kind: "askChunk" } & ChunkName)
  /** Read from storage when it is sent. */
  | ({ readonly kind: "chunk" } & ChunkName)
  | { readonly kind: "rejoin"; readonly payload: Uint8Array }
  | ({ readonly kind: "askBatch" } & ChannelBatch)
  /** Read from storage when it is sent. */
  | ({ readonly kind: "batch" } & ChannelBatch);

export interface ChunkName {
  readonly channel: Tag;
  /** Of the checkpoint. */
  readonly round: number;
  readonly index: number;
}

export interface ChannelBatch extends BatchName {
  readonly channel: Tag;
}

/** What one party asks for by name, and the answer to it. */
type Named = Extract<Said, { readonly kind: "askChunk" | "chunk" | "askBatch" | "batch" }>;

export interface OutboxEntry {
  /** Counts from 1 in the order of sending. */
  readonly number: number;
  readonly said: Said;
  /** Bytes that it has on the way, or may have while it was not read from storage; small ones count for nothing. */
  sizeBytes: number;
}

export class Outbox {
  /** In the order of their numbers. */
  #entries: OutboxEntry[] = [];
  #next = 1;
  #sizeBytes = 0;
  #acknowledged = 0;
  #sent = 0;
  /** Those that are not messages. */
  #others = 0;
  /** Chunks and batches that this party asks for, and that it answers. */
  readonly #asked = new Set<string>();
  readonly #answered = new Set<string>();

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
    const entry = this.#append(said);
    this.#count(said, 1);
    return entry;
  }

  #append(said: Said): OutboxEntry {
    const entry = { number: this.#next++, said, sizeBytes: boundOf(said) };
    this.#entries.push(entry);
    return entry;
  }

  /** Pushes what takes the place of an earlier one. */
  ask(request: Extract<Said, { readonly kind: "askProofs" | "askRepeat" | "offer" | "rejoin" }>): void {
    const channelOf = (said: Said): Tag | undefined => ("channel" in said ? said.channel : undefined);
    this.#keep(({ said }) => said.kind !== request.kind || channelOf(said) !== channelOf(request));
    this.push(request);
  }

  /** An entry comes, or goes. */
  #count(said: Said, sign: 1 | -1): void {
    this.#sizeBytes += sign * sizeOf(said);
    if (said.kind !== "message") this.#others += sign;
    if (!isNamed(said)) return;
    const names = isAsk(said) ? this.#asked : this.#answered;
    if (sign === 1) names.add(nameOf(said));
    else names.delete(nameOf(said));
  }

  /** Pushes the request unless it is under way. */
  request(request: Extract<Named, { readonly kind: "askChunk" | "askBatch" }>): void {
    if (!this.#asked.has(nameOf(request))) this.push(request);
  }

  /** What was asked for is not needed any more. */
  withdraw(request: Extract<Named, { readonly kind: "askChunk" | "askBatch" }>): void {
    const name = nameOf(request);
    if (this.#asked.has(name)) this.#keep(({ said }) => said.kind !== request.kind || nameOf(said) !== name);
  }

  /** The peer asks for it: pushes it unless it is under way, or there is no room. */
  answer(answer: Extract<Named, { readonly kind: "chunk" | "batch" }>): void {
    if (this.#answered.has(nameOf(answer)) || this.#answered.size >= MAX_UNACKNOWLEDGED_CHUNKS) return;
    const unsent = this.#entries.slice(this.#indexAfter(this.#sent));
    if (unsent.filter(({ said }) => said.kind === answer.kind).length >= MAX_SERVED_CHUNKS) return;
    this.push(answer);
  }

  /** There is nothing to send under this entry. */
  drop(entry: OutboxEntry): void {
    this.#keep((other) => other !== entry);
  }

  /**
   * The peer needs the proofs of rounds `from` to `end` - 1, in order: before what it has not been sent yet, and no others. `again`: also
   * those that are on the way, since it has dropped what it asks for.
   */
  serve(channel: Tag, from: number, end: number, again = false): void {
    const onTheWay = new Set<number>();
    this.#keep(({ number, said }) => {
      if (said.kind !== "proof" || said.channel !== channel) return true;
      const stays = !again && number <= this.#sent && said.round >= from && said.round < end;
      if (stays) onTheWay.add(said.round);
      return stays;
    });
    const unsent = this.#entries.splice(this.#indexAfter(this.#sent));
    for (let round = from; round < end; round++) if (!onTheWay.has(round)) this.push({ kind: "proof", channel, round });
    for (const { said } of unsent) this.#append(said);
  }

  retire(tag: Tag): void {
    this.#keep(({ said }) => said.kind !== "message" || !isWithin(said.envelope.tag, tag));
  }

  #keep(isKept: (entry: OutboxEntry) => boolean): void {
    let kept = 0;
    for (const entry of this.#entries) {
      if (isKept(entry)) this.#entries[kept++] = entry;
      else this.#count(entry.said, -1);
    }
    this.#entries.length = kept;
  }

  /** The peer has all up to `number`. False when that was known. */
  acknowledge(number: number): boolean {
    if (number <= this.#acknowledged) return false;
    this.#acknowledged = number;
    // Messages stay: only a request or a proof is done with.
    if (this.#others > 0) this.#keep((entry) => entry.number > number || entry.said.kind === "message");
    return true;
  }

  /** The entry was sent, on whatever way; with what storage gave for it, it has so many bytes. */
  sent(entry: OutboxEntry, sizeBytes = entry.sizeBytes): void {
    this.#sent = Math.max(this.#sent, entry.number);
    entry.sizeBytes = sizeBytes;
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
    for (const { said } of again) this.#append(said);
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

function boundOf(said: Said): number {
  if (said.kind === "chunk") return MAX_STATE_CHUNK_BYTES;
  if (said.kind === "batch") return MAX_BATCH_BYTES;
  return said.kind === "offer" ? MAX_CERTIFICATE_BYTES : sizeOf(said);
}

function isNamed(said: Said): said is Named {
  return isAsk(said) || said.kind === "chunk" || said.kind === "batch";
}

function isAsk({ kind }: Said): boolean {
  return kind === "askChunk" || kind === "askBatch";
}

function nameOf(said: Named): string {
  if (said.kind === "askChunk" || said.kind === "chunk") return `${said.channel} ${said.round} ${said.index}`;
  return `${said.channel} ${said.lane}/${said.height} ${toHex(said.digest)}`;
}
