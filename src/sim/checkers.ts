/**
 * What must hold in every run, checked after every step; and what must hold when nothing is in flight any more.
 */
import { equalBytes } from "../core/bytes.js";
import { decode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { Fault } from "../core/fault.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { queueEntryCodec } from "../protocols/atomic-broadcast/messages.js";
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
  /** Whether no vector that agreement may decide is without an entry of these parties. */
  readonly isInEveryVector: (parties: PartySet) => boolean;
}

interface ChannelRecord {
  /** The reference: what the first honest party delivered in each round. */
  readonly rounds: (readonly Uint8Array[])[];
  readonly delivered: Set<string>;
  /** How many rounds each honest party has delivered. */
  readonly progress: Map<PartyId, number>;
  /** Payloads that clients gave to parties, with those parties. */
  readonly submitted: Map<string, PartySet>;
  /** By round and payload: the honest parties that signed it in their entry of the round. */
  readonly signers: Map<number, Map<string, PartySet>>;
  /** Rounds that a stranger has delivered. */
  audited: number;
}

export class Checkers {
  readonly #options: CheckerOptions;
  readonly #channels: ReadonlyMap<Tag, ChannelRecord>;
  /** The last one looked at: what goes to all comes once for each of them. */
  #said: Envelope | undefined;

  constructor(options: CheckerOptions) {
    this.#options = options;
    this.#channels = new Map(
      options.channels.map((channel) => [
        channel,
        { rounds: [], delivered: new Set(), progress: new Map(), submitted: new Map(), signers: new Map(), audited: 0 },
      ]),
    );
  }

  #channel(tag: Tag): ChannelRecord {
    const channel = this.#channels.get(tag);
    if (channel === undefined) throw new RangeError(`no channel ${tag}`);
    return channel;
  }

  submitted(channel: Tag, payload: Uint8Array, to: PartyId): void {
    const { submitted } = this.#channel(channel);
    const name = nameOf(payload);
    submitted.set(name, (submitted.get(name) ?? new PartySet()).union(PartySet.of([to])));
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
      const name = nameOf(payload);
      if (!this.#options.isValid(payload))
        throw new Violation("external validity", `round ${round} has an invalid payload`);
      if (channel.delivered.has(name))
        throw new Violation("integrity", `payload ${printable(name)} delivered twice, again in round ${round}`);
      channel.delivered.add(name);
    }
    channel.rounds.push(payloads);
  }

  /** Notes what an honest party signs into its queue entry, for the bound on fairness. */
  said(party: PartyId, envelope: Envelope): void {
    if (envelope === this.#said) return;
    this.#said = envelope;
    const slash = envelope.tag.lastIndexOf("/");
    const channel = this.#channels.get(envelope.tag.slice(0, slash));
    const entry = channel === undefined ? undefined : decode(queueEntryCodec, envelope.body);
    if (channel === undefined || entry?.ok !== true) return;
    const round = Number(envelope.tag.slice(slash + 1));
    const signers = channel.signers.get(round) ?? new Map<string, PartySet>();
    channel.signers.set(round, signers);
    for (const payload of entry.value.payloads) {
      const name = nameOf(payload);
      const parties = signers.get(name) ?? new PartySet();
      signers.set(name, parties);
      parties.add(party);
    }
  }

  /** What enough honest parties sign for a round is delivered in it, if not before (docs/protocols.md, "Atomic broadcast"). */
  #checkFairness(tag: Tag, channel: ChannelRecord): void {
    const deliveredIn = new Map<string, number>();
    for (const [index, payloads] of channel.rounds.entries())
      for (const payload of payloads) deliveredIn.set(nameOf(payload), index + 1);
    for (const [round, signers] of channel.signers) {
      if (round > channel.rounds.length) continue;
      for (const [payload, all] of signers) {
        // Who was corrupted later may have signed something else besides.
        const parties = PartySet.of([...all].filter(this.#options.isHonest));
        if ((deliveredIn.get(payload) ?? Infinity) <= round || !this.#options.isInEveryVector(parties)) continue;
        throw new Violation(
          "fairness",
          `payload ${printable(payload)} of ${tag}, signed by ${String(parties)}, is not in round ${round}`,
        );
      }
    }
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

  /** Whether the parties in `honest` have delivered all that was submitted to any of them, in the same rounds. */
  isComplete(honest: readonly PartyId[]): boolean {
    return [...this.#channels.values()].every(({ submitted, delivered, rounds, progress }) => {
      const isMissing = ([payload, parties]: readonly [string, PartySet]): boolean =>
        !delivered.has(payload) && honest.some((party) => parties.has(party));
      return ![...submitted].some(isMissing) && honest.every((party) => (progress.get(party) ?? 0) === rounds.length);
    });
  }

  /** Certificate validity: what a stranger took from proofs alone. */
  audited(tag: Tag, { round, payloads }: DeliveredRound): void {
    const channel = this.#channel(tag);
    const reference = channel.rounds[round - 1];
    if (round !== ++channel.audited || reference === undefined || !areEqual(reference, payloads))
      throw new Violation("certificate validity", `the proof of round ${round} of ${tag} proves something else`);
  }

  auditEnds(): void {
    for (const [tag, channel] of this.#channels) {
      const { audited, rounds } = channel;
      channel.audited = 0;
      if (audited === rounds.length) continue;
      throw new Violation(
        "certificate validity",
        `proofs of ${audited} of ${rounds.length} rounds of ${tag} convince a stranger`,
      );
    }
  }

  /** Termination: the parties in `honest` delivered all that was submitted to any of them, and are in the same round. */
  quiescent(honest: readonly PartyId[]): void {
    for (const [tag, channel] of this.#channels) {
      this.#checkFairness(tag, channel);
      for (const [payload, parties] of channel.submitted) {
        if (!channel.delivered.has(payload) && honest.some((party) => parties.has(party)))
          throw new Violation("termination", `payload ${printable(payload)} of ${tag} was never delivered`);
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

const LATIN1 = new TextDecoder("latin1");

/** A payload as a key of maps: a character for each byte. */
function nameOf(payload: Uint8Array): string {
  return LATIN1.decode(payload);
}

/** What of it can be read: payloads begin with their name, the rest is random. */
function printable(name: string): string {
  return JSON.stringify(name.replace(/[^ -~]+/g, "·").slice(0, 40));
}
