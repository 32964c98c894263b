/** An auction or a book as it is kept: whose it is, its terms, which counters were used, and its state. */
import { fromHex, toHex } from "../../core/bytes.js";
import { type Decoded, type Value, decode, encode, list, struct, u32, u64, union } from "../../core/codec.js";
import { Auction, auctionStateCodec } from "./auction.js";
import type { Stage } from "./messages.js";
import { OrderBook, bookCodec } from "./order-book.js";
import type { Sealing } from "./sealing.js";
import { type AuctionTerms, type BookTerms, flagCodec, keyCodec, termsCodec } from "./terms.js";

/** Keys that have commanded in one auction: as many as a cluster has clients, and registered keys, at most. */
export const MAX_COMMANDERS = 8192;

const listingCodec = struct({
  auction: u64,
  owner: keyCodec,
  terms: termsCodec,
  /** The last counter of each client, ascending by client. */
  counters: list(struct({ client: keyCodec, counter: u32 }), MAX_COMMANDERS),
  body: union({ auction: auctionStateCodec, book: struct({ isOpen: flagCodec, book: bookCodec }) }),
});
type ListingState = Value<typeof listingCodec>;

interface Common {
  readonly id: number;
  readonly owner: Uint8Array;
}

export type Body =
  | { readonly kind: "auction"; readonly terms: AuctionTerms; readonly auction: Auction }
  | { readonly kind: "book"; readonly terms: BookTerms; readonly book: OrderBook; isOpen: boolean };

export class Listing {
  readonly id: number;
  readonly owner: Uint8Array;
  readonly body: Body;
  readonly #counters: Map<string, number>;
  #encoded: Uint8Array | undefined;

  constructor({ id, owner }: Common, body: Body, counters: ReadonlyMap<string, number> = new Map()) {
    this.id = id;
    this.owner = owner;
    this.body = body;
    this.#counters = new Map(counters);
  }

  static start(common: Common, terms: ListingState["terms"], sealing: Sealing): Listing {
    return new Listing(
      common,
      terms.kind === "book"
        ? { kind: "book", terms, book: new OrderBook(), isOpen: true }
        : { kind: "auction", terms, auction: new Auction(common.id, terms, sealing) },
    );
  }

  get stage(): Stage {
    if (this.body.kind === "auction") return this.body.auction.state.phase;
    return this.body.isOpen ? "open" : "closed";
  }

  /** Whether nothing will happen in it any more. */
  get isOver(): boolean {
    return this.stage === "decided" || this.stage === "closed";
  }

  /** Bids or resting orders. */
  get size(): number {
    return this.body.kind === "auction" ? this.body.auction.state.bids.length : this.body.book.length;
  }

  /** When it closes by itself; undefined: not, or not any more. */
  get closesAtMs(): number | undefined {
    return this.stage === "open" ? this.body.terms.closesAtMs : undefined;
  }

  lastCounter(client: Uint8Array): number {
    return this.#counters.get(toHex(client)) ?? 0;
  }

  /** A command of the client was executed. */
  use(client: Uint8Array, counter: number): void {
    this.#counters.set(toHex(client), counter);
  }

  /** To be called after every change. */
  changed(): void {
    this.#encoded = undefined;
  }

  get encoded(): Uint8Array {
    this.#encoded ??= encode(listingCodec, this.#state());
    return this.#encoded;
  }

  #state(): ListingState {
    const { id, owner, body } = this;
    const counters = [...this.#counters]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([client, counter]) => ({ client: fromHex(client) ?? new Uint8Array(), counter }));
    return {
      auction: id,
      owner,
      terms: body.terms,
      counters,
      body:
        body.kind === "auction"
          ? { kind: "auction", ...body.auction.state }
          : { kind: "book", isOpen: body.isOpen, book: body.book.state },
    };
  }

  /** Keeps views of `bytes`. */
  static decode(bytes: Uint8Array, sealing: Sealing): Decoded<Listing> {
    const decoded = decode(listingCodec, bytes);
    if (!decoded.ok) return decoded;
    const { auction: id, owner, terms, counters, body } = decoded.value;
    const common = { id, owner };
    const last = new Map(counters.map(({ client, counter }) => [toHex(client), counter]));
    if (terms.kind === "book" && body.kind === "book") {
      const { isOpen, book } = body;
      return { ok: true, value: new Listing(common, { kind: "book", terms, book: new OrderBook(book), isOpen }, last) };
    }
    if (terms.kind === "book" || body.kind === "book")
      return { ok: false, error: `auction ${id} has the state of another kind` };
    const { kind: _, ...state } = body;
    const auction = new Auction(id, terms, sealing, state);
    return { ok: true, value: new Listing(common, { kind: "auction", terms, auction }, last) };
  }
}
