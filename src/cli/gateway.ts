/**
 * A gateway: the key-value store over HTTP, for programs that do not speak the cluster's protocol. It is a client of the cluster, and
 * signs in that client's name whatever it is asked: who can connect to it can do what the client can.
 *
 *     GET    /v1/kv/KEY    the value, its version as ETag; ?consistency=any|quorum|ordered
 *     PUT    /v1/kv/KEY    writes the body; If-Match: "VERSION" or If-None-Match: * make it conditional
 *     DELETE /v1/kv/KEY    deletes; If-Match as well
 *     GET    /healthz
 */
import {
  type HttpAnswer,
  type HttpApi,
  type HttpRequest,
  jsonAnswer,
  listenHttp,
  refusal,
} from "../adapters/http/index.js";
import {
  BusyError,
  type Client,
  ClientClosedError,
  ClusterUnreachableError,
  type Consistency,
  KvFullError,
  type KvPresent,
  RefusedError,
  SessionEvictedError,
} from "../client/index.js";
import type { Listener } from "../replica/links.js";
import { MAX_VALUE_BYTES } from "../services/kv/index.js";
import { absentAnswer, expectedOf, foundAnswer, isAnswer, keyOfPath, positionHeaders } from "./kv-http.js";

/** For a call to be answered: a connection lives a little longer. */
const CALL_TIMEOUT_MS = 20_000;
const CONNECTION_LIFETIME_MS = 25_000;
const MAX_CONNECTIONS = 256;

export interface GatewayOptions {
  readonly client: Pick<Client, "kv">;
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly timeoutMs?: number;
  readonly onError: (error: unknown) => void;
}

/** @throws Error of the operating system when the address cannot be had */
export function startGateway({ client, host, port, timeoutMs, onError }: GatewayOptions): Promise<Listener> {
  const routes = new Map([["/healthz", () => jsonAnswer(200, { status: "ok" })]]);
  const limits = { connectionLifetimeMs: CONNECTION_LIFETIME_MS, maxConnections: MAX_CONNECTIONS };
  const apis = [gatewayApi(client, timeoutMs ?? CALL_TIMEOUT_MS)];
  return listenHttp({ host, port, routes, apis, limits, onError });
}

export function gatewayApi(client: Pick<Client, "kv">, timeoutMs: number): HttpApi {
  return {
    prefix: "/v1/",
    maxBodyBytes: MAX_VALUE_BYTES,
    async handle(request) {
      const key = keyOfPath(request.path);
      if (isAnswer(key)) return key;
      // A page of some site in a browser on this machine is not to write through us.
      if (request.method !== "GET" && request.header("origin") !== undefined) {
        return refusal(403, "not for pages of other sites");
      }
      try {
        return await answerTo(client, request, key, timeoutMs);
      } catch (error) {
        const answer = failureAnswer(error);
        if (answer === undefined) throw error;
        return answer;
      }
    },
  };
}

function answerTo(
  client: Pick<Client, "kv">,
  request: HttpRequest,
  key: Uint8Array,
  timeoutMs: number,
): Promise<HttpAnswer> {
  switch (request.method) {
    case "GET":
    case "HEAD":
      return read(client, request, key, timeoutMs);
    case "PUT":
      return write(client, request, key, timeoutMs);
    case "DELETE":
      return remove(client, request, key, timeoutMs);
    default:
      return Promise.resolve({ ...refusal(405, "method not allowed"), allow: "GET, HEAD, PUT, DELETE" });
  }
}

async function read({ kv }: Pick<Client, "kv">, { query }: HttpRequest, key: Uint8Array, timeoutMs: number) {
  const text = query.get("consistency") ?? "quorum";
  const consistency = CONSISTENCIES.find((one) => one === text);
  if (consistency === undefined) return refusal(400, `consistency is one of ${CONSISTENCIES.join(", ")}`);
  const answer = await kv.get(key, { consistency, timeoutMs });
  const { sequence, round } = answer;
  return answer.found ? foundAnswer(answer, { sequence, round }) : absentAnswer({ sequence, round });
}

const CONSISTENCIES: readonly Consistency[] = ["any", "quorum", "ordered"];

async function write({ kv }: Pick<Client, "kv">, request: HttpRequest, key: Uint8Array, timeoutMs: number) {
  const expected = expectedOf(request);
  if (isAnswer(expected)) return expected;
  const { body } = request;
  const written = await (expected === undefined
    ? kv.put(key, body, { timeoutMs })
    : kv.cas(key, expected, body, { timeoutMs }));
  const { sequence, round } = written;
  if (!written.ok) return conflictAnswer(written.current);
  return {
    ...jsonAnswer(200, { committed: true, version: written.version, sequence, round }),
    headers: { ETag: `"${written.version}"`, ...positionHeaders(written) },
  };
}

async function remove({ kv }: Pick<Client, "kv">, request: HttpRequest, key: Uint8Array, timeoutMs: number) {
  const expected = expectedOf(request);
  if (isAnswer(expected)) return expected;
  const deleted = await kv.delete(key, { expected, timeoutMs });
  if (!deleted.ok) return conflictAnswer(deleted.current);
  const { found, sequence, round } = deleted;
  return found
    ? { ...jsonAnswer(200, { committed: true, sequence, round }), headers: positionHeaders(deleted) }
    : absentAnswer({ sequence, round });
}

function conflictAnswer(current: KvPresent | undefined): HttpAnswer {
  const version = current?.version ?? null;
  return {
    ...jsonAnswer(412, { error: "the condition does not hold: nothing was changed", version }),
    ...(current !== undefined && { headers: { ETag: `"${current.version}"` } }),
  };
}

/** Undefined for what is a defect of ours. */
function failureAnswer(error: unknown): HttpAnswer | undefined {
  if (error instanceof BusyError) {
    const seconds = Math.max(1, Math.ceil(error.retryAfterMs / 1000));
    return {
      ...refusal(503, "the cluster is busy; a write may still be executed"),
      headers: { "Retry-After": String(seconds) },
    };
  }
  if (error instanceof ClusterUnreachableError || error instanceof SessionEvictedError) {
    return refusal(504, "too few replicas answered in time; a write may still be executed");
  }
  if (error instanceof ClientClosedError) return refusal(503, "the gateway stops");
  if (error instanceof KvFullError) return refusal(507, "the store is full: nothing was written");
  if (error instanceof RefusedError) return refusal(502, "the cluster refuses the request");
  return undefined;
}
