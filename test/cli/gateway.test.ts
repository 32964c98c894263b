/** The gateway over HTTP, on a store in memory that answers as the cluster would. */
import { afterEach, describe, expect, it } from "vitest";
import { fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import {
  BusyError,
  ClusterUnreachableError,
  type Kv,
  KvFullError,
  openKv,
  RefusedError,
} from "../../src/client/index.js";
import { startGateway } from "../../src/cli/gateway.js";
import { createKv, MAX_KEY_BYTES, MAX_VALUE_BYTES } from "../../src/services/kv/index.js";

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

/** One replica's service, called at once. */
function memoryKv(): Kv {
  const service = createKv();
  let sequence = 0;
  const client = new Uint8Array(32);
  return openKv({
    cluster: client,
    publicKey: client,
    call(_name, operation) {
      sequence++;
      const reply = service.apply({ sequence, index: 0, round: 1, roundTimeMs: undefined, client }, operation);
      return Promise.resolve({ reply, sequence, round: 1, timeMs: undefined, faulty: [] });
    },
    callAll: () => Promise.reject(new Error("the gateway makes single calls")),
    query(_name, query) {
      return Promise.resolve({ answer: service.query(query), sequence, round: 1, timeMs: undefined, faulty: [] });
    },
  });
}

interface Gateway {
  readonly errors: unknown[];
  readonly request: (path: string, init?: RequestInit) => Promise<Response>;
}

async function gateway(kv: Kv = memoryKv()): Promise<Gateway> {
  const errors: unknown[] = [];
  const onError = (error: unknown): void => void errors.push(error);
  const listener = await startGateway({ client: { kv }, host: "127.0.0.1", port: 0, onError });
  opened.push(() => listener.close());
  return { errors, request: (path, init) => fetch(`http://127.0.0.1:${listener.port}${path}`, init) };
}

const put = (body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = {}): RequestInit => {
  return { method: "PUT", body, headers };
};

describe("the gateway", () => {
  it("writes, reads and deletes", async () => {
    const { request } = await gateway();
    expect((await request("/v1/kv/name")).status).toBe(404);
    const written = await request("/v1/kv/name", put("Ada"));
    expect([written.status, written.headers.get("etag")]).toEqual([200, '"1"']);
    expect(await written.json()).toEqual({ committed: true, version: 1, sequence: 1, round: 1 });
    const read = await request("/v1/kv/name");
    expect([read.status, read.headers.get("etag"), await read.text()]).toEqual([200, '"1"', "Ada"]);
    expect(read.headers.get("abcast-sequence")).toBe("1");
    expect((await request("/v1/kv/name", { method: "HEAD" })).headers.get("content-length")).toBe("3");
    expect((await request("/v1/kv/name", { method: "DELETE" })).status).toBe(200);
    expect((await request("/v1/kv/name", { method: "DELETE" })).status).toBe(404);
    expect((await request("/v1/kv/name")).status).toBe(404);
    expect((await request("/healthz")).status).toBe(200);
  });

  it("writes and deletes on conditions", async () => {
    const { request } = await gateway();
    expect((await request("/v1/kv/k", put("a", { "If-Match": '"1"' }))).status).toBe(412);
    expect((await request("/v1/kv/k", put("a", { "If-None-Match": "*" }))).status).toBe(200);
    const conflict = await request("/v1/kv/k", put("b", { "If-None-Match": "*" }));
    expect([conflict.status, conflict.headers.get("etag")]).toEqual([412, '"2"']);
    expect((await request("/v1/kv/k", put("b", { "If-Match": '"2"' }))).status).toBe(200);
    expect((await request("/v1/kv/k", { method: "DELETE", headers: { "If-Match": '"2"' } })).status).toBe(412);
    expect(await (await request("/v1/kv/k")).text()).toBe("b");
    for (const headers of [{ "If-Match": "2" }, { "If-Match": "*" }, { "If-Match": '"2"', "If-None-Match": "*" }]) {
      expect((await request("/v1/kv/k", put("c", headers as Record<string, string>))).status).toBe(400);
    }
  });

  it("has a path for every key, and keeps every value as it is", async () => {
    const { request } = await gateway();
    const bytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);
    const path = `/v1/kv/${[...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`;
    expect((await request(path, put(bytes))).status).toBe(200);
    expect(toHex(new Uint8Array(await (await request(path)).arrayBuffer()))).toBe(toHex(bytes));
    expect((await request("/v1/kv/%zz")).status).toBe(400);
  });

  it("refuses what is too long, or not for it", async () => {
    const { request, errors } = await gateway();
    expect((await request("/v1/kv/k", put("x".repeat(MAX_VALUE_BYTES)))).status).toBe(200);
    expect((await request("/v1/kv/k", put("x".repeat(MAX_VALUE_BYTES + 1)))).status).toBe(413);
    // Whose length is known at its end only.
    const stream = new Blob(["x".repeat(MAX_VALUE_BYTES + 1)]).stream();
    const chunked = { method: "PUT", body: stream, duplex: "half" } as RequestInit;
    expect((await request("/v1/kv/k", chunked)).status).toBe(413);
    expect((await request(`/v1/kv/${"k".repeat(MAX_KEY_BYTES + 1)}`)).status).toBe(400);
    expect((await request("/v1/kv/")).status).toBe(400);
    expect((await request("/v1/else")).status).toBe(404);
    const posted = await request("/v1/kv/k", { method: "POST", body: "x" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT, DELETE"]);
    expect((await request("/v1/kv/k?consistency=some")).status).toBe(400);
    expect((await request("/v1/kv/k", put("x", { Origin: "https://elsewhere.example" }))).status).toBe(403);
    expect(errors).toEqual([]);
  });

  it.each([
    [503, new BusyError("busy", [], 2500)],
    [504, new ClusterUnreachableError("too few", [])],
    [507, new KvFullError("full")],
    [502, new RefusedError("no")],
    [500, new Error("a secret detail")],
  ])("answers %i when the cluster does not answer: %o", async (status, error) => {
    const fail = (): Promise<never> => Promise.reject(error);
    const { request, errors } = await gateway({ get: fail, put: fail, cas: fail, delete: fail });
    const answer = await request("/v1/kv/k", put("x"));
    expect(answer.status).toBe(status);
    expect(answer.headers.get("retry-after")).toBe(status === 503 ? "3" : null);
    expect(await answer.text()).not.toContain("secret");
    expect(errors).toEqual(status === 500 ? [error] : []);
  });

  it("passes the consistency on", async () => {
    const asked: unknown[] = [];
    const kv = memoryKv();
    const { request } = await gateway({
      ...kv,
      get(key, options) {
        asked.push([fromUtf8(key instanceof Uint8Array ? key : utf8(key)), options?.consistency]);
        return kv.get(key, options);
      },
    });
    for (const consistency of ["any", "quorum", "ordered"]) await request(`/v1/kv/k?consistency=${consistency}`);
    await request("/v1/kv/k");
    expect(asked).toEqual([
      ["k", "any"],
      ["k", "quorum"],
      ["k", "ordered"],
      ["k", "quorum"],
    ]);
  });
});
