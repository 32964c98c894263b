/**
 * Messages of instances that have not started here: kept up to a bound for each peer. What goes beyond is dropped, which is
 * remembered: it can be asked for again, since a peer keeps what it has said.
 */
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import { type Tag, isWithin } from "../core/tag.js";

/** What keeping a message costs besides its bytes. */
const OVERHEAD_BYTES = 64;

export interface Early {
  readonly from: PartyId;
  readonly envelope: Envelope;
}

/** Of one peer. */
interface Kept {
  envelopes: Envelope[];
  sizeBytes: number;
  hasDropped: boolean;
}

export class EarlyMessages {
  readonly #maxBytes: number;
  readonly #peers = new Map<PartyId, Kept>();

  /** `maxBytes` of each peer. */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  keep(from: PartyId, envelope: Envelope): void {
    const kept = this.#of(from);
    const sizeBytes = kept.sizeBytes + costBytes(envelope);
    if (sizeBytes > this.#maxBytes) {
      kept.hasDropped = true;
    } else {
      kept.envelopes.push(envelope);
      kept.sizeBytes = sizeBytes;
    }
  }

  #of(from: PartyId): Kept {
    let kept = this.#peers.get(from);
    if (kept === undefined) {
      kept = { envelopes: [], sizeBytes: 0, hasDropped: false };
      this.#peers.set(from, kept);
    }
    return kept;
  }

  heldBytes(from: PartyId): number {
    return this.#peers.get(from)?.sizeBytes ?? 0;
  }

  /** Those within `tag`, which are not kept any more; each peer's in their order. */
  take(tag: Tag): readonly Early[] {
    return [...this.#peers].flatMap(([from, kept]) => {
      const taken = kept.envelopes.filter((envelope) => isWithin(envelope.tag, tag));
      kept.envelopes = kept.envelopes.filter((envelope) => !isWithin(envelope.tag, tag));
      kept.sizeBytes -= taken.reduce((sum, envelope) => sum + costBytes(envelope), 0);
      return taken.map((envelope) => ({ from, envelope }));
    });
  }

  /** Peers of whose messages some were dropped. They will say all again, so what is kept of them is forgotten, too. */
  forgetIncomplete(): readonly PartyId[] {
    const incomplete = [...this.#peers].filter(([, { hasDropped }]) => hasDropped).map(([from]) => from);
    for (const from of incomplete) this.#peers.delete(from);
    return incomplete;
  }
}

function costBytes({ tag, body }: Envelope): number {
  return tag.length + body.length + OVERHEAD_BYTES;
}
