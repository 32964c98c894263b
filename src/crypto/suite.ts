/** The production cryptography behind the protocols' `Suite`: Ed25519, certificates of signatures, CKS coins. */
import { createHash } from "node:crypto";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Coin, Suite } from "../core/suite.js";
import { createCoin } from "./ristretto/coin.js";
import { KeyError } from "./errors.js";
import type { Domain } from "./hashing.js";
import { checkPublicKeys } from "./key-checks.js";
import type { PublicKeys, SecretKeys } from "./keys.js";
import { VerificationMemo } from "./memo.js";
import { createMultisigCertifier } from "./ed25519/multisig.js";
import { createPartySignatures } from "./ed25519/party-signatures.js";
import { loadRistretto } from "./ristretto/group.js";

/** About 10 MB; enough for all that is in flight in some hundred rounds of a group of sixteen. */
const MEMO_ENTRIES = 65_536;

export interface SuiteOptions {
  readonly group: Group;
  readonly self: PartyId;
  readonly publicKeys: PublicKeys;
  readonly secretKeys: SecretKeys;
}

/** @throws KeyError when the keys do not fit the group, or the secret keys are not those of `self`. */
export async function createSuite({ group, self, publicKeys, secretKeys }: SuiteOptions): Promise<Suite> {
  const problem = await checkPublicKeys(group, publicKeys);
  if (problem !== undefined) throw new KeyError(problem);
  const ristretto = await loadRistretto();
  const memo = new VerificationMemo(MEMO_ENTRIES);
  const signatures = createPartySignatures({ publicKeys: publicKeys.signing, self, seed: secretKeys.signing, memo });
  const certifier = (domain: Domain, suffices: Group["isQuorum"]) =>
    createMultisigCertifier({ n: group.n, domain, signatures, suffices });
  const coin = (label: "quorum" | "honest", key: "quorumCoin" | "honestCoin"): Coin =>
    remembering(
      createCoin({ ristretto, label, publicKey: publicKeys[key], self, secret: secretKeys[key] }),
      `abcast/1 memo of ${label} coin`,
      group.n,
      memo,
    );

  return {
    hash: (bytes) => new Uint8Array(createHash("sha256").update(bytes).digest()),
    sign: (statement) => signatures.sign("abcast/1 statement", statement),
    verify: (party, statement, signature) => signatures.verify(party, "abcast/1 statement", statement, signature),
    quorumCertifier: certifier("abcast/1 quorum certificate", (set) => group.isQuorum(set)),
    broadcastCertifier: certifier("abcast/1 broadcast certificate", (set) => group.isBroadcastQuorum(set)),
    quorumCoin: coin("quorum", "quorumCoin"),
    honestCoin: coin("honest", "honestCoin"),
  };
}

/** The same coin, verifying each share once. */
function remembering(coin: Coin, domain: Domain, n: number, memo: VerificationMemo): Coin {
  return {
    ...coin,
    verifyShare: (party, name, share) =>
      Number.isInteger(party) &&
      party >= 0 &&
      party < n &&
      memo.check(domain, party, name, share, () => coin.verifyShare(party, name, share)),
  };
}
