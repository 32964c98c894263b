/** Answers to queries, from the present state. */
import type { Auction } from "./auction.js";
import type { House } from "./house.js";
import type { Listing } from "./listing.js";
import {
  type BiddingAnswer,
  type BiddingQuery,
  MAX_LISTED_PER_ANSWER,
  decodeBiddingQuery,
  encodeBiddingAnswer,
} from "./messages.js";
import type { OrderBook } from "./order-book.js";
import type { RegisteredKey } from "./registry.js";

/** Total. */
export function answerTo(house: House, bytes: Uint8Array): Uint8Array {
  const query = decodeBiddingQuery(bytes);
  return encodeBiddingAnswer(query.ok ? answer(house, query.value) : { kind: "malformed" });
}

function answer(house: House, query: BiddingQuery): BiddingAnswer {
  if (query.kind === "auctions") {
    const { items, hasMore } = firstOf(house.listings.filter(({ id }) => id >= query.from));
    const auctions = items.map(({ id, body: { terms }, stage }) => {
      return { auction: id, kind: terms.kind, title: terms.title, stage };
    });
    return { kind: "auctions", auctions, hasMore };
  }
  if (query.kind === "keys") {
    const { items, hasMore } = firstOf(house.registry.keys.slice(query.from));
    return { kind: "keys", keys: items.map(shown), hasMore };
  }
  if (query.kind === "key") {
    const registered = house.registry.get(query.key);
    return registered === undefined ? { kind: "absent" } : { kind: "key", ...shown(registered) };
  }
  const listing = house.get(query.auction);
  if (listing === undefined) return { kind: "absent" };
  if (query.kind === "auction") return summary(listing);
  if (query.kind === "counter") return { kind: "counter", least: listing.lastCounter(query.client) + 1 };
  const { body } = listing;
  if (query.kind === "bids") return body.kind === "auction" ? bids(body.auction, query.from) : { kind: "absent" };
  if (body.kind !== "book") return { kind: "absent" };
  return query.kind === "depth" ? depth(body.book) : orders(body.book, query);
}

function firstOf<Item>(all: readonly Item[]): { readonly items: readonly Item[]; readonly hasMore: boolean } {
  return { items: all.slice(0, MAX_LISTED_PER_ANSWER), hasMore: all.length > MAX_LISTED_PER_ANSWER };
}

function shown({ key, name, sponsor, sequence, last }: RegisteredKey) {
  return { key, name, sponsor, sequence, least: last + 1 };
}

function summary({ id, owner, body, stage, size }: Listing): BiddingAnswer {
  const common = { kind: "auction", auction: id, owner, terms: body.terms, stage, bids: size } as const;
  if (body.kind === "book")
    return { ...common, sealed: 0, leading: undefined, closed: undefined, outcome: undefined, faulty: [] };
  const { auction } = body;
  const { closed, outcome, faulty } = auction.state;
  const sealed = auction.bids.filter(({ standing, offer }) => standing === "standing" && offer === undefined).length;
  const leading = body.terms.kind === "open" ? auction.leading : undefined;
  return { ...common, sealed, leading, closed, outcome, faulty };
}

function bids(auction: Auction, from: number): BiddingAnswer {
  const { items, hasMore } = firstOf(auction.bids.filter(({ number }) => number >= from));
  return { kind: "bids", bids: items, hasMore };
}

function depth(book: OrderBook): BiddingAnswer {
  const { lastTrade } = book;
  return {
    kind: "depth",
    buy: book.depth("buy"),
    sell: book.depth("sell"),
    lastTrade: lastTrade && { price: lastTrade.price, quantity: lastTrade.quantity },
  };
}

function orders(book: OrderBook, { client, from }: Extract<BiddingQuery, { readonly kind: "orders" }>): BiddingAnswer {
  const own = book
    .ordersOf(client)
    .filter(({ order }) => order >= from)
    .sort((a, b) => a.order - b.order)
    .map(({ order, side, price, quantity }) => ({ order, side, price, quantity }));
  const { items, hasMore } = firstOf(own);
  return { kind: "orders", orders: items, hasMore };
}
