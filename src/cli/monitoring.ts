/** The HTTP interface of a replica's process: at `httpPort` of public.json, on `httpHost` of config.json. */
import { join } from "node:path";
import { type AnyHttpApi, listenHttp, monitoringRoutes, ProcessMetrics } from "../adapters/http/index.js";
import type { Group } from "../core/group.js";
import type { Party } from "../replica/config-files.js";
import { InputError, systemProblem } from "../replica/input-error.js";
import type { Replica } from "../replica/replica.js";
import type { Traffic } from "../adapters/tls/index.js";
import type { Storage } from "../replica/storage.js";
import { loadPages } from "./pages.js";

/** What the interface tells is for the party's own people. */
const DEFAULT_HTTP_HOST = "127.0.0.1";

export interface MonitoringOptions {
  readonly party: Party;
  readonly replica: Pick<Replica, "state" | "isConnected" | "heldBytes" | "queueLength">;
  readonly group: Group;
  readonly storage: Pick<Storage, "size" | "syncs">;
  readonly traffic: Traffic;
  readonly desk: { readonly connectionCount: number };
  /** What is served besides (rest/node-rest.ts, tsa-api.ts). */
  readonly apis?: readonly AnyHttpApi[];
  readonly onLog: (message: string) => void;
}

export interface Monitoring {
  close(): Promise<void>;
}

/** @throws InputError when the address cannot be bound */
export async function startMonitoring(options: MonitoringOptions): Promise<Monitoring> {
  const { party, replica, storage, traffic, group, desk, apis = [], onLog } = options;
  const self = party.config.party;
  const entry = party.public.parties[self];
  if (entry === undefined) throw new Error(`no party ${self}`);
  const host = party.config.httpHost ?? DEFAULT_HTTP_HOST;
  const processMetrics = new ProcessMetrics();
  const monitoring = monitoringRoutes(
    {
      group,
      state: () => replica.state,
      isConnected: (peer) => replica.isConnected(peer),
      heldBytes: (peer) => replica.heldBytes(peer),
      queueLength: () => replica.queueLength,
      clientConnections: () => desk.connectionCount,
      size: () => storage.size(),
      syncs: () => storage.syncs,
      traffic: () => traffic,
    },
    () => processMetrics.families(),
  );
  const routes = new Map([...(await loadPages(onLog)), ...monitoring]);
  let hasFailed = false;
  // Once: who asks again and again does not fill the log.
  const onError = (error: unknown): void => {
    if (!hasFailed) onLog(`HTTP interface: ${String(error)}; its further errors are not logged`);
    hasFailed = true;
  };
  try {
    const listener = await listenHttp({ host, port: entry.httpPort, routes, onError, apis });
    return {
      async close() {
        await listener.close();
        processMetrics.close();
      },
    };
  } catch (error) {
    processMetrics.close();
    throw listenError(party, { host, port: entry.httpPort }, error);
  }
}

function listenError(
  { directory, config }: Party,
  { host, port }: { readonly host: string; readonly port: number },
  error: unknown,
): InputError {
  const problem = systemProblem(error) ?? (error instanceof Error ? error.message : String(error));
  const where = `cannot listen on ${host}:${port} for HTTP: ${problem}`;
  const inUse = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  if (!inUse) return new InputError({ file: join(directory, "config.json"), field: "httpHost" }, where);
  return new InputError(
    { file: join(directory, "public.json"), field: `parties[${config.party}].httpPort` },
    `${where}; to move, change it in every public.json, or the address, httpHost, in ${join(directory, "config.json")}`,
  );
}
