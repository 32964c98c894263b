/** The replies to a request with several operations, as one reply. */
import { type Decoded, bytes, decode, encode, list } from "../core/codec.js";
import { MAX_OPERATIONS } from "./payload.js";

/** As in services/service.ts. */
const MAX_REPLY_BYTES = 64 * 1024;
const LENGTH_BYTES = 4;

const repliesCodec = list(bytes(MAX_REPLY_BYTES), MAX_OPERATIONS);

/**
 * In the order of the operations. All were executed; from the first reply on that finds no room in one reply they are left out,
 * at every replica the same.
 */
export function encodeReplies(replies: readonly Uint8Array[]): Uint8Array {
  let room = MAX_REPLY_BYTES - LENGTH_BYTES;
  const firstLeftOut = replies.findIndex((reply) => (room -= LENGTH_BYTES + reply.length) < 0);
  return encode(repliesCodec, firstLeftOut < 0 ? replies : replies.slice(0, firstLeftOut));
}

/** Whether one more reply of so many bytes would have found room: then none was left out. */
export function hasRoomFor(replyBytes: number, replies: Uint8Array): boolean {
  return replies.length + LENGTH_BYTES + replyBytes <= MAX_REPLY_BYTES;
}

/** Total and canonical. Views of `reply`. */
export function decodeReplies(reply: Uint8Array): Decoded<readonly Uint8Array[]> {
  return decode(repliesCodec, reply);
}
