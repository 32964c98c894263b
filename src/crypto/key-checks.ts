/** Whether a set of public keys makes sense for a group, before anything trusts it. */
import type { Group } from "../core/group.js";
import { PartySet } from "../core/party-set.js";
import { checkCoinPublicKey } from "./ristretto/coin.js";
import type { CoinPublicKey, PublicKeys } from "./keys.js";
import { type Ristretto, loadRistretto } from "./ristretto/group.js";
import { checkRsaPublicKey } from "./rsa/key.js";

/** What is wrong with `publicKeys` for `group`, or undefined. Total. */
export async function checkPublicKeys(group: Group, publicKeys: PublicKeys): Promise<string | undefined> {
  const ristretto = await loadRistretto();
  const { signing, quorumCoin, honestCoin, receipt } = publicKeys;
  if (signing.length !== group.n) return `${signing.length} signing keys for n=${group.n}`;
  // A key of small order would verify one signature for many messages.
  const bad = signing.findIndex((key) => !ristretto.isEd25519Key(key));
  if (bad >= 0) return `signing key ${bad} is not a point of the prime-order subgroup`;
  if (new Set(signing.map((key) => key.join())).size !== group.n) return "two parties share a signing key";
  return (
    checkCoin(ristretto, group, "quorum", quorumCoin, (set) => group.isQuorum(set)) ??
    checkCoin(ristretto, group, "honest", honestCoin, (set) => group.hasHonest(set)) ??
    checkReceipt(group, receipt)
  );
}

function checkCoin(
  ristretto: Ristretto,
  group: Group,
  label: string,
  key: CoinPublicKey,
  suffices: (set: PartySet) => boolean,
): string | undefined {
  const problem = checkCoinPublicKey(ristretto, key);
  if (problem !== undefined) return `${label} coin: ${problem}`;
  if (key.verificationKeys.length !== group.n)
    return `${label} coin: ${key.verificationKeys.length} keys for n=${group.n}`;
  return isExactly(group, key.threshold, suffices)
    ? undefined
    : `${label} coin: threshold ${key.threshold} is not the group's`;
}

function checkReceipt(group: Group, receipt: PublicKeys["receipt"]): string | undefined {
  const problem = checkRsaPublicKey(receipt);
  if (problem !== undefined) return `receipt key: ${problem}`;
  if (receipt.verificationKeys.length !== group.n)
    return `receipt key: ${receipt.verificationKeys.length} keys for n=${group.n}`;
  // A receipt must prove that an honest party stood behind it.
  return isExactly(group, receipt.threshold, (set) => group.hasHonest(set))
    ? undefined
    : `receipt key: threshold ${receipt.threshold} is not the group's`;
}

/** Whether `threshold` parties suffice and one fewer do not. */
function isExactly(group: Group, threshold: number, suffices: (set: PartySet) => boolean): boolean {
  const first = (size: number): PartySet => PartySet.of(group.parties.slice(0, size));
  return suffices(first(threshold)) && !suffices(first(threshold - 1));
}
