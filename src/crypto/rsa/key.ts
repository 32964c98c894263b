/** Shoup's RSA public key: checked, opened for computing, and in the standard format for everybody else. */
import { type KeyObject, checkPrimeSync, createPublicKey } from "node:crypto";
import { bigintToBytes, bitLength, bytesToBigint, factorial, inverse, jacobi } from "../numbers/bigints.js";
import { KeyError } from "../errors.js";
import { sha256, u32Bytes } from "../hashing.js";
import type { RsaPublicKey } from "../keys.js";
import { Modulus } from "../numbers/modexp.js";

export const MIN_RSA_BITS = 2048;
export const MAX_RSA_BITS = 4096;
/** OpenSSL's signature check wants a small exponent for large moduli. */
const MAX_EXPONENT = 2 ** 32;

/** A public key ready for computing. */
export interface RsaKey {
  readonly n: number;
  readonly modulus: Modulus;
  readonly exponent: bigint;
  readonly threshold: number;
  /** Δ = n!. */
  readonly delta: bigint;
  readonly verificationBase: bigint;
  /** v_i. */
  readonly verificationKeys: readonly bigint[];
  /** u, when the key is for Shoup's Protocol 2. */
  readonly nonResidue: bigint | undefined;
  /** SHA-256 of all of the above: binds proofs to the key. */
  readonly digest: Uint8Array;
  /** The ordinary RSA public key. */
  readonly standard: KeyObject;
}

/** @throws KeyError when `checkRsaPublicKey` finds a fault. */
export function openRsaKey(publicKey: RsaPublicKey): RsaKey {
  const problem = checkRsaPublicKey(publicKey);
  if (problem !== undefined) throw new KeyError(`RSA: ${problem}`);
  const { exponent, threshold, nonResidue, verificationKeys } = publicKey;
  return {
    n: verificationKeys.length,
    modulus: new Modulus(bytesToBigint(publicKey.modulus)),
    exponent: BigInt(exponent),
    threshold,
    delta: factorial(verificationKeys.length),
    verificationBase: bytesToBigint(publicKey.verificationBase),
    verificationKeys: verificationKeys.map(bytesToBigint),
    nonResidue: nonResidue.length === 0 ? undefined : bytesToBigint(nonResidue),
    digest: digestOf(publicKey),
    standard: standardKey(publicKey),
  };
}

/**
 * What is wrong with a public key, or undefined. Total. What only the dealer can know — that N is the
 * product of two safe primes, that v generates the squares — is taken on trust, as the dealer is.
 */
export function checkRsaPublicKey(publicKey: RsaPublicKey): string | undefined {
  const {
    modulus: modulusBytes,
    exponent,
    threshold,
    corrupted,
    verificationBase,
    verificationKeys,
    nonResidue,
  } = publicKey;
  const n = verificationKeys.length;
  const modulus = bytesToBigint(modulusBytes);
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return `modulus of ${bits} bits`;
  if (modulusBytes[0] === 0) return "modulus with leading zero bytes";
  if ((modulus & 1n) === 0n) return "even modulus";

  if (!Number.isSafeInteger(exponent) || exponent < 3 || exponent > MAX_EXPONENT) return `exponent ${exponent}`;
  // e prime and above n makes it coprime to Δ: the last step of combining needs that.
  if (exponent <= n || !checkPrimeSync(BigInt(exponent))) return `exponent ${exponent} is not a prime above n=${n}`;

  if (!Number.isInteger(corrupted) || corrupted < 0) return `${corrupted} corrupted parties`;
  if (!Number.isInteger(threshold) || threshold <= corrupted || threshold > n - corrupted) {
    return `threshold ${threshold} is not within t+1..n-t for n=${n}, t=${corrupted}`;
  }

  const isSquareLike = (bytes: Uint8Array): boolean => {
    const value = parseUnit(bytes, modulus, modulusBytes.length);
    return value !== undefined && value !== 1n && value !== modulus - 1n && jacobi(value, modulus) === 1;
  };
  if (!isSquareLike(verificationBase)) return "verification base out of range";
  const bad = verificationKeys.findIndex((key) => !isSquareLike(key));
  if (bad >= 0) return `verification key ${bad} out of range`;

  // Protocol 2 is for κ > t+1; u must be there exactly then.
  if (threshold === corrupted + 1) return nonResidue.length === 0 ? undefined : "u in a key for Protocol 1";
  const u = parseUnit(nonResidue, modulus, modulusBytes.length);
  return u !== undefined && jacobi(u, modulus) === -1 ? undefined : "u has no Jacobi symbol of -1";
}

/** The number coprime to the modulus that the bytes denote in canonical form. */
function parseUnit(bytes: Uint8Array, modulus: bigint, sizeBytes: number): bigint | undefined {
  if (bytes.length !== sizeBytes) return undefined;
  const value = bytesToBigint(bytes);
  return value < modulus && inverse(value, modulus) !== undefined ? value : undefined;
}

function digestOf(publicKey: RsaPublicKey): Uint8Array {
  const { modulus, exponent, threshold, corrupted, verificationBase, verificationKeys, nonResidue } = publicKey;
  return sha256(
    "abcast/1 rsa public key",
    modulus,
    bigintToBytes(BigInt(exponent), 8),
    u32Bytes(threshold),
    u32Bytes(corrupted),
    verificationBase,
    nonResidue,
    ...verificationKeys,
  );
}

function standardKey({ modulus, exponent }: RsaPublicKey): KeyObject {
  const e = bigintToBytes(BigInt(exponent), Math.ceil(bitLength(BigInt(exponent)) / 8));
  const jwk = { kty: "RSA", n: Buffer.from(modulus).toString("base64url"), e: Buffer.from(e).toString("base64url") };
  return createPublicKey({ key: jwk, format: "jwk" });
}

/** PEM of the SubjectPublicKeyInfo (RFC 5280, section 4.1.2.7): what openssl and every TLS library reads. */
export function rsaPublicKeyPem(publicKey: RsaPublicKey): string {
  return standardKey(publicKey).export({ format: "pem", type: "spki" }).toString();
}
