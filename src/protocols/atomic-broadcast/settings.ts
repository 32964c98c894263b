/**
 * What each party may set for itself. Settings are inputs like any other: a replay must meet each message under the
 * settings under which it was first met, or it would sign something else.
 */
import { decode, encode, struct, u32, u64 } from "../../core/codec.js";
import { InvariantError } from "../../core/protocol.js";
import { MAX_BATCH_PAYLOADS, MAX_BATCH_PAYLOAD_BYTES } from "./certified/messages.js";
import { MAX_ENTRY_PAYLOADS, MAX_INLINE_PAYLOAD_BYTES, entryBytes, greatestEntryBytes } from "./messages.js";
import type { QueueLimits } from "./queue.js";

export interface LocalSettings extends QueueLimits {
  /** The signed portion of the own queue, or a batch of the own lane: payloads, and bytes (a single larger payload is let through). */
  readonly maxEntryPayloads: number;
  readonly maxEntryBytes: number;
  /** Messages of the next round that are kept per peer. */
  readonly maxEarlyBytes: number;
  /** In rounds below it this party says and signs nothing; 0: in none. */
  readonly speakFrom: number;
}

export const settingsCodec = struct({
  maxPayloads: u32,
  maxPayloadsPerPeer: u32,
  maxEntryPayloads: u32,
  maxEntryBytes: u32,
  maxEarlyBytes: u32,
  speakFrom: u64,
});

/** @throws EncodeError when a setting is no 32-bit number, or `speakFrom` no round */
export function encodeSettings(settings: LocalSettings): Uint8Array {
  return encode(settingsCodec, settings);
}

/** @throws InvariantError when they are none: they come from this party's own host */
export function decodeSettings(bytes: Uint8Array): LocalSettings {
  const settings = decode(settingsCodec, bytes);
  if (!settings.ok) throw new InvariantError(`malformed settings: ${settings.error}`);
  return settings.value;
}

/** What is wrong with the settings for vectors of up to `vectorSize` entries, or undefined. */
export function settingsProblem(settings: LocalSettings, vectorSize: number): string | undefined {
  const { maxEntryPayloads, maxEntryBytes } = settings;
  const greatest = greatestEntryBytes(vectorSize);
  if (Math.max(maxEntryBytes, entryBytes(new Uint8Array(MAX_INLINE_PAYLOAD_BYTES))) > greatest) {
    return `maxEntryBytes=${maxEntryBytes} exceeds ${greatest}, the bound for c=${vectorSize}`;
  }
  if (maxEntryPayloads < 1 || maxEntryPayloads > MAX_ENTRY_PAYLOADS) {
    return `maxEntryPayloads=${maxEntryPayloads} is not within 1..${MAX_ENTRY_PAYLOADS}`;
  }
  return undefined;
}

/** The same where they are of batches. */
export function batchSettingsProblem({ maxEntryPayloads, maxEntryBytes }: LocalSettings): string | undefined {
  if (maxEntryBytes > MAX_BATCH_PAYLOAD_BYTES)
    return `maxEntryBytes=${maxEntryBytes} exceeds ${MAX_BATCH_PAYLOAD_BYTES}, the bound of a batch`;
  if (maxEntryPayloads >= 1 && maxEntryPayloads <= MAX_BATCH_PAYLOADS) return undefined;
  return `maxEntryPayloads=${maxEntryPayloads} is not within 1..${MAX_BATCH_PAYLOADS}, the bounds of a batch`;
}
