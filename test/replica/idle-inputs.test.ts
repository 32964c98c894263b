/** Inputs that lead to nothing which others see share the commit of later ones, and a crash that loses them loses nothing. */
import { describe, expect, it } from "vitest";
import { AGREED, GROUP, TestCluster } from "./test-cluster.js";

const commitsOf = (cluster: TestCluster): number[] => GROUP.parties.map((party) => cluster.disk(party).commits);
const inputsOf = (cluster: TestCluster): number[] => GROUP.parties.map((party) => cluster.disk(party).inputs.length);

describe("a payload that waits for the next round", () => {
  /** Party 0 alone: nobody answers, so its round stays under way. */
  async function alone(): Promise<TestCluster> {
    const cluster = new TestCluster({ dissemination: "inline" });
    await cluster.start(0);
    cluster.submit(0, "first");
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    return cluster;
  }

  it("is committed with the next tick, not for itself", async () => {
    const cluster = await alone();
    const { commits, inputs } = cluster.disk(0);
    const before = inputs.length;
    for (const name of ["b", "c", "d"]) {
      cluster.submit(0, name);
      for (let turn = 0; turn < 5; turn++) await cluster.turn();
    }
    expect([cluster.disk(0).commits, inputs.length]).toEqual([commits, before]);
    cluster.get(0).replica.tick();
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    // Each has a reading of the clock of its own.
    expect([cluster.disk(0).commits, inputs.length]).toEqual([commits + 1, before + 6]);
    cluster.get(0).replica.tick();
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    expect(cluster.disk(0).commits).toBe(commits + 1);
  });

  it("is committed when there are many of them", async () => {
    const cluster = await alone();
    const { commits } = cluster.disk(0);
    for (let count = 0; count < 40; count++) {
      cluster.submit(0, `payload ${count}`);
      for (let turn = 0; turn < 3; turn++) await cluster.turn();
    }
    expect(cluster.disk(0).commits).toBe(commits + 1);
  });

  it("is committed when there is much of it", async () => {
    const cluster = await alone();
    const { commits } = cluster.disk(0);
    for (let count = 0; count < 4; count++) {
      cluster.submit(0, `${count}`.padEnd(50_000));
      for (let turn = 0; turn < 3; turn++) await cluster.turn();
    }
    expect(cluster.disk(0).commits).toBe(commits + 1);
  });
});

describe.each(["inline", "certified"] as const)("what is not committed (%s)", (dissemination) => {
  it("is said again to a replica that dies", async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const cluster = await TestCluster.of({ seed, dissemination });
      cluster.tickTurns = 3;
      cluster.submit(0, "a", "b");
      for (let turn = 0; turn < 5 + 3 * seed; turn++) await cluster.turn();
      cluster.crash(3);
      await cluster.start(3);
      cluster.submit(1, "c");
      await cluster.run(() => cluster.hasDelivered(3));
      expect(cluster.agreement([0, 1, 2])).toEqual(AGREED);
      expect(cluster.agreement().contradictions).toEqual([]);
    }
  });

  it("keeps nobody waiting: a payload is ordered without a tick, in fewer commits than there are inputs that come", async () => {
    const cluster = await TestCluster.of({ dissemination });
    const [commits, inputs] = [commitsOf(cluster), inputsOf(cluster)];
    cluster.submit(0, "a");
    await cluster.run(() => cluster.hasDelivered(1));
    for (const [party, count] of commitsOf(cluster).entries())
      expect(2 * (count - (commits[party] ?? 0))).toBeLessThan((inputsOf(cluster)[party] ?? 0) - (inputs[party] ?? 0));
  });
});
