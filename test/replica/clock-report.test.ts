/** Whose clock is far from the group's: who has a wrong one is found, and no liar makes an honest party look so. */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type Group, structureGroup, thresholdGroup } from "../../src/core/group.js";
import { PartySet } from "../../src/core/party-set.js";
import { CLOCK_READINGS, ClockWatch } from "../../src/protocols/atomic-broadcast/clock-watch.js";
import { roundTime } from "../../src/protocols/atomic-broadcast/round-time.js";
import { ClockReport, clockStates } from "../../src/replica/clock-report.js";
import { AGREED, TestCluster } from "./test-cluster.js";

fc.configureGlobal({ seed: 7 });

const HOUR_MS = 3_600_000;
const ACCURACY_MS = 1000;
const PARTIES = [0, 1, 2, 3];

/** Who is reported after rounds in which each party's clock shows this. */
function reported(group: Group, rounds: readonly (readonly (number | undefined)[])[]): readonly number[] {
  const watch = new ClockWatch();
  for (const clocks of rounds) {
    const vector = clocks.flatMap((clock, party) => (clock === undefined ? [] : [{ party, clock }]));
    watch.decided(vector, roundTime(vector, group));
  }
  return clockStates(watch.offsets, ACCURACY_MS).flatMap(({ party, isFar }) => (isFar ? [party] : []));
}

describe("the report", () => {
  const four = thresholdGroup({ n: 4, byzantine: 1 });
  const rounds = (clocks: readonly (number | undefined)[], count = CLOCK_READINGS) =>
    Array.from({ length: count }, (_, round) => clocks.map((clock) => clock && clock + 100 * round));

  it.each([HOUR_MS, -HOUR_MS])("has who is %d ms off, after a number of rounds and no earlier", (offMs) => {
    const clocks = [2 * HOUR_MS, 2 * HOUR_MS + 900, 2 * HOUR_MS + offMs, 2 * HOUR_MS - 900];
    expect(reported(four, rounds(clocks))).toEqual([2]);
    expect(reported(four, rounds(clocks, CLOCK_READINGS - 1))).toEqual([]);
  });

  it("has nobody for one round that was open for long, nor who comes right again", () => {
    const good = [HOUR_MS, HOUR_MS + 5, undefined, HOUR_MS + 7];
    const open = [1, HOUR_MS, undefined, HOUR_MS];
    expect(reported(four, [...rounds(open, CLOCK_READINGS - 1), good])).toEqual([]);
    expect(reported(four, rounds(open))).toEqual([0]);
  });

  it("has the offset of the nearest reading, and who it is of", () => {
    const watch = new ClockWatch();
    for (const clock of [500, -300, 400]) watch.decided([{ party: 1, clock: clock + 1000 }], 1000);
    watch.decided([{ party: 0, clock: 7 }], 7);
    expect(watch.offsets).toEqual([
      { party: 0, offsetMs: 0, readings: 1 },
      { party: 1, offsetMs: -300, readings: 3 },
    ]);
  });

  it("says each change once, and calls this replica by name", () => {
    const said: string[] = [];
    const report = new ClockReport(1, (message) => said.push(message));
    const state = (party: number, offsetMs: number, isFar: boolean) => ({ party, offsetMs, isFar });
    report.look([state(0, 3, false)]);
    report.look([state(0, HOUR_MS, true), state(1, -HOUR_MS, true)]);
    report.look([state(0, HOUR_MS + 5, true), state(1, -HOUR_MS, true)]);
    report.look([state(0, HOUR_MS, true), state(1, -1, false)]);
    report.look([]);
    expect(said).toEqual([
      "the clock of party 0 is 3600.0 s ahead of the group's time",
      "the clock of this replica is 3600.0 s behind the group's time",
      "the clock of this replica is near the group's time again",
      "the clock of party 0 is near the group's time again",
    ]);
  });
});

/** Groups with a set that may be corrupted in each. */
const GROUPS = [
  { group: thresholdGroup({ n: 4, byzantine: 1 }), liars: [3] },
  { group: thresholdGroup({ n: 7, byzantine: 2 }), liars: [0, 6] },
  {
    group: structureGroup({ n: 6, byzantine: { kind: "weights", weights: [3, 3, 2, 2, 2, 2], max: 4 } }),
    liars: [2, 3],
  },
];

test.each(GROUPS)("whatever liars show, no honest clock is reported (%#)", ({ group, liars }) => {
  const offset = fc.integer({ min: -ACCURACY_MS, max: ACCURACY_MS });
  const lie = fc.oneof(fc.constantFrom(0, Number.MAX_SAFE_INTEGER), fc.nat(2 * HOUR_MS));
  const round = fc.record({
    honest: fc.array(offset, { minLength: group.n, maxLength: group.n }),
    lies: fc.array(lie, { minLength: group.n, maxLength: group.n }),
    /** Who is missing in the vector, as far as a quorum is left. */
    missing: fc.integer({ min: -1, max: group.n - 1 }),
  });
  fc.assert(
    fc.property(fc.array(round, { minLength: CLOCK_READINGS, maxLength: 2 * CLOCK_READINGS }), (rounds) => {
      const shown = rounds.map(({ honest, lies, missing }, at) =>
        honest.map((off, party) => {
          if (party === missing && group.isQuorum(PartySet.of(group.parties.filter((other) => other !== missing))))
            return undefined;
          return liars.includes(party) ? lies[party] : HOUR_MS + 1000 * at + off;
        }),
      );
      for (const party of reported(group, shown)) expect(liars).toContain(party);
    }),
  );
});

describe.each(["inline", "certified"] as const)(
  "a cluster (%s) with a party whose clock is an hour off",
  (dissemination) => {
    it.each([HOUR_MS, -HOUR_MS])("reports it everywhere, and accuses nobody: %d ms", async (offMs) => {
      const clockOffsetMs = (party: number): number => (party === 2 ? offMs : 0) + 2 * HOUR_MS;
      const cluster = await TestCluster.of({ vectorSize: 3, dissemination, clockOffsetMs });
      for (let count = 1; count <= 4 * CLOCK_READINGS; count++) {
        cluster.submit(count % 4, `payload ${count}`);
        await cluster.run(() => cluster.hasDelivered(count));
      }
      for (const party of PARTIES) {
        const running = cluster.running.get(party);
        const far = running?.replica.state.clocks.filter(({ isFar }) => isFar) ?? [];
        expect(far.map(({ party: of }) => of)).toEqual([2]);
        expect(Math.abs((far[0]?.offsetMs ?? 0) - offMs)).toBeLessThan(60_000);
        const said = running?.logged.filter((line) => line.includes("group's time")) ?? [];
        const whose = party === 2 ? "the clock of this replica" : "the clock of party 2";
        expect(said).toEqual([
          expect.stringMatching(new RegExp(`^${whose} is 3\\d+\\.\\d s ${offMs > 0 ? "ahead of" : "behind"}`)),
        ]);
      }
      expect(cluster.agreement()).toEqual(AGREED);
    });
  },
);
