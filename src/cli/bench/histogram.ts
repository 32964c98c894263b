/**
 * Counts times in buckets whose width grows with the time, as HdrHistogram does (http://hdrhistogram.org): each power of two
 * has 64 buckets, so that a quantile is right to 1/64 of itself, in a few kilobytes however many times are recorded.
 */

/** Below twice so many microseconds each has a bucket of its own. */
const BUCKETS_PER_DOUBLING = 64;
const SHIFT = 6;
const MAX_MICROSECONDS = 2 ** 31 - 1;
const BUCKETS = bucketOf(MAX_MICROSECONDS) + 1;

export class Histogram {
  readonly #counts = new Uint32Array(BUCKETS);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Times below 0 count as 0, those beyond half an hour as half an hour. */
  record(timeMs: number): void {
    const microseconds = Math.min(Math.max(0, Math.round(timeMs * 1000)), MAX_MICROSECONDS);
    const bucket = bucketOf(microseconds);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count++;
  }

  /** The time in milliseconds that a share of `q` of the recorded ones does not exceed; undefined when there are none. */
  quantileMs(q: number): number | undefined {
    let left = Math.max(1, Math.ceil(q * this.#count));
    for (const [bucket, count] of this.#counts.entries()) {
      left -= count;
      if (count > 0 && left <= 0) return greatestIn(bucket) / 1000;
    }
    return undefined;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }
}

function bucketOf(microseconds: number): number {
  const shift = Math.max(0, 31 - Math.clz32(microseconds) - SHIFT);
  return shift * BUCKETS_PER_DOUBLING + (microseconds >>> shift);
}

function greatestIn(bucket: number): number {
  if (bucket < 2 * BUCKETS_PER_DOUBLING) return bucket;
  const shift = (bucket >>> SHIFT) - 1;
  return (bucket - shift * BUCKETS_PER_DOUBLING + 1) * 2 ** shift - 1;
}
