/** Each replica's own account of itself. */
import type { PartyId } from "../core/party-set.js";
import type { PartyState } from "../wire/client-frames.js";
import type { Network } from "./network.js";

interface StatusQuery {
  readonly states: Map<PartyId, PartyState | string>;
  finish(): void;
}

export class StatusQueries {
  readonly #network: Network;
  readonly #queries = new Set<StatusQuery>();

  constructor(network: Network) {
    this.#network = network;
  }

  onState(party: PartyId, state: PartyState): void {
    for (const query of this.#queries) {
      query.states.set(party, state);
      if (query.states.size === this.#network.group.n) query.finish();
    }
  }

  /** From those that answer within `timeoutMs`; the others' problems. */
  ask(timeoutMs: number): Promise<ReadonlyMap<PartyId, PartyState | string>> {
    const states = new Map<PartyId, PartyState | string>();
    return new Promise((resolve) => {
      const query: StatusQuery = {
        states,
        finish: () => {
          cancel();
          this.#queries.delete(query);
          if (this.#queries.size === 0) this.#network.settleStatus();
          for (const party of this.#network.group.parties) {
            if (!states.has(party)) states.set(party, this.#network.problem(party));
          }
          resolve(states);
        },
      };
      const cancel = this.#network.after(timeoutMs, () => query.finish());
      this.#queries.add(query);
      this.#network.askStatus();
    });
  }

  /** All return what they have. */
  finish(): void {
    for (const query of this.#queries) query.finish();
  }
}
