/**
 * Signed notes (C2SP signed-note): a text, and signatures on it, each a line that names its key. Runs in a browser.
 *
 *     text, its last line ended too
 *     <empty line>
 *     — <key name> <base64 of key identifier (4 bytes) and signature>
 */
import { fromBase64, toBase64 } from "../core/base64.js";
import { concat, equalBytes, fromHex, fromUtf8, toHex, utf8 } from "../core/bytes.js";
import type { Decoded } from "../core/codec.js";
import type { Hash } from "./merkle.js";

export const MAX_NOTE_BYTES = 64 * 1024;
export const MAX_NOTE_SIGNATURES = 256;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
const PREFIX = "— ";

/** What a key signs with it: a note's text, or that it has seen a log's checkpoint (checkpoint.ts). */
export const ED25519 = 0x01;
export const COSIGNATURE = 0x04;

export interface NoteKey {
  readonly name: string;
  readonly algorithm: typeof ED25519 | typeof COSIGNATURE;
  /** Raw Ed25519, 32 bytes. */
  readonly publicKey: Uint8Array;
}

export interface NoteSignature {
  readonly name: string;
  /** 4 bytes. */
  readonly keyId: Uint8Array;
  /** As the key's algorithm has it. */
  readonly signature: Uint8Array;
}

export interface Note {
  /** With its last line feed. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Not empty, without spaces and plus signs, so that it can stand in a line and in a verifier key. */
export function isKeyName(name: string): boolean {
  return /^[^\s+]+$/u.test(name);
}

export function keyIdOf(hash: Hash, { name, algorithm, publicKey }: NoteKey): Uint8Array {
  return hash(concat(utf8(`${name}\n`), Uint8Array.of(algorithm), publicKey)).slice(0, KEY_ID_BYTES);
}

/** A verifier key: `<name>+<key identifier>+<base64 of algorithm and key>`. */
export function formatVerifierKey(hash: Hash, key: NoteKey): string {
  const encoded = toBase64(concat(Uint8Array.of(key.algorithm), key.publicKey));
  return `${key.name}+${toHex(keyIdOf(hash, key))}+${encoded}`;
}

/** Total. */
export function parseVerifierKey(hash: Hash, text: string): Decoded<NoteKey> {
  const [, name = "", id = "", encoded = ""] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text) ?? [];
  const bytes = fromBase64(encoded);
  const algorithm = bytes?.[0];
  if (!isKeyName(name) || bytes?.length !== 1 + PUBLIC_KEY_BYTES) return bad("not a verifier key");
  if (algorithm !== ED25519 && algorithm !== COSIGNATURE) return bad(`no algorithm ${String(algorithm)}`);
  const key: NoteKey = { name, algorithm, publicKey: bytes.slice(1) };
  const keyId = fromHex(id);
  if (keyId === undefined || !equalBytes(keyId, keyIdOf(hash, key))) return bad("its key identifier is another key's");
  return { ok: true, value: key };
}

/** @throws RangeError when the text, or a key's name, is none that a note can have */
export function formatNote({ text, signatures }: Note): string {
  if (!isNoteText(text)) throw new RangeError("a note's text is lines, each ended, without control characters");
  const lines = signatures.map(({ name, keyId, signature }) => {
    if (!isKeyName(name)) throw new RangeError(`${name} is no key name`);
    return `${PREFIX}${name} ${toBase64(concat(keyId, signature))}\n`;
  });
  return `${text}\n${lines.join("")}`;
}

/** Total: a note's bytes, or what is wrong with them. */
export function parseNote(bytes: Uint8Array): Decoded<Note> {
  if (bytes.length > MAX_NOTE_BYTES) return bad(`${bytes.length} bytes, a note has at most ${MAX_NOTE_BYTES}`);
  let note = "";
  try {
    note = fromUtf8(bytes);
  } catch (error) {
    if (error instanceof TypeError) return bad("not UTF-8");
    throw error;
  }
  // The last empty line: the text may have some itself.
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n")) return bad("no signature lines after an empty line");
  const text = note.slice(0, end + 1);
  const lines = note
    .slice(end + 2)
    .split("\n")
    .slice(0, -1);
  if (!isNoteText(text)) return bad("control characters in the text");
  if (lines.length === 0 || lines.length > MAX_NOTE_SIGNATURES) return bad(`${lines.length} signature lines`);
  const signatures: NoteSignature[] = [];
  for (const line of lines) {
    const signature = parseSignature(line);
    if (signature === undefined) return bad("a malformed signature line");
    signatures.push(signature);
  }
  return { ok: true, value: { text, signatures } };
}

function parseSignature(line: string): NoteSignature | undefined {
  const [, name = "", encoded = ""] = /^— (\S+) (\S+)$/u.exec(line) ?? [];
  const bytes = fromBase64(encoded);
  if (!isKeyName(name) || bytes === undefined || bytes.length <= KEY_ID_BYTES) return undefined;
  return { name, keyId: bytes.slice(0, KEY_ID_BYTES), signature: bytes.slice(KEY_ID_BYTES) };
}

function isNoteText(text: string): boolean {
  // oxlint-disable-next-line no-control-regex -- these are what is looked for
  return text.endsWith("\n") && !/[\u0000-\u0009\u000b-\u001f]/.test(text);
}

/** The signatures that claim to be of `key`. */
export function signaturesOf(hash: Hash, { signatures }: Note, key: NoteKey): Uint8Array[] {
  const keyId = keyIdOf(hash, key);
  return signatures
    .filter(({ name, keyId: claimed }) => name === key.name && equalBytes(claimed, keyId))
    .map(({ signature }) => signature);
}

function bad(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}
