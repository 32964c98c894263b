/** Replicas whose connections look well and delete whatever one party says to another. */
import { describe, expect, it } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import { Random } from "../../src/sim/random.js";
import { PEER_PROTOCOL_VERSION, type PeerFrame, peerFrameCodec } from "../../src/wire/peer-frames.js";
import { isStronglyConnected } from "../relay/mesh.js";
import type { CommitFate } from "../support/memory-storage.js";
import { AGREED, CLUSTER, GROUP, TestCluster } from "./test-cluster.js";

const PARTIES = [...GROUP.parties];
const LINKS = PARTIES.flatMap((from) => PARTIES.flatMap((to) => (from === to ? [] : [`${from}>${to}`])));
/** 0 → 1 → 2 → 3 → 0 and nothing else. */
const RING = LINKS.filter((link) => !["0>1", "1>2", "2>3", "3>0"].includes(link));

function relayedFrames(cluster: TestCluster): number {
  return PARTIES.reduce((sum, party) => sum + cluster.get(party).replica.state.relayedFrames, 0);
}

async function clusterOver(cut: Iterable<string>, seed = 1): Promise<TestCluster> {
  const cluster = await TestCluster.of({ seed });
  cluster.tickTurns = 3;
  for (const link of cut) cluster.deleting.add(link);
  return cluster;
}

/** As many links as can be cut. */
function randomCut(seed: number): Set<string> {
  const random = new Random(seed);
  const cut = new Set<string>();
  const rest = [...LINKS];
  while (rest.length > 0) {
    const [link = ""] = rest.splice(random.below(rest.length), 1);
    cut.add(link);
    if (!isStronglyConnected(PARTIES, cut)) cut.delete(link);
  }
  return cut;
}

describe("replicas on links that delete", () => {
  it("order everything, whichever links fail, as long as the others connect them", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const cluster = await clusterOver(seed === 1 ? RING : randomCut(seed), seed);
      for (const party of PARTIES) cluster.submit(party, `a${party}`, `b${party}`);
      await cluster.run(() => cluster.hasDelivered(8));
      expect(cluster.agreement(), [...cluster.deleting].join()).toEqual(AGREED);
      expect(relayedFrames(cluster)).toBeGreaterThan(0);
    }
  });

  it("order everything also when a link fails in the middle, and stop relaying when it is well again", async () => {
    for (let seed = 1; seed <= 6; seed++) {
      const cluster = await clusterOver([], seed);
      cluster.submit(0, "a", "b");
      await cluster.run(() => cluster.hasDelivered(2));
      for (const link of RING) cluster.deleting.add(link);
      cluster.submit(1, "c", "d");
      await cluster.run(() => cluster.hasDelivered(4));
      cluster.deleting.clear();
      // What was acknowledged over third parties to its end says nothing of the link: that takes something new to say.
      for (const [index, name] of ["e", "f"].entries()) {
        cluster.submit(2, name);
        await cluster.run(() => cluster.hasDelivered(5 + index));
        for (let turn = 0; turn < 2000; turn++) await cluster.turn();
      }
      const before = relayedFrames(cluster);
      cluster.submit(3, "g", "h");
      await cluster.run(() => cluster.hasDelivered(8));
      for (let turn = 0; turn < 1000; turn++) await cluster.turn();
      expect(relayedFrames(cluster), `seed ${seed}`).toBe(before);
      expect(cluster.agreement()).toEqual(AGREED);
    }
  });

  it("relay nothing when no link fails, and say nothing when there is nothing to say", async () => {
    const cluster = await clusterOver([]);
    for (const party of PARTIES) cluster.submit(party, `a${party}`, `b${party}`);
    await cluster.run(() => cluster.hasDelivered(8));
    for (let turn = 0; turn < 300; turn++) await cluster.turn();
    const sent = (): readonly number[] =>
      [...cluster.pairs.values()].flatMap(({ left, right }) => [left.sent, right.sent]);
    const before = sent();
    for (let turn = 0; turn < 1000; turn++) await cluster.turn();
    expect(sent()).toEqual(before);
    expect(relayedFrames(cluster)).toBe(0);
  });
});

describe("a replica that was down, and that nobody who is ahead reaches directly", () => {
  it("catches up by proofs that it asks for and gets over others, and takes part again", async () => {
    const cluster = await TestCluster.of();
    cluster.tickTurns = 3;
    await cluster.run(() => cluster.pairs.size === 12);
    cluster.crash(0);
    for (let index = 0; index < 40; index++) {
      cluster.submit(1 + (index % 3), `down${index}`);
      await cluster.run(() => cluster.hasDelivered(index + 1, [1, 2, 3]));
    }
    // No greeting gets through both ways, so nobody converses with it, and it learns no position.
    for (const link of RING) cluster.deleting.add(link);
    await cluster.start(0);
    await cluster.run(() => cluster.hasDelivered(40));
    cluster.submit(0, "back");
    await cluster.run(() => cluster.hasDelivered(41));
    expect(cluster.agreement()).toEqual(AGREED);
  });
});

describe("a replica that starts anew", () => {
  it("has a greater run, and asks again what its log asked in the round in which it ends", async () => {
    const cluster = new TestCluster();
    await cluster.start(0);
    const said: PeerFrame[] = [];
    /** Party 1, of which we are the acceptor, hears what party 0 says. */
    const listen = (): void => {
      const pair = cluster.pairOf(0, 1);
      const onFrame = (bytes: Uint8Array): void => {
        const frame = decode(peerFrameCodec, bytes);
        if (frame.ok) said.push(frame.value);
      };
      pair.right.start({ onFrame, onWritable: () => undefined, onClose: () => undefined });
      pair.right.send(encode(peerFrameCodec, { kind: "welcome", resumeAfter: 0, bulkResumeAfter: 0, positions: [] }));
      pair.settle();
    };
    listen();
    // A later round than party 0 is in: it must ask how the rounds before were decided.
    const pair = cluster.pairOf(1, 0);
    const ahead = { tag: "abc/5/mvba", body: new Uint8Array(1) };
    for (const frame of [
      { kind: "hello", version: PEER_PROTOCOL_VERSION, cluster: CLUSTER, run: 1 },
      { kind: "message", number: 1, after: 0, envelope: ahead },
    ] as const)
      pair.left.send(encode(peerFrameCodec, frame));
    pair.settle();
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    cluster.crash(0);
    await cluster.start(0);
    said.length = 0;
    listen();
    const runs = said.flatMap((frame) => (frame.kind === "hello" ? [frame.run] : []));
    // Its log has settings, a clock reading and a message.
    expect(runs).toEqual([4]);
    expect(said).toContainEqual(expect.objectContaining({ kind: "askProofs", channel: "abc", round: 1 }));
  });
});

describe("an acknowledgement", () => {
  it.each<CommitFate>(["lost", "unheard"])(
    "waits for the disk: what a %s commit took in is said again",
    async (fate) => {
      for (let at = 2; at <= 12; at++) {
        const cluster = new TestCluster({ seed: at });
        let died = false;
        await cluster.start(0, {
          fate: (commit) => {
            if (commit < at) return "done";
            died = true;
            return fate;
          },
        });
        // Party 3 is down: without party 0 nothing is decided, and no proof replaces what was said to it.
        for (const party of [1, 2]) await cluster.start(party);
        cluster.tickTurns = 1;
        for (const party of [1, 2]) cluster.submit(party, ...["a", "b", "c"].map((name) => `${name}${party}`));
        await cluster.run(() => died);
        // Time enough to acknowledge what is not on the disk.
        for (let turn = 0; turn < 10; turn++) await cluster.turn();
        cluster.crash(0);
        await cluster.start(0);
        await cluster.run(() => cluster.hasDelivered(6), 4000);
        expect(cluster.agreement()).toEqual(AGREED);
      }
    },
  );
});
