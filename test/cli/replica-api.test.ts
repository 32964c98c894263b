/** What a replica serves over HTTP besides monitoring: its desk asked as by a client without a certificate. */
import { describe, expect, it } from "vitest";
import type { HttpAnswer } from "../../src/adapters/http/index.js";
import { replicaApis } from "../../src/cli/replica-api.js";
import { fromUtf8, utf8 } from "../../src/core/bytes.js";
import { CLUSTER, FakeCluster, HONEST, signedRequest } from "../client/fake-cluster.js";

const ALL = [HONEST, HONEST, HONEST, HONEST];

async function cluster(): Promise<{
  all: FakeCluster;
  readonly request: (method: string, path: string, body?: Uint8Array) => Promise<HttpAnswer>;
}> {
  const all = new FakeCluster(ALL);
  await all.settled(all.client.kv.put("k", "v"));
  const [api] = replicaApis({ cluster: CLUSTER, open: (connection) => all.parties[0]?.desk.open(connection) });
  return {
    all,
    async request(method, path, body = new Uint8Array()) {
      const url = new URL(path, "http://localhost");
      if (api === undefined) throw new Error("no interface");
      const answer = api.handle({ method, path: url.pathname, query: url.searchParams, header: () => undefined, body });
      for (let turn = 0; turn < 10; turn++) {
        all.settle();
        await Promise.resolve();
      }
      return answer;
    },
  };
}

const json = ({ body }: HttpAnswer): unknown => JSON.parse(typeof body === "string" ? body : fromUtf8(body));

describe("a replica over HTTP", () => {
  it("says what it has under a key, and which version", async () => {
    const { all, request } = await cluster();
    const found = await request("GET", "/v1/kv/k");
    expect(found).toMatchObject({ status: 200, body: utf8("v"), headers: { ETag: '"1"', "Abcast-Sequence": "1" } });
    expect(await request("GET", "/v1/kv/none")).toMatchObject({ status: 404 });
    expect(all.parties[0]?.desk.connectionCount).toBe(1);
  });

  it("has proofs", async () => {
    const { all, request } = await cluster();
    expect(await request("GET", "/v1/kv/k?consistency=any")).toMatchObject({ status: 404 });
    all.takeCheckpoint();
    const answer = await request("GET", "/v1/kv/k?consistency=any");
    expect(answer.status).toBe(200);
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
    expect((await request("POST", "/v1/requests", payload)).status).toBe(409);
    expect((await request("POST", "/v1/requests", utf8("garbage"))).status).toBe(400);
  });

  it("signs for nobody, and knows nothing else", async () => {
    const { request } = await cluster();
    for (const method of ["PUT", "DELETE", "POST"]) expect((await request(method, "/v1/kv/k")).status).toBe(405);
    expect((await request("GET", "/v1/requests")).status).toBe(405);
    expect((await request("GET", "/v1/kv/k?consistency=quorum")).status).toBe(400);
    expect((await request("GET", "/v1/else")).status).toBe(404);
  });
});
