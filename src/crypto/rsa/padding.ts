/** EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 9.2). */
import { createHash } from "node:crypto";
import { concat } from "../../core/bytes.js";

/** DER of DigestInfo { SHA-256, NULL }, up to the digest (RFC 8017, section 9.2, note 1). */
const SHA256_DIGEST_INFO = Uint8Array.from([
  0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20,
]);
const DIGEST_BYTES = 32;
/** 00 01, at least eight FF, 00. */
const MIN_FRAME_BYTES = 11;

/**
 * EM = 00 01 FF…FF 00 DigestInfo, `sizeBytes` (the modulus's length) long.
 * @throws RangeError when `sizeBytes` is below 62: "intended encoded message length too short".
 */
export function pkcs1Encode(message: Uint8Array, sizeBytes: number): Uint8Array {
  return pkcs1EncodeDigest(createHash("sha256").update(message).digest(), sizeBytes);
}

/** The same for a message whose SHA-256 (32 bytes) is known. */
export function pkcs1EncodeDigest(digest: Uint8Array, sizeBytes: number): Uint8Array {
  if (digest.length !== DIGEST_BYTES) throw new RangeError(`digest of ${digest.length} bytes`);
  const paddingBytes = sizeBytes - SHA256_DIGEST_INFO.length - DIGEST_BYTES - MIN_FRAME_BYTES + 8;
  if (paddingBytes < 8) throw new RangeError("intended encoded message length too short");
  const padding = new Uint8Array(paddingBytes).fill(0xff);
  return concat(Uint8Array.of(0, 1), padding, Uint8Array.of(0), SHA256_DIGEST_INFO, digest);
}
