/** Random numbers from the operating system. */
import { randomBytes } from "node:crypto";
import { bitLength, bytesToBigint } from "./bigints.js";

/** Uniform in 0..bound-1. @throws RangeError unless `bound` is positive. */
export function randomBelow(bound: bigint): bigint {
  if (bound <= 0n) throw new RangeError("no number is below 1");
  const bits = bitLength(bound - 1n);
  const sizeBytes = Math.ceil(bits / 8);
  // Rejection: reducing modulo `bound` would favour small numbers. Fewer than two rounds on average.
  for (;;) {
    const candidate = bytesToBigint(randomBytes(sizeBytes)) >> BigInt(8 * sizeBytes - bits);
    if (candidate < bound) return candidate;
  }
}
