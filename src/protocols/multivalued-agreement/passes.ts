/** How many passes multi-valued agreement can need (docs/protocols.md has the proofs). */
import type { Formula } from "../../core/formula.js";
import type { Group } from "../../core/group.js";

/**
 * With thresholds one pass accepts some candidate, by counting. In general, any 2^p honest parties hold some proposal in common
 * when pass p begins, so that ⌈log2 n⌉ passes suffice.
 */
export function passBound({ n, access }: Pick<Group, "n" | "access">): number {
  const isThreshold = isFlat(access.honest, n) && isFlat(access.quorum, n);
  return isThreshold ? 1 : Math.max(1, Math.ceil(Math.log2(n)));
}

/** "At least so many of n parties". */
function isFlat(formula: Formula, n: number): boolean {
  return (
    typeof formula !== "number" &&
    formula.of.length === n &&
    new Set(formula.of).size === n &&
    formula.of.every(isParty)
  );
}

function isParty(formula: Formula): boolean {
  return typeof formula === "number";
}
