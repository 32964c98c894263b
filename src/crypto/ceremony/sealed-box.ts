/**
 * Bytes sealed to a party's public key, so that only the party opens them: HPKE (RFC 9180) in base mode, with
 * DHKEM(X25519, HKDF-SHA256), HKDF-SHA256 and AES-256-GCM, computed by the library `hpke` on Web Cryptography.
 *
 * Sealed: encapsulated key (32 bytes) ‖ ciphertext (as long as the plaintext) ‖ tag (16 bytes). One message for each
 * encapsulated key, without additional data.
 *
 * Base mode does not say who sealed: sign what is sealed where that matters. Nor has it forward secrecy against
 * the loss of the recipient's key. The intermediate secrets live in the library and in OpenSSL; we cannot wipe them.
 */
import * as hpke from "hpke";
import { concat } from "../../core/bytes.js";
import { KeyError } from "../errors.js";
import { invalid } from "../scheme.js";
import { MAX_PLAINTEXT_BYTES, type Opening } from "./opened.js";
import { X25519_KEY_BYTES, checkX25519Key, randomX25519SecretKey, x25519PublicKey } from "./x25519.js";

export const SEALING_KEY_BYTES = X25519_KEY_BYTES;
/** By how much a sealed box is longer than what is in it. */
export const SEALED_BOX_OVERHEAD_BYTES = 48;
export const MAX_SEALED_BYTES = MAX_PLAINTEXT_BYTES + SEALED_BOX_OVERHEAD_BYTES;
export const MAX_INFO_BYTES = 4096;

/** AES-256-GCM because Web Cryptography has no ChaCha20-Poly1305 in Node 20. */
export const SEALING_SUITE = new hpke.CipherSuite(
  hpke.KEM_DHKEM_X25519_HKDF_SHA256,
  hpke.KDF_HKDF_SHA256,
  hpke.AEAD_AES_256_GCM,
);

export interface SealingKey {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /** 32 bytes. Secret. */
  readonly secretKey: Uint8Array;
}

export function createSealingKey(): SealingKey {
  const secretKey = randomX25519SecretKey();
  return { publicKey: x25519PublicKey(secretKey), secretKey };
}

export interface SealOptions {
  /** The recipient's. */
  readonly publicKey: Uint8Array;
  /** What the box is for (cluster, sender, recipient, purpose): it opens only with the same bytes. At most 4096. */
  readonly info: Uint8Array;
  /** At most 1 MiB. */
  readonly plaintext: Uint8Array;
}

/**
 * A new box each time, 48 bytes longer than the plaintext.
 * @throws KeyError when the public key is malformed or of small order.
 * @throws RangeError when `info` or `plaintext` is too long.
 */
export async function seal({ publicKey, info, plaintext }: SealOptions): Promise<Uint8Array> {
  checkInfo(info);
  if (plaintext.length > MAX_PLAINTEXT_BYTES) throw new RangeError(`a plaintext of ${plaintext.length} bytes`);
  const problem = checkX25519Key(publicKey);
  if (problem !== undefined) throw new KeyError(problem);
  const recipient = await SEALING_SUITE.DeserializePublicKey(publicKey);
  const { encapsulatedSecret, ciphertext } = await SEALING_SUITE.Seal(recipient, plaintext, { info });
  return concat(encapsulatedSecret, ciphertext);
}

export interface OpenOptions {
  readonly secretKey: Uint8Array;
  /** The same bytes as when it was sealed. */
  readonly info: Uint8Array;
  readonly sealed: Uint8Array;
}

/**
 * Total in `sealed`.
 * @throws KeyError unless the secret key has 32 bytes.
 * @throws RangeError when `info` is too long.
 */
export async function open({ secretKey, info, sealed }: OpenOptions): Promise<Opening> {
  checkInfo(info);
  const publicKey = x25519PublicKey(secretKey);
  if (sealed.length < SEALED_BOX_OVERHEAD_BYTES || sealed.length > MAX_SEALED_BYTES) {
    return invalid(`a sealed box of ${sealed.length} bytes`);
  }
  const recipient = {
    privateKey: await SEALING_SUITE.DeserializePrivateKey(secretKey),
    publicKey: await SEALING_SUITE.DeserializePublicKey(publicKey),
  };
  const encapsulated = sealed.subarray(0, X25519_KEY_BYTES);
  try {
    const ciphertext = sealed.subarray(X25519_KEY_BYTES);
    return { kind: "opened", plaintext: await SEALING_SUITE.Open(recipient, encapsulated, ciphertext, { info }) };
  } catch (error) {
    if (error instanceof hpke.DecapError) return invalid("the box's encapsulated key is of small order");
    if (error instanceof hpke.OpenError) return invalid("sealed to another key, for another use, or damaged");
    throw error;
  }
}

function checkInfo(info: Uint8Array): void {
  if (info.length > MAX_INFO_BYTES) throw new RangeError(`an info of ${info.length} bytes`);
}
