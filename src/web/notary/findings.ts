/** What replicas say of each other, gathered by whom they say it of. Each is the word of the replicas that are named, not proof. */
import { fieldOf, listIn, numberIn, stringIn } from "../common/api.js";
import { countText, durationText } from "../common/format.js";

export interface Finding {
  readonly text: string;
  /** An accusation; else a report, as of a clock that is far from the group's. */
  readonly isAccusation: boolean;
}

/** `parties`: the entries of `/v1/status`. By party. */
export function findingsIn(parties: readonly unknown[]): ReadonlyMap<number, readonly Finding[]> {
  const findings = new Map<number, Finding[]>();
  const add = (party: number | undefined, finding: Finding): void => {
    if (party !== undefined) findings.set(party, [...(findings.get(party) ?? []), finding]);
  };
  for (const entry of parties) {
    const by = numberIn(entry, "party") ?? -1;
    for (const accusation of listIn(entry, "accusations")) {
      const times = countText(numberIn(accusation, "count") ?? 1, "time");
      const text = `Replica ${by} accuses it of ${stringIn(accusation, "fault") ?? "something"}, ${times}.`;
      add(numberIn(accusation, "party"), { text, isAccusation: true });
    }
  }
  for (const [party, { by, offsetMs }] of farClocks(parties)) {
    const direction = offsetMs > 0 ? "ahead" : "behind";
    const text = `Its clock is ${durationText(Math.abs(offsetMs))} ${direction}, ${by.length === 1 ? "says replica" : "say replicas"} ${by.join(", ")}.`;
    add(party, { text, isAccusation: false });
  }
  return findings;
}

function farClocks(parties: readonly unknown[]): Map<number, { readonly by: number[]; readonly offsetMs: number }> {
  const far = new Map<number, { readonly by: number[]; readonly offsetMs: number }>();
  for (const entry of parties) {
    for (const clock of listIn(entry, "clocks").filter((clock) => fieldOf(clock, "isFar") === true)) {
      const [party = -1, offsetMs = 0] = [numberIn(clock, "party"), numberIn(clock, "offsetMs")];
      const found = far.get(party) ?? { by: [], offsetMs };
      found.by.push(numberIn(entry, "party") ?? -1);
      far.set(party, found);
    }
  }
  return far;
}
