/** The corrupted parties of a run, and what they say. */
import type { Envelope } from "../core/envelope.js";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import type { DisseminationMode } from "../protocols/index.js";
import { type Attack, type Corruption, CorruptedParty } from "./byzantine.js";
import type { LaneAttack } from "./byzantine-lanes.js";
import { Random } from "./random.js";

/** Payloads that corrupted parties have up their sleeves; without an end to them there would be none to rounds. */
const INVENTED = 8;

/**
 * The suite of a party that may be corrupted. While it is, it knows of nothing that it signs besides what its engine says: an engine
 * that was shown such a thing would find that it had lost its store, and stop.
 */
export function forgetfulSuite(suite: Suite, self: PartyId, isCorrupted: () => boolean): Suite {
  return {
    ...suite,
    verify: (party, statement, signature) =>
      !(party === self && isCorrupted()) && suite.verify(party, statement, signature),
  };
}

export interface LiarsOptions {
  readonly seed: number;
  readonly cluster: Uint8Array;
  readonly group: Group;
  /** By party. */
  readonly suites: readonly Suite[];
  readonly corruption: Corruption;
  readonly dissemination: DisseminationMode;
  /** A payload, valid, that nobody asked for. */
  readonly inventPayload: (index: number) => Uint8Array;
  readonly onAttack: (party: PartyId, attack: Attack | LaneAttack) => void;
}

export class Liars {
  readonly #options: LiarsOptions;
  readonly #parties = new Map<PartyId, CorruptedParty>();
  readonly #random: Random;

  constructor(options: LiarsOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  has(party: PartyId): boolean {
    return this.#parties.has(party);
  }

  /** From now on the party lies. False when it does already. */
  add(party: PartyId): boolean {
    if (this.#parties.has(party)) return false;
    const { cluster, group, suites, corruption, inventPayload, onAttack, dissemination } = this.#options;
    const suite = suites[party];
    if (suite === undefined) throw new RangeError(`no suite for party ${party}`);
    const liar = new CorruptedParty({
      self: party,
      cluster,
      group,
      suite,
      random: this.#random,
      corruption,
      dissemination,
      inventPayload: () => inventPayload(this.#random.below(INVENTED)),
      onAttack: (attack) => onAttack(party, attack),
    });
    this.#parties.set(party, liar);
    return true;
  }

  /** What `from` gives `to` as a batch that it was asked for, if anything. */
  serve(from: PartyId, to: PartyId, number: number, bytes: Uint8Array): Uint8Array | undefined {
    const liar = this.#parties.get(from);
    if (liar === undefined) return bytes;
    this.#reseed(from, to, number);
    return liar.serve(bytes);
  }

  #reseed(from: PartyId, to: PartyId, number: number): void {
    const { seed, group } = this.#options;
    const link = Math.imul(from * group.n + to + 1, 0x9e3779b1);
    this.#random.reseed(seed ^ link ^ Math.imul(number, 0x85ebca77));
  }

  /**
   * What `from` says to `to` in place of `envelope`, which would be message `number` on the link. Which lie it is depends on nothing
   * else; what it repeats is what it has said before.
   */
  tamper(from: PartyId, to: PartyId, number: number, envelope: Envelope): readonly Envelope[] {
    const liar = this.#parties.get(from);
    if (liar === undefined) return [envelope];
    this.#reseed(from, to, number);
    return liar.tamper(to, envelope);
  }
}
