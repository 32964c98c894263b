/** The payloads of this client's calls. */
import { EncodeError } from "../core/codec.js";
import { type UnsignedRequest, signRequest } from "../wire/payload.js";
import type { Slot } from "./sessions.js";
import type { ClientOptions } from "./types.js";

/** What a payload asks for: an operation, several, or only its number. */
export type Action = UnsignedRequest["action"];

type Signer = Pick<ClientOptions, "cluster" | "publicKey" | "hash" | "sign" | "maxPayloadBytes">;

/** @throws EncodeError for a request that no cluster takes, or one that is longer than this one orders */
export function payloadOf(options: Signer, { session, number, acknowledged }: Slot, action: Action): Uint8Array {
  const { cluster, publicKey: client, maxPayloadBytes } = options;
  const payload = signRequest({ cluster, client, session, number, acknowledged, action }, options);
  if (payload.length <= maxPayloadBytes) return payload;
  throw new EncodeError(`a request of ${payload.length} bytes, and this cluster orders at most ${maxPayloadBytes}`);
}
