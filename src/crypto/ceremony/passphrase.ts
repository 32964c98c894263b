/**
 * A secret protected by a passphrase: scrypt (RFC 7914) makes a key of it, AES-256-GCM encrypts. The format,
 * scrypt's parameters, salt and nonce are authenticated as additional data.
 *
 * The file is as strong as the passphrase: scrypt only makes each guess cost what a try costs here.
 */
import { createCipheriv, createDecipheriv, randomBytes, scrypt } from "node:crypto";
import { promisify } from "node:util";
import { concat, utf8 } from "../../core/bytes.js";
import { type Value, encode, fixedBytes, struct, text, u32 } from "../../core/codec.js";
import { invalid } from "../scheme.js";
import { MAX_PLAINTEXT_BYTES, type Opening } from "./opened.js";

/** What a guess costs: 128·N·r bytes of memory, and time in proportion to N·r·p. */
export interface ScryptCost {
  /** A power of two, at least 2^14. */
  readonly N: number;
  /** At least 8. */
  readonly r: number;
  /** 1..4. */
  readonly p: number;
}

export interface EncryptedSecret extends ScryptCost {
  readonly kdf: "scrypt";
  /** 32 bytes. */
  readonly salt: Uint8Array;
  /** 12 bytes. */
  readonly nonce: Uint8Array;
  /** As long as the plaintext, and a tag of 16 bytes. */
  readonly ciphertext: Uint8Array;
}

/** 128 MiB and about a third of a second. */
export const DEFAULT_COST: ScryptCost = { N: 2 ** 17, r: 8, p: 1 };
/** No file makes us use more. */
export const MAX_SCRYPT_MEMORY_BYTES = 256 * 2 ** 20;
export const SALT_BYTES = 32;
export const NONCE_BYTES = 12;
export const TAG_BYTES = 16;
export const MAX_CIPHERTEXT_BYTES = MAX_PLAINTEXT_BYTES + TAG_BYTES;

const MIN_N = 2 ** 14;
const MIN_R = 8;
const MAX_P = 4;
const CIPHER = "aes-256-gcm";
const KEY_BYTES = 32;

const headerCodec = struct({
  format: text(64),
  N: u32,
  r: u32,
  p: u32,
  salt: fixedBytes(SALT_BYTES),
  nonce: fixedBytes(NONCE_BYTES),
});

type Header = Omit<Value<typeof headerCodec>, "format">;

/**
 * Salt and nonce are new each time.
 * @throws RangeError for an empty passphrase or one that is no Unicode text, for a cost that `decryptWithPassphrase` would
 * refuse, and for a plaintext above 1 MiB.
 */
export async function encryptWithPassphrase(
  plaintext: Uint8Array,
  passphrase: string,
  { N, r, p }: ScryptCost = DEFAULT_COST,
): Promise<EncryptedSecret> {
  const problem = checkPassphrase(passphrase) ?? checkCost({ N, r, p });
  if (problem !== undefined) throw new RangeError(problem);
  if (plaintext.length > MAX_PLAINTEXT_BYTES) throw new RangeError(`a secret of ${plaintext.length} bytes`);

  const salt = new Uint8Array(randomBytes(SALT_BYTES));
  const nonce = new Uint8Array(randomBytes(NONCE_BYTES));
  const header = { N, r, p, salt, nonce };
  const key = await deriveKey(passphrase, header);
  try {
    const cipher = createCipheriv(CIPHER, key, nonce).setAAD(additionalData(header));
    const ciphertext = concat(cipher.update(plaintext), cipher.final(), cipher.getAuthTag());
    return { kdf: "scrypt", ...header, ciphertext };
  } finally {
    key.fill(0);
  }
}

/**
 * Total: a file with other parameters than we would write is refused before it costs anything. A wrong passphrase and a
 * damaged file look the same, for the tag is all that tells.
 */
export async function decryptWithPassphrase(secret: EncryptedSecret, passphrase: string): Promise<Opening> {
  const problem = checkPassphrase(passphrase) ?? checkCost(secret) ?? checkSizes(secret);
  if (problem !== undefined) return invalid(problem);

  const { nonce, ciphertext } = secret;
  const key = await deriveKey(passphrase, secret);
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES }).setAAD(additionalData(secret));
  decipher.setAuthTag(ciphertext.subarray(ciphertext.length - TAG_BYTES));
  // In this mode all of the plaintext is here before the tag is checked, and nothing comes after.
  const unchecked = decipher.update(ciphertext.subarray(0, ciphertext.length - TAG_BYTES));
  try {
    decipher.final();
    return { kind: "opened", plaintext: Uint8Array.from(unchecked) };
  } catch {
    return invalid("the passphrase is wrong, or the file is damaged");
  } finally {
    unchecked.fill(0);
    key.fill(0);
  }
}

/** What is wrong with the parameters, too weak or too much for us, or undefined. Total. */
function checkCost({ N, r, p }: ScryptCost): string | undefined {
  if (![N, r, p].every(Number.isSafeInteger)) return "scrypt: a parameter is not a whole number";
  if (N < MIN_N || r < MIN_R || p < 1) return `scrypt: N=${N}, r=${r}, p=${p} is too weak`;
  if (p > MAX_P || memoryBytes({ N, r, p }) > MAX_SCRYPT_MEMORY_BYTES) {
    return `scrypt: N=${N}, r=${r}, p=${p} is too much work`;
  }
  return Number.isInteger(Math.log2(N)) ? undefined : `scrypt: N=${N} is not a power of two`;
}

/** What OpenSSL takes: r blocks of 128 bytes for each of N entries of V, p parts of B, and two at work (RFC 7914, section 5). */
function memoryBytes({ N, r, p }: ScryptCost): number {
  return 128 * r * (N + p + 2);
}

function checkSizes({ salt, nonce, ciphertext }: EncryptedSecret): string | undefined {
  if (salt.length !== SALT_BYTES) return `a salt of ${salt.length} bytes`;
  if (nonce.length !== NONCE_BYTES) return `a nonce of ${nonce.length} bytes`;
  return ciphertext.length < TAG_BYTES || ciphertext.length > MAX_CIPHERTEXT_BYTES
    ? `a ciphertext of ${ciphertext.length} bytes`
    : undefined;
}

function checkPassphrase(passphrase: string): string | undefined {
  if (passphrase === "") return "the passphrase is empty";
  // UTF-8 would turn each lone surrogate into the same character.
  return /\p{Surrogate}/u.test(passphrase) ? "the passphrase is not Unicode text" : undefined;
}

/** Unicode has several forms of one text, and keyboards differ: NFKC (Unicode Standard Annex 15) makes them one. */
async function deriveKey(passphrase: string, { N, r, p, salt }: Header): Promise<Buffer> {
  const password = utf8(passphrase.normalize("NFKC"));
  try {
    return await scryptOffLoop(password, salt, KEY_BYTES, { N, r, p, maxmem: MAX_SCRYPT_MEMORY_BYTES });
  } finally {
    password.fill(0);
  }
}

const scryptOffLoop: (
  password: Uint8Array,
  salt: Uint8Array,
  sizeBytes: number,
  options: ScryptCost & { readonly maxmem: number },
) => Promise<Buffer> = promisify(scrypt);

function additionalData({ N, r, p, salt, nonce }: Header): Uint8Array {
  return encode(headerCodec, { format: "abcast/1 passphrase scrypt aes-256-gcm", N, r, p, salt, nonce });
}
