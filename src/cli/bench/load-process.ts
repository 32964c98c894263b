/** The process of the load: apart from the benchmark, so that what it costs is known. Started by load-handle.ts, as a child. */
import { Traffic, dialTls } from "../../adapters/tls/index.js";
import { createEd25519Signer } from "../../crypto/index.js";
import { SESSION_WINDOW } from "../../client/sessions.js";
import { greatestPayloadBytes, weightOf } from "../../protocols/index.js";
import { loadClient } from "../../replica/config-files.js";
import { groupOf } from "../../replica/config-group.js";
import { MAX_REPLY_FRAME_BYTES } from "../../wire/client-frames.js";
import { SESSION_NONCE_BYTES } from "../../wire/payload.js";
import { type ClientConfig, connectClient } from "../cluster-client.js";
import { sha256 } from "../sha256.js";
import { Load, type LoadOptions } from "./load.js";
import { LoadClient, type LoadClientOptions } from "./load-client.js";
import { type FromLoad, type LoadSettings, type ToLoad, toLoadSchema } from "./load-messages.js";
import { OpenLoop, Saturating } from "./pacer.js";
import { ReceiptClient } from "./receipt-client.js";
import { RequestWriter } from "./request-writer.js";
import { WORKLOADS } from "./workload.js";

/** How long a payload waits for others to share its request, at least. */
const MIN_LINGER_MS = 2;
/**
 * Else this part of how long requests take of late. A request costs each replica as much as the bytes of a hundred payloads, so
 * that a cluster with much to do is spared by fewer and fuller ones, and who waits for it notices little.
 */
const LINGER = 1 / 8;
/** Of requests for receipts that one client may have under way: replicas keep the replies to so many (MAX_CLIENT_REPLY_BYTES). */
const MAX_RECEIPT_REQUESTS = 4;
const NOTARY = "notary";
const CONNECT_POLL_MS = 20;
const WIDEN_MS = 250;
const PROGRESS_MS = 250;
/** The shortest pause of a timer. */
const MIN_PAUSE_MS = 1;
const DRAIN_POLL_MS = 20;

const nowMs = (): number => performance.now();

function tell(message: FromLoad): void {
  process.send?.(message);
}

function fail(error: Error): never {
  tell({ kind: "failed", message: error.message });
  process.exit(1);
}

type Sender = LoadOptions["clients"][number] & Pick<LoadClient, "isReady">;
type Rest = Pick<LoadClientOptions, "home" | "maxInFlight" | "onAcknowledged">;

/** A client, and how many payloads one request of it has room for. */
async function openSender(
  file: string,
  settings: LoadSettings,
  traffic: Traffic,
  rest: Rest,
): Promise<{ readonly client: Sender; readonly maxOperations: number }> {
  const config = await loadClient(file);
  if (settings.service !== NOTARY) return openLoadClient(config, settings, traffic, rest);
  const { home, ...others } = rest;
  const library = connectClient(config, { traffic, fanout: "few", ...(home !== undefined && { home }) });
  const client = new ReceiptClient({ ...others, client: library, nowMs, onFailure: fail });
  return { client, maxOperations: client.maxOperations };
}

/** One in a session of its own. */
async function openLoadClient(
  config: ClientConfig,
  { service, payloadBytes, listings }: LoadSettings,
  traffic: Traffic,
  { maxInFlight, ...rest }: Rest,
): Promise<{ readonly client: LoadClient; readonly maxOperations: number }> {
  const { cluster, clients, parties } = config.public;
  const certificate = clients[config.client]?.certificate;
  const signer = createEd25519Signer(config.signing);
  const encryptionKey = config.public.keys.encryption;
  const options = { payloadBytes, cluster, client: signer.publicKey, encryptionKey, listings };
  const workload = await WORKLOADS.get(service)?.(options);
  if (certificate === undefined || workload === undefined)
    throw new Error(`no client ${config.client}, or no load for ${service}`);
  const nonce = globalThis.crypto.getRandomValues(new Uint8Array(SESSION_NONCE_BYTES));
  const session = { opened: Date.now(), nonce };
  const sign = (statement: Uint8Array): Uint8Array => signer.sign(statement);
  const maxPayloadBytes = greatestPayloadBytes(config.public.channel.dissemination);
  const key = { client: signer.publicKey, sign };
  const writer = new RequestWriter({ cluster, ...key, session, workload, maxPayloadBytes });
  const client = new LoadClient({
    ...rest,
    maxInFlight: workload.commands === undefined ? Math.ceil(maxInFlight / weightOf(writer.maxBytes)) : 1,
    check: workload.commands?.check,
    cluster,
    group: groupOf(config.public),
    session,
    writer,
    hash: sha256,
    nowMs,
    onFailure: fail,
    dial: (party, accept, onFailure) => {
      const entry = parties[party];
      if (entry === undefined) throw new Error(`no party ${party}`);
      return dialTls({
        host: entry.host,
        port: entry.port,
        identity: { certificatePem: certificate, privateKeyPem: config.tlsPrivateKey },
        party,
        certificatePem: entry.certificate,
        maxFrameBytes: MAX_REPLY_FRAME_BYTES,
        traffic,
        accept,
        onFailure,
      });
    },
  });
  return { client, maxOperations: writer.maxOperations };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Nothing is acknowledged before it runs. */
let running: Load | undefined;

const lingerMs = (): number => Math.max(MIN_LINGER_MS, LINGER * (running?.meanMs ?? 0));

async function start(settings: LoadSettings): Promise<void> {
  const { clientFiles, service, rate, homes, saturatingRequests } = settings;
  const traffic = new Traffic();
  const onAcknowledged: LoadClientOptions["onAcknowledged"] = (batch, sentMs) => running?.onAcknowledged(batch, sentMs);
  const most = service === NOTARY ? MAX_RECEIPT_REQUESTS : SESSION_WINDOW;
  const share = rate === null ? Math.max(1, Math.floor(saturatingRequests / clientFiles.length)) : most;
  const maxInFlight = Math.min(share, most);
  const opened = await Promise.all(
    clientFiles.map((file, index) =>
      openSender(file, settings, traffic, { onAcknowledged, maxInFlight, home: homes[index] ?? undefined }),
    ),
  );
  const clients = opened.map(({ client }) => client);
  while (!clients.every(({ isReady }) => isReady)) await pause(CONNECT_POLL_MS);
  const maxOperations = Math.min(...opened.map((each) => each.maxOperations));
  const pacer = rate === null ? new Saturating() : new OpenLoop(nowMs(), rate, lingerMs);
  const load = new Load({ clients, maxOperations, pacer, traffic, nowMs });
  running = load;
  const tick = (): void => {
    load.send();
    // With no room, what is due goes out when there is some.
    setTimeout(tick, Math.max(MIN_PAUSE_MS, Math.min(pacer.nextMs(maxOperations) - nowMs(), WIDEN_MS)));
  };
  tick();
  setInterval(() => load.widen(), WIDEN_MS);
  setInterval(() => tell({ kind: "progress", acknowledged: load.acknowledged, inFlight: load.inFlight }), PROGRESS_MS);
  tell({ kind: "started", operationsPerRequest: maxOperations });
}

async function drain(load: Load): Promise<void> {
  load.end();
  while (load.inFlight > 0) await pause(DRAIN_POLL_MS);
  tell({ kind: "drained" });
}

async function obey(message: ToLoad): Promise<void> {
  if (message.kind === "start") await start(message.settings);
  else if (running === undefined) throw new Error(`${message.kind} before the load has started`);
  else if (message.kind === "begin") running.begin();
  else if (message.kind === "end") tell({ kind: "measured", measured: running.measured() });
  else await drain(running);
}

process.on("message", (message) => {
  obey(toLoadSchema.parse(message)).catch((error: unknown) =>
    fail(error instanceof Error ? error : new Error(String(error))),
  );
});
// Nobody is left to measure for.
process.on("disconnect", () => process.exit(0));
// Ctrl-C at a terminal reaches all processes of the group; the benchmark says when this one ends.
process.on("SIGINT", () => undefined);
process.on("SIGTERM", () => process.exit(0));
