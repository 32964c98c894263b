/**
 * One replica as a process wires it: store, suite, engine, notary, links, receipt desk. What the process exchanges with the
 * outside comes through `NodePorts`, with the real adapters as the default.
 */
import { join } from "node:path";
import { openStore } from "../adapters/lmdb-store.js";
import { type DialOptions, dialTls, listenTls } from "../adapters/tls/index.js";
import { toHex } from "../core/bytes.js";
import {
  createEd25519Verifier,
  createRelayKeys,
  createRsaSharer,
  createRsaWorkers,
  createSuite,
} from "../crypto/index.js";
import { type AtomicBroadcastProtocol, atomicBroadcast, type LocalSettings } from "../protocols/index.js";
import type { Party } from "../replica/config-files.js";
import { groupOf } from "../replica/config-group.js";
import { InputError, systemProblem } from "../replica/input-error.js";
import type { Dialer } from "../replica/links.js";
import { ReceiptDesk, type ReceiptDeskOptions } from "../replica/receipt-desk.js";
import { Replica, type ReplicaState } from "../replica/replica.js";
import { createNotary, type NotaryEntry } from "../services/notary/index.js";
import type { Service } from "../services/service.js";
import { type Monitoring, startMonitoring } from "./monitoring.js";
import { RefusalLog } from "./refusal-log.js";
import { MAX_CLIENT_FRAME_BYTES } from "../wire/client-frames.js";
import { MAX_PEER_FRAME_BYTES } from "../wire/peer-frames.js";

/** The one channel of a notary cluster. */
export const NOTARY_CHANNEL = "notary";

/**
 * For each party of the group, what a peer may bring into the log between two decisions. With the largest proposals an honest
 * peer says about 10 MiB for each candidate; the rest is for repetitions after restarts.
 */
const MAX_APPENDED_BYTES_PER_PARTY = 64 * 1024 * 1024;

/** Between two ticks of the links (src/relay/pacing.ts): acknowledgements wait so long, and patience is counted in them. */
const LINK_TICK_MS = 250;

/** Messages of the next round that are kept per peer. */
const MAX_EARLY_BYTES = 16 * 1024 * 1024;

export interface NodePorts {
  dial(options: DialOptions): Dialer;
  receiptSigner(party: Party): ReceiptSigner;
}

/** Makes this party's shares of receipt signatures. */
export interface ReceiptSigner {
  readonly shareBytes: number;
  share(statement: Uint8Array): Uint8Array;
  /** In another thread: it takes tens of milliseconds with long keys. */
  prove(statement: Uint8Array): Promise<Uint8Array>;
  close(): Promise<void>;
}

export const REAL_PORTS: NodePorts = {
  dial: dialTls,
  receiptSigner({ public: cluster, config: { party }, keys }) {
    const sharer = createRsaSharer(cluster.keys.receipt, party, keys.receipt);
    const workers = createRsaWorkers({ publicKey: cluster.keys.receipt, party, secret: keys.receipt });
    return {
      shareBytes: sharer.shareBytes,
      share: (statement) => sharer.share(statement),
      prove: (statement) => workers.prove(statement),
      async close() {
        sharer.destroy();
        await workers.close();
      },
    };
  },
};

export interface RunningNode {
  readonly state: ReplicaState;
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly party: Party;
  readonly ports?: NodePorts;
  readonly onLog: (message: string) => void;
  /** The replica has stopped because it cannot go on. */
  readonly onFatal: (error: Error) => void;
}

/** The store of the party in `directory`. */
export function storeDirectory(directory: string): string {
  return join(directory, "store");
}

/** @throws InputError when the address cannot be bound or the configuration does not work; StoreError */
export async function startNode({ party, ports = REAL_PORTS, onLog, onFatal }: NodeOptions): Promise<RunningNode> {
  const { public: cluster, config, keys } = party;
  const self = config.party;
  const group = groupOf(cluster);
  const suite = await createSuite({ group, self, publicKeys: cluster.keys, secretKeys: keys });
  const notary = notaryOf(party);
  const signer = ports.receiptSigner(party);
  const store = openStore(storeDirectory(party.directory));

  const replica: Replica<NotaryEntry> = new Replica({
    self,
    cluster: cluster.cluster,
    group,
    suite,
    channel: NOTARY_CHANNEL,
    protocol: protocolOf(party, notary),
    settings: settingsOf(party),
    peerQuotaBytes: MAX_APPENDED_BYTES_PER_PARTY * cluster.n,
    service: notary,
    store,
    relayKeys: await createRelayKeys({ self, publicKeys: cluster.keys, secretKeys: keys }),
    onDelivered: (id, { sequence }) => desk.delivered(id, sequence),
    onFatal,
    onLog,
  });
  const prove: (...args: Parameters<ReceiptDeskOptions["prove"]>) => Promise<void> = async (statement, done) => {
    const proven = await signer.prove(statement).catch((error: unknown) => {
      onLog(`a share could not be proved: ${String(error)}`);
    });
    done(proven ?? undefined);
  };
  const desk = new ReceiptDesk({
    cluster: cluster.cluster,
    hash: (bytes) => suite.hash(bytes),
    isValid: (payload) => notary.validate(payload),
    submit: (payload) => replica.submit(payload),
    state: () => replica.state,
    entry: (sequence) => {
      const entry = store.ledgerEntry(sequence);
      if (entry === undefined) throw new Error(`no ledger entry ${sequence}`);
      return notary.apply(entry, entry.payload);
    },
    shareBytes: signer.shareBytes,
    share: (statement) => signer.share(statement),
    prove: (statement, done) => void prove(statement, done),
    later: (work) => void setImmediate(work),
  });

  const refusals = new RefusalLog(onLog);
  const identity = { certificatePem: certificateOf(party, self), privateKeyPem: keys.tlsPrivateKey };
  // The address first: a second process of the same party fails here, before it writes or says anything.
  const listener = await listenTls({
    ...config.listen,
    identity,
    parties: cluster.parties
      .filter(({ party: other }) => other !== self)
      .map(({ party: other, certificate }) => ({ party: other, certificatePem: certificate })),
    clients: cluster.clients.map(({ client, certificate }) => ({ client, certificatePem: certificate })),
    maxFrameBytes: (peer) => (peer.kind === "party" ? MAX_PEER_FRAME_BYTES : MAX_CLIENT_FRAME_BYTES),
    accept: (connection) => {
      if (replica.state.state !== "active") return undefined;
      return connection.peer.kind === "party"
        ? replica.accepted(connection.peer.party, connection)
        : desk.open(connection);
    },
    onRefused: (reason, address) => refusals.refused(reason, address),
  }).catch(async (error: unknown) => {
    await store.close();
    throw new InputError({ file: join(party.directory, "config.json"), field: "listen" }, listenProblem(party, error));
  });

  let monitoring: Monitoring | undefined;
  try {
    // Before the replay, which may be long.
    monitoring = await startMonitoring({ party, replica, group, desk, onLog });
    await replica.start();
  } catch (error) {
    // An open listener would keep the process alive, deaf, on its port.
    await monitoring?.close();
    await listener.close();
    await store.close();
    throw error;
  }
  const dialers = cluster.parties
    .filter(({ party: other }) => other !== self)
    .map(({ party: other, host, port, certificate }) =>
      ports.dial({
        host,
        port,
        identity,
        party: other,
        certificatePem: certificate,
        maxFrameBytes: MAX_PEER_FRAME_BYTES,
        accept: (connection) => replica.dialled(other, connection),
      }),
    );
  const ticking = setInterval(() => replica.tick(), LINK_TICK_MS);

  return {
    get state() {
      return replica.state;
    },
    async stop() {
      clearInterval(ticking);
      for (const dialer of dialers) dialer.close();
      desk.close();
      await signer.close();
      const closed = listener.close();
      try {
        await replica.stop();
        await closed;
      } finally {
        await monitoring.close();
      }
    },
  };
}

/** The protocol with the party's settings, which were checked when they were loaded. */
function protocolOf(party: Party, notary: Service<NotaryEntry>): AtomicBroadcastProtocol {
  const { c, order, delivery, parallel } = party.channel;
  return atomicBroadcast({
    ...settingsOf(party),
    vectorSize: c,
    order,
    delivery,
    parallel,
    isValid: (payload) => notary.validate(payload),
  });
}

/** What the party sets for itself in its config.json. */
function settingsOf({ channel: { maxEntryPayloads, maxEntryBytes, maxQueuePayloads } }: Party): LocalSettings {
  return {
    maxEntryPayloads,
    maxEntryBytes,
    maxPayloads: maxQueuePayloads,
    maxPayloadsPerPeer: maxQueuePayloads,
    maxEarlyBytes: MAX_EARLY_BYTES,
  };
}

/** The notary of this cluster, with its clients' keys. */
export function notaryOf({ public: { cluster, clients } }: Pick<Party, "public">): Service<NotaryEntry> {
  const verifiers = new Map(clients.map(({ publicKey }) => [toHex(publicKey), createEd25519Verifier(publicKey)]));
  return createNotary({
    cluster,
    isClient: (publicKey) => verifiers.has(toHex(publicKey)),
    verifyClient: (publicKey, statement, signature) => verifiers.get(toHex(publicKey))?.(statement, signature) ?? false,
  });
}

function certificateOf({ public: { parties } }: Party, party: number): string {
  const entry = parties[party];
  if (entry === undefined) throw new Error(`no party ${party}`);
  return entry.certificate;
}

function listenProblem({ config: { party, listen } }: Party, error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const problem = systemProblem(cause) ?? (error instanceof Error ? error.message : String(error));
  const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  const remedy = inUse ? `; to move, change listen.port here and parties[${party}].port in every public.json` : "";
  return `cannot listen on ${listen.host}:${listen.port}: ${problem}${remedy}`;
}
