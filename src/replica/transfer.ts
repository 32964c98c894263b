/**
 * Takes a replica over a gap: to a state that a quorum has certified, when its peers have no proofs any more of the round that
 * it is in (docs/protocols.md, "Catching up").
 *
 * The state comes in chunks from all who offer it or a later one. Each chunk is checked against the certified summary by itself,
 * so one honest source is enough, and a liar is caught with its first lie. What arrived is stored, and a restart goes on from
 * there. A newer checkpoint does not take the place of one that is under way unless nobody gives that any more.
 *
 * No connection and no clock: the host hands in what peers say, and says when time passes. Time decides whom to ask, and nothing else.
 */
import { equalBytes } from "../core/bytes.js";
import type { Hash } from "../core/merkle.js";
import type { PartyId } from "../core/party-set.js";
import { summaryDigest, decodeSummary, verifyChunk } from "./checkpoint-summary.js";
import { TransferRecord, type TransferStorage } from "./transfer-record.js";
import { type Offer, PATIENCE_TICKS, TransferSource } from "./transfer-source.js";

/** What only a faulty peer does. */
export type TransferFault =
  /** It offers what no quorum has certified. */
  | "invalid-checkpoint"
  /** A chunk that is not the certified state's. */
  | "invalid-chunk";

/** Chunks that are asked for or wait for the disk. */
export const MAX_CHUNKS_UNDER_WAY = 256;
/** What a crash may lose. */
export const CHUNKS_PER_SAVE = 64;
/** All sources are silent: another checkpoint is tried. Twice as long each time. */
export const FIRST_SWITCH_TICKS = 64;

export interface CompleteState {
  readonly round: number;
  /** Encoded. */
  readonly summary: Uint8Array;
  readonly certificate: Uint8Array;
  /** 32 bytes each, in order. The chunks are in storage. */
  readonly chunkHashes: Uint8Array;
}

export interface TransferOptions {
  readonly storage: TransferStorage;
  readonly hash: Hash;
  readonly peers: Iterable<PartyId>;
  /** The last round whose state this replica has. */
  round(): number;
  /** Whether a quorum has certified `digest` for the state after `round`. */
  verify(round: number, digest: Uint8Array, certificate: Uint8Array): boolean;
  ask(peer: PartyId, round: number, index: number): void;
  withdraw(peer: PartyId, round: number, index: number): void;
  /** Nobody gives anything: whoever is asked this says what it has, if it has not said so. */
  askOffer(peer: PartyId): void;
  /** All chunks are durable. They stay so until `round()` has reached the checkpoint's round. */
  onComplete(state: CompleteState): void;
  onFault(peer: PartyId, fault: TransferFault): void;
  /** Storage failed. */
  onFatal(error: unknown): void;
}

export interface TransferProgress {
  readonly round: number;
  readonly chunks: number;
  readonly chunkCount: number;
}

export class Transfer {
  readonly #options: TransferOptions;
  readonly #sources = new Map<PartyId, TransferSource>();
  #record: TransferRecord | undefined;
  /** Below it every chunk was asked for, or is here. */
  #next = 0;
  /** Those that are to be asked for again. */
  #returned: number[] = [];
  /** Asked of one who is not silent. */
  readonly #asked = new Set<number>();
  #starvedTicks = 0;
  #switchTicks = FIRST_SWITCH_TICKS;
  #isReported = false;
  #isSaving = false;
  #hasFailed = false;
  #writes: Promise<void> = Promise.resolve();

  /** Goes on with what an earlier run has stored. @throws InvariantError when that is damaged */
  constructor(options: TransferOptions) {
    this.#options = options;
    for (const peer of options.peers) this.#sources.set(peer, new TransferSource(peer));
    this.#record = TransferRecord.load(options.storage);
  }

  get progress(): TransferProgress | undefined {
    const record = this.#record;
    return record && { round: record.summary.round, chunks: record.count, chunkCount: record.summary.chunkCount };
  }

  /** What pruning is to keep: hashes of the chunks that are here, one after the other. */
  get keepChunks(): Uint8Array {
    return this.#record?.keptHashes ?? new Uint8Array();
  }

  /** `peer` says that a quorum has certified a state. */
  offered(peer: PartyId, { summary, certificate }: Omit<Offer, "round">): void {
    const source = this.#sourceOf(peer);
    if (source.isLiar) return;
    const decoded = decodeSummary(summary);
    if (!decoded.ok) return this.#blame(source, "invalid-checkpoint");
    const { round } = decoded.value;
    // Late, or said before.
    if (round <= this.#options.round() || round <= (source.offer?.round ?? 0)) return;
    const known = this.#certificateOf(summary);
    if (known === undefined && !this.#isCertified(round, summary, certificate))
      return this.#blame(source, "invalid-checkpoint");
    source.offer = { round, summary: summary.slice(), certificate: known ?? certificate.slice() };
    // At once: where checkpoints come fast, it is soon gone as well.
    if (this.#record === undefined || this.#isGone(this.#record)) this.#begin(source.offer);
    this.#ask();
  }

  /** Whether some of it is missing, and all who had it have pruned it. */
  #isGone({ summary, count }: TransferRecord): boolean {
    return count < summary.chunkCount && ![...this.#sources.values()].some((source) => source.has(summary.round));
  }

  /** Whoever has a later checkpoint says so, if it has not. */
  #askOffers(): void {
    for (const { peer, isLiar } of this.#sources.values()) if (!isLiar) this.#options.askOffer(peer);
  }

  /** One that was checked. Of a state that was found to be certified no other is checked, nor taken. */
  #certificateOf(summary: Uint8Array): Uint8Array | undefined {
    const checked = [this.#record?.head, ...[...this.#sources.values()].map(({ offer }) => offer)];
    return checked.find((other) => other !== undefined && equalBytes(other.summary, summary))?.certificate;
  }

  #isCertified(round: number, summary: Uint8Array, certificate: Uint8Array): boolean {
    return this.#options.verify(round, summaryDigest(summary, this.#options.hash), certificate);
  }

  #sourceOf(peer: PartyId): TransferSource {
    const source = this.#sources.get(peer);
    if (source === undefined) throw new RangeError(`no peer ${peer}`);
    return source;
  }

  #begin({ summary, certificate }: Offer): void {
    const earlier = this.#record;
    const record = new TransferRecord(this.#options.storage, { summary, certificate });
    this.#drop();
    this.#record = record;
    this.#write(() => record.open(earlier));
  }

  /** Forgets what is under way, in memory. */
  #drop(): void {
    for (const source of this.#sources.values()) this.#release(source);
    this.#record = undefined;
    this.#next = 0;
    this.#returned = [];
    this.#asked.clear();
    this.#starvedTicks = 0;
    this.#isReported = false;
  }

  /** Nothing more is asked of `source`. */
  #release(source: TransferSource): void {
    const { waiting, all } = source.release();
    this.#giveBack(waiting);
    const round = this.#record?.summary.round;
    if (round !== undefined) for (const index of all) this.#options.withdraw(source.peer, round, index);
  }

  #giveBack(indices: readonly number[]): void {
    for (const index of indices) if (this.#asked.delete(index)) this.#returned.push(index);
  }

  #blame(source: TransferSource, fault: TransferFault): void {
    source.isLiar = true;
    source.offer = undefined;
    this.#release(source);
    this.#options.onFault(source.peer, fault);
    this.#ask();
  }

  /** Asks for as much as windows and memory allow. */
  #ask(): void {
    const record = this.#record;
    if (record === undefined || this.#hasFailed) return;
    const { round } = record.summary;
    this.#returned = this.#returned.filter((index) => !record.has(index));
    const sources = [...this.#sources.values()].filter((source) => source.hasRoom && source.has(round));
    sources.sort((a, b) => a.lapses - b.lapses);
    for (const source of sources) {
      while (source.hasRoom && this.#asked.size + record.pendingCount < MAX_CHUNKS_UNDER_WAY) {
        const index = this.#nextMissing(record, source);
        if (index === undefined) break;
        // What a silent one is asked for, others are asked for as well.
        if (source.isSilent) this.#returned.push(index);
        else this.#asked.add(index);
        source.ask(index);
        this.#options.ask(source.peer, round, index);
      }
    }
  }

  /** A chunk that nobody is being asked for, and `source` neither. */
  #nextMissing(record: TransferRecord, source: TransferSource): number | undefined {
    const last = this.#returned.findLastIndex((index) => !record.has(index) && !source.isAsked(index));
    if (last >= 0) return this.#returned.splice(last, 1)[0];
    while (this.#next < record.summary.chunkCount) {
      const index = this.#next++;
      if (!record.has(index)) return index;
    }
    return undefined;
  }

  /** `peer` gives a chunk. */
  chunk(
    peer: PartyId,
    chunk: {
      readonly round: number;
      readonly index: number;
      readonly bytes: Uint8Array;
      readonly path: readonly Uint8Array[];
    },
  ): void {
    const record = this.#record;
    const source = this.#sourceOf(peer);
    const { round, index, bytes, path } = chunk;
    // Also when nobody asked: it may answer an earlier run, and is checked like any other.
    if (record === undefined || record.summary.round !== round || source.isLiar) return;
    if (!record.has(index)) {
      // It will be asked for again.
      if (record.pendingCount >= MAX_CHUNKS_UNDER_WAY) return;
      const { hash } = this.#options;
      if (!verifyChunk(record.summary, index, bytes, path, hash)) return this.#blame(source, "invalid-chunk");
      record.add(index, hash(bytes), bytes);
      this.#asked.delete(index);
      for (const other of this.#sources.values())
        if (other !== source && other.forget(index)) this.#options.withdraw(other.peer, round, index);
    }
    source.answered(index);
    this.#options.withdraw(peer, round, index);
    this.#save(record);
    this.#ask();
  }

  /** `peer` has pruned the checkpoint. */
  noChunk(peer: PartyId, { round }: { readonly round: number }): void {
    const record = this.#record;
    if (record?.summary.round !== round) return;
    const source = this.#sourceOf(peer);
    const wasGone = this.#isGone(record);
    source.goneUpTo = Math.max(source.goneUpTo, round);
    this.#release(source);
    if (!wasGone && this.#isGone(record)) this.#askOffers();
    this.#ask();
  }

  /** `peer` has started anew: what it was asked for it does not know. */
  restarted(peer: PartyId): void {
    this.#release(this.#sourceOf(peer));
    this.#ask();
  }

  #save(record: TransferRecord): void {
    const isDue = record.pendingCount >= CHUNKS_PER_SAVE || record.count === record.summary.chunkCount;
    if (this.#isSaving || !isDue || record.pendingCount === 0) return;
    this.#isSaving = true;
    this.#write(async () => {
      await record.save();
      this.#isSaving = false;
      if (this.#record !== undefined) this.#save(this.#record);
      if (this.#record === record) this.#report(record);
      this.#ask();
    });
  }

  #report(record: TransferRecord): void {
    if (!record.isComplete || this.#isReported || this.#hasFailed) return;
    this.#isReported = true;
    const { summary, certificate } = record.head;
    const { round } = record.summary;
    this.#options.onComplete({ round, summary, certificate, chunkHashes: record.chunkHashes });
  }

  /** One after the other. */
  #write(write: () => Promise<void>): void {
    this.#writes = this.#after(this.#writes, write);
  }

  async #after(earlier: Promise<void>, write: () => Promise<void>): Promise<void> {
    await earlier;
    if (this.#hasFailed) return;
    try {
      await write();
    } catch (error) {
      this.#hasFailed = true;
      this.#options.onFatal(error);
    }
  }

  /** Time passes. */
  tick(): void {
    for (const source of this.#sources.values()) this.#giveBack(source.tick());
    const record = this.#record;
    if (record !== undefined && record.summary.round <= this.#options.round()) this.#abandon(record);
    else if (record !== undefined) this.#goOn(record);
    this.#ask();
  }

  #goOn(record: TransferRecord): void {
    // An earlier run may have had all of it.
    if (record.isComplete) return this.#report(record);
    const sources = [...this.#sources.values()].filter((source) => source.has(record.summary.round));
    if (sources.some(({ isSilent }) => !isSilent)) {
      this.#starvedTicks = 0;
      return;
    }
    this.#starvedTicks++;
    const isOver = this.#starvedTicks >= (sources.length === 0 ? PATIENCE_TICKS : this.#switchTicks);
    if (isOver && this.#beginOther(record.summary.round)) {
      // In the end longer than any answer takes, so that checkpoints cannot go on for ever faster than a slow source.
      if (sources.length > 0) this.#switchTicks *= 2;
    } else if (this.#starvedTicks % PATIENCE_TICKS === 0) this.#askOffers();
  }

  /** The greatest round that somebody may have, but for one. False when there is none. */
  #beginOther(but: number): boolean {
    let best: Offer | undefined;
    for (const source of this.#sources.values()) {
      const { offer } = source;
      if (offer === undefined || !source.has(offer.round)) continue;
      if (offer.round > Math.max(this.#options.round(), best?.round ?? 0) && offer.round !== but) best = offer;
    }
    if (best !== undefined) this.#begin(best);
    return best !== undefined;
  }

  /** Gives up what is under way: the state is not needed any more, but perhaps a later one, which nobody offers a second time. */
  #abandon(record: TransferRecord): void {
    this.#drop();
    this.#write(() => record.remove());
    this.#beginOther(record.summary.round);
  }

  /** All that was begun is durable, or has failed. */
  settled(): Promise<void> {
    return this.#writes;
  }
}
