import { expect, it } from "vitest";
import { EarlyMessages } from "../../src/agreement/early-messages.js";

const message = (tag: string, sizeBytes = 0): { tag: string; body: Uint8Array } => {
  return { tag, body: new Uint8Array(sizeBytes) };
};

it("empty messages are not free", () => {
  const early = new EarlyMessages(10_000);
  for (let count = 0; count < 1000; count++) early.keep(0, message("a"));
  expect(early.take("a").length).toBeLessThan(200);
});

it("what is taken is gone, and makes room", () => {
  const early = new EarlyMessages(1000);
  early.keep(0, message("a/1", 400));
  early.keep(0, message("ab", 300));
  early.keep(0, message("a", 400));
  expect(early.forgetIncomplete()).toEqual([0]);
  early.keep(0, message("a/1", 400));
  early.keep(0, message("ab", 300));
  expect(early.take("a").map(({ from, envelope }) => [from, envelope.tag])).toEqual([[0, "a/1"]]);
  expect(early.take("a")).toEqual([]);
  early.keep(0, message("a", 400));
  expect(early.take("a")).toHaveLength(1);
  expect(early.forgetIncomplete()).toEqual([]);
  expect(early.take("ab")).toHaveLength(1);
  expect(early.heldBytes(0)).toBe(0);
});

it("each peer has a bound of its own", () => {
  const early = new EarlyMessages(1000);
  for (const from of [0, 0, 1]) early.keep(from, message("a", 800));
  expect(early.forgetIncomplete()).toEqual([0]);
  expect(early.take("a").map(({ from }) => from)).toEqual([1]);
});
