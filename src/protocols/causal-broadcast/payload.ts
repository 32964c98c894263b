/**
 * What clients submit: a ciphertext under the group's threshold key, and whose it is.
 *
 * The label is what the ciphertext is for: cluster, channel and client. TDH2 binds it, so nobody can submit another
 * client's ciphertext as its own, nor take it to another channel.
 */
import { type Value, bytes, decode, struct } from "../../core/codec.js";
import { statement } from "../../core/engine.js";
import type { Decryption } from "../../core/suite.js";
import type { Tag } from "../../core/tag.js";
import { MAX_PAYLOAD_BYTES } from "../atomic-broadcast/index.js";

/** A client's name in the application's own encoding. */
export const MAX_CLIENT_BYTES = 1024;

/** A payload as clients submit it and atomic broadcast orders it: at most `greatestPayloadBytes` of its mode in all. */
export const sealedPayloadCodec = struct({ client: bytes(MAX_CLIENT_BYTES), ciphertext: bytes(MAX_PAYLOAD_BYTES) });
export type SealedPayload = Value<typeof sealedPayloadCodec>;

/** A sealed payload that passed all checks: parties may make shares of it once it is ordered. */
export interface Sealed extends SealedPayload {
  /** The payload as it was ordered. */
  readonly payload: Uint8Array;
  readonly label: Uint8Array;
}

/** What the statement is for that serves as a label. */
export const SEALED = "sealed payload";

/** The label under which `client` encrypts for the causal broadcast with the tag `channel` in `cluster` (32 bytes). */
export function sealedLabel(cluster: Uint8Array, channel: Tag, client: Uint8Array): Uint8Array {
  return statement(cluster, channel, SEALED, client);
}

export interface AdmissionOptions {
  readonly decryption: Decryption;
  label(client: Uint8Array): Uint8Array;
  isValid(sealed: SealedPayload): boolean;
}

/** The sealed payload if it is well-formed, the application takes it, and its ciphertext is valid under its client's label. */
export function admit(payload: Uint8Array, options: AdmissionOptions): Sealed | undefined {
  const decoded = decode(sealedPayloadCodec, payload);
  if (!decoded.ok || !options.isValid(decoded.value)) return undefined;
  const { client, ciphertext } = decoded.value;
  const label = options.label(client);
  return options.decryption.checkCiphertext(label, ciphertext) ? { client, ciphertext, payload, label } : undefined;
}
