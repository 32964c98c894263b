import { describe, expect, it } from "vitest";
import { type Batch, OpenLoop, type Pacer, Saturating } from "../../../src/cli/bench/pacer.js";

const MAX = 100;

/** All that is taken at `nowMs`. */
function takeAll(pacer: Pacer, nowMs: number, max = MAX): Batch[] {
  const batches: Batch[] = [];
  for (let next = pacer.take(nowMs, max); next !== undefined; next = pacer.take(nowMs, max)) batches.push(next);
  return batches;
}

const counts = (batches: readonly Batch[]): number[] => batches.map(({ count }) => count);

describe("an open loop", () => {
  it("sends each payload once, when it is due, also after a stall, and remembers when that was", () => {
    // One a millisecond, none waits for others.
    const pacer = new OpenLoop(1000, 1000, () => 0);
    expect(pacer.take(999, MAX)).toBeUndefined();
    expect(takeAll(pacer, 1000)).toEqual([{ intendedMs: 1000, stepMs: 1, count: 1 }]);
    expect(pacer.take(1000.9, MAX)).toBeUndefined();
    expect(takeAll(pacer, 1003)).toEqual([{ intendedMs: 1001, stepMs: 1, count: 3 }]);
    const late = takeAll(pacer, 1503);
    expect(counts(late)).toEqual([100, 100, 100, 100, 100]);
    expect(late.map(({ intendedMs }) => intendedMs)).toEqual([1004, 1104, 1204, 1304, 1404]);
  });

  it("keeps the rate, however often it is asked", () => {
    const pacer = new OpenLoop(0, 30_000, () => 2);
    let sent = 0;
    for (let nowMs = 0; nowMs < 10_000; nowMs += 0.7) for (const { count } of takeAll(pacer, nowMs)) sent += count;
    expect(sent).toBeGreaterThan(299_900);
    expect(sent).toBeLessThanOrEqual(300_000);
  });

  it("lets a payload wait for those that come soon, and for no others", () => {
    // 0.4 ms apart: the oldest waits for five more.
    const dense = new OpenLoop(0, 2500, () => 2);
    expect(dense.take(1.9, MAX)).toBeUndefined();
    expect(dense.nextMs(MAX)).toBe(2);
    expect(counts(takeAll(dense, 2))).toEqual([6]);
    // 20 ms apart: nobody comes soon.
    const sparse = new OpenLoop(0, 50, () => 2);
    expect(counts(takeAll(sparse, 0))).toEqual([1]);
    expect(sparse.nextMs(MAX)).toBe(20);
  });

  it("lets payloads wait longer when it is told so", () => {
    let lingerMs = 2;
    const pacer = new OpenLoop(0, 2500, () => lingerMs);
    expect(counts(takeAll(pacer, 2))).toEqual([6]);
    lingerMs = 8;
    expect(pacer.take(10, MAX)).toBeUndefined();
    expect(counts(takeAll(pacer, 10.4))).toEqual([21]);
  });

  it("sends a full request at once", () => {
    const pacer = new OpenLoop(0, 100_000, () => 2);
    expect(pacer.nextMs(50)).toBeCloseTo(0.49);
    expect(pacer.take(0.4, 50)).toBeUndefined();
    expect(counts(takeAll(pacer, 0.5, 50))).toEqual([50]);
  });
});

describe("saturation", () => {
  it("always has a full request, which is due now", () => {
    const pacer = new Saturating();
    expect([pacer.take(7, MAX), pacer.take(7, MAX)]).toEqual([
      { intendedMs: 7, stepMs: 0, count: MAX },
      { intendedMs: 7, stepMs: 0, count: MAX },
    ]);
  });
});
