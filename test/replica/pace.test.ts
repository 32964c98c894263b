import { describe, expect, it } from "vitest";
import { Pace } from "../../src/replica/pace.js";
import { VirtualTime } from "../support/virtual-time.js";

const MUCH = 2 * 1024 * 1024;

class World extends VirtualTime {
  readonly pace = new Pace({ ...this.timing, intervalMs: 50 });
}

describe("the next round", () => {
  it("begins at once while little waits, each once", () => {
    const { pace, timers } = new World();
    for (let round = 1; round < 100; round++) {
      pace.took(1000);
      expect([pace.begins(round), pace.begins(round)]).toEqual([true, false]);
    }
    expect(timers).toEqual([]);
  });

  it("begins the interval after the last one when much waits, and says when it is its turn", () => {
    const world = new World();
    const { pace } = world;
    expect(pace.begins(1)).toBe(true);
    pace.took(MUCH);
    world.pass(20);
    for (let time = 0; time < 5; time++) expect(pace.begins(2)).toBe(false);
    expect(world.timers).toHaveLength(1);
    world.pass(29);
    expect([world.turns, pace.begins(2)]).toEqual([0, false]);
    world.pass(1);
    expect([world.turns, pace.begins(2)]).toEqual([1, true]);
    // What came before belongs to the rounds before.
    pace.took(1000);
    expect(pace.begins(3)).toBe(true);
  });

  it.each([
    [64 * 1024, 0],
    [64 * 1024 + 1, 18],
    [MUCH / 4, 25],
    [MUCH / 2, 34],
    [MUCH, 50],
    [100 * MUCH, 50],
  ])("waits the longer the more waits: %i bytes %i ms", (sizeBytes, expectedMs) => {
    const world = new World();
    world.pace.begins(1);
    world.pace.took(sizeBytes);
    let waitedMs = 0;
    for (; !world.pace.begins(2); waitedMs++) world.pass(1);
    expect(waitedMs).toBe(expectedMs);
  });

  it("does not wait for what has waited long enough", () => {
    const world = new World();
    world.pace.begins(1);
    world.pass(500);
    world.pace.took(MUCH);
    expect(world.pace.begins(2)).toBe(true);
  });

  it("waits no longer when more comes while it waits", () => {
    const world = new World();
    world.pace.begins(1);
    world.pace.took(MUCH);
    for (let ms = 0; ms < 50; ms++) {
      world.pace.took(MUCH);
      world.pace.begins(2);
      world.pass(1);
    }
    expect([world.turns, world.pace.begins(2)]).toEqual([1, true]);
  });

  it("is the one under way, also when rounds were decided without this party", () => {
    const { pace } = new World();
    expect([pace.begins(7), pace.begins(3), pace.begins(8)]).toEqual([true, false, true]);
  });
});
