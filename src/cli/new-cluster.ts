/** The files of a new cluster, as data: from the dealer's keys and what the parties say of themselves. */
import { randomBytes } from "node:crypto";
import type { Dealing } from "../crypto/dealer.js";
import { createEd25519Signer, SEED_BYTES } from "../crypto/ed25519/ed25519.js";
import { createTlsIdentity } from "../crypto/ed25519/tls-identity.js";
import type { OwnSecretKeys, SharedSecretKeys } from "../crypto/keys.js";
import { createOwnKeys, ownPublicKeys } from "../crypto/own-keys.js";
import {
  type ClientConfig,
  type ClientEntry,
  type ClientKeys,
  type ClusterPublic,
  type PartyConfig,
  type ChannelRules,
  type PartyKeys,
  resolveLimits,
  type TimeStamping,
} from "../replica/config.js";
import type { Adversary } from "../replica/config-adversary.js";
import { clusterId } from "../replica/config-cluster-id.js";

export interface Address {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
}

/** A party as everybody knows it. */
export interface Member extends Address {
  /** PEM. */
  readonly certificate: string;
  /** Raw Ed25519 keys. */
  readonly signing: Uint8Array;
  readonly cosigning: Uint8Array;
  /** Raw X25519 key. */
  readonly relaying: Uint8Array;
}

/** What a party knows of itself before the dealer gives it anything. */
export interface OwnIdentity extends OwnSecretKeys {
  /** PEM, PKCS #8. */
  readonly tlsPrivateKey: string;
}

/** A party's new identity. `commonName` stands in its certificate. */
export async function createMember(
  address: Address,
  commonName: string,
): Promise<{ readonly member: Member; readonly own: OwnIdentity }> {
  const { certificatePem, privateKeyPem } = await createTlsIdentity(commonName);
  const keys = createOwnKeys();
  return {
    member: { ...address, certificate: certificatePem, ...ownPublicKeys(keys) },
    own: { ...keys, tlsPrivateKey: privateKeyPem },
  };
}

export interface Plan {
  readonly adversary: Adversary;
  /** Party i at index i. */
  readonly members: readonly Member[];
  readonly clientCount: number;
  readonly channel: ChannelRules;
  readonly dealing: Dealing;
  readonly timeStamping?: TimeStamping | undefined;
}

export interface NewCluster {
  readonly public: ClusterPublic;
  /** Those that are no party's. */
  readonly clients: readonly ClientConfig[];
  /** Of the client that party i is, at index i. */
  readonly partyClients: readonly ClientKeys[];
}

interface NewClient {
  /** Its number, and its entry's index. */
  readonly client: number;
  readonly keys: ClientKeys;
  readonly entry: Omit<ClientEntry, "client">;
}

async function createClient(client: number, commonName: string): Promise<NewClient> {
  const signing = new Uint8Array(randomBytes(SEED_BYTES));
  const { certificatePem, privateKeyPem } = await createTlsIdentity(commonName);
  return {
    client,
    keys: { signing, tlsPrivateKey: privateKeyPem },
    entry: { publicKey: createEd25519Signer(signing).publicKey, certificate: certificatePem },
  };
}

export async function assembleCluster(plan: Plan): Promise<NewCluster> {
  const { adversary, members, clientCount, channel, dealing, timeStamping } = plan;
  const clients = await Promise.all(
    Array.from({ length: clientCount }, (_, client) => createClient(client, `client-${client}`)),
  );
  const partyClients = await Promise.all(
    members.map((_, party) => createClient(clientCount + party, `replica-${party}`)),
  );
  const unnamed: Omit<ClusterPublic, "cluster"> = {
    format: "abcast-public/4",
    salt: new Uint8Array(randomBytes(32)),
    n: members.length,
    adversary,
    channel,
    parties: members.map(({ name, host, port, httpPort, certificate }, party) => {
      return { party, name, host, port, httpPort, certificate, client: clientCount + party };
    }),
    clients: [...clients, ...partyClients].map(({ client, entry: { publicKey, certificate } }) => ({
      client,
      publicKey,
      certificate,
    })),
    keys: {
      ...dealing.publicKeys,
      signing: members.map(({ signing }) => signing),
      cosigning: members.map(({ cosigning }) => cosigning),
      relaying: members.map(({ relaying }) => relaying),
    },
    ...(timeStamping && { timeStamping }),
  };
  const cluster: ClusterPublic = { ...unnamed, cluster: clusterId(unnamed) };
  return {
    public: cluster,
    clients: clients.map(({ client, keys: { signing, tlsPrivateKey } }) => {
      return { format: "abcast-client/2", client, signing, tlsPrivateKey, public: cluster };
    }),
    partyClients: partyClients.map(({ keys }) => keys),
  };
}

/** A party's config.json, with all limits written out, so that an operator sees what there is to set. */
export function newPartyConfig(
  party: number,
  { host, port }: Pick<Address, "host" | "port">,
  channel: ChannelRules,
  rest?: PartyConfig["rest"],
): PartyConfig {
  const limits = resolveLimits({}, channel);
  return { format: "abcast-party/1", party, listen: { host, port }, ...(rest && { rest }), limits };
}

/** A party's keys.json. */
export function newPartyKeys(
  party: number,
  own: OwnIdentity,
  shared: SharedSecretKeys,
  client: ClientKeys | undefined,
): PartyKeys {
  const { coins, certificates, encryption, receipt, token } = shared;
  const { signing, cosigning, relaying, tlsPrivateKey } = own;
  return {
    format: "abcast-party-keys/2",
    party,
    signing,
    cosigning,
    relaying,
    coins,
    certificates,
    encryption,
    receipt,
    token,
    tlsPrivateKey,
    ...(client && { client }),
  };
}
