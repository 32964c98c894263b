/**
 * Whose clock is far from the group's: a report for operators, by what stands in decided rounds (protocols/atomic-broadcast/clock-watch.ts).
 * Never an accusation: a party with a wrong clock breaks no rule, and who holds messages back long enough can make an honest one look slow.
 */
import type { PartyId } from "../core/party-set.js";
import { CLOCK_READINGS, type ClockOffset } from "../protocols/index.js";

/**
 * What a round that is open for long may add: a party that signs its entry early waits for the others, and their messages may go over third
 * parties, which begins after four seconds (relay/pacing.ts).
 */
const OPEN_ROUND_MS = 5_000;

export interface ClockState {
  readonly party: PartyId;
  /** Its clock minus the group's time, in milliseconds; positive for one that is ahead. */
  readonly offsetMs: number;
  /** Farther, in all of its latest readings, than honest clocks can be by what the operators promise. */
  readonly isFar: boolean;
}

/**
 * `accuracyMs`: how far an honest clock may be from UTC. Round time is between two honest clocks, so an honest one may be twice that from it.
 */
export function clockStates(offsets: readonly ClockOffset[], accuracyMs: number): readonly ClockState[] {
  const farMs = 2 * accuracyMs + OPEN_ROUND_MS;
  return offsets.map(({ party, offsetMs, readings }) => ({
    party,
    offsetMs,
    isFar: readings === CLOCK_READINGS && Math.abs(offsetMs) > farMs,
  }));
}

/** Says who has become far, and who is near again; once each. */
export class ClockReport {
  readonly #self: PartyId;
  readonly #onLog: (message: string) => void;
  #far = new Set<PartyId>();

  constructor(self: PartyId, onLog: (message: string) => void) {
    this.#self = self;
    this.#onLog = onLog;
  }

  look(states: readonly ClockState[]): void {
    const far = states.filter(({ isFar }) => isFar);
    for (const { party, offsetMs } of far.filter(({ party }) => !this.#far.has(party))) {
      const seconds = (Math.abs(offsetMs) / 1000).toFixed(1);
      const direction = offsetMs > 0 ? "ahead of" : "behind";
      this.#onLog(`${this.#nameOf(party)} is ${seconds} s ${direction} the group's time`);
    }
    const now = new Set(far.map(({ party }) => party));
    for (const party of this.#far)
      if (!now.has(party)) this.#onLog(`${this.#nameOf(party)} is near the group's time again`);
    this.#far = now;
  }

  #nameOf(party: PartyId): string {
    return party === this.#self ? "the clock of this replica" : `the clock of party ${party}`;
  }
}
