/** Canonical base64 (RFC 4648, section 4), the same in Node and in a browser. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const DIGITS = new Map(Array.from(ALPHABET, (digit, value) => [digit, value] as const));

/** Base64 with padding, without line breaks. */
export function toBase64(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const group = ((bytes[i] ?? 0) << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0);
    for (let digit = 0; digit < 4; digit++) {
      text += i + digit <= bytes.length ? ALPHABET.charAt((group >>> (18 - 6 * digit)) & 63) : "=";
    }
  }
  return text;
}

/**
 * The bytes of `text`, or undefined when it is not what `toBase64` writes for them: another alphabet,
 * missing padding, white space, or unused bits that are not zero (two texts for the same bytes).
 */
export function fromBase64(text: string): Uint8Array | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array((text.length / 4) * 3 - padding);
  for (let i = 0, offset = 0; i < text.length; i += 4, offset += 3) {
    let group = 0;
    for (let digit = 0; digit < 4; digit++) group = (group << 6) | (DIGITS.get(text.charAt(i + digit)) ?? 0);
    for (let byte = 0; byte < 3 && offset + byte < bytes.length; byte++)
      bytes[offset + byte] = group >>> (16 - 8 * byte);
    const unusedBits = 8 * Math.max(0, offset + 3 - bytes.length);
    if ((group & ((1 << unusedBits) - 1)) !== 0) return undefined;
  }
  return bytes;
}
