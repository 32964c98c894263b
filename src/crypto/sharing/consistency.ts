/** Whether the public parts of a shared key belong together: the dealer is trusted, the files that it wrote are not. */
import type { Formula } from "../../core/formula.js";
import { mod } from "../numbers/bigints.js";
import { randomBelow } from "../numbers/random.js";

/**
 * Random weights, one for each leaf, with Σ weight·share = secret modulo the prime `order` for all shares that `createSharing(access)`
 * can deal; for any other numbers that holds with probability 1/order. So one sum in the exponent shows that every qualified
 * set gives the same.
 *
 * At a gate of m inputs, shared by a polynomial f of degree below the threshold k: Σ_{x=0..m} (-1)^x·C(m,x)·f(x)·q(x) = 0 for each
 * polynomial q of degree m-k, since the m-th difference of a polynomial of degree below m is 0. With q random but
 * q(0) = w, the inputs' weights are (-1)^{x+1}·C(m,x)·q(x), and their sum gives w·f(0). This is the test of Cascudo and
 * David, "SCRAPE", ACNS 2017, carried down the formula. An AND gate has summands, each of weight w.
 */
export function consistencyWeights(access: Formula, order: bigint, weight = 1n): bigint[] {
  if (typeof access === "number") return [weight];
  const { threshold, of } = access;
  if (threshold === of.length) return of.flatMap((input) => consistencyWeights(input, order, weight));
  const q = [weight, ...Array.from({ length: of.length - threshold }, () => randomBelow(order))];
  let signedBinomial = -1n;
  return of.flatMap((input, i) => {
    const x = i + 1;
    signedBinomial = (-signedBinomial * BigInt(of.length - i)) / BigInt(x);
    return consistencyWeights(input, order, mod(signedBinomial * evaluate(q, BigInt(x), order), order));
  });
}

/** Horner's rule; the constant term stands first. */
function evaluate(polynomial: readonly bigint[], x: bigint, modulus: bigint): bigint {
  return polynomial.reduceRight((value, coefficient) => (value * x + coefficient) % modulus, 0n);
}
