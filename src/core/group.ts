/**
 * The group of parties and its adversary structure.
 *
 * Protocols ask for properties of party *sets*; only this file does arithmetic on thresholds
 * (docs/protocols.md section 1; the source, "Hybrid adversary structures").
 */
import {
  type Formula,
  MAX_FORMULA_LEAVES,
  MAX_LEAVES_PER_PARTY,
  atLeast,
  dual,
  thresholdFormula,
  weightedFormula,
} from "./formula.js";
import { type PartyId, PartySet } from "./party-set.js";
import {
  type Compact,
  type CoveringSets,
  type Expanded,
  GroupError,
  type Structure,
  checkPartyCount,
  classesOf,
  compact,
  contains,
  coveringSets,
  expand,
  picks,
  union,
} from "./structure.js";

export { GroupError, coveringSets };

export interface Group {
  readonly n: number;
  readonly parties: readonly PartyId[];
  /** The set is all that one may wait for: the others may be corrupted or crashed. n-b-c. */
  isQuorum(set: PartySet): boolean;
  /** Two such sets share an honest party. At least ⌈(n+b+1)/2⌉. */
  isBroadcastQuorum(set: PartySet): boolean;
  /** At least one member is not Byzantine. b+1. */
  hasHonest(set: PartySet): boolean;
  /** An honest, live member in each quorum. b+c+1. */
  meetsEveryQuorum(set: PartySet): boolean;
  /** The predicates as formulas, to share keys along. */
  readonly access: Access;
}

export interface Access {
  /** `hasHonest`. */
  readonly honest: Formula;
  /** `isQuorum`. */
  readonly quorum: Formula;
  /** `isBroadcastQuorum`. */
  readonly broadcastQuorum: Formula;
}

export interface Thresholds {
  readonly n: number;
  /** How many parties may be Byzantine: the source's t. */
  readonly byzantine: number;
  /** How many more may crash. */
  readonly crash?: number;
}

/**
 * The plain structure: any `byzantine` parties may be corrupted and any `crash` others may stop.
 * @throws GroupError unless n > 3·byzantine + 2·crash (Q^{2+3} for thresholds).
 */
export function thresholdGroup({ n, byzantine, crash = 0 }: Thresholds): Group {
  const whole = (value: number): boolean => Number.isInteger(value) && value >= 0;
  checkPartyCount(n);
  if (!whole(byzantine)) throw new GroupError(`t=${byzantine} is not a whole number`);
  if (!whole(crash)) throw new GroupError(`crash=${crash} is not a whole number`);
  if (n <= 3 * byzantine + 2 * crash) {
    const [crashed, term] = crash === 0 ? ["", ""] : [` and ${crash} crashed`, " + 2·crash"];
    throw new GroupError(
      `n=${n} parties cannot tolerate t=${byzantine} corrupted${crashed}: n must exceed 3t${term} = ${3 * byzantine + 2 * crash}`,
    );
  }
  const quorum = n - byzantine - crash;
  const broadcastQuorum = Math.ceil((n + byzantine + 1) / 2);
  return {
    n,
    parties: Array.from({ length: n }, (_, party) => party),
    isQuorum: (set) => set.size >= quorum,
    isBroadcastQuorum: (set) => set.size >= broadcastQuorum,
    hasHonest: (set) => set.size >= byzantine + 1,
    meetsEveryQuorum: (set) => set.size >= byzantine + crash + 1,
    access: {
      honest: thresholdFormula(byzantine + 1, n),
      quorum: thresholdFormula(quorum, n),
      broadcastQuorum: thresholdFormula(broadcastQuorum, n),
    },
  };
}

export interface Structures {
  readonly n: number;
  /** Which sets may be Byzantine. */
  readonly byzantine: Structure;
  /** Which sets may crash besides. Nobody, unless given. */
  readonly crash?: Structure;
}

const NOBODY: Structure = { kind: "threshold", max: 0 };

/**
 * Any adversary structure. With B a set that may be Byzantine and C one that may crash, a quorum is all but some B ∪ C.
 * @throws GroupError unless Q^{2+3} holds: no three such B and two such C cover all parties. Also for a structure that is wrong, and
 * for one whose formulas would have more than MAX_FORMULA_LEAVES leaves, or one party's more than MAX_LEAVES_PER_PARTY.
 */
export function structureGroup({ n, byzantine, crash = NOBODY }: Structures): Group {
  if (byzantine.kind === "threshold" && crash.kind === "threshold")
    return thresholdGroup({ n, byzantine: byzantine.max, crash: crash.max });
  const covering = coveringSets(n, byzantine, crash);
  if (covering !== undefined) throw new GroupError(describe(covering));

  const corrupted = compact(byzantine, n);
  const missing = union(byzantine, crash, n);
  const everyone = PartySet.upTo(n);
  const isQuorum = (set: PartySet): boolean => contains(missing, everyone.difference(set));
  const quorum = dual(formulaOutside(missing, n));
  return {
    n,
    parties: [...everyone],
    isQuorum,
    // Two quorums Q = P∖(B∪C), Q' = P∖(B'∪C') share an honest party: else Q ∩ Q' is within some B'', and B, B', B'', C, C' cover P.
    isBroadcastQuorum: isQuorum,
    hasHonest: (set) => !contains(corrupted, everyone.intersection(set)),
    meetsEveryQuorum: (set) => !contains(missing, everyone.intersection(set)),
    access: { honest: formulaOutside(corrupted, n), quorum, broadcastQuorum: quorum },
  };
}

function describe({ byzantine, crash }: CoveringSets): string {
  const join = (sets: readonly PartySet[], link: string): string => sets.map(String).join(link);
  const roles = [
    ...(byzantine.length === 0 ? [] : [`${join(byzantine, ", ")} may be Byzantine`]),
    ...(crash.length === 0 ? [] : [`${join(crash, ", ")} may crash`]),
  ];
  return (
    `the group cannot be defended: ${join([...byzantine, ...crash], " ∪ ")} cover all parties (${roles.join("; ")}), ` +
    "and three sets that may be Byzantine and two that may crash must never do so (Q^{2+3})"
  );
}

/**
 * Holds for the sets that are not in `structure`. Its dual holds for those whose complement is.
 * @throws GroupError when it is too large.
 */
function formulaOutside(structure: Compact, n: number): Formula {
  if (structure.kind === "threshold") return thresholdFormula(structure.max + 1, n);
  if (structure.kind === "attributes") return formulaOutsideAttributes(structure.attributes, n);
  if (structure.kind === "expanded") return formulaOutsideSets(structure, n);
  const { weights, max } = structure;
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return isTooLarge(total, Math.max(...weights))
    ? formulaOutsideSets(expand(structure, n), n)
    : weightedFormula(max + 1, weights);
}

/** For each maximal set, more than `extra` parties outside it. */
function formulaOutsideSets({ sets, extra }: Expanded, n: number): Formula {
  const everyone = PartySet.upTo(n);
  const outside = sets.map((set) => everyone.difference(set));
  const leaves = outside.reduce((sum, { size }) => sum + size, 0);
  const ofOneParty = [...everyone].map((party) => outside.filter((set) => set.has(party)).length);
  checkSize(leaves, Math.max(...ofOneParty));
  return gate(
    sets.length,
    outside.map((set) => gate(extra + 1, [...set])),
  );
}

/**
 * However the adversary picks values, some party has none of them. So, however it picks those of all attributes but the last,
 * the parties with none of these have at least two values of the last: two of its values, and of each some party. That is
 * Π(V-1) leaves for each party, over the attributes but the last and their numbers V of values; so the last is that with most.
 */
function formulaOutsideAttributes(attributes: readonly (readonly string[])[], n: number): Formula {
  const everyone = PartySet.upTo(n);
  const [last = [], ...others] = attributes.toSorted((a, b) => new Set(b).size - new Set(a).size);
  const leavesOfEach = others.reduce((product, values) => product * (new Set(values).size - 1), 1);
  checkSize(n * leavesOfEach, leavesOfEach);
  const picked = picks(others.map((values) => classesOf(values, everyone)));
  return gate(
    picked.length,
    picked.map((set) =>
      gate(
        2,
        classesOf(last, everyone.difference(set)).map((parties) => gate(1, [...parties])),
      ),
    ),
  );
}

/** A gate of one input is that input; `threshold` is within the number of inputs, because of Q^{2+3}. */
function gate(threshold: number, of: readonly Formula[]): Formula {
  const [only] = of;
  return of.length === 1 && only !== undefined ? only : atLeast(threshold, of);
}

function isTooLarge(leaves: number, leavesOfOneParty: number): boolean {
  return leaves > MAX_FORMULA_LEAVES || leavesOfOneParty > MAX_LEAVES_PER_PARTY;
}

function checkSize(leaves: number, leavesOfOneParty: number): void {
  if (!isTooLarge(leaves, leavesOfOneParty)) return;
  throw new GroupError(
    `keys for this adversary structure would need a formula of ${leaves} leaves, ${leavesOfOneParty} of one party; ` +
      `the limits are ${MAX_FORMULA_LEAVES} and ${MAX_LEAVES_PER_PARTY}. ` +
      "Describe it by thresholds, weights or attributes instead of sets, or have fewer parties",
  );
}
