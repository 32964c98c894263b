/**
 * Inputs that wait for the engine, in one line for each source: a peer, or all clients of this replica. Each commit takes a
 * little of every line, so that a source that floods delays what others say by its part of one commit, not by all it has said.
 */
import type { PartyId } from "../core/party-set.js";

/** Inputs of one source in one group commit. */
const MAX_BATCH_INPUTS = 64;
/** Their bytes; a single larger input is let through. */
const MAX_BATCH_BYTES = 256 * 1024;

export interface Queued {
  /** The peer; undefined for clients. */
  readonly from: PartyId | undefined;
  readonly sizeBytes: number;
}

export class InputQueue<Item extends Queued> {
  /** No line is empty. Those of a source leave in the order in which they came. */
  readonly #lines = new Map<PartyId | undefined, Item[]>();

  get isEmpty(): boolean {
    return this.#lines.size === 0;
  }

  /** Inputs of `from` that wait. */
  count(from: PartyId | undefined): number {
    return this.#lines.get(from)?.length ?? 0;
  }

  push(item: Item): void {
    const line = this.#lines.get(item.from);
    if (line === undefined) this.#lines.set(item.from, [item]);
    else line.push(item);
  }

  /** The inputs of the next commit: at least one of each source that has any. */
  take(): Item[] {
    const batch: Item[] = [];
    for (const [from, line] of this.#lines) {
      let count = 0;
      let sizeBytes = 0;
      for (const item of line) {
        sizeBytes += item.sizeBytes;
        if (count > 0 && (count === MAX_BATCH_INPUTS || sizeBytes > MAX_BATCH_BYTES)) break;
        count++;
      }
      batch.push(...line.splice(0, count));
      if (line.length === 0) this.#lines.delete(from);
    }
    return batch;
  }
}
