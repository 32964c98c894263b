/** Messages of consistent broadcast, its input and its output. */
import { type Value, bytes, fixedBytes, struct, union } from "../../core/codec.js";
import { MAX_CERTIFICATE_BYTES, MAX_SIGNATURE_BYTES } from "../../core/suite.js";
import { MAX_MESSAGE_BYTES } from "./closing.js";

export const consistentBroadcastMessageCodec = union({
  send: struct({ message: bytes(MAX_MESSAGE_BYTES) }),
  share: struct({ share: bytes(MAX_SIGNATURE_BYTES) }),
  final: struct({ digest: fixedBytes(32), certificate: bytes(MAX_CERTIFICATE_BYTES) }),
  ask: struct({ digest: fixedBytes(32) }),
  value: struct({ message: bytes(MAX_MESSAGE_BYTES) }),
});

export type ConsistentBroadcastMessage = Value<typeof consistentBroadcastMessageCodec>;

export type ConsistentBroadcastInput =
  /** The sender's message. */
  | { readonly kind: "broadcast"; readonly message: Uint8Array }
  /** A closing that another instance received; ignored unless it verifies. */
  | { readonly kind: "closing"; readonly closing: Uint8Array }
  /** A compact closing, whose message is to be fetched; said again: from everybody. Ignored unless it verifies. */
  | { readonly kind: "fetch"; readonly closing: Uint8Array }
  /** Nothing is to be signed or delivered any more, only others' requests answered. */
  | { readonly kind: "serve" };

export interface Delivered {
  readonly message: Uint8Array;
  readonly closing: Uint8Array;
  readonly compactClosing: Uint8Array;
}
