/** What this replica holds against others: per party and fault, how often, and where first. */
import type { PartyId } from "../core/party-set.js";

export interface Accusation {
  readonly party: PartyId;
  readonly fault: string;
  /** The instance in which it was first seen. */
  readonly tag: string;
  readonly count: number;
}

export class Accusations {
  readonly #table = new Map<string, Accusation>();

  add(party: PartyId, fault: string, tag: string): void {
    const key = `${party} ${fault}`;
    const first = this.#table.get(key) ?? { party, fault, tag, count: 0 };
    this.#table.set(key, { ...first, count: first.count + 1 });
  }

  list(): readonly Accusation[] {
    return [...this.#table.values()].sort((a, b) => a.party - b.party || (a.fault < b.fault ? -1 : 1));
  }
}
