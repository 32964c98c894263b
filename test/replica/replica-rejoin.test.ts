/** A replica whose store was lost must not contradict what it said before. */
import { describe, expect, it } from "vitest";
import { equalBytes } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { envelopeCodec } from "../../src/core/envelope.js";
import type { PartyId } from "../../src/core/party-set.js";
import { DEFAULT_LANE_WINDOW } from "../../src/protocols/atomic-broadcast/options.js";
import { rejoinNonce } from "../../src/replica/machine/index.js";
import { laneOfSlot, roundOfSlot } from "../../src/replica/storage.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import type { Random } from "../../src/sim/random.js";
import { type PeerFrame, peerFrameCodec, relayHeaderCodec } from "../../src/wire/peer-frames.js";
import type { MemoryDisk } from "../support/memory-storage.js";
import { Lives } from "./lives.js";
import { AGREED, CLUSTER, TestCluster, type TestClusterOptions, payloadOf } from "./test-cluster.js";

const LOST = 3;

async function livesOf(options: TestClusterOptions): Promise<Lives> {
  const cluster = await TestCluster.of({ checkpointInterval: 3, forgetsLedger: true, ...options });
  cluster.tickTurns = 3;
  return new Lives(cluster, options.seed ?? 1);
}

/** The party has lost its store, and its operator says so to the new one. */
function replaceStore(cluster: TestCluster, party: PartyId, random: Random): MemoryDisk {
  const disk = cluster.wipe(party);
  cluster.nowMs += 10;
  disk.meta.set("rejoin", rejoinNonce(cluster.nowMs, random.bytes(24)));
  return disk;
}

/** Kinds of frames that `party` sends from now on, also through others. "proof": of a decided round; others made it. */
function listen(cluster: TestCluster, party: PartyId): string[] {
  const said: string[] = [];
  for (const pair of cluster.pairs.values()) pair.break();
  cluster.pairs.clear();
  cluster.rewrite = (from, _to, bytes) => {
    const frame = decode(peerFrameCodec, bytes);
    if (!frame.ok) throw new Error(frame.error);
    const isOwn = frame.value.kind === "relay" ? frame.value.origin === party : from === party;
    if (isOwn) said.push(kindOf(cluster.disk(party), frame.value.kind === "relay" ? inside(frame.value) : frame.value));
    return bytes;
  };
  return said;
}

function kindOf({ proofs }: MemoryDisk, frame: PeerFrame): string {
  if (frame.kind !== "message") return frame.kind;
  const envelope = encode(envelopeCodec, frame.envelope);
  return [...proofs.values()].some((proof) => equalBytes(proof.envelope, envelope)) ? "proof" : "message";
}

function inside({ origin, to, run, number, sealed }: Extract<PeerFrame, { kind: "relay" }>): PeerFrame {
  const text = mockRelayKeys(to, 1).open(sealed) ?? new Uint8Array(0);
  const header = encode(relayHeaderCodec, { cluster: CLUSTER, origin, to, run, number });
  const frame = decode(peerFrameCodec, text.subarray(header.length));
  if (!frame.ok) throw new Error(frame.error);
  return frame.value;
}

describe("a replica whose store was lost", () => {
  it("says nothing until the group has ordered that it is here again; then it speaks in later rounds", async () => {
    for (let seed = 1; seed <= 14; seed++) {
      const lives = await livesOf({ seed, order: seed % 2 === 0 ? "random" : "fixed" });
      const { cluster, random } = lives;
      await lives.live(random.below(20));
      cluster.crash(LOST);
      const before = new Set(cluster.disk(LOST).everSigned.keys());
      const disk = replaceStore(cluster, LOST, random);
      const said = listen(cluster, LOST);
      const { replica } = await cluster.start(LOST);
      expect(replica.state.state).toBe("learner");
      expect(replica.submit(payloadOf("too early"))).toBe("not-ready");
      await cluster.run(() => {
        if (replica.state.state !== "learner") return true;
        expect(said, `seed ${seed}`).not.toContain("message");
        expect(disk.signed.size).toBe(0);
        return false;
      });
      expect(said).toContain("rejoin");
      const round = replica.machine.rejoinedIn(LOST)?.round ?? 0;
      expect(round).toBeGreaterThan(0);
      // Without it there is no quorum now.
      cluster.crash(seed % 3);
      lives.submit();
      lives.submit();
      await lives.settle();
      expect(said).toContain("message");
      for (const slot of disk.everSigned.keys()) {
        const { lane, height } = laneOfSlot(slot) ?? {};
        // What is signed twice in others' lanes does no harm; the own one goes on at heights of the round in which it speaks again.
        if (before.has(slot) || (lane !== undefined && lane !== LOST)) continue;
        if (height !== undefined) expect(height).toBeGreaterThanOrEqual(4 * DEFAULT_LANE_WINDOW * (round + 1));
        // The digest of the state after a round is said in the next one.
        else expect(roundOfSlot(slot), slot).toBeGreaterThanOrEqual(slot.includes("checkpoint") ? round : round + 1);
      }
      await cluster.start(seed % 3);
      await lives.settle();
      expect(replica.state.state).toBe("active");
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
    }
  });

  it("can lose it again, and die and start again at any time", async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const lives = await livesOf({ seed });
      const { cluster, random } = lives;
      for (let time = 1; time <= 3; time++) {
        await lives.live(random.below(12));
        if (cluster.running.has(LOST)) cluster.crash(LOST);
        replaceStore(cluster, LOST, random);
        for (let count = random.below(6); count >= 0; count--) {
          if (!cluster.running.has(LOST)) await lives.start(LOST, lives.deadly(LOST, 0.02));
          await lives.live(random.below(3));
        }
      }
      if (cluster.running.has(LOST)) lives.kill(LOST);
      await lives.start(LOST);
      await cluster.run(() => cluster.get(LOST).replica.state.state !== "learner");
      await lives.settle();
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
    }
  });

  it("runs under greater numbers than the one that was lost, however many those were", async () => {
    const lives = await livesOf({});
    const { cluster, random } = lives;
    await lives.live(10);
    const inputs = cluster.disk(LOST).lastInput;
    cluster.crash(LOST);
    replaceStore(cluster, LOST, random);
    const runs: number[] = [];
    listen(cluster, LOST);
    const watch = cluster.rewrite;
    cluster.rewrite = (from, to, bytes) => {
      const frame = decode(peerFrameCodec, bytes);
      if (from === LOST && frame.ok && frame.value.kind === "hello") runs.push(frame.value.run);
      return watch?.(from, to, bytes) ?? bytes;
    };
    for (let time = 0; time < 2; time++) {
      await cluster.start(LOST);
      await cluster.run(() => runs.length >= 3 * (time + 1));
      cluster.crash(LOST);
    }
    expect(Math.min(...runs)).toBeGreaterThan(inputs);
    expect(new Set(runs).size).toBe(2);
    expect(runs).toEqual(runs.toSorted((a, b) => a - b));
  });

  it("whose operator does not say so stops when a peer shows what it has signed", async () => {
    let stopped = 0;
    for (let seed = 1; seed <= 15; seed++) {
      const lives = await livesOf({ seed });
      const { cluster } = lives;
      await lives.live(1 + (seed % 8));
      await lives.settle();
      // Its entry is with two others, who do not decide without a third.
      cluster.slow.add(2);
      cluster.submit(LOST, "its own");
      const round = cluster.get(LOST).replica.state.round + 1;
      await cluster.run(() => [0, 1].every((party) => cluster.disk(party).everSigned.has(`abc/${round}#queue`)));
      cluster.crash(LOST);
      cluster.wipe(LOST);
      // Who remembers an earlier run does not hear this one; those who have started anew do.
      for (const party of [0, 1]) cluster.crash(party);
      for (const party of [0, 1]) await cluster.start(party);
      const { replica, fatal } = await cluster.start(LOST);
      for (let turns = 0; turns < 2000 && fatal.length === 0; turns++) await cluster.turn();
      // Nobody need show it: a vector may do without its entry, and its batch may be with nobody.
      if (fatal.length === 0) {
        expect(cluster.agreement([0, 1, 2])).toMatchObject({ contradictions: [], fatal: [] });
        continue;
      }
      stopped++;
      expect(fatal).toHaveLength(1);
      expect(String(fatal[0])).toMatch(
        /^InvariantError: (a peer shows a signature of ours|the others have a batch of our lane) that we lack: this store is not the latest$/,
      );
      expect(replica.state.state).toBe("stopped");
    }
    expect(stopped).toBeGreaterThanOrEqual(10);
  });
});
