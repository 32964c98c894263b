/**
 * One replica as a process wires it: storage, suite, services, links, desk. What the process exchanges with the outside comes
 * through `NodePorts`, with the real adapters as the default.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import type { HttpApi } from "../adapters/http/index.js";
import { lockStore, openStorage } from "../adapters/storage/index.js";
import { type DialOptions, dialTls, listenTls, type TlsListener, Traffic } from "../adapters/tls/index.js";
import { toHex } from "../core/bytes.js";
import type { Suite } from "../core/suite.js";
import {
  createEd25519Verifier,
  createRelayKeys,
  createRsaSharer,
  createRsaWorkers,
  createSuite,
  type SuiteOptions,
} from "../crypto/index.js";
import { atomicBroadcast, type LocalSettings } from "../protocols/index.js";
import type { ClusterPublic } from "../replica/config.js";
import type { Party } from "../replica/config-files.js";
import { groupOf } from "../replica/config-group.js";
import { Desk } from "../replica/desk/index.js";
import { DutyBearer } from "../replica/duty-bearer.js";
import { InputError, systemProblem } from "../replica/input-error.js";
import type { Dialer } from "../replica/links.js";
import { Machine, type MachineOptions } from "../replica/machine/index.js";
import { Replica, type ReplicaOptions, type ReplicaState } from "../replica/replica.js";
import type { Storage } from "../replica/storage.js";
import { claimStore } from "../replica/store-owner.js";
import type { KeySignatures, Sealing } from "../services/bidding/index.js";
import type { Service, StatementKey } from "../services/service.js";
import { decodeTsaAnswer, TSA_SERVICE } from "../services/tsa/index.js";
import { MAX_CLIENT_FRAME_BYTES } from "../wire/client-frames.js";
import { MAX_PEER_FRAME_BYTES } from "../wire/peer-frames.js";
import type { Client } from "../client/index.js";
import { loadKeySignatures } from "./key-signatures.js";
import { startMonitoring } from "./monitoring.js";
import type { DeskAccess } from "./ask-desk.js";
import { NodeArchive } from "./node-archive.js";
import { type KeySigner, deskOptions, isDurable, partyState } from "./node-desk.js";
import { nodeLog } from "./node-log-publisher.js";
import { OwnClient } from "./own-client.js";
import { RefusalLog } from "./refusal-log.js";
import { nodeBiddingRoutes } from "./rest/bidding-api.js";
import { deskRoutes } from "./rest/desk-routes.js";
import { nodeRest } from "./rest/node-rest.js";
import { checkOwnServices, servicesOf } from "./services.js";
import { sha256Twice } from "./sha256.js";
import { storeDirectory } from "./store-directory.js";
import { tsaApi } from "./tsa-api.js";

/** The one channel of a cluster. */
export const CHANNEL = "notary";

/**
 * For each party of the group, what a peer may bring into the log between two decisions. With the largest proposals an honest
 * peer says about 10 MiB for each candidate; the rest is for repetitions after restarts.
 */
const MAX_APPENDED_BYTES_PER_PARTY = 64 * 1024 * 1024;

/** Between two ticks of the links (src/relay/pacing.ts): acknowledgements wait so long, and patience is counted in them. */
const LINK_TICK_MS = 250;

/** Messages of the next round that are kept per peer. */
const MAX_EARLY_BYTES = 16 * 1024 * 1024;

/** Where no operator has promised anything. */
const DEFAULT_CLOCK_ACCURACY_MS = 1000;

export interface NodePorts {
  dial(options: DialOptions): Dialer;
  createSuite(options: SuiteOptions): Promise<Suite>;
  signer(party: Party, key: StatementKey): KeySigner;
  openStorage(directory: string, options: { readonly onError: (error: Error) => void }): Promise<Storage>;
}

export const REAL_PORTS: NodePorts = {
  dial: dialTls,
  createSuite,
  signer({ public: cluster, config: { party }, keys }, key) {
    const sharer = createRsaSharer(cluster.keys[key], party, keys[key]);
    const workers = createRsaWorkers({ publicKey: cluster.keys[key], party, secret: keys[key] });
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
  openStorage,
};

export interface RunningNode {
  readonly state: ReplicaState;
  /** Shows a new certificate of the party's key on connections from now on. @throws Error when it has another key */
  present(certificatePem: string): void;
  stop(): Promise<void>;
}

export interface NodeOptions {
  readonly party: Party;
  /** Makes the services in their first state: those that come with abcast unless given. */
  readonly createServices?: (sealing: Sealing) => readonly Service[];
  readonly ports?: NodePorts;
  readonly onLog: (message: string) => void;
  /** The replica has stopped because it cannot go on. */
  readonly onFatal: (error: Error) => void;
}

/** @throws InputError when the address cannot be bound or the configuration does not work; StorageError */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const { party, ports = REAL_PORTS, onLog, onFatal } = options;
  const { public: cluster, config, keys } = party;
  const self = config.party;
  const group = groupOf(cluster);
  const suite = await ports.createSuite({ group, self, publicKeys: cluster.keys, secretKeys: keys });
  const signatures = await loadKeySignatures();
  const newMachine = machineMaker({ party, suite, signatures }, options.createServices);
  const relayKeys = await createRelayKeys({ self, publicKeys: cluster.keys, secretKeys: keys });
  const signers = { receipt: ports.signer(party, "receipt"), token: ports.signer(party, "token") };
  const identity = { certificatePem: certificateOf(cluster, self), privateKeyPem: keys.tlsPrivateKey };

  const traffic = new Traffic();
  let served: Served | undefined;
  // The address first: a second process of the same party fails here, before it opens the store. It would take what the first is
  // writing for what a crash has left, and cut it off.
  const listener = await listen({ party, identity, traffic, onLog, served: () => served });
  const opened: { close(): Promise<void> }[] = [listener];
  try {
    const store = storeDirectory(party.directory);
    // A port may be changed, and a store be reached by two paths.
    const lock = existsSync(store) ? await lockStore(store) : undefined;
    if (lock !== undefined) opened.push(lock);
    const storage = await ports.openStorage(store, { onError: onFatal });
    opened.push(storage);
    const foreign = await claimStore(storage, { cluster: cluster.cluster, party: self });
    if (foreign !== undefined) throw new InputError({ file: store }, foreign);
    const { cutBytes } = storage.report;
    if (cutBytes > 0) onLog(`cut ${cutBytes} bytes of an incomplete record off the log: nothing of it was ever said`);
    const replica: Replica = new Replica({
      self,
      cluster: cluster.cluster,
      group,
      suite,
      hash: (bytes) => suite.hash(bytes),
      channel: CHANNEL,
      protocol: (parts) => protocolOf(party, parts),
      settings: settingsOf(party),
      newMachine,
      storage,
      forgetsLedger: party.channel.ledger === "recent",
      peerQuotaBytes: MAX_APPENDED_BYTES_PER_PARTY * cluster.n,
      relayKeys,
      sign: (statement) => suite.sign(statement),
      pace: paceOf(party),
      nowMs: () => Date.now(),
      clockAccuracyMs: cluster.timeStamping?.accuracyMs ?? DEFAULT_CLOCK_ACCURACY_MS,
      onApplied: (applied) => {
        desk.delivered(applied);
        log.publisher?.applied(applied);
        archive.applied(applied);
        bearer.look();
      },
      onInstalled: () => {
        desk.settled();
        log.publisher?.installed(replica.durableSequence);
        archive.installed();
      },
      onFatal,
      onLog,
    });
    const log = nodeLog(party, onLog);
    const archive = new NodeArchive(party, onLog);
    const bearer = new DutyBearer({
      self,
      cluster: cluster.cluster,
      machine: () => (replica.state.state === "active" && isDurable(replica) ? replica.machine : undefined),
      decryption: suite.decryption,
      sign: (statement) => suite.sign(statement),
      nowMs: () => Date.now(),
      submit: (payload) => replica.submit(payload) === "taken",
    });
    const desk: Desk = new Desk(
      deskOptions({
        party,
        replica,
        storage,
        signers,
        hash: (bytes) => suite.hash(bytes),
        archive: () => archive.archive,
        onLog,
      }),
    );
    served = { replica, desk };
    // Before the replay, which may be long.
    const ownClient = new OwnClient(party);
    opened.push({ close: () => Promise.resolve(ownClient.close()) });
    const reached: DeskAccess = {
      cluster: cluster.cluster,
      open: (connection) => (isServing(replica.state) ? desk.open(connection) : undefined),
    };
    const client = (): Client | undefined => (isServing(replica.state) ? ownClient.get() : undefined);
    const rest = nodeRest({
      party,
      client,
      archive: () => archive.archive,
      log: () => log.publisher,
      state: () => partyState(replica.state, { storage, services: cluster.channel.services }),
      isConnected: (peer) => replica.isConnected(peer),
      more: [
        ...deskRoutes({ ...reached, services: cluster.channel.services }),
        ...nodeBiddingRoutes({ ...reached, party, client, signatures }),
      ],
      onLog,
    });
    const apis = [rest.api, ...tsaApis(party, replica, ownClient), ...log.apis];
    const monitoring = await startMonitoring({ party, replica, storage, traffic, group, desk, apis, onLog });
    opened.push(monitoring);
    await replica.start();
    opened.push(log, archive);
    await log.open(storage);
    await archive.open(storage, () => replica.machine);
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
          traffic,
          accept: (connection) => replica.dialled(other, connection),
        }),
      );
    const ticking = setInterval(() => {
      replica.tick();
      bearer.tick();
    }, LINK_TICK_MS);
    return {
      get state() {
        return replica.state;
      },
      present(certificatePem) {
        listener.present({ ...identity, certificatePem });
        // That is what the dialers read at each attempt.
        identity.certificatePem = certificatePem;
      },
      async stop() {
        clearInterval(ticking);
        for (const dialer of dialers) dialer.close();
        ownClient.close();
        rest.close();
        desk.close();
        await Promise.all([signers.receipt.close(), signers.token.close()]);
        const closed = listener.close();
        try {
          await log.close();
          await replica.stop();
          await archive.close();
          await closed;
        } finally {
          await lock?.close();
          await monitoring.close();
        }
      },
    };
  } catch (error) {
    // An open listener would keep the process alive, deaf, on its port.
    for (const part of opened.toReversed()) await part.close();
    throw error;
  }
}

/** Where the cluster runs the service. */
function tsaApis({ public: { channel, timeStamping } }: Party, replica: Replica, ownClient: OwnClient): HttpApi[] {
  if (timeStamping === undefined || !channel.services.includes(TSA_SERVICE)) return [];
  const chain = (): readonly Uint8Array[] => {
    const answer = decodeTsaAnswer(replica.machine.query(TSA_SERVICE, new Uint8Array()) ?? new Uint8Array());
    if (!answer.ok) throw new Error(`the time-stamping authority answers what is no answer: ${answer.error}`);
    return answer.value.chain;
  };
  return [tsaApi({ policy: timeStamping.policy, client: () => ownClient.get(), chain })];
}

interface Served {
  readonly replica: Replica;
  readonly desk: Desk;
}

interface ListenOptions {
  readonly party: Party;
  readonly identity: DialOptions["identity"];
  readonly traffic: Traffic;
  readonly onLog: (message: string) => void;
  /** Undefined: nobody is served yet. */
  readonly served: () => Served | undefined;
}

/** @throws InputError when the address cannot be bound */
async function listen({ party, identity, traffic, onLog, served }: ListenOptions): Promise<TlsListener> {
  const { public: cluster, config } = party;
  const refusals = new RefusalLog(onLog);
  try {
    return await listenTls({
      ...config.listen,
      identity,
      traffic,
      parties: cluster.parties
        .filter(({ party: other }) => other !== config.party)
        .map(({ party: other, certificate }) => ({ party: other, certificatePem: certificate })),
      clients: cluster.clients.map(({ client, certificate }) => ({ client, certificatePem: certificate })),
      maxFrameBytes: (peer) => (peer.kind === "party" ? MAX_PEER_FRAME_BYTES : MAX_CLIENT_FRAME_BYTES),
      accept: (connection) => {
        const at = served();
        if (at === undefined || !isServing(at.replica.state)) return undefined;
        const { peer } = connection;
        return peer.kind === "party" ? at.replica.accepted(peer.party, connection) : at.desk.open(connection);
      },
      onRefused: (reason, address) => refusals.refused(reason, address),
    });
  } catch (error) {
    throw new InputError({ file: join(party.directory, "config.json"), field: "listen" }, listenProblem(party, error));
  }
}

function isServing({ state }: ReplicaState): boolean {
  return state !== "starting" && state !== "stopped";
}

/** Makes machines in their first state. @throws InputError when the services are not the cluster's */
function machineMaker(
  { party, suite, signatures }: { readonly party: Party; readonly suite: Suite; readonly signatures: KeySignatures },
  createServices: NodeOptions["createServices"],
): () => Machine {
  const { public: cluster } = party;
  const file = join(party.directory, "public.json");
  const group = groupOf(cluster);
  const sealing: Sealing = {
    cluster: cluster.cluster,
    hash: (bytes) => suite.hash(bytes),
    decryption: suite.decryption,
    signatures,
    hasHonest: (parties) => group.hasHonest(parties),
  };
  if (createServices === undefined) servicesOf(cluster, sealing, file);
  else checkOwnServices(cluster, createServices(sealing), file);
  const verifiers = new Map(
    cluster.clients.map(({ publicKey }) => [toHex(publicKey), createEd25519Verifier(publicKey)]),
  );
  const common: Omit<MachineOptions, "services"> = {
    cluster: cluster.cluster,
    hash: (bytes) => suite.hash(bytes),
    hashTwice: sha256Twice,
    isClient: (publicKey) => verifiers.has(toHex(publicKey)),
    verifyClient: (publicKey, statement, signature) => verifiers.get(toHex(publicKey))?.(statement, signature) ?? false,
    verifyParty: (other, statement, signature) => suite.verify(other, statement, signature),
  };
  return () => new Machine({ ...common, services: createServices?.(sealing) ?? servicesOf(cluster, sealing, file) });
}

/** The protocol with the party's settings, which were checked when they were loaded. */
function protocolOf(
  party: Party,
  parts: Parameters<ReplicaOptions["protocol"]>[0],
): ReturnType<ReplicaOptions["protocol"]> {
  const { c, order, delivery, parallel, checkpointInterval, dissemination } = party.channel;
  return atomicBroadcast({
    ...settingsOf(party),
    speakFrom: 0,
    vectorSize: c,
    order,
    delivery,
    parallel,
    checkpointInterval,
    dissemination,
    isPaced: dissemination === "certified",
    ...parts,
  });
}

function paceOf({ channel: { dissemination, roundIntervalMs } }: Party): ReplicaOptions["pace"] {
  if (dissemination === "inline") return undefined;
  return {
    intervalMs: roundIntervalMs,
    nowMs: () => performance.now(),
    later: (delayMs, action) => void setTimeout(action, delayMs).unref(),
  };
}

/** What the party sets for itself in its config.json. */
function settingsOf({ channel }: Party): Omit<LocalSettings, "speakFrom"> {
  const { maxEntryPayloads, maxEntryBytes, maxQueuePayloads } = channel;
  return {
    maxEntryPayloads,
    maxEntryBytes,
    maxPayloads: maxQueuePayloads,
    maxPayloadsPerPeer: maxQueuePayloads,
    maxEarlyBytes: MAX_EARLY_BYTES,
  };
}

export function certificateOf({ parties }: ClusterPublic, party: number): string {
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
