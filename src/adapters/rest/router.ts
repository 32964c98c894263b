/**
 * Serves a table of routes (route.ts). Everything that can be refused without the body is refused before it: pages of other sites, unknown
 * routes, missing keys, clients that ask for too much, wrong parameters.
 */
import type { z } from "zod";
import {
  collect,
  type HttpAnswer,
  type HttpHead,
  type HttpStream,
  type HttpTask,
  type StagedApi,
} from "../http/index.js";
import { type ApiKey, apiKeyOf } from "./api-keys.js";
import { judgeOrigin, PREFLIGHT_HEADERS } from "./cors.js";
import { type ProblemDetails, ProblemError, problemAnswer } from "./problem.js";
import type { RateLimits } from "./rate-limits.js";
import type { BytesResult, Route, RouteBody } from "./route.js";

/** Of a body that is JSON. */
const MAX_JSON_BYTES = 16 * 1024;
/** For an answer after the body has come. */
const ANSWER_MS = 10_000;
/** Of what is wrong with a request: the others are not listed. */
const MAX_LISTED_ERRORS = 16;

export interface RestOptions {
  /** What the paths of all routes begin with. */
  readonly prefix: string;
  readonly routes: readonly Route[];
  /** None: everybody may ask. */
  readonly apiKeys: readonly ApiKey[];
  /** Origins whose pages may ask; `*` for any. */
  readonly allowedOrigins: readonly string[];
  readonly limits: RateLimits;
}

export function restApi(options: RestOptions): StagedApi {
  const router = new Router(options);
  return { prefix: options.prefix, begin: (head) => router.begin(head) };
}

/** RFC 9110, section 15.5.2: it says how to ask. */
const UNAUTHORIZED = { status: 401, headers: { "WWW-Authenticate": "Bearer" } } as const;

/** A route with what its path looks like. */
interface Entry {
  readonly route: Route;
  readonly pattern: RegExp;
}

class Router {
  readonly #options: RestOptions;
  readonly #entries: readonly Entry[];

  constructor(options: RestOptions) {
    this.#options = options;
    this.#entries = options.routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  }

  begin(head: HttpHead): HttpAnswer | HttpTask {
    const { allowedOrigins } = this.#options;
    const origin = judgeOrigin(allowedOrigins, { origin: head.header("origin"), host: head.header("host") });
    const headers = origin.kind === "allowed" ? origin.headers : {};
    const refuse = (details: ProblemDetails): HttpAnswer => withHeaders(problemAnswer(details), headers);
    try {
      if (head.method === "OPTIONS") {
        this.#charge(head.client, 1);
        const preflight = origin.kind === "allowed" ? { ...headers, ...PREFLIGHT_HEADERS } : {};
        return { status: 204, contentType: "", body: "", headers: preflight, allow: this.#methodsOf(head.path) };
      }
      if (origin.kind === "foreign" && head.method !== "GET" && head.method !== "HEAD")
        throw new ProblemError({
          status: 403,
          code: "origin-not-allowed",
          detail: "pages of this origin may not write here",
        });
      const task = this.#task(head, refuse);
      return { ...task, run: async (body) => withHeaders(await settled(task.run(body), refuse), headers) };
    } catch (error) {
      if (error instanceof ProblemError) {
        const answer = refuse(error.details);
        return error.details.status === 405 ? { ...answer, allow: this.#methodsOf(head.path) } : answer;
      }
      throw error;
    }
  }

  /** @throws ProblemError */
  #task(head: HttpHead, refuse: (details: ProblemDetails) => HttpAnswer): HttpTask {
    const found = this.#entries.filter(({ pattern }) => pattern.test(head.path));
    const method = head.method === "HEAD" ? "GET" : head.method;
    const entry = found.find(({ route }) => route.method === method);
    const client = this.#admit(head, entry?.route);
    if (found.length === 0)
      throw new ProblemError({ status: 404, code: "no-such-route", detail: "there is nothing under this path" });
    if (entry === undefined)
      throw new ProblemError({ status: 405, code: "method-not-allowed", detail: `not by ${head.method}` });
    const { route } = entry;
    const params = checked(route.params, segmentsOf(entry, head.path), "path");
    const query = checked(route.query, queryOf(head.query), "query");
    const { body } = route;
    checkContentType(body, head.header("content-type"));
    checkContentEncoding(head.header("content-encoding"));
    const maxBodyBytes = body === undefined ? 0 : body.kind === "json" ? MAX_JSON_BYTES : body.maxBytes;
    return {
      maxBodyBytes,
      refuse: (status, detail) => refuse({ status, code: SERVER_CODES[status], detail }),
      ...(body?.kind === "stream" && {
        patience: {
          requestTimeoutMs: body.timeoutMs,
          connectionLifetimeMs: body.timeoutMs + (route.answerMs ?? ANSWER_MS),
        },
      }),
      async run(bytes) {
        const input = { params, query, body: await bodyOf(body, bytes), client, header: head.header };
        return answerOf(route, await route.run(input));
      },
    };
  }

  /** Who asks, when it may. @throws ProblemError */
  #admit(head: HttpHead, route: Route | undefined): string {
    const { apiKeys } = this.#options;
    const cost = route?.cost ?? 1;
    const authorization = head.header("authorization");
    const name = apiKeyOf(apiKeys, authorization);
    // No name of a key has a colon.
    const client = name === undefined ? `address:${head.client}` : name;
    this.#charge(client, cost);
    if (apiKeys.length === 0 || name !== undefined || route?.isPublic === true) return client;
    throw new ProblemError(
      authorization === undefined
        ? { ...UNAUTHORIZED, code: "key-missing", detail: "this needs an API key: Authorization: Bearer KEY" }
        : {
            ...UNAUTHORIZED,
            code: "key-unknown",
            detail: "there is no such API key",
            headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' },
          },
    );
  }

  #charge(client: string, cost: number): void {
    const taken = this.#options.limits.take(client, cost);
    if (taken.ok) return;
    const detail = "this client asks for too much in too short a time";
    throw new ProblemError({ status: 429, code: "rate-limited", detail, retryAfterMs: taken.retryAfterMs });
  }

  #methodsOf(path: string): string {
    const methods = this.#entries.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route.method);
    return [...new Set(methods.flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method])))].join(", ");
  }
}

const SERVER_CODES = {
  400: "request-incomplete",
  408: "request-timeout",
  413: "body-too-long",
  500: "internal-error",
} as const;

function patternOf(path: string): RegExp {
  const segments = path.split("/").map((segment) => {
    const [, name, rest] = /^\{([a-z][A-Za-z]*)(\*?)\}$/.exec(segment) ?? [];
    if (name === undefined) return segment.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
    return rest === "" ? `(?<${name}>[^/]+)` : `(?<${name}>.*)`;
  });
  return new RegExp(`^${segments.join("/")}$`);
}

/** Percent-decoded, but for the rest of a path. @throws ProblemError */
function segmentsOf({ route, pattern }: Entry, path: string): Record<string, string> {
  const groups = pattern.exec(path)?.groups ?? {};
  return Object.fromEntries(
    Object.entries(groups).map(([name, text]) => {
      if (route.path.endsWith(`{${name}*}`)) return [name, text];
      try {
        return [name, decodeURIComponent(text)];
      } catch (error) {
        if (!(error instanceof URIError)) throw error;
        throw invalidParameter([{ at: `path.${name}`, message: "must be percent-encoded UTF-8" }]);
      }
    }),
  );
}

/** @throws ProblemError when a parameter is there twice */
function queryOf(query: URLSearchParams): Record<string, string> {
  const names = [...query.keys()];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice === undefined) return Object.fromEntries(query);
  throw invalidParameter([{ at: `query.${twice.slice(0, 64)}`, message: "is there twice" }]);
}

/** @throws ProblemError */
function checked(schema: z.ZodObject, value: object, where: "path" | "query"): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalidParameter(errorsOf(where, parsed.error));
}

function invalidParameter(errors: ProblemDetails["errors"]): ProblemError {
  return new ProblemError({ status: 400, code: "invalid-parameter", detail: summaryOf(errors), errors });
}

function errorsOf(where: string, { issues }: z.ZodError): NonNullable<ProblemDetails["errors"]> {
  const errors = issues.slice(0, MAX_LISTED_ERRORS).map(({ path, message, ...issue }) => {
    const at = [where, ...path].map(String).join(".");
    if (issue.code !== "unrecognized_keys") return { at, message: message.slice(0, 256) };
    return { at: `${at}.${issue.keys[0] ?? ""}`.slice(0, 128), message: "is unknown; leave it out" };
  });
  // Two checks of one schema may say the same.
  const isFirst = (error: (typeof errors)[number], index: number): boolean =>
    errors.findIndex(({ at, message }) => at === error.at && message === error.message) === index;
  return errors.filter(isFirst);
}

function summaryOf(errors: ProblemDetails["errors"] = []): string {
  return errors.map(({ at, message }) => `${at}: ${message}`).join("; ");
}

/** @throws ProblemError. So no page of another site can send JSON before a browser has asked whether it may. */
function checkContentType(body: RouteBody | undefined, contentType: string | undefined): void {
  if (body?.kind !== "json" || contentType?.split(";")[0]?.trim().toLowerCase() === "application/json") return;
  throw new ProblemError({ status: 415, code: "wrong-content-type", detail: "the body must be application/json" });
}

/** @throws ProblemError: nothing is decoded here, and of a document the encoded bytes would be notarised, which is not what was meant. */
function checkContentEncoding(encoding = "identity"): void {
  if (encoding.trim().toLowerCase() === "identity") return;
  const headers = { "Accept-Encoding": "identity" };
  const detail = "the body must be sent without a Content-Encoding";
  throw new ProblemError({ status: 415, code: "wrong-content-encoding", detail, headers });
}

/** @throws ProblemError; what `bytes` throws */
async function bodyOf(body: RouteBody | undefined, bytes: AsyncIterable<Uint8Array>): Promise<unknown> {
  if (body?.kind === "stream") return bytes;
  const whole = await collect(bytes);
  if (body === undefined) return undefined;
  const parsed = body.schema.safeParse(jsonOf(whole));
  if (parsed.success) return parsed.data;
  const errors = errorsOf("body", parsed.error);
  throw new ProblemError({ status: 400, code: "invalid-body", detail: summaryOf(errors), errors });
}

/** @throws ProblemError */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
    throw new ProblemError({ status: 400, code: "invalid-json", detail: "the body is not JSON in UTF-8" });
  }
}

function answerOf({ answer }: Route, result: unknown): HttpAnswer | HttpStream {
  // As eventRoute has it.
  if (answer.kind === "events") return result as HttpStream;
  if (answer.kind === "bytes") return bytesAnswer(answer.contentType, result as BytesResult<unknown>);
  if (answer.kind === "text") return { status: 200, contentType: answer.contentType, body: String(result) };
  return jsonAnswer(result);
}

function jsonAnswer(value: unknown): HttpAnswer {
  return { status: 200, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(value)}\n` };
}

/** As bytesRoute has it. */
function bytesAnswer(contentType: string, result: BytesResult<unknown>): HttpAnswer {
  if ("json" in result) return jsonAnswer(result.json);
  return { status: 200, contentType, body: result.bytes, headers: result.headers };
}

async function settled(
  answer: Promise<HttpAnswer | HttpStream>,
  refuse: (details: ProblemDetails) => HttpAnswer,
): Promise<HttpAnswer | HttpStream> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ProblemError) return refuse(error.details);
    throw error;
  }
}

function withHeaders<T extends HttpAnswer | HttpStream>(answer: T, headers: Readonly<Record<string, string>>): T {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}
