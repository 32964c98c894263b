/** Sharing along formulas, and combining shares of which some are bad. */
import { mutantsOf } from "./mutants-of.mjs";

const sharing = mutantsOf(
  "src/crypto/sharing/sharing.ts",
  "test/crypto/sharing/sharing.test.ts",
  "test/crypto/sharing/share-matrix.test.ts",
);
const dealKey = mutantsOf("src/crypto/sharing/deal-key.ts");
const formula = mutantsOf("src/core/formula.ts");
const scheme = mutantsOf("src/crypto/scheme.ts");
const consistency = mutantsOf("src/crypto/sharing/consistency.ts", "test/crypto/bls/keys.test.ts");

export const SHARING_MUTANTS = [
  sharing(
    "sharing: points of the chosen inputs, not their own",
    "chosen.map(({ index }) => index + 1)",
    "chosen.map((_, index) => index + 1)",
  ),
  sharing(
    "sharing: inputs not brought to a common D",
    "(lambdas[i] ?? 0n) * (below / multiplier)",
    "(lambdas[i] ?? 0n)",
  ),
  sharing("sharing: D without the inputs' multipliers", "multiplier: delta * below", "multiplier: delta"),
  sharing("sharing: D of a gate too small", "factorial(of.length)", "factorial(of.length - 1)"),
  sharing("sharing: everybody is qualified", "isSatisfied(formula, parties)", "parties.size > 0"),
  sharing("sharing: fewer inputs than the threshold", "if (solved.length < threshold) return undefined;"),
  sharing("sharing: polynomial of too low a degree", "...random(threshold - 1)", "...random(threshold - 2)"),
  sharing(
    "sharing: summands not random",
    "const summands = random(of.length - 1);",
    "const summands = random(of.length - 1).map(() => 0n);",
  ),
  sharing(
    "sharing: secret not reduced",
    'if (secret < 0n || secret >= modulus) throw new RangeError("the secret is not reduced");',
  ),
  sharing("sharing: formula unchecked", "if (problem !== undefined) throw new RangeError(problem);"),

  dealKey("sharing: zero shares dealt", "if (secret === 0n || shares.includes(0n)) continue;"),

  formula("formula: party outside the group", "|| node >= n)", ")"),
  formula("formula: negative party", "|| node < 0 ||", "||"),
  formula("formula: leaves of a party unbounded", "if (own > MAX_LEAVES_PER_PARTY)", "if (false)"),
  formula("formula: leaves unbounded", "return total > MAX_FORMULA_LEAVES ?", "return false ?"),
  formula("formula: depth unbounded", "if (depth === MAX_FORMULA_DEPTH) return", "if (false) return"),
  formula("formula: threshold of 0", "|| threshold < 1 ||", "||"),
  formula("formula: threshold above the inputs", "|| threshold > of.length)", ")"),
  formula("formula: unknown fields of a gate", "Object.keys(node).length === 2 &&"),
  formula(
    "formula: satisfied by one fewer",
    "++holding === formula.threshold",
    "++holding === Math.max(1, formula.threshold - 1)",
  ),
  formula("formula: read unchecked", "if (problem !== undefined) reader.fail(problem);"),
  formula(
    "formula: depth unbounded when read",
    "if (kind !== GATE || depth === MAX_FORMULA_DEPTH)",
    "if (kind !== GATE)",
  ),
  formula(
    "formula: inputs unbounded when read",
    "if (count > MAX_FORMULA_LEAVES) reader.fail(`a gate of ${count} inputs`);",
  ),

  scheme(
    "scheme: optimistic without checkValue",
    'if (value !== undefined && scheme.checkValue(subject, value).kind === "valid")',
    "if (value !== undefined)",
  ),
  scheme(
    "scheme: tries an unqualified set",
    "if (scheme.checkValue !== undefined && isQualified(known)) {",
    "if (scheme.checkValue !== undefined) {",
  ),
  scheme(
    "scheme: faulty shares not left out",
    'if (verdict.kind === "invalid") faulty.set(party, verdict.reason); else if',
    "if",
  ),
  scheme("scheme: unproven shares count", 'else if (verdict.kind === "unproven") unproven.push(party);'),
  scheme("scheme: subject unchecked", 'if (scheme.checkSubject?.(subject).kind === "invalid")', "if (false)"),
  scheme(
    "scheme: value unchecked in the end",
    'if (scheme.checkValue?.(subject, value).kind === "invalid")',
    "if (false)",
  ),
  scheme(
    "scheme: strangers not named",
    'if (sharing.leavesOf(party).length === 0) faulty.set(party, "the party holds no part of this key"); else known',
    "known",
  ),
  scheme(
    "scheme: insufficient good shares combined",
    'if (!isQualified(valid)) return { kind: "insufficient", faulty, unproven };',
  ),
  scheme(
    "scheme: broken scheme taken for a bad share",
    "if (error instanceof CombineError) return undefined;",
    "return undefined;",
  ),
  scheme("scheme: strangers among the parties", "if (stranger !== undefined) throw", "if (false) throw"),
  scheme("scheme: pieces of any length", "if (count === 0 || share.length !== count * pieceBytes)", "if (count === 0)"),
  scheme("scheme: no pieces of a stranger", "if (count === 0 || share.length", "if (share.length"),

  consistency("BLS: sum of keys without random weights", "() => randomBelow(order)", "() => 0n"),
];
