/**
 * Secret sharing along a monotone formula with threshold gates, and how shares are put together: the secret is a number modulo m,
 * and what is shared goes down the formula. An OR gate gives each input a copy, an AND gate summands, any other gate the
 * values f(1), f(2), … of a polynomial (Shamir, CACM 1979; Benaloh and Leichter, CRYPTO '88). Each leaf ends up with one
 * number; a party holds those of its leaves, in the order of the formula.
 *
 * Who puts shares together may not know m: in RSA nobody does, so nobody can divide in the exponent. Hence the coefficients are
 * integers, and their sum gives not the secret but D times it, with D = `multiplier`, the product of the m! of all
 * threshold gates over m inputs. For one threshold gate over n parties that is Shoup's Δ = n! (EUROCRYPT 2000).
 * D does not depend on who takes part. A simulator that chooses the shares of an unqualified set (and, where these leave
 * something open, further values) has all other shares, times D, as integer combinations of these and the secret: this is what
 * Shoup's proof needs (docs/CRYPTO.md). It is why D is not the lowest common multiple at forks, which would do for putting
 * together: where a gate's value follows from those of its siblings, their denominators multiply. Where m is a known
 * prime above the width of all gates, dividing by D gives the linear secret sharing scheme.
 *
 * `deal` is for such a known prime. Along several gates modulo a secret m it would give m away: RSA deals by itself (rsa/exponent-sharing.ts).
 */
import { type Formula, type Gate, checkFormula, isSatisfied, leavesOf } from "../../core/formula.js";
import type { PartyId, PartySet } from "../../core/party-set.js";
import { factorial, inverse, mod } from "../numbers/bigints.js";
import { randomBelow } from "../numbers/random.js";

/** A leaf's part in putting the secret together. */
export interface Term {
  /** Index of the leaf. */
  readonly leaf: number;
  readonly party: PartyId;
  /** Which of its party's leaves this is, from 0. */
  readonly piece: number;
  readonly coefficient: bigint;
}

export interface Sharing {
  readonly formula: Formula;
  /** The party of each leaf. */
  readonly leaves: readonly PartyId[];
  /** D. */
  readonly multiplier: bigint;
  /** The leaves of a party, ascending; none for a party that the formula does not name. */
  leavesOf(party: PartyId): readonly number[];
  isQualified(parties: PartySet): boolean;
  /**
   * Each leaf's share of `secret`.
   * @throws RangeError unless 0 <= secret < modulus.
   */
  deal(secret: bigint, modulus: bigint): bigint[];
  /**
   * Terms with Σ coefficient·share = D·secret, from few leaves of these parties, and at every gate from the first inputs among equally
   * good ones. Undefined for an unqualified set.
   */
  integerTerms(parties: PartySet): readonly Term[] | undefined;
  /** Terms with Σ coefficient·share = secret modulo the prime `order`, coefficients in 1..order-1. */
  terms(parties: PartySet, order: bigint): readonly Term[] | undefined;
}

/** @throws RangeError when `formula` is none over the parties 0..n-1. */
export function createSharing(formula: Formula, n?: number): Sharing {
  const problem = checkFormula(formula, n);
  if (problem !== undefined) throw new RangeError(problem);
  const leaves = leavesOf(formula);
  const own = new Map<PartyId, number[]>();
  const pieces = leaves.map((party, leaf) => {
    const list = own.get(party) ?? [];
    own.set(party, list);
    return list.push(leaf) - 1;
  });
  const root = compile(formula, { next: 0 });
  const terms = (parties: PartySet): readonly Term[] | undefined =>
    solve(root, parties)?.map(({ leaf, party, coefficient }) => ({
      leaf,
      party,
      piece: pieces[leaf] ?? 0,
      coefficient,
    }));

  return {
    formula,
    leaves,
    multiplier: root.multiplier,
    leavesOf: (party) => own.get(party) ?? [],
    isQualified: (parties) => isSatisfied(formula, parties),
    deal(secret, modulus) {
      if (secret < 0n || secret >= modulus) throw new RangeError("the secret is not reduced");
      return dealNode(formula, secret, modulus);
    },
    integerTerms: terms,
    terms(parties, order) {
      // Gates have fewer inputs than any order here is large, so D is invertible.
      const divisor = inverse(root.multiplier, order);
      if (divisor === undefined) throw new RangeError("the order has a factor in common with D");
      return terms(parties)?.map(({ leaf, party, piece, coefficient }) => ({
        leaf,
        party,
        piece,
        coefficient: mod(coefficient * divisor, order),
      }));
    },
  };
}

function dealNode(node: Formula, secret: bigint, modulus: bigint): bigint[] {
  if (typeof node === "number") return [secret];
  const values = dealGate(node, secret, modulus);
  return node.of.flatMap((input, i) => dealNode(input, values[i] ?? 0n, modulus));
}

function dealGate({ threshold, of }: Gate, secret: bigint, modulus: bigint): bigint[] {
  const random = (count: number): bigint[] => Array.from({ length: count }, () => randomBelow(modulus));
  if (isAnd(threshold, of.length)) {
    const summands = random(of.length - 1);
    return [...summands, mod(secret - summands.reduce((sum, value) => sum + value, 0n), modulus)];
  }
  // Of degree 0 for OR: copies.
  const coefficients = [secret, ...random(threshold - 1)];
  return of.map((_, i) => coefficients.reduceRight((sum, a) => mod(sum * BigInt(i + 1) + a, modulus), 0n));
}

function isOr(threshold: number): boolean {
  return threshold === 1;
}

function isAnd(threshold: number, inputs: number): boolean {
  return threshold === inputs;
}

/** A node with its multiplier: D for the formula below it. */
type Node = { readonly multiplier: bigint } & (
  | { readonly leaf: number; readonly party: PartyId }
  | {
      readonly threshold: number;
      readonly inputs: readonly Node[];
      /** m!, or 1 for AND and OR. */
      readonly delta: bigint;
      /** The product of the inputs' multipliers. */
      readonly below: bigint;
    }
);

function compile(formula: Formula, counter: { next: number }): Node {
  if (typeof formula === "number") return { leaf: counter.next++, party: formula, multiplier: 1n };
  const { threshold, of } = formula;
  const inputs = of.map((input) => compile(input, counter));
  const delta = isOr(threshold) || isAnd(threshold, of.length) ? 1n : factorial(of.length);
  const below = inputs.reduce((product, { multiplier }) => product * multiplier, 1n);
  return { threshold, inputs, delta, below, multiplier: delta * below };
}

interface Weighed {
  readonly leaf: number;
  readonly party: PartyId;
  readonly coefficient: bigint;
}

/** Σ coefficient·share = multiplier·value of the node, or undefined where the parties do not satisfy it. */
function solve(node: Node, parties: PartySet): readonly Weighed[] | undefined {
  if ("leaf" in node)
    return parties.has(node.party) ? [{ leaf: node.leaf, party: node.party, coefficient: 1n }] : undefined;
  const { threshold, inputs, delta, below } = node;
  const solved = inputs.flatMap((input, index) => {
    const terms = solve(input, parties);
    return terms === undefined ? [] : [{ index, terms, multiplier: input.multiplier }];
  });
  if (solved.length < threshold) return undefined;
  // The cheapest inputs; sorting is stable, so the first among equals.
  const chosen = solved.sort((a, b) => a.terms.length - b.terms.length).slice(0, threshold);
  const lambdas =
    delta === 1n
      ? chosen.map(() => 1n)
      : integerLagrangeAtZero(
          chosen.map(({ index }) => index + 1),
          delta,
        );
  return chosen.flatMap(({ terms, multiplier }, i) => {
    const factor = (lambdas[i] ?? 0n) * (below / multiplier);
    return terms.map((term) => ({ ...term, coefficient: term.coefficient * factor }));
  });
}

/**
 * Shoup's λ_{0,i} (EUROCRYPT 2000, section 3): integers with Δ·f(0) = Σ λ_i·f(x_i), for different `points` x_i within 1..m and Δ = m!.
 */
function integerLagrangeAtZero(points: readonly number[], delta: bigint): bigint[] {
  const numerator = points.reduce((product, other) => product * BigInt(-other), delta);
  return points.map((point) => {
    // -x_i is in the numerator only because all points are.
    const denominator = points.reduce(
      (product, other) => (other === point ? product : product * BigInt(point - other)),
      BigInt(-point),
    );
    // Exact: the differences lie in -(x-1)..m-x, all distinct and none 0, so their product divides (x-1)!·(m-x)!, which divides m!.
    return numerator / denominator;
  });
}
