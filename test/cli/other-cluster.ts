/** Another cluster for the price of a moment: new keys for everything but what the dealer shares, whose making takes seconds. */
import { randomBytes } from "node:crypto";
import { createSealingKey } from "../../src/crypto/ceremony/sealed-box.js";
import { createEd25519Signer } from "../../src/crypto/index.js";
import { createTlsIdentity } from "../../src/crypto/ed25519/tls-identity.js";
import type { ClusterPublic } from "../../src/replica/config.js";
import { clusterId } from "../../src/replica/config-cluster-id.js";

/** At the addresses of `cluster`, with its clients. */
export async function otherCluster(cluster: ClusterPublic): Promise<ClusterPublic> {
  const unnamed = {
    ...cluster,
    salt: new Uint8Array(randomBytes(32)),
    parties: await Promise.all(
      cluster.parties.map(async (party) => {
        return { ...party, certificate: (await createTlsIdentity(`party-${party.party}`)).certificatePem };
      }),
    ),
    keys: {
      ...cluster.keys,
      signing: cluster.keys.signing.map(newKey),
      cosigning: cluster.keys.cosigning.map(newKey),
      relaying: cluster.keys.relaying.map(() => createSealingKey().publicKey),
    },
  };
  return { ...unnamed, cluster: clusterId(unnamed) };
}

function newKey(): Uint8Array {
  return createEd25519Signer(new Uint8Array(randomBytes(32))).publicKey;
}
