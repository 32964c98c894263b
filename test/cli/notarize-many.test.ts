/** Many documents: `abcast notarize --recursive` and `abcast watch`, on a cluster of four, one of which is down. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { clientConfigSchema, formatFile } from "../../src/replica/config.js";
import { loadClient } from "../../src/replica/config-files.js";
import type { LoggedReceipt } from "../../src/verify/index.js";
import { LocalCluster } from "./local-cluster.js";
import { runCli, temporaryDirectory } from "./run-cli.js";

const BIN = fileURLToPath(new URL("../../bin/abcast.mjs", import.meta.url));
const cluster = new LocalCluster(4);
afterAll(() => cluster.remove());
beforeAll(async () => {
  await cluster.init();
  await cluster.ok("up", cluster.directory);
  await cluster.killNow(3);
});

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
const at = (...names: readonly string[]): string => join(directory, ...names);
const put = (name: string, text = `the text of ${name}`): string => {
  writeFileSync(at(name), text);
  return at(name);
};
const notarizeAll = (...more: readonly string[]) =>
  runCli(["notarize", "--recursive", directory, "--cluster", cluster.client(), "--json", ...more]);
const receiptOf = (document: string): LoggedReceipt =>
  JSON.parse(readFileSync(`${document}.receipt`, "utf8")) as LoggedReceipt;
const verify = (document: string) =>
  runCli(["verify", document, `${document}.receipt`, "--public", cluster.publicFile]);

describe("abcast notarize --recursive", () => {
  it("gives each file below a directory a receipt, all of a round one signature, and goes on where it was interrupted", async () => {
    mkdirSync(at("deep", "deeper"), { recursive: true });
    const documents = ["a", "b", join("deep", "c"), join("deep", "deeper", "d")].map((name) => put(name));
    for (let index = 0; index < 250; index++) put(`z${index}`);
    symlinkSync(at("a"), at("link"));
    const first = await notarizeAll();
    expect(first.code, first.stderr).toBe(0);
    expect(JSON.parse(first.stdout)).toEqual({
      directory,
      documents: 254,
      notarized: 254,
      skipped: 0,
      refused: [],
      faulty: [],
    });
    expect(existsSync(at("link.receipt"))).toBe(false);
    const receipts = documents.map(receiptOf);
    expect(new Set(receipts.map(({ log }) => log.index)).size).toBe(4);
    expect(new Set(receipts.map(({ signature }) => signature)).size).toBe(1);
    for (const document of [...documents, at("z249")]) expect((await verify(document)).code).toBe(0);
    // As after an interruption: some have none.
    rmSync(at("b.receipt"));
    put("e");
    const second = await notarizeAll();
    expect(JSON.parse(second.stdout)).toMatchObject({ documents: 255, notarized: 2, skipped: 253 });
    expect((await verify(at("e"))).code).toBe(0);
  });

  it("keeps a receipt of other content, and what is none, and says so", async () => {
    const document = put("a");
    put("b.receipt", "not a receipt");
    put("b");
    await notarizeAll();
    const receipt = readFileSync(`${document}.receipt`);
    appendFileSync(document, " and more");
    const { code, stdout } = await notarizeAll();
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ notarized: 0, refused: [at("a"), at("b")] });
    expect(readFileSync(`${document}.receipt`)).toEqual(receipt);
    expect((await verify(document)).code).toBe(1);
  });

  it("says that nobody answers, also when it learns that while it reads the next documents", async () => {
    for (let index = 0; index < 200; index++) put(`${1000 + index}`);
    // To read it takes longer than to give the others up.
    truncateSync(put("z"), 3 * 1024 ** 3);
    const config = await loadClient(cluster.client());
    const nowhere = {
      ...config.public,
      parties: config.public.parties.map((party) => ({ ...party, port: 1 + party.party })),
    };
    const file = join(cluster.work, "nowhere.json");
    writeFileSync(file, formatFile(clientConfigSchema, { ...config, public: nowhere }), { mode: 0o600 });
    const { code, stderr } = await runCli(["notarize", "-r", directory, "--cluster", file, "--timeout", "1"]);
    expect(stderr).toContain("abcast: ");
    expect(stderr).not.toContain("UnhandledPromise");
    expect(code).toBe(3);
  });

  it("refuses what it cannot do", async () => {
    const out = await notarizeAll("--out", at("r"));
    expect(out.code).toBe(2);
    expect(out.stderr).toContain("cannot be combined with --recursive");
    const none = await runCli(["notarize", "-r", at("gone"), "--cluster", cluster.client()]);
    expect(none.code).toBe(2);
    expect(none.stderr).toContain("gone: no such file or directory");
    const empty = await notarizeAll();
    expect(JSON.parse(empty.stdout)).toMatchObject({ documents: 0, notarized: 0 });
  });
});

describe("abcast watch", () => {
  it("notarises what comes, when nobody writes to it any more, until it is interrupted", async () => {
    put("early");
    // A pause of this test's own, on a busy machine, is shorter.
    const words = ["watch", directory, "--cluster", cluster.client(), "--interval", "4", "--json"];
    const child = spawn(process.execPath, [BIN, ...words], { stdio: ["ignore", "pipe", "inherit"] });
    let lines = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (lines += text));
    const ended = once(child, "close");
    try {
      mkdirSync(at("new"));
      const growing = put(join("new", "growing"), "some");
      while (!existsSync(at("early.receipt"))) {
        appendFileSync(growing, " more");
        await sleep(100);
      }
      expect(existsSync(`${growing}.receipt`)).toBe(false);
      while (!existsSync(`${growing}.receipt`)) await sleep(100);
      for (const document of [at("early"), growing]) expect((await verify(document)).code).toBe(0);
      child.kill("SIGINT");
      expect(await ended).toEqual([0, null]);
      const told = lines.trim().split("\n");
      expect(told.map((line) => (JSON.parse(line) as { document: string }).document).sort()).toEqual([
        at("early"),
        growing,
      ]);
    } finally {
      child.kill("SIGKILL");
    }
  });
});
