/** What a client believes became of its number, and when: when enough replicas say the same. */
import { toHex } from "../core/bytes.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { OutcomeFrame } from "../wire/client-frames.js";

/** What replicas say of a number. */
export type Told = Pick<OutcomeFrame, "digest" | "sequence" | "round" | "timeMs" | "isVoid" | "reply">;

/** Equal tellings have equal keys. */
export function keyOf(
  { digest, sequence, round, timeMs, isVoid, reply }: Told,
  hash: (bytes: Uint8Array) => Uint8Array,
): string {
  const kept = reply === undefined ? "none" : toHex(hash(reply));
  return `${sequence}/${round}/${timeMs}/${String(isVoid)}/${toHex(digest)}/${kept}`;
}

export class ReplyCollector {
  readonly #suffices: (parties: PartySet) => boolean;
  readonly #hash: (bytes: Uint8Array) => Uint8Array;
  readonly #candidates = new Map<string, { readonly told: Told; readonly parties: PartySet }>();
  /** Each party speaks for one outcome only. */
  readonly #spoken = new Map<PartyId, Told>();
  #agreed: Told | undefined;

  /** `suffices`: whether equal answers of these parties are to be believed. */
  constructor(suffices: (parties: PartySet) => boolean, hash: (bytes: Uint8Array) => Uint8Array) {
    this.#suffices = suffices;
    this.#hash = hash;
  }

  /** A party's answer; what is agreed when it completes it. Only a party's first answer counts. */
  add(party: PartyId, told: Told): Told | undefined {
    if (this.#spoken.has(party)) return undefined;
    this.#spoken.set(party, told);
    const key = keyOf(told, this.#hash);
    const candidate = this.#candidates.get(key) ?? { told, parties: new PartySet() };
    this.#candidates.set(key, candidate);
    candidate.parties.add(party);
    if (!this.#suffices(candidate.parties)) return undefined;
    return (this.#agreed ??= candidate.told);
  }

  /** Who said something else than what was agreed. That a reply is kept no more depends on when a replica is asked, and is no lie. */
  get faulty(): readonly PartyId[] {
    const agreed = this.#agreed;
    if (agreed === undefined) return [];
    const isOther = (told: Told): boolean =>
      keyOf({ ...told, reply: undefined }, this.#hash) !== keyOf({ ...agreed, reply: undefined }, this.#hash) ||
      (told.reply !== undefined && agreed.reply !== undefined && keyOf(told, this.#hash) !== keyOf(agreed, this.#hash));
    return [...this.#spoken]
      .filter(([, told]) => isOther(told))
      .map(([party]) => party)
      .sort((a, b) => a - b);
  }
}
