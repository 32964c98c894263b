/**
 * A client of a cluster, from its file: real connections, real keys. The package exports this module as `abcast/client`.
 */
import { createHash } from "node:crypto";
import { dialTls } from "../adapters/tls/index.js";
import { Client } from "../client/index.js";
import { createEd25519Signer } from "../crypto/index.js";
import type { ClientConfig } from "../replica/config.js";
import { InputError, type PassphraseSource, loadClient } from "../replica/config-files.js";
import { MAX_REPLY_FRAME_BYTES } from "../wire/client-frames.js";

export {
  Client,
  ClientClosedError,
  ClusterUnreachableError,
  type Notarized,
  type PartyState,
  RefusedError,
} from "../client/index.js";
export { type ClientConfig, InputError, type PassphraseSource };

/** Connects to the cluster of the client file at `path`, which may be under a passphrase; to be closed. @throws InputError */
export async function openClient(
  path: string,
  passphrase?: PassphraseSource,
): Promise<{ readonly client: Client; readonly config: ClientConfig }> {
  const config = await loadClient(path, passphrase);
  return { client: connectClient(config), config };
}

/** Connects to the cluster of a client file that was loaded before; to be closed. */
export function connectClient(config: ClientConfig): Client {
  const { public: cluster } = config;
  const own = cluster.clients[config.client];
  if (own === undefined) throw new Error(`no client ${config.client}`);
  const signer = createEd25519Signer(config.signing);
  const identity = { certificatePem: own.certificate, privateKeyPem: config.tlsPrivateKey };
  return new Client({
    cluster: cluster.cluster,
    n: cluster.n,
    receiptKey: cluster.keys.receipt,
    publicKey: signer.publicKey,
    sign: (statement) => signer.sign(statement),
    hash: (bytes) => createHash("sha256").update(bytes).digest(),
    dial: (party, accept, onFailure) => {
      const entry = cluster.parties[party];
      if (entry === undefined) throw new Error(`no party ${party}`);
      const { host, port, certificate } = entry;
      return dialTls({
        host,
        port,
        identity,
        party,
        certificatePem: certificate,
        maxFrameBytes: MAX_REPLY_FRAME_BYTES,
        accept,
        onFailure,
      });
    },
  });
}
