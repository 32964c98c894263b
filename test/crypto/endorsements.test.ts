/** Somebody with the public keys alone judges what parties' suites sign. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { ENDORSEMENTS, type Endorsement } from "../../src/core/evidence.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { Suite } from "../../src/core/suite.js";
import { signedBytes } from "../../src/crypto/ed25519/party-signatures.js";
import { ENDORSEMENT_DOMAINS, createEndorsementVerifier } from "../../src/crypto/endorsements.js";
import { createEd25519Signer, createSuite } from "../../src/crypto/index.js";
import { dealKeys } from "./dealt.js";

const group = thresholdGroup({ n: 4, byzantine: 1 });
const statement = utf8("statement");

function endorse(suite: Suite, as: Endorsement): Uint8Array {
  if (as === "signature") return suite.sign(statement);
  return (as === "quorum" ? suite.quorumCertifier : suite.broadcastCertifier).share(statement);
}

async function party2(certificates: "multisig" | "bls") {
  const { publicKeys, secretKeys } = await dealKeys(group, { certificates });
  const [, , keys] = secretKeys;
  if (keys === undefined) throw new Error("no third party");
  const suite = await createSuite({ group, self: 2, publicKeys, secretKeys: keys });
  return { suite, signer: createEd25519Signer(keys.signing), verify: createEndorsementVerifier(publicKeys) };
}

describe("with lists of signatures", async () => {
  const { suite, verify } = await party2("multisig");

  test.each(ENDORSEMENTS)("a %s is its party's, for its use and statement only", (as) => {
    const signature = endorse(suite, as);
    expect(verify(as, 2, statement, signature)).toBe(true);
    for (const other of ENDORSEMENTS) expect(verify(other, 2, statement, signature)).toBe(other === as);
    for (const party of [0, 1, 3, 4, -1, 0.5]) expect(verify(as, party, statement, signature)).toBe(false);
    expect(verify(as, 2, utf8("statemenT"), signature)).toBe(false);
    expect(verify(as, 2, statement, signature.subarray(1))).toBe(false);
  });
});

describe("with BLS certificates", async () => {
  const { suite, signer, verify } = await party2("bls");

  test("signatures are their party's; shares are taken for nobody's, although they verify on a link", () => {
    expect(verify("signature", 2, statement, endorse(suite, "signature"))).toBe(true);
    for (const as of ["quorum", "broadcast"] as const) expect(verify(as, 2, statement, endorse(suite, as))).toBe(false);
    expect(suite.quorumCertifier.verifyShare(2, statement, endorse(suite, "quorum"))).toBe(true);
    expect(suite.quorumCertifier.sharesAreSignatures).toBe(false);
    expect(suite.broadcastCertifier.sharesAreSignatures).toBe(false);
    // What would be a share elsewhere makes no certificate here.
    for (const as of ["quorum", "broadcast"] as const)
      expect(verify(as, 2, statement, signer.sign(signedBytes(ENDORSEMENT_DOMAINS[as], statement)))).toBe(false);
  });
});
