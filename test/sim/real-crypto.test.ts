/** The simulator with real signatures, certificates and coins. */
import { beforeAll, describe, expect, test } from "vitest";
import { thresholdGroup } from "../../src/core/group.js";
import type { Suite } from "../../src/core/suite.js";
import { createSuite, deal } from "../../src/crypto/index.js";
import { simulate } from "../../src/sim/simulation.js";
import { PRIMES_1024 } from "../crypto/fixtures.js";

describe("with real cryptography", () => {
  let suites: readonly Suite[] = [];

  beforeAll(async () => {
    const group = thresholdGroup({ n: 4, byzantine: 1 });
    const { publicKeys, secretKeys } = await deal({ n: 4, byzantine: 1, rsaBits: 2048, primes: PRIMES_1024 });
    suites = await Promise.all(
      secretKeys.map((keys, self) => createSuite({ group, self, publicKeys, secretKeys: keys })),
    );
  });

  test("20 seeds at n=4 keep every property", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const report = simulate({ seed, n: 4, order: seed % 2 === 0 ? "random" : "fixed", suites, payloads: 3 });
      expect(report.payloads).toBeGreaterThanOrEqual(3);
    }
  }, 300_000);
});
