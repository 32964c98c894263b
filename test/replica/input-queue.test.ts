import { describe, expect, it } from "vitest";
import { InputQueue, type Queued } from "../../src/replica/input-queue.js";

interface Item extends Queued {
  readonly name: number;
}

function item(from: number | undefined, name: number, line: Queued["line"] = "prompt", sizeBytes = 1): Item {
  return { from, line: from === undefined ? "own" : line, sizeBytes, name };
}

function queueOf(...items: readonly Item[]): InputQueue<Item> {
  const queue = new InputQueue<Item>();
  for (const item of items) queue.push(item);
  return queue;
}

const flood = (count: number, sizeBytes: number): Item[] =>
  Array.from({ length: count }, (_, name) => item(3, name, "prompt", sizeBytes));

describe("inputs that wait", () => {
  it.each([
    ["many", flood(100_000, 1), 64],
    ["long ones", flood(100, 100 * 1024), 2],
    ["one that is longer than a commit's part", flood(100, 1024 * 1024), 1],
  ])("a peer that says %s delays others by its part of one commit", (_, messages, part) => {
    const queue = queueOf(...messages);
    queue.push(item(undefined, -1));
    queue.push(item(0, -2));
    const batch = queue.take();
    expect(batch.map(({ name }) => name)).toEqual([...Array(part).keys(), -1, -2]);
  });

  it("of clients count once for each 64 KiB, while they wait", () => {
    const queue = queueOf(
      item(undefined, 1),
      item(undefined, 2, "own", 64 * 1024),
      item(undefined, 3, "own", 256 * 1024),
      item(1, 4, "prompt", 1024 * 1024),
    );
    expect(queue).toMatchObject({ clientCount: 3, clientWeight: 6 });
    queue.take();
    expect(queue).toMatchObject({ clientCount: 1, clientWeight: 4 });
    queue.take();
    expect(queue).toMatchObject({ clientCount: 0, clientWeight: 0 });
  });

  it("leave in the order of their source, each once", () => {
    const items = Array.from({ length: 1000 }, (_, name) => item(name % 3 || undefined, name));
    const queue = queueOf(...items);
    expect(queue.clientCount).toBe(334);
    const taken: Item[] = [];
    while (!queue.isEmpty) taken.push(...queue.take());
    for (const from of [undefined, 1, 2])
      expect(taken.filter((one) => one.from === from)).toEqual(items.filter((one) => one.from === from));
    expect(queue.clientCount).toBe(0);
    expect(taken).toHaveLength(items.length);
    expect(queue.take()).toEqual([]);
  });

  it("of a peer that says much bulk delay what it says promptly by one of them, and what others say not at all", () => {
    const bulk = Array.from({ length: 50 }, (_, name) => item(3, name, "bulk", 1024 * 1024));
    const queue = queueOf(...bulk, item(3, 100), item(3, 101, "relay"), item(1, 102), item(undefined, 103));
    expect(queue.take().map(({ name }) => name)).toEqual([100, 101, 102, 103, 0]);
    queue.push(item(3, 104));
    expect(queue.take().map(({ name }) => name)).toEqual([104, 1]);
  });
});
