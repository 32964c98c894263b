/**
 * A client of a cluster, from its file: real connections, real keys. The package exports this module as `abcast/client`, with the client of the
 * REST API, which is all of it in a browser.
 */
import { dialTls, type Traffic } from "../adapters/tls/index.js";
import { Client, type ClientOptions } from "../client/index.js";
import { statement } from "../core/engine.js";
import { createCertificateVerifier, createEd25519Signer } from "../crypto/index.js";
import { greatestPayloadBytes } from "../protocols/index.js";
import type { ClientConfig } from "../replica/config.js";
import { InputError, type PassphraseSource, loadClient } from "../replica/config-files.js";
import { groupOf } from "../replica/config-group.js";
import { answerFromChunk } from "../replica/machine/index.js";
import { biddingStatement } from "../services/bidding/index.js";
import type { Service } from "../services/service.js";
import { knownServices } from "./services.js";
import { MAX_REPLY_FRAME_BYTES } from "../wire/client-frames.js";

export * from "../client/index.js";
export * from "../rest/index.js";
import { sha256 } from "./sha256.js";
export { type ClientConfig, InputError, type PassphraseSource };

/** The one channel of a cluster. */
const CHANNEL = "notary";

/** How a client is to call, unless a call says otherwise; and the services that do not come with abcast, which sign and prove in their own way. */
export type ClientSettings = Pick<ClientOptions, "fanout" | "widenAfterMs" | "acknowledgements" | "home"> & {
  readonly services?: readonly Service[];
  /** Counts what it says and hears. */
  readonly traffic?: Traffic;
};

/** Connects to the cluster of the client file at `path`, which may be under a passphrase; to be closed. @throws InputError */
export async function openClient(
  path: string,
  passphrase?: PassphraseSource,
  settings?: ClientSettings,
): Promise<{ readonly client: Client; readonly config: ClientConfig }> {
  const config = await loadClient(path, passphrase);
  return { client: connectClient(config, settings), config };
}

/** Connects to the cluster of a client file that was loaded before; to be closed. */
export function connectClient(
  config: ClientConfig,
  { services = [], traffic, ...settings }: ClientSettings = {},
): Client {
  const { public: cluster } = config;
  const own = cluster.clients[config.client];
  if (own === undefined) throw new Error(`no client ${config.client}`);
  const signer = createEd25519Signer(config.signing);
  const identity = { certificatePem: own.certificate, privateKeyPem: config.tlsPrivateKey };
  const group = groupOf(cluster);
  const ownServices: readonly Pick<Service, "name" | "statement" | "statementKey" | "shared" | "answerFrom">[] = [
    { name: "bidding", statement: biddingStatement },
    ...knownServices(cluster),
    ...services,
  ];
  const known = new Map(ownServices.map((service) => [service.name, service]));
  return new Client({
    ...settings,
    cluster: cluster.cluster,
    group,
    keys: cluster.keys,
    publicKey: signer.publicKey,
    sign: (bytes) => signer.sign(bytes),
    hash: sha256,
    maxPayloadBytes: greatestPayloadBytes(cluster.channel.dissemination),
    service: (name) => known.get(name),
    proofs: {
      statement: (round, digest) => statement(cluster.cluster, `${CHANNEL}/checkpoint/${round}`, "checkpoint", digest),
      verifyCertificate: createCertificateVerifier(cluster.keys, group),
      answerFrom: (chunk, name, query) => {
        const service = known.get(name);
        const answer = service && answerFromChunk(chunk, name, service, query);
        return typeof answer === "object" ? answer.answer : undefined;
      },
    },
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
        ...(traffic && { traffic }),
        accept,
        onFailure,
      });
    },
  });
}
