/**
 * A lane as any party sees it: its chain of batches beyond the last cut, as far as it is stored here, and the greatest height that is
 * known to be certified. What its owner says to be certified is a *claim* until somebody needs to know: of several one is verified.
 *
 * A party signs for a batch only if it stores the whole chain from the last cut to it, and for each height once, upwards. Batches that come
 * before their parent wait for it. A batch may skip heights; then it follows the cut itself: so a party that has forgotten
 * its lane goes on at heights that it has never used (docs/protocols.md, "Lanes").
 */
import { equalBytes } from "../../../core/bytes.js";
import type { Fault } from "../../../core/fault.js";
import { NEVER } from "../peers.js";
import { type Batch, ORIGIN, type Place, type ReadBatch, type Tip } from "./messages.js";

/** A batch of the chain. */
export interface Stored {
  readonly batch: Batch;
  /** This party has signed for it. */
  isSigned: boolean;
}

/** What a lane is between two rounds. */
export interface LaneState {
  readonly cut: Place;
  readonly signed: number;
  readonly tip: Tip | undefined;
  readonly claim: Tip | undefined;
  /** The chain from the cut on. */
  readonly stored: readonly Stored[];
  readonly waiting: readonly Batch[];
  readonly droppedFrom: number;
}

export const NEW_LANE: LaneState = {
  cut: ORIGIN,
  signed: 0,
  tip: undefined,
  claim: undefined,
  stored: [],
  waiting: [],
  droppedFrom: NEVER,
};

export class Lane {
  /** Batches beyond the cut that are stored, and that wait: so many each. */
  readonly #window: number;
  /** The last batch of the lane that is ordered. */
  #cut: Place;
  /** By height, from the cut to `#end`. */
  readonly #stored = new Map<number, Stored>();
  #end: Place;
  /** The greatest height for which this party has signed. */
  #signed: number;
  /** By height: their parent is not stored here. */
  readonly #waiting = new Map<number, Batch>();
  #tip: Tip | undefined;
  /** Higher than the tip; not verified. */
  #claim: Tip | undefined;
  /** The least height of a batch for which there was no room; 0: one that may fit now. */
  #droppedFrom: number;

  constructor(window: number, { cut, signed, tip, claim, stored, waiting, droppedFrom }: LaneState) {
    this.#window = window;
    this.#cut = this.#end = cut;
    this.#signed = signed;
    this.#tip = tip;
    this.#claim = claim;
    this.#droppedFrom = droppedFrom;
    for (const one of stored) this.#store(one);
    for (const batch of waiting) this.#waiting.set(batch.height, batch);
  }

  get state(): LaneState {
    return {
      cut: this.#cut,
      signed: this.#signed,
      tip: this.#tip,
      claim: this.#claim,
      stored: this.stored,
      waiting: [...this.#waiting.values()],
      droppedFrom: this.#droppedFrom,
    };
  }

  get cut(): Place {
    return this.#cut;
  }

  /** The last batch of the chain, or the cut. */
  get end(): Place {
    return this.#end;
  }

  get signed(): number {
    return this.#signed;
  }

  /** Certified, and beyond the cut. */
  get tip(): Tip | undefined {
    return this.#tip;
  }

  /** What the owner says to be certified, beyond the tip. */
  get claim(): Tip | undefined {
    return this.#claim;
  }

  /** The chain from the cut on. */
  get stored(): readonly Stored[] {
    return [...this.#stored.values()];
  }

  #store(stored: Stored): void {
    this.#stored.set(stored.batch.height, stored);
    this.#end = stored.batch;
  }

  /** The batch of this height, if one is known: the chain's, or one that waits. */
  at(height: number): Batch | undefined {
    return this.#stored.get(height)?.batch ?? this.#waiting.get(height);
  }

  /** Whether a batch of this height may be kept; if not, that is remembered. @param latest the greatest height to which a lane may skip */
  hasRoom(batch: ReadBatch, latest: number): boolean {
    const skips = batch.parent.height !== batch.height - 1;
    const reach = this.#end.height + this.#window - this.#stored.size;
    if (this.#waiting.size < this.#window && batch.height <= (skips ? latest : reach)) return true;
    this.#droppedFrom = Math.min(this.#droppedFrom, skips ? 0 : batch.height);
    return false;
  }

  /** Keeps a batch beyond the cut for which there is room. */
  keep(batch: Batch): void {
    this.#waiting.set(batch.height, batch);
  }

  /** Stores the next batches of the chain, of those that wait. What is wrong with one that contradicts it, if there is one. */
  grow(): Fault | undefined {
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#waiting.delete(next.height);
      const isCut = isSame(next.parent, this.#cut);
      if (!isCut && !isSame(next.parent, this.#end)) return "equivocation";
      // It follows the cut and not what was stored here: that was never ordered, and will not be.
      if (!isSame(next.parent, this.#end)) this.#forgetChain();
      this.#store({ batch: next, isSigned: false });
    }
    return undefined;
  }

  #next(): Batch | undefined {
    const child = this.#waiting.get(this.#end.height + 1);
    if (child !== undefined) return child;
    for (const batch of this.#waiting.values())
      if (batch.parent.height !== batch.height - 1 && isSame(batch.parent, this.#cut)) return batch;
    return undefined;
  }

  #forgetChain(): void {
    this.#stored.clear();
    this.#end = this.#cut;
  }

  /** The batches of the chain for which this party may sign; they count as signed. */
  sign(): readonly Batch[] {
    const signed: Batch[] = [];
    for (const stored of this.#stored.values()) {
      if (stored.batch.height <= this.#signed) continue;
      this.#signed = stored.batch.height;
      stored.isSigned = true;
      signed.push(stored.batch);
    }
    return signed;
  }

  /** A certificate of the owner's, of which nobody knows yet whether it is one. The greatest stays. */
  claimed(tip: Tip): void {
    if (tip.height > Math.max(this.#cut.height, this.#tip?.height ?? 0, this.#claim?.height ?? 0)) this.#claim = tip;
  }

  /** The claim, which is none any more. */
  takeClaim(): Tip | undefined {
    const claim = this.#claim;
    this.#claim = undefined;
    return claim;
  }

  /** A certificate that verifies. */
  adopt(tip: Tip): void {
    if (tip.height <= Math.max(this.#cut.height, this.#tip?.height ?? 0)) return;
    this.#tip = tip;
    this.#dropClaim(tip.height);
  }

  /** What reaches no further is not needed. */
  #dropClaim(height: number): void {
    if (this.#claim !== undefined && this.#claim.height <= height) this.#claim = undefined;
  }

  /** The lane is ordered up to `cut`. Returns the batches up to there that are here, whatever chain they are of. */
  moveTo(cut: Place): readonly Batch[] {
    const ordered: Batch[] = [];
    const isOnChain = isSame(cut, this.#end) || isSame(cut, this.#stored.get(cut.height)?.batch);
    for (const batch of [...this.stored.map((stored) => stored.batch), ...this.#waiting.values()]) {
      if (batch.height > cut.height) continue;
      ordered.push(batch);
      this.#stored.delete(batch.height);
      this.#waiting.delete(batch.height);
    }
    this.#cut = cut;
    if (!isOnChain || this.#stored.size === 0) this.#forgetChain();
    if (this.#tip !== undefined && this.#tip.height <= cut.height) this.#tip = undefined;
    this.#dropClaim(cut.height);
    return ordered;
  }

  /** Whether a batch that was dropped would find room now; once. */
  takeDropped(): boolean {
    if (this.#droppedFrom > this.#cut.height + this.#window) return false;
    this.#droppedFrom = NEVER;
    return true;
  }
}

export function isSame(a: Place, b: Place | undefined): boolean {
  return b !== undefined && a.height === b.height && equalBytes(a.digest, b.digest);
}
