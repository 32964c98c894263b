/**
 * A corrupted party: it runs the production engine and, with the party's real keys, says something else than the engine
 * does. It equivocates, votes twice, forges votes and decisions, lies in commits, sends bad shares, garbage, replays and messages of instances that
 * do not exist, or says nothing. The simulator and the demo's Byzantine replica use the same attacks.
 */
import { utf8 } from "../core/bytes.js";
import { type Codec, decode, encode } from "../core/codec.js";
import { statement } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { Group } from "../core/group.js";
import { type PartyId, PartySet, partySetCodec } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import {
  type EntryContent,
  QUEUE,
  type QueueEntry,
  entryBody,
  queueEntryCodec,
  queueVectorCodec,
} from "../protocols/atomic-broadcast/messages.js";
import { MAIN_VOTE, PRE_VOTE, messageCodec as binaryCodec, voteBody } from "../protocols/binary-agreement/messages.js";
import { consistentBroadcastMessageCodec } from "../protocols/consistent-broadcast/index.js";
import { multivaluedAgreementMessageCodec } from "../protocols/multivalued-agreement/index.js";
import type { DisseminationMode } from "../protocols/index.js";
import { LANE_ATTACKS, type LaneAttack, LaneLiar } from "./byzantine-lanes.js";
import type { Random } from "./random.js";

/** The attacks, by what they do. */
export const ATTACKS = [
  "equivocate-queue",
  "equivocate-proposal",
  "invalid-queue",
  "invalid-proposal",
  "double-vote",
  "forge-later-votes",
  "forge-certificate",
  "lie-in-commit",
  "bad-share",
  "garbage",
  "replay",
  "withhold",
] as const;
export type Attack = (typeof ATTACKS)[number];

export interface Corruption {
  /** The probability with which a message that an attack fits is attacked. */
  readonly rate: number;
  readonly attacks: readonly Attack[];
  /** In dissemination `certified`, besides. */
  readonly laneAttacks?: readonly LaneAttack[] | undefined;
}

export interface CorruptedPartyOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  readonly random: Random;
  readonly corruption: Corruption;
  /** `inline` unless given. */
  readonly dissemination?: DisseminationMode | undefined;
  /** A valid payload that nobody asked for, to equivocate with. */
  readonly inventPayload: () => Uint8Array;
  readonly onAttack: (attack: Attack | LaneAttack) => void;
}

/** The bodies to send instead; made when the lie is chosen. What they owe to chance is drawn before. */
type Bodies = () => readonly Uint8Array[];
type Lie = { readonly attack: Attack | LaneAttack; readonly bodies: Bodies };

export class CorruptedParty {
  readonly #options: CorruptedPartyOptions;
  readonly #said: Envelope[] = [];
  /** The second queue entry of a round, told to some. */
  readonly #otherEntries = new Map<string, Uint8Array>();
  readonly #otherProposals = new Map<string, Uint8Array>();

  readonly #lanes: LaneLiar;
  readonly #laneAttacks: readonly LaneAttack[];

  constructor(options: CorruptedPartyOptions) {
    this.#options = options;
    this.#lanes = new LaneLiar(options);
    this.#laneAttacks = options.dissemination === "certified" ? (options.corruption.laneAttacks ?? LANE_ATTACKS) : [];
  }

  /** What is sent to `to` in place of `envelope`. */
  tamper(to: PartyId, envelope: Envelope): readonly Envelope[] {
    const { random, corruption, onAttack } = this.#options;
    if (this.#said.length < 64) this.#said.push(envelope);
    else this.#said[random.below(64)] = envelope;
    const lie = random.chance(corruption.rate) ? this.#lie(to, envelope) : undefined;
    if (lie === undefined) return [envelope];
    onAttack(lie.attack);
    return lie
      .bodies()
      .map((body) => ({ tag: envelope.tag, body }))
      .concat(lie.attack === "replay" ? this.#replays(envelope) : []);
  }

  /** What is given as a batch that was asked for. */
  serve(bytes: Uint8Array): Uint8Array | undefined {
    const { random, corruption, onAttack } = this.#options;
    if (!this.#laneAttacks.includes("false-batch") || !random.chance(corruption.rate)) return bytes;
    onAttack("false-batch");
    return this.#lanes.serve(bytes);
  }

  #lie(to: PartyId, { tag, body }: Envelope): Lie | undefined {
    const { random, corruption } = this.#options;
    const candidates: Lie[] = [];
    for (const attack of corruption.attacks) {
      const bodies = this.#bodies(attack, to, tag, body);
      if (bodies !== undefined) candidates.push({ attack, bodies });
    }
    for (const attack of this.#laneAttacks) {
      const bodies = this.#lanes.bodies(attack, to, tag, body);
      if (bodies !== undefined) candidates.push({ attack, bodies });
    }
    return candidates.length === 0 ? undefined : random.pick(candidates);
  }

  /** Undefined when the attack does not fit this message. */
  #bodies(attack: Attack, to: PartyId, tag: string, body: Uint8Array): Bodies | undefined {
    switch (attack) {
      case "equivocate-queue":
        return /^[a-z-]+\/\d+$/.test(tag) ? this.#equivocateQueue(tag, body) : undefined;
      case "equivocate-proposal":
        return tag.includes("/proposal/") ? this.#equivocateProposal(tag, body, to) : undefined;
      case "invalid-queue":
        return /^[a-z-]+\/\d+$/.test(tag) ? this.#invalidQueue(tag, body) : undefined;
      case "invalid-proposal":
        return tag.includes("/proposal/") ? this.#invalidProposal(tag, body) : undefined;
      case "double-vote":
        return this.#doubleVote(tag, body);
      case "forge-later-votes":
        return this.#forgeLaterVotes(tag, body);
      case "forge-certificate":
        return this.#forgeCertificate(tag, body);
      case "lie-in-commit":
        return tag.includes("/commit/") ? this.#lieInCommit(body) : this.#contradictCommit(tag, body);
      case "bad-share":
        return this.#badShare(tag, body);
      case "garbage": {
        const garbage = this.#options.random.bytes(this.#options.random.below(80));
        return () => [body, garbage];
      }
      case "replay":
        return () => [body];
      case "withhold":
        break;
    }
    return () => [];
  }

  #statement(tag: string, purpose: string, body: Uint8Array): Uint8Array {
    return statement(this.#options.cluster, tag, purpose, body);
  }

  /** Two signed queue entries for one round: some get one, some the other, some both. */
  #equivocateQueue(tag: string, body: Uint8Array): Bodies | undefined {
    const entry = decode(queueEntryCodec, body);
    if (!entry.ok) return undefined;
    let other = this.#otherEntries.get(tag);
    if (other === undefined) {
      const { clock } = entry.value;
      other = encode(queueEntryCodec, this.#entry(tag, { clock, payloads: [this.#options.inventPayload()] }));
      this.#otherEntries.set(tag, other);
    }
    const bodies = this.#options.random.chance(0.5) ? [other] : [body, other];
    return () => bodies;
  }

  #entry(tag: string, content: EntryContent): QueueEntry {
    return { ...content, signature: this.#options.suite.sign(this.#statement(tag, QUEUE, entryBody(content))) };
  }

  /** Another proposal, equally valid, with the entries of the queue in which we equivocated. */
  #equivocateProposal(tag: string, body: Uint8Array, to: PartyId): Bodies | undefined {
    const message = decode(consistentBroadcastMessageCodec, body);
    if (!message.ok || message.value.kind !== "send") return undefined;
    const other = this.#otherProposals.get(tag) ?? this.#otherProposal(tag, message.value.message);
    if (other === undefined) return undefined;
    this.#otherProposals.set(tag, other);
    return () => (to % 2 === 0 ? [other, body] : [body, other]);
  }

  #otherProposal(tag: string, value: Uint8Array): Uint8Array | undefined {
    if (this.#options.dissemination === "certified") return this.#lanes.otherProposal(tag, value);
    const vector = decode(queueVectorCodec, value);
    if (!vector.ok) return undefined;
    const roundTag = tag.slice(0, tag.indexOf("/mvba/"));
    const { self, inventPayload } = this.#options;
    const changed = vector.value.map((entry) => {
      if (entry.party !== self) return entry;
      return { party: self, ...this.#entry(roundTag, { clock: entry.clock, payloads: [inventPayload()] }) };
    });
    if (changed.every((entry, index) => entry === vector.value[index])) return undefined;
    return encode(consistentBroadcastMessageCodec, { kind: "send", message: encode(queueVectorCodec, changed) });
  }

  /** A payload that nobody may order. */
  #invalidPayload(): Uint8Array {
    const payload = this.#options.random.bytes(8);
    payload[0] = 0;
    return payload;
  }

  /** Entries that must wake nobody: of an invalid payload, of one twice, of none. */
  #invalidQueue(tag: string, body: Uint8Array): Bodies | undefined {
    const entry = decode(queueEntryCodec, body);
    const [first] = entry.ok ? entry.value.payloads : [];
    if (first === undefined) return undefined;
    const payloads = this.#options.random.pick([[this.#invalidPayload()], [first, first], []]);
    const lie = this.#entry(tag, { clock: 0, payloads });
    return () => [encode(queueEntryCodec, lie)];
  }

  /** A proposal that no predicate should let pass: an entry fewer, or the own one with what nobody may order. */
  #invalidProposal(tag: string, body: Uint8Array): Bodies | undefined {
    const message = decode(consistentBroadcastMessageCodec, body);
    if (!message.ok || message.value.kind !== "send") return undefined;
    const vector = decode(queueVectorCodec, message.value.message);
    if (!vector.ok || vector.value.length === 0) return undefined;
    const roundTag = tag.slice(0, tag.indexOf("/mvba/"));
    const { self, random } = this.#options;
    const own = { party: self, ...this.#entry(roundTag, { clock: 0, payloads: [this.#invalidPayload()] }) };
    const wrong = vector.value.map((entry) => (entry.party === self ? own : entry));
    const lies = random.chance(0.5) ? wrong : vector.value.slice(1);
    return () => [encode(consistentBroadcastMessageCodec, { kind: "send", message: encode(queueVectorCodec, lies) })];
  }

  #doubleVote(tag: string, body: Uint8Array): Bodies | undefined {
    if (tag.endsWith("/mvba")) {
      const vote = decode(multivaluedAgreementMessageCodec, body);
      if (!vote.ok || vote.value.kind !== "yes") return undefined;
      const { candidate } = vote.value;
      return () => [body, encode(multivaluedAgreementMessageCodec, { kind: "no", candidate })];
    }
    if (!tag.includes("/aba/")) return undefined;
    const message = decode(binaryCodec, body);
    if (!message.ok) return undefined;
    if (message.value.kind === "preVote") {
      const { round, vote } = message.value;
      const value = vote.value === 0 ? 1 : 0;
      // In round 1 a pre-vote for 0 needs no proof at all, so that half of these lies is justified.
      const reason = round === 1 && value === 0 ? { kind: "proof" as const, proof: new Uint8Array(0) } : vote.reason;
      return () => {
        const share = this.#voteShare(tag, PRE_VOTE, round, value);
        return [body, encode(binaryCodec, { kind: "preVote", round, vote: { value, reason, share } })];
      };
    }
    if (message.value.kind === "mainVote") {
      const { round, reason } = message.value;
      const value = message.value.value === 0 ? 1 : 0;
      return () => {
        const share = this.#voteShare(tag, MAIN_VOTE, round, value);
        return [body, encode(binaryCodec, { kind: "mainVote", round, value, reason, share })];
      };
    }
    return undefined;
  }

  /** Votes for 0 in later rounds, justified by the empty ρ alone, which R(0, ρ) accepts. */
  #forgeLaterVotes(tag: string, body: Uint8Array): Bodies | undefined {
    const vote = this.#binaryVote(tag, body);
    if (vote === undefined) return undefined;
    const reason = { kind: "proof" as const, proof: new Uint8Array(0) };
    const forge = (round: number): Uint8Array =>
      encode(binaryCodec, {
        kind: "preVote",
        round,
        vote: { value: 0, reason, share: this.#voteShare(tag, PRE_VOTE, round, 0) },
      });
    return () => [body, forge(vote.round + 1), forge(vote.round + 2)];
  }

  /** A main-vote and a decision for 0, and a pre-vote for it, with certificates on which all signatures are our own. */
  #forgeCertificate(tag: string, body: Uint8Array): Bodies | undefined {
    const vote = this.#binaryVote(tag, body);
    if (vote === undefined) return undefined;
    return () => [...this.#forgeries(tag, vote.round), body];
  }

  #forgeries(tag: string, round: number): readonly Uint8Array[] {
    const reason = { kind: "preVotes" as const, certificate: this.#pretendedCertificate(tag, PRE_VOTE, round, 0) };
    const certificate = this.#pretendedCertificate(tag, MAIN_VOTE, round, 0);
    return [
      encode(binaryCodec, {
        kind: "mainVote",
        round,
        value: 0,
        reason,
        share: this.#voteShare(tag, MAIN_VOTE, round, 0),
      }),
      encode(binaryCodec, {
        kind: "preVote",
        round: round + 1,
        vote: { value: 0, reason, share: this.#voteShare(tag, PRE_VOTE, round + 1, 0) },
      }),
      encode(binaryCodec, { kind: "decision", round, value: 0, certificate, proof: new Uint8Array(0) }),
    ];
  }

  #binaryVote(tag: string, body: Uint8Array): { readonly round: number } | undefined {
    const message = tag.includes("/aba/") ? decode(binaryCodec, body) : undefined;
    if (message?.ok !== true || (message.value.kind !== "preVote" && message.value.kind !== "mainVote"))
      return undefined;
    return message.value;
  }

  #voteShare(tag: string, purpose: string, round: number, value: 0 | 1 | 2): Uint8Array {
    return this.#options.suite.quorumCertifier.share(this.#statement(tag, purpose, voteBody(round, value)));
  }

  #pretendedCertificate(tag: string, purpose: string, round: number, value: 0 | 1 | 2): Uint8Array {
    const { group, suite } = this.#options;
    const share = this.#voteShare(tag, purpose, round, value);
    const shares = new Map(group.parties.map((party) => [party, share]));
    return suite.quorumCertifier.combine(this.#statement(tag, purpose, voteBody(round, value)), shares);
  }

  /** A commit that names everybody, or too few. */
  #lieInCommit(body: Uint8Array): Bodies | undefined {
    const message = decode(consistentBroadcastMessageCodec, body);
    if (!message.ok || message.value.kind !== "send") return undefined;
    const { group, self, random } = this.#options;
    const named = random.chance(0.5) ? PartySet.of(group.parties) : PartySet.of([self]);
    return () => [encode(consistentBroadcastMessageCodec, { kind: "send", message: encode(partySetCodec, named) })];
  }

  /** An N-vote for a party that the own commit names. */
  #contradictCommit(tag: string, body: Uint8Array): Bodies | undefined {
    if (!tag.endsWith("/mvba")) return undefined;
    const vote = decode(multivaluedAgreementMessageCodec, body);
    if (!vote.ok || vote.value.kind !== "yes") return undefined;
    const { candidate } = vote.value;
    return () => [encode(multivaluedAgreementMessageCodec, { kind: "no", candidate })];
  }

  #badShare(tag: string, body: Uint8Array): Bodies | undefined {
    const damage = (share: Uint8Array): Uint8Array => share.map((byte, index) => (index === 3 ? byte ^ 0x40 : byte));
    const change = <T>(codec: Codec<T>, damaged: (value: T) => T | undefined): Bodies | undefined => {
      const message = decode(codec, body);
      const value = message.ok ? damaged(message.value) : undefined;
      return value === undefined ? undefined : () => [encode(codec, value)];
    };
    if (/\/(proposal|commit)\/\d+$/.test(tag)) {
      return change(consistentBroadcastMessageCodec, (message) =>
        message.kind === "share" ? { ...message, share: damage(message.share) } : undefined,
      );
    }
    if (tag.endsWith("/mvba")) {
      return change(multivaluedAgreementMessageCodec, (message) =>
        message.kind === "coin" ? { ...message, share: damage(message.share) } : undefined,
      );
    }
    if (!tag.includes("/aba/"))
      return change(queueEntryCodec, (entry) => ({ ...entry, signature: damage(entry.signature) }));
    return change(binaryCodec, (message) => {
      if (message.kind === "preVote")
        return { ...message, vote: { ...message.vote, share: damage(message.vote.share) } };
      if (message.kind === "decision") return { ...message, certificate: damage(message.certificate) };
      return { ...message, share: damage(message.share) };
    });
  }

  /** Something said before under another tag, and tags of instances that do not exist. */
  #replays({ tag, body }: Envelope): readonly Envelope[] {
    const { random } = this.#options;
    const earlier = random.pick(this.#said);
    const far = tag.replace(/^([a-z-]+)\/\d+/, (_, channel: string) => `${channel}/${1 + random.below(1_000_000)}`);
    return [
      { tag, body: earlier.body },
      { tag: far, body },
      { tag: `${tag}/nothing/7`, body: utf8("x") },
    ];
  }
}
