import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Accusations } from "../../src/replica/accusations.js";

fc.configureGlobal({ seed: 20 });

const accusation = fc.record({
  party: fc.nat(12),
  fault: fc.constantFrom("double-vote", "equivocation", "flood"),
  tag: fc.constantFrom("x", "y", "link"),
});

describe("Accusations", () => {
  it("counts per party and fault and keeps the first place", () => {
    const accusations = new Accusations();
    accusations.add(2, "equivocation", "abc/1");
    accusations.add(10, "invalid-share", "abc/2");
    accusations.add(2, "equivocation", "abc/3");
    expect(accusations.list()).toEqual([
      { party: 2, fault: "equivocation", tag: "abc/1", count: 2 },
      { party: 10, fault: "invalid-share", tag: "abc/2", count: 1 },
    ]);
  });

  it("loses none, mixes none and has one order", () => {
    fc.assert(
      fc.property(fc.array(accusation, { maxLength: 100 }), (all) => {
        const accusations = new Accusations();
        for (const { party, fault, tag } of all) accusations.add(party, fault, tag);
        const listed = accusations.list();
        expect(listed.reduce((sum, { count }) => sum + count, 0)).toBe(all.length);
        for (const { party, fault, tag, count } of listed) {
          const same = all.filter((one) => one.party === party && one.fault === fault);
          expect({ tag, count }).toEqual({ tag: same[0]?.tag, count: same.length });
        }
        const keys = listed.map(({ party, fault }) => `${String(party).padStart(3)} ${fault}`);
        expect(keys).toEqual([...new Set(keys)].sort());
      }),
    );
  });
});
