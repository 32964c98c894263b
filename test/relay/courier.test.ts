/** Couriers over directed links that delete: nothing is lost, nothing comes twice, and what it costs is bounded. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import { peerFrameCodec, relayHeaderCodec, relayStatementCodec } from "../../src/wire/peer-frames.js";
import { MAX_REPEAT_TICKS, PATIENCE_TICKS } from "../../src/relay/pacing.js";
import { CLUSTER, Mesh, type MeshOptions, isStronglyConnected } from "./mesh.js";

fc.configureGlobal({ seed: 31 });

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

/** Copies that one relayed frame makes at most. */
const bound = (n: number): number => n - 1 + (n - 2) ** 2;

/** Directed cuts, taken in turn as long as those parties that are not dead stay strongly connected. */
const topology: fc.Arbitrary<MeshOptions & { readonly dead: readonly number[] }> = fc
  .integer({ min: 4, max: 7 })
  .chain((n) => {
    const links = range(n).flatMap((from) => range(n).flatMap((to) => (from === to ? [] : [`${from}>${to}`])));
    return fc.record({
      n: fc.constant(n),
      seed: fc.integer({ min: 1, max: 1_000_000 }),
      order: fc.shuffledSubarray(links),
      dead: fc.subarray(range(n), { maxLength: Math.floor((n - 1) / 3) }),
      lineFrames: fc.constantFrom(3, 1000),
    });
  })
  .map(({ order, dead, ...options }) => {
    const alive = range(options.n).filter((party) => !dead.includes(party));
    const cut = new Set<string>();
    for (const link of order) {
      cut.add(link);
      if (!isStronglyConnected(alive, cut)) cut.delete(link);
    }
    return Object.assign(options, { dead, cut });
  });

describe("couriers over any directed links that keep them strongly connected", () => {
  it("lose nothing, hear everything once and in order, hand each frame on once, and come to rest", () => {
    let relayedFrames = 0;
    fc.assert(
      fc.property(topology, fc.integer({ min: 1, max: 12 }), ({ dead, ...options }, messages) => {
        const mesh = new Mesh(options);
        for (const party of dead) mesh.dead.add(party);
        const alive = mesh.parties.filter((party) => !mesh.dead.has(party));
        const expected = new Map<string, string[]>();
        for (const round of range(messages)) {
          for (const from of alive) {
            for (const to of mesh.parties) {
              if (from === to) continue;
              mesh.post(from, to, `m${round}`);
              if (alive.includes(to))
                expected.set(`${from}>${to}`, [...(expected.get(`${from}>${to}`) ?? []), `m${round}`]);
            }
          }
          mesh.pass(round % 3);
        }
        mesh.pass(300);
        for (const [link, names] of expected) {
          const [from = 0, to = 0] = link.split(">").map(Number);
          expect(mesh.names(from, to), `${link}; cut ${[...mesh.cut].join()}`).toEqual(names);
        }
        const { frames, copies, most } = mesh.relayed;
        expect(most).toBeLessThanOrEqual(1);
        expect(copies).toBeLessThanOrEqual(frames * bound(mesh.n));
        expect(mesh.faults).toEqual([]);
        relayedFrames += frames;
        // At rest, but for the dead, who are asked ever more rarely.
        mesh.pass(100);
        const later = mesh.relayed.frames - frames;
        expect(later).toBeLessThanOrEqual(alive.length * dead.length);
      }),
      { numRuns: 60 },
    );
    expect(relayedFrames).toBeGreaterThan(1000);
  });

  it("relay nothing at all when no link fails, however slow the peers", () => {
    for (const n of [4, 7]) {
      const mesh = new Mesh({ n });
      for (const round of range(20)) {
        for (const from of mesh.parties)
          for (const to of mesh.parties) if (from !== to) mesh.post(from, to, `m${round}`);
        mesh.pass(round);
      }
      mesh.pass(10 * PATIENCE_TICKS);
      expect(mesh.heard).toHaveLength(20 * n * (n - 1));
      expect(mesh.relayed).toEqual({ frames: 0, copies: 0, most: 0 });
    }
  });

  it("go on over a chain as long as the group is", () => {
    const n = 7;
    const links = range(n).flatMap((from) => range(n).map((to) => [from, to] as const));
    // 0 → 1 → … → 6 → 0 and nothing else.
    const cut = links.filter(([from, to]) => (from + 1) % n !== to).map(([from, to]) => `${from}>${to}`);
    const mesh = new Mesh({ n, cut });
    mesh.post(0, 6, "far");
    mesh.post(6, 5, "farther");
    mesh.pass(PATIENCE_TICKS + 10);
    expect(mesh.names(0, 6)).toEqual(["far"]);
    expect(mesh.names(6, 5)).toEqual(["farther"]);
    expect(mesh.relayed.most).toBe(1);
  });
});

describe("over links of which none works directly between the two", () => {
  const aside = (): Mesh => new Mesh({ n: 4, cut: ["0>2", "2>0"] });

  it("proofs are asked for and served", () => {
    const mesh = aside();
    mesh.courier(0).askProofs(2, "abc", 90);
    mesh.pass(2 * PATIENCE_TICKS + 10);
    expect(mesh.names(2, 0)).toEqual(["proof-90", "proof-91", "proof-92", "proof-93"]);
  });

  it("what was heard is said again on request", () => {
    const mesh = aside();
    mesh.post(2, 0, "a");
    mesh.pass(2 * PATIENCE_TICKS);
    mesh.courier(0).askRepeat(2);
    mesh.pass(2 * PATIENCE_TICKS);
    expect(mesh.names(2, 0)).toEqual(["a", "a"]);
  });

  it("what is said while they relay is relayed at once", () => {
    const mesh = aside();
    mesh.post(2, 0, "a");
    mesh.pass(2 * PATIENCE_TICKS);
    mesh.post(2, 0, "b");
    mesh.settle();
    expect(mesh.names(2, 0)).toEqual(["a", "b"]);
  });

  it("what was retired is not said any more, and not waited for", () => {
    const mesh = aside();
    mesh.post(2, 0, "old", "abc/1");
    mesh.post(2, 0, "new", "abc/2");
    mesh.courier(2).retire("abc/1");
    mesh.pass(2 * PATIENCE_TICKS);
    expect(mesh.names(2, 0)).toEqual(["new"]);
  });
});

describe("an acknowledgement", () => {
  it("comes when what was heard is durable, and not before", () => {
    const mesh = new Mesh({ n: 4, cut: ["2>0"] });
    mesh.settles = false;
    mesh.post(2, 0, "a");
    mesh.post(1, 0, "b");
    mesh.pass(3 * PATIENCE_TICKS);
    expect(mesh.names(2, 0)).toEqual(["a"]);
    // Party 0 starts anew, and has nothing on its disk: all is said to it again.
    mesh.start(0);
    mesh.pass(2 * MAX_REPEAT_TICKS);
    expect(mesh.names(2, 0)).toEqual(["a", "a"]);
    expect(mesh.names(1, 0)).toEqual(["b", "b"]);
    mesh.courier(0).settle();
    mesh.pass(2 * MAX_REPEAT_TICKS);
    const { frames } = mesh.relayed;
    mesh.pass(2 * MAX_REPEAT_TICKS);
    expect(mesh.relayed.frames).toBe(frames);
  });

  it("is not lost when a tick comes before the disk is done", () => {
    const mesh = new Mesh({ n: 4 });
    mesh.settles = false;
    mesh.post(1, 0, "a");
    mesh.pass(3);
    mesh.courier(0).settle();
    mesh.pass(3 * PATIENCE_TICKS);
    expect(mesh.relayed.frames).toBe(0);
  });
});

describe("the direct link", () => {
  const heard = (upTo: number): Uint8Array => encode(peerFrameCodec, { kind: "heard", run: 1, upTo, bulkUpTo: 0 });
  /** Party 0 has said something to party 1, which is silent, and relays it. */
  const relaying = (): Mesh => {
    const mesh = new Mesh({ n: 4 });
    mesh.dead.add(1);
    mesh.post(0, 1, "a");
    mesh.pass(PATIENCE_TICKS);
    expect(mesh.relayed.frames).toBe(1);
    return mesh;
  };

  it("is trusted again when it acknowledges all, also what was acknowledged on another way", () => {
    const mesh = relaying();
    mesh.hand(1, 0, heard(1));
    mesh.hand(1, 0, heard(1));
    mesh.post(0, 1, "b");
    expect(mesh.relayed.frames).toBe(1);
  });

  it("is not trusted because it acknowledges what it had before", () => {
    const mesh = relaying();
    mesh.hand(1, 0, heard(0));
    mesh.post(0, 1, "b");
    expect(mesh.relayed.frames).toBe(2);
  });

  it("that loses one message only is found out, too", () => {
    const mesh = new Mesh({ n: 4 });
    mesh.cut.add("0>1");
    mesh.post(0, 1, "lost");
    mesh.cut.clear();
    for (const name of ["b", "c", "d"]) {
      mesh.post(0, 1, name);
      mesh.pass(PATIENCE_TICKS / 4);
    }
    mesh.pass(PATIENCE_TICKS);
    expect(mesh.names(0, 1)).toEqual(["lost", "b", "c", "d"]);
  });

  it("is trusted again when what it repeats was heard on another way", () => {
    const mesh = relaying();
    const name = { origin: 1, to: 0, run: 1, number: 1 };
    const keys = mockRelayKeys(1, 1);
    const header = { cluster: CLUSTER, ...name };
    const sealed = keys.seal(0, concat(encode(relayHeaderCodec, header), heard(1)));
    const signature = keys.sign(encode(relayStatementCodec, { header, sealed }));
    mesh.hand(2, 0, encode(peerFrameCodec, { kind: "relay", ...name, sealed, signature }));
    mesh.post(0, 1, "b");
    expect(mesh.relayed.frames).toBe(2);
    mesh.hand(2, 0, encode(peerFrameCodec, { kind: "relay", ...name, sealed, signature }));
    mesh.courier(0).retire("abc");
    mesh.hand(1, 0, heard(1));
    mesh.post(0, 1, "c");
    expect(mesh.relayed.frames).toBe(2);
  });
});

describe("a party that starts anew", () => {
  it("is heard from its number 1 on, over third parties too", () => {
    const mesh = new Mesh({ n: 4, cut: ["2>0", "0>2"] });
    mesh.post(2, 0, "a");
    mesh.pass(2 * PATIENCE_TICKS);
    mesh.start(2);
    mesh.post(2, 0, "b");
    mesh.pass(2 * PATIENCE_TICKS);
    expect(mesh.names(2, 0)).toEqual(["a", "b"]);
    expect(mesh.faults).toEqual([]);
    // The first run counts: it may have asked for something and forgotten it.
    expect(mesh.restarts.filter((restart) => restart === "0:2")).toHaveLength(2);
  });
});
