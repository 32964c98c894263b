/** Lies of a corrupted party about lanes, and about the heights of lanes that are to be ordered (dissemination `certified`). */
import { decode, encode } from "../core/codec.js";
import { statement } from "../core/engine.js";
import type { Group } from "../core/group.js";
import { type PartyId, PartySet } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import {
  BATCH,
  type CutEntry,
  type CutVector,
  type LaneMessage,
  type Place,
  batchCodec,
  cutEntryBody,
  cutEntryCodec,
  cutVectorCodec,
  laneMessageCodec,
  lanePath,
  writeBatch,
} from "../protocols/atomic-broadcast/certified/messages.js";
import { QUEUE } from "../protocols/atomic-broadcast/messages.js";
import { consistentBroadcastMessageCodec } from "../protocols/consistent-broadcast/index.js";
import type { Random } from "./random.js";

export const LANE_ATTACKS = [
  /** Two batches at one height. */
  "fork-lane",
  /** A batch that follows another than the one before. */
  "break-chain",
  /** A batch with what nobody may order. */
  "invalid-batch",
  /** A batch for a bare broadcast quorum only. */
  "withhold-batch",
  "withhold-certificate",
  "forge-lane-certificate",
  "bad-lane-share",
  /** Two entries of one round. */
  "equivocate-heights",
  /** Heights below the cut, of too few lanes, or without a certificate. */
  "invalid-heights",
  "invalid-vector",
  /** Bytes that are not the batch that was asked for, or none. */
  "false-batch",
] as const;
export type LaneAttack = (typeof LANE_ATTACKS)[number];

export interface LaneLiarOptions {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  readonly random: Random;
  readonly inventPayload: () => Uint8Array;
}

type Bodies = () => readonly Uint8Array[];

export class LaneLiar {
  readonly #options: LaneLiarOptions;
  /** The second batch of a height, told to some. */
  readonly #forks = new Map<string, Uint8Array>();

  constructor(options: LaneLiarOptions) {
    this.#options = options;
  }

  /** The bodies to send instead; undefined when the attack does not fit the message. */
  bodies(attack: LaneAttack, to: PartyId, tag: string, body: Uint8Array): Bodies | undefined {
    const [, channel = "", lane, height = ""] = /^([a-z-]+)\/lane\/(\d+)\/(\d+)$/.exec(tag) ?? [];
    if (lane !== undefined) {
      const message = decode(laneMessageCodec, body);
      return message.ok ? this.#lane(attack, to, { tag, channel, height: Number(height) }, message.value) : undefined;
    }
    if (/^[a-z-]+\/\d+$/.test(tag)) {
      const entry = decode(cutEntryCodec, body);
      return entry.ok ? this.#entry(attack, tag, body, entry.value) : undefined;
    }
    return attack === "invalid-vector" && tag.includes("/proposal/") ? this.#vector(tag, body) : undefined;
  }

  #lane(
    attack: LaneAttack,
    to: PartyId,
    at: { readonly tag: string; readonly channel: string; readonly height: number },
    message: LaneMessage,
  ): Bodies | undefined {
    const say = (one: LaneMessage): Bodies => {
      const lie = encode(laneMessageCodec, one);
      return () => [lie];
    };
    if (message.kind === "share")
      return attack === "bad-lane-share" ? say({ kind: "share", share: damaged(message.share) }) : undefined;
    if (message.kind === "certified") {
      if (attack === "withhold-certificate") return () => [];
      if (attack !== "forge-lane-certificate") return undefined;
      const digest = damaged(message.digest);
      return say({ kind: "certified", digest, certificate: this.#pretended(at.channel, at.height, digest) });
    }
    const batch = decode(batchCodec, message.batch);
    if (!batch.ok) return undefined;
    const { parent, payloads } = batch.value;
    if (attack === "fork-lane") return this.#fork(to, at.tag, message, parent);
    if (attack === "break-chain")
      return say({ kind: "batch", batch: writeBatch({ ...parent, digest: damaged(parent.digest) }, payloads) });
    if (attack === "invalid-batch")
      return say({ kind: "batch", batch: writeBatch(parent, [...payloads, Uint8Array.of(0)]) });
    return attack === "withhold-batch" && this.#isSpared(to) ? () => [] : undefined;
  }

  #fork(to: PartyId, tag: string, message: LaneMessage, parent: Place): Bodies {
    const fork =
      this.#forks.get(tag) ??
      encode(laneMessageCodec, { kind: "batch", batch: writeBatch(parent, [this.#options.inventPayload()]) });
    this.#forks.set(tag, fork);
    const honest = encode(laneMessageCodec, message);
    return () => (to % 2 === 0 ? [fork, honest] : [honest, fork]);
  }

  /** Whether a bare broadcast quorum with this party does without `to`. */
  #isSpared(to: PartyId): boolean {
    const { group, self } = this.#options;
    const quorum = PartySet.of([self]);
    for (const party of group.parties) {
      if (group.isBroadcastQuorum(quorum)) break;
      quorum.add(party);
    }
    return !quorum.has(to);
  }

  #pretended(channel: string, height: number, digest: Uint8Array): Uint8Array {
    const { cluster, group, self, suite } = this.#options;
    const signed = statement(cluster, `${channel}/${lanePath(self, height)}`, BATCH, digest);
    const share = suite.broadcastCertifier.share(signed);
    return suite.broadcastCertifier.combine(signed, new Map(group.parties.map((party) => [party, share])));
  }

  #signed(tag: string, content: CutEntry): Uint8Array {
    return encode(cutEntryCodec, { ...content, signature: this.#signature(tag, content) });
  }

  #signature(tag: string, content: Pick<CutEntry, "clock" | "heights">): Uint8Array {
    const { cluster, suite } = this.#options;
    return suite.sign(statement(cluster, tag, QUEUE, cutEntryBody(content)));
  }

  #entry(attack: LaneAttack, tag: string, body: Uint8Array, entry: CutEntry): Bodies | undefined {
    const { random } = this.#options;
    if (attack === "equivocate-heights") {
      const other = this.#signed(tag, { ...entry, clock: otherThan(entry.clock) });
      const bodies = random.chance(0.5) ? [other] : [body, other];
      return () => bodies;
    }
    if (attack !== "invalid-heights") return undefined;
    const lie = random.pick([
      { ...entry, heights: entry.heights.map(() => 0) },
      { ...entry, heights: entry.heights.slice(1) },
      { ...entry, heights: entry.heights.map((height) => height + 1) },
      { ...entry, tips: [] },
      { ...entry, tips: entry.tips.map((tip) => ({ ...tip, height: tip.height + 1 })) },
      { ...entry, tips: entry.tips.map((tip) => ({ ...tip, digest: damaged(tip.digest) })) },
    ]);
    return () => [this.#signed(tag, lie)];
  }

  #vector(tag: string, body: Uint8Array): Bodies | undefined {
    const message = decode(consistentBroadcastMessageCodec, body);
    if (!message.ok || message.value.kind !== "send") return undefined;
    const vector = decode(cutVectorCodec, message.value.message);
    if (!vector.ok) return undefined;
    const { entries, tips } = vector.value;
    const channel = tag.slice(0, tag.indexOf("/"));
    const lie: CutVector = this.#options.random.pick([
      { entries, tips: [] },
      { entries: entries.slice(1), tips },
      { entries, tips: tips.map((tip) => ({ ...tip, digest: damaged(tip.digest) })) },
      {
        entries,
        tips: tips.map((tip) => ({ ...tip, certificate: this.#pretended(channel, tip.height, tip.digest) })),
      },
      { entries: entries.map(({ clock, ...entry }) => Object.assign(entry, { clock: otherThan(clock) })), tips },
    ]);
    const sent = encode(consistentBroadcastMessageCodec, { kind: "send", message: encode(cutVectorCodec, lie) });
    return () => [sent];
  }

  /**
   * Another proposal, as valid where chance has it: without a lane that the own entry alone knows so far, or else with another clock. Undefined
   * when there is no own entry.
   */
  otherProposal(tag: string, value: Uint8Array): Uint8Array | undefined {
    const vector = decode(cutVectorCodec, value);
    const own = vector.ok ? vector.value.entries.find(({ party }) => party === this.#options.self) : undefined;
    if (!vector.ok || own === undefined) return undefined;
    const { entries, tips } = vector.value;
    const others = own.heights.map((_, lane) =>
      Math.max(...entries.map((entry) => (entry === own ? 0 : (entry.heights[lane] ?? 0)))),
    );
    const left = tips.find(({ lane }) => (own.heights[lane] ?? 0) > (others[lane] ?? 0))?.lane;
    const content =
      left === undefined
        ? { clock: otherThan(own.clock), heights: own.heights }
        : {
            clock: own.clock,
            heights: own.heights.map((height, lane) => (lane === left ? (others[lane] ?? 0) : height)),
          };
    const other = {
      party: own.party,
      ...content,
      signature: this.#signature(tag.slice(0, tag.indexOf("/mvba/")), content),
    };
    const lie: CutVector = {
      entries: entries.map((entry) => (entry === own ? other : entry)),
      tips: tips.filter(({ lane }) => lane !== left),
    };
    return encode(consistentBroadcastMessageCodec, { kind: "send", message: encode(cutVectorCodec, lie) });
  }

  /** What it gives as a batch that was asked for. */
  serve(bytes: Uint8Array): Uint8Array | undefined {
    const { random, inventPayload } = this.#options;
    const lies = [() => undefined, () => damaged(bytes), () => inventPayload(), () => bytes];
    return random.pick(lies)();
  }
}

function damaged(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (index === 3 ? byte ^ 0x40 : byte));
}

function otherThan(clock: number): number {
  return clock === 0 ? 1 : clock - 1;
}
