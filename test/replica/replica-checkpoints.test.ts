/** Replicas that go on from checkpoint to checkpoint: what they keep, and what a death at any time leaves. */
import { describe, expect, it } from "vitest";
import type { PartyId } from "../../src/core/party-set.js";
import { Lives } from "./lives.js";
import { AGREED, GROUP, TestCluster, requestOf } from "./test-cluster.js";

const PARTIES = [...GROUP.parties];

/** What the party has on disk. */
function sizes(cluster: TestCluster, party: PartyId): Record<string, number> {
  const { inputs, signed, proofs, chunks, checkpoints, ledger, certificates } = cluster.disk(party);
  return {
    inputs: inputs.length,
    signed: signed.size,
    proofs: proofs.size,
    chunks: chunks.size,
    checkpoints: checkpoints.size,
    certificates: certificates.size,
    ledger: ledger.size,
  };
}

/** One client of each party asks so often, one request after the other; the greatest sizes seen. */
async function askOften(cluster: TestCluster, from: number, to: number): Promise<Record<string, number>> {
  const greatest: Record<string, number> = {};
  for (let number = from; number <= to; number++) {
    const sequence = cluster.get(0).replica.state.sequence;
    for (const party of PARTIES) cluster.get(party).replica.submit(requestOf(`client${party}`, number, `x${number}`));
    await cluster.run(() => cluster.hasDelivered(sequence + PARTIES.length));
    for (const party of PARTIES)
      for (const [name, size] of Object.entries(sizes(cluster, party)))
        greatest[name] = Math.max(greatest[name] ?? 0, size);
  }
  return greatest;
}

describe("replicas with checkpoints", () => {
  it.each([2, 5])("keep no more after many than after few of them (interval %i)", async (checkpointInterval) => {
    const cluster = await TestCluster.of({ checkpointInterval, forgetsLedger: true });
    const few = await askOften(cluster, 1, 20);
    const many = await askOften(cluster, 21, 60);
    expect(cluster.get(0).replica.state.round).toBeGreaterThan(40);
    for (const [name, size] of Object.entries(many)) expect(size, name).toBeLessThanOrEqual(1.3 * (few[name] ?? 0) + 2);
    expect(many).toMatchObject({ checkpoints: expect.any(Number) });
    expect(many["checkpoints"]).toBeLessThanOrEqual(4);
    for (const party of PARTIES) {
      const { state } = cluster.get(party).replica;
      expect(state.checkpointRound).toBeGreaterThan(state.round - 2 * checkpointInterval);
      expect(cluster.disk(party).baseRound).toBeGreaterThan(state.round - 2 * checkpointInterval - 1);
    }
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("keep the ledger unless they are to forget it", async () => {
    const cluster = await TestCluster.of({ checkpointInterval: 2 });
    await askOften(cluster, 1, 10);
    for (const party of PARTIES) expect(cluster.ledger(party)).toHaveLength(40);
  });

  it("start again from the base, whenever they die, and tell no client anything twice", async () => {
    const cluster = await TestCluster.of({ checkpointInterval: 3 });
    for (let number = 1; number <= 12; number++) {
      const party = number % 4;
      await askOften(cluster, number, number);
      cluster.crash(party);
      const { logged, delivered } = await cluster.start(party);
      const { baseRound } = cluster.disk(party);
      const restored = logged.filter((line) => line.startsWith("restored"));
      expect(restored).toEqual(baseRound === 0 ? [] : [`restored the checkpoint of round ${baseRound}`]);
      expect(delivered).toEqual([]);
    }
    expect(cluster.disk(0).baseRound).toBeGreaterThan(6);
    await askOften(cluster, 13, 13);
    expect(cluster.agreement()).toEqual(AGREED);
  });
});

describe("replicas that die at any time and at any write", () => {
  it("contradict nothing and agree", async () => {
    let deaths = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const cluster = await TestCluster.of({
        seed,
        checkpointInterval: 2 + (seed % 4),
        forgetsLedger: seed % 2 === 0,
        order: seed % 3 === 0 ? "random" : "fixed",
      });
      cluster.tickTurns = 3;
      const lives = new Lives(cluster, seed);
      const { random } = lives;
      for (let step = 0; step < 40; step++) {
        for (let count = random.below(3); count > 0; count--) lives.submit();
        await lives.turns(random.below(30));
        const down = PARTIES.filter((party) => !cluster.running.has(party));
        if (down.length > 0 && random.chance(0.7)) {
          const party = random.pick(down);
          await lives.start(party, lives.deadly(party, 0.02));
        } else if (down.length < 2 && random.chance(0.5)) {
          lives.kill(random.pick([...cluster.running.keys()]));
        }
      }
      for (const party of cluster.running.keys()) lives.kill(party);
      for (const party of PARTIES) await lives.start(party);
      await lives.settle();
      expect(cluster.agreement(), `seed ${seed}`).toEqual(AGREED);
      deaths += lives.deaths;
    }
    expect(deaths).toBeGreaterThan(200);
  });
});
