/** docs/verify-receipt.py, which shares no code with this project, agrees with it. */
import { spawnSync } from "node:child_process";
import { createSign, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { encodeStatement } from "../../src/services/notary/index.js";
import {
  formatReceipt,
  parseReceipt,
  publicKeyFromPem,
  receiptOf,
  sha256,
  verifyReceipt,
} from "../../src/verify/index.js";
import { requireTool } from "../support/tools.js";
import { ROOT } from "./markdown.js";

const SCRIPT = join(ROOT, "docs", "verify-receipt.py");

describe.runIf(requireTool("python3"))("docs/verify-receipt.py", async () => {
  const directory = mkdtempSync(join(tmpdir(), "abcast-python-"));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(directory, name);
    writeFileSync(path, content);
    return path;
  };

  // Any RSA key makes the signature that the cluster's shares make together: test/crypto shows that.
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = publicKey.export({ format: "pem", type: "spki" }).toString();
  const document = Buffer.from("I owe you 5.\n");
  const cluster = new Uint8Array(32).fill(0xc1);
  const digest = await sha256(document);
  const statement = encodeStatement({
    cluster,
    sequence: 7,
    round: 3,
    timeMs: 1_764_396_000_123,
    digest: { algorithm: "sha256", value: digest },
    client: new Uint8Array(32).fill(0x0e),
  });
  const receiptTextOf = (signed: Uint8Array): string => {
    const receipt = receiptOf(signed, new Uint8Array(createSign("sha256").update(signed).sign(privateKey)));
    if (!receipt.ok) throw new Error(receipt.error);
    return formatReceipt(receipt.value);
  };
  const text = receiptTextOf(statement);
  // As receipts of before are, and those of clusters whose rounds have no time.
  const timeless = receiptTextOf(
    Buffer.from(
      Buffer.from(statement)
        .toString()
        .replace(/time: .*\n/, ""),
    ),
  );

  const documentPath = file("document", document);
  const keyPath = file("key.pem", pem);

  function run(...args: readonly string[]): {
    readonly status: number | null;
    readonly stdout: string;
    readonly stderr: string;
  } {
    const { status, stdout, stderr } = spawnSync("python3", [SCRIPT, ...args], { encoding: "utf8" });
    expect(stderr).not.toContain("Traceback");
    return { status, stdout, stderr };
  }

  async function isValidHere(receiptText: string, content: Uint8Array): Promise<boolean> {
    const parsed = parseReceipt(receiptText);
    const receiptKeySpki = publicKeyFromPem(pem);
    if (!parsed.ok || receiptKeySpki === undefined) return false;
    const check = { receipt: parsed.value, digest: await sha256(content), receiptKeySpki, cluster: "c1".repeat(32) };
    return (await verifyReceipt(check)).valid;
  }

  test("accepts a good receipt", async () => {
    expect(await isValidHere(text, document)).toBe(true);
    const receiptPath = file("good.receipt", text);
    expect(run(documentPath, receiptPath, keyPath)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^valid: number 7 of cluster (c1){32}, at 1764396000123 ms since 1970/) as string,
    });
    expect(await isValidHere(timeless, document)).toBe(true);
    const timelessPath = file("timeless.receipt", timeless);
    expect(run(documentPath, timelessPath, keyPath)).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^valid: number 7 of cluster (c1){32}, for client/) as string,
    });
    expect(run(documentPath, receiptPath, keyPath, "c1".repeat(32)).status).toBe(0);
  });

  test("refuses it for another document, another cluster, another key", () => {
    const receiptPath = file("good.receipt", text);
    const other = file("other", "I owe you 4.\n");
    expect(run(other, receiptPath, keyPath)).toMatchObject({
      status: 1,
      stdout: "invalid: the receipt is for another document\n",
    });
    expect(run(documentPath, receiptPath, keyPath, "c2".repeat(32)).status).toBe(1);
    const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 })
      .publicKey.export({ format: "pem", type: "spki" })
      .toString();
    expect(run(documentPath, receiptPath, file("stranger.pem", stranger))).toMatchObject({
      status: 1,
      // A number above the stranger's modulus cannot even be a signature of his.
      stdout: expect.stringMatching(/^invalid: the signature (is not the cluster's|does not fit the key)$/m) as string,
    });
  });

  test("refuses receipts with a flipped bit wherever it is, as we do", async () => {
    const bytes = Buffer.from(text);
    for (let bit = 3; bit < 8 * bytes.length; bit += 199) {
      const flipped = Buffer.from(bytes);
      flipped[bit >>> 3] = (flipped[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      expect(run(documentPath, file("flipped.receipt", flipped), keyPath).status, `bit ${bit}`).toBe(1);
      expect(await isValidHere(flipped.toString("latin1"), document), `bit ${bit}`).toBe(false);
    }
  });

  test.for([
    ["another number", text.replace('"sequence": 7', '"sequence": 8')],
    ["a number as text", text.replace('"sequence": 7', '"sequence": "7"')],
    ["a field twice", text.replace('"round"', '"sequence": 7, "round"')],
    ["a field too many", text.replace('"round"', '"log": 7, "round"')],
    ["another time", text.replace('"time": 1764396000123', '"time": 1764396000124')],
    ["a time that is none", text.replace('"time": 1764396000123', '"time": null')],
    ["a time as text", text.replace('"time": 1764396000123', '"time": "1764396000123"')],
    ["no time where the statement has one", text.replace(/ *"time": .*\n/, "")],
    ["a time where the statement has none", timeless.replace('"round"', '"time": 1764396000123, "round"')],
    ["an empty file", ""],
    ["no JSON object", "[]"],
    ["very deep nesting", "[".repeat(100_000)],
  ] as const)("refuses a receipt with %s, as we do", async ([, receiptText]) => {
    expect(run(documentPath, file("bad.receipt", receiptText), keyPath).status).toBe(1);
    expect(await isValidHere(receiptText, document)).toBe(false);
  });

  test("says so when it cannot check", () => {
    const receiptPath = file("good.receipt", text);
    expect(run(documentPath, receiptPath)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("verify-receipt.py DOCUMENT") as string,
    });
    expect(run(documentPath, receiptPath, join(directory, "missing")).status).toBe(2);
    expect(run(documentPath, receiptPath, file("no.pem", "not a key")).status).toBe(2);
    const { publicKey: elliptic } = generateKeyPairSync("ed25519");
    expect(
      run(documentPath, receiptPath, file("ed.pem", elliptic.export({ format: "pem", type: "spki" }).toString()))
        .status,
    ).toBe(2);
  });
});
