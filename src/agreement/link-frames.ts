/**
 * Frames on a connection between two parties. Each party dials every other and speaks on the connection that it dialled; what comes
 * back on it is control.
 *
 *   dialler → acceptor   hello, then from and message
 *   acceptor → dialler   resume
 */
import { type Value, fixedBytes, struct, u32, u64, union } from "../core/codec.js";
import { MAX_BODY_BYTES, envelopeCodec } from "../core/envelope.js";

export const LINK_VERSION = 1;

/** Envelope and frame overhead are below 1 KiB. */
export const MAX_LINK_FRAME_BYTES = MAX_BODY_BYTES + 1024;

export const linkFrameCodec = union({
  /** `epoch` is random per process: messages are numbered from 1 in each. */
  hello: struct({ version: u32, cluster: fixedBytes(32), epoch: fixedBytes(16) }),
  /** "Say what you have said after this number." The first one answers `hello`; later ones ask for a repetition. `ask` counts them. */
  resume: struct({ after: u64, ask: u32 }),
  /** Answers the last `resume`: what follows are the messages after its number. */
  from: struct({ ask: u32 }),
  message: struct({ number: u64, envelope: envelopeCodec }),
});

export type LinkFrame = Value<typeof linkFrameCodec>;
