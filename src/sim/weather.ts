/**
 * What the scheduler and the corrupted parties do in one run. Each seed draws its own, with some faults left out altogether
 * ("swarm testing": Groce and others, ISSTA 2012), so that each seed stresses something else; a scenario fixes what it names.
 */
import { type Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import { ATTACKS, type Corruption } from "./byzantine.js";
import { LANE_ATTACKS, type LaneAttack } from "./byzantine-lanes.js";
import { Random } from "./random.js";

export interface Weather extends Corruption {
  /** Before each step somebody crashes, or comes back, with this probability; with more than four parties (4/n)² of it, here and below. */
  readonly crashRate: number;
  /** A link breaks and is made again. */
  readonly breakRate: number;
  /** A partition begins; one ends ten times as often. */
  readonly partitionRate: number;
  /** A party that receives only when nothing else is in flight. */
  readonly slow: PartyId | null;
  /** The part of all directed links whose messages arrive only when nothing else is in flight. */
  readonly starvation: number;
  /** Last in, first out with this probability, else any message. */
  readonly lifo: number;
  /** Clients hand over all payloads before anything else happens; else now and then. */
  readonly burst: boolean;
  /** They hand each to all honest parties, and none to corrupted ones alone; else some to one party alone. */
  readonly copies: "some" | "all";
  readonly maxEntryPayloads: number;
  readonly payloadBytes: number;
  /** Rounds from one checkpoint to the next, behind which logs are cut; 0: there are none. */
  readonly checkpointInterval: number;
  /** In dissemination `certified`: whether hosts let parties take part in each round, or these do as they like. */
  readonly isPaced: boolean;
  /** Batches that a party may have in its lane beyond the last cut. */
  readonly laneWindow: number;
  /** Lies about lanes. */
  readonly laneAttacks: readonly LaneAttack[];
}

function drawLanes(random: Random): Pick<Weather, "isPaced" | "laneWindow" | "laneAttacks"> {
  const laneAttacks = LANE_ATTACKS.filter(() => random.chance(0.6));
  return {
    isPaced: random.chance(0.5),
    laneWindow: random.pick([1, 2, 4, 16]),
    laneAttacks: laneAttacks.length === 0 ? LANE_ATTACKS : laneAttacks,
  };
}

/** What came later has a generator of its own, so that seeds go on meaning what they meant. */
export function drawWeather(random: Random, { n }: Group, seed: number): Weather {
  const attacks = ATTACKS.filter(() => random.chance(0.6));
  return {
    rate: random.pick([0.05, 0.2, 0.5, 1]),
    attacks: attacks.length === 0 ? ATTACKS : attacks,
    crashRate: random.pick([0, 0, 0.002, 0.01]),
    breakRate: random.pick([0, 0, 0.005]),
    partitionRate: random.pick([0, 0, 0.002]),
    slow: random.chance(0.3) ? random.below(n) : null,
    starvation: random.pick([0, 0, 0, 0.2]),
    lifo: random.pick([0, 0, 0.5, 0.95]),
    burst: random.chance(0.5),
    copies: random.pick(["some", "all"]),
    maxEntryPayloads: random.pick([1, 2, 256, 256]),
    payloadBytes: random.pick([8, 64, 600]),
    checkpointInterval: new Random(seed ^ 0x5bd1e995).pick([0, 1, 2, 3]),
    ...drawLanes(new Random(seed ^ 0x27d4eb2f)),
  };
}
