/**
 * Frames between replicas. Each replica dials every other and says its own messages on the connection that it dialled;
 * what comes back on it is control. A connection starts with `hello` and `welcome`.
 *
 *   dialler → acceptor   hello, relay, and items: message, askProofs, askRepeat, checkpoint, askChunk, chunk, noChunk, rejoin, askBatch;
 *                        bulk, batch
 *   acceptor → dialler   welcome, heard
 *
 * Items stand in two lines, each numbered, ordered and acknowledged by itself: what carries batches of payloads is bulk, and never
 * delays the rest.
 *
 * Inside a `relay`, encrypted from end to end, is an item or `heard`.
 */
import { type Value, atMost, bytes, fixedBytes, list, struct, u32, u64, u8, union } from "../core/codec.js";
import { MAX_BODY_BYTES, envelopeCodec } from "../core/envelope.js";
import { MAX_PARTIES } from "../core/party-set.js";
import { MAX_BATCH_BYTES } from "../core/protocol.js";
import { RELAY_SIGNATURE_BYTES } from "../core/relay-keys.js";
import { MAX_CERTIFICATE_BYTES } from "../core/suite.js";
import { tagCodec } from "../core/tag.js";

export const PEER_PROTOCOL_VERSION = 6;
export const MAX_CHANNELS = 64;
export const MAX_SUMMARY_BYTES = 256;
/** As in replica/machine/chunks.ts. */
export const MAX_STATE_CHUNK_BYTES = 64 * 1024 + 64;
/** Of more chunks than a u32 counts there is no tree. */
export const MAX_PATH_HASHES = 32;
export const MAX_REJOIN_BYTES = 256;

/** Envelope and frame overhead, also in a relay, are below 1 KiB. */
export const MAX_PEER_FRAME_BYTES = MAX_BODY_BYTES + 1024;

const position = { channel: tagCodec, round: u64 };
/** A chunk of the checkpoint of `round`. */
const place = { ...position, index: u32 };

/** A batch of a lane (`BatchName`) of a channel. */
const batchName = { channel: tagCodec, lane: atMost(u8, MAX_PARTIES - 1), height: u64, digest: fixedBytes(32) };

/** Items of a line are numbered from 1 in each run of the speaker. `after`: hear it when all up to this number has been heard. */
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
  /** Up to which item of either line the acceptor has heard in that run (0: none), and its round in each channel. */
  welcome: struct({ resumeAfter: u64, bulkResumeAfter: u64, positions: list(struct(position), MAX_CHANNELS) }),
  message: struct({ ...item, envelope: envelopeCodec }),
  /** "Send the proofs of decided rounds from this one on." */
  askProofs: struct({ ...item, ...position }),
  /** "Send all live messages again, also those that you have sent." */
  askRepeat: struct(item),
  /** "I have no proofs of the round that you are in. Here is a state that a quorum has certified." */
  checkpoint: struct({
    ...item,
    channel: tagCodec,
    summary: bytes(MAX_SUMMARY_BYTES),
    certificate: bytes(MAX_CERTIFICATE_BYTES),
  }),
  /** "Send this chunk of the checkpoint of this round." */
  askChunk: struct({ ...item, ...place }),
  chunk: struct({
    ...item,
    ...place,
    bytes: bytes(MAX_STATE_CHUNK_BYTES),
    path: list(fixedBytes(32), MAX_PATH_HASHES),
  }),
  /** "That checkpoint is not here, or no longer." */
  noChunk: struct({ ...item, ...place }),
  /** "Have this ordered": `payload` is an encoded rejoin payload. */
  rejoin: struct({ ...item, payload: bytes(MAX_REJOIN_BYTES) }),
  /** All items of that run up to these numbers are durable here, or were not needed. */
  heard: struct({ run: u64, upTo: u64, bulkUpTo: u64 }),
  /** `sealed` is for `to` alone: the header again, and a frame. */
  relay: struct({ ...relayHeader, sealed, signature: fixedBytes(RELAY_SIGNATURE_BYTES) }),
  /** "Send this batch." */
  askBatch: struct({ ...item, ...batchName }),
  /** A message that is bulk. */
  bulk: struct({ ...item, envelope: envelopeCodec }),
  /** What was asked for, as far as the one who says so knows. */
  batch: struct({ ...item, ...batchName, bytes: bytes(MAX_BATCH_BYTES) }),
});

export type PeerFrame = Value<typeof peerFrameCodec>;
/** What one party says to another, each once. */
export type Item = Extract<PeerFrame, { readonly after: number }>;
/** What is neither an instance's message nor for the outbox to the peer. */
export type StateItem = Extract<Item, { readonly kind: "checkpoint" | "chunk" | "noChunk" | "rejoin" | "batch" }>;
export type Heard = Extract<PeerFrame, { readonly kind: "heard" }>;
export type Relayed = Extract<PeerFrame, { readonly kind: "relay" }>;

export type Line = "prompt" | "bulk";
/** One of each line. */
export type PerLine<T> = { readonly [L in Line]: T };

export function lineOf({ kind }: Item): Line {
  return kind === "bulk" || kind === "batch" ? "bulk" : "prompt";
}

export function isItem(frame: PeerFrame): frame is Item {
  return "after" in frame;
}
