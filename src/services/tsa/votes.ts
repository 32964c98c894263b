/** The parties' votes for new certificates: in force is what a set of parties with an honest one has voted for. One vote a party: its last. */
import { equalBytes } from "../../core/bytes.js";
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";

export class Votes {
  readonly #group: Pick<Group, "hasHonest">;
  /** By party, the digest of what it voted for. */
  readonly #votes = new Map<PartyId, Uint8Array>();

  constructor(group: Pick<Group, "hasHonest">) {
    this.#group = group;
  }

  /** How many parties have voted for the same, and whether they suffice. */
  add(party: PartyId, digest: Uint8Array): { readonly votes: number; readonly suffice: boolean } {
    this.#votes.set(party, digest);
    const same = [...this.#votes].filter(([, other]) => equalBytes(other, digest)).map(([voter]) => voter);
    return { votes: same.length, suffice: this.#group.hasHonest(PartySet.of(same)) };
  }

  clear(): void {
    this.#votes.clear();
  }

  /** In the order of the parties. */
  all(): { readonly party: PartyId; readonly digest: Uint8Array }[] {
    return [...this.#votes].map(([party, digest]) => ({ party, digest })).sort((a, b) => a.party - b.party);
  }
}
