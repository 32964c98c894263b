/**
 * Frames between replicas. Each replica dials every other and says its own messages on the connection that it dialled;
 * what comes back on it is control. A connection starts with `hello` and `welcome`.
 *
 *   dialler → acceptor   hello, message, askProofs, askRepeat, relay
 *   acceptor → dialler   welcome, heard
 *
 * Inside a `relay`, encrypted from end to end, is one of message, askProofs, askRepeat, heard.
 */
import { type Value, bytes, fixedBytes, list, struct, u32, u64, u8, union } from "../core/codec.js";
import { MAX_BODY_BYTES, envelopeCodec } from "../core/envelope.js";
import { RELAY_SIGNATURE_BYTES } from "../core/relay-keys.js";
import { tagCodec } from "../core/tag.js";

export const PEER_PROTOCOL_VERSION = 2;
export const MAX_CHANNELS = 64;

/** Envelope and frame overhead, also in a relay, are below 1 KiB. */
export const MAX_PEER_FRAME_BYTES = MAX_BODY_BYTES + 1024;

const position = { channel: tagCodec, round: u64 };

/** Items are numbered from 1 in each run of the speaker. `after`: hear it when all up to this number has been heard. */
const item = { number: u64, after: u64 };

/** What names a relayed frame: `number` counts what `origin` has relayed to `to` in its run, each attempt anew. */
const relayHeader = { origin: u8, to: u8, run: u64, number: u64 };
export const relayHeaderCodec = struct({ cluster: fixedBytes(32), ...relayHeader });

const sealed = bytes(MAX_BODY_BYTES + 512);
/** What `origin` signs. */
export const relayStatementCodec = struct({ header: relayHeaderCodec, sealed });

export const peerFrameCodec = union({
  /** `run` numbers the starts of the speaker, upwards. */
  hello: struct({ version: u32, cluster: fixedBytes(32), run: u64 }),
  /** Up to which item the acceptor has heard in that run (0: none), and its round in each channel. */
  welcome: struct({ resumeAfter: u64, positions: list(struct(position), MAX_CHANNELS) }),
  message: struct({ ...item, envelope: envelopeCodec }),
  /** "Send the proofs of decided rounds from this one on." */
  askProofs: struct({ ...item, ...position }),
  /** "Send all live messages again, also those that you have sent." */
  askRepeat: struct(item),
  /** All items of that run up to this number are durable here, or were not needed. */
  heard: struct({ run: u64, upTo: u64 }),
  /** `sealed` is for `to` alone: the header again, and a frame. */
  relay: struct({ ...relayHeader, sealed, signature: fixedBytes(RELAY_SIGNATURE_BYTES) }),
});

export type PeerFrame = Value<typeof peerFrameCodec>;
/** What one party says to another, each once. */
export type Item = Extract<PeerFrame, { readonly after: number }>;
export type Heard = Extract<PeerFrame, { readonly kind: "heard" }>;
export type Relayed = Extract<PeerFrame, { readonly kind: "relay" }>;

export function isItem(frame: PeerFrame): frame is Item {
  return "after" in frame;
}
