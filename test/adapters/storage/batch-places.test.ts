import { expect, it } from "vitest";
import { BatchPlaces } from "../../../src/adapters/storage/batch-places.js";

const memory = new Uint8Array(100);
const batchAt = (start: number, end: number, height = 1) => ({
  channel: "abc",
  name: { lane: 2, height, digest: new Uint8Array(32).fill(height) },
  bytes: memory.subarray(start, end),
});

it("finds payloads in the batch whose memory they share, and nowhere else", () => {
  const places = new BatchPlaces();
  const batch = batchAt(20, 60);
  places.note(batch);
  const { channel, name } = batch;
  expect(places.of(memory.subarray(20, 60))).toEqual({ channel, name, offset: 0, sizeBytes: 40 });
  expect(places.of(memory.subarray(25, 30))).toEqual({ channel, name, offset: 5, sizeBytes: 5 });
  expect(places.of(memory.subarray(60, 60))).toEqual({ channel, name, offset: 40, sizeBytes: 0 });
  // Beside it, across its ends, the same bytes elsewhere.
  for (const [start, end] of [
    [0, 10],
    [19, 30],
    [50, 61],
    [70, 80],
  ] as const)
    expect(places.of(memory.subarray(start, end))).toBeUndefined();
  expect(places.of(memory.slice(25, 30))).toBeUndefined();
});

it("knows of batches that share their memory the last one", () => {
  const places = new BatchPlaces();
  places.note(batchAt(0, 40, 1));
  places.note(batchAt(40, 80, 2));
  expect([places.of(memory.subarray(10, 20)), places.of(memory.subarray(50, 60))?.name.height]).toEqual([undefined, 2]);
});
