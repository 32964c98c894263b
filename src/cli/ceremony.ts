/** The key ceremony's steps as data: a party's identity, its sealed folder, the spares encrypted to the group. */
import { X509Certificate, randomBytes } from "node:crypto";
import { toHex, utf8 } from "../core/bytes.js";
import { parseJsonBytes } from "../core/json.js";
import type { PartyId } from "../core/party-set.js";
import { checkCard, signCard } from "../crypto/ceremony/identity-card.js";
import { createSealingKey, open, seal } from "../crypto/ceremony/sealed-box.js";
import type { RsaSecretKeys, SharedSecretKeys } from "../crypto/keys.js";
import { loadRistretto } from "../crypto/ristretto/group.js";
import { createTdh2Scheme } from "../crypto/ristretto/tdh2.js";
import { type ClientKeys, type ClusterPublic, formatFile } from "../replica/config.js";
import {
  type CardFile,
  cardSchema,
  type Identity,
  type PartyFolder,
  partyFolderSchema,
  type SealedParty,
  type SealedSpare,
  spareSchema,
} from "../replica/config-ceremony.js";
import { readFileAs } from "../replica/config-files.js";
import { tlsKeyDigest } from "../replica/config-tls-key.js";
import { InputError } from "../replica/input-error.js";
import { type Address, createMember, type Member } from "./new-cluster.js";

/** A party's identity, made on its own machine. */
export async function createIdentity(address: Address): Promise<Identity> {
  // Not the number, which only the dealer knows; and no two certificates of a cluster may have one subject.
  const { member, own } = await createMember(address, `party-${toHex(new Uint8Array(randomBytes(16)))}`);
  const sealing = createSealingKey();
  const { certificate, ...content } = member;
  const card = signCard(
    { ...content, certificatePem: certificate, sealing: sealing.publicKey },
    { signing: own.signing, cosigning: own.cosigning, privateKeyPem: own.tlsPrivateKey },
  );
  return { format: "abcast-identity/2", card, ...own, sealing: sealing.secretKey };
}

/** @throws InputError when the file is no card, or its signatures are not those of its keys */
async function readCard(path: string): Promise<CardFile> {
  const card = await readFileAs(path, cardSchema, "open");
  const problem = checkCard(await loadRistretto(), card) ?? checkSubject(card);
  if (problem !== undefined) throw new InputError({ file: path }, `${problem}; ask the party for its card again`);
  return card;
}

/** No certificate of a party may pass for a client's, which have other subjects. */
function checkSubject({ certificatePem }: CardFile): string | undefined {
  const { subject } = new X509Certificate(certificatePem);
  return /^CN=party-[0-9a-f]{32}$/.test(subject) ? undefined : "the certificate has not the subject that keygen gives";
}

/**
 * Cards at `paths` that all are of different parties.
 * @throws InputError naming both files when two share a key or a certificate's subject
 */
export async function readCards(paths: readonly string[]): Promise<readonly CardFile[]> {
  const cards: CardFile[] = [];
  const owners = new Map<string, string>();
  for (const path of paths) {
    const card = await readCard(path);
    cards.push(card);
    const { signing, cosigning, sealing, relaying, certificatePem } = card;
    const certificate = new X509Certificate(certificatePem);
    const keys = [signing, cosigning, sealing, relaying, tlsKeyDigest(certificate)];
    for (const mark of [...keys.map(toHex), certificate.subject]) {
      const owner = owners.get(mark);
      if (owner !== undefined)
        throw new InputError(
          { file: path },
          `has a key or a name in common with ${owner}; each party makes its own card`,
        );
      owners.set(mark, path);
    }
  }
  return cards;
}

export function memberOf(card: CardFile): Member {
  const { name, host, port, httpPort, signing, cosigning, relaying, certificatePem } = card;
  return { name, host, port, httpPort, signing, cosigning, relaying, certificate: certificatePem };
}

/** Binds a sealed folder to its cluster and party. */
function sealingInfo(cluster: Uint8Array, party: PartyId): Uint8Array {
  return utf8(`abcast/1 sealed party ${toHex(cluster)} ${party}`);
}

export async function sealParty(
  cluster: ClusterPublic,
  party: PartyId,
  card: CardFile,
  keys: SharedSecretKeys,
  client: ClientKeys,
): Promise<SealedParty> {
  const folder: PartyFolder = { format: "abcast-folder/1", public: cluster, keys, client };
  const plaintext = utf8(formatFile(partyFolderSchema, folder));
  const info = sealingInfo(cluster.cluster, party);
  const sealed = await seal({ publicKey: card.sealing, info, plaintext });
  plaintext.fill(0);
  return { format: "abcast-sealed/1", cluster: cluster.cluster, party, sealed };
}

/** @throws InputError naming `path` when the folder is not for this identity, or was changed */
export async function openParty(
  path: string,
  { cluster, party, sealed }: SealedParty,
  identity: Identity,
): Promise<PartyFolder> {
  const opened = await open({ secretKey: identity.sealing, info: sealingInfo(cluster, party), sealed });
  if (opened.kind === "invalid") {
    throw new InputError(
      { file: path },
      `${opened.reason}: it is sealed to another identity, or was changed on the way`,
    );
  }
  const json = parseJsonBytes(opened.plaintext);
  const parsed = json.ok ? partyFolderSchema.safeParse(json.value) : undefined;
  if (parsed?.success !== true) throw new InputError({ file: path }, "does not hold a party's folder; ask the dealer");
  return parsed.data;
}

/**
 * The RSA shares of a party that may join later, encrypted under the group's own threshold key: nobody holds them until honest
 * parties agree to open them.
 */
export async function encryptSpare(cluster: ClusterPublic, party: PartyId, keys: RsaSecretKeys): Promise<SealedSpare> {
  const plaintext = utf8(formatFile(spareSchema, { format: "abcast-spare-keys/1", party, ...keys }));
  const scheme = createTdh2Scheme({ ristretto: await loadRistretto(), publicKey: cluster.keys.encryption });
  const ciphertext = scheme.encrypt({ label: spareLabel(cluster.cluster, party), plaintext });
  plaintext.fill(0);
  return { format: "abcast-spare/1", cluster: cluster.cluster, party, ciphertext };
}

/** The label under which a spare is encrypted. */
export function spareLabel(cluster: Uint8Array, party: PartyId): Uint8Array {
  return utf8(`abcast/1 spare ${toHex(cluster)} ${party}`);
}
