/** A replica's state as JSON: what `abcast status` and the REST API tell. */
import type { PartyState } from "../client/index.js";
import { toHex } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";

/** One party's line; an unreachable party has nulls and the reason. */
export interface PartyStatus {
  readonly party: PartyId;
  readonly state: string;
  readonly round: number | null;
  readonly sequence: number | null;
  readonly logDigest: string | null;
  /** Of the latest certified checkpoint; 0 before the first. */
  readonly checkpointRound: number | null;
  /** Of a replica that takes from others what it missed. */
  readonly catchUp: PartyState["catchUp"] | null;
  readonly services: readonly string[];
  /** What the store takes on disk. */
  readonly storeBytes: number | null;
  /** Of each party whose clock it has seen in rounds, this one too: how far that is from the group's time, and whether that is far. */
  readonly clocks: readonly { readonly party: PartyId; readonly offsetMs: number; readonly isFar: boolean }[];
  readonly accusations: readonly {
    readonly party: PartyId;
    readonly fault: string;
    readonly tag: string;
    readonly count: number;
  }[];
  readonly reason?: string;
}

export function partyStatus(party: PartyId, state: PartyState | string): PartyStatus {
  if (typeof state === "string") {
    return {
      party,
      state: "unreachable",
      round: null,
      sequence: null,
      logDigest: null,
      checkpointRound: null,
      catchUp: null,
      services: [],
      storeBytes: null,
      clocks: [],
      accusations: [],
      reason: state,
    };
  }
  const { round, sequence, logDigest, checkpointRound, catchUp, services, logBytes, tableBytes, accusations } = state;
  return {
    party,
    state: state.state,
    round,
    sequence,
    logDigest: toHex(logDigest),
    checkpointRound,
    catchUp: catchUp ?? null,
    services,
    storeBytes: logBytes + tableBytes,
    clocks: state.clocks.map(({ party: of, aheadMs, behindMs, isFar }) => ({
      party: of,
      offsetMs: aheadMs - behindMs,
      isFar,
    })),
    accusations,
  };
}
