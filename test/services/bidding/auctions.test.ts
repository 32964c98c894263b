/** Each kind of auction, against a model of what it has to do. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AuctionTerms, BiddingReply } from "../../../src/services/bidding/index.js";
import { OWNER, TERMS, World } from "./support.js";

/** What somebody tries; what is wrong with it is for service and model to find out. */
interface Intent {
  readonly kind: "bid" | "withdraw";
  readonly bidder: number;
  readonly amount: number;
  readonly values: readonly number[];
  /** Restarts from a snapshot before. */
  readonly restarts: boolean;
}

const anyIntent = (valueCount: number): fc.Arbitrary<Intent> =>
  fc.record({
    kind: fc.constantFrom("bid", "bid", "bid", "withdraw"),
    // The owner is among them.
    bidder: fc.nat(4),
    amount: fc.integer({ min: 5, max: 25 }),
    values: fc.array(fc.nat(12), { minLength: valueCount, maxLength: valueCount }),
    restarts: fc.boolean(),
  });

interface ModelBid {
  readonly bidder: number;
  readonly amount: number;
  readonly values: readonly number[];
  gone?: "replaced" | "withdrawn";
}

/** As simple as it can be said. */
class Model {
  readonly terms: AuctionTerms;
  readonly bids: ModelBid[] = [];

  constructor(terms: AuctionTerms) {
    this.terms = terms;
  }

  bid({ bidder, amount, values }: Intent): BiddingReply {
    const { terms } = this;
    const own = this.bids.find((bid) => bid.bidder === bidder && bid.gone === undefined);
    if (bidder === OWNER) return { kind: "refused", reason: "not-bidder" };
    if (this.bids.filter((bid) => bid.bidder === bidder).length === 16) return { kind: "refused", reason: "full" };
    if (terms.kind === "open") {
      const highest = Math.max(-1, ...this.bids.flatMap((bid) => (bid.gone === undefined ? [bid.amount] : [])));
      const least = highest < 0 ? terms.reserve : highest + terms.increment;
      if (amount < least) return { kind: "refused", reason: "too-low" };
    } else if (own !== undefined && !terms.mayReplace) return { kind: "refused", reason: "has-bid" };
    if (own !== undefined) own.gone = "replaced";
    this.bids.push({ bidder, amount, values });
    return { kind: "bid", bid: this.bids.length };
  }

  withdraw({ bidder }: Intent): BiddingReply {
    if (!this.terms.mayWithdraw) return { kind: "refused", reason: "no-withdrawal" };
    const own = this.bids.find((bid) => bid.bidder === bidder && bid.gone === undefined);
    if (own === undefined) return { kind: "refused", reason: "no-bid" };
    own.gone = "withdrawn";
    return { kind: "withdrawn", bids: 1 };
  }

  standing(bid: ModelBid): string {
    if (bid.gone !== undefined) return bid.gone;
    const { terms } = this;
    if (terms.kind !== "tender") return bid.amount < terms.reserve ? "below-reserve" : "standing";
    if (bid.amount > terms.maxPrice) return "above-maximum";
    return terms.criteria.some(({ max }, index) => (bid.values[index] ?? 0) > max) ? "out-of-range" : "standing";
  }

  outcome(): { bid: number; price: number } | undefined {
    const { terms } = this;
    let best: { bid: number; worth: number; amount: number } | undefined;
    let second = -Infinity;
    for (const [index, bid] of this.bids.entries()) {
      if (this.standing(bid) !== "standing") continue;
      const [years = 0, days = 0] = bid.values;
      const worth = terms.kind === "tender" ? 3 * years - days - 2 * bid.amount : bid.amount;
      if (best === undefined || worth > best.worth) {
        second = Math.max(second, best?.worth ?? -Infinity);
        best = { bid: index + 1, worth, amount: bid.amount };
      } else second = Math.max(second, worth);
    }
    if (best === undefined) return undefined;
    const price = terms.kind === "sealed-second" ? Math.max(terms.reserve, second) : best.amount;
    return { bid: best.bid, price };
  }

  get isSealed(): boolean {
    return this.terms.kind !== "open";
  }
}

function flags(terms: AuctionTerms, mayReplace: boolean, mayWithdraw: boolean): AuctionTerms {
  return terms.kind === "open" ? { ...terms, mayWithdraw } : { ...terms, mayReplace, mayWithdraw };
}

describe.each([
  ["a sealed first-price auction", TERMS.first, 0],
  ["a sealed second-price auction", TERMS.second, 0],
  ["an open ascending auction", TERMS.open, 0],
  ["a tender with criteria", TERMS.tender, 2],
] as const)("%s", (_, terms, valueCount) => {
  it("does what the model does, also across restarts from snapshots", () => {
    fc.assert(
      fc.property(
        fc.array(anyIntent(valueCount), { maxLength: 40 }),
        fc.boolean(),
        fc.boolean(),
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 2 }),
        (intents, mayReplace, mayWithdraw, openers) => {
          const model = new Model(flags(terms, mayReplace, mayWithdraw));
          const world = new World();
          const auction = world.create(model.terms);
          for (const [index, intent] of intents.entries()) {
            const counter = index + 1;
            const { kind, bidder, amount, values } = intent;
            if (intent.restarts) world.restart();
            const reply =
              kind === "withdraw"
                ? world.ask(bidder, { kind, auction, counter })
                : model.isSealed
                  ? world.bidSealed(auction, bidder, counter, amount, values)
                  : world.bidClear(auction, bidder, counter, amount);
            expect(reply).toEqual(kind === "withdraw" ? model.withdraw(intent) : model.bid(intent));
          }
          expect(world.ask(OWNER, { kind: "close", auction, counter: 1000 })).toEqual({ kind: "closed" });
          // Any two parties open; nobody waits for the others.
          world.settle(openers.slice(0, 2));
          const { stage, outcome } = world.auction(auction);
          expect(stage).toBe("decided");
          expect(outcome).toEqual(model.outcome());
          const listed = world.bids(auction);
          expect(listed.map(({ standing }) => standing)).toEqual(model.bids.map((bid) => model.standing(bid)));
          for (const [index, { offer }] of listed.entries()) {
            const { gone, amount, values } = model.bids[index] ?? { amount: -1, values: [] };
            // What was taken back stays sealed.
            if (model.isSealed && gone !== undefined) expect(offer).toBeUndefined();
            else expect(offer).toEqual({ amount, values: model.isSealed ? values : [] });
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe("outcomes", () => {
  it("are for the first of equal bids, at its price", () => {
    const world = new World();
    const auction = world.create(TERMS.second);
    for (const bidder of [3, 1, 2]) world.bidSealed(auction, bidder, 1, 40);
    world.ask(OWNER, { kind: "close", auction, counter: 1 });
    world.settle();
    expect(world.auction(auction).outcome).toEqual({ bid: 1, price: 40 });
  });

  it("are exact where numbers are as large as they may be", () => {
    const huge = Number.MAX_SAFE_INTEGER;
    const criteria = [{ name: "x", weight: 2 ** 32 - 1, effect: "adds", max: 2 ** 32 - 1 }] as const;
    const world = new World();
    const auction = world.create({ ...TERMS.tender, maxPrice: huge, priceWeight: 2 ** 31 + 1, criteria });
    // As doubles the weighted prices are equal.
    expect((2 ** 31 + 1) * huge).toBe((2 ** 31 + 1) * (huge - 1));
    world.bidSealed(auction, 1, 1, huge, [5]);
    world.bidSealed(auction, 2, 1, huge - 1, [5]);
    world.ask(OWNER, { kind: "close", auction, counter: 1 });
    world.settle();
    expect(world.auction(auction).outcome).toEqual({ bid: 2, price: huge - 1 });
  });
});
