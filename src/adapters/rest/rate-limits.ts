/** Token buckets: how much each client may ask for. Of each there is one that is full at first; the table of them is bounded. */

/** Clients that are told apart: the bucket that was not used for longest is forgotten, and full again. */
const MAX_BUCKETS = 10_000;

export interface RateLimitOptions {
  /** What comes into a bucket in a second. */
  readonly perSecond: number;
  /** What a bucket holds. */
  readonly burst: number;
  readonly nowMs: () => number;
}

interface Bucket {
  readonly tokens: number;
  /** When it had them. */
  readonly atMs: number;
}

export class RateLimits {
  readonly #options: RateLimitOptions;
  /** The one that was used last comes last. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: RateLimitOptions) {
    this.#options = options;
  }

  /** Clients that are remembered. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes `cost` from the client's bucket; if it has not so much, nothing, and the milliseconds until it has. A cost above what it holds is what it holds. */
  take(client: string, cost: number): { readonly ok: true } | { readonly ok: false; readonly retryAfterMs: number } {
    const { perSecond, burst, nowMs } = this.#options;
    const atMs = nowMs();
    const needed = Math.min(cost, burst);
    const bucket = this.#buckets.get(client) ?? { tokens: burst, atMs };
    const tokens = Math.min(burst, bucket.tokens + ((atMs - bucket.atMs) / 1000) * perSecond);
    const isEnough = tokens >= needed;
    this.#buckets.delete(client);
    this.#buckets.set(client, { tokens: isEnough ? tokens - needed : tokens, atMs });
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest);
    return isEnough ? { ok: true } : { ok: false, retryAfterMs: ((needed - tokens) / perSecond) * 1000 };
  }
}
