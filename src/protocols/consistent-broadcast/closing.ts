/**
 * The closing message: the one message that completes a verifiable broadcast at any other party
 * (the source, "Verifiable Broadcast": "M is the message that completes the verifiable broadcast").
 *
 * A *full* closing holds the message and its certificate. A *compact* one holds the certificate and the message's digest: it
 * proves that a valid message was broadcast and fixes which, and whoever lacks the message fetches it.
 */
import { type Codec, bytes, decode, encode, fixedBytes, struct } from "../../core/codec.js";
import type { Scope } from "../../core/protocol.js";
import { MAX_CERTIFICATE_BYTES } from "../../core/suite.js";

/** The greatest message that can be broadcast. */
export const MAX_MESSAGE_BYTES = 2 * 1024 * 1024;

/** The greatest closing message: message, certificate, two length fields. */
export const MAX_CLOSING_BYTES = MAX_MESSAGE_BYTES + MAX_CERTIFICATE_BYTES + 8;

const closingCodec = struct({ message: bytes(MAX_MESSAGE_BYTES), certificate: bytes(MAX_CERTIFICATE_BYTES) });
const compactClosingCodec = struct({ digest: fixedBytes(32), certificate: bytes(MAX_CERTIFICATE_BYTES) });

export const closingBytesCodec: Codec<Uint8Array> = bytes(MAX_CLOSING_BYTES);

/** What witnesses sign: the digest of the message under the tag of the broadcast. */
export const WITNESS = "witness";

/** What a compact closing says. */
export interface Certified {
  /** SHA-256 of the message, 32 bytes. */
  readonly digest: Uint8Array;
  readonly certificate: Uint8Array;
}

/** What a full closing says. */
export interface Closed extends Certified {
  readonly message: Uint8Array;
}

type Verifier = Pick<Scope<never, never>, "suite" | "statement">;

export function encodeClosing(message: Uint8Array, certificate: Uint8Array): Uint8Array {
  return encode(closingCodec, { message, certificate });
}

export function encodeCompactClosing({ digest, certificate }: Certified): Uint8Array {
  return encode(compactClosingCodec, { digest, certificate });
}

/**
 * The message that `closing` completes in the broadcast `below` the scope's instance (itself when
 * absent), or undefined. Total on arbitrary bytes. A certificate has an honest witness, so the message
 * satisfies the broadcast's external predicate.
 */
export function verifyClosing(scope: Verifier, closing: Uint8Array, below?: string): Closed | undefined {
  const decoded = decode(closingCodec, closing);
  if (!decoded.ok) return undefined;
  const digest = scope.suite.hash(decoded.value.message);
  return isCertified(scope, digest, decoded.value.certificate, below) ? { ...decoded.value, digest } : undefined;
}

/** As `verifyClosing`, for a compact closing. */
export function verifyCompactClosing(scope: Verifier, closing: Uint8Array, below?: string): Certified | undefined {
  const decoded = decode(compactClosingCodec, closing);
  if (!decoded.ok) return undefined;
  return isCertified(scope, decoded.value.digest, decoded.value.certificate, below) ? decoded.value : undefined;
}

function isCertified(scope: Verifier, digest: Uint8Array, certificate: Uint8Array, below?: string): boolean {
  return scope.suite.broadcastCertifier.verify(scope.statement(WITNESS, digest, below), certificate);
}
