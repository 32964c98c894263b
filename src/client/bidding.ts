/** The bidding service, as clients use it: who acts is the client itself, or another actor; sealed bids are encrypted here. */
import { createTdh2Scheme, loadRistretto } from "../crypto/index.js";
import type { SharedPublicKey } from "../crypto/keys.js";
import {
  type BiddingAnswer,
  type BiddingCommand,
  type BiddingQuery,
  type BiddingReply,
  encodeBids,
  encodeOffer,
  encodeTerms,
  isSealed,
  LAST_COUNTER,
  type ListedBid,
  type Offer,
  sealedBidLabel,
  type Side,
  type Terms,
} from "../services/bidding/index.js";
import type { AwardFile } from "../verify/index.js";
import { type BiddingActor, clientActor, type Registration } from "./bidding-actor.js";
import {
  type AnswerOf,
  BiddingRefusedError,
  biddingCalls,
  NoAuctionError,
  type ReplyOf,
  timeOf,
} from "./bidding-calls.js";
import type { CallOptions, Caller, ClientQueryOptions } from "./types.js";

export type AuctionSummary = AnswerOf<"auction">;
export type BookDepth = AnswerOf<"depth">;
export type RegisteredKey = AnswerOf<"keys">["keys"][number];

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
  auctions(options?: ClientQueryOptions): Promise<AnswerOf<"auctions">["auctions"]>;
  auction(auction: number, options?: ClientQueryOptions): Promise<AuctionSummary>;
  bids(auction: number, options?: ClientQueryOptions): Promise<readonly ListedBid[]>;
  depth(book: number, options?: ClientQueryOptions): Promise<BookDepth>;
  /** The actor's. */
  orders(book: number, options?: ClientQueryOptions): Promise<AnswerOf<"orders">["orders"]>;
  /** Has a key registered, whoever the actor is: the client becomes its sponsor. */
  register(registration: Registration, options?: CallOptions): Promise<ReplyOf<"registered">>;
  /** Registered keys, in order of registration. */
  keys(options?: ClientQueryOptions): Promise<readonly RegisteredKey[]>;
}

/** `encryptionKey`: the group's, under which bids are sealed. The client acts as itself unless another actor is given. */
export function openBidding(
  caller: Caller,
  encryptionKey: SharedPublicKey,
  actor: BiddingActor = clientActor(caller),
): Bidding {
  const calls = biddingCalls(caller);
  const command = async <Kind extends BiddingReply["kind"]>(
    kind: Kind,
    given: BiddingCommand,
    options: CallOptions | undefined,
  ) => (await calls.execute(kind, await actor.operation(given, options), options)).reply;

  const ask = async <Kind extends BiddingAnswer["kind"]>(
    kind: Kind,
    query: BiddingQuery,
    options: ClientQueryOptions | undefined,
  ) => {
    const answer = await calls.find(kind, query, options);
    if (answer === undefined) throw new NoAuctionError(`there is no such ${kind === "depth" ? "book" : "auction"}`);
    return answer;
  };

  /** A counter that the actor has not used in the auction. */
  const nextCounter = async (auction: number, options: CallOptions | undefined): Promise<number> => {
    const { least } = await ask("counter", { kind: "counter", auction, client: actor.publicKey }, timeOf(options));
    if (least > LAST_COUNTER) throw new BiddingRefusedError("old-counter");
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
      const sealed = { cluster: caller.cluster, auction, bidder: actor.publicKey, counter };
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
      const { called } = await calls.execute("award", { kind: "award", auction }, { ...options, reply: "signed" });
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
      const all = [];
      for (let from = 0; ;) {
        const query = { kind: "orders", auction, client: actor.publicKey, from } as const;
        const { orders, hasMore } = await ask("orders", query, options);
        all.push(...orders);
        if (!hasMore) return all;
        from = (orders.at(-1)?.order ?? 0) + 1;
      }
    },
    async register(registration, options) {
      return (await calls.execute("registered", { kind: "register", ...registration }, options)).reply;
    },
    async keys(options) {
      const all: RegisteredKey[] = [];
      for (;;) {
        const { keys, hasMore } = await ask("keys", { kind: "keys", from: all.length }, options);
        all.push(...keys);
        if (!hasMore) return all;
      }
    },
  };
}

async function encrypt(publicKey: SharedPublicKey, label: Uint8Array, offer: Offer): Promise<Uint8Array> {
  const scheme = createTdh2Scheme({ ristretto: await loadRistretto(), publicKey });
  return scheme.encrypt({ label, plaintext: encodeOffer(offer) });
}
