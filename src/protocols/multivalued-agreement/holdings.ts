/**
 * Between two passes: each party sends all closings that it holds, waits for a quorum of such messages, and then holds what all
 * of these hold. Step (iv) of docs/protocols.md.
 *
 * A closing goes in a message of its own, since all of them in one could be too large; the set that is said after them
 * counts as soon as this party holds everything in it, from whomever.
 */
import type { PartyId, PartySet } from "../../core/party-set.js";
import { Tally } from "../../core/tally.js";
import type { Candidates } from "./candidates.js";
import { isCommit } from "./commit.js";
import type { AgreementScope } from "./messages.js";

export interface HoldingsOptions {
  /** The pass that is over. */
  readonly number: number;
  readonly candidates: Candidates;
  /** What a quorum holds is held here. */
  onMerged(): void;
}

export class Holdings {
  readonly #scope: AgreementScope;
  readonly #options: HoldingsOptions;
  readonly #received = new Map<PartyId, PartySet>();
  readonly #merged: Tally<PartySet>;
  #hasBegun = false;

  constructor(scope: AgreementScope, options: HoldingsOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#merged = new Tally((set) => scope.group.isQuorum(set));
  }

  /** The pass has rejected all candidates here. */
  begin(): void {
    this.#hasBegun = true;
    const { candidates, number } = this.#options;
    for (const candidate of candidates.held) {
      const closing = candidates.closingOf(candidate);
      if (closing !== undefined) this.#scope.broadcast({ kind: "closing", candidate, closing });
    }
    this.#scope.broadcast({ kind: "holds", pass: number, parties: candidates.held });
    this.count();
  }

  receive(from: PartyId, parties: PartySet): void {
    const first = this.#received.get(from);
    if (first !== undefined) {
      if (!first.equals(parties)) this.#scope.accuse(from, "equivocation");
      return;
    }
    if (!isCommit(this.#scope.group, parties)) return this.#scope.accuse(from, "invalid-commit");
    this.#received.set(from, parties);
    this.count();
  }

  /** Whatever has become held since may have made more sets count. */
  count(): void {
    if (!this.#hasBegun) return;
    for (const [party, parties] of this.#received) {
      if (this.#merged.has(party) || !parties.isSubsetOf(this.#options.candidates.held)) continue;
      if (this.#merged.add(party, parties)) return this.#options.onMerged();
    }
  }
}
