/**
 * The data encapsulation of TDH2 ciphertexts: ChaCha20-Poly1305 (RFC 8439, section 2.8) under a key that is used
 * once. So the nonce may be zero. Nothing is authenticated besides the plaintext, since the proof of the
 * ciphertext (tdh2-ciphertext.ts) binds all else.
 *
 * The cipher does not commit to its key: who knows two keys can make a body that opens under both (Len, Grubbs and
 * Ristenpart, "Partitioning oracle attacks", USENIX Security 2021).
 */
import { createCipheriv, createDecipheriv } from "node:crypto";
import { concat } from "../../core/bytes.js";

/** Bytes by which a body is longer than its plaintext. */
export const TAG_BYTES = 16;

const CIPHER = "chacha20-poly1305";
const NONCE = new Uint8Array(12);

/** Encrypted plaintext ‖ tag. `key`: 32 bytes, for this call only. */
export function sealBody(key: Uint8Array, plaintext: Uint8Array): Uint8Array {
  const cipher = createCipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
  return concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
}

/** The plaintext, or undefined when `body`, at least a tag long, was not sealed under `key`. */
export function openBody(key: Uint8Array, body: Uint8Array): Uint8Array | undefined {
  const decipher = createDecipheriv(CIPHER, key, NONCE, { authTagLength: TAG_BYTES });
  decipher.setAuthTag(body.subarray(body.length - TAG_BYTES));
  const plaintext = decipher.update(body.subarray(0, body.length - TAG_BYTES));
  try {
    return concat(plaintext, decipher.final());
  } catch {
    // `final` throws for one reason: the tag is wrong.
    return undefined;
  }
}
