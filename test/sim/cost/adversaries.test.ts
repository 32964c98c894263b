/** That the adversaries of the measurements do what docs/cost.md says of them, and that nothing else is measured instead. */
import { describe, expect, test } from "vitest";
import type { PartyId } from "../../../src/core/party-set.js";
import { type AgreementCase, agreementCost, costOverCoins } from "../../../src/sim/cost/agreement.js";
import { binaryCost } from "../../../src/sim/cost/binary.js";
import { SIZES } from "../../../src/sim/cost/index.js";
import { faultsOf } from "../../../src/sim/cost/meter.js";
import { orderingCost } from "../../../src/sim/cost/ordering.js";
import {
  CoinStarver,
  FixedStarver,
  type Starved,
  type Target,
  drawnOrder,
  starve,
} from "../../../src/sim/cost/starving.js";

const target = (n: number, order: Target["order"], seed = 1): Target => ({
  n,
  faults: faultsOf(n),
  order,
  first: 0,
  tag: "root/p",
  seed,
});

function mostLacks(starved: Starved): number {
  const lacks = new Map<PartyId, number>();
  for (const parties of starved.values()) for (const party of parties) lacks.set(party, (lacks.get(party) ?? 0) + 1);
  return Math.max(0, ...lacks.values());
}

describe("starving", () => {
  test("stops before somebody lacks too much", () => {
    const starved = starve([0, 1, 2, 3], [0, 1, 2], 2, 1);
    expect([...starved].map(([candidate, parties]) => [candidate, [...parties]])).toEqual([[0, [1, 2]]]);
    expect(starve([9], [0, 1], 3, 1).size).toBe(0);
  });

  test.for(SIZES)("n=%d: as many candidates as counting allows, and each party within its bound", (n) => {
    const t = faultsOf(n);
    const fixed = new FixedStarver(target(n, "fixed"));
    const random = new CoinStarver(target(n, "random"));
    const adaptive = new CoinStarver(target(n, "adaptive"));
    const bound = (most: number): number => Math.floor((most * (n - t)) / (n - 2 * t));
    expect([fixed.starved.size, fixed.tries]).toEqual([2 * t - 1, 2 * t]);
    expect([fixed.starved.size, random.starved.size, adaptive.starved.size]).toEqual([
      bound(t),
      bound(t),
      bound(t - 1),
    ]);
    for (const [{ starved }, most] of [
      [fixed, t],
      [random, t],
      [adaptive, t - 1],
    ] as const) {
      expect(mostLacks(starved)).toBeLessThanOrEqual(most);
      for (const [candidate, parties] of starved) {
        expect(parties.size).toBe(n - 2 * t);
        expect(parties.has(candidate)).toBe(false);
      }
    }
    expect(fixed.corrupted).toHaveLength(t);
    for (const party of fixed.corrupted)
      for (const parties of fixed.starved.values()) expect(parties.has(party)).toBe(false);
  });
});

const agreement = (n: number, order: Target["order"], adversary: AgreementCase["adversary"]): AgreementCase => ({
  n,
  seed: 1,
  variant: { order },
  certificates: "multisig",
  valueBytes: 50,
  adversary,
});

describe("multi-valued agreement", () => {
  test.for([4, 7, 10])("n=%d: the fixed order tries 2t candidates, the others few", (n) => {
    expect(agreementCost(agreement(n, "fixed", "fixed-starver")).tries).toBe(2 * faultsOf(n));
    expect(costOverCoins(agreement(n, "random", "fixed-starver"), { coins: 8, runs: "all" }).tries).toBeLessThan(3);
  });

  // A run throws when the number of candidates is not what the starver means to cause.
  test.for([
    [7, "random", "fixed-starver"],
    [8, "random", "coin-starver"],
    [10, "adaptive", "coin-starver"],
  ] as const)("n=%d, %s, %s: one coin stands for all with the same number of tries", ([n, order, adversary]) => {
    const of = agreement(n, order, adversary);
    const coins = 16;
    const costs = Array.from({ length: coins }, (_, index) => agreementCost({ ...of, seed: index + 1 }));
    const mean = costOverCoins(of, { coins, runs: "all" });
    const averaged = (what: "messages" | "bytes" | "tries" | "rounds" | "signatures"): number =>
      costs.reduce((sum, cost) => sum + cost[what], 0) / coins;
    for (const what of ["messages", "tries"] as const) expect(mean[what], what).toBeCloseTo(averaged(what), 6);
    // Which candidates they are, and not only how many, moves these a little.
    for (const [what, part] of [
      ["bytes", 0.05],
      ["rounds", 0.1],
      ["signatures", 0.05],
    ] as const)
      expect(Math.abs(mean[what] / averaged(what) - 1), what).toBeLessThan(part);
    const two = costOverCoins(of, { coins, runs: "two" });
    expect(two.tries).toBeCloseTo(mean.tries, 6);
    expect(two.triesError).toBe(mean.triesError);
    expect(mean.triesError).toBeGreaterThan(0);
    expect(new Set(costs.map(({ tries }) => tries)).size).toBeGreaterThan(1);
  });

  test("a slow party lacks t proposals at most, however many starved candidates come first", () => {
    const of = agreement(7, "random", "coin-starver");
    const { starved } = new CoinStarver(target(7, "random"));
    const drawn = (seed: number): readonly PartyId[] => drawnOrder(target(7, "random", seed)).slice(0, 3);
    const seed = Array.from({ length: 500 }, (_, index) => index + 1).find((one) =>
      drawn(one).every((party) => starved.has(party)),
    );
    expect(agreementCost({ ...of, seed: seed ?? 0 }).tries).toBe(faultsOf(7) + 1);
  });

  test("no variant tries more than the adversary means to cause", () => {
    for (const delivery of ["full", "on-request"] as const) {
      for (const parallel of [1, 3]) {
        const fixed = agreement(10, "fixed", "fixed-starver");
        expect(agreementCost({ ...fixed, variant: { order: "fixed", delivery, parallel } }).tries).toBe(6);
        for (const order of ["random", "adaptive"] as const) {
          const coin = { ...agreement(10, order, "coin-starver"), variant: { order, delivery, parallel } };
          for (const seed of [1, 3]) agreementCost({ ...coin, seed });
        }
      }
    }
  });
});

describe("binary agreement", () => {
  test("the splitter keeps it going while the coin allows it", () => {
    const rounds = Array.from({ length: 30 }, (_, index) => {
      const of = { n: 7, seed: index + 1, certificates: "multisig", inputs: "split", adversary: "splitter" } as const;
      return binaryCost(of).protocolRounds;
    });
    // Round 2 is never the last; each later one is with probability 1/2.
    expect(Math.min(...rounds)).toBe(3);
    expect(Math.max(...rounds)).toBeGreaterThan(5);
    expect(rounds.reduce((sum, round) => sum + round, 0) / rounds.length).toBeCloseTo(4, 0);
  });

  test("with equal inputs it takes two hops", () => {
    for (const inputs of ["ones", "zeros"] as const) {
      const cost = binaryCost({ n: 7, seed: 1, certificates: "multisig", inputs, adversary: "benign" });
      expect([cost.rounds, cost.protocolRounds, cost.messages]).toEqual([2, 1, 3 * 7 * 6]);
    }
  });
});

test("a round of atomic broadcast tries as many candidates as its agreement", () => {
  for (const protocol of ["atomic", "causal"] as const) {
    const of = { n: 10, seed: 1, certificates: "multisig", protocol, vectorSize: "t+1", payloadBytes: 100 } as const;
    expect(orderingCost({ ...of, adversary: "benign" })).toMatchObject({
      tries: 1,
      rounds: protocol === "atomic" ? 6 : 7,
    });
    expect(orderingCost({ ...of, adversary: "fixed-starver" }).tries).toBe(6);
  }
});
