/** Byte-string helpers that run the same in Node and in a browser. */

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of `text`. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Text of UTF-8 `bytes`; throws a TypeError on bytes that are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Bytes that lie in several places, in order. */
export type Pieces = readonly Uint8Array[];

export function sizeOfPieces(pieces: Pieces): number {
  let sizeBytes = 0;
  for (const { length } of pieces) sizeBytes += length;
  return sizeBytes;
}

/** What of `pieces` comes after its first `sizeBytes`. */
export function piecesAfter(pieces: Pieces, sizeBytes: number): Pieces {
  let skipped = 0;
  for (const [index, piece] of pieces.entries()) {
    if (skipped + piece.length > sizeBytes) return [piece.subarray(sizeBytes - skipped), ...pieces.slice(index + 1)];
    skipped += piece.length;
  }
  return [];
}

export function concat(...parts: Pieces): Uint8Array {
  return join(parts);
}

/** As `concat`, of any number: a call takes only so many arguments. */
export function join(parts: Pieces): Uint8Array {
  const all = new Uint8Array(sizeOfPieces(parts));
  let offset = 0;
  for (const part of parts) {
    all.set(part, offset);
    offset += part.length;
  }
  return all;
}

/** Equality of two public byte strings; not constant time. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const DIGITS = utf8("0123456789abcdef");

/** Lower-case hexadecimal, two digits a byte. Many are kept as keys: appending digit by digit would make a tree of strings of each. */
export function toHex(bytes: Uint8Array): string {
  const digits = new Uint8Array(2 * bytes.length);
  let end = 0;
  for (const byte of bytes) {
    digits[end++] = DIGITS[byte >> 4] ?? 0;
    digits[end++] = DIGITS[byte & 15] ?? 0;
  }
  return decoder.decode(digits);
}

const NO_DIGIT = 16;

/** Bytes of lower-case hexadecimal `text`, or undefined when it is anything else. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0) return undefined;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index++) {
    const [high, low] = [digitAt(text, 2 * index), digitAt(text, 2 * index + 1)];
    if (high === NO_DIGIT || low === NO_DIGIT) return undefined;
    bytes[index] = (high << 4) | low;
  }
  return bytes;
}

function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : NO_DIGIT;
}

/** The same bytes, copied when they are less than half of the memory that a view of them keeps alive. */
export function compact(view: Uint8Array): Uint8Array {
  return 2 * view.length >= view.buffer.byteLength ? view : view.slice();
}
