/**
 * The dealer's part for the protocols: coins, certificates and encryption, each with its own, independent key. For a group that
 * only runs protocols, and has no service, all of its keys at once.
 */
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import { blsKeys } from "./bls/curve.js";
import { createEd25519Signer } from "./ed25519/ed25519.js";
import type {
  CertificatePublicKeys,
  ProtocolPublicKeys,
  ProtocolSecretKeys,
  SharedPublicKeys,
  SharedSecretKeys,
} from "./keys.js";
import { createOwnKeys } from "./own-keys.js";
import { loadRistretto } from "./ristretto/group.js";
import { ristrettoKeys } from "./ristretto/shared-key.js";
import { dealKey } from "./sharing/deal-key.js";

export interface ProtocolDealOptions {
  readonly group: Group;
  /** How certificates are made. Default `multisig`. */
  readonly certificates?: CertificatePublicKeys["scheme"];
  /** How coins are tossed. Default `dh`. */
  readonly coins?: "dh" | "bls";
}

type Shared = "coins" | "certificates" | "encryption";

export interface SharedDealing {
  readonly publicKeys: Pick<SharedPublicKeys, Shared>;
  secretKeysOf(party: PartyId): Pick<SharedSecretKeys, Shared>;
}

export async function dealShared({ group, ...schemes }: ProtocolDealOptions): Promise<SharedDealing> {
  const { honest, quorum } = group.access;
  const coins = schemes.coins ?? "dh";
  const ristretto = await loadRistretto();
  const coinKeys = coins === "bls" ? blsKeys : ristrettoKeys(ristretto);
  const quorumCoin = dealKey(coinKeys, quorum);
  const honestCoin = dealKey(coinKeys, honest);
  const encryption = dealKey(ristrettoKeys(ristretto), honest);
  const certificates = dealCertificates(group, schemes.certificates ?? "multisig");
  return {
    publicKeys: {
      coins: { scheme: coins, quorum: quorumCoin.publicKey, honest: honestCoin.publicKey },
      certificates: certificates.publicKeys,
      encryption: encryption.publicKey,
    },
    secretKeysOf: (party) => ({
      coins: { quorum: quorumCoin.secretOf(party), honest: honestCoin.secretOf(party) },
      certificates: certificates.secretKeysOf(party),
      encryption: encryption.secretOf(party),
    }),
  };
}

interface DealtCertificates {
  readonly publicKeys: CertificatePublicKeys;
  secretKeysOf(party: PartyId): SharedSecretKeys["certificates"];
}

function dealCertificates({ access }: Group, scheme: CertificatePublicKeys["scheme"]): DealtCertificates {
  if (scheme === "multisig") return { publicKeys: { scheme }, secretKeysOf: () => ({ scheme }) };
  const quorum = dealKey(blsKeys, access.quorum);
  const broadcast = dealKey(blsKeys, access.broadcastQuorum);
  return {
    publicKeys: { scheme, quorum: quorum.publicKey, broadcast: broadcast.publicKey },
    secretKeysOf: (party) => ({ scheme, quorum: quorum.secretOf(party), broadcast: broadcast.secretOf(party) }),
  };
}

export interface ProtocolDealing {
  readonly publicKeys: ProtocolPublicKeys;
  /** @throws RangeError when there is no such party */
  readonly secretKeysOf: (party: PartyId) => ProtocolSecretKeys;
}

/**
 * All keys that a group needs to run protocols, without the RSA keys of a service: takes milliseconds. Whoever calls this knows every
 * secret, and must hand each party its own and forget them.
 */
export async function dealProtocolKeys(options: ProtocolDealOptions): Promise<ProtocolDealing> {
  const shared = await dealShared(options);
  const seeds = options.group.parties.map(() => createOwnKeys().signing);
  return {
    publicKeys: { ...shared.publicKeys, signing: seeds.map((seed) => createEd25519Signer(seed).publicKey) },
    secretKeysOf(party) {
      const signing = seeds[party];
      if (signing === undefined) throw new RangeError(`${party} is no party of 0..${seeds.length - 1}`);
      return { ...shared.secretKeysOf(party), signing };
    },
  };
}
