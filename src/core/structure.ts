/**
 * Adversary structures: which sets of parties may be corrupted together, and whether such sets can cover all parties.
 *
 * A structure is monotone: with a set it contains the subsets, and always the empty set. So its *maximal sets* say all
 * of it. Of these there may be very many (any 85 of 256 parties), so a structure is given, and used, in a
 * compact form where it has one.
 *
 * Source: Hirt and Maurer, "Player simulation and general adversary structures in perfect multiparty computation", Journal
 * of Cryptology 13, 2000 (Q^2 and Q^3); Cachin, "Distributing trust on the Internet", DSN 2001 (attributes); with crashes,
 * "Hybrid adversary structures".
 */
import { MAX_PARTIES, type PartyId, PartySet } from "./party-set.js";

export type Structure =
  /** Any `max` parties. */
  | { readonly kind: "threshold"; readonly max: number }
  /** These sets, maximal or not. */
  | { readonly kind: "sets"; readonly sets: readonly PartySet[] }
  /**
   * One list for each attribute, with party i's value at index i. The adversary picks one value of each attribute, and
   * has all parties with any of them: all of one site and all of one operating system.
   */
  | { readonly kind: "attributes"; readonly attributes: readonly (readonly string[])[] }
  /** Parties whose weights, whole numbers, add up to at most `max`; `weights[i]` is party i's. */
  | { readonly kind: "weights"; readonly weights: readonly number[]; readonly max: number };

type Weights = Extract<Structure, { kind: "weights" }>;

/** The form into which every structure can be brought, and the union of two: one of `sets`, and any `extra` parties more. */
export interface Expanded {
  readonly kind: "expanded";
  /** None is a subset of another; at least one. */
  readonly sets: readonly PartySet[];
  readonly extra: number;
}

/** A structure as a group keeps it. */
export type Compact = Exclude<Structure, { kind: "sets" }> | Expanded;

/** A group that cannot be defended, or whose description is wrong or too large. */
export class GroupError extends Error {
  override readonly name = "GroupError";
}

/** A predicate goes through the maximal sets, where there is no compact form. */
export const MAX_MAXIMAL_SETS = 4096;
/** Whether a set is contained takes time that grows with the factorial. */
export const MAX_ATTRIBUTES = 6;
/** Sets looked at in search for a cover: about a second of work. */
export const MAX_COVER_STEPS = 20_000_000;
/** Weights of this size are packed by dynamic programming, in a table of its square. */
export const MAX_PACKED_WEIGHT = 512;

/** Whether `set` may be corrupted. */
export function contains(structure: Structure | Expanded, set: PartySet): boolean {
  if (structure.kind === "threshold") return set.size <= structure.max;
  if (structure.kind === "sets") return set.size === 0 || structure.sets.some((corrupted) => set.isSubsetOf(corrupted));
  if (structure.kind === "attributes") return haveValues([...set], structure.attributes);
  if (structure.kind === "weights") return weightOf(set, structure.weights) <= structure.max;
  return structure.sets.some((corrupted) => set.sizeWithout(corrupted) <= structure.extra);
}

/** Whether each of `parties` has the picked value of one of `attributes`, for the best pick: some attribute serves the first. */
function haveValues(parties: readonly PartyId[], attributes: readonly (readonly string[])[]): boolean {
  const [first] = parties;
  if (first === undefined) return true;
  return attributes.some((values, index) =>
    haveValues(
      parties.filter((party) => values[party] !== values[first]),
      attributes.toSpliced(index, 1),
    ),
  );
}

function weightOf(parties: Iterable<PartyId>, weights: readonly number[]): number {
  let sum = 0;
  for (const party of parties) sum += weights[party] ?? 0;
  return sum;
}

/** @throws GroupError unless there may be `n` parties. */
export function checkPartyCount(n: number): void {
  if (!isWhole(n) || n < 1 || n > MAX_PARTIES) throw new GroupError(`n=${n} is not within 1..${MAX_PARTIES}`);
}

/** @throws GroupError unless `structure` is one over the parties 0..n-1, within the limits. */
export function checkStructure(structure: Structure, n: number): void {
  const problem = problemOf(structure, n);
  if (problem !== undefined) throw new GroupError(problem);
}

function problemOf(structure: Structure, n: number): string | undefined {
  if (structure.kind === "threshold")
    return isWhole(structure.max) ? undefined : `the threshold ${structure.max} is not a whole number`;
  if (structure.kind === "sets") {
    const { sets } = structure;
    const everyone = PartySet.upTo(n);
    const foreign = sets.find((set) => !set.isSubsetOf(everyone));
    if (foreign !== undefined) return `the set ${String(foreign)} names parties that are not within 0..${n - 1}`;
    return sets.length > MAX_MAXIMAL_SETS ? tooMany(String(sets.length)) : undefined;
  }
  if (structure.kind === "attributes") {
    const { attributes } = structure;
    if (attributes.length < 1 || attributes.length > MAX_ATTRIBUTES)
      return `${attributes.length} attributes; there must be 1..${MAX_ATTRIBUTES}`;
    const odd = attributes.find((values) => values.length !== n);
    return odd === undefined ? undefined : `an attribute has ${odd.length} values for ${n} parties`;
  }
  const { weights, max } = structure;
  if (weights.length !== n) return `${weights.length} weights for ${n} parties`;
  if (![...weights, max].every(isWhole)) return "the weights and their greatest sum must be whole numbers";
  return isWhole(weights.reduce((sum, weight) => sum + weight, 0)) ? undefined : "the weights are too large";
}

function isWhole(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function tooMany(sets: string): string {
  return (
    `the adversary structure has ${sets} sets; the limit is ${MAX_MAXIMAL_SETS}. ` +
    "Describe it by thresholds, attributes or small weights, one kind for Byzantine parties and a threshold for crashes"
  );
}

/**
 * The maximal sets; a threshold has a shorter form than them.
 * @throws GroupError when there are more than MAX_MAXIMAL_SETS.
 */
export function expand(structure: Structure, n: number): Expanded {
  if (structure.kind === "threshold") return { kind: "expanded", sets: [new PartySet()], extra: structure.max };
  return { kind: "expanded", sets: maximalSets(structure, n), extra: 0 };
}

function maximalSets(structure: Exclude<Structure, { kind: "threshold" }>, n: number): readonly PartySet[] {
  // Copies: a caller may change its own.
  if (structure.kind === "sets") return maximal(structure.sets.map((set) => PartySet.of(set)));
  if (structure.kind === "weights") return packings(structure, n);
  return maximal(picks(structure.attributes.map((values) => classesOf(values, PartySet.upTo(n)))));
}

/** The same sets, in a compact form where there is one, and of sets those that are maximal. */
export function compact(structure: Structure, n: number): Compact {
  return structure.kind === "sets" ? expand(structure, n) : structure;
}

/**
 * What is corrupted by a set of each structure at once.
 * @throws GroupError when there are more than MAX_MAXIMAL_SETS combinations.
 */
export function union(one: Structure, other: Structure, n: number): Compact {
  if (isEmpty(other, n)) return compact(one, n);
  if (isEmpty(one, n)) return compact(other, n);
  const [a, b] = [expand(one, n), expand(other, n)];
  return { kind: "expanded", sets: maximal(picks([a.sets, b.sets])), extra: a.extra + b.extra };
}

/** Whether nobody may be corrupted. */
function isEmpty(structure: Structure, n: number): boolean {
  return ![...PartySet.upTo(n)].some((party) => contains(structure, PartySet.of([party])));
}

/** The parties of `among` with equal values, for each value that occurs. */
export function classesOf(values: readonly string[], among: PartySet): PartySet[] {
  const classes = new Map<string, PartySet>();
  for (const party of among) {
    const value = values[party] ?? "";
    const set = classes.get(value) ?? new PartySet();
    classes.set(value, set);
    set.add(party);
  }
  return [...classes.values()];
}

/** The unions of one set from each list. @throws GroupError when there are too many. */
export function picks(lists: readonly (readonly PartySet[])[]): PartySet[] {
  const count = lists.reduce((product, { length }) => product * length, 1);
  if (count > MAX_MAXIMAL_SETS) throw new GroupError(tooMany(String(count)));
  return lists.reduce<PartySet[]>(
    (unions, sets) => unions.flatMap((picked) => sets.map((set) => picked.union(set))),
    [new PartySet()],
  );
}

/** Those that are no subset of another one; the empty set when there are none. */
function maximal(sets: readonly PartySet[]): PartySet[] {
  const kept: PartySet[] = [];
  for (const set of sets.toSorted((a, b) => b.size - a.size))
    if (!kept.some((larger) => set.isSubsetOf(larger))) kept.push(set);
  return kept.length === 0 ? [new PartySet()] : kept;
}

/**
 * The sets to which nobody can be added within `max`. Heaviest first, each party is in or out. Out is a dead end if, with all
 * lighter ones, it would still fit; every other branch leads to a maximal set, so the time is bounded by their number.
 */
function packings({ weights, max }: Weights, n: number): PartySet[] {
  const order = heaviestFirst(weights, n);
  const lighter = order.map((_, index) => weightOf(order.slice(index + 1), weights));
  const found: PartySet[] = [];
  const pack = (index: number, packed: readonly PartyId[], room: number): void => {
    const party = order[index];
    if (party === undefined) {
      found.push(PartySet.of(packed));
      if (found.length > MAX_MAXIMAL_SETS) throw new GroupError(tooMany(`more than ${MAX_MAXIMAL_SETS}`));
      return;
    }
    const weight = weights[party] ?? 0;
    if (weight <= room) pack(index + 1, [...packed, party], room - weight);
    if (weight > room - (lighter[index] ?? 0)) pack(index + 1, packed, room);
  };
  pack(0, [], max);
  return found;
}

function heaviestFirst(weights: readonly number[], n: number): PartyId[] {
  return [...PartySet.upTo(n)].sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0));
}

export interface CoveringSets {
  /** At most three sets that may be Byzantine. */
  readonly byzantine: readonly PartySet[];
  /** At most two that may crash. */
  readonly crash: readonly PartySet[];
}

/**
 * Sets that together cover the parties 0..n-1: a proof that no protocol can tolerate this. Undefined if there are none,
 * which is Q^{2+3}, the condition for agreement; for thresholds it is n > 3·byzantine + 2·crash.
 * @throws GroupError for a wrong structure, and when the question would take too long to answer.
 */
export function coveringSets(n: number, byzantine: Structure, crash: Structure): CoveringSets | undefined {
  checkPartyCount(n);
  checkStructure(byzantine, n);
  checkStructure(crash, n);
  const roles: readonly Role[] = [
    { structure: byzantine, times: 3 },
    { structure: crash, times: 2 },
  ];
  const extra = roles.reduce(
    (sum, { structure, times }) => (structure.kind === "threshold" ? sum + times * structure.max : sum),
    0,
  );
  const cover = packRole(n, roles, extra) ?? searchCover(n, roles, extra);
  if (cover === "none") return undefined;
  const rest = [...cover.rest];
  const [byzantineSets = [], crashSets = []] = roles.map(({ structure, times }, role) => {
    const sets =
      structure.kind === "threshold"
        ? Array.from({ length: times }, () => PartySet.of(rest.splice(0, structure.max)))
        : (cover.sets[role] ?? []);
    return sets.filter(({ size }) => size > 0);
  });
  return { byzantine: byzantineSets, crash: crashSets };
}

interface Role {
  readonly structure: Structure;
  /** How many of its sets a cover may have. */
  readonly times: number;
}

interface Cover {
  /** For each role, unless it is a threshold. */
  readonly sets: readonly (readonly PartySet[])[];
  /** Whom these leave to the thresholds: at most `extra`. */
  readonly rest: PartySet;
}

/** Decides for weights in one role and a threshold in the other, if the weights are small. */
function packRole(n: number, roles: readonly Role[], extra: number): Cover | "none" | undefined {
  const [role, ...others] = roles.filter(({ structure }) => structure.kind !== "threshold");
  if (role?.structure.kind !== "weights" || others.length > 0) return undefined;
  const { structure, times } = role;
  // The thresholds take the heaviest: whoever takes another one may as well exchange it for a heavier one.
  const order = heaviestFirst(structure.weights, n);
  const packed = order.slice(extra);
  if (weightOf(packed, structure.weights) > times * structure.max) return "none";
  if (structure.max > MAX_PACKED_WEIGHT) return undefined;
  const sets = packInto(times, structure, packed);
  if (sets === undefined) return "none";
  return { sets: roles.map((other) => (other === role ? sets : [])), rest: PartySet.of(order.slice(0, extra)) };
}

/** Divides `parties` into `count` sets, two or three, of weight at most `max` each, or shows that it cannot be done. */
function packInto(count: number, { weights, max }: Weights, parties: readonly PartyId[]): PartySet[] | undefined {
  const row = max + 1;
  // At a·row + b: which party, and to which set, first made the weights a and b of the first two sets possible.
  const steps = new Uint16Array(row * row);
  const START = 0xffff;
  steps[0] = START;
  parties.forEach((party, index) => {
    const weight = weights[party] ?? 0;
    // Downwards, so that nobody is counted twice.
    for (let a = max; a >= 0; a--) {
      for (let b = max; b >= 0; b--) {
        const state = a * row + b;
        if (steps[state] !== 0) continue;
        if (a >= weight && steps[state - weight * row] !== 0) steps[state] = 2 * index + 1;
        else if (b >= weight && steps[state - weight] !== 0) steps[state] = 2 * index + 2;
      }
    }
  });
  const room = (count - 2) * max;
  const total = weightOf(parties, weights);
  let state = steps.findIndex((step, at) => step !== 0 && total - Math.floor(at / row) - (at % row) <= room);
  if (state < 0) return undefined;
  const sets = [new PartySet(), new PartySet(), PartySet.of(parties)] as const;
  for (let step = steps[state] ?? START; step !== START; step = steps[state] ?? START) {
    const party = parties[(step - 1) >>> 1] ?? 0;
    const second = (step - 1) & 1;
    sets[second === 1 ? 1 : 0].add(party);
    state -= (weights[party] ?? 0) * (second === 1 ? 1 : row);
  }
  const [first, second, all] = sets;
  const others = all.difference(first).difference(second);
  // Of two sets, who is in neither weighs nothing.
  return count === 2 ? [first.union(others), second] : [first, second, others];
}

/** Branch and bound, for all other cases. */
function searchCover(n: number, roles: readonly Role[], extra: number): Cover | "none" {
  // An attribute's values are picked one by one: fewer sets to try than all combinations.
  const families = roles.flatMap(({ structure, times }, role) =>
    setsToPick(structure, n).map((sets): Family => ({ role, sets, times })),
  );
  let steps = 0;

  /** What to pick from `families` to leave at most `extra` of `uncovered`. */
  const search = (uncovered: PartySet, families: readonly Family[]): Picked | undefined => {
    if (uncovered.size <= extra) return { picks: families.map(() => []), rest: uncovered };
    steps += families.reduce((sum, { sets }) => sum + sets.length, 0);
    if (steps > MAX_COVER_STEPS) throw new GroupError(UNDECIDED);
    const reach = families.reduce((sum, { sets, times }) => sum + times * largestPart(uncovered, sets), extra);
    if (reach < uncovered.size) return undefined;
    // Of any extra + 1 uncovered parties a picked set has one.
    const some = PartySet.of([...uncovered].slice(0, extra + 1));
    const untried = families.map(({ sets }) => [...sets]);
    for (const [i, { sets, times }] of families.entries()) {
      if (times === 0) continue;
      for (const set of sets) {
        if (some.sizeWithout(set) === some.size) continue;
        const found = search(
          uncovered.difference(set),
          families.map((family, j) => ({
            ...family,
            sets: untried[j] ?? [],
            times: j === i ? times - 1 : family.times,
          })),
        );
        if (found !== undefined) {
          found.picks[i]?.push(set);
          return found;
        }
        // No cover from here on has it, so the other branches do without.
        untried[i] = (untried[i] ?? []).filter((other) => other !== set);
      }
    }
    return undefined;
  };

  const found = search(PartySet.upTo(n), families);
  if (found === undefined) return "none";
  const sets = roles.map(({ times }, role) =>
    Array.from({ length: times }, (_, index) =>
      families.reduce(
        (set, family, i) => (family.role === role ? set.union(found.picks[i]?.[index] ?? new PartySet()) : set),
        new PartySet(),
      ),
    ),
  );
  return { sets, rest: found.rest };
}

interface Family {
  readonly role: number;
  readonly sets: readonly PartySet[];
  /** How many of them may be picked. */
  readonly times: number;
}

interface Picked {
  /** For each family. */
  readonly picks: PartySet[][];
  readonly rest: PartySet;
}

const UNDECIDED =
  "whether the adversary structure can cover all parties takes too long to decide. " +
  "Describe it by thresholds, attributes or small weights, or by fewer sets";

/** Lists of which a set of the structure has one item each. */
function setsToPick(structure: Structure, n: number): readonly (readonly PartySet[])[] {
  if (structure.kind === "threshold") return [];
  if (structure.kind !== "attributes") return [expand(structure, n).sets];
  return structure.attributes.map((values) => classesOf(values, PartySet.upTo(n)));
}

/** How much of `set` one of `sets` has at most. */
function largestPart(set: PartySet, sets: readonly PartySet[]): number {
  return sets.reduce((largest, part) => Math.max(largest, set.size - set.sizeWithout(part)), 0);
}
