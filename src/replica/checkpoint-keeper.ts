/**
 * Keeps checkpoints: writes each state that a boundary showed, notes a quorum's certificate on it, decides from which of them the replica
 * would start again, and forgets what is older than it or any peer needs.
 *
 *   base   the latest checkpoint whose following round is decided. The log is cut behind it: what the replica said in
 *          the two rounds that its links still owe to peers is made again from there.
 *   kept   the two latest certified ones, so that whoever fetches a checkpoint may finish while the next one comes. Peers that
 *          lack rounds before the older of the two take a checkpoint in the place of proofs.
 *
 * All of it is behind the ordering of payloads: nobody waits for it.
 */
import { concat } from "../core/bytes.js";
import type { Tag } from "../core/tag.js";
import { decodeSummary } from "./checkpoint-summary.js";
import type { Boundary, Stable } from "./execution.js";
import { cutIn } from "./machine/index.js";
import { lanesUpTo } from "./replay.js";
import type { CheckpointRecord, OrderedLanes, Storage } from "./storage.js";

/** Chunks that are put at a time: between two of these everything else has its turn. */
const CHUNKS_PER_PUT = 64;
const KEPT_CERTIFIED = 2;
const HASH_BYTES = 32;

export interface CheckpointKeeperOptions {
  readonly channel: Tag;
  readonly storage: Storage;
  /** Hashes of chunks that a transfer has stored, one after the other. */
  keepChunks(): Uint8Array;
  /** Whether delivered payloads are forgotten with the proofs. */
  readonly forgetsLedger: boolean;
  /** The last round whose decision is durable. */
  decidedRound(): number;
  /** What earlier inputs led to, besides tables, is durable: they may go. */
  settled(): Promise<void>;
  /** Checkpoints were written, certified or dropped. */
  onChanged(): void;
  onError(error: Error): void;
}

export class CheckpointKeeper {
  readonly #options: CheckpointKeeperOptions;
  /** Of rounds whose record is not written yet. */
  readonly #certificates = new Map<number, Uint8Array>();
  #waiting: Boundary | undefined;
  #needsUpkeep = false;
  #work: Promise<void> | undefined;
  #hasBegun = false;
  #closed = false;
  #baseRound: number;
  /** Of the latest record that may become the base. */
  #latestRound: number;
  #certifiedRound: number;

  constructor(options: CheckpointKeeperOptions) {
    this.#options = options;
    this.#baseRound = options.storage.base()?.round ?? 0;
    this.#latestRound = options.storage.checkpoints().at(-1)?.round ?? 0;
    this.#certifiedRound = certifiedOf(options.storage).at(-1)?.round ?? 0;
  }

  /** Of the latest checkpoint that a quorum has certified and that is kept here; 0 before the first. */
  get certifiedRound(): number {
    return this.#certifiedRound;
  }

  /** The log was replayed. Before, it and the tables must stay as they are: they are compared. */
  begin(): void {
    this.#hasBegun = true;
    this.#needsUpkeep = true;
    this.#go();
  }

  /** To be written. Where the disk is slower than checkpoints come, only the latest is. */
  reached(boundary: Boundary): void {
    if (boundary.summary.round <= this.#latestRound) return;
    this.#waiting = boundary;
    this.#go();
  }

  certified({ round, certificate }: Stable): void {
    this.#certificates.set(round, certificate);
    this.#needsUpkeep = true;
    this.#go();
  }

  /** Rounds were decided. */
  advanced(): void {
    if (this.#latestRound === this.#baseRound || this.#options.decidedRound() <= this.#latestRound) return;
    this.#needsUpkeep = true;
    this.#go();
  }

  #go(): void {
    if (!this.#hasBegun || this.#closed) return;
    this.#work ??= this.#run()
      .catch((error: unknown) => this.#options.onError(error instanceof Error ? error : new Error(String(error))))
      .finally(() => {
        this.#work = undefined;
      });
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const boundary = this.#waiting;
      this.#waiting = undefined;
      if (boundary !== undefined) await this.#write(boundary);
      else if (!this.#needsUpkeep) return;
      this.#needsUpkeep = false;
      await this.#noteCertificates();
      await this.#rebase();
      await this.#prune();
      this.#options.onChanged();
    }
  }

  async #write({ summary, summaryBytes, chunks, local, input }: Boundary): Promise<void> {
    const { storage } = this.#options;
    for (let start = 0; start < chunks.length; start += CHUNKS_PER_PUT)
      await storage.putChunks(chunks.slice(start, start + CHUNKS_PER_PUT));
    const chunkHashes = concat(...chunks.map(({ hash }) => hash));
    const certificate = this.#certificates.get(summary.round);
    await storage.putCheckpoint({
      round: summary.round,
      summary: summaryBytes,
      chunkHashes,
      input,
      local,
      certificate,
    });
    this.#latestRound = summary.round;
  }

  async #noteCertificates(): Promise<void> {
    const { storage } = this.#options;
    for (const [round, certificate] of this.#certificates) {
      const record = storage.checkpoint(round);
      if (record !== undefined && record.certificate === undefined)
        await storage.putCheckpoint({ ...record, certificate });
      // One without a record may still be written, unless a later one is.
      if (record !== undefined || round <= this.#latestRound) this.#certificates.delete(round);
    }
  }

  async #rebase(): Promise<void> {
    const decided = this.#options.decidedRound();
    const next = this.#options.storage.checkpoints().findLast(({ round }) => round < decided);
    if (next === undefined || next.round <= this.#baseRound) return;
    await this.#options.settled();
    await this.#options.storage.rebase(next.round, this.#batchesBefore(next.round));
    this.#baseRound = next.round;
  }

  async #prune(): Promise<void> {
    const certified = certifiedOf(this.#options.storage);
    this.#certifiedRound = certified.at(-1)?.round ?? 0;
    const oldest = certified.at(-KEPT_CERTIFIED);
    if (oldest === undefined) return;
    const round = Math.min(oldest.round, this.#baseRound);
    const ledgerUpTo = this.#options.forgetsLedger && round === oldest.round ? sequenceOf(oldest) : 0;
    const keepChunks = this.#options.keepChunks();
    await this.#options.storage.prune({
      checkpointsBelow: round,
      keepChunks,
      proofsUpTo: round,
      ledgerUpTo,
      batches: this.#batchesBefore(round),
    });
  }

  /** Batches that were ordered up to `round`, of which there is a checkpoint. */
  #batchesBefore(round: number): OrderedLanes {
    const { storage, channel } = this.#options;
    const hash = storage.checkpoint(round)?.chunkHashes.subarray(HASH_BYTES, 2 * HASH_BYTES);
    const second = hash?.length === HASH_BYTES ? storage.chunk(hash) : undefined;
    return lanesUpTo(channel, cutIn(second));
  }

  /** The state is another one now, which was fetched and made the base. */
  installed(round: number): void {
    this.#waiting = undefined;
    this.#certificates.clear();
    this.#baseRound = round;
    this.#latestRound = round;
    this.#certifiedRound = round;
    this.#options.onChanged();
  }

  /** What is under way, if anything. */
  async idle(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.idle();
  }
}

/** Those that a quorum has certified, ascending. */
export function certifiedOf(storage: Pick<Storage, "checkpoints">): readonly CheckpointRecord[] {
  return storage.checkpoints().filter(({ certificate }) => certificate !== undefined);
}

function sequenceOf({ summary, round }: CheckpointRecord): number {
  const decoded = decodeSummary(summary);
  if (!decoded.ok) throw new Error(`the checkpoint of round ${round} in the store is damaged: ${decoded.error}`);
  return decoded.value.sequence;
}
