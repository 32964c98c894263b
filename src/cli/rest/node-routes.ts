/** A replica over REST: what it is, and how it and the others are. */
import { jsonRoute, type Route } from "../../adapters/rest/index.js";
import type { PartyState } from "../../client/index.js";
import type { PartyId } from "../../core/party-set.js";
import { type ClusterStatus, configSchema, statusSchema } from "../../rest/schemas.js";
import { partyStatus } from "../party-status.js";

/** For the others to answer. */
const STATUS_TIMEOUT_MS = 2_000;
/** What the others said is told again for so long. */
const STATUS_KEPT_MS = 1_000;

type States = ReadonlyMap<PartyId, PartyState | string>;

export interface NodeRoutesOptions {
  readonly self: PartyId;
  /** public.json. */
  readonly config: Readonly<Record<string, unknown>> & {
    readonly format: string;
    readonly cluster: string;
    readonly n: number;
  };
  /** This replica's own. */
  readonly state: () => PartyState;
  /** The others', or why there is none, asked within the time; undefined when this replica has nobody to ask by. */
  readonly states: (timeoutMs: number) => Promise<States> | undefined;
  readonly isConnected: (peer: PartyId) => boolean;
  readonly nowMs: () => number;
}

export function nodeRoutes(options: NodeRoutesOptions): Route[] {
  const others = new Others(options);
  return [
    jsonRoute({
      method: "GET",
      path: "/v1/status",
      operationId: "clusterStatus",
      summary: "how this replica and the others are",
      cost: 2,
      answer: { name: "Status", schema: statusSchema },
      run: async () => statusOf(options, await others.states()),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/config",
      operationId: "clusterConfig",
      summary: "the cluster's public file, public.json",
      answer: { name: "Config", schema: configSchema },
      run: () => Promise.resolve(options.config),
    }),
  ];
}

/** Asked once for all who want to know at about the same time. */
class Others {
  readonly #options: NodeRoutesOptions;
  #asked: { readonly states: Promise<States>; untilMs: number } | undefined;

  constructor(options: NodeRoutesOptions) {
    this.#options = options;
  }

  async states(): Promise<States> {
    const { states, nowMs } = this.#options;
    if (this.#asked !== undefined && nowMs() <= this.#asked.untilMs) return this.#asked.states;
    const asked = { states: states(STATUS_TIMEOUT_MS) ?? Promise.resolve(new Map()), untilMs: Infinity };
    this.#asked = asked;
    try {
      return await asked.states;
    } finally {
      asked.untilMs = nowMs() + STATUS_KEPT_MS;
    }
  }
}

function statusOf({ self, config, state: ownState, isConnected }: NodeRoutesOptions, others: States): ClusterStatus {
  const own = ownState();
  const said = (party: PartyId): PartyState | string =>
    party === self ? own : (others.get(party) ?? "this replica has not asked it");
  const states = Array.from({ length: config.n }, (_, party) => partyStatus(party, said(party)));
  const furthest = Math.max(...states.map(({ round }) => round ?? 0));
  return {
    party: self,
    time: own.timeMs === 0 ? null : own.timeMs,
    parties: states.map((state) =>
      Object.assign(state, {
        services: [...state.services],
        clocks: [...state.clocks],
        accusations: [...state.accusations],
        catchUp: state.catchUp ?? null,
        roundsBehind: state.round === null ? null : furthest - state.round,
        connected: state.party === self || isConnected(state.party),
      }),
    ),
  };
}
