/** The services that come with abcast, and which of all a cluster runs. */
import { X509Certificate } from "node:crypto";
import { toHex } from "../core/bytes.js";
import { createBidding, type Sealing } from "../services/bidding/index.js";
import { createCounter } from "../services/counter/index.js";
import { createKv } from "../services/kv/index.js";
import { LOG, createLog } from "../services/log/index.js";
import { createNotaryService } from "../services/notary/index.js";
import type { Service } from "../services/service.js";
import { createTsa, TSA_SERVICE } from "../services/tsa/index.js";
import type { ClusterPublic } from "../replica/config.js";
import { groupOf } from "../replica/config-group.js";
import { InputError } from "../replica/input-error.js";
import { tokenKeySpki } from "./receipt-key.js";
import { sha256 } from "./sha256.js";

/** The names of those that come with abcast, ascending. */
export const KNOWN_SERVICES: readonly string[] = ["bidding", "counter", "kv", LOG, "notary", TSA_SERVICE];

/** Those that a new cluster runs unless it is told which: the log, which keeps nothing, is for who asks for it. */
export const DEFAULT_SERVICES: readonly string[] = KNOWN_SERVICES.filter((name) => name !== LOG);

/** By name, what makes each in its first state; `sealing` is a replica's. */
function builtIn(cluster: ClusterPublic, sealing?: Sealing): ReadonlyMap<string, () => Service> {
  const { timeStamping } = cluster;
  return new Map([
    ...(sealing === undefined ? [] : [["bidding", () => createBidding(sealing)] as const]),
    ["counter", createCounter],
    ["kv", createKv],
    [LOG, createLog],
    ["notary", () => createNotaryService({ cluster: cluster.cluster, hash: sha256 })],
    ...(timeStamping === undefined ? [] : [[TSA_SERVICE, () => tsaOf(cluster, timeStamping)] as const]),
  ]);
}

/** @throws RangeError when the certificate is not for time-stamping, or a number out of its bounds */
function tsaOf(
  cluster: ClusterPublic,
  { policy, accuracyMs, certificate }: NonNullable<ClusterPublic["timeStamping"]>,
) {
  const parties = new Map(
    cluster.parties.flatMap(({ party, client }) => {
      const entry = client === undefined ? undefined : cluster.clients[client];
      return entry === undefined ? [] : [[toHex(entry.publicKey), party] as const];
    }),
  );
  return createTsa({
    group: groupOf(cluster),
    hash: sha256,
    tokenKey: tokenKeySpki(cluster),
    policy,
    accuracyMs,
    chain: [new Uint8Array(new X509Certificate(certificate).raw)],
    partyOf: (client) => parties.get(toHex(client)),
  });
}

/** Those of the cluster's services that come with abcast, but for bidding, each in its first state: for a client, which is not told by whom others are. */
export function knownServices(cluster: ClusterPublic): Service[] {
  const known = builtIn(cluster);
  return cluster.channel.services.flatMap((name) => known.get(name)?.() ?? []);
}

/**
 * The cluster's services, each in its first state: those of this program. A new list at each call of what it returns.
 * @throws InputError when the cluster runs a service that there is not, or one that cannot be as public.json says
 */
export function servicesOf(cluster: ClusterPublic, sealing: Sealing, file: string): Service[] {
  const known = builtIn(cluster, sealing);
  return cluster.channel.services.map((name) => {
    const create = known.get(name);
    if (create !== undefined) return created(create, name, file);
    if (name === TSA_SERVICE)
      throw new InputError({ file, field: "timeStamping" }, `is missing: the service ${name} needs it`);
    throw new InputError(
      { file, field: "channel.services" },
      `this program has no service ${name}, only ${[...known.keys()].join(", ")}; run the program that has it`,
    );
  });
}

function created(create: () => Service, name: string, file: string): Service {
  try {
    return create();
  } catch (error) {
    if (name !== TSA_SERVICE || !(error instanceof RangeError)) throw error;
    throw new InputError({ file, field: "timeStamping" }, error.message);
  }
}

/** @throws InputError when `own` are not just those that the cluster runs */
export function checkOwnServices(cluster: Pick<ClusterPublic, "channel">, own: readonly Service[], file: string): void {
  const names = own.map(({ name }) => name).sort();
  const due = cluster.channel.services;
  if (names.length === due.length && names.every((name, index) => name === due[index])) return;
  throw new InputError(
    { file, field: "channel.services" },
    `the cluster runs ${due.join(", ")}, this program has ${names.join(", ") || "none"}; the names must be the same`,
  );
}
