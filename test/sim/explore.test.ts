/** The short form of the exploration, what it finds in broken code, and whether its reductions lose anything. */
import { beforeAll, describe, expect, it } from "vitest";
import type * as explore from "../../src/sim/explore/index.js";
import { AbbaModel as ClosedAbbaModel } from "../../src/sim/explore/index.js";
import { loadOpened } from "../support/open-sources.mjs";
import { Unreduced, footprints } from "./explore-unreduced.js";

type Explorer = typeof explore;
const open = async (mutant?: string): Promise<Explorer> =>
  (await loadOpened("sim/explore/index.ts", mutant)) as Explorer;

describe("exhaustive exploration", () => {
  let explorer: Explorer;
  beforeAll(async () => {
    explorer = await open();
  });

  it.each([
    ["000", 90],
    ["001", 181],
    ["011", 181],
    ["111", 90],
  ])("visits all of one round of binary agreement on inputs %s", (inputs, states) => {
    const options = explorer.abbaCases(1).find(({ name }) => name.includes(inputs))?.options;
    if (options === undefined) throw new Error("no such case");
    const exploration = explorer.search(new explorer.AbbaModel(options));
    expect(exploration).toMatchObject({ states, isComplete: true, violation: undefined });
  });

  it("visits all of two rounds of binary agreement on inputs 111", () => {
    const model = new explorer.AbbaModel({ inputs: [1, 1, 1], rounds: 2, coins: [], proofs: [0, 1] });
    expect(explorer.search(model)).toMatchObject({ states: 584, isComplete: true, violation: undefined });
  });

  it("sees nothing wrong in the first states of multi-valued agreement", () => {
    const model = new explorer.MvbaModel({ first: 3, tries: 2 });
    const exploration = explorer.search(model, { maxStates: 150 });
    expect(exploration).toMatchObject({ states: 150, isComplete: false, violation: undefined });
  });

  it.each([
    ["honest, window 1", 28822],
    ["honest, window 2", 4531],
    ["corrupted, skips", 19210],
  ])("visits all of a lane whose owner is %s", (wanted, states) => {
    const options = explorer.laneCases().find(({ name }) => name === wanted)?.options;
    if (options === undefined) throw new Error("no such case");
    const exploration = explorer.search(new explorer.LaneModel(options));
    expect(exploration).toMatchObject({ states, isComplete: true, violation: undefined });
  });

  it("reaches whatever single deliveries in any order reach", () => {
    for (const inputs of [
      [0, 0, 1],
      [0, 1, 1],
    ] as const) {
      const options = { inputs, rounds: 1, coins: [], proofs: [0, 1] } as const;
      const reached = footprints(explorer, options);
      let compared = 0;
      for (let seed = 1; seed <= 150; seed++) {
        for (const footprint of new Unreduced(explorer, options, seed).run()) {
          compared++;
          expect(reached.has(footprint), `seed ${seed}: ${footprint}`).toBe(true);
        }
      }
      expect(compared).toBeGreaterThan(1000);
    }
  });

  it("refuses sources in which private fields are hidden", () => {
    expect(() => new ClosedAbbaModel({ inputs: [0, 0, 0], rounds: 1, coins: [], proofs: [] })).toThrow(
      /private fields are not visible/,
    );
  });
});

describe("in broken code the exploration finds", () => {
  it.each([
    ["core: quorum one smaller", "participation", 2],
    ["abba: decision certificate unchecked", "agreement|participation|external|biased", 1],
    ["abba: main-vote not justified", "not valid", 5],
  ])("%s", async (mutant, problem, steps) => {
    const { AbbaModel, search } = await open(mutant);
    const model = new AbbaModel({ inputs: [0, 0, 1], rounds: 1, coins: [], proofs: [0, 1] });
    const { violation } = search(model);
    expect(violation?.problem).toMatch(new RegExp(problem));
    expect(violation?.schedule).toHaveLength(steps);
  });

  it.each([
    ["lanes: two shares for a height", "signs twice for a height", 2],
    ["lanes: a share although the parent is another", "availability", 6],
  ])("%s", async (mutant, problem, steps) => {
    const { LaneModel, laneCases, search } = await open(mutant);
    const options = laneCases().find(({ name }) => name === "corrupted, forks")?.options;
    if (options === undefined) throw new Error("no such case");
    const { violation } = search(new LaneModel(options));
    expect(violation?.problem).toMatch(new RegExp(problem));
    expect(violation?.schedule).toHaveLength(steps);
  });
});
