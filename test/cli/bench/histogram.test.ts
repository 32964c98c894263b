import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram } from "../../../src/cli/bench/histogram.js";

function of(times: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const time of times) histogram.record(time);
  return histogram;
}

/** The least time that a share of `q` does not exceed. */
function exact(times: readonly number[], q: number): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(q * sorted.length)) - 1] ?? Number.NaN;
}

describe("a histogram", () => {
  it("has quantiles that are right to 1/64, and never too low by more than rounding to microseconds", () => {
    const times = fc.array(fc.double({ min: 0, max: 1_800_000, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(times, fc.double({ min: 0, max: 1, noNaN: true }), (all, q) => {
        const [found = Number.NaN, right] = [of(all).quantileMs(q), exact(all, q)];
        expect(found).toBeGreaterThanOrEqual(right - 0.001);
        expect(found).toBeLessThanOrEqual(right * (1 + 1 / 64) + 0.001);
      }),
    );
  });

  it("takes what is out of its range for its ends", () => {
    expect(of([-5]).quantileMs(1)).toBe(0);
    expect(of([1e12]).quantileMs(1)).toBe((2 ** 31 - 1) / 1000);
  });

  it("knows no quantile of nothing, and forgets", () => {
    const histogram = of([1, 2]);
    expect(histogram.count).toBe(2);
    histogram.reset();
    expect([histogram.count, histogram.quantileMs(0.5)]).toEqual([0, undefined]);
  });
});
