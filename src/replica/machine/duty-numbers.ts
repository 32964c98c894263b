/**
 * Which duties of each party were executed. Only the number after the last one is open: so of a party one payload at most is
 * ordered in a round, whatever it signs, and what was executed never is again.
 */
import type { PartyId } from "../../core/party-set.js";
import { InvariantError } from "../../core/protocol.js";
import type { DutyRecord } from "./client-codec.js";
import { SnapshotError } from "./snapshot-error.js";

export class DutyNumbers {
  readonly #last = new Map<PartyId, number>();

  /** @throws SnapshotError when the records are out of order */
  constructor(records: readonly DutyRecord[] = []) {
    let previous = -1;
    for (const { party, number } of records) {
      if (party <= previous || number < 1) throw new SnapshotError(`the duties of party ${party} are out of order`);
      previous = party;
      this.#last.set(party, number);
    }
  }

  /** The one that is open. */
  next(party: PartyId): number {
    return (this.#last.get(party) ?? 0) + 1;
  }

  /** @throws InvariantError when it is not open */
  take({ party, number }: DutyRecord): void {
    if (number !== this.next(party))
      throw new InvariantError(`duty ${number} of party ${party} was delivered and is not open`);
    this.#last.set(party, number);
  }

  /** Ascending by party. */
  records(): DutyRecord[] {
    return [...this.#last].map(([party, number]) => ({ party, number })).sort((a, b) => a.party - b.party);
  }
}
