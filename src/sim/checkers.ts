/**
 * What must hold in every run, checked after every step; and what must hold when nothing is in flight any more.
 */
import { equalBytes } from "../core/bytes.js";
import { decode } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import type { Evidence } from "../core/evidence.js";
import type { Fault } from "../core/fault.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import { cutCodec, cutEntryCodec } from "../protocols/atomic-broadcast/certified/messages.js";
import { queueEntryCodec } from "../protocols/atomic-broadcast/messages.js";
import { type DeliveredRound, type DisseminationMode, type EvidenceCheck, verifyEvidence } from "../protocols/index.js";

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
  readonly dissemination?: DisseminationMode | undefined;
  /** Rounds from one checkpoint to the next; 0 or undefined: there are none. */
  readonly checkpointInterval?: number | undefined;
}

interface ChannelRecord {
  /** The reference: what the first honest party delivered in each round. */
  readonly rounds: (readonly Uint8Array[])[];
  readonly delivered: Set<string>;
  /** How many rounds each honest party has delivered. */
  readonly progress: Map<PartyId, number>;
  /** Payloads that clients gave to parties, with those parties. */
  readonly submitted: Map<string, PartySet>;
  /** Of each round, in `certified`: how far lanes are ordered. */
  readonly cuts: (Uint8Array | undefined)[];
  /** By round: the heights in the entries of honest parties. */
  readonly heights: Map<number, Map<PartyId, readonly number[]>>;
  /** By round and payload: the honest parties that signed it in their entry of the round. */
  readonly signers: Map<number, Map<string, PartySet>>;
  /** Of each round: the least and the greatest clock reading in honest parties' entries. */
  readonly clocks: Map<number, { least: number; greatest: number }>;
  /** Of each round. */
  readonly times: (number | undefined)[];
  /** By round: what was certified, and for whom. */
  readonly stable: Map<number, { readonly digest: Uint8Array; readonly parties: PartySet }>;
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
        {
          rounds: [],
          delivered: new Set(),
          progress: new Map(),
          submitted: new Map(),
          signers: new Map(),
          clocks: new Map(),
          times: [],
          cuts: [],
          heights: new Map(),
          stable: new Map(),
          audited: 0,
        },
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

  /** Agreement, total order, integrity, external validity, round time. */
  delivered(party: PartyId, tag: Tag, { round, payloads, timeMs, cut }: DeliveredRound): void {
    if (!this.#options.isHonest(party)) return;
    const channel = this.#channel(tag);
    const expected = (channel.progress.get(party) ?? 0) + 1;
    if (round !== expected)
      throw new Violation("total order", `party ${party} delivered round ${round} of ${tag} after ${expected - 1}`);
    channel.progress.set(party, round);
    const reference = channel.rounds[round - 1];
    if (reference === undefined) {
      this.#firstDelivery(channel, round, payloads);
      this.#checkTime(channel, round, timeMs);
      channel.times.push(timeMs);
      channel.cuts.push(cut);
    } else if (
      !areEqual(reference, payloads) ||
      channel.times[round - 1] !== timeMs ||
      !areEqual([channel.cuts[round - 1] ?? new Uint8Array(0)], [cut ?? new Uint8Array(0)])
    )
      throw new Violation("agreement", `party ${party} delivered another round ${round} of ${tag}`);
  }

  #firstDelivery(channel: ChannelRecord, round: number, payloads: readonly Uint8Array[]): void {
    if (payloads.length === 0 && this.#options.dissemination !== "certified")
      throw new Violation("external validity", `round ${round} is empty`);
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

  /** Between the clocks of two honest parties, unless it only repeats the time of the round before. */
  #checkTime(channel: ChannelRecord, round: number, timeMs: number | undefined): void {
    if (timeMs === undefined) return;
    const { least, greatest } = channel.clocks.get(round) ?? { least: Infinity, greatest: -Infinity };
    const before = channel.times.at(-1) ?? 0;
    if (timeMs >= before && timeMs >= least && timeMs <= Math.max(before, greatest)) return;
    throw new Violation("round time", `round ${round} has time ${timeMs}, not within ${least} to ${greatest}`);
  }

  /** Checkpoint agreement. @param digest undefined when the certificate does not verify */
  stable(party: PartyId, of: { channel: Tag; round: number }, digest: Uint8Array | undefined): void {
    if (!this.#options.isHonest(party)) return;
    const { channel: tag, round } = of;
    const { stable } = this.#channel(tag);
    const earlier = stable.get(round) ?? { digest: digest ?? new Uint8Array(0), parties: new PartySet() };
    stable.set(round, earlier);
    earlier.parties.add(party);
    if (digest === undefined || !equalBytes(earlier.digest, digest))
      throw new Violation("checkpoint agreement", `party ${party} has another checkpoint of round ${round} of ${tag}`);
  }

  /** Who has delivered the last round with a checkpoint has a certificate of it. */
  #checkStable(tag: Tag, { rounds, stable }: ChannelRecord, honest: readonly PartyId[]): void {
    const interval = this.#options.checkpointInterval ?? 0;
    const last = interval === 0 ? 0 : rounds.length - (rounds.length % interval);
    for (const party of honest) {
      if (last === 0 || stable.get(last)?.parties.has(party) === true) continue;
      throw new Violation("termination", `party ${party} has no certificate of round ${last} of ${tag}`);
    }
  }

  /** Notes what an honest party signs into its queue entry, for the bound on fairness. */
  said(party: PartyId, envelope: Envelope): void {
    if (envelope === this.#said) return;
    this.#said = envelope;
    const slash = envelope.tag.lastIndexOf("/");
    const channel = this.#channels.get(envelope.tag.slice(0, slash));
    const round = Number(envelope.tag.slice(slash + 1));
    if (channel === undefined || !Number.isInteger(round)) return;
    if (this.#options.dissemination === "certified") this.#saidHeights(channel, party, round, envelope.body);
    else this.#saidPayloads(channel, party, round, envelope.body);
  }

  #saidHeights(channel: ChannelRecord, party: PartyId, round: number, body: Uint8Array): void {
    const entry = decode(cutEntryCodec, body);
    if (!entry.ok) return;
    this.#saidClock(channel, round, entry.value.clock);
    const heights = channel.heights.get(round) ?? new Map<PartyId, readonly number[]>();
    channel.heights.set(round, heights.set(party, entry.value.heights));
  }

  #saidClock(channel: ChannelRecord, round: number, clock: number): void {
    const { least, greatest } = channel.clocks.get(round) ?? { least: clock, greatest: clock };
    channel.clocks.set(round, { least: Math.min(least, clock), greatest: Math.max(greatest, clock) });
  }

  #saidPayloads(channel: ChannelRecord, party: PartyId, round: number, body: Uint8Array): void {
    const entry = decode(queueEntryCodec, body);
    if (!entry.ok) return;
    this.#saidClock(channel, round, entry.value.clock);
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

  /** As far as enough honest parties say that a lane is certified when they sign for a round, it is ordered in it. */
  #checkHeights(tag: Tag, { heights, cuts }: ChannelRecord): void {
    for (const [round, all] of heights) {
      const cut = decode(cutCodec, cuts[round - 1] ?? new Uint8Array(0));
      if (!cut.ok) continue;
      const honest = [...all].filter(([party]) => this.#options.isHonest(party));
      for (const [lane, { height }] of cut.value.entries()) {
        const further = PartySet.of(honest.flatMap(([party, of]) => ((of[lane] ?? 0) > height ? [party] : [])));
        if (!this.#options.isInEveryVector(further)) continue;
        const who = `lane ${lane} of ${tag}, certified further by ${String(further)}`;
        throw new Violation("fairness", `${who}, is ordered up to ${height} in round ${round}`);
      }
    }
  }

  accused(by: PartyId, party: PartyId, tag: Tag, fault: Fault): void {
    if (this.#options.isHonest(by) && this.#options.isHonest(party)) {
      throw new Violation("no honest party accused", `party ${by} accused ${party} of ${fault} in ${tag}`);
    }
  }

  /** Evidence convinces whoever knows the keys, and convicts nobody who is honest. */
  proved(by: PartyId, evidence: Evidence, check: EvidenceCheck): void {
    const { party, purpose, tag } = evidence;
    const verdict = verifyEvidence(evidence, check);
    if (verdict.valid && this.#options.isHonest(party))
      throw new Violation("no honest party proved guilty", `party ${party} signed a second ${purpose} in ${tag}`);
    if (!verdict.valid && this.#options.isHonest(by))
      throw new Violation("evidence convinces", `party ${by} proves nothing against ${party}: ${verdict.reason}`);
  }

  /** The party lost its volatile state and delivers again from its log. */
  restarted(party: PartyId, startsAfter: (channel: Tag) => number = () => 0): void {
    for (const [tag, channel] of this.#channels) channel.progress.set(party, startsAfter(tag));
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
      this.#checkHeights(tag, channel);
      this.#checkStable(tag, channel, honest);
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
