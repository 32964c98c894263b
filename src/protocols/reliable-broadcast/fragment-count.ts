/**
 * From how many fragments a message can always be recovered.
 *
 * A party that has heard a broadcast quorum S speaks for all; of S, those count who are honest and alive: S ∩ Q for
 * some quorum Q, as a quorum is all but a set that may be Byzantine or crash. So it is min |S ∩ Q|. For
 * thresholds that is ⌈(n+b+1)/2⌉ - b - c, and where every broadcast quorum is a quorum min |P∖(B1∪B2∪C1∪C2)|.
 *
 * A smaller number is safe, too, and costs longer fragments. So where the exact one is hard to find, it is one below.
 */
import { type Formula, leavesOf } from "../../core/formula.js";
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";

/** At least `threshold` of `parties`. */
interface Term {
  readonly threshold: number;
  readonly parties: PartySet;
}

const NOTHING: Term = { threshold: 0, parties: new PartySet() };

/** All pairs of terms are compared. */
const MAX_TERMS = 1024;

const known = new WeakMap<Group, number>();

/** At least 1, and at most the fewest parties that a broadcast quorum and a quorum have in common. */
export function fragmentCount(group: Group): number {
  const count = known.get(group) ?? findFragmentCount(group);
  known.set(group, count);
  return count;
}

function findFragmentCount({ access: { broadcastQuorum, quorum } }: Group): number {
  // They always have an honest party in common.
  return Math.max(1, commonByWeight(broadcastQuorum, quorum) ?? commonByTerms(broadcastQuorum, quorum));
}

/**
 * Of two gates over the same leaves, all of them parties: two sets have in common at least the weight, in leaves, by which
 * the thresholds exceed the whole; the heaviest parties have it in the smallest number. Exact for thresholds.
 */
function commonByWeight(one: Formula, other: Formula): number | undefined {
  if (typeof one === "number" || typeof other === "number") return undefined;
  const [weights, same] = [weightsOf(one.of), weightsOf(other.of)];
  if (weights === undefined || same === undefined || weights.size !== same.size) return undefined;
  if ([...weights].some(([party, weight]) => same.get(party) !== weight)) return undefined;
  let excess = one.threshold + other.threshold - one.of.length;
  let count = 0;
  for (const weight of [...weights.values()].toSorted((a, b) => b - a)) {
    if (excess <= 0) break;
    excess -= weight;
    count++;
  }
  return count;
}

/** How often each party stands among the inputs of a gate, unless there are other gates among them. */
function weightsOf(inputs: readonly Formula[]): ReadonlyMap<PartyId, number> | undefined {
  const weights = new Map<PartyId, number>();
  for (const input of inputs) {
    if (typeof input !== "number") return undefined;
    weights.set(input, (weights.get(input) ?? 0) + 1);
  }
  return weights;
}

/** Exact for sets and attributes. 0 when there are too many terms. */
function commonByTerms(one: Formula, other: Formula): number {
  if (countTerms(one) > MAX_TERMS || countTerms(other) > MAX_TERMS) return 0;
  const others = termsOf(other);
  let fewest = Infinity;
  for (const term of termsOf(one))
    for (const opposite of others) fewest = Math.min(fewest, fewestInBoth(term, opposite));
  return fewest;
}

/** What a set must satisfy one of, if it satisfies the formula. */
function termsOf(formula: Formula): readonly Term[] {
  if (typeof formula === "number") return [{ threshold: 1, parties: PartySet.of([formula]) }];
  const { threshold, of } = formula;
  return isPlain(of) ? [{ threshold, parties: PartySet.of(leavesOf(formula)) }] : termsOfChoices(threshold, of);
}

function termsOfChoices(threshold: number, inputs: readonly Formula[]): readonly Term[] {
  const [first, ...rest] = inputs;
  if (threshold === 0) return [NOTHING];
  if (first === undefined || threshold > inputs.length) return [];
  const withFirst = termsOfChoices(threshold - 1, rest);
  return [
    ...termsOf(first).flatMap((term) => withFirst.map((chosen) => both(term, chosen))),
    ...termsOfChoices(threshold, rest),
  ];
}

function countTerms(formula: Formula): number {
  if (typeof formula === "number" || isPlain(formula.of)) return 1;
  // At j, for j of the inputs so far.
  const counts = [1, ...Array.from({ length: formula.threshold }, () => 0)];
  for (const input of formula.of) {
    const terms = countTerms(input);
    for (let j = formula.threshold; j > 0; j--) counts[j] = (counts[j] ?? 0) + (counts[j - 1] ?? 0) * terms;
  }
  return counts[formula.threshold] ?? 0;
}

/** Different parties. */
function isPlain(inputs: readonly Formula[]): boolean {
  return weightsOf(inputs)?.size === inputs.length;
}

/** Both at once, or a little less; exact when `one` is all of its parties. */
function both(one: Term, other: Term): Term {
  const shared = one.parties.intersection(other.parties).size;
  return {
    threshold: one.threshold + Math.max(0, other.threshold - shared),
    parties: one.parties.union(other.parties),
  };
}

/** Of two sets that each satisfy one of the terms, and have as little in common as they can. */
function fewestInBoth(one: Term, other: Term): number {
  const [onlyOne, onlyOther] = [one.parties.sizeWithout(other.parties), other.parties.sizeWithout(one.parties)];
  const ofOne = Math.max(0, one.threshold - onlyOne);
  const ofOther = Math.max(0, other.threshold - onlyOther);
  return Math.max(0, ofOne + ofOther - (one.parties.size - onlyOne));
}
