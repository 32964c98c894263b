/** The bidding service, as clients use it: the client's key is the bidder's, and sealed bids are encrypted here. */
import { createTdh2Scheme, loadRistretto } from "../crypto/index.js";
import type { SharedPublicKey } from "../crypto/keys.js";
import {
  type BiddingAnswer,
  type BiddingOperation,
  type BiddingQuery,
  type BiddingReply,
  decodeBiddingAnswer,
  decodeBiddingReply,
  encodeBiddingOperation,
  encodeBiddingQuery,
  encodeBids,
  encodeOffer,
  encodeTerms,
  isSealed,
  type ListedBid,
  type Offer,
  type Refusal,
  sealedBidLabel,
  type Side,
  type Terms,
} from "../services/bidding/index.js";
import type { AwardFile } from "../verify/index.js";
import type { CallOptions, Called, Caller, ClientQueryOptions } from "./types.js";

const SERVICE = "bidding";

/** Where in the log it was done. */
export type BiddingPosition = Pick<Called, "sequence" | "round">;
export type AuctionSummary = Extract<BiddingAnswer, { readonly kind: "auction" }>;
export type BookDepth = Extract<BiddingAnswer, { readonly kind: "depth" }>;
type ReplyOf<Kind extends BiddingReply["kind"]> = Extract<BiddingReply, { readonly kind: Kind }> & BiddingPosition;

/** The service refused: nothing was changed. */
export class BiddingRefusedError extends Error {
  override readonly name = "BiddingRefusedError";
  readonly reason: Refusal;

  constructor(reason: Refusal) {
    super(`the bidding service refused: ${reason}`);
    this.reason = reason;
  }
}

/** There is no auction, or no book, with this number. */
export class NoAuctionError extends Error {
  override readonly name = "NoAuctionError";
}

export interface NewOrder {
  readonly side: Side;
  readonly quantity: number;
  /** Undefined: at any price. */
  readonly price?: number | undefined;
}

/** All: @throws as `Client.call` and `Client.query`; BiddingRefusedError; NoAuctionError */
export interface Bidding {
  create(terms: Terms, options?: CallOptions): Promise<ReplyOf<"created">>;
  /** Seals the offer where the auction's terms say so. */
  bid(auction: number, offer: Offer, options?: CallOptions): Promise<ReplyOf<"bid">>;
  withdraw(auction: number, options?: CallOptions): Promise<ReplyOf<"withdrawn">>;
  close(auction: number, options?: CallOptions): Promise<ReplyOf<"closed">>;
  /** The award of a decided auction, signed by the group. */
  award(auction: number, options?: CallOptions): Promise<AwardFile>;
  place(book: number, order: NewOrder, options?: CallOptions): Promise<ReplyOf<"placed">>;
  cancel(book: number, order: number, options?: CallOptions): Promise<ReplyOf<"cancelled">>;
  auctions(options?: ClientQueryOptions): Promise<Extract<BiddingAnswer, { readonly kind: "auctions" }>["auctions"]>;
  auction(auction: number, options?: ClientQueryOptions): Promise<AuctionSummary>;
  bids(auction: number, options?: ClientQueryOptions): Promise<readonly ListedBid[]>;
  depth(book: number, options?: ClientQueryOptions): Promise<BookDepth>;
  /** This client's. */
  orders(book: number, options?: ClientQueryOptions): Promise<Extract<BiddingAnswer, { kind: "orders" }>["orders"]>;
}

/** `encryptionKey`: the group's, under which bids are sealed. */
export function openBidding(caller: Caller, encryptionKey: SharedPublicKey): Bidding {
  const execute = async <Kind extends BiddingReply["kind"]>(
    kind: Kind,
    operation: BiddingOperation,
    options: CallOptions | undefined,
  ) => {
    const called = await caller.call(SERVICE, encodeBiddingOperation(operation), options);
    const { sequence, round } = called;
    const reply = decodeBiddingReply(called.reply);
    if (!reply.ok) throw new Error(`the service's reply is malformed: ${reply.error}`);
    const { value } = reply;
    if (value.kind === "refused") throw new BiddingRefusedError(value.reason);
    if (!isOf(value, kind)) throw new Error(`the service answered "${value.kind}", which makes no sense here`);
    return { reply: { ...value, sequence, round }, called };
  };
  const command = async <Kind extends BiddingReply["kind"]>(
    kind: Kind,
    operation: BiddingOperation,
    options: CallOptions | undefined,
  ) => (await execute(kind, operation, options)).reply;

  const ask = async <Kind extends BiddingAnswer["kind"]>(
    kind: Kind,
    query: BiddingQuery,
    options: ClientQueryOptions | undefined,
  ) => {
    const answered = await caller.query(SERVICE, encodeBiddingQuery(query), options);
    const answer = decodeBiddingAnswer(answered.answer);
    if (!answer.ok) throw new Error(`the service's answer is malformed: ${answer.error}`);
    const { value } = answer;
    if (value.kind === "absent") throw new NoAuctionError(`there is no such ${kind === "depth" ? "book" : "auction"}`);
    if (!isOf(value, kind)) throw new Error(`the service answered "${value.kind}", which makes no sense here`);
    return value;
  };

  /** A counter that this client has not used in the auction. */
  const nextCounter = async (auction: number, options: CallOptions | undefined): Promise<number> => {
    const { least } = await ask("counter", { kind: "counter", auction, client: caller.publicKey }, timeOf(options));
    return least;
  };

  const allBids = async (auction: number, options?: ClientQueryOptions): Promise<readonly ListedBid[]> => {
    const all: ListedBid[] = [];
    for (;;) {
      const { bids, hasMore } = await ask("bids", { kind: "bids", auction, from: all.length + 1 }, options);
      all.push(...bids);
      if (!hasMore) return all;
    }
  };

  return {
    create: (terms, options) => command("created", { kind: "create", terms }, options),
    async bid(auction, offer, options) {
      const { terms } = await ask("auction", { kind: "auction", auction }, timeOf(options));
      const counter = await nextCounter(auction, options);
      const sealed = { cluster: caller.cluster, auction, bidder: caller.publicKey, counter };
      const content = isSealed(terms)
        ? ({ kind: "sealed", ciphertext: await encrypt(encryptionKey, sealedBidLabel(sealed), offer) } as const)
        : ({ kind: "clear", offer } as const);
      return command("bid", { kind: "bid", auction, counter, content }, options);
    },
    async withdraw(auction, options) {
      return command("withdrawn", { kind: "withdraw", auction, counter: await nextCounter(auction, options) }, options);
    },
    async close(auction, options) {
      return command("closed", { kind: "close", auction, counter: await nextCounter(auction, options) }, options);
    },
    async award(auction, options) {
      const { called } = await execute("award", { kind: "award", auction }, { ...options, reply: "signed" });
      if (called.signature === undefined) throw new Error("a signed reply without a signature");
      const { terms } = await ask("auction", { kind: "auction", auction }, timeOf(options));
      const bids = await allBids(auction, timeOf(options));
      return { ...called.signature, terms: encodeTerms(terms), bids: encodeBids(bids) };
    },
    async place(auction, { side, quantity, price }, options) {
      const counter = await nextCounter(auction, options);
      return command("placed", { kind: "place", auction, counter, side, quantity, price }, options);
    },
    async cancel(auction, order, options) {
      const counter = await nextCounter(auction, options);
      return command("cancelled", { kind: "cancel", auction, counter, order }, options);
    },
    async auctions(options) {
      const all = [];
      for (let from = 1; ;) {
        const { auctions, hasMore } = await ask("auctions", { kind: "auctions", from }, options);
        all.push(...auctions);
        if (!hasMore) return all;
        from = (auctions.at(-1)?.auction ?? 0) + 1;
      }
    },
    auction: (auction, options) => ask("auction", { kind: "auction", auction }, options),
    bids: allBids,
    depth: (auction, options) => ask("depth", { kind: "depth", auction }, options),
    async orders(auction, options) {
      const query = { kind: "orders", auction, client: caller.publicKey, from: 0 } as const;
      return (await ask("orders", query, options)).orders;
    },
  };
}

function isOf<Value extends { readonly kind: string }, Kind extends string>(
  value: Value,
  kind: Kind,
): value is Extract<Value, { readonly kind: Kind }> {
  return value.kind === kind;
}

function timeOf(options: CallOptions | undefined): ClientQueryOptions {
  return options?.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
}

async function encrypt(publicKey: SharedPublicKey, label: Uint8Array, offer: Offer): Promise<Uint8Array> {
  const scheme = createTdh2Scheme({ ristretto: await loadRistretto(), publicKey });
  return scheme.encrypt({ label, plaintext: encodeOffer(offer) });
}
