/**
 * How the dealer shares the secret exponent d: along the formula as `Sharing.deal`, but below the first gates over the integers.
 *
 * Why not modulo m = p'q' throughout: m must stay secret, since it factors N. An unqualified set may satisfy a gate inside the
 * formula and hold more shares of it than determine its value; AND(2-of-3(0,1,2), 3) and the parties {0,1,2} are an example. Its
 * shares then fulfil linear relations, here s_0 - 2s_1 + s_2 = 0. Reduced modulo m they fulfil them only modulo m, so
 * that the relation evaluates to a multiple of m: the set factors N. Hence relations that a set can see must hold
 * over the integers, as in Damgård and Thorbek, "Linear integer secret sharing and distributed exponentiation", PKC 2006.
 *
 * A node is *hidden* when no unqualified set satisfies it: the root, and each input of a hidden OR. The values that a hidden gate
 * gives to its inputs are reduced modulo m: of AND and threshold gates an unqualified set knows fewer than `threshold`, and these are
 * independent. Formulas of one gate, weights among them, thus keep Shoup's shares 0 <= s < m.
 * All other nodes are *open*. The value V of an open node is an integer with |V| <= bound and a multiple of the node's multiplier; an input
 * of a hidden gate gets one by adding a multiple of m, in fact as B·(V·B^{-1} mod m), B its multiplier. With `below` the least
 * common multiple of the inputs' multipliers and multiplier = δ·below:
 *   OR         each input has V;
 *   AND        each input but the last has below·r; the last V minus their sum;
 *   threshold  input i has below·g(i), g(X) = V/below + r_1·X + …, and V/below is a multiple of δ = (number of inputs)!.
 * Who holds fewer than `threshold` of the inputs, i in I, learns nothing: for V' in place of V, g + (V'-V)/(below·δ)·h has the same
 * values on I, where h(X) = δ·Π_{i in I}(1 - X/i) is an integer polynomial since Π i divides δ. Its coefficients are at most
 * δ·threshold, and all r are uniform in a range 2^128 times larger than that shift, so the two distributions are within
 * (number of r)·2^-128 of each other.
 *
 * At every gate the inputs' values recombine to V modulo m as with `Sharing.deal`; so `Sharing.integerTerms` fits
 * these shares: Σ coefficient·share = D·d modulo m. A share may be negative and longer than N; `secretBytes` bounds it.
 */
import type { Formula, Gate } from "../../core/formula.js";
import { bezout, bitLength, inverse, mod } from "../numbers/bigints.js";
import { randomBelow } from "../numbers/random.js";
import { createSharing } from "../sharing/sharing.js";

/** Statistical security of values over the integers. */
const HIDING_BITS = 128n;

/**
 * Each leaf's share of `secret` modulo the secret `order` of a group of squares modulo N.
 * @throws RangeError when `formula` is none, 0 <= secret < order does not hold, or `order` has a small factor.
 */
export function shareExponent(formula: Formula, secret: bigint, order: bigint): bigint[] {
  createSharing(formula);
  if (secret < 0n || secret >= order) throw new RangeError("the secret is not reduced");
  const dealHidden = (node: Formula, value: bigint): bigint[] => {
    if (typeof node === "number") return [value];
    if (node.threshold === 1) return node.of.flatMap((input) => dealHidden(input, value));
    const values = split(node, value, order);
    return node.of.flatMap((input, i) => {
      const multiplier = multiplierOf(input);
      return dealOpen(input, lift(values[i] ?? 0n, multiplier, order), multiplier * order);
    });
  };
  return dealHidden(formula, secret);
}

/** A share's bytes in a key: a sign bit, then the magnitude. For one gate as many as the modulus has. */
export function secretBytes(formula: Formula, modulus: bigint): number {
  // m = (p-1)(q-1)/4 < N/4.
  const order = 1n << BigInt(bitLength(modulus) - 2);
  const ofHidden = (node: Formula): bigint => {
    if (typeof node === "number") return order;
    if (node.threshold === 1) return greatest(node.of.map(ofHidden));
    return greatest(node.of.map((input) => ofOpen(input, multiplierOf(input) * order)));
  };
  const ofOpen = (node: Formula, bound: bigint): bigint => {
    if (typeof node === "number") return bound;
    const { inputBound } = opened(node, bound);
    return greatest(node.of.map((input) => ofOpen(input, inputBound)));
  };
  return Math.ceil((bitLength(ofHidden(formula)) + 1) / 8);
}

/** `value` modulo `order` as a multiple of `multiplier`. */
function lift(value: bigint, multiplier: bigint, order: bigint): bigint {
  const divisor = inverse(multiplier, order);
  if (divisor === undefined) throw new RangeError("the order has a factor in common with D");
  return multiplier * mod(value * divisor, order);
}

function dealOpen(node: Formula, value: bigint, bound: bigint): bigint[] {
  if (typeof node === "number") return [value];
  const { below, range, inputBound } = opened(node, bound);
  const values =
    node.threshold === 1 ? node.of.map(() => value) : split(node, value / below, range).map((v) => v * below);
  return node.of.flatMap((input, i) => dealOpen(input, values[i] ?? 0n, inputBound));
}

/** What an open gate with |V| <= bound has: `range` for random numbers, in units of `below`, and the bound for its inputs. */
function opened({ threshold, of }: Gate, bound: bigint) {
  const below = of.map(multiplierOf).reduce((lcm, each) => (lcm / bezout(lcm, each).gcd) * each, 1n);
  if (threshold === 1) return { below, range: 0n, inputBound: bound };
  // Two values differ by 2·bound at most, and h has coefficients of at most δ·threshold: the δ cancels.
  const range = (2n * BigInt(threshold) * (bound / below + 1n)) << HIDING_BITS;
  const width = BigInt(of.length);
  let powers = 0n;
  for (let degree = 1; degree < threshold; degree++) powers += width ** BigInt(degree);
  const growth = threshold === of.length ? width : powers;
  return { below, range, inputBound: bound + below * range * growth };
}

/** Values for the inputs of a gate other than OR: summands of `value`, or a polynomial through it, from random numbers below `range`. */
function split({ threshold, of }: Gate, value: bigint, range: bigint): bigint[] {
  const random = Array.from({ length: threshold - 1 }, () => randomBelow(range));
  if (threshold === of.length) return [...random, random.reduce((rest, summand) => rest - summand, value)];
  const coefficients = [value, ...random];
  return of.map((_, i) => coefficients.reduceRight((sum, coefficient) => sum * BigInt(i + 1) + coefficient, 0n));
}

function multiplierOf(node: Formula): bigint {
  return typeof node === "number" ? 1n : createSharing(node).multiplier;
}

function greatest(values: readonly bigint[]): bigint {
  return values.reduce((most, value) => (value > most ? value : most), 0n);
}
