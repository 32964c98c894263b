/** What the notary replied just now is what the ledger says of a payload, all of it, or is not taken for it. */
import { describe, expect, it } from "vitest";
import { documentsOf, repliedStatements, statementOf } from "../../src/cli/notary-documents.js";
import { sha256 } from "../../src/cli/sha256.js";
import type { Outcome } from "../../src/replica/machine/index.js";
import { createNotaryService, encodeNotaryOperation, MAX_STATEMENT_BYTES } from "../../src/services/notary/index.js";
import { MAX_REPLY_BYTES } from "../../src/services/service.js";
import { encodePayload } from "../../src/wire/payload.js";
import { encodeReplies } from "../../src/wire/replies.js";

const [cluster, client] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];

/** A payload with so many documents, as the ledger and as the machine have it. */
function ordered(count: number, action: "call" | "calls" = "calls") {
  const notary = createNotaryService({ cluster, hash: sha256 });
  const operations = Array.from({ length: count }, (_, index) =>
    encodeNotaryOperation({ algorithm: "sha256", value: sha256(Uint8Array.of(index >> 8, index & 255)) }),
  );
  const [operation = new Uint8Array()] = operations;
  const [sequence, round, timeMs, service] = [7, 3, 1_700_000_000_000, "notary"];
  const payload = encodePayload({
    kind: "request",
    cluster,
    client,
    session: { opened: 1, nonce: new Uint8Array(8) },
    number: 1,
    acknowledged: 0,
    action: action === "call" ? { kind: action, service, operation } : { kind: action, service, operations },
    signature: new Uint8Array(64),
  });
  const run = (bytes: Uint8Array, index: number): Uint8Array =>
    notary.apply({ sequence, index, round, roundTimeMs: timeMs, client }, bytes);
  const reply = action === "call" ? run(operation, 0) : encodeReplies(operations.map(run));
  const entry = { sequence, round, timeMs, payload };
  const outcome: Outcome = { digest: sha256(payload), sequence, round, timeMs, reply, action, service };
  return { outcome, fromLedger: documentsOf(entry).map((document) => statementOf(cluster, entry, document)) };
}

describe("statements that the notary replied", () => {
  it.each([1, 2, 200])("are those of the ledger: %i", (count) => {
    const { outcome, fromLedger } = ordered(count);
    expect(fromLedger).toHaveLength(count);
    expect(repliedStatements(outcome)).toEqual(fromLedger);
  });

  it("are that of a single call", () => {
    const { outcome, fromLedger } = ordered(1, "call");
    expect(repliedStatements(outcome)).toEqual(fromLedger);
  });

  it("are not taken when replies were left out for want of room", () => {
    const counts = Array.from({ length: 20 }, (_, more) => 215 + more);
    const taken = counts.map((count) => {
      const { outcome, fromLedger } = ordered(count);
      const statements = repliedStatements(outcome);
      if (statements !== undefined) expect(statements).toEqual(fromLedger);
      return statements !== undefined;
    });
    // Both happen, and the border is where the next statement would find no room.
    expect(new Set(taken)).toEqual(new Set([true, false]));
    const { outcome } = ordered(1000);
    expect(outcome.reply?.length).toBeGreaterThan(MAX_REPLY_BYTES - MAX_STATEMENT_BYTES);
    expect(repliedStatements(outcome)).toBeUndefined();
  });

  it("are not those of another service, nor of a reply that is gone", () => {
    const { outcome } = ordered(2);
    expect(repliedStatements({ ...outcome, service: "kv" })).toBeUndefined();
    expect(repliedStatements({ ...outcome, reply: undefined })).toBeUndefined();
  });
});
