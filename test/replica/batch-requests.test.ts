import { describe, expect, it } from "vitest";
import { BATCH_PATIENCE_TICKS, BatchRequests, MAX_ASKED_BATCHES } from "../../src/replica/batch-requests.js";

const CHANNEL = "abc";
const name = (height: number, mark = 0) => ({ lane: 1, height, digest: new Uint8Array(32).fill(mark) });

class World {
  readonly asked: string[] = [];
  readonly withdrawn: string[] = [];
  readonly requests = new BatchRequests({
    self: 0,
    peers: [1, 2, 3, 4, 5],
    ask: (of, { height }) => this.asked.push(`${height} of ${of}`),
    withdraw: (of, { height }) => this.withdrawn.push(`${height} of ${of}`),
  });

  ticks(count: number): void {
    for (let tick = 0; tick < count; tick++) this.requests.tick();
  }

  take(): string[] {
    return this.asked.splice(0);
  }
}

describe("a batch that is wanted", () => {
  it("is asked of one party after the other, first of those named, then of all, again and again", () => {
    const world = new World();
    world.requests.want(CHANNEL, name(6), [4, 2, 0]);
    expect(world.take()).toEqual(["6 of 4"]);
    world.ticks(BATCH_PATIENCE_TICKS - 1);
    expect(world.take()).toEqual([]);
    world.ticks(1 + 5 * BATCH_PATIENCE_TICKS);
    expect(world.take()).toEqual(["6 of 2", "6 of 1", "6 of 3", "6 of 5", "6 of 4", "6 of 2"]);
  });

  it("is asked for no more when it is here, and taken back from who has not answered", () => {
    const world = new World();
    world.requests.want(CHANNEL, name(6), [4, 2]);
    world.ticks(BATCH_PATIENCE_TICKS);
    expect(world.requests.answered(4, { channel: CHANNEL, ...name(6) })).toBe(true);
    world.requests.kept(CHANNEL, name(6));
    world.requests.kept(CHANNEL, name(6));
    expect(world.withdrawn).toEqual(["6 of 2"]);
    world.take();
    world.ticks(10 * BATCH_PATIENCE_TICKS);
    expect(world.take()).toEqual([]);
  });

  it("is taken of who was asked for just it, once for each time", () => {
    const world = new World();
    world.requests.want(CHANNEL, name(6), [4]);
    const answered = (from: number, ...of: Parameters<typeof name>): boolean =>
      world.requests.answered(from, { channel: CHANNEL, ...name(...of) });
    expect([answered(2, 6), answered(4, 7), answered(4, 6, 1)]).toEqual([false, false, false]);
    expect(world.requests.answered(4, { channel: "other", ...name(6) })).toBe(false);
    expect([answered(4, 6), answered(4, 6)]).toEqual([true, false]);
    // The wrong answer of one costs the next one's turn.
    world.ticks(BATCH_PATIENCE_TICKS);
    expect(world.take()).toEqual(["6 of 4", "6 of 1"]);
    expect([answered(4, 6), answered(1, 6)]).toEqual([false, true]);
  });

  it("goes on when it is wanted again, and begins at another party for another height", () => {
    const world = new World();
    world.requests.want(CHANNEL, name(6), [4, 2]);
    world.requests.want(CHANNEL, name(6), [5]);
    world.requests.want(CHANNEL, name(7), [4, 2]);
    expect(world.take()).toEqual(["6 of 4", "7 of 2"]);
  });

  it("waits for its turn where many are", () => {
    const world = new World();
    for (let height = 1; height <= 3 * MAX_ASKED_BATCHES; height++) world.requests.want(CHANNEL, name(height), [4]);
    expect(world.take()).toHaveLength(MAX_ASKED_BATCHES);
    world.ticks(BATCH_PATIENCE_TICKS);
    expect(world.take().map((text) => text.split(" ")[0])).toEqual(
      Array.from({ length: MAX_ASKED_BATCHES }, (_, index) => String(index + 1)),
    );
    world.requests.kept(CHANNEL, name(3));
    expect(world.take()).toEqual([`${MAX_ASKED_BATCHES + 1} of 4`]);
  });

  it("is forgotten with all others", () => {
    const world = new World();
    world.requests.want(CHANNEL, name(6), [4]);
    world.requests.clear();
    expect(world.withdrawn).toEqual(["6 of 4"]);
    expect(world.requests.count).toBe(0);
    expect(world.requests.answered(4, { channel: CHANNEL, ...name(6) })).toBe(false);
  });
});
