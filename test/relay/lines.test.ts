/** The two lines of a link: bulk delays nothing else, and waits for what its peer has taken. */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { EncodeError, decode, encode } from "../../src/core/codec.js";
import { MAX_PARTIES } from "../../src/core/party-set.js";
import { MAX_BATCH_BYTES } from "../../src/core/protocol.js";
import { BULK_WINDOW_BYTES } from "../../src/relay/courier.js";
import { MAX_SERVED_CHUNKS } from "../../src/relay/outbox.js";
import { PATIENCE_TICKS } from "../../src/relay/pacing.js";
import { NO_CHECKPOINTS } from "../../src/relay/serving.js";
import { MAX_PEER_FRAME_BYTES, type PeerFrame, isItem, lineOf, peerFrameCodec } from "../../src/wire/peer-frames.js";
import { Mesh, type MeshOptions, envelope, proofOf } from "./mesh.js";

fc.configureGlobal({ seed: 37 });

const MIB = 1024 * 1024;

describe("bulk", () => {
  const trimmed = (mesh: Mesh, from: number, to: number): string[] => mesh.names(from, to).map((name) => name.trim());

  it("comes once and in order, on the direct link and over others, as all else does", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.constantFrom([], ["0>2", "2>0"]), (seed, cut) => {
        const mesh = new Mesh({ n: 4, seed, cut });
        for (let time = 0; time < 5; time++) {
          mesh.postBulk(0, 2, `bulk ${time}`);
          mesh.post(0, 2, `prompt ${time}`);
        }
        mesh.pass(3 * PATIENCE_TICKS);
        const names = mesh.names(0, 2);
        for (const line of ["bulk", "prompt"]) {
          const its = names.filter((name) => name.startsWith(line));
          expect(its).toEqual([0, 1, 2, 3, 4].map((time) => `${line} ${time}`));
        }
        expect(mesh.faults).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  it("that its peer does not take holds back bulk, and nothing else", () => {
    const mesh = new Mesh({ n: 4 });
    mesh.settles = false;
    const count = BULK_WINDOW_BYTES / MIB;
    for (let time = 0; time < 3 * count; time++) mesh.postBulk(0, 2, `bulk ${time}`, MIB);
    for (let time = 0; time < 100; time++) mesh.post(0, 2, `prompt ${time}`);
    mesh.pass(2);
    const heard = (): number => trimmed(mesh, 0, 2).filter((name) => name.startsWith("bulk")).length;
    expect(heard()).toBe(count);
    expect(trimmed(mesh, 0, 2).filter((name) => name.startsWith("prompt"))).toHaveLength(100);
    // What is durable there makes room.
    mesh.courier(2).settle();
    mesh.pass(1);
    mesh.post(0, 2, "flush");
    mesh.settle();
    expect(heard()).toBe(2 * count);
  });

  it("that fills the window goes alone", () => {
    const mesh = new Mesh({ n: 4 });
    mesh.settles = false;
    for (const name of ["first", "second"]) mesh.postBulk(0, 2, name, BULK_WINDOW_BYTES);
    mesh.settle();
    expect(trimmed(mesh, 0, 2)).toEqual(["first"]);
  });

  it("leaves with its instance, and is repeated when its peer asks", () => {
    const mesh = new Mesh({ n: 4 });
    mesh.postBulk(0, 2, "kept");
    mesh.pass(2);
    mesh.courier(2).askRepeat(0);
    mesh.post(2, 0, "flush");
    mesh.pass(2);
    mesh.post(0, 2, "flush");
    mesh.pass(2);
    expect(mesh.names(0, 2)).toEqual(["kept", "kept", "flush"]);
    expect(mesh.courier(0).heldBytes(2)).toBeGreaterThan(0);
    mesh.courier(0).retire("abc");
    expect(mesh.courier(0).heldBytes(2)).toBe(0);
  });

  it("that was never said cannot be heard", () => {
    const mesh = new Mesh({ n: 4 });
    mesh.postBulk(0, 2, "one");
    expect(mesh.courier(0).heard(2, { kind: "heard", run: 1, upTo: 0, bulkUpTo: 2 })).toBe("impossible-resume");
    expect(mesh.courier(0).resume(2, { prompt: 0, bulk: 2 })).toBeUndefined();
    expect(mesh.courier(0).resume(2, { prompt: 0, bulk: 1 })).toEqual({ prompt: 0, bulk: 1 });
  });

  it("is bulk by its kind alone", () => {
    const rest = { number: 1, after: 0 };
    const bulk: PeerFrame = { ...rest, kind: "bulk", envelope: envelope("x") };
    const prompt: PeerFrame = { ...rest, kind: "message", envelope: envelope("x") };
    expect([bulk, prompt].map((frame) => isItem(frame) && lineOf(frame))).toEqual(["bulk", "prompt"]);
  });
});

describe("a batch", () => {
  const digest = new Uint8Array(32).fill(7);
  const name = (height: number) => ({ channel: "abc", lane: 1, height, digest });
  /** Heights that were read. */
  let reads: number[];
  /** Heights that party 2 has. */
  let last: number;
  const archive = {
    ...NO_CHECKPOINTS,
    proof: proofOf,
    batch: (_channel: string, { height }: { readonly height: number }) => {
      reads.push(height);
      return height <= last ? utf8(`bytes ${height}`) : undefined;
    },
  };
  const meshOf = (options: Partial<MeshOptions> = {}): Mesh => new Mesh({ n: 4, archive, ...options });

  beforeEach(() => {
    reads = [];
    last = 1000;
  });

  it("comes to who asks for it, on the direct link or over others, once for each time", () => {
    for (const cut of [[], ["0>2", "2>0"]]) {
      const mesh = meshOf({ cut });
      for (const height of [3, 1, 3]) mesh.courier(0).askBatch(2, name(height));
      mesh.pass(3 * PATIENCE_TICKS);
      expect(mesh.stateOf(0)).toEqual(["2 batch 1/3 bytes 3", "2 batch 1/1 bytes 1"]);
      expect(mesh.courier(0).nextAfter(2, 0)).toBeUndefined();
      expect(mesh.courier(2).nextAfter(0, 0, "bulk")).toBeUndefined();
      mesh.courier(0).askBatch(2, name(3));
      mesh.pass(3 * PATIENCE_TICKS);
      expect(mesh.stateOf(0)).toHaveLength(3);
    }
  });

  it("that is not there is not answered, and holds up none that is", () => {
    const mesh = meshOf();
    last = 1;
    for (const height of [2, 1]) mesh.courier(0).askBatch(2, name(height));
    mesh.pass(3);
    expect(mesh.stateOf(0)).toEqual(["2 batch 1/1 bytes 1"]);
    last = 2;
    mesh.courier(0).askBatch(2, name(2));
    mesh.pass(3);
    expect(mesh.stateOf(0)).toEqual(["2 batch 1/1 bytes 1", "2 batch 1/2 bytes 2"]);
    expect(mesh.faults).toEqual([]);
  });

  it("that has gone with its checkpoint is answered with the offer of a later one, once", () => {
    const offer = { round: 90, summary: utf8("state 90"), certificate: utf8("certificate") };
    const mesh = meshOf({ archive: { ...archive, offer: () => offer } });
    last = 0;
    for (const height of [1, 2]) mesh.courier(0).askBatch(2, name(height));
    mesh.pass(3);
    expect(mesh.stateOf(0)).toEqual(["2 offers state 90"]);
  });

  it("is not asked for any more when the ask was taken back in time", () => {
    const mesh = meshOf();
    mesh.courier(0).askBatch(2, name(1));
    mesh.courier(0).askBatch(2, name(2));
    mesh.courier(0).withdrawBatch(2, name(1));
    mesh.pass(3);
    expect(mesh.stateOf(0)).toEqual(["2 batch 1/2 bytes 2"]);
  });

  it.each([
    ["the greatest", MAX_BATCH_BYTES, Math.floor(BULK_WINDOW_BYTES / MAX_BATCH_BYTES)],
    ["small ones", 100, MAX_SERVED_CHUNKS],
  ])("waits in a bounded line, of which nothing is read before it is sent: %s", (_, sizeBytes, count) => {
    const batch = (): Uint8Array => {
      reads.push(sizeBytes);
      return new Uint8Array(sizeBytes);
    };
    const mesh = meshOf({ archive: { ...archive, batch } });
    mesh.cut.add("0>2");
    for (let number = 1; number <= 10 * MAX_SERVED_CHUNKS; number++)
      mesh.courier(2).hear(0, 1, { number, after: number - 1, kind: "askBatch", ...name(number) }, 60);
    expect(reads).toEqual([]);
    expect(mesh.courier(2).heldBytes(0)).toBe(0);
    mesh.post(2, 0, "flush");
    mesh.settle();
    // Party 0 acknowledges none: what may be on the way is bounded by the bytes that there are.
    expect(mesh.stateOf(0)).toHaveLength(count);
    expect(reads).toHaveLength(count);
  });

  it("of a channel that there is not is a fault, and so is the ask", () => {
    const place = { ...name(1), channel: "xyz", number: 1, after: 0 };
    for (const item of [
      { kind: "askBatch", ...place },
      { kind: "batch", ...place, bytes: utf8("x") },
    ] as const) {
      const mesh = meshOf();
      mesh.hand(0, 2, encode(peerFrameCodec, item));
      expect(mesh.faults).toEqual([{ by: 2, party: 0, fault: "unknown-channel" }]);
      expect(mesh.state).toEqual([]);
    }
  });

  it("of the greatest length fits into a frame, and no greater one is one", () => {
    const frame = (sizeBytes: number): PeerFrame => {
      return { number: 1, after: 0, kind: "batch", ...name(1), bytes: new Uint8Array(sizeBytes) };
    };
    const bytes = encode(peerFrameCodec, frame(MAX_BATCH_BYTES));
    expect(bytes.length).toBeLessThan(MAX_PEER_FRAME_BYTES);
    expect(decode(peerFrameCodec, bytes).ok).toBe(true);
    expect(() => encode(peerFrameCodec, frame(MAX_BATCH_BYTES + 1))).toThrow(EncodeError);
    expect(() => encode(peerFrameCodec, { ...frame(1), lane: MAX_PARTIES } as PeerFrame)).toThrow(EncodeError);
  });
});
