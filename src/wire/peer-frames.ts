/**
 * Frames between replicas. Each replica dials every other and says its own messages on the connection that it dialled;
 * what comes back on it is control. A connection starts with `hello` and `welcome`.
 *
 *   dialler → acceptor   hello, message, repeated
 *   acceptor → dialler   welcome, askProofs, askRepeat
 */
import { type Value, fixedBytes, list, struct, u32, u64, union } from "../core/codec.js";
import { MAX_BODY_BYTES, envelopeCodec } from "../core/envelope.js";
import { tagCodec } from "../core/tag.js";

export const PEER_PROTOCOL_VERSION = 1;
export const MAX_CHANNELS = 64;

/** Envelope and frame overhead are below 1 KiB. */
export const MAX_PEER_FRAME_BYTES = MAX_BODY_BYTES + 1024;

const position = struct({ channel: tagCodec, round: u64 });

export const peerFrameCodec = union({
  /** `epoch` is random per process: message numbers count from 1 in each. */
  hello: struct({ version: u32, cluster: fixedBytes(32), epoch: fixedBytes(16) }),
  /** The greatest message number received in that epoch (0: none), and the acceptor's round in each channel. */
  welcome: struct({ resumeAfter: u64, positions: list(position, MAX_CHANNELS) }),
  /** `number` 0 is a proof from the archive, outside the order of messages. */
  message: struct({ number: u64, envelope: envelopeCodec }),
  /** "Send the proofs of decided rounds from this one on." */
  askProofs: position,
  /** "Send all live messages again, also those that you have sent." `ask` counts the requests. */
  askRepeat: struct({ ask: u64 }),
  /** All that was live when this request came has been sent again. */
  repeated: struct({ ask: u64 }),
});

export type PeerFrame = Value<typeof peerFrameCodec>;
