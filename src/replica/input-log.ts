/** The encoding of the engine's inputs in the log. */
import type { Pieces } from "../core/bytes.js";
import { type Value, bytes, decode, encodePieces, fixedBytes, struct, u64, u8, union } from "../core/codec.js";
import type { Input } from "../core/engine.js";
import { MAX_BODY_BYTES, envelopeCodec } from "../core/envelope.js";
import { tagCodec } from "../core/tag.js";
import { MAX_PAYLOAD_BYTES } from "../protocols/index.js";

const MAX_SETTINGS_BYTES = 1024;

const inputCodec = union({
  message: struct({ from: u8, envelope: envelopeCodec }),
  submit: struct({ channel: tagCodec, payload: bytes(MAX_PAYLOAD_BYTES) }),
  configure: struct({ channel: tagCodec, settings: bytes(MAX_SETTINGS_BYTES) }),
  clock: struct({ channel: tagCodec, nowMs: u64 }),
  checkpoint: struct({ channel: tagCodec, round: u64, digest: fixedBytes(32) }),
  proceed: struct({ channel: tagCodec, round: u64 }),
  batch: struct({
    from: u8,
    channel: tagCodec,
    name: struct({ lane: u8, height: u64, digest: fixedBytes(32) }),
    bytes: bytes(MAX_BODY_BYTES),
  }),
  propose: struct({ channel: tagCodec, round: u64 }),
});

/** The payloads in it are the input's own, not copies. */
export function encodeInput(input: Input): Pieces {
  return encodePieces(inputCodec, input satisfies Value<typeof inputCodec>);
}

/** @throws Error when the record is damaged: the log is not what was written. */
export function decodeInput(record: Uint8Array): Input {
  const input = decode(inputCodec, record);
  if (!input.ok) throw new Error(`a record of the input log is damaged: ${input.error}`);
  return input.value;
}
