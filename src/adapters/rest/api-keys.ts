/** API keys: who asks for what is known by a secret that the server has the SHA-256 of. */
import { createHash, timingSafeEqual } from "node:crypto";

export interface ApiKey {
  /** For the log and the limits; distinct. */
  readonly name: string;
  /** SHA-256 of the key, 32 bytes. */
  readonly sha256: Uint8Array;
}

/**
 * The name of the key in an Authorization header (`Bearer KEY`, RFC 6750); undefined when it has none of them. Compares with all, each in
 * constant time, so that the time says nothing about the hashes.
 */
export function apiKeyOf(keys: readonly ApiKey[], authorization: string | undefined): string | undefined {
  const key = /^Bearer +([A-Za-z0-9._~+/=-]{1,512})$/i.exec(authorization ?? "")?.[1];
  if (key === undefined) return undefined;
  const presented = createHash("sha256").update(key, "latin1").digest();
  let name: string | undefined;
  for (const known of keys) if (timingSafeEqual(presented, known.sha256)) name = known.name;
  return name;
}
