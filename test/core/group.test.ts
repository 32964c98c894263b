import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Group, GroupError, thresholdGroup } from "../../src/core/group.js";
import { MAX_PARTIES, PartySet } from "../../src/core/party-set.js";

/** Thresholds that can be defended. */
const thresholds = fc
  .record({ byzantine: fc.nat(20), crash: fc.nat(10), spare: fc.nat(10) })
  .map(({ byzantine, crash, spare }) => ({ n: 3 * byzantine + 2 * crash + 1 + spare, byzantine, crash }));

const PREDICATES = ["isQuorum", "isBroadcastQuorum", "hasHonest", "meetsEveryQuorum"] as const;

const setOf = (size: number, from = 0): PartySet => PartySet.of(Array.from({ length: size }, (_, i) => from + i));

/** The size of the smallest sets that satisfy `predicate`. */
function smallest(group: Group, predicate: (typeof PREDICATES)[number]): number {
  for (let size = 0; size <= group.n; size++) if (group[predicate](setOf(size))) return size;
  throw new Error(`no set of ${group.n} parties satisfies ${predicate}`);
}

describe("thresholdGroup", () => {
  it("has the thresholds of the design's table", () => {
    fc.assert(
      fc.property(thresholds, ({ n, byzantine: b, crash: c }) => {
        const group = thresholdGroup({ n, byzantine: b, crash: c });
        expect(group.parties).toEqual(Array.from({ length: n }, (_, party) => party));
        expect(smallest(group, "isQuorum")).toBe(n - b - c);
        expect(smallest(group, "isBroadcastQuorum")).toBe(Math.ceil((n + b + 1) / 2));
        expect(smallest(group, "hasHonest")).toBe(b + 1);
        expect(smallest(group, "meetsEveryQuorum")).toBe(b + c + 1);
      }),
    );
  });

  it("keeps what the protocols need of it", () => {
    fc.assert(
      fc.property(thresholds, ({ n, byzantine: b, crash: c }) => {
        const group = thresholdGroup({ n, byzantine: b, crash: c });
        const [quorum, broadcast] = [smallest(group, "isQuorum"), smallest(group, "isBroadcastQuorum")];
        // What one waits for comes, although b are silent and c have stopped.
        expect(quorum).toBeLessThanOrEqual(n - b - c);
        expect(broadcast).toBeLessThanOrEqual(n - b - c);
        // Any two of them share more than the corrupted.
        expect(2 * quorum - n).toBeGreaterThan(b);
        expect(2 * broadcast - n).toBeGreaterThan(b);
        // The honest and alive of a quorum contain a truthful witness.
        expect(quorum - b).toBeGreaterThanOrEqual(smallest(group, "hasHonest"));
        // Every quorum meets it.
        expect(quorum + smallest(group, "meetsEveryQuorum")).toBeGreaterThan(n);
      }),
    );
  });

  it("asks for the size alone, and more parties never hurt", () => {
    const group = thresholdGroup({ n: 10, byzantine: 3 });
    for (const predicate of PREDICATES) {
      for (let size = 0; size < 10; size++) {
        expect(group[predicate](setOf(size, 10 - size))).toBe(group[predicate](setOf(size)));
        expect(group[predicate](setOf(size + 1)) || !group[predicate](setOf(size))).toBe(true);
      }
    }
  });

  it("is the plain case for n=4, t=1", () => {
    const group = thresholdGroup({ n: 4, byzantine: 1 });
    expect(PREDICATES.map((predicate) => smallest(group, predicate))).toEqual([3, 3, 2, 2]);
  });

  it("accepts a single party and the largest group", () => {
    expect(thresholdGroup({ n: 1, byzantine: 0 }).isQuorum(setOf(1))).toBe(true);
    expect(smallest(thresholdGroup({ n: MAX_PARTIES, byzantine: 85 }), "isQuorum")).toBe(171);
  });

  it("refuses exactly what Q^{2+3} rules out, and says what is needed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: MAX_PARTIES }), fc.nat(100), fc.nat(100), (n, byzantine, crash) => {
        const make = (): Group => thresholdGroup({ n, byzantine, crash });
        if (n > 3 * byzantine + 2 * crash) expect(make().n).toBe(n);
        else expect(make).toThrow(GroupError);
      }),
    );
    expect(() => thresholdGroup({ n: 6, byzantine: 2 })).toThrow("n=6 parties cannot tolerate t=2");
  });

  it.each([
    { n: 0, byzantine: 0 },
    { n: MAX_PARTIES + 1, byzantine: 0 },
    { n: 4.5, byzantine: 1 },
    { n: Number.NaN, byzantine: 0 },
    { n: 4, byzantine: -1 },
    { n: 4, byzantine: 0.5 },
    { n: 4, byzantine: Number.NaN },
    { n: 4, byzantine: 0, crash: -1 },
    { n: 4, byzantine: 0, crash: 0.1 },
  ])("refuses %o", (options) => {
    expect(() => thresholdGroup(options)).toThrow(GroupError);
  });
});
