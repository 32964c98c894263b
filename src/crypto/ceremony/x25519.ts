/** Keys of X25519 (RFC 7748) as raw bytes, computed by OpenSSL through node:crypto. */
import { type KeyObject, createPrivateKey, createPublicKey, diffieHellman, randomBytes } from "node:crypto";
import { concat } from "../../core/bytes.js";
import { KeyError } from "../errors.js";

export const X25519_KEY_BYTES = 32;

/** DER of PKCS #8 and of SubjectPublicKeyInfo for X25519 up to the raw key (RFC 8410, sections 4 and 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b656e04220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b656e032100", "hex");

/** 32 bytes: every string of this size is a secret key (RFC 7748, section 5: decodeScalar25519). */
export function randomX25519SecretKey(): Uint8Array {
  return new Uint8Array(randomBytes(X25519_KEY_BYTES));
}

/** 32 bytes. @throws KeyError unless `secretKey` has 32 bytes. */
export function x25519PublicKey(secretKey: Uint8Array): Uint8Array {
  const spki = createPublicKey(privateKeyObject(secretKey)).export({ format: "der", type: "spki" });
  return new Uint8Array(spki.subarray(SPKI_PREFIX.length));
}

/** What is wrong with `publicKey`, or undefined. Total. */
export function checkX25519Key(publicKey: Uint8Array): string | undefined {
  if (publicKey.length !== X25519_KEY_BYTES) return `an X25519 key of ${publicKey.length} bytes`;
  if (!isReduced(publicKey)) return "an X25519 key that is not in canonical form";
  return hasSmallOrder(publicKey) ? "an X25519 key of small order" : undefined;
}

/** Whether the little-endian u is below p = 2^255 - 19. HPKE hashes the key's bytes, so its holder opens one form only. */
function isReduced(publicKey: Uint8Array): boolean {
  const [first = 0, ...middle] = publicKey;
  const last = middle.pop() ?? 0;
  return last < 0x7f || (last === 0x7f && (first < 0xed || middle.some((byte) => byte !== 0xff)));
}

/** With such a key the shared secret is 0 whatever the other key is; OpenSSL then refuses (RFC 7748, section 6.1). */
function hasSmallOrder(publicKey: Uint8Array): boolean {
  const spki = Buffer.from(concat(SPKI_PREFIX, publicKey));
  const key = createPublicKey({ key: spki, format: "der", type: "spki" });
  try {
    diffieHellman({ privateKey: ANY_KEY, publicKey: key });
    return false;
  } catch {
    return true;
  }
}

function privateKeyObject(secretKey: Uint8Array): KeyObject {
  if (secretKey.length !== X25519_KEY_BYTES) throw new KeyError(`X25519 secret key of ${secretKey.length} bytes`);
  const pkcs8 = Buffer.from(concat(PKCS8_PREFIX, secretKey));
  try {
    return createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  } finally {
    pkcs8.fill(0);
  }
}

/** Not secret: a clamped scalar is a multiple of the cofactor, so any one of them shows a small order. */
const ANY_KEY = privateKeyObject(new Uint8Array(X25519_KEY_BYTES).fill(1));
