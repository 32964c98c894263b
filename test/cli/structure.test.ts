/** `abcast structure check`: verdicts on presets and files, covering sets that really cover, and files that are refused. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type NamedStructure, readStructure, structureSchema } from "../../src/replica/config-structure.js";
import { runCli, temporaryDirectory } from "./run-cli.js";

const names = (count: number) => Array.from({ length: count }, (_, i) => ({ name: `p${i}` }));
/** Sites x and y, two systems each. */
const GRID = [
  { name: "a", site: "x", os: "l" },
  { name: "b", site: "x", os: "w" },
  { name: "c", site: "y", os: "l" },
  { name: "d", site: "y", os: "w" },
];

async function check(file: object | string) {
  const path = typeof file === "string" ? file : join(temporaryDirectory(), "structure.json");
  if (typeof file === "object") writeFileSync(path, JSON.stringify(file));
  const { code, stdout, stderr } = await runCli(["structure", "check", path, "--json"]);
  return { code, stderr, result: stdout === "" ? {} : (JSON.parse(stdout) as Record<string, unknown>) };
}

describe("abcast structure check", () => {
  it.each([
    ["4x4", { condition: "Q3", n: 16, largest: { byzantine: 7, crash: 0 } }],
    ["hybrid-8", { condition: "Q2+3", n: 8, largest: { byzantine: 1, crash: 2 } }],
    ["weighted", { condition: "Q3", n: 7 }],
    ["crash-3", { condition: "Q2", n: 3, largest: { byzantine: 0, crash: 1 } }],
    ["paley-19", { condition: "Q3", n: 19, largest: { byzantine: 10, crash: 0 } }],
  ])("the preset %s holds", async (preset, expected) => {
    const { code, result } = await check(preset);
    expect(result).toMatchObject({ valid: true, ...expected });
    expect(code).toBe(0);
  });

  it.each<[string, object]>([
    ["a threshold too many", { parties: names(6), byzantine: { threshold: 2 } }],
    ["half of them crash", { parties: names(4), crash: { threshold: 2 } }],
    ["both", { parties: names(8), byzantine: { threshold: 1 }, crash: { threshold: 3 } }],
    ["two sites, one of them corrupted", { parties: GRID, byzantine: { anyOf: ["site"] } }],
    ["sets that cover", { parties: names(5), byzantine: [["p0", "p1"], ["p2", "p3"], ["p4"]] }],
    [
      "a third of the weight",
      { parties: [{ name: "a", weight: 2 }, { name: "b" }, { name: "c" }], byzantine: { weight: 2 } },
    ],
  ])("refuses %s, and prints sets that cover all", async (_name, file) => {
    const { code, result } = await check(file);
    expect(code).toBe(1);
    const { covering } = result as { covering: { byzantine: string[][]; crash: string[][] } };
    expect(result).toMatchObject({ valid: false });
    expect(covering.byzantine.length).toBeLessThanOrEqual(3);
    expect(covering.crash.length).toBeLessThanOrEqual(2);
    const covered = new Set([...covering.byzantine, ...covering.crash].flat());
    expect(covered).toEqual(new Set((file as { parties: { name: string }[] }).parties.map(({ name }) => name)));
    // For people, too.
    const path = join(temporaryDirectory(), "structure.json");
    writeFileSync(path, JSON.stringify(file));
    const { stdout } = await runCli(["structure", "check", path]);
    expect(stdout).toContain("fails, these sets cover all");
  });

  it.each<[string, unknown, string]>([
    ["an unknown field", { parties: names(4), byzantin: { threshold: 1 } }, "byzantin: unknown field"],
    ["another structure", { parties: names(4), byzantine: { thresh: 1 } }, "byzantine: must be"],
    ["a name of nobody", { parties: names(4), crash: [["p0", "x"]] }, 'crash[0][1]: is "x", the name of no party'],
    ["a name twice", { parties: [...names(4), { name: "p1" }] }, 'parties[4].name: "p1" is the name of another party'],
    [
      "an attribute that one lacks",
      { parties: [...GRID, { name: "e", site: "z" }], byzantine: { anyOf: ["site", "os"] } },
      'byzantine.anyOf[1]: is "os", which party "e" does not have',
    ],
    [
      "an attribute that every object has",
      { parties: GRID, byzantine: { anyOf: ["toString"] } },
      'byzantine.anyOf[0]: is "toString", which party',
    ],
    ["no parties", { parties: [] }, "parties: at least one"],
    ["a negative weight", { parties: [{ name: "a", weight: -1 }] }, "parties[0].weight: must be"],
    ["no file of that name", "no-such-preset", "no-such-preset: no such file"],
  ])("refuses %s", async (_name, file, message) => {
    const { code, stderr } = await check(file as object | string);
    expect(code).toBe(2);
    expect(JSON.parse(stderr)).toMatchObject({ error: { message: expect.stringContaining(message) as string } });
  });
});

describe("the structure file", () => {
  const read = (file: object): NamedStructure => {
    const structure = readStructure(structureSchema.parse(file));
    if ("parties" in structure) return structure;
    throw new Error(structure[0]?.message);
  };

  it("anyOf: one value of each attribute, and all who have any of these", () => {
    const { byzantine } = read({ parties: GRID, byzantine: { anyOf: ["site", "os"] } });
    expect(byzantine).toEqual({
      kind: "attributes",
      attributes: [
        ["x", "x", "y", "y"],
        ["l", "w", "l", "w"],
      ],
    });
  });

  it("a party weighs 1 unless it says otherwise; numbers and truth values are attributes, too", () => {
    const parties = [
      { name: "a", weight: 3, rack: 7 },
      { name: "b", rack: true },
    ];
    const {
      byzantine,
      crash,
      parties: read_,
    } = read({ parties, byzantine: { weight: 1 }, crash: { anyOf: ["rack"] } });
    expect(byzantine).toEqual({ kind: "weights", weights: [3, 1], max: 1 });
    expect(crash).toEqual({ kind: "attributes", attributes: [["7", "true"]] });
    expect(read_[0]).toEqual({ name: "a", weight: 3, attributes: { rack: "7" } });
  });

  it("without byzantine and crash nobody fails", () => {
    const nobody = { kind: "threshold", max: 0 };
    expect(read({ parties: names(1) })).toMatchObject({ byzantine: nobody, crash: nobody });
  });
});
