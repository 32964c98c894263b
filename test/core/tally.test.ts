import { describe, expect, test } from "vitest";
import { Tally } from "../../src/core/tally.js";

describe("a tally", () => {
  test("fires once, for the item that completes the set", () => {
    const tally = new Tally<string>((set) => set.size >= 2);
    expect([tally.add(0, "a"), tally.complete, tally.add(3, "b"), tally.complete]).toEqual([false, false, true, true]);
    expect(tally.add(1, "c")).toBe(false);
    expect([...tally.items]).toEqual([
      [0, "a"],
      [3, "b"],
      [1, "c"],
    ]);
  });

  test("takes one item of each party, the first", () => {
    const tally = new Tally<string>((set) => set.size >= 2);
    for (const item of ["a", "b", "c"]) expect(tally.add(0, item)).toBe(false);
    expect([...tally.items]).toEqual([[0, "a"]]);
    expect([tally.has(0), tally.has(1), tally.complete]).toEqual([true, false, false]);
  });
});
