/** The REST API of a replica's process: all routes in one table, and what they are served with. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { z } from "zod";
import type { AnyHttpApi } from "../../adapters/http/index.js";
import { EventStreams, jsonRoute, openApiOf, RateLimits, type Route, restApi } from "../../adapters/rest/index.js";
import type { Client, PartyState } from "../../client/index.js";
import type { PartyId } from "../../core/party-set.js";
import { type ClusterPublic, formatFile, publicSchema, resolveRest } from "../../replica/config.js";
import type { Party } from "../../replica/config-files.js";
import { configSchema, openApiSchema } from "../../rest/schemas.js";
import type { LogPublisher } from "../log-publisher.js";
import type { NotaryArchive } from "../notary-archive.js";
import { logRoutes } from "./log-routes.js";
import { nodeRoutes } from "./node-routes.js";
import { notaryRoutes } from "./notary-routes.js";

/** Of the API: it changes when a program that uses it has to. */
const API_VERSION = "1";

export interface NodeRestOptions {
  readonly party: Party;
  readonly client: () => Client | undefined;
  readonly archive: () => NotaryArchive | undefined;
  readonly log: () => LogPublisher | undefined;
  readonly state: () => PartyState;
  readonly isConnected: (peer: PartyId) => boolean;
  /** Of services besides the notary. */
  readonly more?: readonly Route[];
  readonly onLog: (message: string) => void;
}

export interface NodeRest {
  readonly api: AnyHttpApi;
  close(): void;
}

export function nodeRest(options: NodeRestOptions): NodeRest {
  const { party, onLog } = options;
  const { apiKeys, allowedOrigins, requestsPerSecond, burst, maxDocumentBytes } = resolveRest(party.config.rest);
  const streams = new EventStreams({ onError: (error) => onLog(`a stream of events failed: ${String(error)}`) });
  const routes = [...routesOf(options, streams, maxDocumentBytes), ...(options.more ?? [])];
  const description =
    "What a replica says and does for programs. Everything that it answers is its own word, but for receipts and proofs.";
  const info = { title: "abcast", version: API_VERSION, description, hasApiKeys: apiKeys.length > 0 };
  const document = openApiRoute(() => openApiOf(table, info));
  const table: readonly Route[] = [...routes, document];
  const limits = new RateLimits({ perSecond: requestsPerSecond, burst, nowMs: () => performance.now() });
  return {
    api: restApi({ prefix: "/v1/", routes: table, apiKeys, allowedOrigins, limits }),
    close: () => streams.close(),
  };
}

function routesOf(options: NodeRestOptions, streams: EventStreams, maxDocumentBytes: number): Route[] {
  const { public: cluster, config, directory } = options.party;
  const routes = nodeRoutes({
    ...options,
    self: config.party,
    config: publicJson(cluster),
    states: (timeoutMs) => options.client()?.status(timeoutMs),
    nowMs: () => performance.now(),
  });
  if (!cluster.channel.services.includes("notary")) return routes;
  return [
    ...routes,
    ...notaryRoutes({ ...options, streams, maxDocumentBytes }),
    ...logRoutes({
      cluster: cluster.cluster,
      archive: () => options.archive(),
      log: () => options.log(),
      checkpoint: () => checkpointIn(join(directory, "tlog")),
    }),
  ];
}

function publicJson(cluster: ClusterPublic): z.output<typeof configSchema> {
  return configSchema.parse(JSON.parse(formatFile(publicSchema, cluster)));
}

function openApiRoute(document: () => Readonly<Record<string, unknown>>): Route {
  return jsonRoute({
    method: "GET",
    path: "/v1/openapi.json",
    operationId: "openApi",
    summary: "this description",
    isPublic: true,
    answer: { name: "OpenApi", schema: openApiSchema },
    run: () => Promise.resolve(openApiSchema.parse(document())),
  });
}

async function checkpointIn(directory: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(join(directory, "checkpoint"));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}
