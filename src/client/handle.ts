/** What identifies a call for ever: enough to learn its outcome after a lost connection, or from another process. */
import { fromHex, toHex } from "../core/bytes.js";
import { SESSION_NONCE_BYTES, type SessionId } from "../wire/payload.js";

export interface CallHandle {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** The client's raw Ed25519 public key, 32 bytes. */
  readonly client: Uint8Array;
  readonly session: SessionId;
  readonly number: number;
  /** As the call had it: a number below its own. */
  readonly acknowledged: number;
  /** SHA-256 of the call's payload. */
  readonly digest: Uint8Array;
}

const FORMAT = "abcast-call/1";

/** As text, to be kept in a file. */
export function handleToJSON({ cluster, client, session, number, acknowledged, digest }: CallHandle): string {
  return JSON.stringify({
    format: FORMAT,
    cluster: toHex(cluster),
    client: toHex(client),
    session: { opened: session.opened, nonce: toHex(session.nonce) },
    number,
    acknowledged,
    digest: toHex(digest),
  });
}

/** @throws SyntaxError when `text` is no handle */
export function handleFromJSON(text: string): CallHandle {
  const value: unknown = JSON.parse(text);
  if (fieldOf(value, "format") !== FORMAT) throw new SyntaxError(`not a call's handle: its format is not ${FORMAT}`);
  const session = fieldOf(value, "session");
  const number = wholeNumber(value, "number", 1);
  return {
    cluster: hexBytes(value, "cluster", 32),
    client: hexBytes(value, "client", 32),
    session: { opened: wholeNumber(session, "opened"), nonce: hexBytes(session, "nonce", SESSION_NONCE_BYTES) },
    number,
    acknowledged: wholeNumber(value, "acknowledged", 0, number - 1),
    digest: hexBytes(value, "digest", 32),
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}

function hexBytes(value: unknown, name: string, sizeBytes: number): Uint8Array {
  const text = fieldOf(value, name);
  const bytes = typeof text === "string" ? fromHex(text) : undefined;
  if (bytes?.length !== sizeBytes) {
    throw new SyntaxError(`not a call's handle: ${name} is not ${2 * sizeBytes} hexadecimal digits`);
  }
  return bytes;
}

function wholeNumber(value: unknown, name: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
  const number = fieldOf(value, name);
  if (typeof number === "number" && Number.isSafeInteger(number) && number >= min && number <= max) return number;
  throw new SyntaxError(`not a call's handle: ${name} is not a whole number from ${min} to ${max}`);
}
