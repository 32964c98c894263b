/**
 * Which requests for proofs of decided rounds are under way to which peer. A peer answers a request with the proofs that it has, at
 * most PROOFS_PER_REQUEST, in order. A peer that starts anew knows of no request, so the memory of them ends there.
 */
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { PROOFS_PER_REQUEST } from "../protocols/index.js";

export class ProofRequests {
  /** Per peer and channel: proofs of rounds below this one are on the way. */
  readonly #awaited = new Map<PartyId, Map<Tag, number>>();

  /**
   * Whether to send a request for `round` on to `peer`, which is known to have decided all rounds below `decidedBelow`.
   * Notes it as sent.
   */
  start(peer: PartyId, channel: Tag, round: number, decidedBelow: number): boolean {
    const awaited = this.#awaited.get(peer) ?? new Map<Tag, number>();
    this.#awaited.set(peer, awaited);
    if (round < (awaited.get(channel) ?? 0)) return false;
    awaited.set(channel, Math.min(round + PROOFS_PER_REQUEST, decidedBelow));
    return true;
  }

  /** `peer` has started anew. */
  forget(peer: PartyId): void {
    this.#awaited.delete(peer);
  }
}
