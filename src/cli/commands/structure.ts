/** `abcast structure check`: can a group defend itself against what its structure file says may fail? */
import type { Command } from "commander";
import { leavesOf } from "../../core/formula.js";
import type { Group } from "../../core/group.js";
import { PRESETS } from "../../core/presets.js";
import { type Structure, expand } from "../../core/structure.js";
import { EXIT } from "../errors.js";
import { describeFailed, judge, loadStructure, withinLimits } from "../named-structure.js";
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
  const verdict = judge(file, structure);
  const { condition } = verdict;
  if (!verdict.valid) {
    const { covering } = verdict;
    output.result(
      { valid: false, condition, n: parties.length, covering },
      `invalid: ${describeFailed(condition, covering, parties.length)}`,
    );
    process.exitCode = EXIT.invalid;
    return;
  }
  const largest = withinLimits(file, () => {
    return { byzantine: largestOf(byzantine, parties.length), crash: largestOf(crash, parties.length) };
  });
  const leaves = leafCounts(verdict.group);
  output.result(
    { valid: true, condition, n: parties.length, largest, leaves },
    [
      `valid: ${condition} holds for ${parties.length} parties`,
      `  up to ${largest.byzantine} may be Byzantine at once, and ${largest.crash} more may crash`,
      `  key shares (leaves of the formula): ${Object.entries(leaves)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ")}`,
    ].join("\n"),
  );
}

/** How many parties the largest set has. */
function largestOf(structure: Structure, n: number): number {
  // There may be more maximal sets than one can go through; the largest has the lightest parties.
  if (structure.kind === "weights") return lightest(structure.weights, structure.max);
  const { sets, extra } = expand(structure, n);
  const sizes = sets.map((set) => Math.min(n, set.size + extra));
  return Math.max(0, Math.min(n, extra), ...sizes);
}

/** How many of the lightest weigh `max` together. */
function lightest(weights: readonly number[], max: number): number {
  let room = max;
  let count = 0;
  for (const weight of weights.toSorted((a, b) => a - b)) {
    if (weight > room) break;
    room -= weight;
    count++;
  }
  return count;
}

function leafCounts({ access }: Group): Record<string, number> {
  return {
    honest: leavesOf(access.honest).length,
    quorum: leavesOf(access.quorum).length,
    broadcastQuorum: leavesOf(access.broadcastQuorum).length,
  };
}
