/** Routes of a replica that is a world of the bidding service, served over HTTP. */
import { listenHttp } from "../../../src/adapters/http/index.js";
import { RateLimits, restApi, type Route } from "../../../src/adapters/rest/index.js";
import type { BiddingCaller } from "../../../src/cli/rest/bidding-routes.js";
import { CLUSTER, keyOf, type World } from "../../services/bidding/support.js";

export const REPLICA = 7;

/** The replica's client of the world; `onCall` is told of each command that is ordered by it. */
export function replicaClient(world: World, onCall: (operation: Uint8Array) => void = () => undefined): BiddingCaller {
  return {
    cluster: CLUSTER,
    publicKey: keyOf(REPLICA),
    query: async (_service, query) => {
      return { answer: world.service.query(query).slice(), sequence: 1, round: 1, timeMs: 1, faulty: [] };
    },
    call: async (_service, operation) => {
      onCall(operation);
      world.sequence += 1;
      const { sequence } = world;
      const context = { sequence, index: 0, round: sequence, roundTimeMs: 1, client: keyOf(REPLICA) };
      return { reply: world.service.apply(context, operation).slice(), sequence, round: 1, timeMs: 1, faulty: [] };
    },
    callAll: () => Promise.reject(new Error("not used")),
  };
}

export async function serve(routes: readonly Route[]): Promise<{ readonly base: string; close(): Promise<void> }> {
  const limits = new RateLimits({ perSecond: 1000, burst: 1000, nowMs: () => performance.now() });
  const api = restApi({ prefix: "/v1/", routes, apiKeys: [], allowedOrigins: [], limits });
  const onError = (error: unknown): void => {
    throw error;
  };
  const listener = await listenHttp({ host: "127.0.0.1", port: 0, routes: new Map(), onError, apis: [api] });
  return { base: `http://127.0.0.1:${listener.port}`, close: () => listener.close() };
}
