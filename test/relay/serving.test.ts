/** Who is behind gets proofs as long as they are kept, else the latest checkpoint; and never more than it takes. */
import { beforeEach, describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { EncodeError, decode, encode } from "../../src/core/codec.js";
import { MAX_CERTIFICATE_BYTES } from "../../src/core/suite.js";
import { MAX_SERVED_CHUNKS, MAX_UNACKNOWLEDGED_CHUNKS, Outbox } from "../../src/relay/outbox.js";
import { PATIENCE_TICKS, Pacing, WINDOW_BYTES } from "../../src/relay/pacing.js";
import type { Archive, CheckpointOffer } from "../../src/relay/serving.js";
import {
  MAX_PATH_HASHES,
  MAX_PEER_FRAME_BYTES,
  MAX_REJOIN_BYTES,
  MAX_STATE_CHUNK_BYTES,
  MAX_SUMMARY_BYTES,
  type PeerFrame,
  peerFrameCodec,
} from "../../src/wire/peer-frames.js";
import { Mesh, type MeshOptions, proofOf } from "./mesh.js";

/** All are in round 100 of "abc". */
const OWN_ROUND = 100;
const CHUNKS = 5000;

const offerOf = (round: number): CheckpointOffer => ({
  round,
  summary: utf8(`state ${round}`),
  certificate: utf8("certificate"),
});

let oldest: number | undefined;
let offer: CheckpointOffer | undefined;
/** Chunks that were read. */
let reads: number[];
const archive: Archive = {
  proof: proofOf,
  oldestProof: () => oldest,
  offer: () => offer,
  chunk: (_channel, round, index) => {
    if (round !== offer?.round || index >= CHUNKS) return undefined;
    reads.push(index);
    return { bytes: utf8(`chunk ${index}`), path: [new Uint8Array(32).fill(index)] };
  },
  batch: () => undefined,
};

beforeEach(() => {
  oldest = 80;
  offer = offerOf(90);
  reads = [];
});

const meshOf = (options: Partial<MeshOptions> = {}): Mesh => new Mesh({ n: 4, archive, ...options });

function asks(mesh: Mesh, round: number, of = 2): void {
  mesh.courier(0).askProofs(of, "abc", round);
  mesh.pass(2);
}

describe("a peer in a round", () => {
  it("of which the proof is kept gets proofs, and no offer", () => {
    const mesh = meshOf();
    asks(mesh, 80);
    expect(mesh.names(2, 0)).toEqual(["proof-80", "proof-81", "proof-82", "proof-83"]);
    expect(mesh.stateOf(0)).toEqual([]);
  });

  it("of which it is gone gets an offer, and no proof", () => {
    const mesh = meshOf();
    asks(mesh, 79);
    expect(mesh.names(2, 0)).toEqual([]);
    expect(mesh.stateOf(0)).toEqual(["2 offers state 90"]);
    const [given] = mesh.state;
    expect(given?.item).toMatchObject({ channel: "abc", certificate: utf8("certificate") });
  });

  it("gets an offer also when no proof at all is kept, and from the position in a greeting", () => {
    oldest = undefined;
    const mesh = meshOf();
    expect(mesh.courier(2).position(0, "abc", 90)).toBeUndefined();
    mesh.post(2, 0, "live");
    mesh.pass(2);
    expect(mesh.stateOf(0)).toEqual(["2 offers state 90"]);
  });

  it("is offered nothing that is behind it, or that nobody certified", () => {
    oldest = undefined;
    const mesh = meshOf();
    asks(mesh, 91);
    offer = undefined;
    asks(mesh, 92);
    expect(mesh.stateOf(0)).toEqual([]);
  });

  it("is offered a state once until it moves, or there is a later one", () => {
    const mesh = meshOf();
    for (const round of [5, 5, 5, 4]) asks(mesh, round);
    expect(mesh.stateOf(0)).toHaveLength(1);
    asks(mesh, 6);
    expect(mesh.stateOf(0)).toHaveLength(2);
    offer = offerOf(95);
    for (let time = 0; time < 3; time++) asks(mesh, 6);
    expect(mesh.stateOf(0)).toEqual(["2 offers state 90", "2 offers state 90", "2 offers state 95"]);
  });

  it("is offered it again when it starts anew, in whatever round that is", () => {
    const mesh = meshOf();
    asks(mesh, 50);
    mesh.start(0);
    mesh.post(0, 2, "again");
    mesh.pass(2);
    expect(mesh.stateOf(0)).toEqual(["2 offers state 90", "2 offers state 90"]);
    // It lost its store.
    offer = offerOf(95);
    asks(mesh, 1);
    expect(mesh.stateOf(0)).toHaveLength(3);
  });

  it("gets the offer in the place of proofs that were pruned while they waited", () => {
    for (const cut of [[], ["0>2", "2>0"]]) {
      oldest = 80;
      const mesh = meshOf({ cut });
      expect(mesh.courier(2).position(0, "abc", 80)).toBeUndefined();
      oldest = 83;
      mesh.post(2, 0, "live");
      mesh.pass(2 * PATIENCE_TICKS);
      expect(mesh.names(2, 0)).toEqual(["live"]);
      expect(mesh.stateOf(0)).toEqual(["2 offers state 90"]);
    }
  });

  it("gets the offer over others, too, when no direct link has taken the proofs", () => {
    const mesh = meshOf();
    expect(mesh.courier(2).position(0, "abc", 80)).toBeUndefined();
    oldest = 83;
    for (let tick = 0; tick < PATIENCE_TICKS; tick++) mesh.courier(2).tick();
    mesh.settle();
    expect(mesh.names(2, 0)).toEqual([]);
    expect(mesh.stateOf(0)).toEqual(["2 offers state 90"]);
  });

  it("gets what is left when only those before its round were pruned", () => {
    const mesh = meshOf();
    expect(mesh.courier(2).position(0, "abc", 80)).toBeUndefined();
    expect(mesh.courier(2).position(0, "abc", 84)).toBeUndefined();
    oldest = 84;
    mesh.post(2, 0, "live");
    mesh.pass(2);
    expect(mesh.names(2, 0)).toEqual(["proof-84", "proof-85", "proof-86", "proof-87", "live"]);
    expect(mesh.stateOf(0)).toEqual([]);
  });

  it("is not taken to be where it was before", () => {
    const mesh = meshOf();
    expect(mesh.courier(2).position(0, "abc", 90)).toBeUndefined();
    expect(mesh.courier(2).position(0, "abc", 80)).toBeUndefined();
    mesh.post(2, 0, "live");
    mesh.pass(2);
    expect(mesh.names(2, 0)).toEqual(["proof-90", "proof-91", "proof-92", "proof-93", "live"]);
  });

  it("that there cannot be is one of ours", () => {
    const mesh = meshOf();
    asks(mesh, OWN_ROUND);
    asks(mesh, OWN_ROUND + 50);
    expect(mesh.stateOf(0)).toEqual([]);
    // Nor does it hide where the peer is.
    asks(mesh, 95);
    expect(mesh.names(2, 0)).toEqual(["proof-95", "proof-96", "proof-97", "proof-98"]);
  });
});

describe("a chunk", () => {
  const askChunk = (mesh: Mesh, index: number, round = 90): void =>
    mesh.courier(0).askChunk(2, { channel: "abc", round, index });

  it("comes to who asks for it, on the direct link or over others", () => {
    for (const cut of [[], ["0>2", "2>0"]]) {
      const mesh = meshOf({ cut });
      for (const index of [3, 1, 3]) askChunk(mesh, index);
      mesh.pass(3 * PATIENCE_TICKS);
      expect(mesh.stateOf(0)).toEqual(["2 chunk 90/3", "2 chunk 90/1"]);
      const [given] = mesh.state;
      expect(given?.item).toMatchObject({ bytes: utf8("chunk 3"), path: [new Uint8Array(32).fill(3)] });
      // The ask has left the outbox, and so has the answer.
      expect(mesh.courier(0).nextAfter(2, 0)).toBeUndefined();
      expect(mesh.courier(2).nextAfter(0, 0)).toBeUndefined();
    }
  });

  it("is in a line once, as ask and as answer", () => {
    const outbox = new Outbox();
    const name = { channel: "abc", round: 90, index: 1 };
    for (let time = 0; time < 3; time++) {
      outbox.request({ kind: "askChunk", ...name });
      outbox.answer({ kind: "chunk", ...name });
    }
    expect(outbox.entries.map(({ said }) => said.kind)).toEqual(["askChunk", "chunk"]);
    outbox.acknowledge(2);
    outbox.request({ kind: "askChunk", ...name });
    outbox.answer({ kind: "chunk", ...name });
    expect(outbox.entries).toHaveLength(2);
  });

  it("that is gone, or never was, is denied, and a later state offered once", () => {
    const mesh = meshOf();
    for (const index of [0, 1]) askChunk(mesh, index, 70);
    askChunk(mesh, CHUNKS);
    mesh.pass(3);
    expect(mesh.stateOf(0).sort()).toEqual([
      "2 noChunk 70/0",
      "2 noChunk 70/1",
      `2 noChunk 90/${CHUNKS}`,
      "2 offers state 90",
    ]);
    // Asking again is no way to have it offered again.
    askChunk(mesh, 2, 70);
    asks(mesh, 0);
    askChunk(mesh, 3, 70);
    asks(mesh, 0);
    expect(mesh.stateOf(0).filter((text) => text.includes("offers"))).toHaveLength(1);
  });

  it("is not asked for any more when the ask was taken back in time", () => {
    const mesh = meshOf();
    askChunk(mesh, 1);
    askChunk(mesh, 2);
    mesh.courier(0).withdrawChunk(2, { channel: "abc", round: 90, index: 1 });
    mesh.courier(0).withdrawChunk(2, { channel: "abc", round: 90, index: 7 });
    mesh.pass(2);
    mesh.post(0, 2, "flush");
    mesh.pass(2);
    expect(mesh.stateOf(0)).toEqual(["2 chunk 90/2"]);
  });

  /** Party 0 asks for these, and party 2 sends nothing of it yet. */
  const flood = (mesh: Mesh, from: number, count: number, firstNumber: number): void => {
    for (let index = 0; index < count; index++) {
      const number = firstNumber + index;
      const item = {
        number,
        after: number - 1,
        kind: "askChunk",
        channel: "abc",
        round: 90,
        index: from + index,
      } as const;
      mesh.courier(2).hear(0, 1, item, 60);
    }
  };

  it("waits in a bounded line, of which nothing is read before it is sent", () => {
    const mesh = meshOf();
    flood(mesh, 0, 20 * MAX_SERVED_CHUNKS, 1);
    expect(reads).toEqual([]);
    expect(mesh.courier(2).heldBytes(0)).toBe(0);
    mesh.post(2, 0, "after");
    mesh.settle();
    expect(mesh.stateOf(0)).toHaveLength(MAX_SERVED_CHUNKS);
    expect(mesh.names(2, 0)).toEqual(["after"]);
    expect(reads).toHaveLength(MAX_SERVED_CHUNKS);
    // What was sent makes room.
    flood(mesh, 2000, 5, 20 * MAX_SERVED_CHUNKS + 1);
    mesh.post(2, 0, "flush");
    mesh.settle();
    expect(mesh.stateOf(0)).toHaveLength(MAX_SERVED_CHUNKS + 5);
  });

  it("is sent no more to who acknowledges none", () => {
    const mesh = meshOf();
    // What party 0 says is deleted, but for the asks that the test hands over.
    mesh.cut.add("0>2");
    for (let time = 0; time < 40; time++) {
      flood(mesh, time * MAX_SERVED_CHUNKS, MAX_SERVED_CHUNKS, 1 + time * MAX_SERVED_CHUNKS);
      mesh.post(2, 0, "flush");
      mesh.settle();
    }
    expect(mesh.stateOf(0)).toHaveLength(MAX_UNACKNOWLEDGED_CHUNKS);
  });

  it("counts as what it may have where bytes on the way over others are bounded", () => {
    const outbox = new Outbox();
    const pacing = new Pacing(outbox);
    for (let index = 0; index < MAX_SERVED_CHUNKS; index++)
      outbox.answer({ kind: "chunk", channel: "abc", round: 90, index });
    const due = (): number => {
      let count = 0;
      while (pacing.next() !== undefined) count++;
      return count;
    };
    for (let tick = 0; tick < PATIENCE_TICKS; tick++) pacing.tick();
    due();
    for (let time = 0; time < 5; time++) pacing.progressed("relay");
    outbox.acknowledge(8);
    expect(due()).toBe(Math.floor(WINDOW_BYTES / MAX_STATE_CHUNK_BYTES));
  });

  it("of a channel that there is not is a fault, and so is its offer, and a chunk of it", () => {
    const place = { channel: "xyz", round: 1, index: 1 };
    const rest = { number: 1, after: 0 };
    for (const item of [
      { ...rest, kind: "askChunk", ...place },
      { ...rest, kind: "noChunk", ...place },
      { ...rest, kind: "chunk", ...place, bytes: utf8("x"), path: [] },
      { ...rest, kind: "checkpoint", channel: "xyz", summary: utf8("x"), certificate: utf8("x") },
    ] as const) {
      const mesh = meshOf();
      mesh.hand(0, 2, encode(peerFrameCodec, item));
      expect(mesh.faults).toEqual([{ by: 2, party: 0, fault: "unknown-channel" }]);
      expect(mesh.state).toEqual([]);
    }
  });
});

it("a rejoin payload is handed over, the last one only, and forgotten when it is acknowledged", () => {
  const mesh = meshOf();
  mesh.courier(0).askRejoin(2, utf8("first"));
  mesh.courier(0).askRejoin(2, utf8("second"));
  mesh.pass(3);
  expect(mesh.stateOf(2)).toEqual(["0 rejoins"]);
  expect(mesh.state[0]?.item).toMatchObject({ payload: utf8("second") });
  expect(mesh.courier(0).nextAfter(2, 0)).toBeUndefined();
});

describe("on the wire", () => {
  const rest = { number: 1, after: 0 };
  const place = { channel: "abc", round: 1, index: 1 };
  const hashes = (count: number): Uint8Array[] => Array.from({ length: count }, () => new Uint8Array(32));
  const offerFrame = (summaryBytes: number, certificateBytes: number): PeerFrame => {
    const [summary, certificate] = [new Uint8Array(summaryBytes), new Uint8Array(certificateBytes)];
    return { ...rest, kind: "checkpoint", channel: "abc", summary, certificate };
  };
  const chunkFrame = (chunkBytes: number, path: readonly Uint8Array[]): PeerFrame => {
    return { ...rest, kind: "chunk", ...place, bytes: new Uint8Array(chunkBytes), path };
  };
  const rejoinFrame = (payloadBytes: number): PeerFrame => ({
    ...rest,
    kind: "rejoin",
    payload: new Uint8Array(payloadBytes),
  });

  it.each([
    offerFrame(MAX_SUMMARY_BYTES, MAX_CERTIFICATE_BYTES),
    chunkFrame(MAX_STATE_CHUNK_BYTES, hashes(MAX_PATH_HASHES)),
    rejoinFrame(MAX_REJOIN_BYTES),
  ])("the greatest $kind fits into a frame", (frame) => {
    const bytes = encode(peerFrameCodec, frame);
    expect(bytes.length).toBeLessThan(MAX_PEER_FRAME_BYTES);
    expect(decode(peerFrameCodec, bytes)).toEqual({ ok: true, value: frame });
  });

  it.each([
    offerFrame(MAX_SUMMARY_BYTES + 1, 0),
    offerFrame(0, MAX_CERTIFICATE_BYTES + 1),
    chunkFrame(MAX_STATE_CHUNK_BYTES + 1, []),
    chunkFrame(0, hashes(MAX_PATH_HASHES + 1)),
    chunkFrame(0, [new Uint8Array(31)]),
    rejoinFrame(MAX_REJOIN_BYTES + 1),
  ])("a greater $kind is none (%#)", (frame) => {
    expect(() => encode(peerFrameCodec, frame)).toThrow(EncodeError);
  });
});
