/**
 * Batches that this replica lacks, each asked of one party after the other until it is there: first of those among whom is an honest
 * party that has it, then of all, again and again. Who answers with something else, or not at all, costs the others' turn, no more.
 *
 * Only what a party was asked for may come from it into the log, once for each time that it was asked.
 */
import { toHex } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { BatchName } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";

/** Ticks before the next party is asked. */
export const BATCH_PATIENCE_TICKS = 2;
/** Batches that are asked for at the same time. The others wait until one of these has come. */
export const MAX_ASKED_BATCHES = 16;

export interface BatchRequestsOptions {
  readonly self: PartyId;
  /** All other parties. */
  readonly peers: Iterable<PartyId>;
  ask(of: PartyId, batch: ChannelBatch): void;
  /** The batch is not needed any more of `of`. */
  withdraw(of: PartyId, batch: ChannelBatch): void;
}

interface ChannelBatch extends BatchName {
  readonly channel: Tag;
}

interface Wanted {
  readonly batch: ChannelBatch;
  /** All peers, the first ones first. */
  readonly order: readonly PartyId[];
  /** How often it was asked for. */
  times: number;
  /** Who was asked and has not answered. */
  readonly asked: Set<PartyId>;
  ticks: number;
}

export class BatchRequests {
  readonly #options: BatchRequestsOptions;
  /** Oldest first: the first MAX_ASKED_BATCHES are asked for. */
  readonly #wanted = new Map<string, Wanted>();

  constructor(options: BatchRequestsOptions) {
    this.#options = options;
  }

  /** Batches that are wanted. */
  get count(): number {
    return this.#wanted.size;
  }

  /** Begins to ask for it, first `of`. What is asked for already goes on. */
  want(channel: Tag, { lane, height, digest }: BatchName, of: readonly PartyId[]): void {
    const batch = { channel, lane, height, digest };
    const key = keyOf(batch);
    if (this.#wanted.has(key)) return;
    this.#wanted.set(key, { batch, order: this.#order(of, height), times: 0, asked: new Set(), ticks: 0 });
    this.#askFirst();
  }

  /** `of` begin at different places for different batches and askers, so that all serve their part. */
  #order(of: readonly PartyId[], height: number): readonly PartyId[] {
    const { self, peers } = this.#options;
    const all = new Set(peers);
    const first = of.filter((party) => all.has(party));
    const start = first.length === 0 ? 0 : (self + height) % first.length;
    return [...new Set([...first.slice(start), ...first.slice(0, start), ...all])];
  }

  /** It is here. */
  kept(channel: Tag, name: BatchName): void {
    const key = keyOf({ ...name, channel });
    const wanted = this.#wanted.get(key);
    if (wanted === undefined) return;
    this.#wanted.delete(key);
    this.#withdraw(wanted);
    this.#askFirst();
  }

  /** Nothing is wanted any more. */
  clear(): void {
    for (const wanted of this.#wanted.values()) this.#withdraw(wanted);
    this.#wanted.clear();
  }

  #withdraw({ batch, asked }: Wanted): void {
    for (const party of asked) this.#options.withdraw(party, batch);
  }

  /** Whether `from` was asked for it: then it has answered now. */
  answered(from: PartyId, batch: ChannelBatch): boolean {
    return this.#wanted.get(keyOf(batch))?.asked.delete(from) === true;
  }

  /** Some time has passed. */
  tick(): void {
    for (const wanted of this.#first()) {
      if (wanted.times > 0 && ++wanted.ticks >= BATCH_PATIENCE_TICKS) this.#ask(wanted);
    }
  }

  #first(): readonly Wanted[] {
    const first: Wanted[] = [];
    for (const wanted of this.#wanted.values()) {
      if (first.length === MAX_ASKED_BATCHES) break;
      first.push(wanted);
    }
    return first;
  }

  #askFirst(): void {
    for (const wanted of this.#first()) if (wanted.times === 0) this.#ask(wanted);
  }

  #ask(wanted: Wanted): void {
    const { batch, order } = wanted;
    const party = order[wanted.times++ % order.length];
    wanted.ticks = 0;
    if (party === undefined) return;
    wanted.asked.add(party);
    this.#options.ask(party, batch);
  }
}

function keyOf({ channel, lane, height, digest }: ChannelBatch): string {
  return `${channel} ${lane}/${height} ${toHex(digest)}`;
}
