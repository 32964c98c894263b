/** Adversary structures as commands take them, a file or a preset's name, with the parties by name. */
import { type Group, GroupError, coveringSets, structureGroup } from "../core/group.js";
import type { PartySet } from "../core/party-set.js";
import { presetNamed } from "../core/presets.js";
import type { Structure } from "../core/structure.js";
import { isNobody } from "../replica/config-adversary.js";
import { readFileAs, refuse } from "../replica/config-files.js";
import { type NamedStructure, readStructure, structureSchema } from "../replica/config-structure.js";
import { InputError } from "../replica/input-error.js";

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

/** Sets, by names, that cover all parties. */
export interface NamedCovering {
  readonly byzantine: readonly (readonly string[])[];
  readonly crash: readonly (readonly string[])[];
}

export type Verdict =
  | { readonly valid: true; readonly condition: Condition; readonly group: Group }
  | { readonly valid: false; readonly condition: Condition; readonly covering: NamedCovering };

/** What must hold, by who may fail at all. */
export type Condition = "Q2" | "Q3" | "Q2+3";

/** Whether the group can defend itself. @throws InputError naming `file` when it is too large to be decided, or to share keys in */
export function judge(file: string, { parties, byzantine, crash }: NamedStructure): Verdict {
  const n = parties.length;
  const condition = conditionOf(byzantine, crash);
  const names = (set: PartySet): string[] => [...set].map((party) => parties[party]?.name ?? String(party));
  return withinLimits(file, () => {
    const covering = coveringSets(n, byzantine, crash);
    if (covering === undefined) return { valid: true, condition, group: structureGroup({ n, byzantine, crash }) };
    const named = { byzantine: covering.byzantine.map(names), crash: covering.crash.map(names) };
    return { valid: false, condition, covering: named };
  });
}

/** What `compute` returns. @throws InputError naming `file` when its structure is too large for that */
export function withinLimits<T>(file: string, compute: () => T): T {
  try {
    return compute();
  } catch (error) {
    if (error instanceof GroupError) throw new InputError({ file }, error.message);
    throw error;
  }
}

function conditionOf(byzantine: Structure, crash: Structure): Condition {
  if (isNobody(crash)) return "Q3";
  return isNobody(byzantine) ? "Q2" : "Q2+3";
}

/** Why `condition` fails: the sets, a line each. */
export function describeFailed(condition: Condition, { byzantine, crash }: NamedCovering, n: number): string {
  const line = (kind: string) => (names: readonly string[]) =>
    `  ${kind}: ${names.length === 0 ? "nobody" : names.join(", ")}`;
  const sets = [...byzantine.map(line("Byzantine")), ...crash.map(line("crashed"))];
  return [`${condition} fails, these sets cover all ${n} parties:`, ...sets].join("\n");
}
