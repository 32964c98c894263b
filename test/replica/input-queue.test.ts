import { describe, expect, it } from "vitest";
import { InputQueue } from "../../src/replica/input-queue.js";

interface Item {
  readonly from: number | undefined;
  readonly sizeBytes: number;
  readonly name: number;
}

function queueOf(...items: readonly Item[]): InputQueue<Item> {
  const queue = new InputQueue<Item>();
  for (const item of items) queue.push(item);
  return queue;
}

const flood = (count: number, sizeBytes: number): Item[] =>
  Array.from({ length: count }, (_, name) => ({ from: 3, sizeBytes, name }));

describe("inputs that wait", () => {
  it.each([
    ["many", flood(100_000, 1), 64],
    ["long ones", flood(100, 100 * 1024), 2],
    ["one that is longer than a commit's part", flood(100, 1024 * 1024), 1],
  ])("a peer that says %s delays others by its part of one commit", (_, messages, part) => {
    const queue = queueOf(...messages);
    queue.push({ from: undefined, sizeBytes: 1, name: -1 });
    queue.push({ from: 0, sizeBytes: 1, name: -2 });
    const batch = queue.take();
    expect(batch.map(({ name }) => name)).toEqual([...Array(part).keys(), -1, -2]);
  });

  it("leave in the order of their source, each once", () => {
    const items = Array.from({ length: 1000 }, (_, name) => ({ from: name % 3 || undefined, sizeBytes: 1, name }));
    const queue = queueOf(...items);
    expect(queue.count(undefined)).toBe(334);
    const taken: Item[] = [];
    while (!queue.isEmpty) taken.push(...queue.take());
    for (const from of [undefined, 1, 2])
      expect(taken.filter((item) => item.from === from)).toEqual(items.filter((item) => item.from === from));
    expect(taken).toHaveLength(items.length);
    expect(queue.take()).toEqual([]);
  });
});
