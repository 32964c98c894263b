/**
 * Frames between a client and a replica, on a connection that the client dialled. `id` is the SHA-256 of the payload.
 *
 *   client → replica   hello, submit, prove, status
 *   replica → client   welcome, share, refused, state
 */
import { MAX_LEAVES_PER_PARTY } from "../core/formula.js";
import { type Value, bytes, fixedBytes, list, struct, text, u32, u64, u8, union } from "../core/codec.js";

export const CLIENT_PROTOCOL_VERSION = 1;

/** What a client may send in one frame: a payload and little else. */
export const MAX_CLIENT_FRAME_BYTES = 80 * 1024;
/** What a replica may answer in one frame. */
export const MAX_REPLY_FRAME_BYTES = 256 * 1024;

/** The greatest payload that a client can submit; longer documents are submitted as their digest. */
export const MAX_SUBMIT_BYTES = 64 * 1024;
/** A number of 4096 bits for each leaf of a party in the receipt key's formula. */
export const MAX_SHARE_BYTES = 512 * MAX_LEAVES_PER_PARTY;
/** A response for each leaf, which along formulas of several gates is longer than the number. */
export const MAX_PROOF_BYTES = 2 * MAX_SHARE_BYTES;

/** More (party, fault) pairs than a state frame carries are counted, not listed. */
export const MAX_ACCUSATIONS = 512;

const empty = struct({});
const id = fixedBytes(32);

export const REFUSALS = ["invalid-payload", "busy", "unknown-payload", "wrong-version", "wrong-cluster"] as const;
export type Refusal = (typeof REFUSALS)[number];

export const clientFrameCodec = union({
  hello: struct({ version: u32, cluster: fixedBytes(32) }),
  /** Order this payload; the answer is a share once it is delivered, also when it was delivered before. */
  submit: struct({ payload: bytes(MAX_SUBMIT_BYTES) }),
  /** The share again, with the proof that it is right. */
  prove: struct({ id }),
  status: empty,
});

export const replyFrameCodec = union({
  welcome: empty,
  /** The replica's share of the receipt's signature; `proof` is empty unless it was asked for. */
  share: struct({ id, sequence: u64, round: u64, share: bytes(MAX_SHARE_BYTES), proof: bytes(MAX_PROOF_BYTES) }),
  /** `id` is zero when the refusal concerns no payload. `reason` is for people. */
  refused: struct({ id, code: u8, reason: text(1024) }),
  state: struct({
    state: text(32),
    round: u64,
    sequence: u64,
    logDigest: fixedBytes(32),
    sentFrames: u64,
    sentBytes: u64,
    accusations: list(struct({ party: u8, fault: text(64), tag: text(160), count: u64 }), MAX_ACCUSATIONS),
  }),
});

export type ClientFrame = Value<typeof clientFrameCodec>;
export type ReplyFrame = Value<typeof replyFrameCodec>;
