/** A digest of the ordered log: equal digests at equal sequence numbers mean equal logs. */
import { concat, utf8 } from "../core/bytes.js";
import { encode, fixedBytes, struct, u64 } from "../core/codec.js";
import type { LedgerEntry } from "./storage.js";

const linkCodec = struct({ previous: fixedBytes(32), sequence: u64, round: u64, payload: fixedBytes(32) });
const DOMAIN = utf8("abcast/1 log\n");

/** The digest of the empty log. */
export const EMPTY_LOG_DIGEST = new Uint8Array(32);

export interface LoggedPayload extends Pick<LedgerEntry, "sequence" | "round"> {
  /** SHA-256 of the payload. */
  readonly digest: Uint8Array;
}

/** The digest after one more payload, a hash chain. */
export function extendLogDigest(
  hash: (bytes: Uint8Array) => Uint8Array,
  previous: Uint8Array,
  { sequence, round, digest }: LoggedPayload,
): Uint8Array {
  return hash(concat(DOMAIN, encode(linkCodec, { previous, sequence, round, payload: digest })));
}
