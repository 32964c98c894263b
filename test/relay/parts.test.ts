import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Hearing, MAX_HELD_BYTES, MAX_HELD_ITEMS } from "../../src/relay/hearing.js";
import { Outbox, type Said } from "../../src/relay/outbox.js";
import {
  FIRST_WINDOW_ITEMS,
  MAX_REPEAT_TICKS,
  PATIENCE_TICKS,
  Pacing,
  WINDOW_BYTES,
  WINDOW_ITEMS,
} from "../../src/relay/pacing.js";
import { MAX_RELAY_LINE_BYTES, RelayQueue } from "../../src/relay/relay-queue.js";
import { SEEN_WINDOW, Seen } from "../../src/relay/seen.js";
import type { Item } from "../../src/wire/peer-frames.js";
import { envelope } from "./mesh.js";

fc.configureGlobal({ seed: 33 });

const range = (from: number, end: number): number[] => Array.from({ length: end - from }, (_, index) => from + index);
const said = (name: string, tag = "abc/1"): Said => ({ kind: "message", envelope: envelope(name, tag) });
const item = (number: number, after = number - 1): Item => ({ kind: "askRepeat", number, after });

describe("what was seen", () => {
  it("is never new again, and what is new is within the window or above", () => {
    const step = fc.record({
      run: fc.integer({ min: 1, max: 3 }),
      number: fc.integer({ min: 0, max: 4 * SEEN_WINDOW }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const seen = new Seen();
        const taken = new Set<string>();
        let run = 0;
        let greatest = 0;
        for (const one of steps) {
          const name = `${one.run}/${one.number}`;
          const isNew = seen.isNew(one.run, one.number);
          const isInWindow = one.run > run || (one.run === run && one.number + SEEN_WINDOW > greatest);
          expect(isNew).toBe(isInWindow && !taken.has(name));
          if (!isNew) continue;
          seen.add(one.run, one.number);
          greatest = one.run > run ? one.number : Math.max(greatest, one.number);
          run = one.run;
          taken.add(name);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe("what is heard", () => {
  const numbers = (items: readonly Item[]): number[] => items.map(({ number }) => number);

  it("comes in order, each once, whatever the order in which it arrives", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray(range(1, 30), { minLength: 29 }), (order) => {
        const hearing = new Hearing();
        const heard = [...order, ...order].flatMap((number) => numbers(hearing.hear(item(number), 1)));
        expect(heard).toEqual(range(1, 30));
        expect(hearing.upTo).toBe(29);
      }),
      { numRuns: 100 },
    );
  });

  it("waits for nothing that its speaker has retired meanwhile", () => {
    const hearing = new Hearing();
    expect(hearing.hear(item(7, 5), 1)).toEqual([]);
    // 5 was retired before it arrived: the repetition says so.
    expect(numbers(hearing.hear(item(7, 0), 1))).toEqual([7]);
    expect(hearing.hear(item(9, 8), 1)).toEqual([]);
    hearing.hear(item(9, 7), 1);
    expect(hearing.upTo).toBe(9);
  });

  it("takes what was said to need less when its turn comes", () => {
    const hearing = new Hearing();
    hearing.hear(item(5, 4), 1);
    hearing.hear(item(5, 2), 1);
    expect(numbers(hearing.hear(item(2, 0), 1))).toEqual([2, 5]);
  });

  it("holds a bounded number of items and bytes before their turn", () => {
    const many = new Hearing();
    for (const number of range(2, 200)) many.hear(item(number), 1);
    expect(numbers(many.hear(item(1), 1))).toEqual(range(1, MAX_HELD_ITEMS + 2));
    const large = new Hearing();
    for (const number of range(2, 10)) large.hear(item(number), MAX_HELD_BYTES / 2);
    expect(numbers(large.hear(item(1), 1))).toEqual([1, 2, 3]);
    // Room is free again, and a single larger one fits.
    expect(large.hear(item(5), 8 * MAX_HELD_BYTES)).toEqual([]);
    expect(numbers(large.hear(item(4), 1))).toEqual([4, 5]);
  });

  it("takes nothing else of a repetition, which might be larger", () => {
    const hearing = new Hearing();
    for (const number of range(3, 10)) hearing.hear(item(number), 1);
    for (const number of range(3, 10)) {
      const other: Item = { kind: "askProofs", channel: "abc", round: 77, number, after: number - 2 };
      expect(hearing.hear(other, 8 * MAX_HELD_BYTES)).toEqual([]);
    }
    const due = [...hearing.hear(item(1), 1), ...hearing.hear(item(2), 1)];
    expect(due.every(({ kind }) => kind === "askRepeat")).toBe(true);
    expect(hearing.upTo).toBe(9);
  });

  it("is durable when it is settled, not before", () => {
    const hearing = new Hearing();
    hearing.hear(item(1), 1);
    expect(hearing.durable).toBe(0);
    hearing.settle();
    hearing.hear(item(2), 1);
    expect(hearing.durable).toBe(1);
  });
});

describe("an outbox", () => {
  const numbers = (outbox: Outbox): number[] => outbox.entries.map(({ number }) => number);

  it("keeps messages until they are retired, and requests until they are acknowledged", () => {
    const outbox = new Outbox();
    outbox.push(said("a"));
    outbox.ask({ kind: "askRepeat" });
    outbox.serve("abc", 5, 7);
    outbox.push(said("b", "abc/2"));
    expect(outbox.acknowledge(outbox.lastNumber)).toBe(true);
    expect(outbox.acknowledge(1)).toBe(false);
    expect(outbox.entries.map((entry) => entry.said)).toEqual([said("a"), said("b", "abc/2")]);
    outbox.retire("abc/1");
    expect(outbox.sizeBytes).toBe(1);
    outbox.retire("abc");
    expect(outbox.entries).toEqual([]);
    expect(outbox.sizeBytes).toBe(0);
  });

  it("asks each thing once, the latest, and forgets none of another channel", () => {
    const outbox = new Outbox();
    for (const round of range(1, 100)) {
      outbox.ask({ kind: "askProofs", channel: "abc", round });
      outbox.ask({ kind: "askProofs", channel: "other", round });
      outbox.ask({ kind: "askRepeat" });
    }
    expect(outbox.entries.map((entry) => entry.said)).toEqual([
      { kind: "askProofs", channel: "abc", round: 99 },
      { kind: "askProofs", channel: "other", round: 99 },
      { kind: "askRepeat" },
    ]);
  });

  it("names for each entry the one that must be heard before it", () => {
    const outbox = new Outbox();
    const [a, b, c] = ["abc/1", "abc/2", "abc/3"].map((tag) => outbox.push(said("x", tag)));
    if (a === undefined || b === undefined || c === undefined) throw new Error("three were pushed");
    expect([a, b, c].map((entry) => outbox.before(entry))).toEqual([0, 1, 2]);
    outbox.retire("abc/2");
    expect(outbox.before(c)).toBe(1);
    outbox.acknowledge(1);
    expect(outbox.before(c)).toBe(0);
  });

  it("repeats what was sent, at the end and under new numbers", () => {
    const outbox = new Outbox();
    const first = outbox.push(said("a"));
    outbox.push(said("b"));
    outbox.repeat();
    expect(numbers(outbox)).toEqual([1, 2]);
    outbox.sent(first);
    outbox.acknowledge(1);
    outbox.repeat();
    expect(numbers(outbox)).toEqual([2, 3]);
    expect(outbox.entries.map((entry) => entry.said)).toEqual([said("b"), said("a")]);
    expect(outbox.firstAfter(2)?.number).toBe(3);
    outbox.repeat();
    expect(numbers(outbox)).toEqual([2, 3]);
  });

  it("puts proofs before what was not sent yet, and none twice", () => {
    const outbox = new Outbox();
    outbox.sent(outbox.push(said("sent")));
    outbox.push(said("unsent"));
    outbox.serve("abc", 3, 6);
    outbox.serve("abc", 4, 7);
    expect(outbox.entries.map((entry) => (entry.said.kind === "proof" ? entry.said.round : entry.said.kind))).toEqual([
      "message",
      4,
      5,
      6,
      "message",
    ]);
    expect(numbers(outbox)).toEqual([...numbers(outbox)].sort((a, b) => a - b));
  });

  it("has proofs that were sent again when they are asked for: the peer may have dropped them", () => {
    const outbox = new Outbox();
    outbox.serve("abc", 3, 6);
    const [first, second] = outbox.entries;
    if (first === undefined || second === undefined) throw new Error("three were pushed");
    outbox.sent(first);
    outbox.sent(second);
    outbox.serve("abc", 3, 6);
    expect(outbox.entries.slice(0, 2)).toEqual([first, second]);
    outbox.serve("abc", 4, 6, true);
    expect(outbox.entries.map(({ said: proof }) => proof)).toEqual([
      { kind: "proof", channel: "abc", round: 4 },
      { kind: "proof", channel: "abc", round: 5 },
    ]);
    expect(outbox.firstAfter(second.number)).toBe(outbox.entries[0]);
  });
});

describe("relaying", () => {
  const filled = (count: number, sizeBytes = 1): { outbox: Outbox; pacing: Pacing } => {
    const outbox = new Outbox();
    for (let time = 0; time < count; time++)
      outbox.push({ kind: "message", envelope: { tag: "abc/1", body: new Uint8Array(sizeBytes) } });
    return { outbox, pacing: new Pacing(outbox) };
  };
  const drain = (pacing: Pacing): number[] => {
    const due: number[] = [];
    for (let entry = pacing.next(); entry !== undefined; entry = pacing.next()) due.push(entry.number);
    return due;
  };
  const passed = (pacing: Pacing, ticks: number): number[] =>
    range(0, ticks).flatMap(() => {
      pacing.tick();
      return drain(pacing);
    });

  it("starts when patience ends, with the first window", () => {
    const { pacing } = filled(1000);
    expect(passed(pacing, PATIENCE_TICKS - 1)).toEqual([]);
    expect(passed(pacing, 1)).toEqual(range(1, 1 + FIRST_WINDOW_ITEMS));
  });

  it("costs a dead peer one item at a time, ever more rarely", () => {
    const { pacing } = filled(1000);
    passed(pacing, PATIENCE_TICKS);
    const due = passed(pacing, 100 * MAX_REPEAT_TICKS);
    expect(new Set(due)).toEqual(new Set([1]));
    expect(due.length).toBeGreaterThanOrEqual(100);
    expect(due.length).toBeLessThan(110);
  });

  it("widens the window with each acknowledgement, and is soon where it may be", () => {
    const { outbox, pacing } = filled(10_000);
    passed(pacing, PATIENCE_TICKS);
    for (let time = 0; time < 10; time++) {
      drain(pacing);
      outbox.acknowledge(outbox.acknowledged + 1);
      pacing.progressed("relay");
    }
    drain(pacing);
    const last = outbox.acknowledged + WINDOW_ITEMS;
    outbox.acknowledge(last);
    pacing.progressed("relay");
    expect(drain(pacing)).toEqual(range(last + 1, last + 1 + WINDOW_ITEMS));
  });

  it("has a bounded number of bytes on the way, or a single item", () => {
    const some = filled(100, WINDOW_BYTES / 2);
    expect(passed(some.pacing, PATIENCE_TICKS)).toEqual([1, 2]);
    const large = filled(100, 2 * WINDOW_BYTES);
    expect(passed(large.pacing, PATIENCE_TICKS)).toEqual([1]);
  });

  it("ends when the direct link is heard again, and needs patience anew", () => {
    const { outbox, pacing } = filled(10);
    passed(pacing, PATIENCE_TICKS);
    outbox.acknowledge(3);
    pacing.progressed("direct");
    expect(pacing.isRelaying).toBe(false);
    expect(passed(pacing, PATIENCE_TICKS - 1)).toEqual([]);
    expect(passed(pacing, 1)[0]).toBe(4);
  });

  it("does not run out of patience while there is progress", () => {
    const { outbox, pacing } = filled(1000);
    for (let time = 0; time < 50; time++) {
      expect(passed(pacing, PATIENCE_TICKS - 1)).toEqual([]);
      outbox.acknowledge(outbox.acknowledged + 1);
      pacing.progressed("direct");
    }
  });
});

describe("a relay queue", () => {
  const frame = (mark: number, sizeBytes: number): Uint8Array => new Uint8Array(sizeBytes).fill(mark);

  it("gives each origin its own room, and takes of each in turn", () => {
    const queue = new RelayQueue();
    for (const mark of range(1, 100)) queue.put(1, frame(mark, MAX_RELAY_LINE_BYTES / 4));
    queue.put(2, frame(101, 10));
    queue.put(2, frame(102, 10));
    const order: (number | undefined)[] = [];
    for (let next = queue.take(); next !== undefined; next = queue.take()) order.push(next[0]);
    expect(order).toEqual([1, 101, 2, 102, 3, 4]);
    // All room is free again.
    for (const mark of range(1, 6)) queue.put(1, frame(mark, MAX_RELAY_LINE_BYTES / 4));
    for (const mark of range(1, 5)) expect(queue.take()?.[0]).toBe(mark);
    expect(queue.take()).toBeUndefined();
  });

  it("lets a single larger frame through", () => {
    const queue = new RelayQueue();
    queue.put(1, frame(1, 2 * MAX_RELAY_LINE_BYTES));
    queue.put(1, frame(2, 1));
    expect(queue.take()?.[0]).toBe(1);
    expect(queue.take()).toBeUndefined();
  });
});
