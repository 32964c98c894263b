/** A protocol message as it travels: the instance that it is for, and its encoded body. */
import { bytes, struct } from "./codec.js";
import { type Tag, tagCodec } from "./tag.js";

/** The greatest message body; transports bound their frames by it. */
export const MAX_BODY_BYTES = 8 * 1024 * 1024;

/** A message as the network carries it; sender and receiver come from the authenticated link. */
export interface Envelope {
  readonly tag: Tag;
  readonly body: Uint8Array;
}

export const envelopeCodec = struct({ tag: tagCodec, body: bytes(MAX_BODY_BYTES) });
