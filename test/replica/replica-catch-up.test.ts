import { describe, expect, it } from "vitest";
import { PROOFS_PER_REQUEST } from "../../src/protocols/index.js";
import { AGREED, TestCluster } from "./test-cluster.js";

const OTHERS = [1, 2, 3];

/** Rounds one by one among parties 1 to 3; the greatest number of bytes that any of them held for party 0. */
async function decideRounds(cluster: TestCluster, count: number, prefix: string): Promise<number> {
  let heldBytes = 0;
  for (let index = 0; index < count; index++) {
    const sequence = cluster.get(1).replica.state.sequence + 1;
    cluster.submit(OTHERS[index % 3] ?? 1, `${prefix}${index}`);
    await cluster.run(() => cluster.hasDelivered(sequence, OTHERS));
    for (const party of OTHERS) heldBytes = Math.max(heldBytes, cluster.get(party).replica.heldBytes(0));
  }
  return heldBytes;
}

describe("a replica that was down while 60 rounds were decided", () => {
  it.each([1, 2, 3])("catches up by proofs and takes part again (seed %i)", async (seed) => {
    const cluster = await TestCluster.of({ seed });
    await cluster.run(() => cluster.pairs.size === 12);
    cluster.crash(0);
    await decideRounds(cluster, 60, "down");
    expect(cluster.get(1).replica.state.round).toBeGreaterThanOrEqual(60);
    await cluster.start(0);
    // Nobody has anything to say: what is live and the proofs have to do.
    await cluster.run(() => cluster.hasDelivered(60));
    cluster.submit(0, "back");
    await cluster.run(() => cluster.hasDelivered(61));
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("catches up from one peer, on a connection that breaks all the time and holds one frame", async () => {
    const cluster = await TestCluster.of({ bufferBytes: 1 });
    await cluster.run(() => cluster.pairs.size === 12);
    cluster.crash(0);
    await decideRounds(cluster, 5 * PROOFS_PER_REQUEST, "down");
    for (const party of [2, 3]) cluster.crash(party);
    // Batches are asked of one party after the other.
    cluster.tickTurns = 10;
    await cluster.start(0);
    const sequence = 5 * PROOFS_PER_REQUEST;
    for (let time = 0; !cluster.hasDelivered(sequence); time++) {
      if (time === 500) throw new Error(cluster.describe());
      for (let turn = 0; turn < 30; turn++) await cluster.turn();
      for (const pair of cluster.pairs.values()) pair.break();
    }
    expect(cluster.agreement()).toEqual(AGREED);
  });
});

describe("a slow replica", () => {
  it("delays nobody, costs the others a bounded memory, and catches up", async () => {
    const cluster = await TestCluster.of({ bufferBytes: 2000 });
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    cluster.slow.add(0);
    // The first rounds show what live rounds cost; it does not grow with their number.
    const few = await decideRounds(cluster, 6, "few");
    const many = await decideRounds(cluster, 60, "many");
    expect(few).toBeGreaterThan(0);
    expect(many).toBeLessThan(1.5 * few);
    for (const [name, { left, right }] of cluster.pairs) {
      expect(left.overruns, name).toBe(0);
      // One message more than the buffer holds.
      expect(left.queuedBytes, name).toBeLessThan(2000 + 2000);
      expect(right.overruns, name).toBe(0);
    }
    expect(cluster.get(0).replica.state.round).toBeLessThan(3);
    cluster.slow.clear();
    await cluster.run(() => cluster.hasDelivered(66));
    cluster.submit(0, "back");
    await cluster.run(() => cluster.hasDelivered(67));
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("that others overtake on one connection at a time is never stuck", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = await TestCluster.of({ seed, bufferBytes: 500 });
      for (let turn = 0; turn < 20; turn++) await cluster.turn();
      cluster.slow.add(0);
      await decideRounds(cluster, 30, "a");
      cluster.slow.clear();
      // Some turns of catching up, and behind again.
      for (let turn = 0; turn < 10 * seed; turn++) await cluster.turn();
      cluster.slow.add(0);
      await decideRounds(cluster, 30, "b");
      cluster.slow.clear();
      await cluster.run(() => cluster.hasDelivered(60));
      expect(cluster.agreement()).toEqual(AGREED);
    }
  });
});
