/** What this party knows of its peers' progress: how far they are, and what they have said for the next round. */
import { type PartyId, PartySet } from "../../core/party-set.js";

export interface EarlyMessage {
  readonly path: string;
  readonly body: Uint8Array;
}

export interface PeerState {
  readonly party: PartyId;
  /** The greatest round of which the peer sent anything. */
  readonly highest: number;
  /** The least round of which a message of the peer was dropped; NEVER when none was. */
  readonly droppedFrom: number;
  /** Of the next round, in order of arrival. */
  readonly early: readonly EarlyMessage[];
}

/** No round is that late. */
export const NEVER = Number.MAX_SAFE_INTEGER;

interface Peer {
  highest: number;
  droppedFrom: number;
  early: EarlyMessage[];
  earlyBytes: number;
}

export class Peers {
  /** In the order in which they were first heard of beyond this party's round. */
  readonly #peers = new Map<PartyId, Peer>();

  constructor(states: readonly PeerState[]) {
    for (const { party, highest, droppedFrom, early } of states) {
      const earlyBytes = early.reduce((sum, message) => sum + bytesOf(message), 0);
      this.#peers.set(party, { highest, droppedFrom, early: [...early], earlyBytes });
    }
  }

  get states(): readonly PeerState[] {
    return [...this.#peers].map(([party, { highest, droppedFrom, early }]) => ({ party, highest, droppedFrom, early }));
  }

  get parties(): readonly PartyId[] {
    return [...this.#peers.keys()];
  }

  /** The greatest round such that the parties that came to it, or further, have an honest one among them; else 0. */
  seenRound(hasHonest: (parties: PartySet) => boolean): number {
    const parties = new PartySet();
    for (const [party, { highest }] of [...this.#peers].sort(([, a], [, b]) => b.highest - a.highest)) {
      parties.add(party);
      if (hasHonest(parties)) return highest;
    }
    return 0;
  }

  highest(party: PartyId): number {
    return this.#peers.get(party)?.highest ?? 0;
  }

  /** A message of `round`, later than the present one; it is kept if it is of the next one and there is room. */
  add(party: PartyId, round: number, message: EarlyMessage, keeps: { isNext: boolean; maxBytes: number }): void {
    const peer = this.#peer(party);
    peer.highest = Math.max(peer.highest, round);
    if (keeps.isNext && peer.earlyBytes + message.body.length <= keeps.maxBytes) {
      peer.early.push(message);
      peer.earlyBytes += bytesOf(message);
    } else {
      peer.droppedFrom = Math.min(peer.droppedFrom, round);
    }
  }

  #peer(party: PartyId): Peer {
    let peer = this.#peers.get(party);
    if (peer === undefined) {
      peer = { highest: 0, droppedFrom: NEVER, early: [], earlyBytes: 0 };
      this.#peers.set(party, peer);
    }
    return peer;
  }

  /** What `party` has said for the round that begins now; not kept any longer. */
  takeEarly(party: PartyId): readonly EarlyMessage[] {
    const peer = this.#peers.get(party);
    if (peer === undefined) return [];
    const { early } = peer;
    peer.early = [];
    peer.earlyBytes = 0;
    return early;
  }

  /** Whether something that `party` said up to `round` was dropped; once. */
  takeDropped(party: PartyId, round: number): boolean {
    const peer = this.#peers.get(party);
    if (peer === undefined || peer.droppedFrom > round) return false;
    peer.droppedFrom = NEVER;
    return true;
  }
}

/** Counts the bookkeeping too, so that empty bodies are not free. */
function bytesOf({ path, body }: EarlyMessage): number {
  return body.length + path.length + 64;
}
