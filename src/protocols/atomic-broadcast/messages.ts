/** Messages of atomic broadcast with payloads inline, and bounds of its configuration. */
import { type Value, atMost, bytes, encode, list, struct, u32, u64, u8 } from "../../core/codec.js";
import { MAX_PARTIES } from "../../core/party-set.js";
import { MAX_SIGNATURE_BYTES } from "../../core/suite.js";
import { MAX_MESSAGE_BYTES } from "../consistent-broadcast/index.js";

/** Bounds that hold whatever the configuration says. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;
/** Of payloads in queue entries, of which one message has as many as there are parties. */
export const MAX_INLINE_PAYLOAD_BYTES = 64 * 1024;
export const MAX_ENTRY_PAYLOADS = 4096;

const payloadList = list(bytes(MAX_INLINE_PAYLOAD_BYTES), MAX_ENTRY_PAYLOADS);

/** What σ_i signs: the portion, and what the party's clock showed, in milliseconds since 1970; 0 when it has none. */
const entryBodyCodec = struct({ clock: u64, payloads: payloadList });
export type EntryContent = Value<typeof entryBodyCodec>;

/** One party's signed portion of its queue: "q_i" and "σ_i" of the source. */
export const queueEntryCodec = struct({ clock: u64, payloads: payloadList, signature: bytes(MAX_SIGNATURE_BYTES) });
export type QueueEntry = Value<typeof queueEntryCodec>;

/** QV and SV of the source: the value that is agreed on. Ascending parties. */
export const queueVectorCodec = list(
  struct({
    party: atMost(u8, MAX_PARTIES - 1),
    clock: u64,
    payloads: payloadList,
    signature: bytes(MAX_SIGNATURE_BYTES),
  }),
  MAX_PARTIES,
);
export type QueueVector = Value<typeof queueVectorCodec>;

export const QUEUE = "queue";

/** The body of the statement that σ_i signs; the tag in the statement names the round. */
export function entryBody(content: EntryContent): Uint8Array {
  return encode(entryBodyCodec, content);
}

/** The bytes that a payload takes in an entry: its length prefix and itself. */
export function entryBytes(payload: Uint8Array): number {
  return 4 + payload.length;
}

export const DISSEMINATIONS = ["inline", "certified"] as const;
/** Payloads travel in queue entries and proposals, or in certified batches of which agreement orders the heights only. */
export type DisseminationMode = (typeof DISSEMINATIONS)[number];
/** Of new clusters and of simulated ones, unless they are told otherwise. */
export const DEFAULT_DISSEMINATION: DisseminationMode = "certified";

/** The greatest payload that is ordered. */
export function greatestPayloadBytes(dissemination: DisseminationMode): number {
  return dissemination === "inline" ? MAX_INLINE_PAYLOAD_BYTES : MAX_PAYLOAD_BYTES;
}

/**
 * What a payload counts as, where it is payloads that wait which are counted: one for each 64 KiB that it begins. So a bound on their number
 * bounds their bytes.
 */
export function weightOf(payloadBytes: number): number {
  return Math.max(1, Math.ceil(payloadBytes / MAX_INLINE_PAYLOAD_BYTES));
}

/** So that a vector with a certificate for each lane can be broadcast, also where certificates are lists of signatures. */
export const MAX_LANES = 128;

/** c: so many entries, or those of any quorum. */
export type VectorSize = number | "quorum";

/** The most entries that a vector of `n` parties' can have. */
export function greatestVector(vectorSize: VectorSize, n: number): number {
  return vectorSize === "quorum" ? n : vectorSize;
}

/** The bound on an entry's payloads such that `vectorSize` entries make a value that can be broadcast. */
export function greatestEntryBytes(vectorSize: number): number {
  return Math.floor(MAX_MESSAGE_BYTES / vectorSize) - 1024;
}

/** The greatest c for which an entry has room for any one payload. */
export const MAX_VECTOR_SIZE = Math.floor(
  MAX_MESSAGE_BYTES / (entryBytes(new Uint8Array(MAX_INLINE_PAYLOAD_BYTES)) + 1024),
);

/** A codec for instances that have no messages of their own; its values cannot exist on the wire. */
export const noMessage = struct({ impossible: atMost(u32, -1) });
