/**
 * What a simulated party keeps of one channel: where it starts from, the inputs since then, and what its host has made of the rounds
 * that it delivered. The log is cut behind a boundary once the next round is decided (docs/protocols.md, "Boundaries").
 */
import { concat } from "../core/bytes.js";
import type { Effect, Input } from "../core/engine.js";
import type { Tag } from "../core/tag.js";
import type { DeliveredRound } from "../protocols/index.js";

interface Base {
  readonly round: number;
  /** Undefined before the first cut. */
  readonly state: Uint8Array | undefined;
  /** Of all that was delivered up to the round. */
  readonly digest: Uint8Array;
}

interface Boundary extends Base {
  /** Inputs up to it. */
  readonly taken: number;
}

const NOTHING: Base = { round: 0, state: undefined, digest: new Uint8Array(32) };

export class ChannelLog {
  readonly #channel: Tag;
  readonly #hash: (bytes: Uint8Array) => Uint8Array;
  #base: Base = NOTHING;
  #inputs: Input[] = [];
  /** Volatile, as is all below: inputs that the engine has taken. */
  #taken = 0;
  #digest = NOTHING.digest;
  /** The last boundary, and the last behind which the log may be cut. */
  #boundary: Boundary | undefined;
  #cut: Boundary | undefined;
  /** A digest that the engine has not been told. */
  #owed: { readonly round: number; readonly digest: Uint8Array } | undefined;

  constructor(channel: Tag, hash: (bytes: Uint8Array) => Uint8Array) {
    this.#channel = channel;
    this.#hash = hash;
  }

  get base(): Base {
    return this.#base;
  }

  /** Everything volatile is gone. */
  restart(): void {
    this.#taken = 0;
    this.#digest = this.#base.digest;
    this.#boundary = this.#cut = undefined;
    this.#owed = this.#base.state === undefined ? undefined : this.#base;
  }

  append(input: Input): void {
    this.#inputs.push(input);
  }

  /** The inputs that the engine has not taken; each counts as taken when the next one is asked for. */
  *untaken(): Generator<Input> {
    for (const input of this.#inputs.slice(this.#taken)) {
      this.#taken++;
      if (input.kind === "checkpoint" && input.round === this.#owed?.round) this.#owed = undefined;
      yield input;
    }
  }

  record(effect: Effect<DeliveredRound>): void {
    if (effect.kind === "output" && effect.channel === this.#channel) {
      this.#digest = this.#hash(concat(this.#digest, ...effect.value.payloads));
      if (this.#boundary !== undefined) this.#cut = this.#boundary;
    } else if (effect.kind === "boundary" && effect.channel === this.#channel) {
      const { round, state } = effect;
      this.#boundary = { round, state, digest: this.#digest, taken: this.#taken };
      this.#owed = this.#boundary;
    }
  }

  /** Drops what is behind the last boundary but the current round's. True when there was something. */
  cut(): boolean {
    const cut = this.#cut;
    if (cut === undefined) return false;
    this.#base = { round: cut.round, state: cut.state, digest: cut.digest };
    this.#inputs = this.#inputs.slice(cut.taken);
    this.#taken -= cut.taken;
    this.#cut = undefined;
    const boundary = this.#boundary;
    if (boundary?.round === cut.round) this.#boundary = undefined;
    else if (boundary !== undefined) this.#boundary = { ...boundary, taken: boundary.taken - cut.taken };
    return true;
  }

  /** What the host has to tell the engine. */
  get owed(): Input | undefined {
    if (this.#owed === undefined) return undefined;
    const { round, digest } = this.#owed;
    return { kind: "checkpoint", channel: this.#channel, round, digest };
  }
}
