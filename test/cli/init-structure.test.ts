/** `abcast init --structure`: whose structure it is, in which order, and structures that are refused before keys are made. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PartySet } from "../../src/core/party-set.js";
import { loadClient, loadParty, loadPublic } from "../../src/replica/config-files.js";
import { groupOf } from "../../src/replica/config-group.js";
import { lastingDirectory, runCli, runInit, temporaryDirectory } from "./run-cli.js";

const work = lastingDirectory();
const at = (name: string): string => join(work.path, name);
afterAll(() => work.remove());

const address = (name: string, index: number) => {
  return { name, host: `${name}.example`, port: 7000 + index, httpPort: 8000 + index };
};

function written(name: string, content: object): string {
  writeFileSync(at(name), JSON.stringify(content));
  return at(name);
}

/** Of eight in all, two may be Byzantine. */
const STRUCTURE = {
  parties: [
    { name: "a", weight: 2 },
    { name: "b", weight: 2 },
    { name: "c" },
    { name: "d" },
    { name: "e" },
    { name: "f" },
  ],
  byzantine: { weight: 2 },
};

describe("abcast init --structure", () => {
  let out: Record<string, unknown>;
  const shared = at("cluster/public.json");

  beforeAll(async () => {
    const structure = written("structure.json", STRUCTURE);
    // Not in the order of the structure.
    const parties = written("parties.json", ["f", "e", "d", "c", "b", "a"].map(address));
    const words = ["--structure", structure, "--parties", parties, "--out", at("cluster"), "--json"];
    // In which several entries make one message.
    const line = [...words, "--dissemination", "inline"];
    const { code, stdout, stderr } = await runInit(...line);
    expect(code, stderr).toBe(0);
    out = JSON.parse(stdout) as Record<string, unknown>;
  });

  it("numbers the structure as --parties does", () => {
    expect(out).toMatchObject({
      n: 6,
      t: null,
      adversary: { byzantine: { weights: [1, 1, 1, 1, 2, 2], max: 2 }, crash: { threshold: 0 } },
      channel: { c: "quorum" },
    });
    const written = JSON.parse(readFileSync(shared, "utf8")) as { adversary: unknown; channel: unknown };
    expect(written.adversary).toEqual(out.adversary);
    expect(written.channel).toEqual({
      c: "quorum",
      order: "fixed",
      delivery: "full",
      parallel: 1,
      dissemination: "inline",
      services: ["bidding", "counter", "kv", "notary", "tsa"],
      checkpointInterval: 128,
    });
  });

  it("deals keys to which the structure's sets have access, and files that the loaders accept", async () => {
    const cluster = await loadPublic(shared);
    const group = groupOf(cluster);
    // 6 of 8.
    expect(group.isQuorum(PartySet.of([0, 1, 4, 5]))).toBe(true);
    expect(group.isQuorum(PartySet.of([0, 1, 2, 4]))).toBe(false);
    expect(cluster.keys.receipt.access).toEqual(group.access.honest);
    expect((await loadParty(at("cluster/party-5"))).channel.c).toBe("quorum");
    expect((await loadClient(at("cluster/client-0.json"))).public).toEqual(cluster);
  });

  it.each<[string, object, string]>([
    ["weights", { weights: [1, 1, 1, 1, 2, 1], max: 2 }, "is not the access structure"],
    ["a greatest weight", { weights: [1, 1, 1, 1, 2, 2], max: 1 }, "is not the access structure"],
    ["sets", { sets: [[0], [5]] }, "is not the access structure"],
    // The same sets and predicates, by other formulas.
    ["numbers for the same", { weights: [2, 2, 2, 2, 4, 4], max: 4 }, "is not the access structure"],
  ])("its public file cannot be given other %s", async (_name, byzantine, message) => {
    const json = JSON.parse(readFileSync(shared, "utf8")) as { adversary: object };
    json.adversary = { ...json.adversary, byzantine };
    const path = join(temporaryDirectory(), "public.json");
    writeFileSync(path, JSON.stringify(json));
    await expect(loadPublic(path)).rejects.toThrow(message);
  });

  it("bounds entries by all parties', as many as a quorum may have", async () => {
    const config = at("cluster/party-5/config.json");
    const before = readFileSync(config, "utf8");
    writeFileSync(config, before.replace(/"maxEntryBytes": \d+/, '"maxEntryBytes": 348502'));
    const problem = "is 348502, at most 348501 with c=quorum: the entries of 6 parties make one message";
    await expect(loadParty(at("cluster/party-5"))).rejects.toThrow(problem);
    writeFileSync(config, before);
  });

  it("takes names and number from the structure alone", async () => {
    const directory = join(temporaryDirectory(), "out");
    const { code, stdout, stderr } = await runInit("--structure", "crash-3", "--out", directory);
    expect(code, stderr).toBe(0);
    expect(stdout).toContain("3 parties, of which 1 may crash, 1 client");
    const cluster = await loadPublic(join(directory, "public.json"));
    expect(cluster.parties.map(({ name, port }) => [name, port])).toEqual([
      ["party-0", 7400],
      ["party-1", 7401],
      ["party-2", 7402],
    ]);
    expect(cluster).toMatchObject({
      channel: { c: 2, dissemination: "certified" },
      adversary: { crash: { kind: "threshold", max: 1 } },
    });
  });

  it("refuses what cannot be tolerated, and says which sets cover all", async () => {
    const structure = written("weak.json", {
      parties: ["a", "b", "c", "d"].map((name) => ({ name })),
      byzantine: [["a", "b"], ["c"], ["d"]],
    });
    const { code, stderr } = await runCli(["init", "--structure", structure, "--out", at("weak")]);
    expect(code).toBe(2);
    expect(stderr).toContain(`--structure: ${structure}: Q3 fails, these sets cover all 4 parties:\n`);
    for (const set of ["a, b", "c", "d"]) expect(stderr).toContain(`  Byzantine: ${set}\n`);
    expect(existsSync(at("weak"))).toBe(false);
  });

  it.each<[string, object, readonly string[], string]>([
    ["names that the structure lacks", STRUCTURE, ["a", "b", "c", "d", "e", "x"], '--structure: has no party "x"'],
    ["fewer than it has", STRUCTURE, ["a", "b", "c", "d", "e"], '--structure: has a party "f" that'],
    ["more than it has", STRUCTURE, ["a", "b", "c", "d", "e", "f", "g"], '--structure: has no party "g"'],
    [
      "more parties than make a message",
      { parties: Array.from({ length: 32 }, (_, i) => ({ name: `p${i}` })), byzantine: { weight: 1 } },
      Array.from({ length: 32 }, (_, i) => `p${i}`),
      "--structure: is for 32 parties: unless all is thresholds, 31 are the most",
    ],
  ])("refuses parties with %s", async (_name, structure, names, message) => {
    const file = written("refused.json", structure);
    const parties = written("listed.json", names.map(address));
    const { code, stderr } = await runCli(["init", "--structure", file, "--parties", parties, "--out", at("refused")]);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(existsSync(at("refused"))).toBe(false);
  });
});
