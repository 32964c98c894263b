/** Ed25519 (RFC 8032) with raw keys, computed by OpenSSL through node:crypto. */
import { type KeyObject, createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { concat } from "../../core/bytes.js";
import { KeyError } from "../errors.js";

export const SEED_BYTES = 32;
export const PUBLIC_KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** DER of PKCS #8 and of SubjectPublicKeyInfo for Ed25519 up to the raw key (RFC 8410, sections 4 and 7). */
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");

export interface Ed25519Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 64 bytes; the same for the same message. */
  sign(message: Uint8Array): Uint8Array;
}

/** @throws KeyError unless `seed` has 32 bytes. */
export function createEd25519Signer(seed: Uint8Array): Ed25519Signer {
  if (seed.length !== SEED_BYTES) throw new KeyError(`Ed25519 seed of ${seed.length} bytes`);
  const key = createPrivateKey({ key: Buffer.from(concat(PKCS8_PREFIX, seed)), format: "der", type: "pkcs8" });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  return {
    publicKey: new Uint8Array(spki.subarray(SPKI_PREFIX.length)),
    sign: (message) => new Uint8Array(sign(null, message, key)),
  };
}

/** Total: false for anything that is not a valid signature of `message`. */
export type Ed25519Verifier = (message: Uint8Array, signature: Uint8Array) => boolean;

/**
 * A verifier for one public key. OpenSSL checks S < L (RFC 8032, section 5.1.7) and compares R byte for byte with the
 * canonical encoding of S·B - k·A, so a signature cannot be altered into another one. It accepts keys of
 * small order, under which one signature fits many messages: `checkPublicKeys` (key-checks.ts) rules them out.
 * @throws KeyError unless `publicKey` has 32 bytes.
 */
export function createEd25519Verifier(publicKey: Uint8Array): Ed25519Verifier {
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw new KeyError(`Ed25519 public key of ${publicKey.length} bytes`);
  const key: KeyObject = createPublicKey({
    key: Buffer.from(concat(SPKI_PREFIX, publicKey)),
    format: "der",
    type: "spki",
  });
  return (message, signature) => signature.length === SIGNATURE_BYTES && verify(null, message, key, signature);
}
