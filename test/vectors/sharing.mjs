/** sharing.json: coefficients of qualified sets, and dealings in a group of known order. */
import { encode } from "../../dist/core/codec.js";
import { checkFormula, formulaCodec, leavesOf } from "../../dist/core/formula.js";
import { PartySet } from "../../dist/core/party-set.js";
import { GROUP_ORDER } from "../../dist/crypto/ristretto/group.js";
import { createSharing } from "../../dist/crypto/sharing/sharing.js";
import { FORMULAS, QUALIFIED, UNQUALIFIED } from "./formulas.mjs";
import { seeded } from "./seeded.mjs";

export async function sharingVectors() {
  const cases = [];
  for (const [name, formula] of Object.entries(FORMULAS)) cases.push(await caseOf(name, formula));
  return {
    description:
      "Secret sharing along monotone formulas: who has which leaf, and with which coefficients shares give the secret.",
    source: [
      "Shamir, How to share a secret, Communications of the ACM 22(11), 1979",
      "Benaloh and Leichter, Generalized secret sharing and monotone functions, CRYPTO '88",
      "Shoup, Practical threshold signatures, EUROCRYPT 2000, section 3 (integer coefficients)",
    ],
    format: "abcast-vectors/1 sharing",
    modulus: GROUP_ORDER,
    cases,
    refused: badFormulas().map(([why, formula]) => {
      if (checkFormula(formula) === undefined) throw new Error(`accepted: ${why}`);
      return { why, formula, verdict: "invalid" };
    }),
  };
}

async function caseOf(name, formula) {
  const sharing = createSharing(formula);
  const secret = 0x5ec2e7n;
  const { result: shares, drawn } = await seeded(`sharing ${name}`, () => sharing.deal(secret, GROUP_ORDER));
  const sets = QUALIFIED[name].map((parties) => ({
    parties,
    integerTerms: termsOf(sharing.integerTerms(PartySet.of(parties))),
    terms: termsOf(sharing.terms(PartySet.of(parties), GROUP_ORDER)),
  }));
  return {
    name,
    formula,
    encoded: encode(formulaCodec, formula),
    leaves: leavesOf(formula),
    multiplier: sharing.multiplier,
    secret,
    random: numbersBelow(GROUP_ORDER, drawn),
    shares,
    sets,
    unqualified: UNQUALIFIED[name],
  };
}

export function termsOf(terms) {
  return terms.map(({ leaf, coefficient }) => ({ leaf, coefficient }));
}

/** The numbers that `randomBelow` made of these bytes: those of 253 bits that are not below the order were thrown away. */
function numbersBelow(order, drawn) {
  return drawn.map((bytes) => BigInt(`0x${bytes.toString("hex")}`) >> 3n).filter((number) => number < order);
}

function badFormulas() {
  const deep = (levels) => (levels === 0 ? 0 : { threshold: 1, of: [deep(levels - 1)] });
  return [
    ["a gate of threshold 0", { threshold: 0, of: [0, 1] }],
    ["a gate with fewer inputs than its threshold", { threshold: 3, of: [0, 1] }],
    ["a gate without inputs", { threshold: 1, of: [] }],
    ["a party below 0", { threshold: 1, of: [0, -1] }],
    ["a party above 255", { threshold: 1, of: [0, 256] }],
    ["nine gates above each other", deep(9)],
    ["a party with 33 leaves", { threshold: 1, of: Array.from({ length: 33 }, () => 7) }],
    ["1025 leaves", { threshold: 1, of: Array.from({ length: 1025 }, (_, leaf) => leaf % 256) }],
  ];
}
