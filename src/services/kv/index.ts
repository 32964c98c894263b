/** The key-value service. */
export { createKv } from "./kv.js";
export {
  decodeKvAnswer,
  decodeKvOperation,
  decodeKvQuery,
  decodeKvReply,
  encodeKvAnswer,
  encodeKvOperation,
  encodeKvQuery,
  encodeKvReply,
  type KvAnswer,
  type KvCondition,
  type KvCurrent,
  type KvOperation,
  type KvQuery,
  type KvReply,
} from "./messages.js";
export { type Entry as KvEntry, JOIN_BYTES, MAX_KEY_BYTES, MAX_VALUE_BYTES, PAGE_BYTES } from "./page.js";
export { ENTRY_OVERHEAD_BYTES, MAX_STATE_BYTES } from "./pages.js";
