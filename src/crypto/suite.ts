/** The production cryptography behind the protocols' `Suite`, of the schemes that the keys are for. */
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Certifier, Coin, Decryption, Suite } from "../core/suite.js";
import { createBlsCertifier } from "./bls/certifier.js";
import { createBlsCoin } from "./bls/coin.js";
import { createMultisigCertifier } from "./ed25519/multisig.js";
import { type PartySignatures, createPartySignatures } from "./ed25519/party-signatures.js";
import { ENDORSEMENT_DOMAINS } from "./endorsements.js";
import { KeyError } from "./errors.js";
import { type Domain, plainSha256 } from "./hashing.js";
import { checkPublicKeys } from "./key-checks.js";
import type { ProtocolPublicKeys, ProtocolSecretKeys } from "./keys.js";
import { VerificationMemo } from "./memo.js";
import { createDhCoin } from "./ristretto/coin.js";
import { type Ristretto, loadRistretto } from "./ristretto/group.js";
import { createTdh2Scheme, createTdh2Sharer } from "./ristretto/tdh2.js";

/** Under 1 MB. A round of a group of four verifies 22 for the first time, in the soak of docs/chaos.md; it grows with n². */
const MEMO_ENTRIES = 8192;

export interface SuiteOptions {
  readonly group: Group;
  readonly self: PartyId;
  /** What else is in them, as the keys of a service, is checked with them. */
  readonly publicKeys: ProtocolPublicKeys;
  readonly secretKeys: ProtocolSecretKeys;
}

/** @throws KeyError when the keys do not fit the group, or the secret keys are not those of `self`. */
export async function createSuite(options: SuiteOptions): Promise<Suite> {
  const { group, self, publicKeys, secretKeys } = options;
  const [problem] = await checkPublicKeys(group, publicKeys);
  if (problem !== undefined) throw new KeyError(`${problem.path.join(".")} ${problem.message}`);
  const ristretto = await loadRistretto();
  const memo = new VerificationMemo(MEMO_ENTRIES);
  const signatures = createPartySignatures({ publicKeys: publicKeys.signing, self, seed: secretKeys.signing, memo });

  return {
    hash: plainSha256,
    sign: (statement) => signatures.sign(ENDORSEMENT_DOMAINS.signature, statement),
    verify: (party, statement, signature) =>
      signatures.verify(party, ENDORSEMENT_DOMAINS.signature, statement, signature),
    quorumCertifier: certifierOf(options, "quorum", signatures, memo),
    broadcastCertifier: certifierOf(options, "broadcast", signatures, memo),
    quorumCoin: coinOf(options, "quorum", ristretto, memo),
    honestCoin: coinOf(options, "honest", ristretto, memo),
    decryption: decryptionOf(options, ristretto, memo),
  };
}

function certifierOf(
  { group, self, publicKeys, secretKeys }: SuiteOptions,
  use: "quorum" | "broadcast",
  signatures: PartySignatures,
  memo: VerificationMemo,
): Certifier {
  const { certificates } = publicKeys;
  if (certificates.scheme === "multisig") {
    const suffices: Group["isQuorum"] = (set) =>
      use === "quorum" ? group.isQuorum(set) : group.isBroadcastQuorum(set);
    return createMultisigCertifier({ n: group.n, domain: ENDORSEMENT_DOMAINS[use], signatures, suffices });
  }
  if (secretKeys.certificates.scheme !== "bls")
    throw new KeyError("certificates: the secret keys are of another scheme");
  const certifier = createBlsCertifier({
    label: `${use} certificate`,
    publicKey: certificates[use],
    self,
    secret: secretKeys.certificates[use],
  });
  return {
    ...remembering(certifier, `abcast/1 memo of ${use} certificate share`, group.n, memo),
    // The same certificate arrives in many messages. It is nobody's in particular.
    verify: (statement, certificate) =>
      memo.check(`abcast/1 memo of ${use} certificate`, 0, statement, certificate, () =>
        certifier.verify(statement, certificate),
      ),
  };
}

function coinOf(
  { group, self, publicKeys: { coins }, secretKeys }: SuiteOptions,
  use: "quorum" | "honest",
  ristretto: Ristretto,
  memo: VerificationMemo,
): Coin {
  const options = { label: use, publicKey: coins[use], self, secret: secretKeys.coins[use] };
  const coin = coins.scheme === "bls" ? createBlsCoin(options) : createDhCoin({ ristretto, ...options });
  return remembering(coin, `abcast/1 memo of ${use} coin`, group.n, memo);
}

/** Ciphertexts arrive in many messages, shares in one: so only the check of a ciphertext is remembered. It is nobody's in particular. */
function decryptionOf(
  { self, publicKeys, secretKeys }: SuiteOptions,
  ristretto: Ristretto,
  memo: VerificationMemo,
): Decryption {
  const keys = { ristretto, publicKey: publicKeys.encryption };
  const scheme = createTdh2Scheme(keys);
  const sharer = createTdh2Sharer({ ...keys, party: self, secret: secretKeys.encryption });
  return {
    checkCiphertext: (label, ciphertext) =>
      memo.check(
        "abcast/1 memo of ciphertext",
        0,
        label,
        ciphertext,
        () => scheme.checkCiphertext(label, ciphertext).kind === "valid",
      ),
    share: (label, ciphertext) => sharer.share({ label, ciphertext }),
    verifyShare: (party, label, ciphertext, share) =>
      scheme.checkShare(party, { label, ciphertext }, share).kind === "valid",
    combine: (label, ciphertext, shares) => {
      const decryption = scheme.combine({ label, ciphertext }, shares);
      return decryption.kind === "plaintext" ? decryption.plaintext : undefined;
    },
  };
}

/** The same scheme, verifying each share once. */
function remembering<Scheme extends Certifier | Coin>(
  scheme: Scheme,
  domain: Domain,
  n: number,
  memo: VerificationMemo,
): Scheme {
  return {
    ...scheme,
    verifyShare: (party: PartyId, subject: Uint8Array, share: Uint8Array) =>
      Number.isInteger(party) &&
      party >= 0 &&
      party < n &&
      memo.check(domain, party, subject, share, () => scheme.verifyShare(party, subject, share)),
  };
}
