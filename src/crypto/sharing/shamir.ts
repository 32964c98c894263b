/**
 * Secret sharing by polynomials over the integers modulo m (Shamir, CACM 1979), and the Lagrange
 * coefficients that undo it at 0. Party i (0-based) holds f(i+1): f(0) is the secret itself.
 */
import { randomBytes } from "node:crypto";
import type { PartyId } from "../../core/party-set.js";
import { bitLength, bytesToBigint, factorial, inverse, mod } from "../numbers/bigints.js";

/** Where party `party`'s share lies on the polynomial. */
export function abscissa(party: PartyId): bigint {
  return BigInt(party + 1);
}

/** Uniform in 0..bound-1. @throws RangeError unless `bound` is positive. */
export function randomBelow(bound: bigint): bigint {
  if (bound <= 0n) throw new RangeError("no number is below 1");
  const bits = bitLength(bound - 1n);
  const sizeBytes = Math.ceil(bits / 8);
  // Rejection: reducing modulo `bound` would favour small numbers. Fewer than two rounds on average.
  for (;;) {
    const candidate = bytesToBigint(randomBytes(sizeBytes)) >> BigInt(8 * sizeBytes - bits);
    if (candidate < bound) return candidate;
  }
}

export interface Sharing {
  readonly secret: bigint;
  readonly modulus: bigint;
  readonly n: number;
  /** Shares that determine the secret; the polynomial's degree is one less. */
  readonly threshold: number;
}

/**
 * The parties' shares f(1)..f(n) of `secret`, by a polynomial with random coefficients.
 * @throws RangeError unless 1 <= threshold <= n and 0 <= secret < modulus.
 */
export function shareSecret({ secret, modulus, n, threshold }: Sharing): bigint[] {
  if (!Number.isInteger(threshold) || threshold < 1 || threshold > n)
    throw new RangeError(`threshold ${threshold} of ${n}`);
  if (secret < 0n || secret >= modulus) throw new RangeError("the secret is not reduced");
  const coefficients = [secret];
  while (coefficients.length < threshold) coefficients.push(randomBelow(modulus));
  return Array.from({ length: n }, (_, party) => evaluate(coefficients, abscissa(party), modulus));
}

function evaluate(coefficients: readonly bigint[], x: bigint, modulus: bigint): bigint {
  return coefficients.reduceRight((sum, coefficient) => mod(sum * x + coefficient, modulus), 0n);
}

/**
 * λ_i with f(0) = Σ λ_i·f(i) mod `order`, in the order of `parties`.
 * @throws RangeError on repeated parties.
 */
export function lagrangeAtZero(parties: readonly PartyId[], order: bigint): bigint[] {
  return parties.map((party) => {
    const { numerator, denominator } = lagrangeFraction(parties, party);
    const inverted = inverse(denominator, order);
    if (inverted === undefined) throw new RangeError("parties must differ");
    return mod(numerator * inverted, order);
  });
}

/**
 * Shoup's λ^S_{0,i} (EUROCRYPT 2000, Protocol 1): integers with Δ·f(0) = Σ λ_i·f(i) for Δ = n!, needed where the
 * order of the group is secret, so that nobody can divide in the exponent.
 * @throws RangeError on repeated parties and on parties outside 0..n-1.
 */
export function integerLagrangeAtZero(parties: readonly PartyId[], n: number): bigint[] {
  const delta = factorial(n);
  return parties.map((party) => {
    if (!Number.isInteger(party) || party < 0 || party >= n) throw new RangeError(`party ${party} of ${n}`);
    const { numerator, denominator } = lagrangeFraction(parties, party);
    if (denominator === 0n) throw new RangeError("parties must differ");
    // Exact: the differences to the other abscissas lie in -(i-1)..n-i, all distinct, so that their product
    // divides (i-1)!·(n-i)!, which divides n!.
    return (delta * numerator) / denominator;
  });
}

/** Π_{j≠i} (0-j)/(i-j); a denominator of 0 when `party` occurs twice. */
function lagrangeFraction(parties: readonly PartyId[], party: PartyId): { numerator: bigint; denominator: bigint } {
  let [numerator, denominator] = [1n, 1n];
  let seen = false;
  for (const other of parties) {
    if (other === party && !seen) {
      seen = true;
      continue;
    }
    numerator *= -abscissa(other);
    denominator *= abscissa(party) - abscissa(other);
  }
  return { numerator, denominator };
}
