/**
 * Keys that clients have brought: who holds one acts under it, whichever client carries its commands. They stay for ever: what a key has
 * signed must never be new again.
 */
import { equalBytes, toHex } from "../../core/bytes.js";
import { type Value, list, struct, u32, u64 } from "../../core/codec.js";
import { comparableName, keyNameCodec } from "./key-name.js";
import type { Refusal } from "./messages.js";
import { keyCodec } from "./terms.js";

/** In all. */
export const MAX_KEYS = 4096;
/** Keys that one client has brought, so that no client takes all the room. */
export const MAX_KEYS_PER_SPONSOR = 256;

const KEYS_PER_CHUNK = 256;

const registeredKeyCodec = struct({
  key: keyCodec,
  name: keyNameCodec,
  /** The client that brought it. */
  sponsor: keyCodec,
  /** Where in the log. */
  sequence: u64,
  /** The number of its last command; 0: it had none. */
  last: u32,
});
export type RegisteredKey = Value<typeof registeredKeyCodec>;

/** For a snapshot. */
export const keysChunk = struct({ keys: list(registeredKeyCodec, KEYS_PER_CHUNK) });

export class Registry {
  /** By key in hexadecimal, in order of registration. */
  readonly #keys = new Map<string, RegisteredKey>();
  /** As they are compared. */
  readonly #names = new Set<string>();
  /** How many each sponsor has brought. */
  readonly #brought = new Map<string, number>();

  get(key: Uint8Array): RegisteredKey | undefined {
    return this.#keys.get(toHex(key));
  }

  /** In order of registration. */
  get keys(): readonly RegisteredKey[] {
    return [...this.#keys.values()];
  }

  /** Whether one client has brought both. */
  haveOneSponsor(key: Uint8Array, other: Uint8Array): boolean {
    const [one, two] = [this.get(key), this.get(other)];
    return one !== undefined && two !== undefined && equalBytes(one.sponsor, two.sponsor);
  }

  /** Why the key cannot be taken. */
  refusalOf({ key, name, sponsor }: Pick<RegisteredKey, "key" | "name" | "sponsor">): Refusal | undefined {
    if (this.#keys.has(toHex(key))) return "known-key";
    if (this.#names.has(comparableName(name))) return "name-taken";
    if (this.#keys.size >= MAX_KEYS) return "full";
    return (this.#brought.get(toHex(sponsor)) ?? 0) >= MAX_KEYS_PER_SPONSOR ? "full" : undefined;
  }

  /** One that is not refused. The bytes are copied. */
  add({ key, name, sponsor, sequence, last }: RegisteredKey): void {
    const by = toHex(sponsor);
    this.#keys.set(toHex(key), { key: key.slice(), name, sponsor: sponsor.slice(), sequence, last });
    this.#names.add(comparableName(name));
    this.#brought.set(by, (this.#brought.get(by) ?? 0) + 1);
  }

  /** A command of the key with this number was ordered. */
  use(registered: RegisteredKey, number: number): void {
    this.#keys.set(toHex(registered.key), { ...registered, last: number });
  }

  /** For a snapshot: all but the last are full. */
  *chunks(): Generator<Value<typeof keysChunk>> {
    const { keys } = this;
    for (let from = 0; from < keys.length; from += KEYS_PER_CHUNK)
      yield { keys: keys.slice(from, from + KEYS_PER_CHUNK) };
  }
}
