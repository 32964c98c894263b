/** A session as text, such that the order of texts is the order of sessions. */
import { fromHex, toHex } from "../../core/bytes.js";
import { SESSION_NONCE_BYTES, type SessionId } from "../../wire/payload.js";

const OPENED_DIGITS = 16;

export function sessionKey({ opened, nonce }: SessionId): string {
  return opened.toString(16).padStart(OPENED_DIGITS, "0") + toHex(nonce);
}

/** The session of such a text. */
export function sessionOfKey(key: string): SessionId {
  const nonce = fromHex(key.slice(OPENED_DIGITS));
  if (nonce?.length !== SESSION_NONCE_BYTES) throw new RangeError(`${key} is no session's key`);
  return { opened: Number.parseInt(key.slice(0, OPENED_DIGITS), 16), nonce };
}
