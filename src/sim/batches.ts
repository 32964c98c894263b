/** What a simulated party keeps of batches of one channel, and what it has asked for. */
import { toHex } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import type { BatchName } from "../core/protocol.js";

export interface Wanted {
  readonly name: BatchName;
  readonly of: readonly PartyId[];
}

export class Batches {
  readonly #kept = new Map<string, Uint8Array>();
  /** Volatile. */
  readonly #wanted = new Map<string, Wanted>();

  get(name: BatchName): Uint8Array | undefined {
    return this.#kept.get(keyOf(name));
  }

  keep(name: BatchName, bytes: Uint8Array): void {
    this.#kept.set(keyOf(name), bytes);
    this.#wanted.delete(keyOf(name));
  }

  want(name: BatchName, of: readonly PartyId[]): void {
    this.#wanted.set(keyOf(name), { name, of });
  }

  wants(name: BatchName): boolean {
    return this.#wanted.has(keyOf(name));
  }

  get wanted(): readonly Wanted[] {
    return [...this.#wanted.values()];
  }

  restart(): void {
    this.#wanted.clear();
  }
}

function keyOf({ lane, height, digest }: BatchName): string {
  return `${lane}/${height}/${toHex(digest)}`;
}
