/** A replica that lost its store has its peers order that it is here again, and does the same for them. */
import type { PartyId } from "../core/party-set.js";
import { decodePayload } from "../wire/payload.js";

/** Ticks between two pleas: a peer may not have taken the last one. */
const PLEA_TICKS = 8;

export interface PleasOptions {
  /** This replica's encoded `rejoin`, while it must be silent for want of it. */
  own(): Uint8Array | undefined;
  /** Asks all peers to have it ordered. */
  say(plea: Uint8Array): void;
  /** The last decided one. */
  round(): number;
  /** Whether it is signed by its party. */
  isValid(plea: Uint8Array): boolean;
  /** Hands a payload to atomic broadcast, whose admission judges it. False when there is no room for it. */
  submit(payload: Uint8Array): boolean;
}

export class Pleas {
  readonly #options: PleasOptions;
  /** The round after which each peer was last heard: once between two decisions is enough for who means it. */
  readonly #heard = new Map<PartyId, number>();
  #ticks = 0;

  constructor(options: PleasOptions) {
    this.#options = options;
  }

  /** Some time has passed. */
  tick(): void {
    if (this.#ticks++ % PLEA_TICKS !== 0) return;
    const plea = this.#options.own();
    if (plea !== undefined) this.#options.say(plea);
  }

  /** `from` pleads. False when that is no plea of its own, or it has not signed it. */
  hear(from: PartyId, encoded: Uint8Array): boolean {
    const payload = decodePayload(encoded);
    if (!payload.ok || payload.value.kind !== "rejoin" || payload.value.party !== from) return false;
    const round = this.#options.round();
    if (this.#heard.get(from) === round) return true;
    // Otherwise the true plea of a peer that has been repaired would have to wait for the next round.
    if (!this.#options.isValid(encoded)) return false;
    if (this.#options.submit(encoded.slice())) this.#heard.set(from, round);
    return true;
  }
}
