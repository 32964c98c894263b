/** The payloads that clients have for parties, and which of them they have handed over. */
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";

/** A payload that a client hands to a party. */
export interface Submission {
  readonly channel: Tag;
  readonly to: PartyId;
  readonly payload: Uint8Array;
}

export class Submissions {
  readonly #list: readonly Submission[];
  readonly #waiting: Set<number>;

  constructor(list: readonly Submission[]) {
    this.#list = list;
    this.#waiting = new Set(list.keys());
  }

  /** Those that were not handed over, by index. */
  get waiting(): ReadonlySet<number> {
    return this.#waiting;
  }

  at(index: number): Submission | undefined {
    return this.#list[index];
  }

  /** It is handed over now. */
  remove(index: number): void {
    this.#waiting.delete(index);
  }
}
