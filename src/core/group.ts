/**
 * The group of parties and its adversary structure.
 *
 * Protocols ask for properties of party *sets*; only this file does arithmetic on thresholds
 * (docs/protocols.md section 1; the source, "Hybrid adversary structures").
 */
import { MAX_PARTIES, type PartyId, type PartySet } from "./party-set.js";

export interface Group {
  readonly n: number;
  readonly parties: readonly PartyId[];
  /** The set is all that one may wait for: the others may be corrupted or crashed. n-b-c. */
  isQuorum(set: PartySet): boolean;
  /** Two such sets share an honest party. At least ⌈(n+b+1)/2⌉. */
  isBroadcastQuorum(set: PartySet): boolean;
  /** At least one member is not Byzantine. b+1. */
  hasHonest(set: PartySet): boolean;
  /** An honest, live member in each quorum. b+c+1. */
  meetsEveryQuorum(set: PartySet): boolean;
}

export interface Thresholds {
  readonly n: number;
  /** How many parties may be Byzantine: the source's t. */
  readonly byzantine: number;
  /** How many more may crash. */
  readonly crash?: number;
}

/** A group that cannot be defended. */
export class GroupError extends Error {
  override readonly name = "GroupError";
}

/**
 * The plain structure: any `byzantine` parties may be corrupted and any `crash` others may stop.
 * @throws GroupError unless n > 3·byzantine + 2·crash (Q^{2+3} for thresholds).
 */
export function thresholdGroup({ n, byzantine, crash = 0 }: Thresholds): Group {
  const whole = (value: number): boolean => Number.isInteger(value) && value >= 0;
  if (!whole(n) || n < 1 || n > MAX_PARTIES) throw new GroupError(`n=${n} is not within 1..${MAX_PARTIES}`);
  if (!whole(byzantine)) throw new GroupError(`t=${byzantine} is not a whole number`);
  if (!whole(crash)) throw new GroupError(`crash=${crash} is not a whole number`);
  if (n <= 3 * byzantine + 2 * crash) {
    const [crashed, term] = crash === 0 ? ["", ""] : [` and ${crash} crashed`, " + 2·crash"];
    throw new GroupError(
      `n=${n} parties cannot tolerate t=${byzantine} corrupted${crashed}: n must exceed 3t${term} = ${3 * byzantine + 2 * crash}`,
    );
  }
  const quorum = n - byzantine - crash;
  const broadcastQuorum = Math.ceil((n + byzantine + 1) / 2);
  return {
    n,
    parties: Array.from({ length: n }, (_, party) => party),
    isQuorum: (set) => set.size >= quorum,
    isBroadcastQuorum: (set) => set.size >= broadcastQuorum,
    hasHonest: (set) => set.size >= byzantine + 1,
    meetsEveryQuorum: (set) => set.size >= byzantine + crash + 1,
  };
}
