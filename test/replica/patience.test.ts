import { describe, expect, it } from "vitest";
import { Patience } from "../../src/replica/patience.js";
import { VirtualTime } from "../support/virtual-time.js";

class World extends VirtualTime {
  readonly patience = new Patience({ ...this.timing, n: 4 });

  /** A round of so long; when the own proposal was made in it. */
  round(round: number, durationMs: number): "never" | "at once" | "later" {
    this.patience.sees(round);
    let made: "never" | "at once" | "later" = this.patience.isOver(round) ? "at once" : "never";
    for (let passedMs = 0; passedMs < durationMs; passedMs += 10) {
      this.pass(10);
      if (made === "never" && this.patience.isOver(round)) made = "later";
    }
    this.patience.sees(round + 1);
    return made;
  }
}

describe("the own proposal", () => {
  it("waits for half a second while nothing is known of how long rounds take, and says when it is over", () => {
    const world = new World();
    expect(world.patience.isOver(1)).toBe(false);
    world.pass(499);
    expect([world.turns, world.patience.isOver(1)]).toEqual([0, false]);
    world.pass(1);
    expect([world.turns, world.patience.isOver(1)]).toEqual([1, true]);
  });

  it.each([
    [100, 200],
    [400, 800],
    [1500, 2000],
  ])("is waited for, where rounds take %i ms, so many ms: %i", (durationMs, waitMs) => {
    const world = new World();
    for (let round = 1; round <= 20; round++) world.round(round, durationMs);
    // Of the party that is waited for: of others some were slow at the beginning.
    let round = 21;
    while (world.patience.isOver(round)) world.patience.sees(++round);
    expect(world.timers.at(-1)?.atMs).toBe(world.nowMs + waitMs);
  });

  it("says nothing of rounds that are decided", () => {
    const world = new World();
    world.round(1, 100);
    world.pass(10_000);
    expect(world.turns).toBe(0);
  });

  it("asks again when a timer comes too early", () => {
    const world = new World();
    world.patience.isOver(1);
    world.timers.splice(0).forEach(({ action }) => action());
    expect([world.turns, world.patience.isOver(1)]).toEqual([1, false]);
    expect(world.timers).toHaveLength(1);
  });
});

describe("a first candidate that was waited for in vain", () => {
  const isOfThree = (round: number): boolean => round % 4 === 3;
  /** Rounds of party 3, which are slow, and when the own proposal was made in each of them. */
  const slow = (world: World, from: number, to: number): Readonly<Record<number, string>> => {
    const made: Record<number, string> = {};
    for (let round = from; round <= to; round++) {
      if (isOfThree(round)) made[round] = world.round(round, 700);
      else expect(world.round(round, 50)).toBe("never");
    }
    return made;
  };

  it("is not waited for the next time, then two times, then four; others are", () => {
    const later = Object.entries(slow(new World(), 1, 64)).filter(([, made]) => made === "later");
    expect(later.map(([round]) => Number(round))).toEqual([3, 11, 23, 43]);
  });

  it("is waited for again at all once a round of it was decided in time", () => {
    const world = new World();
    slow(world, 1, 14);
    for (let round = 15; round <= 23; round++) world.round(round, 50);
    expect(slow(world, 24, 36)).toEqual({ 27: "later", 31: "at once", 35: "later" });
  });
});
