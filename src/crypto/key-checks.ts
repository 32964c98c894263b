/** Whether a set of public keys makes sense for a group, before anything trusts it. */
import { setImmediate as otherEvents } from "node:timers/promises";
import { type Formula, isThresholdOf, sameFormula, thresholdFormula } from "../core/formula.js";
import type { Group } from "../core/group.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { checkBlsPublicKey } from "./bls/threshold.js";
import { checkX25519Key } from "./ceremony/x25519.js";
import type { ProtocolPublicKeys, PublicKeys, RsaPublicKey, SharedPublicKey } from "./keys.js";
import { bezout, bytesToBigint } from "./numbers/bigints.js";
import { type Ristretto, loadRistretto } from "./ristretto/group.js";
import { checkSharedKey } from "./ristretto/shared-key.js";
import { checkRsaPublicKey } from "./rsa/key.js";

export interface KeyProblem {
  /** Where in `PublicKeys`. */
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What is wrong with `publicKeys` for `group`, which may have a service's keys or not; empty when nothing is. Total. */
export async function checkPublicKeys(
  group: Group,
  publicKeys: ProtocolPublicKeys | PublicKeys,
): Promise<KeyProblem[]> {
  const ristretto = await loadRistretto();
  const { coins, certificates, encryption } = publicKeys;
  const { honest, quorum } = group.access;
  const dh = (key: SharedPublicKey): string | undefined => checkSharedKey(ristretto, key);
  const checkCoin = coins.scheme === "bls" ? checkBlsPublicKey : dh;
  const checks: (() => KeyProblem[])[] = [
    () => checkPartyKeys(ristretto, group, publicKeys),
    () => checkAlong(["coins", "quorum"], coins.quorum, quorum, checkCoin),
    () => checkAlong(["coins", "honest"], coins.honest, honest, checkCoin),
    () => checkCertificates(group, certificates),
    () => checkAlong(["encryption"], encryption, honest, dh),
    ...("receipt" in publicKeys ? serviceChecks(group, publicKeys) : []),
    () => checkDistinct(publicKeys),
  ];
  const problems: KeyProblem[] = [];
  for (const check of checks) {
    problems.push(...check());
    // Each takes milliseconds in a large group.
    await otherEvents();
  }
  return problems;
}

function serviceChecks(group: Group, publicKeys: PublicKeys): (() => KeyProblem[])[] {
  const { receipt, token } = publicKeys;
  return [
    () => checkRelayingKeys(group, publicKeys),
    () => checkRsa("receipt", group, receipt),
    () => checkRsa("token", group, token),
    () => checkModuli(receipt, token),
  ];
}

function checkCertificates({ access }: Group, certificates: PublicKeys["certificates"]): KeyProblem[] {
  if (certificates.scheme === "multisig") return [];
  return [
    ...checkAlong(["certificates", "quorum"], certificates.quorum, access.quorum, checkBlsPublicKey),
    ...checkAlong(["certificates", "broadcast"], certificates.broadcast, access.broadcastQuorum, checkBlsPublicKey),
  ];
}

function checkPartyKeys(ristretto: Ristretto, { n }: Group, publicKeys: ProtocolPublicKeys | PublicKeys): KeyProblem[] {
  const { signing } = publicKeys;
  const lists = "cosigning" in publicKeys ? { signing, cosigning: publicKeys.cosigning } : { signing };
  const problems: KeyProblem[] = [];
  const owners = new Map<string, string>();
  for (const [list, keys] of Object.entries(lists)) {
    if (keys.length !== n)
      problems.push({ path: [list], message: `has ${keys.length} entries where n=${n} are needed` });
    keys.forEach((key, party) => {
      // A key of small order would verify one signature for many messages.
      if (!ristretto.isEd25519Key(key))
        problems.push({ path: [list, party], message: "is no point of the prime-order subgroup of Ed25519" });
      const owner = owners.get(key.join());
      if (owner !== undefined) problems.push({ path: [list, party], message: `is also ${owner}` });
      owners.set(key.join(), `the ${list} key of party ${party}`);
    });
  }
  return problems;
}

/** Of all parties, or of none in a cluster that is older than relaying. */
function checkRelayingKeys({ n }: Group, { relaying }: PublicKeys): KeyProblem[] {
  if (relaying.length === 0) return [];
  if (relaying.length !== n)
    return [{ path: ["relaying"], message: `has ${relaying.length} entries where n=${n} are needed` }];
  return relaying.flatMap((key, party) => {
    const path = ["relaying", party];
    const message = checkX25519Key(key);
    if (message !== undefined) return [{ path, message: `is ${message}` }];
    const owner = relaying.findIndex((other) => other.join() === key.join());
    return owner === party ? [] : [{ path, message: `is also the relaying key of party ${owner}` }];
  });
}

/** The key itself, and whether just those can use it who should. */
function checkAlong<Key extends { readonly access: Formula }>(
  path: KeyProblem["path"],
  key: Key,
  access: Formula,
  check: (key: Key) => string | undefined,
): KeyProblem[] {
  const message = check(key);
  if (message !== undefined) return [{ path, message }];
  if (sameFormula(key.access, access)) return [];
  return [{ path: [...path, "access"], message: "is not the access structure that the group needs for this key" }];
}

function checkRsa(path: "receipt" | "token", { access, n }: Group, key: RsaPublicKey): KeyProblem[] {
  // An RSA signature must prove that an honest party stood behind it; parties that may join later count.
  const { honest } = access;
  const spare = key.verificationKeys.length - n;
  const isThreshold = typeof honest !== "number" && isThresholdOf(honest, n);
  const wanted =
    isThreshold && spare > 0 && n + spare <= MAX_PARTIES ? thresholdFormula(honest.threshold, n + spare) : honest;
  const problems = checkAlong([path], key, wanted, checkRsaPublicKey);
  if (problems.length > 0 || key.nonResidue.length === 0) return problems;
  return [{ path: [path, "nonResidue"], message: "is for Shoup's Protocol 2, which this key does not need" }];
}

/** Who knows the factors of one modulus would know those of the other. */
function checkModuli(receipt: RsaPublicKey, token: RsaPublicKey): KeyProblem[] {
  if (bezout(bytesToBigint(receipt.modulus), bytesToBigint(token.modulus)).gcd !== 1n)
    return [{ path: ["token"], message: "has a factor in common with receipt" }];
  return [];
}

/** One key for two uses would let the one speak in the name of the other. */
function checkDistinct({ coins, certificates, encryption }: ProtocolPublicKeys): KeyProblem[] {
  const keys: [KeyProblem["path"], Uint8Array][] = [
    [["coins", "quorum"], coins.quorum.publicKey],
    [["coins", "honest"], coins.honest.publicKey],
    [["encryption"], encryption.publicKey],
  ];
  if (certificates.scheme === "bls") {
    keys.push([["certificates", "quorum"], certificates.quorum.publicKey]);
    keys.push([["certificates", "broadcast"], certificates.broadcast.publicKey]);
  }
  const first = new Map<string, KeyProblem["path"]>();
  return keys.flatMap(([path, key]) => {
    const before = first.get(key.join());
    if (before !== undefined) return [{ path, message: `is the same key as ${before.join(".")}` }];
    first.set(key.join(), path);
    return [];
  });
}
