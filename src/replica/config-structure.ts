/**
 * The file that describes an adversary structure, for people to write:
 *
 *     { "parties": [{ "name": "a", "site": "x", "os": "y", "weight": 2 }, ...],
 *       "byzantine": S, "crash": S }
 *
 * where S is one of
 *
 *     { "threshold": b }            any b parties
 *     { "weight": w }               any parties that weigh at most w together; a party weighs 1 unless it says otherwise
 *     { "anyOf": ["site", "os"] }   for one value of each attribute, all parties that have any of these values
 *     [["a", "b"], ["c"]]           these sets, and smaller ones
 *
 * Without `crash` nobody crashes, without `byzantine` nobody is Byzantine.
 */
import { z } from "zod";
import { MAX_PARTIES, PartySet } from "../core/party-set.js";
import { MAX_ATTRIBUTES, MAX_MAXIMAL_SETS, type Structure } from "../core/structure.js";
import { MAX_WEIGHT, attributeValueField } from "./config-adversary.js";
import { nameField, wholeField } from "./config-fields.js";
import type { Issue } from "./config-checks.js";

/** What a party has: a name, a weight, and attributes of any other name. */
export interface StructureParty {
  readonly name: string;
  readonly weight: number;
  readonly attributes: Readonly<Record<string, string>>;
}

export interface NamedStructure {
  readonly parties: readonly StructureParty[];
  readonly byzantine: Structure;
  readonly crash: Structure;
}

const attribute = z.string().min(1).max(64);

const structureField = z.union(
  [
    z.strictObject({ threshold: wholeField(0, MAX_PARTIES) }),
    z.strictObject({ weight: wholeField(0, MAX_WEIGHT * MAX_PARTIES) }),
    z.strictObject({ anyOf: z.array(attribute).min(1).max(MAX_ATTRIBUTES, `at most ${MAX_ATTRIBUTES}`) }),
    z.array(z.array(nameField).max(MAX_PARTIES)).max(MAX_MAXIMAL_SETS, `at most ${MAX_MAXIMAL_SETS} sets`),
  ],
  'must be {"threshold": b}, {"weight": w}, {"anyOf": [attributes]} or a list of lists of names',
);
type StructureField = z.output<typeof structureField>;

const partyField = z
  .object({ name: nameField, weight: wholeField(0, MAX_WEIGHT).optional() })
  .catchall(z.union([attributeValueField, z.number(), z.boolean()], "must be a text, a number, true or false"));

export const structureSchema = z.strictObject({
  parties: z
    .array(partyField)
    .min(1, "at least one party is needed")
    .max(MAX_PARTIES, `at most ${MAX_PARTIES} parties`),
  byzantine: structureField.optional(),
  crash: structureField.optional(),
});

const NOBODY: Structure = { kind: "threshold", max: 0 };

/** The structure that a file describes, or what is wrong with it. */
export function readStructure(file: z.output<typeof structureSchema>): NamedStructure | readonly Issue[] {
  const parties = file.parties.map(({ name, weight = 1, ...rest }): StructureParty => {
    const attributes = Object.entries(rest).map(([key, value]) => [key, String(value)] as const);
    return { name, weight, attributes: Object.fromEntries(attributes) };
  });
  // Of two with one name the first: the other is refused.
  const numbers = new Map(parties.map(({ name }, party) => [name, party] as const).toReversed());
  const twice = parties.findIndex(({ name }, party) => numbers.get(name) !== party);
  if (twice >= 0)
    return [
      { path: ["parties", twice, "name"], message: `"${parties[twice]?.name}" is the name of another party, too` },
    ];

  const issues: Issue[] = [];
  const read = (field: "byzantine" | "crash"): Structure => {
    const value = file[field];
    if (value === undefined) return NOBODY;
    const structure = structureOf(value, parties, numbers);
    if ("kind" in structure) return structure;
    issues.push({ path: [field, ...structure.path], message: structure.message });
    return NOBODY;
  };
  const [byzantine, crash] = [read("byzantine"), read("crash")];
  return issues.length > 0 ? issues : { parties, byzantine, crash };
}

function structureOf(
  value: StructureField,
  parties: readonly StructureParty[],
  numbers: ReadonlyMap<string, number>,
): Structure | Issue {
  if (Array.isArray(value)) return setsOf(value, numbers);
  if ("threshold" in value) return { kind: "threshold", max: value.threshold };
  if ("weight" in value) return { kind: "weights", weights: parties.map(({ weight }) => weight), max: value.weight };
  for (const [index, name] of value.anyOf.entries()) {
    const without = parties.find(({ attributes }) => !Object.hasOwn(attributes, name));
    if (without !== undefined)
      return { path: ["anyOf", index], message: `is "${name}", which party "${without.name}" does not have` };
  }
  const attributes = value.anyOf.map((name) => parties.map((party) => party.attributes[name] ?? ""));
  return { kind: "attributes", attributes };
}

function setsOf(names: readonly (readonly string[])[], numbers: ReadonlyMap<string, number>): Structure | Issue {
  const sets: PartySet[] = [];
  for (const [index, list] of names.entries()) {
    const set = new PartySet();
    for (const [place, name] of list.entries()) {
      const party = numbers.get(name);
      if (party === undefined) return { path: [index, place], message: `is "${name}", the name of no party` };
      set.add(party);
    }
    sets.push(set);
  }
  return { kind: "sets", sets };
}
