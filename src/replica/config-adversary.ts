/**
 * Who may be corrupted and who may crash, as public.json says it: by the parties' numbers.
 *
 *     {"threshold": b}                      any b parties
 *     {"weights": [...], "max": w}          parties that weigh at most w together; party i's weight at index i
 *     {"attributes": [[...], ...]}          for one value of each attribute, all parties that have any of these; party i's at index i
 *     {"sets": [[0, 1], [2]]}               these sets, and smaller ones
 *
 * Whether it fits the number of parties, and can be tolerated at all, is for the group to say (config-group.ts).
 */
import { z } from "zod";
import { list, struct, text, u32, union } from "../core/codec.js";
import { MAX_PARTIES, PartySet, partySetCodec } from "../core/party-set.js";
import { MAX_ATTRIBUTES, MAX_MAXIMAL_SETS, type Structure } from "../core/structure.js";
import { wholeField } from "./config-fields.js";

export interface Adversary {
  /** Which sets may be Byzantine. */
  readonly byzantine: Structure;
  /** Which sets may crash besides. */
  readonly crash: Structure;
}

export const MAX_WEIGHT = 1_000_000;
export const MAX_ATTRIBUTE_CHARACTERS = 256;

/** What a party has of an attribute; any text that has a UTF-8 form. */
export const attributeValueField = z
  .string()
  .max(MAX_ATTRIBUTE_CHARACTERS)
  .refine((value) => !/\p{Surrogate}/u.test(value), "has a lone surrogate");

const perParty = <T extends z.ZodType>(item: T) => z.array(item).max(MAX_PARTIES, `at most ${MAX_PARTIES}`);
const ascending = (numbers: readonly number[]): boolean =>
  numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? number));

const structureJson = z.union(
  [
    z.strictObject({ threshold: wholeField(0, MAX_PARTIES) }),
    z.strictObject({ weights: perParty(wholeField(0, MAX_WEIGHT)), max: wholeField(0, MAX_WEIGHT * MAX_PARTIES) }),
    z.strictObject({ attributes: z.array(perParty(attributeValueField)).max(MAX_ATTRIBUTES) }),
    z.strictObject({
      // One form for each set.
      sets: z
        .array(perParty(wholeField(0, MAX_PARTIES - 1)).refine(ascending, "must be ascending"))
        .max(MAX_MAXIMAL_SETS),
    }),
  ],
  'must be {"threshold": b}, {"weights": [numbers], "max": w}, {"attributes": [[texts]]} or {"sets": [[ascending numbers of parties]]}',
);

const structureField = z.codec(structureJson, z.custom<Structure>(), {
  decode(json): Structure {
    if ("threshold" in json) return { kind: "threshold", max: json.threshold };
    if ("weights" in json) return { kind: "weights", weights: json.weights, max: json.max };
    if ("attributes" in json) return { kind: "attributes", attributes: json.attributes };
    return { kind: "sets", sets: json.sets.map((set) => PartySet.of(set)) };
  },
  encode(structure) {
    if (structure.kind === "threshold") return { threshold: structure.max };
    if (structure.kind === "weights") return { weights: [...structure.weights], max: structure.max };
    if (structure.kind === "attributes") return { attributes: structure.attributes.map((values) => [...values]) };
    return { sets: structure.sets.map((set) => [...set]) };
  },
});

export const adversaryField = z.strictObject({ byzantine: structureField, crash: structureField });

/** As it stands in JSON. */
export function adversaryJson(adversary: Adversary): z.input<typeof adversaryField> {
  return z.encode(adversaryField, adversary);
}

const structureCodec = union({
  threshold: struct({ max: u32 }),
  weights: struct({ weights: list(u32, MAX_PARTIES), max: u32 }),
  // In UTF-8 a character of a JavaScript string takes at most three bytes.
  attributes: struct({ attributes: list(list(text(3 * MAX_ATTRIBUTE_CHARACTERS), MAX_PARTIES), MAX_ATTRIBUTES) }),
  sets: struct({ sets: list(partySetCodec, MAX_MAXIMAL_SETS) }),
});

/** One encoding for each content of the file; part of what the cluster's name stands for. */
export const adversaryCodec = struct({ byzantine: structureCodec, crash: structureCodec });

export interface ThresholdNumbers {
  readonly byzantine: number;
  readonly crash: number;
}

/** How many may be corrupted and how many more may crash, if that is all there is to say. */
export function thresholdsOf({ byzantine, crash }: Adversary): ThresholdNumbers | undefined {
  if (byzantine.kind !== "threshold" || crash.kind !== "threshold") return undefined;
  return { byzantine: byzantine.max, crash: crash.max };
}

/** For people; the subject is "n parties". */
export function describeAdversary({ byzantine, crash }: Adversary): string {
  const corrupted = `of which ${describeSets(byzantine)} may be corrupted`;
  if (isNobody(crash)) return corrupted;
  if (isNobody(byzantine)) return `of which ${describeSets(crash)} may crash`;
  return `${corrupted}, and ${crash.kind === "threshold" ? `${crash.max} more` : `besides ${describeSets(crash)}`} may crash`;
}

/** Whether no party may fail. */
export function isNobody(structure: Structure): boolean {
  const { kind } = structure;
  if (kind === "threshold") return structure.max === 0;
  if (kind === "sets") return structure.sets.every((set) => set.size === 0);
  return kind === "weights" && structure.weights.every((weight) => weight > structure.max);
}

function describeSets(structure: Structure): string {
  if (structure.kind === "threshold") return String(structure.max);
  if (structure.kind === "sets") return `any one of ${structure.sets.length} sets`;
  if (structure.kind === "weights") {
    const total = structure.weights.reduce((sum, weight) => sum + weight, 0);
    return `those that weigh ${structure.max} of ${total} together`;
  }
  const counts = structure.attributes.map((values) => new Set(values).size);
  return `all with one value of each of ${counts.length} attributes (of ${counts.join(" and ")} values)`;
}
