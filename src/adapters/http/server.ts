/**
 * A small HTTP/1.1 server: a table of paths for those who monitor, each with a function that makes its answer; and interfaces, each below
 * a prefix, whose requests may have bodies and whose answers may take time.
 *
 * Whoever can connect is hostile and bounded: in connections, of all and of one address, in the size of what it asks, and in time. A
 * connection has one request and a few seconds, whatever its client reads or writes meanwhile, unless an interface grants it more. A
 * request of the table has no body, and nothing in it but its method, its path and what its client has already (`If-None-Match`) has an effect.
 * Answers say nothing about the inside of the process.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Listener } from "../../replica/links.js";
import { clientOf } from "./address.js";
import {
  type AnyHttpApi,
  BodyTooLongError,
  type HttpAnswer,
  type HttpHead,
  type HttpStream,
  type HttpTask,
  isTask,
  type Patience,
  refusal,
  stagedOf,
} from "./exchange.js";
import { sinkOf } from "./sink.js";

/** The request line and all header fields. */
const MAX_HEADER_BYTES = 8 * 1024;
const MAX_CONNECTIONS = 256;
/** A further one of the same address is closed. */
const MAX_CONNECTIONS_PER_ADDRESS = 64;
/** For the whole request to arrive. */
const REQUEST_TIMEOUT_MS = 5_000;
/** For the request and the answer: then the connection ends. */
const CONNECTION_LIFETIME_MS = 10_000;
const INTERNAL_ERROR = "internal error";
/** How often Node looks for requests that are too slow. */
const CHECK_INTERVAL_MS = 500;

export interface HttpLimits {
  readonly requestTimeoutMs: number;
  readonly connectionLifetimeMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

/** By path, such as `/healthz`. `ifNoneMatch`: the request's field, where it has one. */
export type HttpRoutes = ReadonlyMap<string, (ifNoneMatch: string | undefined) => HttpAnswer>;

export interface HttpOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly routes: HttpRoutes;
  /** The first whose prefix a path has. */
  readonly apis?: readonly AnyHttpApi[];
  /** A route has thrown, which is our defect and a 500 for its client; or a connection could not be taken. */
  readonly onError: (error: unknown) => void;
  readonly limits?: Partial<HttpLimits>;
}

/** @throws Error of the operating system, with `code` and `syscall`, when the address cannot be had */
export async function listenHttp(options: HttpOptions): Promise<Listener> {
  const { host, port, onError } = options;
  const limits: HttpLimits = {
    requestTimeoutMs: REQUEST_TIMEOUT_MS,
    connectionLifetimeMs: CONNECTION_LIFETIME_MS,
    maxConnections: MAX_CONNECTIONS,
    maxConnectionsPerAddress: MAX_CONNECTIONS_PER_ADDRESS,
    ...options.limits,
  };
  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    headersTimeout: limits.requestTimeoutMs,
    // Node knows one time for all bodies; each request has its own below.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MS, limits.requestTimeoutMs),
  });
  server.maxConnections = limits.maxConnections;
  // No keep-alive, and no second request in the pipe.
  server.maxRequestsPerSocket = 1;
  const connections = new Connections(limits);
  server.on("connection", (socket) => connections.add(socket));
  const answerer = new Answerer(options, limits, connections);
  server.on("request", (request, response) => answerer.answer(request, response));
  // Without these Node would ask for the body that we do not take, or answer by itself and leave the connection open.
  server.on("checkContinue", (request, response) => answerer.answer(request, response, () => response.writeContinue()));
  server.on("checkExpectation", (request, response) => answerer.answer(request, response));
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

/** Open ones: how many each address has, and when each ends. */
class Connections {
  readonly #limits: HttpLimits;
  readonly #counts = new Map<string, number>();
  readonly #timers = new Map<Socket, NodeJS.Timeout>();

  constructor(limits: HttpLimits) {
    this.#limits = limits;
  }

  add(socket: Socket): void {
    const client = clientOf(socket.remoteAddress);
    const count = this.#counts.get(client) ?? 0;
    if (count >= this.#limits.maxConnectionsPerAddress) return void socket.destroy();
    this.#counts.set(client, count + 1);
    this.extend(socket, this.#limits.connectionLifetimeMs);
    socket.on("close", () => {
      clearTimeout(this.#timers.get(socket));
      this.#timers.delete(socket);
      const left = (this.#counts.get(client) ?? 0) - 1;
      if (left > 0) this.#counts.set(client, left);
      else this.#counts.delete(client);
    });
  }

  /** It ends so many milliseconds from now. */
  extend(socket: Socket, lifetimeMs: number): void {
    if (socket.destroyed) return;
    clearTimeout(this.#timers.get(socket));
    this.#timers.set(
      socket,
      setTimeout(() => socket.destroy(), lifetimeMs),
    );
  }
}

class Answerer {
  readonly #options: HttpOptions;
  readonly #limits: HttpLimits;
  readonly #connections: Connections;

  constructor(options: HttpOptions, limits: HttpLimits, connections: Connections) {
    this.#options = options;
    this.#limits = limits;
    this.#connections = connections;
  }

  /** `askForBody`: the client waits to be asked. */
  answer(request: IncomingMessage, response: ServerResponse, askForBody?: () => void): void {
    const path = pathOf(request.url ?? "");
    const api = this.#options.apis?.find(({ prefix }) => path.startsWith(prefix));
    if (api === undefined) return send(request, response, this.#answerOfTable(request));
    let task: HttpAnswer | HttpTask;
    try {
      task = stagedOf(api).begin(headOf(request, path));
    } catch (error) {
      task = this.#defect(error);
    }
    if (!isTask(task)) return send(request, response, task);
    if (Number(request.headers["content-length"] ?? 0) > task.maxBodyBytes)
      return send(request, response, tooLong(task));
    askForBody?.();
    void this.#perform(request, response, task);
  }

  /** Never rejects. */
  async #perform(request: IncomingMessage, response: ServerResponse, task: HttpTask): Promise<void> {
    const { requestTimeoutMs, connectionLifetimeMs } = this.#limits;
    const patience: Patience = task.patience ?? { requestTimeoutMs, connectionLifetimeMs };
    if (task.patience !== undefined) this.#connections.extend(request.socket, patience.connectionLifetimeMs);
    const late = setTimeout(() => {
      if (!request.complete) send(request, response, task.refuse(408, "the request did not arrive in time"));
    }, patience.requestTimeoutMs);
    const said = await this.#run(request, task);
    clearTimeout(late);
    if (response.headersSent) return;
    if ("open" in said) this.#stream(request, response, said);
    else send(request, response, said);
  }

  async #run(request: IncomingMessage, task: HttpTask): Promise<HttpAnswer | HttpStream> {
    try {
      return await task.run(bodyOf(request, task.maxBodyBytes));
    } catch (error) {
      if (error instanceof BodyTooLongError) return tooLong(task);
      // A client that went away is no defect.
      if (!request.complete) return task.refuse(400, "the request did not arrive");
      this.#options.onError(error);
      return task.refuse(500, INTERNAL_ERROR);
    }
  }

  #stream(request: IncomingMessage, response: ServerResponse, stream: HttpStream): void {
    request.resume();
    this.#connections.extend(request.socket, stream.lifetimeMs);
    response.writeHead(stream.status, { "Content-Type": stream.contentType, ...COMMON_HEADERS, ...stream.headers });
    if (request.method === "HEAD") return void response.end();
    stream.open(sinkOf(response));
  }

  #answerOfTable(request: IncomingMessage): HttpAnswer {
    const target = request.url ?? "";
    const route = this.#options.routes.get(pathOf(target));
    if (route === undefined) {
      if (TARGET.test(target)) return refusal(404, "not found");
      return refusal(400, "not a path, or one with characters that must be percent-encoded");
    }
    // HEAD is GET whose body Node leaves out.
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { ...refusal(405, "method not allowed"), allow: "GET, HEAD" };
    }
    if (hasBody(request)) return refusal(413, "a request has no body here");
    try {
      return route(request.headers["if-none-match"]);
    } catch (error) {
      return this.#defect(error);
    }
  }

  #defect(error: unknown): HttpAnswer {
    this.#options.onError(error);
    return refusal(500, INTERNAL_ERROR);
  }
}

function tooLong(task: HttpTask): HttpAnswer {
  return task.refuse(413, `a body has at most ${task.maxBodyBytes} bytes here`);
}

function headOf(request: IncomingMessage, path: string): HttpHead {
  return {
    method: request.method ?? "",
    path,
    query: new URLSearchParams(queryOf(request.url ?? "")),
    header: (name) => request.headersDistinct[name]?.join(", "),
    client: clientOf(request.socket.remoteAddress),
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

/** @throws BodyTooLongError; then what comes is not kept */
async function* bodyOf(request: IncomingMessage, maxBytes: number): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("a body is read as text");
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) throw new BodyTooLongError();
    yield chunk;
  }
}

/** A request target in origin or absolute form (RFC 9112, section 3.2). Whatever else is in a path has to be percent-encoded. */
const TARGET = /^(?:https?:\/\/[^/?#]*)?(\/[!-"$->@-~]*)(?:\?([!-"$-~]*))?$/i;

/**
 * As it was sent: a parser of URLs resolves dots, turns backslashes and drops what follows a "#", so that another key would be
 * written than was named. Empty for other targets.
 */
function pathOf(target: string): string {
  return TARGET.exec(target)?.[1] ?? "";
}

function queryOf(target: string): string {
  return TARGET.exec(target)?.[2] ?? "";
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) !== 0;
}

const COMMON_HEADERS = { "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", Connection: "close" };

/** Once for each request: what comes later is too late. */
function send(
  request: IncomingMessage,
  response: ServerResponse,
  { status, contentType, body, allow, headers }: HttpAnswer,
): void {
  if (response.headersSent) return;
  // What still arrives is not kept.
  request.resume();
  // An answer without a type is one without a body.
  const ofBody = contentType === "" ? {} : { "Content-Type": contentType, "Content-Length": Buffer.byteLength(body) };
  response.writeHead(status, {
    ...ofBody,
    ...COMMON_HEADERS,
    ...(allow !== undefined && { Allow: allow }),
    ...headers,
  });
  response.end(body);
}
