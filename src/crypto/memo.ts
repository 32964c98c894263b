/**
 * A bounded memory of what has been verified. Verification is a pure function, so remembering it only
 * saves time: forgetting, or never asking, changes no result. Only successes are kept: a peer could
 * fill the memory with failures, and a failure ends the sender's credit anyway.
 */
import { type Domain, sha256Key, u32Bytes } from "./hashing.js";

export class VerificationMemo {
  readonly #generationSize: number;
  #young = new Set<string>();
  #old = new Set<string>();

  /** Keeps at most `maxEntries` (>= 2) results. @throws RangeError on fewer. */
  constructor(maxEntries: number) {
    if (!Number.isInteger(maxEntries) || maxEntries < 2) throw new RangeError(`memo of ${maxEntries} entries`);
    this.#generationSize = Math.floor(maxEntries / 2);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** `verify()`, or true at once when it was true for the same arguments before. */
  check(domain: Domain, party: number, statement: Uint8Array, proof: Uint8Array, verify: () => boolean): boolean {
    const key = keyOf(domain, party, statement, proof);
    if (this.#young.has(key)) return true;
    const known = this.#old.has(key);
    if (!known && !verify()) return false;
    this.#remember(key);
    return true;
  }

  /** `check` would be true: this party has made `proof` itself. */
  note(domain: Domain, party: number, statement: Uint8Array, proof: Uint8Array): void {
    const key = keyOf(domain, party, statement, proof);
    if (!this.#young.has(key)) this.#remember(key);
  }

  /** Two generations: cheap, and what is asked for again survives. */
  #remember(key: string): void {
    if (this.#young.size >= this.#generationSize) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#old.delete(key);
    this.#young.add(key);
  }
}

/** A hash and not the bytes: entries have one size, so counting them bounds the memory. */
function keyOf(domain: Domain, party: number, statement: Uint8Array, proof: Uint8Array): string {
  return sha256Key(domain, u32Bytes(party), statement, proof);
}
