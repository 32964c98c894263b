/**
 * What a replica has for those who lack something: batches; proofs of decided rounds, and before these the latest certified checkpoint
 * with its chunks. The trees over chunks are kept for the checkpoints that are certified, so that a chunk costs one read and a path.
 */
import type { Envelope } from "../core/envelope.js";
import type { Hash } from "../core/merkle.js";
import type { BatchName } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import type { Archive, CheckpointOffer, ServedChunk } from "../relay/serving.js";
import { archivedProof } from "./archived-proof.js";
import { type ChunkTree, chunkTree } from "./checkpoint-summary.js";
import type { CheckpointRecord, Storage } from "./storage.js";

const HASH_BYTES = 32;

export interface CheckpointArchiveOptions {
  readonly channel: Tag;
  readonly storage: Pick<Storage, "proof" | "checkpoints" | "chunk" | "batch">;
  readonly hash: Hash;
  /** The first round of which the proof is kept; undefined when none is. */
  oldestProof(): number | undefined;
}

interface Kept {
  readonly offer: CheckpointOffer;
  readonly hashes: readonly Uint8Array[];
  tree: ChunkTree | undefined;
}

export class CheckpointArchive implements Archive {
  readonly #options: CheckpointArchiveOptions;
  /** By round, ascending; certified ones only. */
  #kept = new Map<number, Kept>();

  constructor(options: CheckpointArchiveOptions) {
    this.#options = options;
    this.refresh();
  }

  /** To be called when a checkpoint was put, certified or pruned. */
  refresh(): void {
    const kept = this.#options.storage.checkpoints().map((record) => this.#keep(record));
    this.#kept = new Map(kept.filter((one) => one !== undefined).map((one) => [one.offer.round, one]));
  }

  #keep({ round, summary, certificate, chunkHashes }: CheckpointRecord): Kept | undefined {
    if (certificate === undefined) return undefined;
    const hashes = Array.from({ length: chunkHashes.length / HASH_BYTES }, (_, index) =>
      chunkHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
    );
    return this.#kept.get(round) ?? { offer: { round, summary, certificate }, hashes, tree: undefined };
  }

  /** The latest certified checkpoint. */
  latest(): CheckpointOffer | undefined {
    return this.offer(this.#options.channel);
  }

  /** A chunk of a certified checkpoint. */
  chunkAt(round: number, index: number): ServedChunk | undefined {
    return this.chunk(this.#options.channel, round, index);
  }

  proof(channel: Tag, round: number): Envelope {
    return archivedProof(this.#options.storage, channel, round);
  }

  oldestProof(channel: Tag): number | undefined {
    return channel === this.#options.channel ? this.#options.oldestProof() : undefined;
  }

  offer(channel: Tag): CheckpointOffer | undefined {
    return channel === this.#options.channel ? [...this.#kept.values()].at(-1)?.offer : undefined;
  }

  chunk(channel: Tag, round: number, index: number): ServedChunk | undefined {
    const kept = channel === this.#options.channel ? this.#kept.get(round) : undefined;
    const hash = kept?.hashes[index];
    if (kept === undefined || hash === undefined) return undefined;
    const bytes = this.#options.storage.chunk(hash);
    if (bytes === undefined) return undefined;
    kept.tree ??= chunkTree(kept.hashes, this.#options.hash);
    return { bytes, path: kept.tree.path(index) };
  }

  batch(channel: Tag, name: BatchName): Uint8Array | undefined {
    return this.#options.storage.batch(channel, name);
  }
}
