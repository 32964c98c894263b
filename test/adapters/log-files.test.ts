import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { LogFiles } from "../../src/adapters/tlog/index.js";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { EMPTY_FRONTIER, append, decodeBundle, leafHash, rootOf } from "../../src/tlog/index.js";
import { temporaryDirectory } from "../cli/run-cli.js";

const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const entry = (index: number): Uint8Array => utf8(`entry ${index}`);
function rootAt(size: number): string {
  let frontier = EMPTY_FRONTIER;
  while (frontier.size < size) frontier = append(hash, frontier, leafHash(hash, entry(frontier.size)));
  return toHex(rootOf(hash, frontier));
}

let directory: string;
beforeEach(() => {
  directory = join(temporaryDirectory(), "tlog");
});
const at = (...names: readonly string[]): string => join(directory, ...names);
/** Payloads of no, one and two entries in turn. */
function grow(files: LogFiles, size: number): void {
  while (files.size < size) {
    const count = Math.min(files.sequence % 3, size - files.size);
    files.append(
      files.sequence + 1,
      Array.from({ length: count }, (_, index) => entry(files.size + index)),
    );
  }
}

describe("the files of a log", () => {
  it("have its tree, also when they are opened again at any size", async () => {
    let files = await LogFiles.open(directory, hash);
    for (const size of [1, 2, 255, 256, 257, 511, 513, 700]) {
      grow(files, size);
      await files.publish("a note\n");
      const { sequence } = files;
      files = await LogFiles.open(directory, hash);
      expect([files.size, files.sequence]).toEqual([size, sequence]);
      expect(toHex(files.root)).toBe(rootAt(size));
    }
    expect(readFileSync(at("checkpoint"), "utf8")).toBe("a note\n");
    expect(readdirSync(at("tile", "0")).sort()).toEqual(["000", "001", "002.p"]);
    const bundle = decodeBundle(new Uint8Array(readFileSync(at("tile", "entries", "001"))), 256);
    expect(bundle?.map(toHex)).toEqual(Array.from({ length: 256 }, (_, index) => toHex(entry(256 + index))));
    expect(decodeBundle(new Uint8Array(readFileSync(at("tile", "entries", "002.p", "188"))), 188)).toHaveLength(188);
    expect(readFileSync(at("tile", "1", "000.p", "2"))).toHaveLength(64);
  });

  it("forget what was not published", async () => {
    const files = await LogFiles.open(directory, hash);
    grow(files, 10);
    await files.publish(undefined);
    grow(files, 300);
    expect((await LogFiles.open(directory, hash)).size).toBe(10);
  });

  it("have no gap", async () => {
    const files = await LogFiles.open(directory, hash);
    files.append(1, []);
    expect(() => files.append(3, [])).toThrow("payload 3 came after payload 1: the log has a gap");
  });

  it.each([
    ["a state that is none", () => writeFileSync(at("state.json"), "{"), "state.json is damaged"],
    ["a state of nothing", () => writeFileSync(at("state.json"), '{"size":-1,"sequence":2}'), "state.json is damaged"],
    ["a tile too few", () => rmSync(at("tile", "0"), { recursive: true }), "is missing"],
    ["a tile that is too short", () => writeFileSync(at("tile", "0", "001.p", "44"), "x"), "has 1 bytes where 1408"],
    ["a bundle that is none", () => writeFileSync(at("tile", "entries", "001.p", "44"), "x"), "is damaged"],
  ])("are refused with %s", async (_, damage, problem) => {
    const files = await LogFiles.open(directory, hash);
    grow(files, 300);
    await files.publish(undefined);
    damage();
    await expect(LogFiles.open(directory, hash)).rejects.toThrow(problem);
  });

  it("that cannot be written say so", async () => {
    mkdirSync(at(), { recursive: true });
    const files = await LogFiles.open(directory, hash);
    writeFileSync(at("tile"), "in the way");
    grow(files, 1);
    await expect(files.publish(undefined)).rejects.toThrow();
  });
});
