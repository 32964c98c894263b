/** The key-value store and signed requests over REST: the replica's desk asked as by a client without a certificate. */
import { describe, expect, it } from "vitest";
import { type HttpAnswer, isTask } from "../../../src/adapters/http/index.js";
import { openApiOf, RateLimits, restApi } from "../../../src/adapters/rest/index.js";
import { deskRoutes } from "../../../src/cli/rest/desk-routes.js";
import { fromUtf8, utf8 } from "../../../src/core/bytes.js";
import { MAX_KEY_BYTES } from "../../../src/services/kv/index.js";
import { CLUSTER, FakeCluster, HONEST, signedRequest } from "../../client/fake-cluster.js";

const ALL = [HONEST, HONEST, HONEST, HONEST];

function routesOf(all: FakeCluster, services = ["kv"]) {
  return deskRoutes({ cluster: CLUSTER, services, open: (connection) => all.parties[0]?.desk.open(connection) });
}

async function cluster(services?: string[]): Promise<{
  all: FakeCluster;
  readonly request: (method: string, path: string, body?: Uint8Array) => Promise<HttpAnswer>;
}> {
  const all = new FakeCluster(ALL);
  await all.settled(all.client.kv.put("k", "v"));
  const limits = new RateLimits({ perSecond: 1, burst: 1000, nowMs: () => 0 });
  const api = restApi({
    prefix: "/v1/",
    routes: routesOf(all, services),
    apiKeys: [],
    allowedOrigins: [],
    limits,
  });
  return {
    all,
    async request(method, path, body = new Uint8Array()) {
      const url = new URL(path, "http://localhost");
      const head = { method, path: url.pathname, query: url.searchParams, header: () => undefined, client: "here" };
      const begun = api.begin(head);
      if (!isTask(begun)) return begun;
      const answer = begun.run(bytesOf(body));
      for (let turn = 0; turn < 20; turn++) {
        all.settle();
        await Promise.resolve();
      }
      const answered = await answer;
      if ("open" in answered) throw new Error("no stream was asked for");
      return answered;
    },
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- as a server hands a body on
async function* bytesOf(body: Uint8Array): AsyncIterable<Uint8Array> {
  yield body;
}

const json = ({ body }: HttpAnswer): unknown => JSON.parse(typeof body === "string" ? body : fromUtf8(body));

describe("a replica's desk over REST", () => {
  it("says what it has under a key, and which version", async () => {
    const { all, request } = await cluster();
    const found = await request("GET", "/v1/kv/k");
    expect(found).toMatchObject({ status: 200, body: utf8("v"), headers: { ETag: '"1"', "Abcast-Sequence": "1" } });
    const absent = await request("GET", "/v1/kv/none");
    expect(absent).toMatchObject({ status: 404, headers: { "Abcast-Sequence": "1", "Abcast-Round": "1" } });
    expect(json(absent)).toMatchObject({ code: "no-such-key" });
    expect(all.parties[0]?.desk.connectionCount).toBe(1);
  });

  it("finds every key by its bytes, percent-encoded or not", async () => {
    const { all, request } = await cluster();
    const key = Uint8Array.of(0xff, 0x2f, 0x25, 0);
    await all.settled(all.client.kv.put(key, "bytes"));
    await all.settled(all.client.kv.put("a/b", "path"));
    expect(await request("GET", "/v1/kv/%FF%2f%25%00")).toMatchObject({ status: 200, body: utf8("bytes") });
    for (const path of ["/v1/kv/a/b", "/v1/kv/a%2Fb"])
      expect(await request("GET", path)).toMatchObject({ status: 200, body: utf8("path") });
    for (const path of ["/v1/kv/", "/v1/kv/%zz", `/v1/kv/${"k".repeat(MAX_KEY_BYTES + 1)}`]) {
      const refused = await request("GET", path);
      expect([refused.status, json(refused)]).toMatchObject([
        400,
        { code: "invalid-parameter", errors: [{ at: "path.key" }] },
      ]);
    }
  });

  it("has proofs", async () => {
    const { all, request } = await cluster();
    const none = await request("GET", "/v1/kv/k?consistency=any");
    expect([none.status, json(none)]).toMatchObject([404, { code: "no-proof" }]);
    all.takeCheckpoint();
    const answer = await request("GET", "/v1/kv/k?consistency=any");
    expect([answer.status, answer.contentType]).toEqual([200, "application/json; charset=utf-8"]);
    const summary = Buffer.from(all.parties[0]?.checkpoint?.summary ?? []).toString("base64");
    expect(json(answer)).toMatchObject({ summary, index: expect.any(Number) as number });
  });

  it("orders what a client has signed, and says what became of it", async () => {
    const { request } = await cluster();
    const payload = signedRequest({ opened: 5, number: 1 });
    const answer = await request("POST", "/v1/requests", payload);
    expect([answer.status, json(answer)]).toMatchObject([
      200,
      { sequence: 2, isVoid: true, reply: null, timeMs: 2000 },
    ]);
    expect(json(await request("POST", "/v1/requests", payload))).toMatchObject({ sequence: 2 });
    const closed = signedRequest({ opened: 5, number: 2, acknowledged: 1 });
    expect((await request("POST", "/v1/requests", closed)).status).toBe(200);
    const late = await request("POST", "/v1/requests", payload);
    expect([late.status, json(late)]).toMatchObject([409, { code: "number-closed" }]);
    const garbage = await request("POST", "/v1/requests", utf8("garbage"));
    expect([garbage.status, json(garbage)]).toMatchObject([400, { code: "invalid-payload" }]);
  });

  it("signs for nobody, and knows nothing else", async () => {
    const { request } = await cluster();
    for (const method of ["PUT", "DELETE", "POST"]) expect((await request(method, "/v1/kv/k")).status).toBe(405);
    expect((await request("GET", "/v1/requests")).status).toBe(405);
    expect((await request("GET", "/v1/kv/k?consistency=quorum")).status).toBe(400);
    expect((await request("GET", "/v1/else")).status).toBe(404);
    const without = await cluster(["notary"]);
    expect((await without.request("GET", "/v1/kv/k")).status).toBe(404);
    expect((await without.request("GET", "/v1/requests")).status).toBe(405);
  });

  it("says so when the replica serves nobody", async () => {
    const routes = deskRoutes({ cluster: CLUSTER, services: ["kv"], open: () => undefined });
    const api = restApi({
      prefix: "/v1/",
      routes,
      apiKeys: [],
      allowedOrigins: [],
      limits: new RateLimits({ perSecond: 1, burst: 10, nowMs: () => 0 }),
    });
    const query = new URLSearchParams();
    const begun = api.begin({ method: "GET", path: "/v1/kv/k", query, header: () => undefined, client: "here" });
    if (!isTask(begun)) throw new Error("it was refused");
    expect(await begun.run(bytesOf(new Uint8Array()))).toMatchObject({ status: 503, headers: { "Retry-After": "1" } });
  });

  it("is described: bytes, their headers, and proofs", async () => {
    const { all } = await cluster();
    const info = { title: "t", version: "1", description: "d", hasApiKeys: false };
    expect(openApiOf(routesOf(all), info)).toMatchObject({
      paths: {
        "/v1/kv/{key}": {
          get: {
            parameters: [
              { name: "key", in: "path", required: true },
              { name: "consistency", in: "query" },
            ],
            responses: {
              "200": {
                headers: { ETag: { schema: { type: "string" } } },
                content: {
                  "application/octet-stream": {},
                  "application/json": { schema: { $ref: "#/components/schemas/KvProof" } },
                },
              },
            },
          },
        },
        "/v1/requests": { post: { requestBody: { content: { "*/*": {} } } } },
      },
    });
  });
});
