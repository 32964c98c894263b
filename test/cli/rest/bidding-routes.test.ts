/** Auctions and books over REST: what is answered, and what is refused with which problem. */
import { beforeAll, afterAll, describe, expect, it } from "vitest";
import { listenHttp } from "../../../src/adapters/http/index.js";
import { openApiOf, RateLimits, restApi } from "../../../src/adapters/rest/index.js";
import { biddingRoutes, type BiddingRoutesOptions } from "../../../src/cli/rest/bidding-routes.js";
import { ClusterUnreachableError } from "../../../src/client/index.js";
import { fromBase64, toBase64 } from "../../../src/core/base64.js";
import { toHex } from "../../../src/core/bytes.js";
import {
  type BiddingOperation,
  encodeBiddingOperation,
  LAST_COUNTER,
  sealedBidLabel,
} from "../../../src/services/bidding/index.js";
import { decodePayload, encodePayload } from "../../../src/wire/payload.js";
import { CLUSTER, keyOf, OWNER, sealed, TERMS, World } from "../../services/bidding/support.js";

const PUBLIC_KEY = new Uint8Array(32).fill(9);
const world = new World();
/** What the cluster fails with, for a while. */
let failure: Error | undefined;
let isServing = true;

function serviceReply(client: Uint8Array, operation: Uint8Array): Uint8Array {
  world.sequence += 1;
  const { sequence } = world;
  return world.service.apply({ sequence, index: 0, round: sequence, roundTimeMs: 1, client }, operation).slice();
}

const client: ReturnType<BiddingRoutesOptions["client"]> = {
  cluster: CLUSTER,
  publicKey: keyOf(7),
  query: async (_service, query) => {
    if (failure !== undefined) throw failure;
    return { answer: world.service.query(query).slice(), sequence: 1, round: 1, timeMs: 1, faulty: [] };
  },
  call: async (_service, operation) => ({
    reply: serviceReply(keyOf(7), operation),
    sequence: world.sequence,
    round: world.sequence,
    timeMs: 1,
    faulty: [],
    signature: { statement: Uint8Array.of(1), signature: Uint8Array.of(2), attachment: new Uint8Array() },
  }),
  callAll: () => Promise.reject(new Error("not used")),
};

const routes = biddingRoutes({
  cluster: CLUSTER,
  encryptionKey: { access: { kind: "leaf", party: 0 }, publicKey: PUBLIC_KEY, verificationKeys: [] } as never,
  client: () => (isServing ? client : undefined),
  submit: async (payload) => {
    const decoded = decodePayload(payload);
    if (!decoded.ok || decoded.value.kind !== "request" || decoded.value.action.kind !== "call")
      throw new Error("no request");
    const reply = serviceReply(decoded.value.client, decoded.value.action.operation);
    return { sequence: world.sequence, round: world.sequence, reply };
  },
});

let base = "";
let stop: () => Promise<void>;
beforeAll(async () => {
  const limits = new RateLimits({ perSecond: 1000, burst: 1000, nowMs: () => performance.now() });
  const api = restApi({ prefix: "/v1/", routes, apiKeys: [], allowedOrigins: [], limits });
  const onError = (error: unknown): void => {
    throw error;
  };
  const listener = await listenHttp({ host: "127.0.0.1", port: 0, routes: new Map(), onError, apis: [api] });
  base = `http://127.0.0.1:${listener.port}`;
  stop = () => listener.close();
});
afterAll(() => stop());

async function get(path: string) {
  const answer = await fetch(`${base}${path}`);
  return { status: answer.status, type: answer.headers.get("content-type"), json: (await answer.json()) as object };
}

async function post(body: object) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${base}/v1/auctions/commands`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, json: (await answer.json()) as object };
}

function signed(bidder: number, operation: BiddingOperation, service = "bidding"): string {
  const action = { kind: "call", service, operation: encodeBiddingOperation(operation) } as const;
  const session = { opened: 1, nonce: new Uint8Array(8) };
  const unsigned = { cluster: CLUSTER, client: keyOf(bidder), session, number: 1, acknowledged: 0, action };
  return toBase64(encodePayload({ kind: "request", ...unsigned, signature: new Uint8Array(64) }));
}

describe("auctions over REST", () => {
  it("are begun, bid in and closed by signed commands, and read", async () => {
    const create = await post({ request: signed(OWNER, { kind: "create", terms: TERMS.tender }) });
    expect(create).toMatchObject({ status: 200, json: { kind: "created", auction: 1, sequence: 1 } });
    const bidder = toHex(keyOf(1));
    const sealing = await get(`/v1/auctions/1/sealing?bidder=${bidder}`);
    expect(sealing).toMatchObject({ status: 200, json: { counter: 1, publicKey: toBase64(PUBLIC_KEY) } });
    const { label = "" } = sealing.json as { readonly label?: string };
    expect(fromBase64(label)).toEqual(sealedBidLabel({ cluster: CLUSTER, auction: 1, bidder: keyOf(1), counter: 1 }));
    const ciphertext = sealed({ amount: 15, values: [2, 3] }, { bidder: 1 });
    const bid = { kind: "bid", auction: 1, counter: 1, content: { kind: "sealed", ciphertext } } as const;
    expect(await post({ request: signed(1, bid) })).toMatchObject({ status: 200, json: { kind: "bid", bid: 1 } });
    expect(await get(`/v1/auctions/1/counter?client=${bidder}`)).toMatchObject({ json: { least: 2 } });
    expect((await get("/v1/auctions/1/bids")).json).toMatchObject({
      bids: [{ bid: 1, bidder, amount: null, values: null, standing: "standing" }],
      next: null,
    });
    expect((await get("/v1/auctions/1/award")).json).toMatchObject({ status: 409, code: "not-decided" });
    expect(await post({ request: signed(OWNER, { kind: "close", auction: 1, counter: 1 }) })).toMatchObject({
      status: 200,
    });
    world.settle();
    expect((await get("/v1/auctions/1")).json).toMatchObject({
      stage: "decided",
      outcome: { bid: 1, price: 15 },
      bidCount: 1,
      sealedCount: 0,
      terms: { kind: "tender", criteria: [{ max: 9 }, { max: 30 }] },
    });
    expect((await get("/v1/auctions/1/bids")).json).toMatchObject({ bids: [{ amount: 15, values: [2, 3] }] });
    expect(await get("/v1/auctions/1/award")).toMatchObject({ status: 200, json: { format: "abcast-award/1" } });
    expect((await get("/v1/auctions")).json).toMatchObject({
      auctions: [{ auction: 1, stage: "decided" }],
      next: null,
    });
  });

  it("have order books", async () => {
    await post({ request: signed(OWNER, { kind: "create", terms: TERMS.book }) });
    const order = { kind: "place", auction: 2, counter: 1, side: "sell", price: 9, quantity: 4 } as const;
    expect(await post({ request: signed(1, order) })).toMatchObject({ json: { kind: "placed", order: 1, resting: 4 } });
    const buy = { ...order, side: "buy", quantity: 1, price: undefined } as const;
    expect((await post({ request: signed(2, buy) })).json).toMatchObject({
      fills: [{ order: 1, price: 9, quantity: 1 }],
    });
    expect((await get("/v1/books/2")).json).toEqual({
      buy: [],
      sell: [{ price: 9, quantity: 3, orders: 1 }],
      lastTrade: { price: 9, quantity: 1 },
    });
    expect((await get(`/v1/books/2/orders?client=${toHex(keyOf(1))}`)).json).toEqual({
      orders: [{ order: 1, side: "sell", price: 9, quantity: 3 }],
      next: null,
    });
  });
});

describe("what is refused over REST", () => {
  it("has a problem with a code, and the service's own reason", async () => {
    expect(await get("/v1/auctions/77")).toMatchObject({
      status: 404,
      type: "application/problem+json",
      json: { code: "no-auction" },
    });
    expect(await get("/v1/books/1")).toMatchObject({ status: 404, json: { code: "no-auction" } });
    expect(await get(`/v1/auctions/2/sealing?bidder=${toHex(keyOf(1))}`)).toMatchObject({
      status: 409,
      json: { code: "not-sealed" },
    });
    const auction = world.create(TERMS.first);
    expect(world.bidSealed(auction, 1, LAST_COUNTER, 5)).toMatchObject({ kind: "bid" });
    expect(await get(`/v1/auctions/${auction}/sealing?bidder=${toHex(keyOf(1))}`)).toMatchObject({
      status: 409,
      json: { code: "old-counter" },
    });
    const close = signed(1, { kind: "close", auction: 2, counter: 9 });
    expect(await post({ request: close })).toMatchObject({ status: 409, json: { code: "not-owner" } });
    expect(await post({ request: signed(1, { kind: "close", auction: 77, counter: 9 }) })).toMatchObject({
      status: 404,
      json: { code: "no-auction" },
    });
  });

  it("are bytes that are no command of bidding, which nobody has ordered", async () => {
    const { sequence } = world;
    const duty = { cluster: CLUSTER, party: 1, number: 1, service: "bidding", operation: new Uint8Array(1) };
    for (const request of [
      "",
      toBase64(Uint8Array.of(1, 2, 3)),
      signed(1, { kind: "close", auction: 2, counter: 9 }, "notary"),
      toBase64(encodePayload({ kind: "duty", ...duty, signature: new Uint8Array(64) })),
    ])
      expect(await post({ request }), request).toMatchObject({ status: 400 });
    expect(await post({ request: "no base64!" })).toMatchObject({ status: 400 });
    expect(await post({ request: signed(1, { kind: "close", auction: 2, counter: 9 }), more: 1 })).toMatchObject({
      status: 400,
    });
    expect(await get("/v1/auctions/0")).toMatchObject({ status: 400 });
    expect(await get("/v1/auctions/1/sealing?bidder=AB")).toMatchObject({ status: 400 });
    expect(world.sequence).toBe(sequence);
  });

  it("is what the cluster does not answer", async () => {
    failure = new ClusterUnreachableError("nobody", []);
    expect(await get("/v1/auctions")).toMatchObject({ status: 504, json: { code: "no-answer-in-time" } });
    failure = undefined;
    isServing = false;
    expect(await get("/v1/auctions")).toMatchObject({ status: 503, json: { code: "not-serving" } });
    isServing = true;
  });
});

it("is described by an OpenAPI document with all routes", () => {
  const document = openApiOf(routes, { title: "t", version: "1", description: "d", hasApiKeys: false });
  const { paths } = document as { readonly paths: Record<string, object> };
  expect(Object.keys(paths).sort()).toEqual([
    "/v1/auctions",
    "/v1/auctions/commands",
    "/v1/auctions/{auction}",
    "/v1/auctions/{auction}/award",
    "/v1/auctions/{auction}/bids",
    "/v1/auctions/{auction}/counter",
    "/v1/auctions/{auction}/sealing",
    "/v1/books/{book}",
    "/v1/books/{book}/orders",
  ]);
});
