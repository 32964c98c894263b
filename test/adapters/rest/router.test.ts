/** What a REST API takes and refuses, over real connections: everything that a route gets is what its table declares. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { z } from "zod";
import { listenHttp } from "../../../src/adapters/http/index.js";
import {
  EventStreams,
  eventRoute,
  type Feed,
  jsonRoute,
  ProblemError,
  RateLimits,
  restApi,
  type RestOptions,
  type Route,
  textRoute,
  wholeParameter,
} from "../../../src/adapters/rest/index.js";
import { eventually } from "../../support/eventually.js";

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

const ran = vi.fn<(input: object) => void>();
const answer = { name: "Said", schema: z.object({ said: z.string() }) };
const said = (text: unknown): { readonly said: string } => ({ said: JSON.stringify(text) });

const ROUTES: readonly Route[] = [
  jsonRoute({
    method: "GET",
    path: "/v1/items/{number}",
    operationId: "item",
    summary: "an item",
    params: { number: wholeParameter(1, 9) },
    query: { word: z.string().max(3).optional() },
    answer,
    run({ params, query, client }) {
      ran({ params, query, client });
      return Promise.resolve(said([params.number, query.word ?? null]));
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/v1/items",
    operationId: "newItem",
    summary: "a new item",
    cost: 3,
    body: { kind: "json", name: "NewItem", schema: z.strictObject({ size: z.int().max(5) }) },
    answer,
    run({ body }) {
      ran(body);
      return Promise.resolve(said(body.size));
    },
  }),
  jsonRoute({
    method: "POST",
    path: "/v1/bytes",
    operationId: "bytes",
    summary: "counts bytes",
    body: { kind: "stream", maxBytes: 100, timeoutMs: 1_000 },
    answer,
    async run({ body }) {
      let count = 0;
      for await (const chunk of body) count += chunk.length;
      ran({ count });
      return said(count);
    },
  }),
  jsonRoute({
    method: "GET",
    path: "/v1/broken/{how}",
    operationId: "broken",
    summary: "fails",
    params: { how: z.enum(["busy", "defect"]) },
    answer,
    run({ params }) {
      if (params.how === "defect") return Promise.reject(new Error("secret detail"));
      return Promise.reject(new ProblemError({ status: 503, code: "busy", detail: "later", retryAfterMs: 1_500 }));
    },
  }),
  textRoute({
    method: "GET",
    path: "/v1/text",
    operationId: "text",
    summary: "text",
    isPublic: true,
    contentType: "text/plain; charset=utf-8",
    run: () => Promise.resolve("text"),
  }),
];

interface Served {
  readonly url: string;
  readonly port: number;
  readonly errors: unknown[];
}

/** Nothing comes into a bucket while a test runs. */
async function serve(options: Partial<RestOptions> = {}, burst = 1_000, requestTimeoutMs = 20_000): Promise<Served> {
  ran.mockReset();
  const errors: unknown[] = [];
  const limits = new RateLimits({ perSecond: 0.001, burst, nowMs: () => performance.now() });
  const api = restApi({ prefix: "/v1/", routes: ROUTES, apiKeys: [], allowedOrigins: [], limits, ...options });
  const listener = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    routes: new Map(),
    apis: [api],
    onError: (error) => errors.push(error),
    limits: { requestTimeoutMs, connectionLifetimeMs: 60_000 },
  });
  opened.push(() => listener.close());
  return { url: `http://127.0.0.1:${listener.port}`, port: listener.port, errors };
}

const json = (body: unknown, type = "application/json"): RequestInit => ({
  method: "POST",
  headers: { "Content-Type": type },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

interface Problem {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly errors?: readonly { readonly at: string }[];
}

async function problemOf(response: Response): Promise<Problem> {
  expect(response.headers.get("content-type")).toBe("application/problem+json");
  const problem = (await response.json()) as Problem;
  expect(problem.status).toBe(response.status);
  return problem;
}

describe("a REST API", () => {
  it("runs a route with what its schemas made of the request", async () => {
    const { url } = await serve();
    const got = await fetch(`${url}/v1/items/7?word=abc`);
    expect([got.status, await got.json()]).toEqual([200, said([7, "abc"])]);
    expect(ran).toHaveBeenCalledWith({ params: { number: 7 }, query: { word: "abc" }, client: "address:127.0.0.1" });
    expect(await (await fetch(`${url}/v1/items`, json({ size: 5 }))).json()).toEqual(said(5));
    expect(await (await fetch(`${url}/v1/bytes`, { method: "POST", body: "x".repeat(100) })).json()).toEqual(said(100));
    const text = await fetch(`${url}/v1/text`);
    expect([text.headers.get("content-type"), await text.text()]).toEqual(["text/plain; charset=utf-8", "text"]);
    const head = await fetch(`${url}/v1/items/7`, { method: "HEAD" });
    expect([head.status, await head.text()]).toEqual([200, ""]);
  });

  it.each<[string, string, RequestInit | undefined, number, string, string?]>([
    ["an unknown path", "/v1/nothing", undefined, 404, "no-such-route"],
    ["a path that goes on", "/v1/items/1/2", undefined, 404, "no-such-route"],
    ["another method", "/v1/items/1", { method: "DELETE" }, 405, "method-not-allowed"],
    ["a parameter that is no number", "/v1/items/1e0", undefined, 400, "invalid-parameter", "path.number"],
    ["one out of range", "/v1/items/10", undefined, 400, "invalid-parameter", "path.number"],
    ["one that is not percent-encoded", "/v1/items/%ff", undefined, 400, "invalid-parameter", "path.number"],
    ["an unknown parameter", "/v1/items/1?other=1", undefined, 400, "invalid-parameter", "query.other"],
    ["a parameter that is there twice", "/v1/items/1?word=a&word=b", undefined, 400, "invalid-parameter", "query.word"],
    ["one that is too long", "/v1/items/1?word=abcd", undefined, 400, "invalid-parameter", "query.word"],
    ["a body of another type", "/v1/items", json({ size: 1 }, "text/plain"), 415, "wrong-content-type"],
    [
      "a document that is compressed on its way",
      "/v1/bytes",
      { method: "POST", headers: { "Content-Encoding": "gzip" }, body: "x" },
      415,
      "wrong-content-encoding",
    ],
    ["a body that is no JSON", "/v1/items", json("{"), 400, "invalid-json"],
    [
      "a body that is not UTF-8",
      "/v1/items",
      { ...json({}), body: new Uint8Array([0x22, 0xff, 0x22]) },
      400,
      "invalid-json",
    ],
    ["a field of the wrong type", "/v1/items", json({ size: "1" }), 400, "invalid-body", "body.size"],
    ["an unknown field", "/v1/items", json({ size: 1, x: 1 }), 400, "invalid-body", "body.x"],
    ["a missing field", "/v1/items", json({}), 400, "invalid-body", "body.size"],
    ["nothing where an object is due", "/v1/items", json("null"), 400, "invalid-body", "body"],
    ["JSON that is too long", "/v1/items", json(`[${"1,".repeat(9_000)}1]`), 413, "body-too-long"],
    ["a body that is too long", "/v1/bytes", { method: "POST", body: "x".repeat(101) }, 413, "body-too-long"],
    ["a body where none is due", "/v1/items/1", { method: "POST", body: "x" }, 405, "method-not-allowed"],
  ])("refuses %s", async (_, path, init, status, code, at) => {
    const { url } = await serve();
    const problem = await problemOf(await fetch(`${url}${path}`, init));
    expect(problem).toMatchObject({ status, code });
    expect(problem.errors?.[0]?.at).toBe(at);
    expect(ran).not.toHaveBeenCalled();
  });

  it("says once what is wrong, though two checks find it", async () => {
    const { url } = await serve();
    const { errors } = await problemOf(await fetch(`${url}/v1/items/9007199254740993`));
    expect(errors).toEqual([{ at: "path.number", message: "must be a whole number from 1 to 9" }]);
  });

  it("refuses a body that is too long though it does not say so", async () => {
    const { port } = await serve();
    const chunk = `40\r\n${"x".repeat(64)}\r\n`;
    const text = await rawAnswer(port, [
      "POST /v1/bytes HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
      chunk + chunk,
    ]);
    expect(text).toMatch(/^HTTP\/1\.1 413 [^]*"code":"body-too-long"/);
    expect(ran).not.toHaveBeenCalled();
  });

  it("waits for no slow body", async () => {
    const { port } = await serve({}, 1_000, 1_000);
    const text = await rawAnswer(port, [
      'POST /v1/items HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"si',
    ]);
    expect(text).toMatch(/^HTTP\/1\.1 408 [^]*"code":"request-timeout"/);
    expect(ran).not.toHaveBeenCalled();
  });

  it("says when to ask again, and tells nothing of a defect", async () => {
    const { url, errors } = await serve();
    const busy = await fetch(`${url}/v1/broken/busy`);
    expect(busy.headers.get("retry-after")).toBe("2");
    expect(await problemOf(busy)).toMatchObject({ status: 503, code: "busy", detail: "later" });
    const defect = await problemOf(await fetch(`${url}/v1/broken/defect`));
    expect(defect).toMatchObject({ status: 500, code: "internal-error" });
    expect(JSON.stringify(defect)).not.toContain("secret");
    expect(errors.map(String)).toEqual(["Error: secret detail"]);
  });

  it("names the methods that there are", async () => {
    const { url } = await serve();
    const wrong = await fetch(`${url}/v1/items/1`, { method: "PUT" });
    expect(wrong.headers.get("allow")).toBe("GET, HEAD");
  });
});

async function rawAnswer(port: number, parts: readonly string[], localAddress = "127.0.0.1"): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", localAddress });
  opened.push(() => socket.destroy());
  socket.on("error", () => undefined);
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  for (const part of parts) socket.write(part);
  await once(socket, "close");
  return text;
}

describe("rates", () => {
  const GET = "GET /v1/items/1 HTTP/1.1\r\nHost: x\r\n\r\n";

  it("are those of one address: a flood from it leaves others served", async () => {
    const { url, port } = await serve({}, 5);
    const flood = await Promise.all(Array.from({ length: 30 }, () => fetch(`${url}/v1/items/1`)));
    const statuses = flood.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    const refused = flood.find(({ status }) => status === 429);
    expect(Number(refused?.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(refused && (await problemOf(refused))).toMatchObject({ code: "rate-limited" });
    expect(await rawAnswer(port, [GET], "127.0.0.8")).toMatch(/^HTTP\/1\.1 200 /);
  });

  it("count also what is refused", async () => {
    const { url } = await serve({}, 3);
    const statuses: number[] = [];
    for (const path of ["/v1/nothing", "/v1/items/x", "/v1/items/1?y=1", "/v1/items/1"])
      statuses.push((await fetch(`${url}${path}`)).status);
    expect(statuses).toEqual([404, 400, 400, 429]);
  });

  it("refill, cost what a route costs, and are forgotten for those that were not here for longest", () => {
    let nowMs = 0;
    const limits = new RateLimits({ perSecond: 2, burst: 4, nowMs: () => nowMs });
    expect(limits.take("a", 3)).toEqual({ ok: true });
    expect(limits.take("a", 3)).toEqual({ ok: false, retryAfterMs: 1_000 });
    expect(limits.take("b", 99)).toEqual({ ok: true });
    nowMs = 1_000;
    expect(limits.take("a", 3)).toEqual({ ok: true });
    nowMs = 1_000_000;
    expect(limits.take("a", 4)).toEqual({ ok: true });
    expect(limits.take("a", 1).ok).toBe(false);
    for (let client = 0; client < 20_000; client++) limits.take(`other ${client}`, 4);
    expect(limits.size).toBe(10_000);
    expect(limits.take("other 19999", 1).ok).toBe(false);
  });
});

describe("API keys", () => {
  const hashOf = (key: string): Uint8Array => createHash("sha256").update(key).digest();
  const apiKeys = [
    { name: "ann", sha256: hashOf("key-of-ann") },
    { name: "bob", sha256: hashOf("key-of-bob") },
  ];
  const authorized = (value: string) => ({ headers: { Authorization: value } });

  it("let in who has one, and name the client", async () => {
    const { url } = await serve({ apiKeys });
    expect((await fetch(`${url}/v1/items/1`, authorized("Bearer key-of-bob"))).status).toBe(200);
    expect(ran).toHaveBeenCalledWith(expect.objectContaining({ client: "bob" }));
    expect((await fetch(`${url}/v1/text`)).status).toBe(200);
  });

  it.each<[string, { readonly headers: Readonly<Record<string, string>> }, string]>([
    ["no key", { headers: {} }, "key-missing"],
    ["a wrong one", authorized("Bearer key-of-eve"), "key-unknown"],
    ["the hash", authorized(`Bearer ${Buffer.from(hashOf("key-of-ann")).toString("hex")}`), "key-unknown"],
    ["another scheme", authorized("Basic key-of-ann"), "key-unknown"],
    ["an empty one", authorized("Bearer "), "key-unknown"],
    ["two", authorized("Bearer key-of-ann, Bearer key-of-bob"), "key-unknown"],
  ])("refuse who has %s", async (_, init, code) => {
    const { url } = await serve({ apiKeys });
    for (const request of [
      fetch(`${url}/v1/items/1`, init),
      fetch(`${url}/v1/items`, {
        ...json({ size: 1 }),
        headers: { ...init.headers, "Content-Type": "application/json" },
      }),
    ]) {
      const answer = await request;
      expect(answer.headers.get("www-authenticate")).toBe(
        code === "key-missing" ? "Bearer" : 'Bearer error="invalid_token"',
      );
      expect(await problemOf(answer)).toMatchObject({ status: 401, code });
    }
    expect(ran).not.toHaveBeenCalled();
  });

  it("have rates of their own, which who guesses keys does not use up", async () => {
    const { url } = await serve({ apiKeys }, 3);
    const statusOf = async (key: string): Promise<number> =>
      (await fetch(`${url}/v1/items/1`, authorized(`Bearer ${key}`))).status;
    const ann = [await statusOf("key-of-ann"), await statusOf("key-of-ann"), await statusOf("key-of-ann")];
    expect([...ann, await statusOf("key-of-ann")]).toEqual([200, 200, 200, 429]);
    expect(await statusOf("key-of-bob")).toBe(200);
    const guesses: number[] = [];
    for (let guess = 0; guess < 5; guess++) guesses.push(await statusOf(`guess-${guess}`));
    expect(guesses).toEqual([401, 401, 401, 429, 429]);
    expect(await statusOf("key-of-bob")).toBe(200);
  });
});

describe("pages of other sites", () => {
  const from = (origin: string, init: RequestInit = {}): RequestInit => ({
    ...init,
    headers: { ...(init.headers as Record<string, string> | undefined), Origin: origin },
  });
  const corsOf = (response: Response): Record<string, string> =>
    Object.fromEntries([...response.headers].filter(([name]) => name.startsWith("access-control-")));

  it("may use nothing unless they are named, and write nothing", async () => {
    const { url } = await serve();
    const read = await fetch(`${url}/v1/items/1`, from("https://evil.example"));
    expect([read.status, corsOf(read)]).toEqual([200, {}]);
    for (const init of [json({ size: 1 }), { method: "POST", body: "x" }]) {
      const path = "body" in init && init.body === "x" ? "/v1/bytes" : "/v1/items";
      const response = await fetch(`${url}${path}`, from("https://evil.example", init));
      expect(corsOf(response)).toEqual({});
      expect(await problemOf(response)).toMatchObject({ status: 403, code: "origin-not-allowed" });
    }
    const preflight = await fetch(`${url}/v1/items`, from("https://evil.example", { method: "OPTIONS" }));
    expect(corsOf(preflight)).toEqual({});
  });

  it("may if they are named, without credentials, also read problems", async () => {
    const { url } = await serve({ allowedOrigins: ["https://good.example", "https://other.example"] });
    const allowed = {
      "access-control-allow-origin": "https://good.example",
      "access-control-expose-headers": "Abcast-Round, Abcast-Sequence, ETag, Retry-After",
    };
    for (const [path, init, status] of [
      ["/v1/items", json({ size: 1 }), 200],
      ["/v1/items/0", {}, 400],
      ["/v1/broken/busy", {}, 503],
    ] as const) {
      const response = await fetch(`${url}${path}`, from("https://good.example", init));
      expect([response.status, corsOf(response), response.headers.get("vary")]).toEqual([status, allowed, "Origin"]);
    }
    const preflight = await fetch(`${url}/v1/items`, from("https://good.example", { method: "OPTIONS" }));
    expect([preflight.status, preflight.headers.get("allow")]).toEqual([204, "POST"]);
    expect(corsOf(preflight)).toMatchObject({
      ...allowed,
      "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE",
      "access-control-allow-headers": "Authorization, Content-Type, Last-Event-ID",
    });
    for (const origin of [
      "https://good.example.evil.example",
      "https://good.example:444",
      "null",
      "http://good.example",
    ])
      expect(corsOf(await fetch(`${url}/v1/items/1`, from(origin)))).toEqual({});
  });

  it("may all if any may, and the own ones always", async () => {
    const any = await serve({ allowedOrigins: ["*"] });
    const response = await fetch(`${any.url}/v1/items`, from("https://who.example", json({ size: 1 })));
    expect(corsOf(response)).toMatchObject({ "access-control-allow-origin": "*" });
    expect(response.headers.get("access-control-allow-credentials")).toBeNull();
    const own = await serve();
    expect((await fetch(`${own.url}/v1/items`, from(own.url, json({ size: 1 })))).status).toBe(200);
  });
});

describe("streams of events", () => {
  /** Events 1 to `count`, each of `sizeBytes`. */
  function feedOf(count: () => number, sizeBytes = 1) {
    const listeners = new Set<() => void>();
    const taken: number[] = [];
    const feed: Feed = {
      events: (from, limit) =>
        Array.from({ length: Math.max(0, Math.min(limit, count() - from + 1)) }, (_, at) => {
          const id = from + at;
          taken.push(id);
          return { event: "e", id: String(id), data: { x: "x".repeat(sizeBytes) }, next: id + 1 };
        }),
      onMore: (listener) => {
        listeners.add(listener);
        return () => void listeners.delete(listener);
      },
    };
    return { feed, listeners, taken, tell: () => [...listeners].forEach((listener) => listener()) };
  }

  async function serveEvents(feed: Feed, more: Partial<ConstructorParameters<typeof EventStreams>[0]> = {}) {
    const errors: unknown[] = [];
    const streams = new EventStreams({ onError: (error) => errors.push(error), ...more });
    opened.push(() => streams.close());
    const route = eventRoute({
      method: "GET",
      path: "/v1/events",
      operationId: "events",
      summary: "events",
      query: { from: wholeParameter(1, 1e6) },
      event: { name: "Event", schema: z.object({ x: z.string() }) },
      run: async ({ query, client }) => streams.stream(client, feed, query.from),
    });
    return { ...(await serve({ routes: [route] })), streams, errors };
  }

  const follow = (port: number, localAddress = "127.0.0.1", from = 1) => {
    const socket = connect({ port, host: "127.0.0.1", localAddress });
    opened.push(() => socket.destroy());
    let text = "";
    socket.on("error", () => undefined);
    socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    socket.write(`GET /v1/events?from=${from} HTTP/1.1\r\nHost: x\r\n\r\n`);
    return { socket, ids: () => [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id)), text: () => text };
  };

  it("have what there is from a place on, and what comes; comments meanwhile", async () => {
    let count = 3;
    const { feed, tell, listeners } = feedOf(() => count);
    const { port } = await serveEvents(feed, { heartbeatMs: 300 });
    const client = follow(port, undefined, 2);
    await eventually(() => expect(client.ids()).toEqual([2, 3]));
    count = 5;
    tell();
    await eventually(() => expect(client.ids()).toEqual([2, 3, 4, 5]));
    await eventually(() => expect(client.text()).toMatch(/\n:\n\n/));
    expect(client.text()).toMatch(/^HTTP\/1\.1 200 OK\r\nContent-Type: text\/event-stream\r\n/);
    expect(client.text()).toContain('id: 4\nevent: e\ndata: {"x":"x"}\n\n');
    client.socket.destroy();
    await eventually(() => expect(listeners.size).toBe(0));
  });

  it("take no more events than a slow client has room for, and close one that takes none", async () => {
    const { feed, taken } = feedOf(() => 1_000_000, 1_000);
    const { port, streams } = await serveEvents(feed, { heartbeatMs: 200 });
    const slow = follow(port);
    slow.socket.pause();
    await eventually(() => expect(streams.size).toBe(1));
    await eventually(() => expect(streams.size).toBe(0));
    // What the kernel takes, and a little more.
    expect(taken.length).toBeLessThan(20_000);
  });

  it("are so many, of one client and of all", async () => {
    const { feed } = feedOf(() => 1);
    const { port, url, streams } = await serveEvents(feed, { maxStreams: 5, maxStreamsPerClient: 3 });
    for (let stream = 0; stream < 3; stream++) follow(port);
    await eventually(() => expect(streams.size).toBe(3));
    const refused = await fetch(`${url}/v1/events?from=1`);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(await problemOf(refused)).toMatchObject({ status: 503, code: "too-many-streams" });
    const others = [follow(port, "127.0.0.7"), follow(port, "127.0.0.7")];
    await eventually(() => expect(streams.size).toBe(5));
    const one = await rawAnswer(port, ["GET /v1/events?from=1 HTTP/1.1\r\nHost: x\r\n\r\n"], "127.0.0.6");
    expect(one).toMatch(/^HTTP\/1\.1 503 /);
    others[0]?.socket.destroy();
    await eventually(() => expect(streams.size).toBe(4));
    const next = follow(port, "127.0.0.6");
    await eventually(() => expect(next.ids()).toEqual([1]));
  });

  it("close when reading fails, and say so where it belongs", async () => {
    const feed: Feed = {
      events: () => {
        throw new Error("damaged");
      },
      onMore: () => () => undefined,
    };
    const { port, errors, streams } = await serveEvents(feed);
    const client = follow(port);
    await once(client.socket, "close");
    expect(errors.map(String)).toEqual(["Error: damaged"]);
    expect(streams.size).toBe(0);
  });
});
