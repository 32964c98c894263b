import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FrameReader, writeFrameHeader } from "../../src/adapters/tls/framing.js";

const MIB = 1024 * 1024;

function header(sizeBytes: number): Uint8Array {
  const bytes = new Uint8Array(4);
  writeFrameHeader(new DataView(bytes.buffer), 0, sizeBytes);
  return bytes;
}

function stream(frames: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(frames.flatMap((frame) => [header(frame.length), frame]));
}

/** The frames that come out when `bytes` arrives cut at `cuts`, and the error if there was one. */
function read(bytes: Uint8Array, cuts: readonly number[], maxFrameBytes: number) {
  const reader = new FrameReader(maxFrameBytes);
  const frames: Uint8Array[] = [];
  let error: string | undefined;
  const bounds = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  for (let i = 1; i < bounds.length; i++) {
    error = reader.push(bytes.slice(bounds[i - 1], bounds[i]), (frame) => frames.push(frame));
  }
  return { frames, error, heldBytes: reader.heldBytes };
}

describe("FrameReader", () => {
  it("gives the same frames for any split of any sequence", () => {
    const frames = fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 20 });
    fc.assert(
      fc.property(frames, fc.array(fc.nat(), { maxLength: 30 }), (sent, seeds) => {
        const bytes = stream(sent);
        const cuts = seeds.map((seed) => seed % (bytes.length + 1));
        const { frames: received, error, heldBytes } = read(bytes, cuts, 300);
        expect(error).toBeUndefined();
        expect(received).toEqual(sent.map((frame) => Uint8Array.from(frame)));
        expect(heldBytes).toBe(0);
      }),
    );
  });

  it("reads a stream cut at every offset, and one that comes byte by byte", () => {
    const sent = [1, 2, 255, 256, 5_000].map((sizeBytes) => new Uint8Array(sizeBytes).fill(sizeBytes % 251));
    const bytes = stream(sent);
    const expectSent = (cuts: readonly number[]): void => {
      const { frames } = read(bytes, cuts, 5_000);
      expect(frames.length).toBe(sent.length);
      // Compared as bytes: a deep comparison of each element would take most of the run.
      expect(Buffer.compare(Buffer.concat(frames), Buffer.concat(sent))).toBe(0);
    };
    for (let cut = 0; cut <= bytes.length; cut++) expectSent([cut]);
    expectSent(Array.from(bytes, (_, offset) => offset));
  });

  it("hands on plain byte arrays, never Buffers, whose slice shares memory", () => {
    const reader = new FrameReader(100);
    reader.push(Buffer.from([0, 0, 0, 1, 7, 0, 0, 0, 2]), (frame) => expect(frame.constructor).toBe(Uint8Array));
    reader.push(Buffer.from([8, 9]), (frame) => expect(frame.constructor).toBe(Uint8Array));
  });

  it.each([
    ["length zero", header(0), "frame of length zero"],
    ["one above the bound", header(1001), "frame of 1001 bytes above the bound of 1000"],
    ["the greatest length", header(0xffff_ffff), "frame of 4294967295 bytes above the bound of 1000"],
  ])("refuses %s, keeps the frames before it and reads nothing after it", (_, bad, message) => {
    const good = Uint8Array.of(1, 2, 3);
    const bytes = Buffer.concat([stream([good]), bad, stream([good, good])]);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const { frames, error } = read(bytes, [cut], 1000);
      expect(error).toBe(message);
      expect(frames).toEqual([good]);
    }
  });

  it("accepts a frame of exactly the bound", () => {
    expect(read(stream([new Uint8Array(1000)]), [], 1000).frames).toHaveLength(1);
  });

  it("allocates for what has arrived, not for what is announced", () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 100 }, () => new FrameReader(8 * MIB));
    for (const reader of readers) {
      reader.push(header(8 * MIB), () => undefined);
      expect(reader.heldBytes).toBe(0);
      reader.push(Uint8Array.of(1), () => undefined);
      expect(reader.heldBytes).toBeLessThanOrEqual(4096);
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB);
  });

  it("holds at most four times what has arrived, also from a peer that sends a byte at a time", () => {
    const reader = new FrameReader(8 * MIB);
    reader.push(header(8 * MIB), () => undefined);
    let worst = 0;
    for (let received = 1; received <= 100_000; received++) {
      reader.push(Uint8Array.of(received & 255), () => undefined);
      worst = Math.max(worst, reader.heldBytes / Math.max(1024, received));
    }
    expect(worst).toBeLessThanOrEqual(4);
  });

  it("does not keep a slab alive for a small frame in it", () => {
    const slab = new Uint8Array(64 * 1024);
    slab.set(stream([Uint8Array.of(1, 2, 3)]), 100);
    const frames: Uint8Array[] = [];
    new FrameReader(10).push(slab.subarray(100, 107), (frame) => frames.push(frame));
    expect(frames[0]?.buffer.byteLength).toBe(3);
  });

  it("does not copy a frame that fills most of its slab", () => {
    const slab = stream([new Uint8Array(60_000)]).slice();
    const frames: Uint8Array[] = [];
    new FrameReader(60_000).push(slab, (frame) => frames.push(frame));
    expect(frames[0]?.buffer).toBe(slab.buffer);
  });
});
