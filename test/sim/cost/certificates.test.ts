/** The stand-in's certificates in the sizes of the real ones, and verdicts that parties share. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import { thresholdGroup } from "../../../src/core/group.js";
import { type MockSuiteOptions, Verdicts, mockSuite } from "../../../src/sim/mock-suite.js";

const group = thresholdGroup({ n: 4, byzantine: 1 });
const STATEMENT = utf8("a statement");

const KINDS: readonly (readonly [string, MockSuiteOptions, number])[] = [
  ["a list", { certificates: "list", signatureBytes: 64 }, 2 + 3 * 64],
  ["a list, verdicts shared", { certificates: "list", signatureBytes: 64, verdicts: new Verdicts() }, 2 + 3 * 64],
  ["one signature", { certificates: "one", signatureBytes: 96 }, 96],
];

describe.each(KINDS)("%s", (_, options, certificateBytes) => {
  const suites = group.parties.map((party) => mockSuite(group, party, 1, options).quorumCertifier);
  const sharesOf = (count: number): ReadonlyMap<number, Uint8Array> =>
    new Map(suites.slice(0, count).map((suite, party) => [party, suite.share(STATEMENT)]));
  const [suite] = suites;
  if (suite === undefined) throw new Error("no party");
  const certificate = suite.combine(STATEMENT, sharesOf(3));

  test("is valid for its statement only, each time that it is asked, and at all parties", () => {
    expect(certificate).toHaveLength(certificateBytes);
    for (const other of [...suites, ...suites]) {
      expect(other.verify(STATEMENT, certificate)).toBe(true);
      expect(other.verify(utf8("a statement "), certificate)).toBe(false);
      expect(other.verify(STATEMENT, certificate)).toBe(true);
      expect(other.verify(STATEMENT, certificate.subarray(0, -1))).toBe(false);
    }
  });

  test("is refused when altered, and of another purpose", () => {
    const altered = certificate.slice();
    altered[certificateBytes - 1] = (altered[certificateBytes - 1] ?? 0) ^ 1;
    expect(suite.verify(STATEMENT, altered)).toBe(false);
    expect(mockSuite(group, 0, 1, options).broadcastCertifier.verify(STATEMENT, certificate)).toBe(false);
    expect(
      mockSuite(group, 0, 2, { ...options, verdicts: new Verdicts() }).quorumCertifier.verify(STATEMENT, certificate),
    ).toBe(false);
  });

  test("needs a quorum of shares", () => {
    const isMade = (): boolean => suite.verify(STATEMENT, suite.combine(STATEMENT, sharesOf(2)));
    if (options.certificates === "one") expect(isMade).toThrow(RangeError);
    else expect(isMade()).toBe(false);
  });

  test("names its signers when it is a list", () => {
    const signers = suite.signers?.(certificate);
    expect(signers === undefined ? undefined : [...signers]).toEqual(
      options.certificates === "one" ? undefined : [0, 1, 2],
    );
  });
});
