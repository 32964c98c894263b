/** What `abcast notarize` and other clients refuse, and that they do so before a document gets a number. */
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clientConfigSchema, formatFile } from "../../src/replica/config.js";
import { loadClient } from "../../src/replica/config-files.js";
import { LocalCluster } from "./local-cluster.js";
import { otherCluster } from "./other-cluster.js";
import { runCli, temporaryDirectory } from "./run-cli.js";

const cluster = new LocalCluster(1);
afterAll(() => cluster.remove());

/** One party alone is a cluster, too: it needs nobody. */
beforeAll(async () => {
  await cluster.init();
  await cluster.ok("up", cluster.directory);
});

let directory: string;
let document: string;
beforeEach(() => {
  directory = temporaryDirectory();
  document = join(directory, "document");
  writeFileSync(document, "text");
});

const notarize = (path: string, ...more: readonly string[]) =>
  runCli(["notarize", path, "--cluster", cluster.client(), ...more]);

const log = (): Promise<string> => cluster.log(0);

describe("abcast notarize", () => {
  it("writes FILE.receipt unless told otherwise, and replaces only what -o names", async () => {
    expect((await notarize(document)).code).toBe(0);
    const receipt = readFileSync(`${document}.receipt`, "utf8");
    const again = await notarize(document);
    expect(again.stderr).toContain(`${document}.receipt: exists already; name another file with --out`);
    expect(again.code).toBe(2);
    expect(readFileSync(`${document}.receipt`, "utf8")).toBe(receipt);
    expect((await notarize(document, "--out", `${document}.receipt`, "--new")).code).toBe(0);
    expect(readFileSync(`${document}.receipt`, "utf8")).not.toBe(receipt);
    expect(readdirSync(directory).sort()).toEqual(["document", "document.receipt"]);
  });

  it("makes a new entry of a document that is known only when told to", async () => {
    writeFileSync(document, "a text of its own");
    const numberOf = async (...more: readonly string[]): Promise<readonly unknown[]> => {
      const { code, stdout, stderr } = await notarize(document, "-o", join(directory, "r"), "--json", ...more);
      expect(code, stderr).toBe(0);
      const { sequence, new: isNew } = JSON.parse(stdout) as { sequence: number; new: boolean };
      return [sequence, isNew];
    };
    const [first] = await numberOf();
    const receipt = readFileSync(join(directory, "r"), "utf8");
    expect(await numberOf("--new")).toEqual([Number(first) + 1, true]);
    expect(readFileSync(join(directory, "r"), "utf8")).not.toBe(receipt);
    expect(await numberOf()).toEqual([first, false]);
    expect(readFileSync(join(directory, "r"), "utf8")).toBe(receipt);
  });

  it.each<[string, () => string[], string]>([
    ["a directory", () => [directory], ": is a directory, a file is needed"],
    ["a missing file", () => [join(directory, "gone")], "gone: no such file or directory"],
    [
      "a file that is too long, without reading it",
      () => {
        truncateSync(document, 64 * 1024 ** 3 + 1);
        return [document];
      },
      "document: has 68719476737 bytes, at most 68719476736 (64 GiB) are accepted",
    ],
    [
      "a receipt in a directory that is missing",
      () => [document, "-o", join(directory, "no", "r")],
      "no/r: no such file",
    ],
    ["a receipt below a file", () => [document, "-o", join(document, "r")], "document/r: a part of the path is not"],
    ["a directory as the receipt", () => [document, "-o", directory], ": is a directory; name a file in it"],
    ["a receipt without a name", () => [document, "-o", ""], "--out: is empty; name a file"],
    ["a device as the receipt", () => [document, "-o", "/dev/null"], "--out: /dev/null: is not a regular file"],
    ["the document as the receipt", () => [document, "-o", document], "which would be lost; name another one"],
    ["the client's file as the receipt", () => [document, "-o", cluster.client()], "which would be lost"],
    ["--new with --recursive", () => [directory, "-r", "--new"], "--new: cannot be combined with --recursive"],
    ["no time", () => [document, "--timeout", "0"], "whole number from 1 to 86400"],
  ])("refuses %s, before the document gets a number", async (_, args, message) => {
    const before = await log();
    const keys = readFileSync(cluster.client());
    const { code, stdout, stderr } = await notarize(...(args() as [string]));
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
    expect(await log()).toBe(before);
    expect(readFileSync(cluster.client())).toEqual(keys);
    expect(readdirSync(directory)).toEqual(["document"]);
  });

  // Root may write everywhere.
  it.runIf(process.getuid?.() !== 0)("refuses a directory that may not be written", async () => {
    const locked = join(directory, "locked");
    mkdirSync(locked, { mode: 0o500 });
    const { code, stderr } = await notarize(document, "-o", join(locked, "receipt"));
    expect(stderr).toContain("locked/receipt: permission denied");
    expect(code).toBe(2);
  });
});

describe("a client's file", () => {
  const clientFile = (change: (text: string) => string): string => {
    const path = join(directory, "client.json");
    writeFileSync(path, change(readFileSync(cluster.client(), "utf8")), { mode: 0o600 });
    return path;
  };

  it.each<[string, (path: string) => void, string]>([
    ["that others may read", (path) => chmodSync(path, 0o644), "(mode 644); run: chmod 600 "],
    ["that is no JSON", (path) => writeFileSync(path, "no"), "client.json: not JSON"],
    ["that was cut off", (path) => truncateSync(path, 500), "client.json: not JSON"],
    [
      "with other settings than the cluster's name stands for",
      (path) => writeFileSync(path, readFileSync(path, "utf8").replace('"order": "fixed"', '"order": "random"')),
      "client.json: public.cluster: does not name these keys and settings",
    ],
    [
      "with a damaged key",
      (path) => writeFileSync(path, readFileSync(path, "utf8").replace(/"signing": "..../, '"signing": "AAAA')),
      "client.json: signing: does not belong to the public key",
    ],
  ])("%s is refused by every client command", async (_, spoil, message) => {
    const path = clientFile((text) => text);
    spoil(path);
    for (const args of [["notarize", document, "-o", join(directory, "r")], ["status"]]) {
      const { code, stderr } = await runCli([...args, "--cluster", path]);
      expect(stderr).toContain(message);
      expect(code).toBe(2);
    }
  });

  it("is not the public one, which nobody is told to lock away", async () => {
    const { code, stderr } = await runCli(["status", "--cluster", cluster.publicFile]);
    expect(stderr).toBe(
      `abcast: ${cluster.publicFile}: format: is "abcast-public/4": this is a cluster's public file, public.json; needed is a client's file, client-I.json\n`,
    );
    expect(code).toBe(2);
  });

  it("of another cluster at the same address reaches no replica of its own, and says why", async () => {
    const config = await loadClient(cluster.client());
    const path = join(directory, "client.json");
    const other = { ...config, public: await otherCluster(config.public) };
    writeFileSync(path, formatFile(clientConfigSchema, other), { mode: 0o600 });
    const out = join(directory, "receipt");
    const { code, stderr } = await runCli(["notarize", document, "--cluster", path, "-o", out, "--timeout", "1"]);
    expect(stderr).toContain("(party 0: another key than the pinned one: a replica of another cluster listens there");
    expect(code).toBe(3);
    expect(existsSync(out)).toBe(false);
  });
});
