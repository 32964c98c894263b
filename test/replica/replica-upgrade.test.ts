/** A replica whose log another engine has written: it starts from its last checkpoint, silent where it has spoken. */
import { describe, expect, it } from "vitest";
import type { PartyId } from "../../src/core/party-set.js";
import { laneOfSlot, roundOfSlot } from "../../src/replica/storage.js";
import { Lives } from "./lives.js";
import { AGREED, GROUP, TestCluster } from "./test-cluster.js";

async function livesOf(seed: number): Promise<Lives> {
  const cluster = await TestCluster.of({ seed, checkpointInterval: 3, forgetsLedger: seed % 2 === 0 });
  cluster.tickTurns = 3;
  return new Lives(cluster, seed);
}

/** Its program is another one from now on; what it signs newly is in rounds above all that it signed. */
async function upgrade({ cluster }: Lives, party: PartyId): Promise<() => void> {
  cluster.crash(party);
  const disk = cluster.disk(party);
  disk.foreignEngine = "abcast 0.0.1";
  const before = new Set(disk.everSigned.keys());
  const last = Math.max(0, ...[...before].map(roundOfSlot));
  const own = [...before].map(laneOfSlot).filter((of) => of?.lane === party);
  const ownBefore = Math.max(0, ...own.map((of) => of?.height ?? 0));
  const { replica, logged } = await cluster.start(party);
  expect(logged[0]).toBe(
    `the log was written by abcast 0.0.1: starting from the last checkpoint, silent in rounds below ${last + 1}`,
  );
  expect(replica.state.round).toBe(disk.baseRound);
  return () => {
    for (const slot of disk.everSigned.keys()) {
      const { lane, height } = laneOfSlot(slot) ?? {};
      // What is signed twice in others' lanes does no harm.
      if (before.has(slot) || (lane !== undefined && lane !== party)) continue;
      if (height !== undefined) expect(height, slot).toBeGreaterThan(ownBefore);
      else expect(roundOfSlot(slot), slot).toBeGreaterThanOrEqual(slot.includes("checkpoint") ? last : last + 1);
    }
  };
}

describe("a replica with another engine", () => {
  it("contradicts nothing, and takes part again; one after the other, all of them", async () => {
    for (let seed = 1; seed <= 4; seed++) {
      const lives = await livesOf(seed);
      const { cluster, random } = lives;
      for (const party of random.shuffled([...GROUP.parties])) {
        await lives.live(random.below(12));
        const check = await upgrade(lives, party);
        await lives.live(random.below(6));
        lives.submit();
        await lives.settle();
        check();
        expect(cluster.get(party).replica.state.state).toBe("active");
      }
      // Each one's voice is needed.
      for (const party of GROUP.parties) {
        cluster.crash(party);
        lives.submit();
        await lives.settle();
        await cluster.start(party);
      }
      await lives.settle();
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
    }
  });

  it("can die at any write, and be started again, by either engine", async () => {
    let forgetful = 0;
    for (let seed = 1; seed <= 10; seed++) {
      const lives = await livesOf(seed);
      const { cluster, random } = lives;
      await lives.live(10 + random.below(5));
      for (let time = 0; time < 8; time++) {
        if (cluster.running.has(1)) lives.kill(1);
        const disk = cluster.disk(1);
        if (random.chance(0.6)) {
          disk.foreignEngine = "abcast 0.0.1";
          // Where the tables lack something, only the engine that wrote the log knows what it said: it must be taken back.
          if (disk.appliedInput < disk.lastInput) forgetful++;
        }
        await lives.start(1, lives.deadly(1, 0.05));
        await lives.live(random.below(4));
      }
      if (cluster.running.has(1)) lives.kill(1);
      await lives.start(1);
      lives.submit();
      await lives.settle();
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
    }
    expect(forgetful).toBeGreaterThan(5);
  });
});
