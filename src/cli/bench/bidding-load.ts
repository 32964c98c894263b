/**
 * Loads of the bidding service: sealed bids, each encrypted for the group when it is sent, and orders in books. The auctions and books
 * are opened before, by owners that do not bid. A command has a greater counter than its client's last one, so each client waits for
 * the reply before it sends more.
 */
import { randomInt } from "node:crypto";
import { createTdh2Scheme, loadRistretto } from "../../crypto/index.js";
import { MAX_BIDS_PER_BIDDER } from "../../services/bidding/bid.js";
import { MAX_AUCTIONS_PER_OWNER, MAX_BIDS } from "../../services/bidding/house.js";
import {
  type BiddingOperation,
  type BiddingReply,
  decodeBiddingReply,
  encodeBiddingOperation,
  encodeOffer,
  sealedBidLabel,
  type Side,
  type Terms,
} from "../../services/bidding/index.js";
import { decodeReplies } from "../../wire/replies.js";
import { openBidding } from "../../client/index.js";
import { openClient } from "../cluster-client.js";
import type { BenchSettings } from "./settings.js";
import type { Commands, Workload, WorkloadOptions } from "./workload-types.js";

/** As many a second as are provided for where nobody says how many there will be. */
const ASSUMED_RATE = 2_000;
/** Of the time that is measured: what is sent before and after. */
const SPARE_SECONDS = 5;
/** Sealed bids in one request: a client has one under way, and a replica checks a bid for a millisecond and more. */
const MAX_BIDS_PER_REQUEST = 16;
const BOOKS = 16;
/** Orders of a client that rest in a book before as many take them. */
const DEPTH = 8;
const MIDDLE = 1_000;
const SPREAD = 10;
const MAX_QUANTITY = 10;

const common = { unit: "", bidders: [], closesAtMs: undefined };
const TERMS: ReadonlyMap<string, Terms> = new Map<string, Terms>([
  [
    "bidding",
    { kind: "sealed-first", title: "a load of bids", ...common, mayReplace: true, mayWithdraw: false, reserve: 0 },
  ],
  ["book", { kind: "book", title: "a load of orders", ...common }],
]);

type Measured = Pick<BenchSettings, "service" | "rate" | "clients" | "seconds" | "warmUpSeconds">;

/** How many auctions or books are opened: room for all that will be bid, or for all that the service keeps. */
export function listingsOf({ service, rate, clients, seconds, warmUpSeconds }: Measured): number {
  if (service === "book") return BOOKS;
  if (service !== "bidding") return 0;
  const bids = Math.min(MAX_BIDS, (rate ?? ASSUMED_RATE) * (warmUpSeconds + seconds + SPARE_SECONDS));
  return Math.ceil(bids / (MAX_BIDS_PER_BIDDER * clients));
}

/** Clients that own them. */
export function ownersOf(settings: Measured): number {
  return Math.ceil(listingsOf(settings) / MAX_AUCTIONS_PER_OWNER);
}

/** @throws InputError, and what a client throws */
export async function openListings(settings: Measured, ownerFiles: readonly string[]): Promise<void> {
  const terms = TERMS.get(settings.service);
  if (terms === undefined) return;
  let missing = listingsOf(settings);
  for (const file of ownerFiles) {
    const { client, config } = await openClient(file);
    try {
      const bidding = openBidding(client, config.public.keys.encryption);
      const own = Math.min(missing, MAX_AUCTIONS_PER_OWNER);
      await Promise.all(Array.from({ length: own }, () => bidding.create(terms)));
      missing -= own;
    } finally {
      client.close();
    }
  }
}

/** One auction after the other, so often as a bidder may bid in one. */
export async function sealedBids(options: WorkloadOptions): Promise<Workload> {
  const { cluster, client: bidder, encryptionKey, listings } = options;
  const scheme = createTdh2Scheme({ ristretto: await loadRistretto(), publicKey: encryptionKey });
  const bid = (index: number): BiddingOperation => {
    const auction = 1 + Math.floor(index / MAX_BIDS_PER_BIDDER);
    const counter = 1 + (index % MAX_BIDS_PER_BIDDER);
    if (auction > listings)
      throw new Error(`all ${listings} auctions are full: take more clients, fewer seconds, or a lower rate`);
    const label = sealedBidLabel({ cluster, auction, bidder, counter });
    const plaintext = encodeOffer({ amount: randomInt(1, 2 ** 47), values: [] });
    return {
      kind: "bid",
      auction,
      counter,
      content: { kind: "sealed", ciphertext: scheme.encrypt({ label, plaintext }) },
    };
  };
  return workloadOf(bid, "bid", MAX_BIDS_PER_REQUEST);
}

/**
 * Limit orders, in each book in turn: `DEPTH` that rest, of a random side and
 * at several prices, then as many of the other side, of the same quantities
 * together, at a price that takes all of them. So what a client bought it has
 * sold after each such turn, and the book holds at most a turn of each client.
 * (Independent sides would drift apart as a random walk does, and moving
 * prices leave orders behind that are never met: in the end a client has more
 * that rest than it may.)
 */
export function orders({ listings }: WorkloadOptions): Workload {
  const turns = new Map<number, Turn>();
  const order = (index: number): BiddingOperation => {
    const auction = 1 + (index % listings);
    const place = Math.floor(index / listings);
    const step = place % (2 * DEPTH);
    const turn = (step === 0 ? undefined : turns.get(auction)) ?? newTurn();
    turns.set(auction, turn);
    return { kind: "place", auction, counter: 1 + place, ...orderOf(turn, step) };
  };
  return workloadOf(order, "placed");
}

type Turn = { readonly resting: Side; readonly quantities: readonly number[] };
type Order = { readonly side: Side; readonly price: number; readonly quantity: number };

function newTurn(): Turn {
  const quantities = Array.from({ length: DEPTH }, () => randomInt(1, MAX_QUANTITY + 1));
  return { resting: randomInt(2) === 0 ? "buy" : "sell", quantities };
}

function orderOf({ resting, quantities }: Turn, step: number): Order {
  const takes = step >= DEPTH;
  // The quantities that take are those that rest, one place on: so orders are filled in parts, too.
  const quantity = quantities[(takes ? step + 1 : step) % DEPTH] ?? 1;
  const away = takes ? SPREAD : randomInt(1, SPREAD + 1);
  const side = takes ? (resting === "buy" ? "sell" : "buy") : resting;
  return { side, price: MIDDLE + (resting === "buy" ? -away : away), quantity };
}

function workloadOf(
  operation: (index: number) => BiddingOperation,
  done: BiddingReply["kind"],
  maxPerRequest?: number,
): Workload {
  // The first is made twice: for its length, and to be sent.
  const template = encodeBiddingOperation(operation(0));
  let index = 0;
  const commands: Commands = {
    ...(maxPerRequest !== undefined && { maxPerRequest }),
    write: (bytes) => bytes.set(encodeBiddingOperation(operation(index++))),
    check(reply) {
      const replies = decodeReplies(reply);
      if (!replies.ok) throw new Error(`the replies are malformed: ${replies.error}`);
      for (const one of replies.value) checkReply(one, done);
    },
  };
  return { service: "bidding", template, random: [], commands };
}

function checkReply(bytes: Uint8Array, done: BiddingReply["kind"]): void {
  const reply = decodeBiddingReply(bytes);
  const said = reply.ok ? reply.value : undefined;
  if (said?.kind === done) return;
  throw new Error(`the load was not executed: ${said?.kind === "refused" ? said.reason : (said?.kind ?? "malformed")}`);
}
