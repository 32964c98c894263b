/**
 * What one peer is given that lacks something: proofs of decided rounds as long as they are kept, else the offer of a certified
 * checkpoint, and of that the chunks for which it asks; and batches for which it asks. All is read from storage when it is sent: a peer that asks for much and
 * takes nothing costs a few numbers.
 */
import type { Pieces } from "../core/bytes.js";
import { encodePieces } from "../core/codec.js";
import type { Envelope } from "../core/envelope.js";
import { type BatchName, InvariantError } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import { type Item, type Line, type PeerFrame, type PerLine, peerFrameCodec } from "../wire/peer-frames.js";
import type { ChannelBatch, Outbox, OutboxEntry, Said } from "./outbox.js";

/** A state after `round` that a quorum has certified. */
export interface CheckpointOffer {
  readonly round: number;
  readonly summary: Uint8Array;
  readonly certificate: Uint8Array;
}

export interface ServedChunk {
  readonly bytes: Uint8Array;
  /** From the chunk's hash to the root that the summary has. */
  readonly path: readonly Uint8Array[];
}

/** What a party keeps for those who are behind. */
export interface Archive {
  /** The proof of a decided round from `oldestProof` on. */
  proof(channel: Tag, round: number): Envelope;
  /** The first round of which the proof is kept; undefined when none is. */
  oldestProof(channel: Tag): number | undefined;
  /** The latest certified checkpoint. Once there is one there is always one. */
  offer(channel: Tag): CheckpointOffer | undefined;
  /** A chunk of the checkpoint of `round`; undefined when that is not here, or has no such chunk. */
  chunk(channel: Tag, round: number, index: number): ServedChunk | undefined;
  /** A batch that is kept; undefined when it is not here, or another is kept under its height. */
  batch(channel: Tag, name: BatchName): Uint8Array | undefined;
}

/** The part of `Archive` of a party that keeps all proofs, and no batches. */
export const NO_CHECKPOINTS: Omit<Archive, "proof"> = {
  oldestProof: () => 1,
  offer: () => undefined,
  chunk: () => undefined,
  batch: () => undefined,
};

export interface ServingOptions {
  readonly archive: Archive;
  /** Decided rounds that a peer in some round is sent at a time. */
  readonly proofsPerRequest: number;
  /** This party's round in `channel`, or undefined when there is no such channel. */
  round(channel: Tag): number | undefined;
}

interface Offered {
  /** Of the checkpoint. */
  readonly round: number;
  /** The round that the peer was in. */
  readonly peerRound: number;
}

export class Serving {
  readonly #options: ServingOptions;
  readonly #outboxes: PerLine<Outbox>;
  /** The round that the peer was in when it last told, in its present run. */
  readonly #positions = new Map<Tag, number>();
  /** The last offer, in the peer's present run. */
  readonly #offered = new Map<Tag, Offered>();

  constructor(options: ServingOptions, outboxes: PerLine<Outbox>) {
    this.#options = options;
    this.#outboxes = outboxes;
  }

  /**
   * The peer is in `round`: it lacks what comes from there on. The last decided round and the current one are live. `isAsking`: it asks
   * for what it lacks, also if that was sent.
   */
  position(channel: Tag, round: number, isAsking = false): "unknown-channel" | undefined {
    const own = this.#options.round(channel);
    if (own === undefined) return "unknown-channel";
    // A position that came late tells nothing: rounds only grow.
    if (round >= own || round < (this.#positions.get(channel) ?? 0)) return undefined;
    this.#positions.set(channel, round);
    this.#serve(channel, round, own, isAsking);
    return undefined;
  }

  #serve(channel: Tag, round: number, own: number, again = false): void {
    const from = Math.max(round, 1);
    if (this.#hasProof(channel, from)) {
      this.#outboxes.prompt.serve(channel, from, Math.min(round + this.#options.proofsPerRequest, own), again);
    } else {
      // Later proofs are of no use to the peer.
      this.#outboxes.prompt.serve(channel, from, from);
      this.#offer(channel, from, round);
    }
  }

  /** Offers the latest checkpoint of a round from `from` on: once to a peer that does not move. */
  #offer(channel: Tag, from: number, peerRound: number): void {
    const offer = this.#options.archive.offer(channel);
    if (offer === undefined || offer.round < from) return;
    const last = this.#offered.get(channel);
    if (last !== undefined && last.round >= offer.round && last.peerRound >= peerRound) return;
    this.#offered.set(channel, { round: offer.round, peerRound });
    this.#outboxes.prompt.ask({ kind: "offer", channel });
  }

  /** The peer asks for a chunk. */
  asked(channel: Tag, round: number, index: number): "unknown-channel" | undefined {
    if (this.#options.round(channel) === undefined) return "unknown-channel";
    this.#outboxes.prompt.answer({ kind: "chunk", channel, round, index });
    return undefined;
  }

  /** The peer asks for a batch. */
  askedBatch({ channel, lane, height, digest }: ChannelBatch): "unknown-channel" | undefined {
    if (this.#options.round(channel) === undefined) return "unknown-channel";
    this.#outboxes.bulk.answer({ kind: "batch", channel, lane, height, digest });
    return undefined;
  }

  /** The peer has started anew: it may not have kept what it was offered, and may be in an earlier round if it lost its store. */
  restarted(): void {
    const positions = [...this.#positions];
    this.#positions.clear();
    this.#offered.clear();
    for (const [channel, round] of positions)
      if (!this.#hasProof(channel, Math.max(round, 1))) this.#offer(channel, round, round);
  }

  /** Whether `entry` may be sent. A proof that is gone gives its place up to what the peer is served instead. */
  isCurrent({ said }: OutboxEntry): boolean {
    if (said.kind !== "proof") return true;
    const { channel, round } = said;
    if (this.#hasProof(channel, round)) return true;
    this.#serve(channel, this.#positions.get(channel) ?? round, this.#options.round(channel) ?? round);
    return false;
  }

  #hasProof(channel: Tag, round: number): boolean {
    return round >= (this.#options.archive.oldestProof(channel) ?? Infinity);
  }

  /** Undefined when there is no such batch: then the entry is gone. @throws InvariantError when the archive lacks what it must have */
  frame(entry: OutboxEntry, line: Line): Pieces | undefined {
    const outbox = this.#outboxes[line];
    const item = { number: entry.number, after: outbox.before(entry) };
    const frame = this.#content(item, entry.said, line);
    if (frame === undefined) {
      outbox.drop(entry);
      // Who lacks a batch that has gone with its checkpoint can go on from a later one only.
      if (entry.said.kind === "batch") this.#offer(entry.said.channel, 0, 0);
      return undefined;
    }
    outbox.sent(entry, frame.kind === "batch" ? frame.bytes.length : entry.sizeBytes);
    return encodePieces(peerFrameCodec, frame);
  }

  #content(item: { readonly number: number; readonly after: number }, said: Said, line: Line): PeerFrame | undefined {
    if (said.kind === "offer") return { ...item, kind: "checkpoint", ...this.#latest(said.channel) };
    if (said.kind === "chunk") return this.#answer(item, said);
    if (said.kind === "batch") return this.#batch(item, said);
    if (said.kind === "message")
      return { ...item, kind: line === "bulk" ? "bulk" : "message", envelope: said.envelope };
    if (said.kind !== "proof") return { ...item, ...said };
    return { ...item, kind: "message", envelope: this.#options.archive.proof(said.channel, said.round) };
  }

  #batch(
    item: { readonly number: number; readonly after: number },
    said: Extract<Said, { readonly kind: "batch" }>,
  ): PeerFrame | undefined {
    const bytes = this.#options.archive.batch(said.channel, said);
    return bytes && { ...item, ...said, bytes };
  }

  #latest(channel: Tag): Pick<Extract<Item, { readonly kind: "checkpoint" }>, "channel" | "summary" | "certificate"> {
    const offer = this.#options.archive.offer(channel);
    if (offer === undefined) throw new InvariantError(`a checkpoint of ${channel} was certified, and none is here`);
    return { channel, summary: offer.summary, certificate: offer.certificate };
  }

  #answer(
    item: { readonly number: number; readonly after: number },
    { channel, round, index }: Extract<Said, { readonly kind: "chunk" }>,
  ): PeerFrame {
    const chunk = this.#options.archive.chunk(channel, round, index);
    if (chunk !== undefined) return { ...item, kind: "chunk", channel, round, index, ...chunk };
    // Who asked for a checkpoint that is gone has to know of one that is not.
    this.#offer(channel, round + 1, this.#offered.get(channel)?.peerRound ?? 0);
    return { ...item, kind: "noChunk", channel, round, index };
  }
}
