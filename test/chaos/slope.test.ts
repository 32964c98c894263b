import { describe, expect, it } from "vitest";
import { type Point, growthErrorPercent, growthPercent, slopeOf } from "./slope.mjs";

const points = (count: number, y: (x: number) => number): Point[] =>
  Array.from({ length: count }, (_, index) => ({ x: 1000 * (index + 1), y: y(1000 * (index + 1)) }));

describe("the slope", () => {
  it("is that of a line, and of the line through noise", () => {
    expect(slopeOf(points(10, (x) => 3 + 2 * x))).toMatchObject({ slope: expect.closeTo(2) as number });
    expect(slopeOf([0, 1, 2, 3].map((x) => ({ x, y: [1, 3, 2, 4][x] ?? 0 }))).slope).toBeCloseTo(0.8);
  });

  it("in percent of the mean is 0 for what is flat", () => {
    expect(
      growthPercent(
        points(100, () => 50),
        100_000,
      ),
    ).toBe(0);
  });

  it("looks at the second half alone, where growth shows", () => {
    expect(
      growthPercent(
        points(100, (x) => (x < 50_000 ? x : 50_000)),
        100_000,
      ),
    ).toBeCloseTo(0, 10);
    // 100 at 50,000 and 110 at 100,000: 20 per 100,000, of 105.
    expect(
      growthPercent(
        points(100, (x) => 90 + x / 5000),
        100_000,
      ),
    ).toBeCloseTo((100 * 20) / 105);
  });

  it("has an error, which is 0 for a line, and about that of its parts' means where points are much like those before", () => {
    const line = points(100, (x) => 90 + x / 5000);
    expect(growthErrorPercent(line, 100_000)).toBeCloseTo(0, 10);
    // Parts of the second half that are 49 and 51 in turn: residuals of about 1.
    const saw = points(1000, (x) => (Math.floor((x - 500_000) / 50_000) % 2 === 0 ? 49 : 51));
    const spread = 50_000 * Math.sqrt(82.5);
    const expected = (100 * Math.sqrt(10 / 8) * 100_000) / spread / 50;
    expect(growthErrorPercent(saw, 100_000)).toBeGreaterThan(0.9 * expected);
    expect(growthErrorPercent(saw, 100_000)).toBeLessThan(1.1 * expected);
    expect(
      growthErrorPercent(
        points(10, () => 1),
        1,
      ),
    ).toBeUndefined();
  });

  it("of one point is an error, not a verdict", () => {
    expect(() =>
      growthPercent(
        points(1, () => 1),
        1,
      ),
    ).toThrow("two places");
  });
});
