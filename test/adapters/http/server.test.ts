/** What hostile clients can make of the HTTP server: nothing but the answers that they are due, and a place for a moment. */
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { clientOf, jsonAnswer } from "../../../src/adapters/http/index.js";
import { type HttpLimits, listenHttp } from "../../../src/adapters/http/server.js";
import type { Listener } from "../../../src/replica/links.js";
import { eventually } from "../../support/eventually.js";

/** A request that is sent at once arrives within it, however busy the machine is. */
const SHORT = { requestTimeoutMs: 1_500, connectionLifetimeMs: 4_000 };
/** Of what must not end by itself while a test looks at it. */
const LONG = { requestTimeoutMs: 900_000, connectionLifetimeMs: 900_000 };
/** More than a server and its client's kernel take without being read. */
const LONG_BODY = "x".repeat(16 * 1024 * 1024);

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).toReversed()) await close();
});

interface Served {
  readonly port: number;
  readonly listener: Listener;
  readonly errors: unknown[];
  /** How often `/ok` was asked. */
  asked: number;
}

async function serve(limits?: Partial<HttpLimits>): Promise<Served> {
  const errors: unknown[] = [];
  const routes = new Map([
    ["/ok", () => jsonAnswer(200, { asked: ++served.asked })],
    ["/long", () => ({ status: 200, contentType: "text/plain", body: LONG_BODY })],
    [
      "/broken",
      () => {
        throw new Error("secret detail");
      },
    ],
  ]);
  const onError = (error: unknown): void => void errors.push(error);
  const listener = await listenHttp({ host: "127.0.0.1", port: 0, routes, onError, ...(limits && { limits }) });
  opened.push(() => listener.close());
  const served: Served = { port: listener.port, listener, errors, asked: 0 };
  return served;
}

/** An interface below `/v1/` that says what it was asked. */
async function serveApi(): Promise<Listener> {
  const listener = await listenHttp({
    host: "127.0.0.1",
    port: 0,
    routes: new Map(),
    onError: () => undefined,
    apis: [
      {
        prefix: "/v1/",
        maxBodyBytes: 10,
        handle: ({ path, query, header }) =>
          Promise.resolve(jsonAnswer(200, { path, x: query.get("x") ?? undefined, match: header("if-match") })),
      },
      {
        prefix: "/own/",
        maxBodyBytes: 3,
        tooLong: () => jsonAnswer(200, { tooLong: true }),
        handle: ({ body }) => Promise.resolve(jsonAnswer(200, { bytes: body.length })),
      },
    ],
  });
  opened.push(() => listener.close());
  return listener;
}

function dial(port: number): Socket {
  const socket = connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  opened.push(() => socket.destroy());
  return socket;
}

/** Everything that comes back until the server closes the connection. */
async function answerTo(port: number, ...parts: readonly (string | Uint8Array)[]): Promise<string> {
  const socket = dial(port);
  let text = "";
  socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
  for (const part of parts) socket.write(part);
  await once(socket, "close");
  return text;
}

const request = (...lines: readonly string[]): string => `${[...lines, "Host: x"].join("\r\n")}\r\n\r\n`;
const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1]);

describe("the HTTP server", () => {
  it("answers, and closes", async () => {
    const { port } = await serve();
    const [head = "", body] = (await answerTo(port, request("GET /ok HTTP/1.1"))).split("\r\n\r\n");
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head).toMatch(/\r\nContent-Type: application\/json; charset=utf-8\r\n/);
    expect(head).toMatch(/\r\nConnection: close\b/);
    expect(body).toBe('{"asked":1}\n');
  });

  it.each([
    ["another query", "GET /ok?from=1 HTTP/1.1"],
    ["the absolute form", "GET http://x:1/ok HTTP/1.1"],
    ["HTTP/1.0", "GET /ok HTTP/1.0"],
    ["an expectation", "GET /ok HTTP/1.1", "Expect: miracles"],
    ["a wish to stay", "GET /ok HTTP/1.1", "Connection: keep-alive"],
  ])("takes %s, and closes", async (_, ...lines) => {
    const answer = await answerTo((await serve()).port, request(...lines));
    expect(statusOf(answer)).toBe(200);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
  });

  it("leaves the body out for HEAD", async () => {
    const answer = await answerTo((await serve()).port, request("HEAD /ok HTTP/1.1"));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\nContent-Length: 12\r\n[^]*\r\n\r\n$/);
  });

  it.each<[string, string, number]>([
    ["an unknown path", request("GET /secret HTTP/1.1"), 404],
    ["a path that leads outside", request("GET /../../ok/../etc/passwd HTTP/1.1"), 404],
    ["a path with a NUL", request("GET /ok%00 HTTP/1.1"), 404],
    ["a target that is no URL", request("GET //[ HTTP/1.1"), 404],
    ["an asterisk", request("OPTIONS * HTTP/1.1"), 400],
    ["a fragment", request("GET /ok#x HTTP/1.1"), 400],
    ["dots that lead there", request("GET /x/../ok HTTP/1.1"), 404],
    ["a path with other than ASCII", request("GET /\u00e9 HTTP/1.1"), 400],
    ["another method", request("DELETE /ok HTTP/1.1"), 405],
    ["a method that there is not", request("BREW /ok HTTP/1.1"), 400],
    ["a body", `${request("GET /ok HTTP/1.1", "Content-Length: 5")}12345`, 413],
    ["a body to come", request("GET /ok HTTP/1.1", "Content-Length: 99999999999"), 413],
    ["a body in chunks", `${request("GET /ok HTTP/1.1", "Transfer-Encoding: chunked")}5\r\n12345\r\n0\r\n\r\n`, 413],
    ["two lengths", request("GET /ok HTTP/1.1", "Content-Length: 0", "Content-Length: 7"), 400],
    ["a length and chunks", request("GET /ok HTTP/1.1", "Content-Length: 0", "Transfer-Encoding: chunked"), 400],
    ["no host", "GET /ok HTTP/1.1\r\n\r\n", 400],
    ["a header field of 9 KiB", request("GET /ok HTTP/1.1", `X: ${"x".repeat(9 * 1024)}`), 431],
    ["many header fields", request("GET /ok HTTP/1.1", ...Array<string>(3000).fill("Name: y")), 431],
    ["a target of 9 KiB", request(`GET /ok?${"x".repeat(9 * 1024)} HTTP/1.1`), 431],
    ["an injected line", "GET /ok HTTP/1.1\r\nHost: x\nX\r\n\r\n", 400],
    ["garbage", "\0\0\0\r\n\r\n", 400],
    ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400],
    ["another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400],
  ])("refuses %s, and closes", async (_, bytes, status) => {
    const served = await serve();
    const answer = await answerTo(served.port, Buffer.from(bytes, "latin1"));
    expect(statusOf(answer)).toBe(status);
    expect(answer).toMatch(/\r\nConnection: close\r\n/);
    expect(served.asked).toBe(0);
  });

  it("names the methods that there are", async () => {
    const answer = await answerTo((await serve()).port, request("POST /ok HTTP/1.1"));
    expect(answer).toMatch(/\r\nAllow: GET, HEAD\r\n/);
  });

  it("does not ask for a body by 100 Continue", async () => {
    const asking = request("POST /ok HTTP/1.1", "Content-Length: 5", "Expect: 100-continue");
    expect(statusOf(await answerTo((await serve()).port, asking))).toBe(405);
  });

  it("opens no tunnel", async () => {
    expect(await answerTo((await serve()).port, "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n")).toBe("");
    const upgrade = request("GET /ok HTTP/1.1", "Connection: upgrade", "Upgrade: websocket");
    expect(statusOf(await answerTo((await serve()).port, upgrade))).toBe(200);
  });

  it("answers the first request of a connection, and makes no answer to those behind it", async () => {
    const served = await serve();
    const answer = await answerTo(served.port, request("GET /ok HTTP/1.1").repeat(500));
    expect(answer.match(/HTTP\/1\.1/g)).toHaveLength(1);
    expect(served.asked).toBe(1);
  });

  it("tells nothing of an error of ours but that there is one", async () => {
    const { port, errors } = await serve();
    const answer = await answerTo(port, request("GET /broken HTTP/1.1"));
    expect(statusOf(answer)).toBe(500);
    expect(answer).toMatch(/\r\n\r\n\{"error":"internal error"\}\n$/);
    expect(errors.map(String)).toEqual(["Error: secret detail"]);
    expect(statusOf(await answerTo(port, request("GET /ok HTTP/1.1")))).toBe(200);
  });

  it("survives any bytes", async () => {
    const { port } = await serve(SHORT);
    const piece = fc.oneof(
      fc.string({ unit: "binary", maxLength: 40 }),
      fc.constantFrom("GET ", "/ok ", "HTTP/1.1", "\r\n", "\r\n\r\n", "Host: x\r\n", "Content-Length: -1\r\n", ": "),
    );
    const inputs = fc.sample(fc.array(piece, { maxLength: 8 }), { seed: 1, numRuns: 90 });
    // In groups that there is room for.
    for (let first = 0; first < inputs.length; first += 30) {
      const group = inputs.slice(first, first + 30);
      for (const answer of await Promise.all(group.map((parts) => answerTo(port, ...parts, "\r\n\r\n")))) {
        expect(answer).toMatch(/^$|^HTTP\/1\.1 [245]/);
        expect(answer).not.toMatch(/node:|\.js|\bat /);
      }
    }
    expect(statusOf(await answerTo(port, request("GET /ok HTTP/1.1")))).toBe(200);
  });

  it.each<[string, string, unknown]>([
    ["dots", "/v1/a/../b/%2e%2e?x=1", { path: "/v1/a/../b/%2e%2e", x: "1" }],
    ["a backslash", "/v1/a\\b", { path: "/v1/a\\b" }],
    ["two slashes", "/v1//x/v1/y", { path: "/v1//x/v1/y" }],
    ["an absolute target", "http://other/v1/a?x=1", { path: "/v1/a", x: "1" }],
    ["a fragment", "/v1/a#b", undefined],
    ["what is not ASCII", "/v1/\u00e9", undefined],
  ])("hands an interface its path as it was sent: %s", async (_, target, expected) => {
    const answer = await answerTo((await serveApi()).port, Buffer.from(request(`GET ${target} HTTP/1.1`), "latin1"));
    if (expected === undefined) expect(statusOf(answer)).toBe(400);
    else expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual(expected);
  });

  it("hands each interface what is below its prefix, and lets it say that a body is too long", async () => {
    const { port } = await serveApi();
    const post = async (path: string, body: string): Promise<unknown> => {
      const answer = await answerTo(
        port,
        `${request(`POST ${path} HTTP/1.1`, `Content-Length: ${body.length}`)}${body}`,
      );
      return [statusOf(answer), JSON.parse(answer.split("\r\n\r\n")[1] ?? "")];
    };
    expect(await post("/own/a", "abc")).toEqual([200, { bytes: 3 }]);
    expect(await post("/own/a", "abcd")).toEqual([200, { tooLong: true }]);
    expect(await post("/v1/a", "abcd")).toMatchObject([200, { path: "/v1/a" }]);
    expect(await post("/v1/a", "abcdefghijk")).toMatchObject([413, {}]);
    expect(await post("/other", "")).toMatchObject([404, {}]);
  });

  it("hides no header that is there twice", async () => {
    const { port } = await serveApi();
    const answer = await answerTo(port, request("GET /v1/a HTTP/1.1", "If-Match: 1", "If-Match: 2"));
    expect(answer).toContain('"match":"1, 2"');
  });

  it("waits for no slow request", async () => {
    const { port } = await serve({ requestTimeoutMs: SHORT.requestTimeoutMs });
    const slow = dial(port);
    let text = "";
    slow.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
    const closed = once(slow, "close");
    slow.write("GET /ok HTTP/1.1\r\nHost: x\r\n");
    const dripping = setInterval(() => slow.write("X: y\r\n"), 20);
    await closed;
    clearInterval(dripping);
    expect(statusOf(text)).toBe(408);
    // Nor for one that never begins.
    expect(statusOf(await answerTo(port))).toBe(408);
  });

  it("waits for no client that does not read its answer", async () => {
    const { port } = await serve({ connectionLifetimeMs: 600 });
    const socket = dial(port);
    socket.pause();
    socket.write(request("GET /long HTTP/1.1"));
    await sleep(1_200);
    let length = 0;
    socket.on("data", (bytes: Buffer) => (length += bytes.length)).resume();
    await once(socket, "close");
    expect(length).toBeLessThan(LONG_BODY.length);
  });

  it.each([
    ["of all", { maxConnections: 32 }],
    ["of one address", { maxConnectionsPerAddress: 32 }],
  ])("has room for so many connections %s and no more, and is there for others when they go", async (_, limits) => {
    const { port } = await serve({ ...LONG, ...limits });
    const sockets = Array.from({ length: 200 }, () => dial(port).resume());
    const isOpen = (socket: Socket): boolean => !socket.closed;
    await eventually(() => expect(sockets.filter(isOpen)).toHaveLength(32));
    expect(await answerTo(port, request("GET /ok HTTP/1.1"))).toBe("");
    expect(sockets.filter(isOpen)).toHaveLength(32);
    for (const socket of sockets) socket.destroy();
    await eventually(async () => expect(statusOf(await answerTo(port, request("GET /ok HTTP/1.1")))).toBe(200));
  });

  it("serves another address while one has all connections that it may have", async () => {
    const { port } = await serve(LONG);
    const sockets = Array.from({ length: 200 }, () => dial(port).resume());
    await eventually(() => expect(sockets.filter((socket) => !socket.closed)).toHaveLength(64));
    const other = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.9" });
    opened.push(() => other.destroy());
    let text = "";
    other.on("data", (bytes: Buffer) => (text += bytes.toString("latin1"))).write(request("GET /ok HTTP/1.1"));
    await once(other, "close");
    expect(statusOf(text)).toBe(200);
  });

  it("waits for no slow body, unless the interface does", async () => {
    const patience = LONG;
    const task = (more: object) => ({
      maxBodyBytes: 10,
      refuse: (status: number) => jsonAnswer(status, {}),
      async run(body: AsyncIterable<Uint8Array>) {
        let bytes = 0;
        for await (const chunk of body) bytes += chunk.length;
        return jsonAnswer(200, { bytes });
      },
      ...more,
    });
    const { port } = await listenHttp({
      host: "127.0.0.1",
      port: 0,
      routes: new Map(),
      onError: () => undefined,
      limits: { ...LONG, requestTimeoutMs: SHORT.requestTimeoutMs },
      apis: [
        { prefix: "/patient", begin: () => task({ patience }) },
        { prefix: "/", begin: () => task({}) },
      ],
    }).then((listener) => {
      opened.push(() => listener.close());
      return listener;
    });
    const post = async (path: string): Promise<string> => {
      const socket = dial(port);
      let text = "";
      socket.on("data", (bytes: Buffer) => (text += bytes.toString("latin1")));
      const closed = once(socket, "close");
      socket.write(`${request(`POST ${path} HTTP/1.1`, "Content-Length: 4")}ab`);
      await sleep(2 * SHORT.requestTimeoutMs);
      if (!socket.destroyed) socket.write("cd");
      await closed;
      return text;
    };
    const [hasty, patient] = await Promise.all([post("/"), post("/patient")]);
    expect(statusOf(hasty)).toBe(408);
    expect([statusOf(patient), patient.includes('{"bytes":4}')]).toEqual([200, true]);
  });

  it("closes at once, whoever is connected", async () => {
    const { port, listener } = await serve(LONG);
    const [silent, busy] = [dial(port), dial(port)];
    busy.write(request("GET /long HTTP/1.1"));
    // Its answer is under way, and goes no further.
    await once(busy, "readable");
    const sockets = [silent, busy];
    await listener.close();
    for (const socket of sockets) socket.resume();
    await eventually(() => expect(sockets.every(({ closed }) => closed)).toBe(true));
    await expect(once(connect(port, "127.0.0.1"), "connect")).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("says when the port is taken", async () => {
    const { port } = await serve();
    const second = listenHttp({ host: "127.0.0.1", port, routes: new Map(), onError: () => undefined });
    await expect(second).rejects.toMatchObject({ code: "EADDRINUSE", syscall: "listen" });
  });
});

describe("an address", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
    ["2001:0DB8:1:0002:ffff::", "2001:db8:1:2::/64"],
    ["::1", "0:0:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    [undefined, "unknown"],
  ])("%s stands for %s", (address, client) => {
    expect(clientOf(address)).toBe(client);
  });
});
