/**
 * Collects one item from each party until a predicate on the set of parties holds; fires once.
 * Refuses a second item of the same party, so that nothing can be counted twice.
 */
import { type PartyId, PartySet } from "./party-set.js";

export class Tally<Item> {
  readonly parties = new PartySet();
  readonly items = new Map<PartyId, Item>();
  readonly #isEnough: (set: PartySet) => boolean;
  #fired = false;

  constructor(isEnough: (set: PartySet) => boolean) {
    this.#isEnough = isEnough;
  }

  has(party: PartyId): boolean {
    return this.parties.has(party);
  }

  get complete(): boolean {
    return this.#fired;
  }

  /** True exactly once: for the item that completes the set. */
  add(party: PartyId, item: Item): boolean {
    if (!this.parties.add(party)) return false;
    this.items.set(party, item);
    if (this.#fired || !this.#isEnough(this.parties)) return false;
    this.#fired = true;
    return true;
  }
}
