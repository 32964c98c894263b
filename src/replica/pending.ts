import type { Input } from "../core/engine.js";
import type { PartyId } from "../core/party-set.js";
import { lineOf } from "../wire/peer-frames.js";
import type { PeerInput } from "./incoming-link.js";
import type { Queued } from "./input-queue.js";

/** What waits: an input of this replica, or what a peer's link brought. */
export type Pending =
  | ({ readonly kind: "own"; readonly from: undefined; readonly input: Input } & Queued)
  /** Nothing: a round may be due. */
  | ({ readonly kind: "turn"; readonly from: undefined } & Queued)
  | ({ readonly kind: "peer"; readonly from: PartyId; readonly input: PeerInput } & Queued);

export const TURN: Pending = { kind: "turn", from: undefined, line: "own", sizeBytes: 0 };

export function ownPending(input: Input, sizeBytes: number): Pending {
  return { kind: "own", from: undefined, line: "own", input, sizeBytes };
}

export function peerPending(from: PartyId, input: PeerInput): Pending {
  const line = input.kind === "relay" ? "relay" : lineOf(input.item);
  return { kind: "peer", from, line, input, sizeBytes: input.bytes.length };
}
