import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { thresholdGroup } from "../../src/core/group.js";
import { createCertificateVerifier, createSuite, dealProtocolKeys } from "../../src/crypto/index.js";
import { flipBit } from "./fixtures.js";

const GROUP = thresholdGroup({ n: 4, byzantine: 1 });
const STATEMENT = utf8("a statement");

describe.each(["multisig", "bls"] as const)("certificates by %s, verified by who has public keys only", (scheme) => {
  it("hold if a quorum of this cluster endorsed the statement, and not else", async () => {
    const dealing = await dealProtocolKeys({ group: GROUP, certificates: scheme });
    const { publicKeys } = dealing;
    const suites = await Promise.all(
      GROUP.parties.map((self) =>
        createSuite({ group: GROUP, self, publicKeys, secretKeys: dealing.secretKeysOf(self) }),
      ),
    );
    const certificateOf = (parties: readonly number[], use: "quorumCertifier" | "broadcastCertifier") => {
      const certifiers = parties.map((party) => suites[party]?.[use]);
      const shares = new Map(parties.map((party, index) => [party, certifiers[index]?.share(STATEMENT) ?? utf8("")]));
      return certifiers[0]?.combine(STATEMENT, shares) ?? utf8("");
    };
    const verify = createCertificateVerifier(publicKeys, GROUP);
    const certificate = certificateOf([0, 2, 3], "quorumCertifier");
    expect(verify(STATEMENT, certificate)).toBe(true);
    expect(verify(utf8("another statement"), certificate)).toBe(false);
    expect(verify(STATEMENT, flipBit(certificate, 400))).toBe(false);
    expect(verify(STATEMENT, utf8("garbage"))).toBe(false);
    // What fewer, or all for another use, endorsed.
    expect(verify(STATEMENT, certificateOf([0, 2, 3], "broadcastCertifier"))).toBe(false);
    const other = await dealProtocolKeys({ group: GROUP, certificates: scheme });
    expect(createCertificateVerifier(other.publicKeys, GROUP)(STATEMENT, certificate)).toBe(false);
  });
});
