/** Answers queries from the latest certified checkpoint, with what proves the answer to who has the cluster's public keys. */
import type { Service } from "../services/service.js";
import { type ChunkTree, chunkTree } from "./checkpoint-summary.js";
import type { ChunkProof } from "./desk/index.js";
import { answerFromChunk } from "./machine/index.js";
import type { CheckpointRecord } from "./storage.js";

const HASH_BYTES = 32;

export interface CheckpointProofsOptions {
  hash(bytes: Uint8Array): Uint8Array;
  /** The latest that has a certificate. */
  certified(): CheckpointRecord | undefined;
  /** By its SHA-256. */
  chunk(hash: Uint8Array): Uint8Array | undefined;
  service(name: string): Service | undefined;
}

interface Prepared {
  readonly round: number;
  readonly hashes: readonly Uint8Array[];
  readonly tree: ChunkTree;
}

export class CheckpointProofs {
  readonly #options: CheckpointProofsOptions;
  /** Of one checkpoint: its tree costs a hash for each chunk, a path then a few. */
  #prepared: Prepared | undefined;

  constructor(options: CheckpointProofsOptions) {
    this.#options = options;
  }

  /** Undefined when there is no certified checkpoint, or no chunk of it answers. */
  prove(serviceName: string, query: Uint8Array): ChunkProof | undefined {
    const record = this.#options.certified();
    const service = this.#options.service(serviceName);
    if (record?.certificate === undefined || service === undefined) return undefined;
    const { hashes, tree } = this.#prepare(record);
    // The chunks are in the order of services, and in that of each service's own.
    let [from, to] = [0, hashes.length];
    while (from < to) {
      const index = Math.floor((from + to) / 2);
      const chunk = this.#options.chunk(hashes[index] ?? new Uint8Array());
      // Pruned, or damaged: the storage has said so.
      if (chunk === undefined) return undefined;
      const answer = answerFromChunk(chunk, serviceName, service, query);
      if (answer === undefined) return undefined;
      if (answer === "before") to = index;
      else if (answer === "after") from = index + 1;
      else {
        const { summary, certificate } = record;
        return { summary, certificate, index, chunk, path: tree.path(index) };
      }
    }
    return undefined;
  }

  #prepare({ round, chunkHashes }: CheckpointRecord): Prepared {
    if (this.#prepared?.round === round) return this.#prepared;
    const hashes = Array.from({ length: chunkHashes.length / HASH_BYTES }, (_, index) =>
      chunkHashes.subarray(index * HASH_BYTES, (index + 1) * HASH_BYTES),
    );
    return (this.#prepared = { round, hashes, tree: chunkTree(hashes, (bytes) => this.#options.hash(bytes)) });
  }
}
