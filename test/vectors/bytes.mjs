/** Small tools of the generators. */
import { deepStrictEqual } from "node:assert";

export const EMPTY = new Uint8Array();

export { deepStrictEqual as same };

/** A copy with one bit inverted; bit 0 is the lowest of the first byte. */
export function flipped(bytes, bit) {
  const copy = Uint8Array.from(bytes);
  copy[bit >>> 3] ^= 1 << (bit & 7);
  return copy;
}

/** `bytes` with those from `start` on replaced. */
export function replaced(bytes, start, by) {
  const copy = Uint8Array.from(bytes);
  copy.set(by, start);
  return copy;
}

/** A key in which `change` must be noticed: `problem` is what was found. */
export function refusedKey(why, key, change, problem) {
  if (problem === undefined) throw new Error(`accepted: ${why}`);
  return { why, key, change, verdict: "invalid" };
}

/** Adds the verdict that `judge` gives, which must not be "valid". */
export function refused(why, fields, verdict) {
  if (verdict.kind === "valid") throw new Error(`accepted: ${why}`);
  return { why, ...fields, verdict: verdict.kind };
}
