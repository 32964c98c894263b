/** A replica that dies when a state that it has fetched is its base, and what is older is not forgotten yet. */
import { expect, it } from "vitest";
import { AGREED, TestCluster, createPaged } from "./test-cluster.js";

const OTHERS = [0, 1, 2];
const LATE = 3;

it.each([true, false])("forgets what does not reach up to its base (forgets the ledger: %s)", async (forgetsLedger) => {
  const cluster = await TestCluster.of({ checkpointInterval: 3, createService: () => createPaged(4), forgetsLedger });
  cluster.tickTurns = 3;
  let count = 0;
  const order = async (parties: readonly number[], times: number): Promise<void> => {
    for (let time = 0; time < times; time++) {
      cluster.submit(time % 3, `n${count++}`);
      await cluster.run(() => cluster.hasDelivered(count, parties));
    }
  };
  await order([...OTHERS, LATE], 2);
  cluster.crash(LATE);
  await order(OTHERS, 30);
  let isDying = false;
  await cluster.start(LATE, {
    operationFate: (operation) => {
      if (operation !== "prune") return "done";
      isDying = true;
      return "lost";
    },
  });
  await cluster.run(() => isDying);
  const disk = cluster.disk(LATE);
  expect(disk.baseRound).toBeGreaterThan(20);
  expect(disk.ledger.has(2)).toBe(true);
  cluster.crash(LATE);
  const { store } = await cluster.start(LATE);
  expect(disk.ledger.size).toBe(0);
  expect(store.oldestProof("abc")).toBeUndefined();
  await order([...OTHERS, LATE], 5);
  expect(cluster.agreement()).toEqual(AGREED);
  // Without a gap.
  const kept = [...disk.ledger.keys()];
  expect(kept).toEqual(kept.map((_, index) => (kept[0] ?? 0) + index));
});
