/**
 * Inputs that wait for the engine, in one line for each source and kind: what a peer says promptly, its bulk, what it relays, and
 * what all clients of this replica say. Each commit takes a little of every line, so that a source that floods delays what others say
 * by its part of one commit, not by all it has said; and nobody's batches delay votes by more than that. Bulk comes last in a commit.
 */
import type { PartyId } from "../core/party-set.js";
import { weightOf } from "../protocols/index.js";

/** Inputs of one line in one group commit. */
const MAX_COMMIT_INPUTS = 64;
/** Their bytes; a single larger input is let through. */
const MAX_COMMIT_BYTES = 256 * 1024;

export interface Queued {
  /** The peer; undefined for clients. */
  readonly from: PartyId | undefined;
  readonly line: "own" | "prompt" | "relay" | "bulk";
  readonly sizeBytes: number;
}

export class InputQueue<Item extends Queued> {
  /** No line is empty. Those of a line leave in the order in which they came. */
  readonly #lines = { small: new Map<string, Item[]>(), bulk: new Map<string, Item[]>() };
  #clients = 0;
  #clientWeight = 0;

  get isEmpty(): boolean {
    return this.#lines.small.size === 0 && this.#lines.bulk.size === 0;
  }

  /** Inputs of clients that wait. */
  get clientCount(): number {
    return this.#clients;
  }

  /** What they count as (`weightOf`). */
  get clientWeight(): number {
    return this.#clientWeight;
  }

  push(item: Item): void {
    const { from, line } = item;
    const lines = line === "bulk" ? this.#lines.bulk : this.#lines.small;
    const key = from === undefined ? "" : `${line} ${from}`;
    const waiting = lines.get(key);
    if (waiting === undefined) lines.set(key, [item]);
    else waiting.push(item);
    if (from === undefined) this.#count(item, 1);
  }

  /** The inputs of the next commit: at least one of each line that has any. */
  take(): Item[] {
    const batch: Item[] = [];
    for (const lines of [this.#lines.small, this.#lines.bulk]) {
      for (const [key, line] of lines) {
        const count = portionOf(line);
        batch.push(...line.splice(0, count));
        if (line.length === 0) lines.delete(key);
      }
    }
    for (const item of batch) if (item.from === undefined) this.#count(item, -1);
    return batch;
  }

  #count({ sizeBytes }: Item, sign: 1 | -1): void {
    this.#clients += sign;
    this.#clientWeight += sign * weightOf(sizeBytes);
  }
}

/** How many of a line's first may go into one commit. */
function portionOf(line: readonly Queued[]): number {
  let count = 0;
  let sizeBytes = 0;
  for (const item of line) {
    sizeBytes += item.sizeBytes;
    if (count > 0 && (count === MAX_COMMIT_INPUTS || sizeBytes > MAX_COMMIT_BYTES)) break;
    count++;
  }
  return count;
}
