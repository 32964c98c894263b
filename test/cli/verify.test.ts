import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { toHex } from "../../src/core/bytes.js";
import { formatFile, publicSchema } from "../../src/replica/config.js";
import { loadPublic } from "../../src/replica/config-files.js";
import { decodeStatement, encodeStatement } from "../../src/services/notary/index.js";
import { formatReceipt, type Receipt } from "../../src/verify/index.js";
import { requireTool } from "../support/tools.js";
import { otherCluster } from "./other-cluster.js";
import { makeReceipt, receiptJson } from "./receipt-fixture.js";
import { lastingDirectory, runCli, runInit, temporaryDirectory } from "./run-cli.js";

const work = lastingDirectory();
const cluster = join(work.path, "cluster");
const shared = join(cluster, "public.json");
const document = join(work.path, "contract.txt");
const receiptFile = join(work.path, "contract.receipt");
const TIME_MS = Date.UTC(2025, 10, 29, 6, 0, 0, 123);
let receipt: Receipt;
afterAll(() => work.remove());

beforeAll(async () => {
  expect((await runInit("--n", "4", "--out", cluster)).code).toBe(0);
  writeFileSync(document, "I owe you a cake.\n");
  receipt = await makeReceipt({ cluster, document, sequence: 17, round: 5, timeMs: TIME_MS, parties: [1, 3] });
  writeFileSync(receiptFile, formatReceipt(receipt));
});

/** A receipt file with this text. */
function receiptWith(text: string | Uint8Array): string {
  const path = join(temporaryDirectory(), "changed.receipt");
  writeFileSync(path, text);
  return path;
}

const verify = (receiptPath: string, ...more: readonly string[]) =>
  runCli(["verify", document, receiptPath, "--public", shared, ...more]);

describe("abcast verify", () => {
  it("accepts the receipt and says who, what and which number", async () => {
    const { code, stdout, stderr } = await verify(receiptFile);
    expect(stderr).toBe("");
    expect(stdout).toContain(`valid: ${document} is number 17 of cluster ${receipt.cluster}, round 5, for client 0`);
    expect(stdout).toContain("\n  time    2025-11-29T06:00:00.123Z\n");
    expect(code).toBe(0);
  });

  it("accepts one without a time, and says none", async () => {
    const made = await makeReceipt({ cluster, document, sequence: 3, round: 2, timeMs: undefined, parties: [0, 1] });
    const path = receiptWith(formatReceipt(made));
    const { code, stdout } = await verify(path);
    expect([code, stdout]).toEqual([0, expect.not.stringContaining("time")]);
    expect(JSON.parse((await verify(path, "--json")).stdout)).toMatchObject({ valid: true, time: null });
  });

  it("is the same receipt whichever parties signed", async () => {
    expect(await makeReceipt({ cluster, document, sequence: 17, round: 5, timeMs: TIME_MS, parties: [0, 2] })).toEqual(
      receipt,
    );
  });

  it("prints JSON", async () => {
    const { code, stdout } = await verify(receiptFile, "--json");
    const { cluster: id, client, digest } = receipt;
    expect(JSON.parse(stdout)).toEqual({
      valid: true,
      sequence: 17,
      round: 5,
      time: TIME_MS,
      digest,
      client,
      cluster: id,
    });
    expect(code).toBe(0);
  });

  it("reports a document with one flipped bit", async () => {
    const other = join(temporaryDirectory(), "contract.txt");
    const content = readFileSync(document);
    content[3] = (content[3] ?? 0) ^ 1;
    writeFileSync(other, content);
    const { code, stdout } = await runCli(["verify", other, receiptFile, "--public", shared]);
    expect(stdout).toMatch(/^invalid: the document's SHA-256 is [0-9a-f]{64}, the receipt is for [0-9a-f]{64}\n$/);
    expect(code).toBe(1);
  });

  it("takes a document without a receipt for an award, and says that it is none", async () => {
    const { code, stdout } = await runCli(["verify", document, "--public", shared]);
    expect(stdout).toMatch(/^invalid: .*contract.txt is no award: .*abcast verify FILE RECEIPT\n$/);
    expect(code).toBe(1);
  });

  const changes: readonly (readonly [string, (json: Record<string, unknown>) => void, string])[] = [
    [
      "another number",
      (json) => (json["sequence"] = 16),
      "the receipt's sequence says 16, its signed statement says 17",
    ],
    ["another round", (json) => (json["round"] = 6), "the receipt's round says 6"],
    ["another time", (json) => (json["time"] = 6), `the receipt's time says 6, its signed statement says ${TIME_MS}`],
    ["no time", (json) => delete json["time"], "the receipt's time says nothing"],
    ["another client", (json) => (json["client"] = "0".repeat(64)), "the receipt's client says 000"],
    ["a negative number", (json) => (json["sequence"] = -17), 'field "sequence": must be a whole number'],
    ["a number as text", (json) => (json["sequence"] = "17"), 'field "sequence": must be a whole number'],
    ["a field too many", (json) => (json["note"] = "true"), 'unknown field "note"'],
    ["a field too few", (json) => delete json["round"], 'field "round" is missing'],
    ["no signature", (json) => (json["signature"] = ""), 'field "signature": must be canonical base64'],
    ["another format", (json) => (json["format"] = "abcast-receipt/3"), 'field "format"'],
  ];
  it.each(changes)("reports a receipt with %s", async (_, change, reason) => {
    const json = receiptJson(receipt);
    change(json);
    const { code, stdout, stderr } = await verify(receiptWith(JSON.stringify(json)), "--json");
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toMatchObject({ valid: false, reason: expect.stringContaining(reason) as string });
    expect(code).toBe(1);
  });

  it("reports a consistent lie: fields and statement changed alike", async () => {
    const decoded = decodeStatement(receipt.statement);
    if (!decoded.ok) throw new Error(decoded.error);
    const lie = { ...receipt, sequence: 1, statement: encodeStatement({ ...decoded.value, sequence: 1 }) };
    const { code, stdout } = await verify(receiptWith(formatReceipt(lie)));
    expect(stdout).toBe("invalid: the signature on the statement is not the cluster's\n");
    expect(code).toBe(1);
  });

  it.each([
    ["an empty file", ""],
    ["no JSON", "hello"],
    ["a truncated receipt", () => readFileSync(receiptFile, "utf8").slice(0, 400)],
    ["no UTF-8", Uint8Array.of(0xff, 0xfe)],
    ["too large a file", () => `${readFileSync(receiptFile, "utf8")}${" ".repeat(65536)}`],
    [
      "a field twice",
      () => readFileSync(receiptFile, "utf8").replace('"sequence": 17', '"sequence": 16, "sequence": 17'),
    ],
  ])("reports %s as invalid", async (_, content) => {
    const path = receiptWith(typeof content === "function" ? content() : content);
    const { code, stdout } = await verify(path);
    expect(stdout).toContain(`invalid: ${path} is no receipt: `);
    expect(code).toBe(1);
  });

  it("reports a receipt of another cluster", async () => {
    const path = join(temporaryDirectory(), "public.json");
    // With the same receipt key, but for another log.
    const other = await otherCluster(await loadPublic(shared));
    writeFileSync(path, formatFile(publicSchema, other));
    const { code, stdout } = await runCli(["verify", document, receiptFile, "--public", path]);
    expect(stdout).toBe(`invalid: the receipt is from cluster ${receipt.cluster}, not from ${toHex(other.cluster)}\n`);
    expect(code).toBe(1);
  });

  it.each([
    ["a missing document", () => [join(work.path, "gone"), receiptFile, "--public", shared], "gone: no such file"],
    ["a missing receipt", () => [document, join(work.path, "gone"), "--public", shared], "gone: no such file"],
    ["a missing public file", () => [document, receiptFile, "--public", join(work.path, "gone")], "gone: no such file"],
    ["a directory", () => [cluster, receiptFile, "--public", shared], "is a directory"],
    ["a bad public file", () => [document, receiptFile, "--public", receiptFile], `contract.receipt: `],
    ["no --public", () => [document, receiptFile], "required option '--public <FILE>' not specified"],
    ["nothing at all", () => ["--public", shared], "missing required argument 'FILE'"],
    ["a directory for an award", () => [work.path, "--public", shared], "is not a regular file"],
  ])("with %s is a usage error", async (_, args, message) => {
    const { code, stdout, stderr } = await runCli(["verify", ...args()]);
    expect(stderr).toContain(message);
    expect(stdout).toBe("");
    expect(code).toBe(2);
  });

  it("refuses a document above 64 GiB before it reads it", async () => {
    const huge = join(temporaryDirectory(), "huge");
    writeFileSync(huge, "");
    // A hole, not data.
    truncateSync(huge, 64 * 1024 ** 3 + 1);
    const { code, stderr } = await runCli(["verify", huge, receiptFile, "--public", shared]);
    expect(stderr).toContain(`${huge}: has 68719476737 bytes, at most 68719476736 (64 GiB)`);
    expect(code).toBe(2);
  });

  it("refuses a named pipe instead of waiting", async (context) => {
    const pipe = join(temporaryDirectory(), "pipe");
    context.skip(spawnSync("mkfifo", [pipe]).status !== 0, "mkfifo does not work here");
    const { code, stderr } = await runCli(["verify", pipe, receiptFile, "--public", shared]);
    expect(stderr).toContain(`${pipe}: is not a regular file`);
    expect(code).toBe(2);
  });
});

describe("abcast receipt export", () => {
  it.runIf(requireTool("openssl"))("writes what openssl verifies", async () => {
    const directory = temporaryDirectory();
    const [s, g] = [join(directory, "s"), join(directory, "g")];
    const { code } = await runCli(["receipt", "export", receiptFile, "--statement", s, "--signature", g]);
    expect(code).toBe(0);
    expect(readFileSync(s)).toEqual(Buffer.from(receipt.statement));
    const check = () =>
      spawnSync("openssl", ["dgst", "-sha256", "-verify", join(cluster, "receipt-key.pem"), "-signature", g, s], {
        encoding: "utf8",
      });
    expect(check().stdout).toBe("Verified OK\n");
    expect(check().status).toBe(0);

    writeFileSync(s, readFileSync(s, "utf8").replace("sequence: 17", "sequence: 16"));
    expect(check().status).toBe(1);
  });

  it("overwrites only with --force, and leaves nothing behind when it refuses", async () => {
    const directory = temporaryDirectory();
    const [s, g] = [join(directory, "s"), join(directory, "g")];
    writeFileSync(g, "precious");
    const args = ["receipt", "export", receiptFile, "--statement", s, "--signature", g];
    const refused = await runCli(args);
    expect(refused.stderr).toContain(`--signature: ${g}: exists already`);
    expect(refused.code).toBe(2);
    expect(existsSync(s)).toBe(false);
    expect(readFileSync(g, "utf8")).toBe("precious");

    const { code, stdout } = await runCli([...args, "--force", "--json"]);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({ statement: s, signature: g });
    expect(statSync(g).size).toBe(256);
  });

  it("refuses a receipt that misquotes its statement", async () => {
    const directory = temporaryDirectory();
    const path = receiptWith(JSON.stringify({ ...receiptJson(receipt), sequence: 18 }));
    const { code, stderr } = await runCli([
      "receipt",
      "export",
      path,
      "--statement",
      join(directory, "s"),
      "--signature",
      join(directory, "g"),
    ]);
    expect(stderr).toContain("the receipt's sequence says 18, its signed statement says 17");
    expect(code).toBe(1);
    expect(existsSync(join(directory, "s"))).toBe(false);
  });

  it("refuses one file for both, and a directory that does not exist", async () => {
    const directory = temporaryDirectory();
    const same = await runCli([
      "receipt",
      "export",
      receiptFile,
      "--statement",
      join(directory, "x"),
      "--signature",
      join(directory, ".", "x"),
    ]);
    expect(same.stderr).toContain("--signature: is the same file as --statement");
    expect(same.code).toBe(2);
    const gone = await runCli([
      "receipt",
      "export",
      receiptFile,
      "--statement",
      join(directory, "s"),
      "--signature",
      join(directory, "no", "g"),
    ]);
    expect(gone.stderr).toContain(`${join(directory, "no", "g")}: no such file or directory`);
    expect(gone.code).toBe(2);
    expect(readdirSync(directory)).toEqual([]);
  });

  it("works on copies of the two public files alone", async () => {
    const elsewhere = join(temporaryDirectory(), "elsewhere");
    mkdirSync(elsewhere);
    copyFileSync(shared, join(elsewhere, "p.json"));
    expect((await runCli(["verify", document, receiptFile, "--public", join(elsewhere, "p.json")])).code).toBe(0);
  });
});

describe("abcast", () => {
  it("suggests a command, and exits with 2", async () => {
    const { code, stderr } = await runCli(["verfy"]);
    expect(stderr).toContain("unknown command 'verfy'\n(Did you mean verify?)");
    expect(code).toBe(2);
  });

  it("without a command shows the help and exits with 2", async () => {
    for (const args of [[], ["receipt"]]) {
      const { code, stdout, stderr } = await runCli(args);
      expect(stdout).toBe("");
      expect(stderr).toContain("Commands:");
      expect(code).toBe(2);
    }
  });

  it.each(["init", "verify", "receipt export"])("%s has help with an example and --json", async (command) => {
    const { code, stdout } = await runCli([...command.split(" "), "--help"]);
    expect(stdout).toContain(`$ abcast ${command}`);
    expect(stdout).toContain("--json");
    expect(code).toBe(0);
  });

  it("knows its version", async () => {
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as {
      readonly version: string;
    };
    expect(await runCli(["--version"])).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});
