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
const BOOKS = 16;
/** The price goes up and down by so much, in so many orders of a client in a book: so what rests is met before it is too much. */
const SWING = 100;
const PERIOD = 160;
const SPREAD = 3;
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
  return workloadOf(bid, "bid");
}

/** Limit orders on both sides, in each book in turn. */
export function orders({ listings }: WorkloadOptions): Workload {
  const order = (index: number): BiddingOperation => {
    const place = Math.floor(index / listings);
    const price = 1_000 + Math.round(SWING * Math.sin((2 * Math.PI * place) / PERIOD)) + randomInt(-SPREAD, SPREAD + 1);
    return {
      kind: "place",
      auction: 1 + (index % listings),
      counter: 1 + place,
      side: randomInt(2) === 0 ? "buy" : "sell",
      price,
      quantity: randomInt(1, MAX_QUANTITY + 1),
    };
  };
  return workloadOf(order, "placed");
}

function workloadOf(operation: (index: number) => BiddingOperation, done: BiddingReply["kind"]): Workload {
  // The first is made twice: for its length, and to be sent.
  const template = encodeBiddingOperation(operation(0));
  let index = 0;
  const commands: Commands = {
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
