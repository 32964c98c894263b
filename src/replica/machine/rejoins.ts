/**
 * Which replicas have lost their stores, and since which round they may speak again. Of each party only the last nonce is kept,
 * and only a greater one opens: so nobody can order an earlier rejoin of a party again, however many there were. That is why a nonce
 * begins with the time (`rejoinNonce`).
 */
import { concat, fromHex } from "../../core/bytes.js";
import { encode, u64 } from "../../core/codec.js";
import type { PartyId } from "../../core/party-set.js";
import { InvariantError } from "../../core/protocol.js";
import { REJOIN_NONCE_BYTES } from "../../wire/payload.js";
import type { RejoinRecord } from "./client-codec.js";
import { SnapshotError } from "./snapshot-error.js";
import type { Rejoined } from "./types.js";

export const REJOIN_RANDOM_BYTES = REJOIN_NONCE_BYTES - 8;

/** A nonce for a rejoin now; it must be greater, byte for byte, than those of the party's earlier ones. */
export function rejoinNonce(nowMs: number, random: Uint8Array): Uint8Array {
  if (random.length !== REJOIN_RANDOM_BYTES) throw new RangeError(`${random.length} random bytes`);
  return concat(encode(u64, nowMs), random);
}

export class Rejoins {
  readonly #last = new Map<PartyId, RejoinRecord>();

  /** @throws SnapshotError when the records are out of order */
  constructor(records: readonly RejoinRecord[]) {
    let previous = -1;
    for (const record of records) {
      if (record.party <= previous) throw new SnapshotError(`rejoin of party ${record.party} is out of order`);
      previous = record.party;
      this.#last.set(record.party, record);
    }
  }

  isOpen(party: PartyId, nonce: string): boolean {
    const last = this.#last.get(party);
    return last === undefined || nonce > last.nonce;
  }

  /** @throws InvariantError when it is not open */
  take(record: RejoinRecord): void {
    const { party, nonce } = record;
    if (!this.isOpen(party, nonce)) throw new InvariantError(`rejoin of party ${party} was delivered and is not open`);
    this.#last.set(party, record);
  }

  of(party: PartyId): Rejoined | undefined {
    const last = this.#last.get(party);
    const nonce = last === undefined ? undefined : fromHex(last.nonce);
    return last === undefined || nonce === undefined ? undefined : { nonce, round: last.round };
  }

  /** Ascending by party. */
  records(): RejoinRecord[] {
    return [...this.#last.values()].sort((a, b) => a.party - b.party);
  }
}
