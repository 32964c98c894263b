/**
 * How far each party's clock is from the group's: its readings against the time that each round's vector makes by itself (round-time.ts). No
 * honest party's reading can be moved away from that time by what others show, since it lies between two honest readings of the same round.
 *
 * A reading may be old for another reason: who entered a round early and then waited for the others. So of the last readings the
 * nearest one counts. It is an output; nothing depends on it, it is not in the boundary, and it proves nothing against anybody.
 */
import type { PartyId } from "../../core/party-set.js";
import type { Reading } from "./round-time.js";

/** Of each party that are looked at: in so many vectors in which it has an entry. */
export const CLOCK_READINGS = 8;

export interface ClockOffset {
  readonly party: PartyId;
  /** Reading minus the round's time, of the latest readings the one that is nearest to it; positive for a clock that is ahead. */
  readonly offsetMs: number;
  /** How many readings that is of, 1..CLOCK_READINGS. */
  readonly readings: number;
}

export class ClockWatch {
  readonly #offsets = new Map<PartyId, readonly number[]>();

  /** `timeMs`: of this vector alone, whatever earlier rounds had. */
  decided(vector: readonly Reading[], timeMs: number): void {
    for (const { party, clock } of vector) {
      const earlier = this.#offsets.get(party) ?? [];
      this.#offsets.set(party, [...earlier, clock - timeMs].slice(-CLOCK_READINGS));
    }
  }

  /** Of the parties that have readings, ascending. */
  get offsets(): readonly ClockOffset[] {
    return [...this.#offsets]
      .map(([party, offsets]) => ({ party, offsetMs: nearest(offsets), readings: offsets.length }))
      .toSorted((a, b) => a.party - b.party);
  }
}

function nearest(offsets: readonly number[]): number {
  return offsets.reduce((best, offset) => (Math.abs(offset) < Math.abs(best) ? offset : best));
}
