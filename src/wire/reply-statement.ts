/** What the group signs for a client that wants proof of a reply, of a service that says nothing else. */
import { concat, utf8 } from "../core/bytes.js";
import { type Value, bytes, encode, fixedBytes, struct, u32, u64 } from "../core/codec.js";
import { serviceNameCodec, sessionCodec } from "./payload.js";

const repliedCodec = struct({
  cluster: fixedBytes(32),
  /** Raw Ed25519 public key of who asked. */
  client: fixedBytes(32),
  session: sessionCodec,
  number: u32,
  sequence: u64,
  round: u64,
  service: serviceNameCodec,
  reply: bytes(64 * 1024),
});
export type Replied = Value<typeof repliedCodec>;

/** A fixed domain line, then the fields. @throws EncodeError when a field is out of its bounds */
export function replyStatement(replied: Replied): Uint8Array {
  return concat(utf8("abcast/2 reply\n"), encode(repliedCodec, replied));
}
