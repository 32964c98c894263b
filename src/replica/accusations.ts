/** What this replica holds against others: per party and fault, how often, and where first. */
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { CourierFault } from "../relay/courier.js";
import type { TransferFault } from "./transfer.js";

/** What a peer can do wrong on a link, besides the faults of the protocols. */
export type LinkFault =
  /** Bytes that are no frame. */
  | "malformed-frame"
  /** A frame that has no place here, such as anything before the greeting. */
  | "unexpected-frame"
  | "wrong-version"
  | "wrong-cluster"
  | CourierFault
  | TransferFault
  /** More messages in one round than an honest party ever has. */
  | "flood";

export interface Accusation {
  readonly party: PartyId;
  readonly fault: Fault | LinkFault;
  /** The instance in which it was first seen. */
  readonly tag: string;
  readonly count: number;
}

export class Accusations {
  readonly #table = new Map<string, Accusation>();

  add(party: PartyId, fault: Fault | LinkFault, tag: string): void {
    const key = `${party} ${fault}`;
    const first = this.#table.get(key) ?? { party, fault, tag, count: 0 };
    this.#table.set(key, { ...first, count: first.count + 1 });
  }

  list(): readonly Accusation[] {
    return [...this.#table.values()].sort((a, b) => a.party - b.party || (a.fault < b.fault ? -1 : 1));
  }
}
