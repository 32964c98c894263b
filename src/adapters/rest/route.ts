/**
 * Routes of a REST API, declared: what is checked before a route runs, and what the OpenAPI document says of it, are made from the same
 * schemas. A service adds routes by a function that returns some.
 */
import { z } from "zod";
import type { HttpStream } from "../http/index.js";

/** A request, checked. */
export interface RouteInput<Params, Query, Body> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** Who asks: the name of its API key, else what its address stands for. */
  readonly client: string;
  readonly header: (name: string) => string | undefined;
}

/** A schema under the name that it has in the OpenAPI document. */
export interface Named<Schema extends z.ZodType = z.ZodType> {
  readonly name: string;
  readonly schema: Schema;
}

interface JsonBody<Schema extends z.ZodType> extends Named<Schema> {
  readonly kind: "json";
}

/** Any bytes, as they come. */
interface StreamedBody {
  readonly kind: "stream";
  readonly maxBytes: number;
  /** Milliseconds for all of it to arrive. */
  readonly timeoutMs: number;
}

export type RouteBody = JsonBody<z.ZodType> | StreamedBody;

export type RouteAnswer =
  | ({ readonly kind: "json" } & Named)
  | { readonly kind: "text"; readonly contentType: string }
  /** Bytes, with headers that are described here; or JSON, for who asks for that. */
  | ({
      readonly kind: "bytes";
      readonly contentType: string;
      readonly headers: Readonly<Record<string, string>>;
    } & Named)
  /** Server-sent events, of which the data are JSON. */
  | ({ readonly kind: "events" } & Named);

interface Declared {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Such as `/v1/receipts/{number}`: a parameter is a whole segment. `{name*}` at the end is all that follows, not decoded. */
  readonly path: string;
  /** Its name in clients that are made from the OpenAPI document. */
  readonly operationId: string;
  readonly summary: string;
  /** Codes of problems that are the route's own, each with when it comes. */
  readonly problems?: Readonly<Record<string, string>>;
  /** What it takes of its client's bucket; 1 unless given. */
  readonly cost?: number;
  /** Milliseconds that its answer may take, above the usual. */
  readonly answerMs?: number;
  /** Needs no API key. */
  readonly isPublic?: boolean;
}

/** One that the router runs; made by the functions below, which know its types. */
export interface Route extends Declared {
  readonly params: z.ZodObject;
  readonly query: z.ZodObject;
  readonly body: RouteBody | undefined;
  readonly answer: RouteAnswer;
  /** @throws ProblemError */
  readonly run: (input: RouteInput<unknown, unknown, unknown>) => Promise<unknown>;
}

type Shape = z.core.$ZodLooseShape;
/** No parameters. */
type None = Record<string, never>;
type Output<T extends Shape> = z.output<z.ZodObject<T>>;

type BodyOf<B> = B extends { readonly kind: "json"; readonly schema: infer S extends z.ZodType }
  ? z.output<S>
  : B extends { readonly kind: "stream" }
    ? AsyncIterable<Uint8Array>
    : undefined;

interface Typed<P extends Shape, Q extends Shape, B extends RouteBody | undefined, Result> extends Declared {
  readonly params?: P;
  readonly query?: Q;
  readonly body?: B;
  readonly run: (input: RouteInput<Output<P>, Output<Q>, BodyOf<B>>) => Promise<Result>;
}

function routeOf<P extends Shape, Q extends Shape, B extends RouteBody | undefined>(
  answer: RouteAnswer,
  { params, query, body, run, ...declared }: Typed<P, Q, B, unknown>,
): Route {
  return {
    ...declared,
    params: z.strictObject(params ?? {}),
    query: z.strictObject(query ?? {}),
    body,
    answer,
    // The router hands it what these very schemas made.
    run: (input) => run(input as RouteInput<Output<P>, Output<Q>, BodyOf<B>>),
  };
}

/** Answers 200 with JSON of the schema. */
export function jsonRoute<
  S extends z.ZodType,
  P extends Shape = None,
  Q extends Shape = None,
  const B extends RouteBody | undefined = undefined,
>({ answer, ...typed }: Typed<P, Q, B, z.input<S>> & { readonly answer: Named<S> }): Route {
  return routeOf({ kind: "json", ...answer }, typed);
}

/** Answers 200 with text. */
export function textRoute<P extends Shape = None, Q extends Shape = None>({
  contentType,
  ...typed
}: Typed<P, Q, undefined, string> & { readonly contentType: string }): Route {
  return routeOf({ kind: "text", contentType }, typed);
}

/** What a route answers with bytes, or with JSON where that was asked for. */
export type BytesResult<Json> =
  | { readonly bytes: Uint8Array; readonly headers: Readonly<Record<string, string>> }
  | { readonly json: Json };

/** Answers 200 with bytes, or with JSON of the schema. */
export function bytesRoute<S extends z.ZodType, P extends Shape = None, Q extends Shape = None>({
  contentType,
  headers,
  json,
  ...typed
}: Typed<P, Q, undefined, BytesResult<z.input<S>>> & {
  readonly contentType: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly json: Named<S>;
}): Route {
  return routeOf({ kind: "bytes", contentType, headers, ...json }, typed);
}

/** Answers 200 with server-sent events. */
export function eventRoute<P extends Shape = None, Q extends Shape = None>({
  event,
  ...typed
}: Typed<P, Q, undefined, HttpStream> & { readonly event: Named }): Route {
  return routeOf({ kind: "events", ...event }, typed);
}

/** A whole number in a path or query. */
export function wholeParameter(min: number, max: number) {
  const message = `must be a whole number from ${min} to ${max}`;
  return z
    .string()
    .regex(/^(?:0|[1-9][0-9]{0,15})$/, message)
    .transform(Number)
    .pipe(z.int(message).min(min, message).max(max, message));
}
