/**
 * A continuous order book of one good: an order is matched at once with the best orders on the other side, at their prices, the older
 * first where prices are equal. What is left of a limit order rests; what is left of a market order goes.
 */
import { type Value, choice, fixedBytes, list, optional, refine, struct, u32, u64 } from "../../core/codec.js";
import { equalBytes } from "../../core/bytes.js";

/** Orders that rest in one book. */
export const MAX_RESTING_ORDERS = 4096;
/** The same, of one client. */
export const MAX_RESTING_ORDERS_PER_CLIENT = 256;
/** Resting orders that one order takes: what is left of it then goes, also of a limit order. */
export const MAX_FILLS = 512;

export const sideCodec = choice("buy", "sell");
export type Side = Value<typeof sideCodec>;

export const priceCodec = refine(u64, (price) => (price > 0 ? undefined : "a price of 0"));
export const quantityCodec = refine(u32, (quantity) => (quantity > 0 ? undefined : "a quantity of 0"));

const restingCodec = struct({
  /** In order of arrival. */
  order: u64,
  client: fixedBytes(32),
  price: priceCodec,
  /** What is left of it. */
  quantity: quantityCodec,
});
export type Resting = Value<typeof restingCodec>;

const fillCodec = struct({
  /** The resting order that it was matched with. */
  order: u64,
  price: priceCodec,
  quantity: quantityCodec,
});
export const fillsCodec = list(fillCodec, MAX_FILLS);
export type Fill = Value<typeof fillCodec>;

const levelCodec = struct({ price: priceCodec, quantity: u64, orders: u32 });
export type Level = Value<typeof levelCodec>;
/** Prices with orders at them that an answer tells, of each side. */
export const MAX_LEVELS = 64;
export const levelsCodec = list(levelCodec, MAX_LEVELS);

export const bookCodec = struct({
  /** The number of the last order. */
  last: u64,
  /** Best first. */
  buy: list(restingCodec, MAX_RESTING_ORDERS),
  sell: list(restingCodec, MAX_RESTING_ORDERS),
  /** What was traded last. */
  lastTrade: optional(fillCodec),
});
export type BookState = Value<typeof bookCodec>;

export interface NewOrder {
  readonly client: Uint8Array;
  readonly side: Side;
  /** The worst that is accepted; undefined: a market order. */
  readonly price: number | undefined;
  readonly quantity: number;
}

export interface Placed {
  readonly order: number;
  readonly fills: readonly Fill[];
  /** What rests in the book. */
  readonly resting: number;
}

export class OrderBook {
  #last: number;
  readonly #sides: Record<Side, Resting[]>;
  #lastTrade: Fill | undefined;

  constructor(state: BookState = { last: 0, buy: [], sell: [], lastTrade: undefined }) {
    this.#last = state.last;
    this.#sides = { buy: [...state.buy], sell: [...state.sell] };
    this.#lastTrade = state.lastTrade;
  }

  /** Resting orders. */
  get length(): number {
    return this.#sides.buy.length + this.#sides.sell.length;
  }

  get lastTrade(): Fill | undefined {
    return this.#lastTrade;
  }

  /** Whether one more order of the client could rest. */
  hasRoom(client: Uint8Array): boolean {
    return this.length < MAX_RESTING_ORDERS && this.ordersOf(client).length < MAX_RESTING_ORDERS_PER_CLIENT;
  }

  place({ client, side, price, quantity }: NewOrder): Placed {
    const order = ++this.#last;
    const fills: Fill[] = [];
    let left = quantity;
    const others = this.#sides[side === "buy" ? "sell" : "buy"];
    for (const best of others) {
      if (left === 0 || fills.length === MAX_FILLS) break;
      // The other side wants more than this order gives.
      if (price !== undefined && isBetter(side, best.price, price)) break;
      const taken = Math.min(left, best.quantity);
      fills.push({ order: best.order, price: best.price, quantity: taken });
      left -= taken;
    }
    this.#take(others, fills);
    const rests = price !== undefined && left > 0 && fills.length < MAX_FILLS;
    if (rests) this.#rest(side, { order, client, price, quantity: left });
    return { order, fills, resting: rests ? left : 0 };
  }

  /** Removes what was filled from the front; of the last one a part may stay, in its place. */
  #take(others: Resting[], fills: readonly Fill[]): void {
    const last = fills.at(-1);
    if (last === undefined) return;
    const touched = others.splice(0, fills.length);
    const left = (touched.at(-1)?.quantity ?? 0) - last.quantity;
    const partly = touched.at(-1);
    if (partly !== undefined && left > 0) others.unshift({ ...partly, quantity: left });
    this.#lastTrade = last;
  }

  /** Behind all that are as good. */
  #rest(side: Side, resting: Resting): void {
    const own = this.#sides[side];
    const behind = own.findIndex(({ price }) => isBetter(side, resting.price, price));
    own.splice(behind < 0 ? own.length : behind, 0, resting);
  }

  /** What was left of the client's order; undefined when it does not rest here. */
  cancel(client: Uint8Array, order: number): number | undefined {
    for (const side of Object.values(this.#sides)) {
      const index = side.findIndex((one) => one.order === order && equalBytes(one.client, client));
      if (index >= 0) return side.splice(index, 1)[0]?.quantity;
    }
    return undefined;
  }

  /** All orders go. */
  clear(): void {
    this.#sides.buy.length = 0;
    this.#sides.sell.length = 0;
  }

  ordersOf(client: Uint8Array): (Resting & { readonly side: Side })[] {
    return (["buy", "sell"] as const).flatMap((side) =>
      this.#sides[side]
        .filter((one) => equalBytes(one.client, client))
        .map(({ order, price, quantity }) => ({ order, client, side, price, quantity })),
    );
  }

  /** What rests at each price, best first. */
  depth(side: Side): Level[] {
    const levels: Level[] = [];
    for (const { price, quantity } of this.#sides[side]) {
      const level = levels.at(-1);
      if (level?.price === price)
        levels[levels.length - 1] = { price, quantity: level.quantity + quantity, orders: level.orders + 1 };
      else if (levels.length === MAX_LEVELS) break;
      else levels.push({ price, quantity, orders: 1 });
    }
    return levels;
  }

  get state(): BookState {
    return { last: this.#last, buy: this.#sides.buy, sell: this.#sides.sell, lastTrade: this.#lastTrade };
  }
}

/** Whether an order on this side at `price` comes before one at `other`, whichever is older. */
function isBetter(side: Side, price: number, other: number): boolean {
  return side === "buy" ? price > other : price < other;
}
