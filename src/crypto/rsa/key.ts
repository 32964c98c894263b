/** Shoup's RSA public key: checked, opened for computing, and in the standard format for everybody else. */
import { type KeyObject, checkPrimeSync, createPublicKey } from "node:crypto";
import { encode } from "../../core/codec.js";
import { type Formula, checkFormula, formulaCodec, leavesOf } from "../../core/formula.js";
import { bigintToBytes, bitLength, bytesToBigint, jacobi } from "../numbers/bigints.js";
import { KeyError } from "../errors.js";
import { sha256 } from "../hashing.js";
import type { RsaPublicKey } from "../keys.js";
import { Modulus } from "../numbers/modexp.js";
import { type Sharing, createSharing } from "../sharing/sharing.js";
import { secretBytes } from "./exponent-sharing.js";

export const MIN_RSA_BITS = 2048;
export const MAX_RSA_BITS = 4096;
/** OpenSSL's signature check wants a small exponent for large moduli. */
const MAX_EXPONENT = 2 ** 32;

/** A public key ready for computing. */
export interface RsaKey {
  readonly modulus: Modulus;
  readonly exponent: bigint;
  readonly sharing: Sharing;
  /** Bytes of one leaf's secret. */
  readonly secretBytes: number;
  readonly verificationBase: bigint;
  /** v_j. */
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
  const { exponent, access, nonResidue } = publicKey;
  const modulus = new Modulus(bytesToBigint(publicKey.modulus));
  return {
    modulus,
    exponent: BigInt(exponent),
    sharing: createSharing(access),
    secretBytes: secretBytes(access, modulus.value),
    verificationBase: bytesToBigint(publicKey.verificationBase),
    verificationKeys: publicKey.verificationKeys.map(bytesToBigint),
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
  const problem = checkRsaParameters(publicKey);
  if (problem !== undefined) return problem;
  const { access, verificationKeys } = publicKey;
  const leaves = leavesOf(access).length;
  if (verificationKeys.length !== leaves) return `${verificationKeys.length} verification keys for ${leaves} leaves`;
  const modulus = bytesToBigint(publicKey.modulus);
  const bad = verificationKeys.findIndex((key) => !isSquareLike(key, modulus, publicKey.modulus.length));
  return bad < 0 ? undefined : `verification key ${bad} out of range`;
}

/** The same but for the verification keys, so that a dealer need not compute them in vain. */
export function checkRsaParameters(publicKey: Omit<RsaPublicKey, "verificationKeys">): string | undefined {
  const { modulus: modulusBytes, exponent, access, verificationBase, nonResidue } = publicKey;
  const modulus = bytesToBigint(modulusBytes);
  const bits = bitLength(modulus);
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) return `modulus of ${bits} bits`;
  if (modulusBytes[0] === 0) return "modulus with leading zero bytes";
  if ((modulus & 1n) === 0n) return "even modulus";

  const formulaProblem = checkFormula(access);
  if (formulaProblem !== undefined) return formulaProblem;
  if (!Number.isSafeInteger(exponent) || exponent < 3 || exponent > MAX_EXPONENT) return `exponent ${exponent}`;
  // D's prime factors are not above any gate's width, so e is coprime to D: the last step of combining needs that.
  const width = greatestWidth(access);
  if (exponent <= width || !checkPrimeSync(BigInt(exponent)))
    return `exponent ${exponent} is not a prime above ${width}, the formula's greatest width`;

  if (!isSquareLike(verificationBase, modulus, modulusBytes.length)) return "verification base out of range";
  if (nonResidue.length === 0) return undefined;
  const u = parseBelow(nonResidue, modulus, modulusBytes.length);
  return u !== undefined && jacobi(u, modulus) === -1 ? undefined : "u has no Jacobi symbol of -1";
}

function greatestWidth(formula: Formula): number {
  return typeof formula === "number" ? 1 : Math.max(formula.of.length, ...formula.of.map(greatestWidth));
}

/** As far as can be seen without the factors: a square other than 1, in canonical form. */
function isSquareLike(bytes: Uint8Array, modulus: bigint, sizeBytes: number): boolean {
  const value = parseBelow(bytes, modulus, sizeBytes);
  return value !== undefined && looksLikeSquare(value, modulus);
}

/** Whether `value`, in 0..N-1, may be a square that has all of the squares as powers. -1 has Jacobi symbol 1 but is none. */
export function looksLikeSquare(value: bigint, modulus: bigint): boolean {
  return value !== 1n && value !== modulus - 1n && jacobi(value, modulus) === 1;
}

function parseBelow(bytes: Uint8Array, modulus: bigint, sizeBytes: number): bigint | undefined {
  if (bytes.length !== sizeBytes) return undefined;
  const value = bytesToBigint(bytes);
  return value < modulus ? value : undefined;
}

function digestOf({
  modulus,
  exponent,
  access,
  verificationBase,
  verificationKeys,
  nonResidue,
}: RsaPublicKey): Uint8Array {
  return sha256(
    "abcast/1 rsa public key",
    modulus,
    bigintToBytes(BigInt(exponent), 8),
    encode(formulaCodec, access),
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
