import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { VerificationMemo } from "../../src/crypto/memo.js";

const [statement, proof] = [utf8("statement"), utf8("proof")];

function counting(result: boolean): { verify: () => boolean; calls: () => number } {
  let calls = 0;
  return { verify: () => (calls++, result), calls: () => calls };
}

describe("memo", () => {
  test("verifies once", () => {
    const memo = new VerificationMemo(8);
    const { verify, calls } = counting(true);
    for (let i = 0; i < 3; i++) expect(memo.check("abcast/1 test", 1, statement, proof, verify)).toBe(true);
    expect(calls()).toBe(1);
  });

  test("does not remember failures", () => {
    const memo = new VerificationMemo(8);
    const { verify, calls } = counting(false);
    for (let i = 0; i < 3; i++) expect(memo.check("abcast/1 test", 1, statement, proof, verify)).toBe(false);
    expect(calls()).toBe(3);
    expect(memo.size).toBe(0);
  });

  test("takes what this party has made itself as verified, and nothing like it", () => {
    const memo = new VerificationMemo(8);
    memo.note("abcast/1 test", 1, statement, proof);
    const { verify, calls } = counting(false);
    expect(memo.check("abcast/1 test", 1, statement, proof, verify)).toBe(true);
    expect(calls()).toBe(0);
    expect(memo.check("abcast/1 test", 1, statement, utf8("another"), verify)).toBe(false);
    expect(memo.check("abcast/1 test", 2, statement, proof, verify)).toBe(false);
    for (let party = 0; party < 100; party++) memo.note("abcast/1 test", party, statement, proof);
    expect(memo.size).toBeLessThanOrEqual(8);
  });

  test("tells domain, party, statement, proof and their boundaries apart", () => {
    const memo = new VerificationMemo(8);
    memo.check("abcast/1 test", 1, utf8("ab"), utf8("c"), () => true);
    const no = (): boolean => false;
    expect(memo.check("abcast/1 test", 1, utf8("ab"), utf8("c"), no)).toBe(true);
    expect(memo.check("abcast/1 other", 1, utf8("ab"), utf8("c"), no)).toBe(false);
    expect(memo.check("abcast/1 test", 2, utf8("ab"), utf8("c"), no)).toBe(false);
    expect(memo.check("abcast/1 test", 1, utf8("ax"), utf8("c"), no)).toBe(false);
    expect(memo.check("abcast/1 test", 1, utf8("ab"), utf8("x"), no)).toBe(false);
    expect(memo.check("abcast/1 test", 1, utf8("a"), utf8("bc"), no)).toBe(false);
  });

  test("is bounded, and keeps what is asked for", () => {
    const memo = new VerificationMemo(10);
    const hot = counting(true);
    for (let party = 0; party < 100; party++) {
      memo.check("abcast/1 test", party, statement, proof, () => true);
      memo.check("abcast/1 hot", 0, statement, proof, hot.verify);
      expect(memo.size).toBeLessThanOrEqual(10);
    }
    expect(hot.calls()).toBe(1);
    // The first ones are forgotten, which changes no result.
    expect(memo.check("abcast/1 test", 0, statement, proof, () => true)).toBe(true);
    expect(memo.check("abcast/1 test", 1, statement, proof, () => false)).toBe(false);
  });

  test.each([0, 1, 2.5, Number.NaN])("refuses a size of %s", (size) => {
    expect(() => new VerificationMemo(size)).toThrow(RangeError);
  });
});
