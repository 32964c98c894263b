/**
 * A log's checkpoint (C2SP tlog-checkpoint): whose log, how long, and the root of its tree; and cosignatures on it (C2SP
 * tlog-cosignature, `cosignature/v1`): "at this time I had seen that the log of this checkpoint goes on from all that I saw before".
 * Runs in a browser.
 */
import { fromBase64, toBase64 } from "../core/base64.js";
import { concat, utf8 } from "../core/bytes.js";
import { type Decoded, decode, encode, u64 } from "../core/codec.js";
import { HASH_BYTES, type Hash } from "./merkle.js";
import { COSIGNATURE, type Note, type NoteKey, type NoteSignature, keyIdOf, signaturesOf } from "./note.js";

const SIGNATURE_BYTES = 64;
const TIME_BYTES = 8;

export interface LogCheckpoint {
  /** Names the log: one line. */
  readonly origin: string;
  readonly size: number;
  /** 32 bytes. */
  readonly root: Uint8Array;
}

/** The text of its note. @throws RangeError when a field is none that a checkpoint can have */
export function formatCheckpoint({ origin, size, root }: LogCheckpoint): string {
  if (!/^[^\n]+$/.test(origin)) throw new RangeError("an origin is one line");
  if (!Number.isSafeInteger(size) || size < 0) throw new RangeError(`a log of ${size} entries`);
  if (root.length !== HASH_BYTES) throw new RangeError(`a root of ${root.length} bytes`);
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/** Total. Lines after the third are extensions that we do not know. */
export function parseCheckpoint(text: string): Decoded<LogCheckpoint> {
  const [origin = "", size = "", encoded = "", ...others] = text.split("\n");
  const root = fromBase64(encoded);
  if (origin === "" || others.length === 0) return bad("not an origin, a size and a root, each a line");
  if (!/^(0|[1-9][0-9]{0,15})$/.test(size) || !Number.isSafeInteger(Number(size))) return bad(`no size: ${size}`);
  if (root?.length !== HASH_BYTES) return bad("the root is not 32 bytes in base64");
  return { ok: true, value: { origin, size: Number(size), root } };
}

/** What a cosigner signs for a checkpoint's text; `timeS` in seconds since 1970. */
export function cosignatureStatement(text: string, timeS: number): Uint8Array {
  return utf8(`cosignature/v1\ntime ${timeS}\n${text}`);
}

/** @throws EncodeError when `timeS` is no whole number of seconds */
export function cosign(
  hash: Hash,
  text: string,
  { name, publicKey, timeS }: Omit<NoteKey, "algorithm"> & { readonly timeS: number },
  sign: (statement: Uint8Array) => Uint8Array,
): NoteSignature {
  const signature = concat(encode(u64, timeS), sign(cosignatureStatement(text, timeS)));
  return { name, keyId: keyIdOf(hash, { name, algorithm: COSIGNATURE, publicKey }), signature };
}

/** Ed25519; total. A promise, where the platform has it so. */
export type VerifySignature = (
  publicKey: Uint8Array,
  statement: Uint8Array,
  signature: Uint8Array,
) => boolean | Promise<boolean>;

/** When `key` has cosigned the note, in seconds since 1970; undefined: it has not. The latest counts. */
export async function cosignedAt(
  hash: Hash,
  verify: VerifySignature,
  note: Note,
  key: NoteKey,
): Promise<number | undefined> {
  let latest: number | undefined;
  for (const signature of signaturesOf(hash, note, key)) {
    const time = decode(u64, signature.subarray(0, TIME_BYTES));
    if (key.algorithm !== COSIGNATURE || signature.length !== TIME_BYTES + SIGNATURE_BYTES || !time.ok) continue;
    const statement = cosignatureStatement(note.text, time.value);
    if (!(await verify(key.publicKey, statement, signature.subarray(TIME_BYTES)))) continue;
    latest = Math.max(latest ?? 0, time.value);
  }
  return latest;
}

function bad(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}
