/**
 * Auctions and order books over REST. Commands are signed by their client; a replica only has them ordered. What is read is what enough
 * replicas say alike; an award is the group's own word.
 */
import { z } from "zod";
import { jsonRoute, ProblemError, type Route, wholeParameter } from "../../adapters/rest/index.js";
import { BiddingRefusedError, type Caller, NoAuctionError, openBidding } from "../../client/index.js";
import { fromBase64, toBase64 } from "../../core/base64.js";
import { fromHex, toHex } from "../../core/bytes.js";
import type { SharedPublicKey } from "../../crypto/keys.js";
import {
  type BiddingAnswer,
  type BiddingQuery,
  type BiddingReply,
  decodeBiddingAnswer,
  decodeBiddingReply,
  encodeBiddingQuery,
  isSealed,
  LAST_COUNTER,
  type Refusal,
  sealedBidLabel,
} from "../../services/bidding/index.js";
import { formatAward } from "../../verify/index.js";
import type { OutcomeFrame } from "../../wire/client-frames.js";
import { decodePayload } from "../../wire/payload.js";
import { auctionJson, bidJson, depthJson } from "../bidding-json.js";
import {
  auctionSchema,
  auctionsSchema,
  awardSchema,
  bidsSchema,
  commandSchema,
  depthSchema,
  doneSchema,
  keyParameter,
  ordersSchema,
  sealingSchema,
} from "./bidding-schemas.js";
import { asProblems, CALL_PROBLEMS, notServing } from "./failures.js";

/** For the cluster to answer; below the server's bound on a connection's life. */
export const TIMEOUT_MS = 8_000;
export const ORDER_COST = 5;
/** What a request costs that every replica makes a share for, or is asked for. */
const SHARED_COST = 2;

export type BiddingCaller = Pick<Caller, "cluster" | "publicKey" | "call" | "callAll" | "query">;

export interface BiddingRoutesOptions {
  readonly cluster: Uint8Array;
  /** The group's, under which bids are sealed. */
  readonly encryptionKey: SharedPublicKey;
  /** This replica's client of the cluster. */
  readonly client: () => BiddingCaller | undefined;
  /** Has a client's signed request ordered here. @throws ProblemError */
  readonly submit: (payload: Uint8Array) => Promise<Pick<OutcomeFrame, "sequence" | "round" | "reply">>;
}

type AnswerOf<Kind extends BiddingAnswer["kind"]> = Extract<BiddingAnswer, { readonly kind: Kind }>;

const number = wholeParameter(1, Number.MAX_SAFE_INTEGER);
const from = wholeParameter(0, 0xffff_ffff).optional().describe("the first number; left out: all");
const NO_AUCTION = { "no-auction": "there is none with this number, or it is of another kind" } as const;
const READS = { ...CALL_PROBLEMS, ...NO_AUCTION } as const;
const COMMANDS = {
  ...CALL_PROBLEMS,
  "not-a-command": "the bytes are no signed request for the service bidding",
  refused: "the service refused; the code is its reason (docs/bidding.md)",
} as const;

export function biddingRoutes(options: BiddingRoutesOptions): Route[] {
  const ask = asker(options);
  return [
    jsonRoute({
      method: "GET",
      path: "/v1/auctions",
      operationId: "listAuctions",
      summary: "auctions and books",
      problems: CALL_PROBLEMS,
      query: { from },
      answer: { name: "Auctions", schema: auctionsSchema },
      async run({ query }) {
        const { auctions, hasMore } = await ask("auctions", { kind: "auctions", from: query.from ?? 0 });
        return { auctions: [...auctions], next: nextAfter(hasMore, auctions.at(-1)?.auction) };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/auctions/{auction}",
      operationId: "showAuction",
      summary: "an auction, without its bids; or a book, without its orders",
      problems: READS,
      params: { auction: number },
      answer: { name: "Auction", schema: auctionSchema },
      async run({ params: { auction } }) {
        const summary = await ask("auction", { kind: "auction", auction });
        return { ...auctionJson(summary), bidCount: summary.bids, sealedCount: summary.sealed };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/auctions/{auction}/bids",
      operationId: "listBids",
      summary: "its bids; amounts of sealed ones only after they were opened",
      problems: READS,
      params: { auction: number },
      query: { from },
      answer: { name: "Bids", schema: bidsSchema },
      async run({ params: { auction }, query }) {
        const { bids, hasMore } = await ask("bids", { kind: "bids", auction, from: query.from ?? 1 });
        return { bids: bids.map(bidJson), next: nextAfter(hasMore, bids.at(-1)?.number) };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/auctions/{auction}/sealing",
      operationId: "sealingOfBid",
      summary: "under which key and label a bidder encrypts its next bid",
      problems: {
        ...READS,
        "not-sealed": "bids are in the clear here",
        "old-counter": "the bidder has used the last one",
      },
      cost: SHARED_COST,
      params: { auction: number },
      query: { bidder: keyParameter },
      answer: { name: "Sealing", schema: sealingSchema },
      run: ({ params, query }) => sealing(options, ask, params.auction, query.bidder),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/auctions/{auction}/award",
      operationId: "awardOfAuction",
      summary: "the award, with what it follows from",
      problems: { ...READS, "not-decided": "there is none yet" },
      cost: ORDER_COST,
      params: { auction: number },
      answer: { name: "Award", schema: awardSchema },
      run: ({ params }) => award(options, params.auction),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/auctions/{auction}/counter",
      operationId: "counterOfClient",
      summary: "the least counter that a client's next command in this auction or book may have",
      problems: READS,
      params: { auction: number },
      query: { client: keyParameter },
      answer: { name: "Counter", schema: z.object({ least: z.int().min(1) }) },
      async run({ params: { auction }, query }) {
        return { least: (await ask("counter", { kind: "counter", auction, client: bytesOf(query.client) })).least };
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/books/{book}",
      operationId: "showBook",
      summary: "what rests in an order book",
      problems: READS,
      params: { book: number },
      answer: { name: "Book", schema: depthSchema },
      run: async ({ params }) => depthJson(await ask("depth", { kind: "depth", auction: params.book })),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/books/{book}/orders",
      operationId: "listOrders",
      summary: "what rests of a client's orders in a book",
      problems: READS,
      params: { book: number },
      query: { client: keyParameter, from },
      answer: { name: "Orders", schema: ordersSchema },
      async run({ params, query }) {
        const client = bytesOf(query.client);
        const asked = { kind: "orders", auction: params.book, client, from: query.from ?? 0 } as const;
        const { orders, hasMore } = await ask("orders", asked);
        return { orders: [...orders], next: nextAfter(hasMore, orders.at(-1)?.order) };
      },
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/auctions/commands",
      operationId: "commandBidding",
      summary: "have a client's signed command ordered: create, bid, withdraw, close, place, cancel",
      problems: COMMANDS,
      cost: ORDER_COST,
      body: { kind: "json", name: "BiddingCommand", schema: commandSchema },
      answer: { name: "BiddingDone", schema: doneSchema },
      run: ({ body }) => execute(options, body.request),
    }),
  ];
}

/** Where to go on. */
export function nextAfter(hasMore: boolean, last: number | undefined): number | null {
  return hasMore && last !== undefined ? last + 1 : null;
}

/** `absent`: the problem where there is none; of auctions unless given. @throws ProblemError */
export type Ask = <Kind extends BiddingAnswer["kind"]>(
  kind: Kind,
  query: BiddingQuery,
  absent?: () => ProblemError,
) => Promise<AnswerOf<Kind>>;

export function asker({ client }: Pick<BiddingRoutesOptions, "client">): Ask {
  return async <Kind extends BiddingAnswer["kind"]>(kind: Kind, query: BiddingQuery, absent = noAuction) => {
    const own = client();
    if (own === undefined) throw notServing();
    const { answer } = await asProblems(own.query("bidding", encodeBiddingQuery(query), { timeoutMs: TIMEOUT_MS }));
    const decoded = decodeBiddingAnswer(answer);
    if (!decoded.ok) throw new Error(`the service's answer is malformed: ${decoded.error}`);
    const { value } = decoded;
    if (isOf(value, kind)) return value;
    if (value.kind === "absent") throw absent();
    throw new Error(`the service answered "${value.kind}", which makes no sense here`);
  };
}

function isOf<Kind extends string>(
  value: BiddingAnswer,
  kind: Kind,
): value is Extract<BiddingAnswer, { readonly kind: Kind }> {
  return value.kind === kind;
}

function noAuction(): ProblemError {
  return new ProblemError({ status: 404, code: "no-auction", detail: NO_AUCTION["no-auction"] });
}

async function sealing(
  { cluster, encryptionKey }: BiddingRoutesOptions,
  ask: Ask,
  auction: number,
  bidderHex: string,
): Promise<z.input<typeof sealingSchema>> {
  const { terms } = await ask("auction", { kind: "auction", auction });
  if (!isSealed(terms))
    throw new ProblemError({ status: 409, code: "not-sealed", detail: "bids are in the clear here" });
  const bidder = bytesOf(bidderHex);
  const { least: counter } = await ask("counter", { kind: "counter", auction, client: bidder });
  if (counter > LAST_COUNTER) throw refused("old-counter");
  return {
    scheme: "TDH2 ristretto255 ChaCha20-Poly1305",
    cluster: toHex(cluster),
    auction,
    bidder: bidderHex,
    counter,
    publicKey: toBase64(encryptionKey.publicKey),
    label: toBase64(sealedBidLabel({ cluster, auction, bidder, counter })),
  };
}

async function award(options: BiddingRoutesOptions, auction: number): Promise<z.output<typeof awardSchema>> {
  const own = options.client();
  if (own === undefined) throw notServing();
  try {
    const call = { timeoutMs: TIMEOUT_MS, fanout: "all" } as const;
    const file = await asProblems(openBidding(own, options.encryptionKey).award(auction, call));
    return awardSchema.parse(JSON.parse(formatAward(file)));
  } catch (error) {
    if (error instanceof NoAuctionError) throw noAuction();
    if (error instanceof BiddingRefusedError) throw refused(error.reason);
    throw error;
  }
}

export function refused(reason: Refusal): ProblemError {
  const status = reason === "no-auction" || reason === "unknown-key" ? 404 : 409;
  return new ProblemError({ status, code: reason, detail: `the bidding service refused: ${reason}` });
}

async function execute({ submit }: BiddingRoutesOptions, request: string): Promise<z.input<typeof doneSchema>> {
  const payload = fromBase64(request);
  if (payload === undefined || !isBidding(payload))
    throw new ProblemError({ status: 400, code: "not-a-command", detail: COMMANDS["not-a-command"] });
  return doneOf(await submit(payload));
}

/** What a command did. @throws ProblemError when the service refused it, or nobody knows any more */
export function doneOf({
  sequence,
  round,
  reply,
}: Pick<OutcomeFrame, "sequence" | "round" | "reply">): z.input<typeof doneSchema> {
  const decoded = decodeBiddingReply(reply ?? new Uint8Array());
  // Executed, and what it did is kept no more: the session has gone on.
  if (!decoded.ok || decoded.value.kind === "malformed")
    throw new ProblemError({ status: 409, code: "reply-lost", detail: "executed, but the reply is kept no more" });
  if (decoded.value.kind === "refused") throw refused(decoded.value.reason);
  return { sequence, round, ...doneJson(decoded.value) };
}

function isBidding(payload: Uint8Array): boolean {
  const decoded = decodePayload(payload);
  if (!decoded.ok || decoded.value.kind !== "request") return false;
  const { action } = decoded.value;
  return action.kind === "call" && action.service === "bidding";
}

type Done = Exclude<BiddingReply, { readonly kind: "refused" | "malformed" }>;

function doneJson(reply: Done): Omit<z.input<typeof doneSchema>, "sequence" | "round"> {
  if (reply.kind === "award") return { kind: "award", statement: toBase64(reply.statement) };
  return reply.kind === "placed" ? { ...reply, fills: [...reply.fills] } : reply;
}

/** The schema has made sure of it. */
export function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}
