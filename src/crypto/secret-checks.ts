/** Whether a party's secrets belong to the public keys: a file of another party or cluster is noticed before it does harm. */
import type { PartyId } from "../core/party-set.js";
import { createBlsSharer } from "./bls/threshold.js";
import { KeyError } from "./errors.js";
import type { SharedPublicKeys, SharedSecretKeys } from "./keys.js";
import { createCoinSharer } from "./ristretto/coin.js";
import { loadRistretto } from "./ristretto/group.js";
import { createTdh2Sharer } from "./ristretto/tdh2.js";
import { createRsaSharer } from "./rsa/threshold.js";
import type { Sharer } from "./scheme.js";

/** The paths of the secrets that do not belong to party `party`; empty when all do. */
export async function checkSharedSecrets(
  party: PartyId,
  publicKeys: SharedPublicKeys,
  secrets: SharedSecretKeys,
): Promise<string[][]> {
  const ristretto = await loadRistretto();
  const { coins, certificates, encryption, receipt, token } = publicKeys;
  const bad: string[][] = [];
  const check = (path: string[], open: () => Sharer<never>): void => {
    try {
      open().destroy();
    } catch (error) {
      if (!(error instanceof KeyError)) throw error;
      bad.push(path);
    }
  };

  for (const use of ["quorum", "honest"] as const) {
    const options = { label: use, publicKey: coins[use], party, secret: secrets.coins[use] };
    check(["coins", use], () =>
      coins.scheme === "bls" ? createBlsSharer(options) : createCoinSharer({ ristretto, ...options }),
    );
  }
  if (certificates.scheme !== secrets.certificates.scheme) bad.push(["certificates"]);
  else if (certificates.scheme === "bls" && secrets.certificates.scheme === "bls") {
    for (const use of ["quorum", "broadcast"] as const) {
      const options = { label: use, publicKey: certificates[use], party, secret: secrets.certificates[use] };
      check(["certificates", use], () => createBlsSharer(options));
    }
  }
  check(["encryption"], () =>
    createTdh2Sharer({ ristretto, publicKey: encryption, party, secret: secrets.encryption }),
  );
  check(["receipt"], () => createRsaSharer(receipt, party, secrets.receipt));
  check(["token"], () => createRsaSharer(token, party, secrets.token));
  return bad;
}
