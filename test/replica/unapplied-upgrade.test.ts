/** A replica whose log another engine has written, after a crash that kept the log's end from the tables. */
import { describe, expect, it } from "vitest";
import { laneOfSlot, roundOfSlot } from "../../src/replica/storage.js";
import { Lives } from "./lives.js";
import { AGREED, TestCluster } from "./test-cluster.js";

describe("a replica with another engine, and a log that the tables lack some of", () => {
  it("does not speak where it may have spoken, is taken back by the others, and delivers what they do", async () => {
    let unapplied = 0;
    for (let seed = 1; seed <= 8; seed++) {
      const cluster = await TestCluster.of({ seed, checkpointInterval: 3 });
      cluster.tickTurns = 3;
      const lives = new Lives(cluster, seed);
      // In the middle of rounds.
      for (let count = 0; count < 6; count++) {
        lives.submit();
        await lives.turns(4 + lives.random.below(20));
      }
      cluster.crash(1, 2);
      const disk = cluster.disk(1);
      const isBehind = disk.appliedInput < disk.inputs.length + disk.forgottenInputs;
      if (isBehind) unapplied++;
      disk.foreignEngine = "abcast 0.0.1";
      const before = new Map(disk.everSigned);
      const reached = Math.max(0, ...[...before.keys()].map(roundOfSlot));
      const own = [...before.keys()].map(laneOfSlot).filter((of) => of?.lane === 1);
      const ownBefore = Math.max(0, ...own.map((of) => of?.height ?? 0));
      const { replica, logged } = await cluster.start(1);
      expect(logged[0]).toContain(isBehind ? "silent until the others know" : "silent in rounds below");
      // The rejoin has a number, too.
      const isDone = (): boolean => cluster.hasDelivered(lives.names.length + (isBehind ? 1 : 0));
      lives.submit();
      await cluster.run(() => isDone() && replica.state.state === "active");
      for (const slot of disk.everSigned.keys()) {
        if (before.has(slot) || slot.includes("checkpoint")) continue;
        const { lane, height } = laneOfSlot(slot) ?? {};
        if (lane === undefined) expect(roundOfSlot(slot), `seed ${seed}: ${slot}`).toBeGreaterThan(reached);
        else if (lane === 1) expect(height, `seed ${seed}: ${slot}`).toBeGreaterThan(ownBefore);
      }
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
      // Its voice is needed.
      cluster.crash(2);
      lives.submit();
      await cluster.run(isDone);
    }
    expect(unapplied).toBeGreaterThan(3);
  });
});
