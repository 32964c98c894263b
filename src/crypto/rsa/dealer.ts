/** The dealer's part of Shoup's scheme (EUROCRYPT 2000, Protocols 1 and 2): safe primes and a shared exponent. */
import { checkPrime, generatePrime } from "node:crypto";
import { setImmediate as otherEvents } from "node:timers/promises";
import { promisify } from "node:util";
import { concat } from "../../core/bytes.js";
import { type Formula, checkFormula } from "../../core/formula.js";
import { bitLength, inverse, jacobi } from "../numbers/bigints.js";
import { KeyError } from "../errors.js";
import type { Dealt, RsaPublicKey } from "../keys.js";
import { Modulus } from "../numbers/modexp.js";
import { randomBelow } from "../numbers/random.js";
import { type Sharing, createSharing } from "../sharing/sharing.js";
import { secretBytes, shareExponent } from "./exponent-sharing.js";
import { checkRsaParameters } from "./key.js";
import { SecretExponent, formatExponent } from "./secret-exponent.js";

/** Prime and larger than any formula is wide. */
const PUBLIC_EXPONENT = 65_537;

export type SafePrimes = readonly [bigint, bigint];

export interface RsaDealOptions {
  readonly access: Formula;
  /** Protocol 2: for a key whose unqualified sets may contain honest parties. Protocol 1 otherwise. */
  readonly dual: boolean;
  readonly primes: SafePrimes;
}

/**
 * Between two exponentiations other events have their turn.
 * @throws KeyError when `access` is no formula, or the primes are equal, of unequal length or too small.
 */
export async function dealRsa({ access, dual, primes: [p, q] }: RsaDealOptions): Promise<Dealt<RsaPublicKey>> {
  const formulaProblem = checkFormula(access);
  if (formulaProblem !== undefined) throw new KeyError(`RSA: ${formulaProblem}`);
  if (p === q || bitLength(p) !== bitLength(q)) throw new KeyError("RSA: needs two different primes of one length");
  const modulus = openModulus(p * q);
  const sharing = createSharing(access);
  const verificationBase = randomSquare(modulus);
  const parameters = {
    modulus: modulus.format(modulus.value),
    exponent: PUBLIC_EXPONENT,
    access,
    verificationBase: modulus.format(verificationBase),
    nonResidue: dual ? modulus.format(randomNonResidue(modulus.value)) : new Uint8Array(),
  };
  const problem = checkRsaParameters(parameters);
  if (problem !== undefined) throw new KeyError(`RSA: ${problem}`);

  const sizeBytes = secretBytes(access, modulus.value);
  const secrets = dealExponent(sharing, dual, [p, q]).map((value) => formatExponent(value, sizeBytes));
  const verificationKeys: Uint8Array[] = [];
  for (const secret of secrets) {
    await otherEvents();
    verificationKeys.push(modulus.format(new SecretExponent(secret).power(modulus, verificationBase)));
  }
  return {
    publicKey: { ...parameters, verificationKeys },
    secretOf: (party) => concat(...sharing.leavesOf(party).map((leaf) => secrets[leaf] ?? new Uint8Array())),
  };
}

function openModulus(value: bigint): Modulus {
  try {
    return new Modulus(value);
  } catch (error) {
    if (error instanceof RangeError) throw new KeyError(`RSA: ${error.message}`, { cause: error });
    throw error;
  }
}

/** Shares of d = e^{-1} mod m; in Protocol 2 of d·D^{-1}, which saves the parties the power of D. */
function dealExponent({ formula, multiplier }: Sharing, dual: boolean, [p, q]: SafePrimes): bigint[] {
  // m, the order of the group of squares: p'·q'.
  const order = ((p - 1n) / 2n) * ((q - 1n) / 2n);
  const secret = inverse(BigInt(PUBLIC_EXPONENT) * (dual ? multiplier : 1n), order);
  if (secret === undefined) throw new KeyError("RSA: the primes are not safe ones");
  return shareExponent(formula, secret, order);
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
