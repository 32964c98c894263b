/** The simulator with real signatures, certificates and coins. */
import { beforeAll, describe, expect, test } from "vitest";
import { thresholdGroup } from "../../src/core/group.js";
import type { Suite } from "../../src/core/suite.js";
import { createSuite } from "../../src/crypto/index.js";
import { simulate } from "../../src/sim/simulation.js";
import { dealKeys } from "../crypto/dealt.js";

describe.each([
  ["individual signatures and Diffie-Hellman coins", {}],
  ["BLS certificates and coins", { certificates: "bls", coins: "bls" }],
] as const)("with real cryptography: %s", (_name, schemes) => {
  let suites: readonly Suite[] = [];

  beforeAll(async () => {
    const group = thresholdGroup({ n: 4, byzantine: 1 });
    const { publicKeys, secretKeys } = await dealKeys(group, schemes);
    suites = await Promise.all(
      secretKeys.map((keys, self) => createSuite({ group, self, publicKeys, secretKeys: keys })),
    );
  });

  test("10 seeds at n=4 keep every property", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const report = simulate({ seed, n: 4, order: seed % 2 === 0 ? "random" : "fixed", suites, payloads: 3 });
      expect(report.payloads).toBeGreaterThanOrEqual(3);
    }
  }, 300_000);
});
