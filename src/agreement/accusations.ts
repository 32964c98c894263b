/** What a party holds against others: per party and fault, how often, and where first. */
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { LinkFault } from "./links.js";

export interface Accusation {
  readonly party: PartyId;
  readonly fault: Fault | LinkFault;
  /** The instance in which it was first seen; undefined for what was seen on the link. */
  readonly tag: Tag | undefined;
  readonly count: number;
}

export class Accusations {
  readonly #table = new Map<string, Accusation>();

  add(party: PartyId, fault: Fault | LinkFault, tag?: Tag): void {
    const key = `${party} ${fault}`;
    const { count, ...first } = this.#table.get(key) ?? { party, fault, tag, count: 0 };
    this.#table.set(key, { ...first, count: count + 1 });
  }

  list(): readonly Accusation[] {
    return [...this.#table.values()].sort((a, b) => a.party - b.party || (a.fault < b.fault ? -1 : 1));
  }
}
