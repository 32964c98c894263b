/** `abcast structure check`: can a group defend itself against what its structure file says may fail? */
import type { Command } from "commander";
import { leavesOf } from "../../core/formula.js";
import { type Group, GroupError, coveringSets, structureGroup } from "../../core/group.js";
import { type PartySet } from "../../core/party-set.js";
import { PRESETS, presetNamed } from "../../core/presets.js";
import { type CoveringSets, type Structure, expand } from "../../core/structure.js";
import { type NamedStructure, readStructure, structureSchema } from "../../replica/config-structure.js";
import { readFileAs, refuse } from "../../replica/config-files.js";
import { InputError } from "../../replica/input-error.js";
import { EXIT } from "../errors.js";
import { example, jsonOption } from "../options.js";
import { createOutput } from "../output.js";

interface Options {
  readonly json?: boolean;
}

export function registerStructure(program: Command): void {
  const structure = program
    .command("structure")
    .summary("who may fail together")
    .description("Adversary structures: which parties may be corrupted, or crash, at once.");
  structure
    .command("check")
    .summary("can the group defend itself?")
    .description(
      "Checks that no three sets that may be Byzantine and two that may crash cover all parties (Q^{2+3}). FILE has " +
        '{"parties": [{"name", "site", ...}], "byzantine": S, "crash": S}; S is {"threshold": b}, {"weight": w}, {"anyOf": [attributes]} or a list of ' +
        `lists of names. Or it is a preset: ${PRESETS.map(({ name }) => name).join(", ")}. Exit code 1 when the condition fails.`,
    )
    .argument("<FILE>", "structure file, or the name of a preset")
    .addOption(jsonOption())
    .addHelpText("after", example("abcast structure check 4x4", "abcast structure check structure.json --json"))
    .action(check);
}

async function check(file: string, options: Options): Promise<void> {
  const output = createOutput(options);
  const structure = await loadStructure(file);
  const { parties, byzantine, crash } = structure;
  const condition = conditionOf(byzantine, crash);
  const naming = (set: PartySet): string[] => [...set].map((party) => parties[party]?.name ?? String(party));
  const { covering, group } = judge(file, structure);
  if (covering !== undefined) {
    const named = { byzantine: covering.byzantine.map(naming), crash: covering.crash.map(naming) };
    output.result(
      { valid: false, condition, n: parties.length, covering: named },
      `invalid: ${condition} fails, these sets cover all ${parties.length} parties:\n${describe(named)}`,
    );
    process.exitCode = EXIT.invalid;
    return;
  }
  const largest = { byzantine: largestOf(byzantine, parties.length), crash: largestOf(crash, parties.length) };
  const leaves = group === undefined ? undefined : leafCounts(group);
  output.result(
    { valid: true, condition, n: parties.length, largest, leaves },
    [
      `valid: ${condition} holds for ${parties.length} parties`,
      `  up to ${largest.byzantine} may be Byzantine at once, and ${largest.crash} more may crash`,
      `  key shares (leaves of the formula): ${Object.entries(leaves ?? {})
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}`,
    ].join("\n"),
  );
}

/** @throws InputError when `file` is no preset and no structure file */
export async function loadStructure(file: string): Promise<NamedStructure> {
  const preset = presetNamed(file);
  if (preset !== undefined) {
    const { byzantine, crash } = preset;
    const weights = byzantine.kind === "weights" ? byzantine.weights : [];
    const parties = preset.parties.map(({ attributes }, party) => {
      return { name: `party-${party}`, weight: weights[party] ?? 1, attributes };
    });
    return { parties, byzantine, crash };
  }
  const read = readStructure(await readFileAs(file, structureSchema, "open"));
  if ("parties" in read) return read;
  refuse(file, read);
  throw new Error("a file without issues is a structure");
}

/** Either the sets that cover all, or the group. */
function judge(
  file: string,
  { parties, byzantine, crash }: NamedStructure,
): { covering?: CoveringSets; group?: Group } {
  const n = parties.length;
  try {
    const covering = coveringSets(n, byzantine, crash);
    return covering === undefined ? { group: structureGroup({ n, byzantine, crash }) } : { covering };
  } catch (error) {
    // Too large to be decided or shared.
    if (error instanceof GroupError) throw new InputError({ file }, error.message);
    throw error;
  }
}

function conditionOf(byzantine: Structure, crash: Structure): "Q2" | "Q3" | "Q2+3" {
  if (isNobody(crash)) return "Q3";
  return isNobody(byzantine) ? "Q2" : "Q2+3";
}

function isNobody(structure: Structure): boolean {
  const { kind } = structure;
  if (kind === "threshold") return structure.max === 0;
  if (kind === "sets") return structure.sets.every((set) => set.size === 0);
  return kind === "weights" && structure.weights.every((weight) => weight > structure.max);
}

function largestOf(structure: Structure, n: number): number {
  const { sets, extra } = expand(structure, n);
  const sizes = sets.map((set) => Math.min(n, set.size + extra));
  return Math.max(0, Math.min(n, extra), ...sizes);
}

function leafCounts({ access }: Group): Record<string, number> {
  return {
    honest: leavesOf(access.honest).length,
    quorum: leavesOf(access.quorum).length,
    broadcastQuorum: leavesOf(access.broadcastQuorum).length,
  };
}

function describe({ byzantine, crash }: { readonly byzantine: string[][]; readonly crash: string[][] }): string {
  const line = (kind: string) => (names: string[]) => `  ${kind}: ${names.length === 0 ? "nobody" : names.join(", ")}`;
  return [...byzantine.map(line("Byzantine")), ...crash.map(line("crashed"))].join("\n");
}
