/** The transparency log of a cluster of four, and `abcast monitor`, also on logs that somebody has rewritten. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { sha256 } from "../../src/cli/sha256.js";
import { decodeBundle, leafHash, parseNote } from "../../src/tlog/index.js";
import { LocalCluster } from "./local-cluster.js";
import { runCli, temporaryDirectory } from "./run-cli.js";

const cluster = new LocalCluster(4);
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init("--services", "notary");
  await cluster.ok("up", cluster.directory);
});

const urlOf = (party: number): string => {
  const { parties } = JSON.parse(readFileSync(cluster.publicFile, "utf8")) as { parties: { httpPort: number }[] };
  return `http://127.0.0.1:${parties[party]?.httpPort}/tlog`;
};
const look = (url: string, ...more: readonly string[]) =>
  runCli(["monitor", url, "--public", cluster.publicFile, "--once", "--json", ...more]);

let documents = 0;
async function notarize(count: number): Promise<void> {
  const directory = temporaryDirectory();
  for (let index = 0; index < count; index++) writeFileSync(join(directory, `${index}`), `document ${documents++}`);
  await cluster.ok("notarize", "-r", directory, "--cluster", cluster.client());
}

/** When the log that `party` publishes has all documents. */
async function published(party: number): Promise<Record<string, unknown>> {
  for (;;) {
    const { code, stdout } = await look(urlOf(party));
    if (code === 0) {
      const seen = JSON.parse(stdout) as Record<string, unknown>;
      if (seen["size"] === documents) return seen;
    }
    await sleep(200);
  }
}

/** The files of a log, served by a server that knows nothing of logs. */
async function serve(directory: string): Promise<string> {
  const server = createServer((request, response) => {
    const file = join(directory, request.url ?? "");
    if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

describe("the transparency log", () => {
  it("is the same at every replica, cosigned, and goes on", async () => {
    const state = join(cluster.work, "seen.json");
    await notarize(3);
    const first = await published(0);
    expect(first).toMatchObject({ consistent: true, size: 3, since: null, entries: 3 });
    expect(Object.keys(first["cosigned"] as object).length).toBeGreaterThanOrEqual(2);
    expect(JSON.parse((await look(urlOf(0), "--state", state)).stdout)).toMatchObject({ size: 3, since: null });
    await notarize(270);
    const roots = new Set<unknown>();
    for (let party = 0; party < 4; party++) roots.add((await published(party))["root"]);
    expect(roots.size).toBe(1);
    const later = await look(urlOf(1), "--state", state);
    expect(JSON.parse(later.stdout)).toMatchObject({ size: 273, since: 3, entries: 270 });
    const keys = await cluster.ok("monitor", urlOf(0), "--public", cluster.publicFile, "--keys");
    const note = parseNote(utf8(await (await fetch(`${urlOf(0)}/checkpoint`)).text()));
    for (const { name } of note.ok ? note.value.signatures : []) expect(keys).toContain(`${name}+`);
    expect(note.ok).toBe(true);
  });

  it("goes on after a restart, with a replica down, and is made again from the ledger", async () => {
    await cluster.killNow(2);
    await notarize(5);
    expect(await published(0)).toMatchObject({ size: documents });
    await cluster.ok("up", cluster.directory);
    expect(await published(2)).toMatchObject({ size: documents });
    await cluster.killNow(3);
    rmSync(join(cluster.party(3), "tlog"), { recursive: true });
    await cluster.ok("up", cluster.directory);
    expect(await published(3)).toMatchObject({ size: documents });
  });

  it("answers nothing but its files and its word", async () => {
    const base = urlOf(0);
    const statusOf = async (path: string, init?: RequestInit): Promise<number> =>
      (await fetch(`${base}/${path}`, init)).status;
    expect(await statusOf("checkpoint")).toBe(200);
    for (const path of ["state.json", "tile/0/000.p/0", "tile/0/..%2f..%2fstate.json", "tile/9/000", "", "x"])
      expect(await statusOf(path), path).toBe(404);
    expect(await statusOf("checkpoint", { method: "POST" })).toBe(405);
    expect(await statusOf("cosigned?size=3")).toBe(200);
    expect(await statusOf("cosigned?size=4")).toBe(404);
    for (const size of ["", "-1", "1e3", "99999999999999999999"])
      expect(await statusOf(`cosigned?size=${size}`)).toBe(400);
  });
});

describe("abcast monitor", () => {
  it.each<[string, (directory: string) => void, number, string]>([
    ["a tile that was changed", (log) => flip(join(log, "tile", "0", "000")), 1, "is not the tile of the tree"],
    ["a tile and an entry that were changed together", forge, 1, "tile/0/000 is not the tile of the tree"],
    ["a tile above that was changed", (log) => flip(join(log, "tile", "1", "000.p", "1")), 1, "another root"],
    ["an entry that was changed", (log) => flip(join(log, "tile", "entries", "000")), 1, "is not the one in the tree"],
    [
      "a checkpoint that was changed",
      (log) => change(join(log, "checkpoint"), /\n\d+\n/, "\n7\n"),
      1,
      "(none) have cosigned",
    ],
    ["a checkpoint that one party alone cosigned", onlyOne, 1, "corrupted ones alone might"],
    [
      "another log's checkpoint",
      (log) => change(join(log, "checkpoint"), /^abcast\/../, "abcast/xx"),
      1,
      "is of the log",
    ],
    ["no checkpoint", (log) => rmSync(join(log, "checkpoint")), 3, "there is none yet"],
    ["a tile too few", (log) => rmSync(join(log, "tile", "1"), { recursive: true }), 1, "is missing"],
  ])("finds %s", async (_, damage, code, problem) => {
    await published(0);
    const log = join(temporaryDirectory(), "log");
    cpSync(join(cluster.party(0), "tlog"), log, { recursive: true });
    const url = await serve(log);
    expect((await look(url)).code).toBe(0);
    damage(log);
    const result = await look(url);
    expect(result.stderr).toContain(problem);
    expect(result.code).toBe(code);
  });

  it("finds a log that was cut, or is another than it was", async () => {
    await published(0);
    const state = join(temporaryDirectory(), "seen.json");
    expect((await look(urlOf(0), "--state", state)).code).toBe(0);
    const seen = JSON.parse(readFileSync(state, "utf8")) as { size: number; root: string };
    writeFileSync(state, JSON.stringify({ ...seen, size: seen.size + 1 }));
    const cut = await look(urlOf(0), "--state", state);
    expect([cut.code, cut.stderr]).toEqual([1, expect.stringContaining("it was cut")]);
    writeFileSync(state, JSON.stringify({ ...seen, size: 5 }));
    const rewritten = await look(urlOf(0), "--state", state);
    expect([rewritten.code, rewritten.stderr]).toEqual([1, expect.stringContaining("it was rewritten")]);
    writeFileSync(state, "{}");
    expect((await look(urlOf(0), "--state", state)).code).toBe(2);
    expect((await look("http://127.0.0.1:9/tlog/")).code).toBe(3);
    expect((await look("ftp://127.0.0.1/")).code).toBe(2);
  });
});

function flip(file: string): void {
  const bytes = readFileSync(file);
  bytes[9] = (bytes[9] ?? 0) ^ 1;
  writeFileSync(file, bytes);
}

function change(file: string, pattern: RegExp, text: string): void {
  const before = readFileSync(file, "utf8");
  const after = before.replace(pattern, text);
  if (after === before) throw new Error("nothing was changed");
  writeFileSync(file, after);
}

/** Another first document, and the tile that goes with it. */
function forge(log: string): void {
  const entries = join(log, "tile", "entries", "000");
  flip(entries);
  const bytes = new Uint8Array(readFileSync(entries));
  const [first = new Uint8Array()] = decodeBundle(bytes, 256) ?? [];
  const tile = join(log, "tile", "0", "000");
  const hashes = readFileSync(tile);
  hashes.set(leafHash(sha256, first));
  writeFileSync(tile, hashes);
}

function onlyOne(log: string): void {
  const lines = readFileSync(join(log, "checkpoint"), "utf8").split("\n");
  writeFileSync(join(log, "checkpoint"), `${lines.slice(0, 5).join("\n")}\n`);
}
