/**
 * Monotone formulas with threshold gates: which sets of parties may do something together.
 *
 * A formula is a party, or a gate that holds when `threshold` of its inputs hold. A gate of threshold 1 is OR, one of
 * threshold m over m inputs is AND. A party may stand in several places, its *leaves*; a weight is as many leaves
 * in one gate. The same text stands in JSON: `{"threshold": 2, "of": [0, 1, 2, 3]}`.
 *
 * Source: Benaloh and Leichter, "Generalized secret sharing and monotone functions", CRYPTO '88; Cachin,
 * "Distributing trust on the Internet", DSN 2001, section 3.
 */
import { type Codec, EncodeError, type Reader, encode } from "./codec.js";
import { equalBytes } from "./bytes.js";
import { MAX_PARTIES, type PartyId, type PartySet } from "./party-set.js";

export type Formula = PartyId | Gate;

export interface Gate {
  /** 1..of.length. */
  readonly threshold: number;
  readonly of: readonly Formula[];
}

/** A key has as many public parts as its formula has leaves, so this bounds keys and the cost of combining. */
export const MAX_FORMULA_LEAVES = 1024;
/** A share has as many parts as its party has leaves, so this bounds shares. */
export const MAX_LEAVES_PER_PARTY = 32;
export const MAX_FORMULA_DEPTH = 8;

/** At least `threshold` of these. */
export function atLeast(threshold: number, of: readonly Formula[]): Gate {
  return { threshold, of };
}

export function allOf(of: readonly Formula[]): Gate {
  return atLeast(of.length, of);
}

export function anyOf(of: readonly Formula[]): Gate {
  return atLeast(1, of);
}

/** Any `threshold` of the parties 0..n-1. */
export function thresholdFormula(threshold: number, n: number): Gate {
  return atLeast(
    threshold,
    Array.from({ length: n }, (_, party) => party),
  );
}

/** Parties whose weights add up to `threshold`; `weights[i]`, a whole number, is party i's. */
export function weightedFormula(threshold: number, weights: readonly number[]): Gate {
  return atLeast(
    threshold,
    weights.flatMap((weight, party) => Array.from({ length: weight }, () => party)),
  );
}

/** What is wrong with `value` as a formula over the parties 0..n-1, or undefined. Total: takes any value. */
export function checkFormula(value: unknown, n = MAX_PARTIES): string | undefined {
  const leaves = new Map<PartyId, number>();
  let total = 0;

  const check = (node: unknown, depth: number): string | undefined => {
    if (typeof node === "number") {
      if (!Number.isInteger(node) || node < 0 || node >= n) return `party ${node} is not within 0..${n - 1}`;
      const own = (leaves.get(node) ?? 0) + 1;
      leaves.set(node, own);
      total++;
      if (own > MAX_LEAVES_PER_PARTY) return `party ${node} stands in more than ${MAX_LEAVES_PER_PARTY} places`;
      return total > MAX_FORMULA_LEAVES ? `the formula has more than ${MAX_FORMULA_LEAVES} leaves` : undefined;
    }
    if (!isGateLike(node)) return "the formula has a node that is neither a party nor {threshold, of}";
    const { threshold, of } = node;
    if (depth === MAX_FORMULA_DEPTH) return `the formula is deeper than ${MAX_FORMULA_DEPTH} gates`;
    if (typeof threshold !== "number" || !Number.isInteger(threshold) || threshold < 1 || threshold > of.length)
      return `a gate's threshold is not within 1..${of.length}, the number of its inputs`;
    for (const input of of) {
      const problem = check(input, depth + 1);
      if (problem !== undefined) return problem;
    }
    return undefined;
  };
  return check(value, 0);
}

function isGateLike(node: unknown): node is { readonly threshold: unknown; readonly of: readonly unknown[] } {
  return (
    typeof node === "object" &&
    node !== null &&
    Object.keys(node).length === 2 &&
    "threshold" in node &&
    "of" in node &&
    Array.isArray(node.of)
  );
}

/** Whether the parties of `set` satisfy the formula. */
export function isSatisfied(formula: Formula, set: PartySet): boolean {
  if (typeof formula === "number") return set.has(formula);
  let holding = 0;
  for (const input of formula.of) if (isSatisfied(input, set) && ++holding === formula.threshold) return true;
  return false;
}

/** Holds for a set exactly when `formula` does not hold for the parties outside it. AND becomes OR, and the reverse. */
export function dual(formula: Formula): Formula {
  if (typeof formula === "number") return formula;
  const { threshold, of } = formula;
  return atLeast(of.length - threshold + 1, of.map(dual));
}

/** The party of each leaf, from left to right: a leaf's index is its place here. */
export function leavesOf(formula: Formula): PartyId[] {
  return typeof formula === "number" ? [formula] : formula.of.flatMap(leavesOf);
}

/** Whether `gate` is any so many of the parties 0..n-1, as `thresholdFormula` makes it. */
export function isThresholdOf(gate: Gate, n: number): boolean {
  return gate.of.length === n && gate.of.every((input, party) => input === party);
}

export function sameFormula(one: Formula, other: Formula): boolean {
  return equalBytes(encode(formulaCodec, one), encode(formulaCodec, other));
}

const PARTY = 0;
const GATE = 1;

/** One encoding per formula. Reads only what `checkFormula` accepts. */
export const formulaCodec: Codec<Formula> = {
  write(writer, formula) {
    const problem = checkFormula(formula);
    if (problem !== undefined) throw new EncodeError(problem);
    const write = (node: Formula): void => {
      if (typeof node === "number") {
        writer.u8(PARTY);
        writer.u8(node);
        return;
      }
      writer.u8(GATE);
      writer.u32(node.threshold);
      writer.u32(node.of.length);
      node.of.forEach(write);
    };
    write(formula);
  },
  read(reader) {
    const formula = readNode(reader, 0);
    const problem = checkFormula(formula);
    if (problem !== undefined) reader.fail(problem);
    return formula;
  },
};

function readNode(reader: Reader, depth: number): Formula {
  const kind = reader.u8();
  if (kind === PARTY) return reader.u8();
  if (kind !== GATE || depth === MAX_FORMULA_DEPTH) reader.fail("no node of a formula");
  const threshold = reader.u32();
  const count = reader.u32();
  if (count > MAX_FORMULA_LEAVES) reader.fail(`a gate of ${count} inputs`);
  return { threshold, of: Array.from({ length: count }, () => readNode(reader, depth + 1)) };
}
