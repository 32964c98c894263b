import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { toHex } from "../../src/core/bytes.js";
import { encodeLogHead, encodeStatement } from "../../src/services/notary/index.js";
import { EMPTY_FRONTIER, TreeWindow, leafHash, rangeProof, proveRange } from "../../src/tlog/index.js";
import {
  formatReceipt,
  LOGGED_RECEIPT_FORMAT,
  type LoggedReceipt,
  parseReceipt,
  verifyReceipt,
} from "../../src/verify/index.js";
import { requireTool } from "../support/tools.js";

const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const receiptKeySpki = new Uint8Array(publicKey.export({ format: "der", type: "spki" }));
const clusterId = new Uint8Array(randomBytes(32));
const client = new Uint8Array(randomBytes(32));
const DOCUMENTS = Array.from({ length: 21 }, (_, index) => new TextEncoder().encode(`document ${index}`));

/** Receipts of a round that had all of the documents but the first ten, and the first of the next. */
function receipts(timeMs: number | undefined, leafTimeMs = timeMs): LoggedReceipt[] {
  const digestOf = (index: number) =>
    ({ algorithm: "sha256", value: hash(DOCUMENTS[index] ?? new Uint8Array()) }) as const;
  const common = { cluster: clusterId, sequence: 7, round: 3, timeMs: leafTimeMs, client };
  const leaves = DOCUMENTS.map((_, index) => leafHash(hash, encodeStatement({ ...common, digest: digestOf(index) })));
  const tree = new TreeWindow(hash, EMPTY_FRONTIER, leaves);
  const [first, size] = [10, 20];
  const proof = rangeProof(hash, tree.nodeAt, { first, count: 10, size });
  const proven = proveRange(hash, { first, size }, leaves.slice(first, size), proof);
  if (proven === undefined) throw new Error("no proof");
  const statement = encodeLogHead({ cluster: clusterId, round: 3, timeMs, documents: size, root: proven.root });
  const signature = new Uint8Array(sign("sha256", statement, privateKey));
  return proven.inclusions.map((inclusion, at) => ({
    format: LOGGED_RECEIPT_FORMAT,
    cluster: toHex(clusterId),
    sequence: 7,
    round: 3,
    time: timeMs ?? null,
    digest: { algorithm: "sha256", value: toHex(digestOf(first + at).value) },
    client: toHex(client),
    log: { index: first + at, documents: size, proof: inclusion },
    statement,
    signature,
  }));
}

const [receipt, other] = receipts(1_700_000_000_000);
const [otherTime] = receipts(1_700_000_000_000, 1_700_000_000_001);
const [timelessHead] = receipts(undefined, 1_700_000_000_000);
if (receipt === undefined || other === undefined || otherTime === undefined || timelessHead === undefined)
  throw new Error("no receipt");
const document = DOCUMENTS[10] ?? new Uint8Array();
const reasonOf = async (changed: LoggedReceipt): Promise<string> => {
  const verdict = await verifyReceipt({
    receipt: changed,
    digest: hash(document),
    receiptKeySpki,
    cluster: toHex(clusterId),
  });
  return verdict.valid ? "valid" : verdict.reason;
};

/** Each is a lie about one thing. */
const LIES: readonly [string, LoggedReceipt, RegExp][] = [
  ["the time", { ...receipt, time: 1_700_000_000_001 }, /time says/],
  ["that there is a time", { ...receipt, time: null }, /time says/],
  ["the time in the document's own statement", otherTime, /does not lead/],
  ["that there is one in the document's own statement", timelessHead, /does not lead/],
  ["the round", { ...receipt, round: 4 }, /round says/],
  ["the cluster", { ...receipt, cluster: "00".repeat(32) }, /cluster says/],
  ["the number", { ...receipt, sequence: 8 }, /does not lead/],
  ["the client", { ...receipt, client: "00".repeat(32) }, /does not lead/],
  ["the document", { ...receipt, digest: other.digest }, /does not lead/],
  ["its place", { ...receipt, log: { ...receipt.log, index: 11 } }, /does not lead/],
  ["the log's length", { ...receipt, log: { ...receipt.log, documents: 21 } }, /log.documents says/],
  ["the proof", { ...receipt, log: { ...receipt.log, proof: other.log.proof } }, /does not lead/],
  ["the proof's length", { ...receipt, log: { ...receipt.log, proof: receipt.log.proof.slice(1) } }, /does not lead/],
  [
    "the signature",
    { ...receipt, signature: receipt.signature.map((byte, at) => (at === 9 ? byte ^ 1 : byte)) },
    /signature/,
  ],
];

describe("a receipt that shares its signature", () => {
  it("is valid, with a time and without, for its own document", async () => {
    for (const timeMs of [undefined, 0, 1_700_000_000_000]) {
      for (const [at, one] of receipts(timeMs).entries()) {
        const digest = hash(DOCUMENTS[10 + at] ?? new Uint8Array());
        const check = { receipt: one, receiptKeySpki, cluster: toHex(clusterId) };
        expect(await verifyReceipt({ ...check, digest })).toEqual({ valid: true });
        expect(await verifyReceipt({ ...check, digest: hash(digest) })).toMatchObject({ valid: false });
      }
    }
  });

  it("is what its file says", () => {
    expect(parseReceipt(formatReceipt(receipt))).toEqual({ ok: true, value: receipt });
    const json = JSON.parse(formatReceipt(receipt)) as Record<string, unknown>;
    for (const [field, value] of [
      ["time", "now"],
      ["time", undefined],
      ["log", { ...receipt.log, proof: ["AAAA!"] }],
      ["log", { index: 1, documents: 2, proof: Array(65).fill("AAAA") }],
      ["log", { index: 1, documents: 2 }],
      ["log", { index: -1, documents: 2, proof: [] }],
      ["format", "abcast-receipt/1"],
    ] as const)
      expect(parseReceipt(JSON.stringify({ ...json, [field]: value })).ok, field).toBe(false);
  });

  it.each(LIES)("is invalid when it lies about %s", async (_, changed, reason) => {
    expect(await reasonOf(changed)).toMatch(reason);
  });

  it("is judged in the same way by a program that shares no code with this one", () => {
    requireTool("python3");
    const directory = mkdtempSync(join(tmpdir(), "abcast-receipt-"));
    try {
      const at = (name: string): string => join(directory, name);
      writeFileSync(at("document"), document);
      writeFileSync(at("key.pem"), publicKey.export({ format: "pem", type: "spki" }));
      const script = fileURLToPath(new URL("../../docs/verify-receipt.py", import.meta.url));
      const statusOf = (of: LoggedReceipt): number | null => {
        writeFileSync(at("receipt"), formatReceipt(of));
        return spawnSync("python3", [script, at("document"), at("receipt"), at("key.pem")]).status;
      };
      expect(statusOf(receipt)).toBe(0);
      const [timeless = receipt] = receipts(undefined);
      expect(statusOf(timeless)).toBe(0);
      for (const [name, changed] of LIES) expect(statusOf(changed), name).toBe(1);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  });
});
