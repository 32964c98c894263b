/** A service that is not deterministic, and evidence that outlives the inputs that led to it. */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import type { Service } from "../../src/services/service.js";
import { AGREED, TestCluster, createEcho } from "./test-cluster.js";

/** Its state is another in each life of the process. */
function createRandom(): Service {
  const echo = createEcho();
  const born = utf8(String(lives++));
  return {
    ...echo,
    *snapshot() {
      yield born;
    },
  };
}
let lives = 0;

describe("a service that is not deterministic at one party", () => {
  it("is found at the next checkpoint, and stops its replica at a restart", async () => {
    const cluster = await TestCluster.of({
      checkpointInterval: 3,
      createService: (party) => (party === 3 ? createRandom() : createEcho()),
    });
    for (const [index, name] of ["a", "b", "c", "d", "e"].entries()) {
      cluster.submit(0, name);
      await cluster.run(() => cluster.hasDelivered(index + 1, [0, 1, 2]));
    }
    for (let turn = 0; turn < 100; turn++) await cluster.turn();
    const { fatal } = cluster.get(3);
    expect(fatal.map(String)).toEqual([
      "InvariantError: the state at abc/checkpoint/3 is another than that of honest parties",
    ]);
    const { accusations, ...rest } = cluster.agreement([0, 1, 2]);
    expect({ ...rest, accusations: [] }).toEqual(AGREED);
    // Whom its digest reached before it stopped.
    expect(accusations.length).toBeGreaterThan(0);
    expect(accusations.filter((accusation) => !accusation.endsWith(":3:divergent-checkpoint"))).toEqual([]);
    for (const party of [0, 1, 2]) expect(cluster.get(party).replica.state.checkpointRound).toBe(3);
    expect(cluster.get(3).replica.state.checkpointRound).toBe(0);
    cluster.crash(3);
    expect(cluster.disk(3).baseRound).toBe(0);
    await expect(cluster.start(3)).rejects.toThrow(
      /the state after round 3 is not what it was when the log was written: a service is not deterministic/,
    );
  });
});
