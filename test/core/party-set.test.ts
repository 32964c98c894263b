import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_PARTIES, PartySet } from "../../src/core/party-set.js";

const anyParties = fc.array(fc.nat(MAX_PARTIES - 1), { maxLength: 60 });

describe("PartySet", () => {
  it("is a set: against the language's own", () => {
    fc.assert(
      fc.property(anyParties, (parties) => {
        const set = new PartySet();
        const model = new Set<number>();
        for (const party of parties) {
          expect(set.add(party)).toBe(!model.has(party));
          model.add(party);
          expect(set.size).toBe(model.size);
        }
        expect([...set]).toEqual([...model].sort((a, b) => a - b));
        for (let party = 0; party < MAX_PARTIES; party++) expect(set.has(party)).toBe(model.has(party));
      }),
    );
  });

  it("knows subsets and equality", () => {
    fc.assert(
      fc.property(anyParties, anyParties, (left, right) => {
        const [a, b] = [PartySet.of(left), PartySet.of(right)];
        const isSubset = left.every((party) => right.includes(party));
        expect(a.isSubsetOf(b)).toBe(isSubset);
        expect(a.isSubsetOf(PartySet.of([...left, ...right]))).toBe(true);
        expect(a.equals(b)).toBe(isSubset && right.every((party) => left.includes(party)));
        expect(PartySet.of([...left].reverse()).equals(a)).toBe(true);
      }),
    );
  });

  it("contains nobody who is no party", () => {
    const all = PartySet.of(Array.from({ length: MAX_PARTIES }, (_, party) => party));
    expect(all.size).toBe(256);
    for (const stranger of [-1, MAX_PARTIES, 1000, 0xffff_ffff]) expect(all.has(stranger)).toBe(false);
  });

  it.each([-1, MAX_PARTIES, 0.5, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s as a member", (party) => {
    const set = new PartySet();
    expect(() => set.add(party)).toThrow(RangeError);
    expect(set.size).toBe(0);
  });

  it("prints its members", () => {
    expect(String(PartySet.of([255, 0, 31, 32]))).toBe("{0,31,32,255}");
    expect(String(new PartySet())).toBe("{}");
  });
});
