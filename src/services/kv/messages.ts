/** What clients ask of the map, and what it answers: as values and as bytes. */
import { decode, type Decoded, encode, EncodeError, list, refine, struct, u32, u64, union } from "../../core/codec.js";
import type { Value } from "../../core/codec.js";
import { MAX_OPERATION_BYTES } from "../service.js";
import { boundCodec, entryCodec, keyCodec, PAGE_BYTES, valueCodec } from "./page.js";

/** What must hold of a key for a write to it to happen. */
const conditionCodec = union({
  none: struct({}),
  absent: struct({}),
  /** It was last written by the operation with this sequence number. */
  version: struct({ version: u64 }),
  value: struct({ value: valueCodec }),
});
export type KvCondition = Value<typeof conditionCodec>;

const operationCodec = union({
  get: struct({ key: keyCodec }),
  /** With a condition, compare-and-swap. */
  put: struct({ key: keyCodec, condition: conditionCodec, value: valueCodec }),
  delete: struct({ key: keyCodec, condition: conditionCodec }),
});
export type KvOperation = Value<typeof operationCodec>;

const absent = struct({});
const present = struct({
  /** The sequence number of the operation that wrote it. */
  version: u64,
  value: valueCodec,
});
const currentCodec = union({ absent, present });
export type KvCurrent = Value<typeof currentCodec>;

const replyCodec = union({
  /** To get; and to delete, when there was nothing to delete. */
  absent,
  /** To get. */
  present,
  /** To put: `version` is the operation's own. */
  written: struct({ version: u64 }),
  /** To delete: `version` is of what was there. */
  deleted: struct({ version: u64 }),
  /** The condition does not hold; nothing was changed. */
  conflict: struct({ current: currentCodec }),
  /** To put: the state would have more than MAX_STATE_BYTES; nothing was changed. */
  full: struct({}),
  /** What was asked is no operation. */
  malformed: struct({}),
});
export type KvReply = Value<typeof replyCodec>;

const limitCodec = refine(u32, (limit) => (limit > 0 ? undefined : "a limit of 0"));

const queryCodec = union({
  get: struct({ key: keyCodec }),
  /** Entries with keys from this one on (no bytes: from the first), as many as one page has, at most `limit`. */
  range: struct({ from: boundCodec, limit: limitCodec }),
});
export type KvQuery = Value<typeof queryCodec>;

const answerCodec = union({
  absent,
  present,
  /** All entries from the asked key to before `next`, where to go on; no bytes: there are no more. May be empty before the end. */
  entries: struct({ entries: list(entryCodec, PAGE_BYTES), next: boundCodec }),
  /** What was asked is no query. */
  malformed: struct({}),
});
export type KvAnswer = Value<typeof answerCodec>;

/** @throws EncodeError when a field, or with a value as condition the whole, is out of its bounds */
export function encodeKvOperation(operation: KvOperation): Uint8Array {
  const bytes = encode(operationCodec, operation);
  if (bytes.length > MAX_OPERATION_BYTES) {
    throw new EncodeError(`an operation of ${bytes.length} bytes above the bound of ${MAX_OPERATION_BYTES}`);
  }
  return bytes;
}

/** Total and canonical, as all decoders here; what is decoded has views of `bytes`, not copies. */
export function decodeKvOperation(bytes: Uint8Array): Decoded<KvOperation> {
  if (bytes.length > MAX_OPERATION_BYTES) {
    return { ok: false, error: `${bytes.length} bytes above the bound of ${MAX_OPERATION_BYTES}` };
  }
  return decode(operationCodec, bytes);
}

export function encodeKvReply(reply: KvReply): Uint8Array {
  return encode(replyCodec, reply);
}

export function decodeKvReply(bytes: Uint8Array): Decoded<KvReply> {
  return decode(replyCodec, bytes);
}

/** @throws EncodeError when a field is out of its bounds */
export function encodeKvQuery(query: KvQuery): Uint8Array {
  return encode(queryCodec, query);
}

export function decodeKvQuery(bytes: Uint8Array): Decoded<KvQuery> {
  return decode(queryCodec, bytes);
}

export function encodeKvAnswer(answer: KvAnswer): Uint8Array {
  return encode(answerCodec, answer);
}

export function decodeKvAnswer(bytes: Uint8Array): Decoded<KvAnswer> {
  return decode(answerCodec, bytes);
}
