/**
 * One peer of which a state's chunks are asked: what it offered, what it was asked for and when, and how much to ask of it at once.
 * Time is the host's ticks: it decides whom to ask, and nothing else.
 *
 * Who answers has a window of WINDOW_CHUNKS. An ask that is not answered in time lapses: the chunk may be asked of another, and
 * the window shrinks. Who answers nothing for so long is silent: it is asked for one chunk at a time, ever more rarely, and those
 * chunks are asked of others, too.
 */
import type { PartyId } from "../core/party-set.js";

export const WINDOW_CHUNKS = 16;
/** So that an asker stays far below what its peers keep unacknowledged. */
export const MAX_ASKS_PER_TICK = 256;
export const PATIENCE_TICKS = 16;
export const MAX_PATIENCE_TICKS = 128;

/** A certified checkpoint. */
export interface Offer {
  readonly round: number;
  readonly summary: Uint8Array;
  readonly certificate: Uint8Array;
}

export class TransferSource {
  readonly peer: PartyId;
  /** The latest, verified; none of a liar. */
  offer: Offer | undefined;
  /** Checkpoints of rounds up to this one it has pruned. */
  goneUpTo = 0;
  /** It was caught lying, and is never believed again. */
  isLiar = false;
  /** How often an ask lapsed: who has fewer is asked first. */
  lapses = 0;
  /** By index, when it was asked. */
  readonly #asked = new Map<number, number>();
  /** Asked, and perhaps still answered; but others are asked, too. */
  readonly #lapsed = new Set<number>();
  #now = 0;
  #lastAnswer = 0;
  #isSilent = false;
  #window = WINDOW_CHUNKS;
  #patience = PATIENCE_TICKS;
  #asksLeft = MAX_ASKS_PER_TICK;

  constructor(peer: PartyId) {
    this.peer = peer;
  }

  /** Whether it may have the checkpoint of `round`. */
  has(round: number): boolean {
    return this.offer !== undefined && this.offer.round >= round && this.goneUpTo < round;
  }

  get isSilent(): boolean {
    return this.#isSilent;
  }

  get askedCount(): number {
    return this.#asked.size;
  }

  get hasRoom(): boolean {
    return this.#asked.size < this.#window && this.#asksLeft > 0;
  }

  isAsked(index: number): boolean {
    return this.#asked.has(index);
  }

  ask(index: number): void {
    if (this.#asked.size === 0) this.#lastAnswer = this.#now;
    this.#asked.set(index, this.#now);
    this.#lapsed.delete(index);
    this.#asksLeft--;
  }

  /** It gave the chunk. */
  answered(index: number): void {
    this.#lapsed.delete(index);
    if (!this.#asked.delete(index)) return;
    this.#lastAnswer = this.#now;
    this.#isSilent = false;
    this.#patience = PATIENCE_TICKS;
    this.#window = Math.min(this.#window + 1, WINDOW_CHUNKS);
  }

  /** The chunk came from another. True when this one was asked for it. */
  forget(index: number): boolean {
    const wasAsked = this.#asked.delete(index);
    return this.#lapsed.delete(index) || wasAsked;
  }

  /** Time passes: the chunks that are to be asked of others. */
  tick(): readonly number[] {
    this.#now++;
    this.#asksLeft = MAX_ASKS_PER_TICK;
    const overdue = [...this.#asked].filter(([, since]) => this.#now - since >= this.#patience).map(([index]) => index);
    if (overdue.length === 0) return [];
    for (const index of overdue) {
      this.#asked.delete(index);
      this.#lapsed.add(index);
    }
    this.lapses += overdue.length;
    this.#window = Math.max(1, this.#window >>> 1);
    if (this.#now - this.#lastAnswer >= this.#patience) this.#fallSilent();
    return overdue;
  }

  #fallSilent(): void {
    this.#isSilent = true;
    this.#window = 1;
    this.#patience = Math.min(2 * this.#patience, MAX_PATIENCE_TICKS);
  }

  /** Takes back all that it was asked for. */
  release(): { readonly waiting: readonly number[]; readonly all: readonly number[] } {
    const waiting = [...this.#asked.keys()];
    const all = [...waiting, ...this.#lapsed];
    this.#asked.clear();
    this.#lapsed.clear();
    return { waiting, all };
  }
}
