/** Each preset under attack at its limit: a greatest set is corrupted, another one stops for ever. */
import { describe, expect, test } from "vitest";
import { PRESETS } from "../../src/core/presets.js";
import { PartySet } from "../../src/core/party-set.js";
import { contains } from "../../src/core/structure.js";
import { type SimEvent, record } from "../../src/sim/index.js";

const SEEDS: Readonly<Record<string, number>> = {
  "4x4": 4,
  "hybrid-8": 15,
  weighted: 15,
  "crash-3": 40,
  "paley-19": 2,
};

describe.each(PRESETS)("$name", ({ name, n, byzantine, crash }) => {
  test("keeps every property while a greatest set of it fails", () => {
    for (let seed = 1; seed <= (SEEDS[name] ?? 0); seed++) {
      const corrupted = new PartySet();
      const stopped = new PartySet();
      const observe = (event: SimEvent): void => {
        if (event.kind === "began") for (const party of event.corrupted) corrupted.add(party);
        else if (event.kind === "stopped") stopped.add(event.party);
      };
      const { failure } = record({ seed, preset: name, order: seed % 2 === 0 ? "random" : "fixed" }, observe);
      expect(failure, `seed ${seed}`).toBeUndefined();
      expect(contains(byzantine, corrupted)).toBe(true);
      expect(contains(crash, stopped)).toBe(true);
      // At the limit: with anybody else it would be beyond it.
      for (const party of PartySet.upTo(n).difference(corrupted))
        expect(contains(byzantine, corrupted.union(PartySet.of([party])))).toBe(false);
      const canStop = [...PartySet.upTo(n).difference(corrupted).difference(stopped)].filter((party) =>
        contains(crash, stopped.union(PartySet.of([party]))),
      );
      expect(canStop).toEqual([]);
    }
  });
});
