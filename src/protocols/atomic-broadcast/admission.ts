/** Which payloads may be ordered, each at most once: the record of the log d, as the host has it. */
import { toHex } from "../../core/bytes.js";
import { type Decoded, decode, encode, fixedBytes, list } from "../../core/codec.js";

/** Of two parties that have delivered the same, the same; `deliver` is all that changes it. */
export interface Admission {
  /**
   * The identity of a payload that may be valid in some state; undefined: never. Pure, and asked often. Of payloads with one
   * identity one at most is delivered.
   */
  identify(payload: Uint8Array): string | undefined;
  /** A collision-resistant hash of a payload, the same at all parties; of replicas its SHA-256. */
  digest(payload: Uint8Array): Uint8Array;
  /** Whether a payload with this identity may be delivered now: none was, and none is refused by what was. */
  isOpen(id: string): boolean;
  /** In the order of delivery. */
  deliver(id: string, payload: Uint8Array): void;
  /** All of it, canonical. */
  snapshot(): Uint8Array;
}

export interface DigestAdmissionOptions {
  hash(bytes: Uint8Array): Uint8Array;
  isValid(payload: Uint8Array): boolean;
  /** Of an earlier one; nothing was delivered, unless given. */
  readonly snapshot?: Uint8Array | undefined;
}

/** Payloads of which it is remembered that they are valid. */
export const MAX_REMEMBERED_PAYLOADS = 65_536;

const MAX_LIST = 0xffff_ffff;
const snapshotCodec = list(fixedBytes(32), MAX_LIST);

/** A snapshot that is none. */
export class AdmissionError extends Error {
  override readonly name = "AdmissionError";
}

/** Any valid payload once: the digest is the identity, and the digests of all that was delivered are kept for ever. */
export function digestAdmission(options: DigestAdmissionOptions): Admission {
  return new DigestAdmission(options);
}

class DigestAdmission implements Admission {
  readonly #options: DigestAdmissionOptions;
  /** In the order of delivery, which is the same everywhere. */
  readonly #delivered = new Map<string, Uint8Array>();
  readonly #valid = new Set<string>();

  constructor(options: DigestAdmissionOptions) {
    this.#options = options;
    if (options.snapshot === undefined) return;
    const digests: Decoded<readonly Uint8Array[]> = decode(snapshotCodec, options.snapshot);
    if (!digests.ok) throw new AdmissionError(`malformed snapshot of an admission: ${digests.error}`);
    for (const digest of digests.value) this.#delivered.set(toHex(digest), digest);
    if (this.#delivered.size < digests.value.length) throw new AdmissionError("a payload was delivered twice");
  }

  identify(payload: Uint8Array): string | undefined {
    const id = toHex(this.#options.hash(payload));
    if (this.#valid.has(id) || this.#delivered.has(id)) return id;
    if (!this.#options.isValid(payload)) return undefined;
    if (this.#valid.size >= MAX_REMEMBERED_PAYLOADS) this.#valid.clear();
    this.#valid.add(id);
    return id;
  }

  digest(payload: Uint8Array): Uint8Array {
    return this.#options.hash(payload);
  }

  isOpen(id: string): boolean {
    return !this.#delivered.has(id);
  }

  deliver(id: string, payload: Uint8Array): void {
    this.#valid.delete(id);
    this.#delivered.set(id, this.#options.hash(payload));
  }

  snapshot(): Uint8Array {
    return encode(snapshotCodec, [...this.#delivered.values()]);
  }
}
