import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../src/core/bytes.js";
import {
  EMPTY_FRONTIER,
  type Frontier,
  append,
  consistencyProof,
  inclusionProof,
  isConsistent,
  isIncluded,
  leafHash,
  newBundles,
  newTiles,
  nodeHash,
  nodesFrom,
  rootOf,
  subtreeCount,
  tileHashes,
  tileOf,
  tilePath,
} from "../../src/tlog/index.js";

fc.configureGlobal({ seed: 7, numRuns: 60 });

const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
const entry = (index: number): Uint8Array => utf8(`entry ${index}`);

/** RFC 6962, section 2.1, word for word. */
function reference(entries: readonly Uint8Array[]): Uint8Array {
  const [first] = entries;
  if (first === undefined) return hash(new Uint8Array());
  if (entries.length === 1) return leafHash(hash, first);
  const split = 2 ** Math.ceil(Math.log2(entries.length) - 1);
  return nodeHash(hash, reference(entries.slice(0, split)), reference(entries.slice(split)));
}

/** The log of all tests, at each size. */
const GROWN: Frontier[] = [EMPTY_FRONTIER];
function rootAt(size: number): Uint8Array {
  for (let next = GROWN.length; next <= size; next++)
    GROWN.push(append(hash, GROWN[next - 1] ?? EMPTY_FRONTIER, leafHash(hash, entry(next - 1))));
  return rootOf(hash, GROWN[size] ?? EMPTY_FRONTIER);
}

/** A log of files: all tiles that were ever written. */
class Files {
  readonly tiles = new Map<string, Uint8Array>();
  readonly #levels: Uint8Array[][] = [];
  size = 0;

  grow(size: number): void {
    const old = this.size;
    for (; this.size < size; this.size++) this.#put(0, leafHash(hash, entry(this.size)));
    for (const tile of newTiles(old, size)) {
      const hashes = (this.#levels[8 * tile.level] ?? []).slice(tile.index * 256, tile.index * 256 + tile.width);
      this.tiles.set(tilePath(tile), concat(...hashes));
    }
  }

  #put(level: number, node: Uint8Array): void {
    const nodes = (this.#levels[level] ??= []);
    nodes.push(node);
    const [left, right] = nodes.slice(-2);
    if (nodes.length % 2 === 0 && left !== undefined && right !== undefined)
      this.#put(level + 1, nodeHash(hash, left, right));
  }

  nodes = (level: number, index: number): Uint8Array =>
    nodesFrom(hash, this.size, (tile) => {
      const bytes = this.tiles.get(tilePath(tile));
      if (bytes === undefined) throw new Error(`${tilePath(tile)} is missing`);
      return tileHashes(tile, bytes);
    })(level, index);
}

describe("the tree", () => {
  // The vectors of the reference implementation of Certificate Transparency.
  const ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
  const ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
  ];

  it("has the roots of Certificate Transparency's vectors", () => {
    expect(toHex(rootOf(hash, EMPTY_FRONTIER))).toBe(toHex(hash(new Uint8Array())));
    let frontier = EMPTY_FRONTIER;
    for (const [index, hex] of ENTRIES.entries()) {
      frontier = append(hash, frontier, leafHash(hash, fromHex(hex) ?? new Uint8Array()));
      expect(toHex(rootOf(hash, frontier))).toBe(ROOTS[index]);
    }
  });

  it("grows to what RFC 6962 defines", () => {
    const entries: Uint8Array[] = [];
    let frontier = EMPTY_FRONTIER;
    for (let size = 1; size <= 70; size++) {
      entries.push(entry(size - 1));
      frontier = append(hash, frontier, leafHash(hash, entry(size - 1)));
      expect(frontier.subtrees).toHaveLength(subtreeCount(size));
      expect(toHex(rootOf(hash, frontier))).toBe(toHex(reference(entries)));
    }
  });
});

describe("proofs", () => {
  const files = new Files();
  files.grow(700);
  const places = fc
    .tuple(fc.nat(699), fc.nat(699))
    .map(([a, b]) => ({ index: Math.min(a, b), size: Math.max(a, b) + 1 }));

  it("of inclusion hold for each entry of each tree, and for nothing else", () => {
    fc.assert(
      fc.property(places, fc.nat(), ({ index, size }, noise) => {
        const proof = inclusionProof(hash, files.nodes, index, size);
        const claim = { leaf: leafHash(hash, entry(index)), index, size, root: rootAt(size), proof };
        expect(isIncluded(hash, claim)).toBe(true);
        expect(isIncluded(hash, { ...claim, index: index + 1 })).toBe(false);
        expect(isIncluded(hash, { ...claim, leaf: leafHash(hash, entry(index + 1)) })).toBe(false);
        expect(isIncluded(hash, { ...claim, root: rootAt(size + 1) })).toBe(false);
        expect(isIncluded(hash, { ...claim, proof: [...proof, new Uint8Array(32)] })).toBe(false);
        expect(isIncluded(hash, { ...claim, proof: [...proof, new Uint8Array(31)] })).toBe(false);
        if (proof.length === 0) return;
        expect(isIncluded(hash, { ...claim, proof: proof.slice(1) })).toBe(false);
        const at = noise % proof.length;
        const bent = proof.map((bytes, place) => (place === at ? bytes.map((byte) => byte ^ 1) : bytes));
        expect(isIncluded(hash, { ...claim, proof: bent })).toBe(false);
      }),
    );
  });

  it("of consistency hold for each beginning, and for nothing else", () => {
    fc.assert(
      fc.property(places, fc.nat(), ({ index, size }, noise) => {
        const oldSize = index + 1;
        const proof = consistencyProof(hash, files.nodes, oldSize, size);
        const claim = { oldSize, oldRoot: rootAt(oldSize), size, root: rootAt(size), proof };
        expect(isConsistent(hash, claim)).toBe(true);
        const other = hash(rootAt(oldSize));
        expect(isConsistent(hash, { ...claim, oldRoot: other })).toBe(false);
        expect(isConsistent(hash, { ...claim, root: other })).toBe(false);
        expect(isConsistent(hash, { ...claim, oldSize: size + 1 })).toBe(false);
        expect(isConsistent(hash, { ...claim, proof: [...proof, other] })).toBe(false);
        if (proof.length === 0) return;
        expect(isConsistent(hash, { ...claim, proof: proof.slice(0, -1) })).toBe(false);
        const at = noise % proof.length;
        const bent = proof.map((bytes, place) => (place === at ? bytes.map((byte) => byte ^ 1) : bytes));
        expect(isConsistent(hash, { ...claim, proof: bent })).toBe(false);
      }),
    );
  });

  it("are total: any hashes, any numbers", () => {
    const number = fc.oneof(fc.nat(20), fc.integer(), fc.double(), fc.maxSafeInteger());
    const bytes = fc.uint8Array({ minLength: 31, maxLength: 32 });
    const hashes = fc.array(bytes, { maxLength: 70 });
    fc.assert(
      fc.property(number, number, hashes, bytes, bytes, (a, b, proof, some, other) => {
        expect(isIncluded(hash, { leaf: some, index: a, size: b, root: other, proof })).toBe(false);
        if (a === b || a === 0) return;
        expect(isConsistent(hash, { oldSize: a, size: b, oldRoot: some, root: other, proof })).toBe(false);
      }),
    );
    const root = rootAt(5);
    expect(isConsistent(hash, { oldSize: 0, oldRoot: rootAt(0), size: 5, root, proof: [] })).toBe(true);
    expect(isConsistent(hash, { oldSize: 0, oldRoot: root, size: 5, root, proof: [] })).toBe(false);
    expect(isConsistent(hash, { oldSize: 5, oldRoot: root, size: 5, root, proof: [root] })).toBe(false);
    expect(() => inclusionProof(hash, files.nodes, 5, 5)).toThrow(RangeError);
    expect(() => consistencyProof(hash, files.nodes, 0, 5)).toThrow(RangeError);
  });
});

describe("tiles", () => {
  it("that are written as a log grows give the nodes of its tree at each size", () => {
    for (const steps of [[1, 2, 3], [255, 256, 257, 511, 700], [700], [65_536 + 300]]) {
      const files = new Files();
      for (const size of steps) {
        files.grow(size);
        for (const index of [0, Math.floor(size / 2), size - 1]) {
          const proof = inclusionProof(hash, files.nodes, index, size);
          expect(isIncluded(hash, { leaf: leafHash(hash, entry(index)), index, size, root: rootAt(size), proof })).toBe(
            true,
          );
        }
      }
    }
  });

  it("are named as in the standard", () => {
    expect(tilePath({ level: 0, index: 1_234_067, width: 256 })).toBe("tile/0/x001/x234/067");
    expect(tilePath({ level: 2, index: 7, width: 9 })).toBe("tile/2/007.p/9");
    expect(newTiles(0, 70_000).filter(({ level }) => level === 2)).toEqual([{ level: 2, index: 0, width: 1 }]);
    expect(newTiles(256, 256)).toEqual([]);
    expect(newTiles(255, 257)).toEqual([
      { level: 0, index: 0, width: 256 },
      { level: 0, index: 1, width: 1 },
      { level: 1, index: 0, width: 1 },
    ]);
    expect(newBundles(300, 300)).toEqual([]);
    expect(newBundles(300, 513)).toEqual([
      { index: 1, width: 256 },
      { index: 2, width: 1 },
    ]);
    expect(() => tileOf(0, 5, 5)).toThrow(RangeError);
    expect(() => tileOf(1, 2, 5)).toThrow(RangeError);
    expect(() => tileHashes({ width: 2 }, new Uint8Array(32))).toThrow(RangeError);
  });
});
