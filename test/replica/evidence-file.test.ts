/** Evidence as a file: what it says is what is proved. */
import { expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import type { Evidence } from "../../src/core/evidence.js";
import { voteBody } from "../../src/protocols/binary-agreement/messages.js";
import { evidenceOf, evidenceSchema, formatEvidence, misstatement } from "../../src/replica/evidence-file.js";

const CLUSTER = new Uint8Array(32).fill(7);
const evidence: Evidence = {
  party: 2,
  as: "quorum",
  tag: "notary/7/mvba/aba/1",
  purpose: "pre-vote",
  first: { body: voteBody(3, 0), signature: utf8("one") },
  second: { body: voteBody(3, 1), signature: utf8("two") },
};
const file = evidenceSchema.parse(JSON.parse(formatEvidence(CLUSTER, evidence)));

test("has its form, and says the same when it is read", () => {
  expect(JSON.parse(formatEvidence(CLUSTER, evidence))).toEqual({
    format: "abcast-evidence/1",
    cluster: "07".repeat(32),
    party: 2,
    fault: "double-vote",
    tag: "notary/7/mvba/aba/1",
    purpose: "pre-vote",
    scheme: "quorum",
    statements: [
      { body: "AAAAAwA=", signature: "b25l" },
      { body: "AAAAAwE=", signature: "dHdv" },
    ],
  });
  expect(evidenceOf(file)).toEqual(evidence);
});

test("is about one cluster, and names the fault that its statements prove", () => {
  expect(misstatement(file, CLUSTER)).toBeUndefined();
  expect(misstatement(file, new Uint8Array(32))).toBe(`it is about cluster ${"07".repeat(32)}`);
  expect(misstatement({ ...file, fault: "equivocation" }, CLUSTER)).toBe(
    "such statements prove double-vote, not equivocation",
  );
  expect(misstatement({ ...file, purpose: "coin" }, CLUSTER)).toBe("such statements prove nothing, not double-vote");
});
