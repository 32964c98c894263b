/** The dealer's part of Shoup's scheme (EUROCRYPT 2000, Protocols 1 and 2): safe primes and a shared exponent. */
import { checkPrime, generatePrime } from "node:crypto";
import { promisify } from "node:util";
import { bigintToBytes, bitLength, factorial, inverse, jacobi } from "../numbers/bigints.js";
import { KeyError } from "../errors.js";
import type { RsaPublicKey } from "../keys.js";
import { Modulus } from "../numbers/modexp.js";
import { checkRsaPublicKey } from "./key.js";
import { randomBelow, shareSecret } from "../sharing/shamir.js";

/** Prime and larger than any group. */
const PUBLIC_EXPONENT = 65_537;

export type SafePrimes = readonly [bigint, bigint];

export interface RsaDealing {
  readonly publicKey: RsaPublicKey;
  /** s_i, as long as the modulus. */
  readonly secrets: readonly Uint8Array[];
}

export interface RsaDealOptions {
  readonly n: number;
  /** κ. */
  readonly threshold: number;
  /** t; Protocol 2 when κ > t+1. */
  readonly corrupted: number;
  readonly primes: SafePrimes;
}

/** @throws KeyError when the primes are equal or of unequal length, or the parameters make no valid key. */
export function dealRsa({ n, threshold, corrupted, primes: [p, q] }: RsaDealOptions): RsaDealing {
  if (p === q || bitLength(p) !== bitLength(q)) throw new KeyError("RSA: needs two different primes of one length");
  const modulus = new Modulus(p * q);
  // The order of the group of squares: p'·q'.
  const order = ((p - 1n) / 2n) * ((q - 1n) / 2n);
  const isProtocol2 = threshold > corrupted + 1;
  const values = shareExponent(n, threshold, order, isProtocol2);
  const verificationBase = randomSquare(modulus);
  const publicKey: RsaPublicKey = {
    modulus: modulus.format(modulus.value),
    exponent: PUBLIC_EXPONENT,
    threshold,
    corrupted,
    verificationBase: modulus.format(verificationBase),
    verificationKeys: values.map((value) => modulus.format(modulus.pow(verificationBase, value))),
    nonResidue: isProtocol2 ? modulus.format(randomNonResidue(modulus.value)) : new Uint8Array(),
  };
  const problem = checkRsaPublicKey(publicKey);
  if (problem !== undefined) throw new KeyError(`RSA: ${problem}`);
  return { publicKey, secrets: values.map((value) => bigintToBytes(value, modulus.sizeBytes)) };
}

/** s_i = f(i) with f(0) = d = e^{-1} mod m; in Protocol 2 times Δ^{-1}, which saves the parties the power of Δ. */
function shareExponent(n: number, threshold: number, order: bigint, isProtocol2: boolean): bigint[] {
  const secret = inverse(BigInt(PUBLIC_EXPONENT), order);
  const deltaInverse = isProtocol2 ? inverse(factorial(n), order) : 1n;
  if (secret === undefined || deltaInverse === undefined) throw new KeyError("RSA: the primes are too small");
  const shares = shareSecret({ secret, modulus: order, n, threshold });
  return shares.map((share) => (share * deltaInverse) % order);
}

/** Generates the squares modulo N but with negligible probability, since their order is p'·q'. */
function randomSquare(modulus: Modulus): bigint {
  const root = 2n + randomBelow(modulus.value - 3n);
  return modulus.multiply(root, root);
}

function randomNonResidue(modulus: bigint): bigint {
  for (;;) {
    const candidate = 2n + randomBelow(modulus - 3n);
    if (jacobi(candidate, modulus) === -1) return candidate;
  }
}

const generatePrimeAsync = promisify((bits: number, done: (error: Error | null, prime: bigint) => void): void =>
  generatePrime(bits, { safe: true, bigint: true }, done),
);
const checkPrimeAsync = promisify((candidate: bigint, done: (error: Error | null, prime: boolean) => void): void =>
  checkPrime(candidate, done),
);

/** Two different safe primes whose product has exactly `rsaBits` bits, searched side by side on the thread pool. */
export async function generateSafePrimes(rsaBits: number): Promise<SafePrimes> {
  if (!Number.isInteger(rsaBits) || rsaBits % 2 !== 0) throw new RangeError(`an RSA modulus of ${rsaBits} bits`);
  for (;;) {
    const [p, q] = await Promise.all([generatePrimeAsync(rsaBits / 2), generatePrimeAsync(rsaBits / 2)]);
    if (p !== q && bitLength(p * q) === rsaBits) return [p, q];
  }
}

/** @throws KeyError unless both are safe primes, different, and their product has exactly `rsaBits` bits. */
export async function checkSafePrimes([p, q]: SafePrimes, rsaBits: number): Promise<void> {
  const candidates = [p, q, (p - 1n) / 2n, (q - 1n) / 2n];
  const positive = p > 5n && q > 5n;
  if (!positive || !(await Promise.all(candidates.map((c) => checkPrimeAsync(c)))).every(Boolean)) {
    throw new KeyError("RSA: an imported number is not a safe prime");
  }
  if (p === q || bitLength(p * q) !== rsaBits)
    throw new KeyError(`RSA: the imported primes make no modulus of ${rsaBits} bits`);
}
