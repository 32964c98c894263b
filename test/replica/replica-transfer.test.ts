/** A replica that its peers' proofs do not reach any more: it fetches a certified state, and goes on from there. */
import { describe, expect, it } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import type { PartyId } from "../../src/core/party-set.js";
import { type PeerFrame, peerFrameCodec } from "../../src/wire/peer-frames.js";
import type { CommitFate, MemoryStorageOptions } from "../support/memory-storage.js";
import { Lives } from "./lives.js";
import { AGREED, TestCluster, type TestClusterOptions, createPaged, payloadOf } from "./test-cluster.js";

const OTHERS = [0, 1, 2];
const LATE = 3;
const OPTIONS: TestClusterOptions = {
  checkpointInterval: 3,
  createService: () => createPaged(40),
  forgetsLedger: true,
};

/** A cluster in which the others are `count` payloads ahead of party 3, which is down or cut off. */
async function aheadOf(how: "down" | "cut off", count: number, options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = await TestCluster.of({ ...OPTIONS, ...options });
  cluster.tickTurns = 3;
  await cluster.run(() => cluster.pairs.size === 12);
  if (how === "down") cluster.crash(LATE);
  else cluster.slow.add(LATE);
  await order(cluster, count, "ahead");
  expect(cluster.get(0).store.oldestProof("abc")).toBeGreaterThan(2);
  return cluster;
}

async function order(cluster: TestCluster, count: number, prefix: string): Promise<void> {
  for (let index = 0; index < count; index++) {
    const sequence = cluster.get(0).replica.state.sequence + 1;
    cluster.submit(index % 3, `${prefix}${index}`);
    await cluster.run(() => cluster.hasDelivered(sequence, OTHERS));
  }
}

/** Frames of some kind that one party says to another become others. */
function rewriting(change: (from: PartyId, to: PartyId, frame: PeerFrame) => PeerFrame): TestCluster["rewrite"] {
  return (from, to, bytes) => {
    const frame = decode(peerFrameCodec, bytes);
    return frame.ok ? encode(peerFrameCodec, change(from, to, frame.value)) : bytes;
  };
}

describe("a replica that was down for many checkpoints", () => {
  it.each([1, 2, 3, 4])("fetches a state while the others go on, and takes part again (seed %i)", async (seed) => {
    const cluster = await aheadOf("down", 30, { seed });
    const { replica, installed } = await cluster.start(LATE);
    const seen: (typeof replica.state)[] = [];
    let more = 0;
    await cluster.run(() => {
      seen.push(replica.state);
      // The others do not wait for it.
      if (more < 30 && cluster.hasDelivered(30 + more, OTHERS)) cluster.submit(more % 3, `more${more++}`);
      return cluster.hasDelivered(60);
    });
    expect(installed.length).toBeGreaterThan(0);
    const fetching = seen.filter(({ catchUp }) => catchUp !== undefined && catchUp.chunks > 0);
    expect(fetching.length).toBeGreaterThan(0);
    for (const { state, round, catchUp } of fetching) {
      expect(state).toBe("catching-up");
      expect(catchUp?.targetRound).toBeGreaterThan(round);
      expect(catchUp?.receivedChunks).toBeLessThanOrEqual(catchUp?.chunks ?? 0);
    }
    expect(new Set(fetching.map(({ catchUp }) => catchUp?.receivedChunks)).size).toBeGreaterThan(1);
    // Its voice counts again: without it there is no quorum.
    cluster.crash(0);
    cluster.submit(LATE, "back");
    await cluster.run(() => cluster.hasDelivered(61));
    expect(replica.state.state).toBe("active");
    expect(cluster.agreement()).toEqual(AGREED);
    // What it has of the ledger has no gap, and neither has what it starts from.
    cluster.crash(LATE);
    await cluster.start(LATE);
    cluster.submit(LATE, "again");
    await cluster.run(() => cluster.hasDelivered(62));
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("starts again from the state that it fetched, also when it dies at any write of that", async () => {
    for (const fates of [["lost"], ["unheard"], ["behind", "unheard"]] as const satisfies CommitFate[][]) {
      let at = 1;
      for (; ; at++) {
        const cluster = await aheadOf("cut off", 12, { seed: at });
        // It has something to say from the first moment on, and what it has said before the others are not told.
        cluster.submit(LATE, "waits");
        for (let turn = 0; turn < 10; turn++) await cluster.turn();
        cluster.crash(LATE);
        let writes = 0;
        let died = false;
        const fate = (of: CommitFate): CommitFate => {
          if (++writes !== at) return "done";
          died = true;
          return of;
        };
        const options: MemoryStorageOptions = {
          fate: () => fate(fates[0]),
          operationFate: () => fate(fates.at(-1) ?? fates[0]),
        };
        const lives = new Lives(cluster, at);
        lives.names.push("waits", ...Array.from({ length: 12 }, (_, index) => `ahead${index}`));
        cluster.slow.clear();
        const running = cluster.make(LATE, options);
        void running.replica.start().then(() => cluster.running.set(LATE, running));
        await cluster.run(() => died || (cluster.running.has(LATE) && cluster.hasDelivered(13)));
        for (let turn = 0; turn < 5; turn++) await cluster.turn();
        running.store.kill(at % 3);
        if (cluster.running.has(LATE)) cluster.crash(LATE);
        await cluster.start(LATE);
        await lives.settle();
        expect(cluster.agreement(), `${fates[0]} ${at}`).toEqual(AGREED);
        if (!died) break;
      }
      expect(at).toBeGreaterThan(10);
    }
  });
});

describe("a replica that was cut off for many checkpoints", () => {
  it("has the payloads that waited at it ordered", async () => {
    const cluster = await aheadOf("cut off", 30);
    const { replica, installed } = cluster.get(LATE);
    cluster.submit(LATE, "a", "b", "c");
    cluster.slow.clear();
    // A round that delivers nothing may follow.
    await cluster.run(() => cluster.hasDelivered(33) && cluster.areInOneRound);
    expect(installed.length).toBeGreaterThan(0);
    expect(replica.queueLength).toBe(0);
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("does not have those ordered again that others have brought meanwhile", async () => {
    const cluster = await aheadOf("cut off", 30);
    cluster.submit(LATE, "ahead3", "a");
    cluster.slow.clear();
    await cluster.run(() => cluster.hasDelivered(31) && cluster.areInOneRound);
    expect(cluster.get(LATE).replica.queueLength).toBe(0);
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("is not stopped by one that lies about the state, and accuses it", async () => {
    for (const seed of [1, 2, 3]) {
      const cluster = await aheadOf("down", 30, { seed });
      const lie = new Uint8Array(60).fill(7);
      for (const pair of cluster.pairs.values()) pair.break();
      cluster.pairs.clear();
      cluster.rewrite = rewriting((from, to, frame) => {
        if (from !== 1 || to !== LATE) return frame;
        if (frame.kind === "chunk" && seed !== 2) return { ...frame, bytes: lie };
        if (frame.kind === "checkpoint" && seed === 2)
          return { ...frame, summary: frame.summary.map((byte, at) => (at === 90 ? byte ^ 1 : byte)) };
        return frame;
      });
      const { installed } = await cluster.start(LATE);
      await cluster.run(() => cluster.hasDelivered(30));
      expect(installed.length).toBeGreaterThan(0);
      const fault = seed === 2 ? "invalid-checkpoint" : "invalid-chunk";
      const { accusations, ...rest } = cluster.agreement();
      expect({ ...rest, accusations: [] }).toEqual(AGREED);
      expect(accusations).toEqual([`3:1:${fault}`]);
    }
  });
});

describe("when one that has run ahead falls silent", () => {
  it("the others go on with the one that was behind", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const cluster = await aheadOf("cut off", 15 + seed, { seed });
      cluster.submit(2, "last");
      for (let turn = 0; turn < 3 * seed; turn++) await cluster.turn();
      cluster.crash(2);
      cluster.slow.clear();
      cluster.submit(0, "without2");
      const names = ["last", "without2"];
      await cluster.run(() => {
        for (const name of names) cluster.get(1).replica.submit(payloadOf(name));
        return cluster.hasDelivered(17 + seed);
      });
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
    }
  });
});
