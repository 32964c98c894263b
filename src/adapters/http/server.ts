/**
 * A small HTTP/1.1 server for those who monitor: a table of paths, each with a function that makes its answer.
 *
 * Whoever can connect is hostile and bounded: in connections, in the size of what it asks, and in time. A connection has one
 * request and a few seconds, whatever its client reads or writes meanwhile. A request has no body, and nothing in it but its
 * method and path has an effect. Answers say nothing about the inside of the process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Listener } from "../../replica/links.js";

/** The request line and all header fields. */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 32;
/** For the whole request to arrive. */
const REQUEST_TIMEOUT_MS = 5_000;
/** For the request and the answer: then the connection ends. */
const CONNECTION_LIFETIME_MS = 10_000;
/** How often Node looks for requests that are too slow. */
const CHECK_INTERVAL_MS = 500;

export interface HttpLimits {
  readonly requestTimeoutMs: number;
  readonly connectionLifetimeMs: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** The methods that there are, where another was tried. */
  readonly allow?: string;
}

/** By path, such as `/healthz`. */
export type HttpRoutes = ReadonlyMap<string, () => HttpAnswer>;

export interface HttpOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly routes: HttpRoutes;
  /** A route has thrown, which is our defect and a 500 for its client; or a connection could not be taken. */
  readonly onError: (error: unknown) => void;
  readonly limits?: Partial<HttpLimits>;
}

/** @throws Error of the operating system, with `code` and `syscall`, when the address cannot be had */
export async function listenHttp({ host, port, routes, onError, limits }: HttpOptions): Promise<Listener> {
  const { requestTimeoutMs = REQUEST_TIMEOUT_MS, connectionLifetimeMs = CONNECTION_LIFETIME_MS } = limits ?? {};
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, requestTimeoutMs),
  });
  server.maxConnections = MAX_CONNECTIONS;
  // No keep-alive, and no second request in the pipe.
  server.maxRequestsPerSocket = 1;
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    send(request, response, answerTo(request, routes, onError));
  };
  server.on("request", answer);
  // Without these Node would ask for the body that we do not take, or answer by itself and leave the connection open.
  server.on("checkContinue", answer);
  server.on("checkExpectation", answer);
  server.on("connection", (socket) => {
    const timer = setTimeout(() => socket.destroy(), connectionLifetimeMs);
    socket.on("close", () => clearTimeout(timer));
  });
  await listening(server, host, port);
  server.on("error", onError);
  const { port: bound } = server.address() as AddressInfo;
  return {
    port: bound,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ host, port }, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function answerTo(request: IncomingMessage, routes: HttpRoutes, onError: (error: unknown) => void): HttpAnswer {
  const route = routes.get(pathOf(request.url ?? ""));
  if (route === undefined) return refusal(404, "not found");
  // HEAD is GET whose body Node leaves out.
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { ...refusal(405, "method not allowed"), allow: "GET, HEAD" };
  }
  if (hasBody(request)) return refusal(413, "a request has no body here");
  try {
    return route();
  } catch (error) {
    onError(error);
    return refusal(500, "internal error");
  }
}

/** Of a request target in origin or absolute form (RFC 9112, section 3.2); empty for others. */
function pathOf(target: string): string {
  const base = "http://localhost";
  return URL.canParse(target, base) ? new URL(target, base).pathname : "";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}

function refusal(status: number, reason: string): HttpAnswer {
  return jsonAnswer(status, { error: reason });
}

export function jsonAnswer(status: number, value: object): HttpAnswer {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, allow }: HttpAnswer,
): void {
  // What still arrives is not kept.
  request.resume();
  response.writeHead(status, {
    "Content-Type": contentType,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    Connection: "close",
    ...(allow !== undefined && { Allow: allow }),
  });
  response.end(body);
}
