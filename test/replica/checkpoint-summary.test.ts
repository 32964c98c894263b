import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { lazyMerkleTree, merkleTree } from "../../src/core/merkle.js";
import {
  chunkTree,
  decodeSummary,
  encodeSummary,
  proveChunk,
  summarize,
  summaryDigest,
  verifyChunk,
} from "../../src/replica/checkpoint-summary.js";

fc.configureGlobal({ seed: 53 });

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const chunksOf = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => utf8(`chunk ${index}`));
const tip = { round: 7, sequence: 9, logDigest: new Uint8Array(32).fill(1), timeMs: 1234 };
const summaryOf = (chunks: readonly Uint8Array[]) => summarize(tip, chunkTree(chunks.map(sha256), sha256));

describe("a tree that looks its paths up", () => {
  it("is the one of RFC 9162 for any number of leaves", () => {
    for (let count = 1; count <= 70; count++) {
      const leaves = chunksOf(count);
      const [lazy, whole] = [lazyMerkleTree(sha256, leaves), merkleTree(sha256, leaves)];
      expect(toHex(lazy.root)).toBe(toHex(whole.root));
      expect(lazy.count).toBe(count);
      for (const index of leaves.keys()) expect(lazy.path(index).map(toHex)).toEqual(whole.paths[index]?.map(toHex));
    }
  });

  it("has no path of a leaf that there is not", () => {
    expect(() => lazyMerkleTree(sha256, [])).toThrow(RangeError);
    for (const index of [-1, 3, 0.5, Number.NaN])
      expect(() => lazyMerkleTree(sha256, chunksOf(3)).path(index)).toThrow(RangeError);
  });
});

describe("a checkpoint's summary", () => {
  // Written down once from the definition: another value means that certificates of two versions differ.
  it("is what its definition says", () => {
    const chunks = chunksOf(2);
    const [a, b] = chunks.map((chunk) => sha256(concat(Uint8Array.of(0), sha256(chunk))));
    const root = sha256(concat(Uint8Array.of(1), a ?? new Uint8Array(), b ?? new Uint8Array()));
    const number = (value: number, digits: number): Uint8Array =>
      Buffer.from(value.toString(16).padStart(digits, "0"), "hex");
    const bytes = concat(number(7, 16), number(9, 16), tip.logDigest, number(1234, 16), number(2, 8), root);
    expect(toHex(encodeSummary(summaryOf(chunks)))).toBe(toHex(bytes));
    expect(toHex(summaryDigest(bytes, sha256))).toBe(toHex(sha256(concat(utf8("abcast/2 checkpoint\n"), bytes))));
  });

  it("is canonical and total", () => {
    const encoded = encodeSummary(summaryOf(chunksOf(3)));
    expect(decodeSummary(encoded)).toEqual({ ok: true, value: summaryOf(chunksOf(3)) });
    for (let length = 0; length < encoded.length; length++)
      expect(decodeSummary(encoded.subarray(0, length)).ok).toBe(false);
    fc.assert(
      fc.property(fc.nat(encoded.length - 1), fc.nat(255), (at, byte) => {
        const changed = encoded.slice();
        changed[at] = byte;
        const decoded = decodeSummary(changed);
        if (decoded.ok) expect(encodeSummary(decoded.value)).toEqual(changed);
      }),
    );
  });

  it("has chunks", () => {
    const summary = { ...summaryOf(chunksOf(1)), chunkCount: 0 };
    expect(() => encodeSummary(summary)).toThrow("without chunks");
    expect(() => chunkTree([], sha256)).toThrow(RangeError);
  });

  it("has no time when there is none", () => {
    const tree = chunkTree(chunksOf(1).map(sha256), sha256);
    expect(summarize({ ...tip, timeMs: undefined }, tree).timeMs).toBe(0);
  });

  it("opens at each place to its chunk alone", () => {
    for (const count of [1, 2, 3, 7, 8, 9]) {
      const chunks = chunksOf(count);
      const summary = summaryOf(chunks);
      for (const [index, chunk] of chunks.entries()) {
        const path = proveChunk(chunks.map(sha256), index, sha256);
        expect(verifyChunk(summary, index, chunk, path, sha256)).toBe(true);
        expect(verifyChunk(summary, index, utf8("another"), path, sha256)).toBe(false);
        for (const other of [-1, 0.5, count, 2 ** 32, ...chunks.keys()])
          if (other !== index) expect(verifyChunk(summary, other, chunk, path, sha256)).toBe(false);
        expect(verifyChunk(summary, index, chunk, [...path, new Uint8Array(32)], sha256)).toBe(false);
        if (path.length > 0) expect(verifyChunk(summary, index, chunk, path.slice(1), sha256)).toBe(false);
      }
    }
  });

  it("opens to nothing when a path's hashes are cut at other places", () => {
    const chunks = chunksOf(4);
    const [first = new Uint8Array(), second = new Uint8Array()] = proveChunk(chunks.map(sha256), 2, sha256);
    const path = [concat(first, second.subarray(0, 1)), second.subarray(1)];
    expect(verifyChunk(summaryOf(chunks), 2, chunks[2] ?? first, path, () => summaryOf(chunks).root)).toBe(false);
  });
});
