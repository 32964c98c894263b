/**
 * What must hold in every run, checked after every step; and what must hold when nothing is in flight any more.
 */
import { equalBytes, toHex } from "../core/bytes.js";
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import type { DeliveredRound } from "../protocols/index.js";

/** A property of the protocol that a run broke. */
export class Violation extends Error {
  override readonly name = "Violation";
  readonly property: string;

  constructor(property: string, details: string) {
    super(`${property}: ${details}`);
    this.property = property;
  }
}

export interface CheckerOptions {
  readonly channels: readonly Tag[];
  readonly isHonest: (party: PartyId) => boolean;
  readonly isValid: (payload: Uint8Array) => boolean;
}

interface ChannelRecord {
  /** The reference: what the first honest party delivered in each round. */
  readonly rounds: (readonly Uint8Array[])[];
  readonly delivered: Set<string>;
  /** How many rounds each honest party has delivered. */
  readonly progress: Map<PartyId, number>;
  /** Payloads given to honest parties by their clients. */
  readonly submitted: Set<string>;
}

export class Checkers {
  readonly #options: CheckerOptions;
  readonly #channels: ReadonlyMap<Tag, ChannelRecord>;

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#channels = new Map(
      options.channels.map((channel) => [
        channel,
        { rounds: [], delivered: new Set(), progress: new Map(), submitted: new Set() },
      ]),
    );
  }

  #channel(tag: Tag): ChannelRecord {
    const channel = this.#channels.get(tag);
    if (channel === undefined) throw new RangeError(`no channel ${tag}`);
    return channel;
  }

  submitted(channel: Tag, payload: Uint8Array): void {
    this.#channel(channel).submitted.add(toHex(payload));
  }

  /** Agreement, total order, integrity, external validity. */
  delivered(party: PartyId, tag: Tag, { round, payloads }: DeliveredRound): void {
    if (!this.#options.isHonest(party)) return;
    const channel = this.#channel(tag);
    const expected = (channel.progress.get(party) ?? 0) + 1;
    if (round !== expected)
      throw new Violation("total order", `party ${party} delivered round ${round} of ${tag} after ${expected - 1}`);
    channel.progress.set(party, round);
    const reference = channel.rounds[round - 1];
    if (reference === undefined) this.#firstDelivery(channel, round, payloads);
    else if (!areEqual(reference, payloads))
      throw new Violation("agreement", `party ${party} delivered another round ${round} of ${tag}`);
  }

  #firstDelivery(channel: ChannelRecord, round: number, payloads: readonly Uint8Array[]): void {
    if (payloads.length === 0) throw new Violation("external validity", `round ${round} is empty`);
    for (const payload of payloads) {
      const name = toHex(payload);
      if (!this.#options.isValid(payload))
        throw new Violation("external validity", `round ${round} has an invalid payload`);
      if (channel.delivered.has(name))
        throw new Violation("integrity", `payload ${name} delivered twice, again in round ${round}`);
      channel.delivered.add(name);
    }
    channel.rounds.push(payloads);
  }

  accused(by: PartyId, party: PartyId, tag: Tag, fault: Fault): void {
    if (this.#options.isHonest(by) && this.#options.isHonest(party)) {
      throw new Violation("no honest party accused", `party ${by} accused ${party} of ${fault} in ${tag}`);
    }
  }

  /** The party lost its volatile state and delivers again from its log. */
  restarted(party: PartyId): void {
    for (const channel of this.#channels.values()) channel.progress.delete(party);
  }

  /** Termination: all honest parties delivered everything submitted, and are in the same round. */
  quiescent(honest: readonly PartyId[]): void {
    for (const [tag, channel] of this.#channels) {
      for (const payload of channel.submitted) {
        if (!channel.delivered.has(payload))
          throw new Violation("termination", `payload ${payload} of ${tag} was never delivered`);
      }
      for (const party of honest) {
        const rounds = channel.progress.get(party) ?? 0;
        if (rounds !== channel.rounds.length) {
          throw new Violation(
            "termination",
            `party ${party} delivered ${rounds} of ${channel.rounds.length} rounds of ${tag}`,
          );
        }
      }
    }
  }

  get rounds(): number {
    return [...this.#channels.values()].reduce((sum, channel) => sum + channel.rounds.length, 0);
  }

  get payloads(): number {
    return [...this.#channels.values()].reduce((sum, channel) => sum + channel.delivered.size, 0);
  }
}

function areEqual(a: readonly Uint8Array[], b: readonly Uint8Array[]): boolean {
  return a.length === b.length && a.every((payload, index) => equalBytes(payload, b[index] ?? new Uint8Array(0)));
}
