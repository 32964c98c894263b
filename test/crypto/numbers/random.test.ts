import { describe, expect, test } from "vitest";
import { randomBelow } from "../../../src/crypto/numbers/random.js";

describe("randomBelow", () => {
  test("reaches all numbers below its bound and no other", () => {
    for (const bound of [2n, 4n, 5n, 9n]) {
      const seen = new Set(Array.from({ length: 1000 }, () => randomBelow(bound)));
      expect(seen).toEqual(new Set(Array.from({ length: Number(bound) }, (_, i) => BigInt(i))));
    }
    expect(randomBelow(1n)).toBe(0n);
  });

  test("favours none: reducing a byte modulo 171 would give the lower half twice as often", () => {
    const low = Array.from({ length: 4000 }, () => randomBelow(171n)).filter((number) => number < 85n).length;
    // 1988 expected, 2656 with the bias; eight standard deviations.
    expect(Math.abs(low - 1988)).toBeLessThan(253);
  });

  test("fills large numbers up to their top bits", () => {
    const bound = (1n << 252n) + 12_345n;
    const numbers = Array.from({ length: 200 }, () => randomBelow(bound));
    expect(numbers.every((number) => number < bound)).toBe(true);
    expect(numbers.some((number) => number >> 251n === 1n)).toBe(true);
    expect(new Set(numbers).size).toBe(numbers.length);
  });

  test.each([0n, -1n])("there is none below %s", (bound) => expect(() => randomBelow(bound)).toThrow(RangeError));
});
