import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import {
  EMPTY_FRONTIER,
  type Frontier,
  TreeWindow,
  append,
  isIncluded,
  leafHash,
  proveRange,
  rangeProof,
  rootOf,
} from "../../src/tlog/index.js";

fc.configureGlobal({ seed: 9 });

const SIZE = 300;
const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const LEAVES = Array.from({ length: SIZE }, (_, index) => leafHash(hash, utf8(`entry ${index}`)));
const GROWN: Frontier[] = [EMPTY_FRONTIER];
for (const [index, leaf] of LEAVES.entries()) GROWN.push(append(hash, GROWN[index] ?? EMPTY_FRONTIER, leaf));
const frontierAt = (size: number): Frontier => GROWN[size] ?? EMPTY_FRONTIER;
const rootAt = (size: number): Uint8Array => rootOf(hash, frontierAt(size));

/** 0 ≤ start ≤ first < end ≤ size ≤ SIZE. */
const places = fc
  .uniqueArray(fc.nat(SIZE), { minLength: 4, maxLength: 4 })
  .map((numbers) => numbers.sort((a, b) => a - b))
  .map(([start = 0, first = 0, end = 0, size = 0]) => ({ start, first, count: end - first, size }));

describe("the window", () => {
  it("knows the roots of the tree from its start on, wherever that is", () => {
    fc.assert(
      fc.property(places, ({ start, first, size }) => {
        const window = new TreeWindow(hash, frontierAt(start), LEAVES.slice(start, size));
        expect(window.size).toBe(size);
        expect(window.leaves.map(toHex)).toEqual(LEAVES.slice(start, size).map(toHex));
        for (const at of [start, first, size]) expect(toHex(window.rootAt(at))).toBe(toHex(rootAt(at)));
      }),
    );
  });

  it("that was trimmed is as one that began there", () => {
    fc.assert(
      fc.property(places, fc.nat(3), ({ start, first, size }, more) => {
        const window = new TreeWindow(hash, frontierAt(start), LEAVES.slice(start, size));
        window.trim(first);
        for (let next = size; next < Math.min(size + more, SIZE); next++) window.push(LEAVES[next] ?? new Uint8Array());
        expect(window.start).toEqual(frontierAt(first));
        expect(toHex(window.rootAt(window.size))).toBe(toHex(rootAt(window.size)));
        expect(window.leaves).toHaveLength(window.size - first);
      }),
    );
    expect(() => new TreeWindow(hash, frontierAt(5)).trim(4)).toThrow(RangeError);
    expect(() => new TreeWindow(hash, frontierAt(5)).trim(6)).toThrow(RangeError);
    expect(() => new TreeWindow(hash, frontierAt(5)).nodeAt(0, 2)).toThrow(RangeError);
  });
});

describe("a proof of neighbouring entries", () => {
  const proofOf = (start: number, range: { first: number; count: number; size: number }): Uint8Array[] =>
    rangeProof(hash, new TreeWindow(hash, frontierAt(start), LEAVES.slice(start)).nodeAt, range);

  it("leads from them to the root of any later tree, and to the proof of each", () => {
    fc.assert(
      fc.property(places, ({ start, first, count, size }) => {
        const proof = proofOf(start, { first, count, size });
        const leaves = LEAVES.slice(first, first + count);
        const proven = proveRange(hash, { first, size }, leaves, proof);
        const root = rootAt(size);
        expect(toHex(proven?.root ?? new Uint8Array())).toBe(toHex(root));
        for (const [index, leaf] of leaves.entries()) {
          const inclusion = proven?.inclusions[index] ?? [];
          expect(isIncluded(hash, { leaf, index: first + index, size, root, proof: inclusion })).toBe(true);
        }
      }),
    );
  });

  it("leads elsewhere from others, or nowhere", () => {
    fc.assert(
      fc.property(places, fc.nat(), ({ start, first, count, size }, noise) => {
        const proof = proofOf(start, { first, count, size });
        const leaves = LEAVES.slice(first, first + count);
        const root = toHex(rootAt(size));
        const bend = (hashes: readonly Uint8Array[]): Uint8Array[] =>
          hashes.map((bytes, at) => (at === noise % hashes.length ? bytes.map((byte) => byte ^ 1) : bytes));
        const leadsTo = (from: number, of: readonly Uint8Array[], by: readonly Uint8Array[]): string =>
          toHex(proveRange(hash, { first: from, size }, of, by)?.root ?? new Uint8Array());
        expect(leadsTo(first, bend(leaves), proof)).not.toBe(root);
        expect(leadsTo(first, leaves, [...proof, rootAt(size)])).toBe("");
        expect(leadsTo(first + 1, leaves, proof)).not.toBe(root);
        expect(leadsTo(first, leaves.slice(1), proof)).not.toBe(root);
        if (proof.length === 0) return;
        expect(leadsTo(first, leaves, bend(proof))).not.toBe(root);
        expect(leadsTo(first, leaves, proof.slice(1))).toBe("");
      }),
    );
  });

  it("is judged whatever it is", () => {
    const number = fc.oneof(fc.nat(20), fc.integer(), fc.double(), fc.maxSafeInteger());
    const hashes = fc.array(fc.uint8Array({ minLength: 31, maxLength: 32 }), { maxLength: 200 });
    fc.assert(
      fc.property(number, number, hashes, hashes, (first, size, leaves, proof) => {
        const proven = proveRange(hash, { first, size }, leaves, proof);
        if (proven !== undefined) expect(first + leaves.length).toBeLessThanOrEqual(size);
      }),
    );
    expect(() => proofOf(0, { first: 3, count: 0, size: 5 })).toThrow(RangeError);
    expect(() => proofOf(0, { first: 3, count: 3, size: 5 })).toThrow(RangeError);
  });
});
