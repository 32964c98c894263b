/** The group's last signatures, by what they sign: calls that share a statement combine its shares once. */
import { toHex } from "../core/bytes.js";

const MAX_KNOWN_SIGNATURES = 64;

export class KnownSignatures {
  /** By the statement, in hexadecimal: statements that are shared are short. */
  readonly #signatures = new Map<string, Uint8Array>();

  of(statement: Uint8Array): Uint8Array | undefined {
    return this.#signatures.get(toHex(statement));
  }

  /** `signature` was checked. */
  learn(statement: Uint8Array, signature: Uint8Array): void {
    if (this.#signatures.size >= MAX_KNOWN_SIGNATURES) this.#signatures.clear();
    this.#signatures.set(toHex(statement), signature);
  }
}
