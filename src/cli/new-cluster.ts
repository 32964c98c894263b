/** The files of a new cluster, as data: from the dealer's keys and the parties' addresses. */
import { randomBytes } from "node:crypto";
import type { Dealing } from "../crypto/dealer.js";
import { createEd25519Signer, SEED_BYTES } from "../crypto/ed25519/ed25519.js";
import { createTlsIdentity } from "../crypto/ed25519/tls-identity.js";
import {
  type ClientConfig,
  type ClusterPublic,
  type PartyConfig,
  type ChannelRules,
  type PartyKeys,
  resolveLimits,
} from "../replica/config.js";
import { clusterId } from "../replica/config-cluster-id.js";

export interface Address {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
}

export interface NewCluster {
  readonly public: ClusterPublic;
  /** Party i's at index i. */
  readonly parties: readonly { readonly config: PartyConfig; readonly keys: PartyKeys }[];
  readonly clients: readonly ClientConfig[];
}

export interface Plan {
  readonly n: number;
  readonly t: number;
  /** n of them. */
  readonly addresses: readonly Address[];
  readonly clientCount: number;
  readonly channel: ChannelRules;
  readonly dealing: Dealing;
}

export async function assembleCluster({ n, t, addresses, clientCount, channel, dealing }: Plan): Promise<NewCluster> {
  const parties = await Promise.all(
    addresses.map(async (address, party) => ({ address, party, identity: await createTlsIdentity(`party-${party}`) })),
  );
  const clients = await Promise.all(
    Array.from({ length: clientCount }, async (_, client) => {
      const seed = new Uint8Array(randomBytes(SEED_BYTES));
      return { client, seed, identity: await createTlsIdentity(`client-${client}`) };
    }),
  );

  const unnamed: Omit<ClusterPublic, "cluster"> = {
    format: "abcast-public/1",
    salt: new Uint8Array(randomBytes(32)),
    n,
    t,
    channel,
    parties: parties.map(({ address: { name, host, port, httpPort }, party, identity }) => {
      return { party, name, host, port, httpPort, certificate: identity.certificatePem };
    }),
    clients: clients.map(({ client, seed, identity }) => {
      return { client, publicKey: createEd25519Signer(seed).publicKey, certificate: identity.certificatePem };
    }),
    keys: dealing.publicKeys,
  };
  const cluster: ClusterPublic = { ...unnamed, cluster: clusterId(unnamed) };

  return {
    public: cluster,
    parties: parties.map(({ address, party, identity }) => {
      const secrets = dealing.secretKeys[party];
      if (secrets === undefined) throw new Error(`the dealer made no keys for party ${party}`);
      const { signing, quorumCoin, honestCoin, receipt } = secrets;
      return {
        config: {
          format: "abcast-party/1",
          party,
          listen: { host: address.host, port: address.port },
          // Written out in full, so that an operator sees what there is to set.
          limits: resolveLimits({}),
        },
        keys: {
          format: "abcast-party-keys/1",
          party,
          signing,
          quorumCoin,
          honestCoin,
          receipt,
          tlsPrivateKey: identity.privateKeyPem,
        },
      };
    }),
    clients: clients.map(({ client, seed, identity }) => {
      return {
        format: "abcast-client/1",
        client,
        signing: seed,
        tlsPrivateKey: identity.privateKeyPem,
        public: cluster,
      };
    }),
  };
}
