/** The order book against a model: all orders ever, and a search for the best at each unit of quantity. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_FILLS, MAX_RESTING_ORDERS_PER_CLIENT, OrderBook } from "../../../src/services/bidding/order-book.js";
import { keyOf, OWNER, TERMS, World } from "./support.js";

type Side = "buy" | "sell";

interface ModelOrder {
  readonly client: number;
  readonly side: Side;
  readonly price: number;
  quantity: number;
}

class Model {
  readonly orders: ModelOrder[] = [];

  place(client: number, side: Side, price: number | undefined, quantity: number) {
    const order = this.orders.length + 1;
    const fills: { order: number; price: number; quantity: number }[] = [];
    let left = quantity;
    for (; left > 0; left--) {
      let best: number | undefined;
      for (const [index, other] of this.orders.entries()) {
        if (other.side === side || other.quantity === 0) continue;
        if (price !== undefined && (side === "buy" ? other.price > price : other.price < price)) continue;
        const present = best === undefined ? undefined : this.orders[best]?.price;
        if (present === undefined || (side === "buy" ? other.price < present : other.price > present)) best = index;
      }
      const matched = best === undefined ? undefined : this.orders[best];
      if (best === undefined || matched === undefined) break;
      matched.quantity -= 1;
      const last = fills.at(-1);
      if (last?.order === best + 1) last.quantity += 1;
      else fills.push({ order: best + 1, price: matched.price, quantity: 1 });
    }
    const resting = price === undefined ? 0 : left;
    this.orders.push({ client, side, price: price ?? 0, quantity: resting });
    return { order, fills, resting };
  }

  cancel(client: number, order: number): number | undefined {
    const found = this.orders[order - 1];
    if (found === undefined || found.client !== client || found.quantity === 0) return undefined;
    const { quantity } = found;
    found.quantity = 0;
    return quantity;
  }

  depth(side: Side) {
    const prices = new Set(
      this.orders.filter((order) => order.side === side && order.quantity > 0).map((o) => o.price),
    );
    return [...prices]
      .sort((a, b) => (side === "buy" ? b - a : a - b))
      .map((price) => {
        const at = this.orders.filter((order) => order.side === side && order.price === price && order.quantity > 0);
        return { price, quantity: at.reduce((sum, { quantity }) => sum + quantity, 0), orders: at.length };
      });
  }
}

const anyOrder = fc.record({
  kind: fc.constantFrom("place", "place", "place", "cancel"),
  client: fc.nat(3),
  side: fc.constantFrom<Side>("buy", "sell"),
  price: fc.option(fc.integer({ min: 95, max: 105 }), { nil: undefined, freq: 5 }),
  quantity: fc.integer({ min: 1, max: 9 }),
  /** What is cancelled: so many orders back. */
  back: fc.nat(8),
  restarts: fc.boolean(),
});

describe("an order book", () => {
  it("matches as the model does, by price and then time, also across restarts from snapshots", () => {
    fc.assert(
      fc.property(fc.array(anyOrder, { maxLength: 60 }), (orders) => {
        const model = new Model();
        const world = new World();
        const auction = world.create(TERMS.book);
        for (const [index, { kind, client, side, price, quantity, back, restarts }] of orders.entries()) {
          const counter = index + 1;
          if (restarts) world.restart();
          if (kind === "place") {
            const placed = world.ask(client, { kind, auction, counter, side, price, quantity });
            expect(placed).toEqual({ kind: "placed", ...model.place(client, side, price, quantity) });
          } else {
            const order = Math.max(1, model.orders.length - back);
            const left = model.cancel(client, order);
            const expected =
              left === undefined ? { kind: "refused", reason: "no-order" } : { kind: "cancelled", quantity: left };
            expect(world.ask(client, { kind: "cancel", auction, counter, order })).toEqual(expected);
          }
          const depth = world.query({ kind: "depth", auction });
          expect(depth).toMatchObject({ buy: model.depth("buy"), sell: model.depth("sell") });
        }
        // Nothing is made or lost: what was bought was sold.
        for (const client of [0, 1, 2, 3]) {
          const own = world.query({ kind: "orders", auction, client: keyOf(client), from: 0 });
          const expected = model.orders.flatMap((order, index) =>
            order.client === client && order.quantity > 0
              ? [{ order: index + 1, side: order.side, price: order.price, quantity: order.quantity }]
              : [],
          );
          expect(own).toEqual({ kind: "orders", orders: expected, hasMore: false });
        }
      }),
      { numRuns: 150 },
    );
  });

  it("takes no orders when its owner has closed it, and nothing rests in it any more", () => {
    const world = new World();
    const auction = world.create(TERMS.book);
    const order = { kind: "place", auction, side: "buy", price: 5, quantity: 1 } as const;
    world.ask(1, { ...order, counter: 1 });
    expect(world.ask(1, { kind: "close", auction, counter: 2 })).toEqual({ kind: "refused", reason: "not-owner" });
    expect(world.ask(OWNER, { kind: "close", auction, counter: 1 })).toEqual({ kind: "closed" });
    expect(world.ask(1, { ...order, counter: 3 })).toEqual({ kind: "refused", reason: "not-open" });
    expect(world.query({ kind: "depth", auction })).toMatchObject({ buy: [], sell: [] });
    expect(world.auction(auction)).toMatchObject({ stage: "closed", bids: 0 });
  });

  it("lets a client have so many resting orders and no more, and always a market order", () => {
    const world = new World();
    const auction = world.create(TERMS.book);
    const place = (client: number, counter: number, price: number | undefined) =>
      world.ask(client, { kind: "place", auction, counter, side: "buy", price, quantity: 1 });
    for (let counter = 1; counter <= MAX_RESTING_ORDERS_PER_CLIENT; counter++)
      expect(place(1, counter, 7)).toMatchObject({ kind: "placed", resting: 1 });
    expect(place(1, 1000, 7)).toEqual({ kind: "refused", reason: "full" });
    expect(place(1, 1001, undefined)).toMatchObject({ kind: "placed", fills: [] });
    expect(place(2, 1, 7)).toMatchObject({ kind: "placed", resting: 1 });
  });

  it("fills one order with a bounded number of others, and what is left of it then goes", () => {
    const book = new OrderBook();
    for (let index = 0; index < MAX_FILLS + 5; index++)
      book.place({ client: keyOf(index % 7), side: "sell", price: 3, quantity: 1 });
    const placed = book.place({ client: keyOf(9), side: "buy", price: 4, quantity: MAX_FILLS + 50 });
    expect(placed.fills).toHaveLength(MAX_FILLS);
    expect(placed.resting).toBe(0);
    expect(book.length).toBe(5);
  });
});
