/** Registered keys over REST: what a replica carries for who is no client, and what it does not. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApiOf } from "../../../src/adapters/rest/index.js";
import { biddingKeyRoutes } from "../../../src/cli/rest/bidding-key-routes.js";
import { toBase64 } from "../../../src/core/base64.js";
import { toHex } from "../../../src/core/bytes.js";
import { type BiddingOperation, encodeBiddingOperation } from "../../../src/services/bidding/index.js";
import { holder, register, registration, signed } from "../../services/bidding/keys.js";
import { CLUSTER, keyOf, sealing, TERMS, World } from "../../services/bidding/support.js";
import { replicaClient, serve } from "./bidding-fixture.js";

const world = new World();
/** What was ordered by the replica's client. */
let ordered = 0;
let isServing = true;

const client = replicaClient(world, () => (ordered += 1));
const routes = biddingKeyRoutes({
  cluster: CLUSTER,
  signatures: sealing.signatures,
  client: () => (isServing ? client : undefined),
});

let base = "";
let stop: () => Promise<void>;
beforeAll(async () => {
  const served = await serve(routes);
  base = served.base;
  stop = () => served.close();
});
afterAll(() => stop());

async function get(path: string) {
  const answer = await fetch(`${base}${path}`);
  return { status: answer.status, json: (await answer.json()) as object };
}

async function post(body: object) {
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`${base}/v1/bidding/commands`, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, json: (await answer.json()) as object };
}

const carry = (operation: BiddingOperation) => post({ operation: toBase64(encodeBiddingOperation(operation)) });

describe("a registered key", () => {
  const key = register(world, 1, "Bidder Ltd");
  const hex = toHex(key.publicKey);
  const begin = (number: number) => signed(key, number, { kind: "create", terms: TERMS.open });

  it("is listed, with its sponsor and its next number", async () => {
    const shown = { key: hex, name: "Bidder Ltd", sponsor: toHex(keyOf(1)), sequence: 1, least: 1 };
    expect(await get("/v1/bidding/keys")).toEqual({ status: 200, json: { keys: [shown], next: null } });
    expect(await get("/v1/bidding/keys?from=1")).toMatchObject({ json: { keys: [], next: null } });
    expect(await get(`/v1/bidding/keys/${hex}`)).toEqual({ status: 200, json: shown });
    expect(await get(`/v1/bidding/keys/${toHex(holder(2).publicKey)}`)).toMatchObject({
      status: 404,
      json: { code: "unknown-key" },
    });
    expect(await get("/v1/bidding/keys/AB")).toMatchObject({ status: 400 });
  });

  it("has its commands carried by the replica's client, as its own", async () => {
    expect(await carry(begin(3))).toMatchObject({ status: 200, json: { kind: "created", auction: 1 } });
    expect(toHex(world.auction(1).owner)).toBe(hex);
    expect(await get(`/v1/bidding/keys/${hex}`)).toMatchObject({ json: { least: 4 } });
    expect(await carry(signed(key, 4, { kind: "close", auction: 9, counter: 1 }))).toMatchObject({
      status: 404,
      json: { code: "no-auction" },
    });
  });

  it("has nothing ordered that would be refused, or that is not its own", async () => {
    const before = ordered;
    expect(await carry(begin(3))).toMatchObject({ status: 409, json: { code: "old-number" } });
    const good = begin(9);
    if (good.kind !== "signed") throw new Error(good.kind);
    const { publicKey } = register(world, 3);
    for (const bad of [
      { ...good, number: 10 },
      { ...good, key: publicKey },
      { ...good, signature: new Uint8Array(64) },
    ])
      expect(await carry(bad)).toMatchObject({ status: 409, json: { code: "bad-signature" } });
    const other = signed(key, 9, { kind: "create", terms: TERMS.open }, new Uint8Array(32));
    expect(await carry(other)).toMatchObject({ status: 409, json: { code: "bad-signature" } });
    expect(await carry(signed(holder(2), 1, { kind: "create", terms: TERMS.open }))).toMatchObject({
      status: 404,
      json: { code: "unknown-key" },
    });
    expect(ordered).toBe(before);
  });

  it("is the only one that the replica's client speaks for: it sponsors nobody, and begins nothing of its own", async () => {
    const before = ordered;
    for (const operation of [
      registration(holder(2), "uninvited"),
      { kind: "create", terms: TERMS.open } as const,
      { kind: "close", auction: 1, counter: 1 } as const,
    ])
      expect(await carry(operation)).toMatchObject({ status: 400, json: { code: "not-a-command" } });
    for (const operation of ["", toBase64(Uint8Array.of(1, 2, 3)), "no base64!"])
      expect(await post({ operation })).toMatchObject({ status: 400 });
    expect(await post({ operation: toBase64(encodeBiddingOperation(begin(20))), more: 1 })).toMatchObject({
      status: 400,
    });
    expect(ordered).toBe(before);
  });

  it("waits where the replica does not serve", async () => {
    isServing = false;
    expect(await carry(begin(20))).toMatchObject({ status: 503, json: { code: "not-serving" } });
    isServing = true;
  });

  it("sends a command with as many bidders as there may be, within the bound on bodies", async () => {
    const bidders = Array.from({ length: 256 }, () => keyOf(1));
    expect(await carry(signed(key, 21, { kind: "create", terms: { ...TERMS.tender, bidders } }))).toMatchObject({
      status: 200,
    });
  });
});

it("is described by an OpenAPI document with all routes", () => {
  const document = openApiOf(routes, { title: "t", version: "1", description: "d", hasApiKeys: false });
  const { paths } = document as { readonly paths: Record<string, object> };
  expect(Object.keys(paths).sort()).toEqual(["/v1/bidding/commands", "/v1/bidding/keys", "/v1/bidding/keys/{key}"]);
});
