/**
 * Which pages of other sites may use the API (the Fetch standard, section "CORS protocol"). None unless they are named. Answers never allow
 * credentials: an API key is in a header that a page must set itself.
 */

const METHODS = "GET, HEAD, POST, PUT, DELETE";
const HEADERS = "Authorization, Content-Type, Last-Event-ID";
/** Of headers that a page may read besides the usual. */
const EXPOSED = "Abcast-Round, Abcast-Sequence, ETag, Retry-After";
/** For which a browser need not ask again. */
const MAX_AGE_S = 600;

/** Any page. */
export const ANY_ORIGIN = "*";

export type OriginVerdict =
  /** No page of another site. */
  | { readonly kind: "same" }
  | { readonly kind: "allowed"; readonly headers: Readonly<Record<string, string>> }
  | { readonly kind: "foreign" };

/** `allowed`: origins, such as `https://example.org`, or ANY_ORIGIN. `host`: what the request says it was sent to. */
export function judgeOrigin(
  allowed: readonly string[],
  { origin, host }: { readonly origin: string | undefined; readonly host: string | undefined },
): OriginVerdict {
  if (origin === undefined) return { kind: "same" };
  const isAny = allowed.includes(ANY_ORIGIN);
  if (isAny || allowed.includes(origin)) {
    const headers = {
      "Access-Control-Allow-Origin": isAny ? ANY_ORIGIN : origin,
      "Access-Control-Expose-Headers": EXPOSED,
      Vary: "Origin",
    };
    return { kind: "allowed", headers };
  }
  // A proxy may speak TLS: so the scheme is not compared.
  return origin.replace(/^https?:\/\//, "") === host ? { kind: "same" } : { kind: "foreign" };
}

/** Of the answer to a browser that asks whether it may. */
export const PREFLIGHT_HEADERS: Readonly<Record<string, string>> = {
  "Access-Control-Allow-Methods": METHODS,
  "Access-Control-Allow-Headers": HEADERS,
  "Access-Control-Max-Age": String(MAX_AGE_S),
};
