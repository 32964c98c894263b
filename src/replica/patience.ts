/**
 * How long this party keeps its own proposal back in a round in which another's is tried first. When all goes well that one is decided, and
 * n−1 proposals were never made, nor signed for, nor verified. It only ever delays this party, and never for longer than MAX_MS: no
 * property of the protocol depends on it.
 *
 * It waits twice as long as rounds take of late. Where that was in vain, it does not wait for that party's proposal the next time it is its
 * turn; where it is in vain again, the next two times, then four, so that who has crashed delays few rounds.
 */
import type { PartyId } from "../core/party-set.js";
import type { Timing } from "./pace.js";

/** While nothing is known of how long rounds take. */
const FIRST_MS = 500;
const MAX_MS = 2000;
/** Rounds of which that is known; fewer than half of them have somebody who is crashed or corrupted as their first candidate. */
const KNOWN_ROUNDS = 15;
const ENOUGH_ROUNDS = 4;
const MAX_SKIPPED = 64;

/** `onTurn`: it may be over. */
export interface PatienceOptions extends Timing {
  readonly n: number;
}

/** The proposal that is kept back. */
interface Kept {
  readonly round: number;
  readonly sinceMs: number;
  readonly untilMs: number;
  hasTimer: boolean;
}

export class Patience {
  readonly #options: PatienceOptions;
  #kept: Kept | undefined;
  /** Of the last rounds, from when the own proposal was there to the decision. */
  readonly #durationsMs: number[] = [];
  /** Of first candidates that were waited for in vain: how often they are not waited for, yet, and were in all since then. */
  readonly #distrusted = new Map<PartyId, { left: number; skipped: number }>();

  constructor(options: PatienceOptions) {
    this.#options = options;
  }

  /** The round under way: those before are decided. */
  sees(round: number): void {
    const kept = this.#kept;
    if (kept === undefined || kept.round >= round) return;
    const now = this.#options.nowMs();
    this.#kept = undefined;
    this.#durationsMs.push(now - kept.sinceMs);
    if (this.#durationsMs.length > KNOWN_ROUNDS) this.#durationsMs.shift();
    // In time, and not since others lost theirs.
    if (kept.untilMs > kept.sinceMs && now < kept.untilMs) this.#distrusted.delete(this.#firstOf(kept.round));
  }

  /** Whether the proposal for `round`, which is kept back, is made now. Else `onTurn` comes in time. */
  isOver(round: number): boolean {
    const now = this.#options.nowMs();
    if (this.#kept?.round !== round) this.#kept = this.#keep(round, now);
    if (now < this.#kept.untilMs) {
      this.#wake(this.#kept, now);
      return false;
    }
    if (this.#kept.untilMs > this.#kept.sinceMs) this.#distrust(this.#firstOf(round));
    return true;
  }

  #keep(round: number, sinceMs: number): Kept {
    const waitMs = this.#trusts(this.#firstOf(round)) ? this.#waitMs : 0;
    return { round, sinceMs, untilMs: sinceMs + waitMs, hasTimer: false };
  }

  #wake(kept: Kept, nowMs: number): void {
    if (kept.hasTimer) return;
    kept.hasTimer = true;
    this.#options.later(Math.ceil(kept.untilMs - nowMs), () => {
      kept.hasTimer = false;
      if (this.#kept === kept) this.#options.onTurn();
    });
  }

  #firstOf(round: number): PartyId {
    return round % this.#options.n;
  }

  get #waitMs(): number {
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    const medianMs = sorted[sorted.length >> 1];
    if (medianMs === undefined || sorted.length < ENOUGH_ROUNDS) return FIRST_MS;
    return Math.min(MAX_MS, 2 * medianMs);
  }

  #trusts(party: PartyId): boolean {
    const distrust = this.#distrusted.get(party);
    if (distrust === undefined || distrust.left === 0) return true;
    distrust.left--;
    return false;
  }

  #distrust(party: PartyId): void {
    const skipped = Math.min(MAX_SKIPPED, 2 * (this.#distrusted.get(party)?.skipped ?? 0.5));
    this.#distrusted.set(party, { left: skipped, skipped });
  }
}
