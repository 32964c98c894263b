/**
 * The time of a round, from the clock readings in the entries of its vector: between the readings of two honest parties, as far as it
 * does not only repeat an earlier round's (docs/protocols.md, "Round time"). It is an output; nothing waits for it.
 */
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import type { VectorSize } from "./messages.js";

/** Of an entry in the vector. */
export interface Reading {
  readonly party: PartyId;
  readonly clock: number;
}

/**
 * Whether rounds have a time: no two sets that may be Byzantine cover the parties of a vector, c ≥ 2b+1. Each quorum is so: with a
 * third such set and two that may crash, they would cover all parties. `vectorSize` is one that the group takes.
 */
export function roundsHaveTime(vectorSize: VectorSize, group: Group): boolean {
  return vectorSize === "quorum" || group.hasHonest(PartySet.upTo(Math.ceil(vectorSize / 2)));
}

/** The least reading such that the parties with it or a smaller one `hasHonest`. */
export function roundTime(vector: readonly Reading[], group: Group): number {
  const parties = new PartySet();
  for (const { party, clock } of vector.toSorted((a, b) => a.clock - b.clock)) {
    parties.add(party);
    if (group.hasHonest(parties)) return clock;
  }
  // A vector that agreement decides has an honest party's entry in every case.
  throw new RangeError("a vector of corrupted parties only has no time");
}
