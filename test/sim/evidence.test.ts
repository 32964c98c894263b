/** Corrupted parties leave evidence; the checkers see to it that it convinces, and names nobody who is honest. */
import { expect, test } from "vitest";
import { type Scenario, simulate } from "../../src/sim/index.js";

/** How often each kind of evidence was given, over the seeds. */
function evidenceIn(scenario: Scenario, seeds: number): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let seed = 1; seed <= seeds; seed++) {
    for (const [action, count] of Object.entries(simulate({ seed, ...scenario }).actions))
      if (action.startsWith("evidence:")) counts[action] = (counts[action] ?? 0) + count;
  }
  return counts;
}

test("two entries, two pre-votes and two main-votes of corrupted parties come to light in 30 runs", () => {
  const counts = evidenceIn({ weather: { rate: 1, crashRate: 0 } }, 30);
  for (const kind of ["queue", "pre-vote", "main-vote"]) expect(counts[`evidence:${kind}`], kind).toBeGreaterThan(0);
});

test("without corrupted parties there is none in 20 runs, whatever crashes", () => {
  expect(evidenceIn({ corrupted: 0 }, 20)).toEqual({});
});
