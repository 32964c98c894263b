import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { thresholdGroup } from "../../src/core/group.js";
import { KeyError, checkPublicKeys, createSuite, dealProtocolKeys } from "../../src/crypto/index.js";
import { at, sharesOf } from "./fixtures.js";

const group = thresholdGroup({ n: 4, byzantine: 1 });

describe("dealProtocolKeys", () => {
  test.each([
    ["by default", {}],
    ["with BLS", { certificates: "bls", coins: "bls" } as const],
  ])("%s makes what a suite needs, and nothing of a service", async (_name, schemes) => {
    const { publicKeys, secretKeysOf } = await dealProtocolKeys({ group, ...schemes });
    expect(Object.keys(publicKeys).sort()).toEqual(["certificates", "coins", "encryption", "signing"]);
    expect(Object.keys(secretKeysOf(0)).sort()).toEqual(["certificates", "coins", "encryption", "signing"]);
    expect(await checkPublicKeys(group, publicKeys)).toEqual([]);
    const suites = await Promise.all(
      group.parties.map((self) => createSuite({ group, self, publicKeys, secretKeys: secretKeysOf(self) })),
    );
    const statement = utf8("statement");
    const first = at(suites, 0);
    for (const use of ["quorumCertifier", "broadcastCertifier"] as const) {
      const shares = sharesOf([0, 1, 2], (party) => at(suites, party)[use].share(statement));
      const certificate = first[use].combine(statement, shares);
      expect(at(suites, 3)[use].verify(statement, certificate)).toBe(true);
      expect(at(suites, 3)[use].verify(utf8("other"), certificate)).toBe(false);
    }
    for (const use of ["quorumCoin", "honestCoin"] as const) {
      const tossed = [
        [0, 1, 2],
        [3, 2, 1],
      ].map((parties) =>
        first[use].combine(
          statement,
          sharesOf(parties, (party) => at(suites, party)[use].share(statement)),
        ),
      );
      expect(tossed[0]).toEqual(tossed[1]);
    }
    expect(first.verify(2, statement, at(suites, 2).sign(statement))).toBe(true);
  });

  test("has no keys for a stranger", async () => {
    const { secretKeysOf } = await dealProtocolKeys({ group });
    for (const party of [-1, 4, 0.5]) expect(() => secretKeysOf(party)).toThrow(RangeError);
  });

  test("keys of another group or party are refused", async () => {
    const { publicKeys, secretKeysOf } = await dealProtocolKeys({ group });
    const larger = thresholdGroup({ n: 5, byzantine: 1 });
    await expect(createSuite({ group: larger, self: 0, publicKeys, secretKeys: secretKeysOf(0) })).rejects.toThrow(
      KeyError,
    );
    await expect(createSuite({ group, self: 0, publicKeys, secretKeys: secretKeysOf(1) })).rejects.toThrow(KeyError);
    const twice = { ...publicKeys, encryption: publicKeys.coins.honest };
    await expect(createSuite({ group, self: 0, publicKeys: twice, secretKeys: secretKeysOf(0) })).rejects.toThrow(
      "encryption is the same key as coins.honest",
    );
  });
});
