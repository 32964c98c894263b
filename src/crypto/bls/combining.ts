/** How signature shares go together: coefficients for the leaves, as small as they can be. */
import type { PartySet } from "../../core/party-set.js";
import { bezout, bitLength, inverse, mod } from "../numbers/bigints.js";
import type { Sharing, Term } from "../sharing/sharing.js";

export interface Combination {
  /** Coefficients other than 0, some of them negative. */
  readonly terms: readonly Term[];
  /** secret = factor · Σ coefficient·share modulo the order; 1..order-1. */
  readonly factor: bigint;
}

/**
 * Undefined for an unqualified set. Coefficients modulo the order are as long as the order, so what is taken are integers, less
 * their common factor: of 43 parties out of 64 they have about 100 bits, of the first 43 only 40. Their common denominator is then divided away in
 * one multiplication of one point, which pays when the coefficients have half the order's length or less.
 */
export function combinationOf(sharing: Sharing, parties: PartySet, order: bigint): Combination | undefined {
  const terms = sharing.integerTerms(parties);
  if (terms === undefined) return undefined;
  const common = terms.reduce((gcd, { coefficient }) => bezout(gcd, magnitude(coefficient)).gcd, sharing.multiplier);
  const factor = inverse(sharing.multiplier / common, order);
  if (factor === undefined) throw new RangeError("the order has a factor in common with the sharing's multiplier");
  const small = scaled(terms, (coefficient) => coefficient / common);
  const isShort = small.every(({ coefficient }) => 2 * bitLength(magnitude(coefficient)) <= bitLength(order));
  if (isShort) return { terms: small, factor };
  return { terms: scaled(small, (coefficient) => mod(coefficient * factor, order)), factor: 1n };
}

function scaled(terms: readonly Term[], scale: (coefficient: bigint) => bigint): Term[] {
  return terms.map(({ leaf, party, piece, coefficient }) => ({ leaf, party, piece, coefficient: scale(coefficient) }));
}

export function magnitude(value: bigint): bigint {
  return value < 0n ? -value : value;
}
