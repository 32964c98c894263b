/** The time of a round: between the clocks of two honest parties, and never back. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { structureGroup, thresholdGroup } from "../../src/core/group.js";
import type { QueueVector } from "../../src/protocols/atomic-broadcast/messages.js";
import { roundTime, roundsHaveTime } from "../../src/protocols/atomic-broadcast/round-time.js";
import { OrderingNetwork, payload } from "./ordering-network.js";

fc.configureGlobal({ seed: 7 });

const vectorOf = (clocks: readonly number[]): QueueVector =>
  clocks.map((clock, party) => ({ party, clock, payloads: [], signature: new Uint8Array(0) }));

describe("the time of a round", () => {
  test("is the least reading up to which parties have an honest one", () => {
    const group = thresholdGroup({ n: 7, byzantine: 2 });
    expect(roundTime(vectorOf([9, 5, 8, 1, 7]), group)).toBe(7);
    expect(roundTime(vectorOf([5, 5, 5, 5, 5]), group)).toBe(5);
    const weighted = structureGroup({ n: 4, byzantine: { kind: "weights", weights: [3, 2, 2, 3], max: 3 } });
    expect(roundTime(vectorOf([1, 2, 3]), weighted)).toBe(2);
  });

  test("lies between two honest clocks, whatever the corrupted ones show", () => {
    const group = thresholdGroup({ n: 7, byzantine: 2 });
    const clocks = fc.array(fc.nat(100), { minLength: 5, maxLength: 7 });
    fc.assert(
      fc.property(clocks, fc.subarray([0, 1, 2, 3, 4], { maxLength: 2 }), (readings, liars) => {
        const time = roundTime(vectorOf(readings), group);
        const honest = readings.filter((_, party) => !liars.includes(party));
        expect(time).toBeGreaterThanOrEqual(Math.min(...honest));
        expect(time).toBeLessThanOrEqual(Math.max(...honest));
      }),
    );
  });

  test("is there when no two sets that may be Byzantine cover a vector", () => {
    const group = thresholdGroup({ n: 7, byzantine: 2 });
    expect([3, 4, 5].map((vectorSize) => roundsHaveTime(vectorSize, group))).toEqual([false, false, true]);
    const crashes = thresholdGroup({ n: 6, byzantine: 1, crash: 1 });
    expect([2, 3, 4].map((vectorSize) => roundsHaveTime(vectorSize, crashes))).toEqual([false, true, true]);
    expect(roundsHaveTime("quorum", group)).toBe(true);
  });
});

describe("a channel's rounds", () => {
  const times = (net: OrderingNetwork): readonly (number | undefined)[] => net.outputsOf(0).map(({ timeMs }) => timeMs);

  test("have the time that clocks showed when entries were signed, and never go back", () => {
    const net = new OrderingNetwork({ seed: 1, serves: true });
    for (const nowMs of [1000, 5000, 200, 6000]) {
      for (const party of net.running) net.clock(party, nowMs + party);
      net.submit(0, payload(nowMs));
      net.run();
    }
    const [first = 0, second = 0, third, fourth = 0] = times(net);
    expect(first).toBeGreaterThanOrEqual(1000);
    expect(first).toBeLessThanOrEqual(1003);
    expect(second).toBeGreaterThanOrEqual(5000);
    expect(third).toBe(second);
    expect(fourth).toBeGreaterThanOrEqual(6000);
    for (const party of net.running) expect(net.outputsOf(party)).toEqual(net.outputsOf(0));
  });

  test("have none when a vector may be two Byzantine sets'", () => {
    const net = new OrderingNetwork({ seed: 1, serves: true }, { vectorSize: 2 });
    for (const party of net.running) net.clock(party, 1000);
    net.submit(0, payload("a"));
    net.run();
    expect(times(net)).toEqual([undefined]);
  });
});
