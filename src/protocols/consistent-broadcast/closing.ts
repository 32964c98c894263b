/**
 * The closing message: the one message that completes a verifiable broadcast at any other party
 * (the source, "Verifiable Broadcast": "M is the message that completes the verifiable broadcast").
 */
import { type Codec, bytes, decode, encode, struct } from "../../core/codec.js";
import type { Scope } from "../../core/protocol.js";
import { MAX_CERTIFICATE_BYTES } from "../../core/suite.js";

/** The greatest message that can be broadcast. */
export const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

/** The greatest closing message: message, certificate, two length fields. */
export const MAX_CLOSING_BYTES = MAX_MESSAGE_BYTES + MAX_CERTIFICATE_BYTES + 8;

const closingCodec = struct({ message: bytes(MAX_MESSAGE_BYTES), certificate: bytes(MAX_CERTIFICATE_BYTES) });

export const closingBytesCodec: Codec<Uint8Array> = bytes(MAX_CLOSING_BYTES);

/** What witnesses sign: the digest of the message under the tag of the broadcast. */
export const WITNESS = "witness";

export function encodeClosing(message: Uint8Array, certificate: Uint8Array): Uint8Array {
  return encode(closingCodec, { message, certificate });
}

/**
 * The message that `closing` completes in the broadcast `below` the scope's instance (itself when
 * absent), or undefined. Total on arbitrary bytes. A certificate has an honest witness, so the message
 * satisfies the broadcast's external predicate.
 */
export function verifyClosing(
  scope: Pick<Scope<never, never>, "suite" | "statement">,
  closing: Uint8Array,
  below?: string,
): { readonly message: Uint8Array; readonly certificate: Uint8Array } | undefined {
  const decoded = decode(closingCodec, closing);
  if (!decoded.ok) return undefined;
  const digest = scope.suite.hash(decoded.value.message);
  const statement = scope.statement(WITNESS, digest, below);
  return scope.suite.broadcastCertifier.verify(statement, decoded.value.certificate) ? decoded.value : undefined;
}
