/** The parts of coded reliable broadcast: erasure code, hash tree, and how many fragments are needed. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../src/core/bytes.js";
import { weightedFormula } from "../../src/core/formula.js";
import { type Group, GroupError, structureGroup, thresholdGroup } from "../../src/core/group.js";
import { PartySet } from "../../src/core/party-set.js";
import { PRESETS } from "../../src/core/presets.js";
import type { Structure } from "../../src/core/structure.js";
import { fragmentCount } from "../../src/protocols/reliable-broadcast/fragment-count.js";
import { merkleTree, rootOfPath } from "../../src/core/merkle.js";
import {
  MAX_FRAGMENTS,
  decodeFragments,
  encodeFragments,
} from "../../src/protocols/reliable-broadcast/reed-solomon.js";
import { Random } from "../../src/sim/random.js";

/** `size` of the points 0..total-1. */
function choose(random: Random, size: number, total: number): number[] {
  const points = Array.from({ length: total }, (_, point) => point);
  return Array.from({ length: size }, () => points.splice(random.below(points.length), 1)[0] ?? 0);
}

describe("the erasure code", () => {
  test("gives the published parity: Backblaze JavaReedSolomon, ReedSolomonTest.testOneEncode", () => {
    const data = [
      [0, 1],
      [4, 5],
      [2, 3],
      [6, 7],
      [8, 9],
    ].map((bytes) => Uint8Array.from(bytes));
    const parity = [
      [12, 13],
      [10, 11],
      [14, 15],
      [90, 91],
      [94, 95],
    ].map((bytes) => Uint8Array.from(bytes));
    expect(encodeFragments(data, 10)).toEqual([...data, ...parity]);
  });

  test("gives the data from any fragments of the number, up to 256 of them", () => {
    const random = new Random(1);
    for (const [needed, total] of [
      [1, 1],
      [1, 5],
      [2, 4],
      [3, 7],
      [6, 16],
      [16, 16],
      [86, 256],
    ] as const) {
      const data = Array.from({ length: needed }, () => random.bytes(9));
      const fragments = encodeFragments(data, total);
      expect(fragments.slice(0, needed)).toEqual(data);
      for (let trial = 0; trial < 20; trial++) {
        const chosen = choose(random, needed, total);
        const known = new Map(chosen.map((point) => [point, fragments[point] ?? new Uint8Array(0)]));
        expect(decodeFragments(known)).toEqual(data);
      }
    }
  });

  test("takes all sets of fragments of a small code", () => {
    const data = [Uint8Array.of(1, 255), Uint8Array.of(0, 7), Uint8Array.of(9, 128)];
    const fragments = encodeFragments(data, 8);
    for (let mask = 0; mask < 256; mask++) {
      const known = new Map([...fragments.entries()].filter(([point]) => ((mask >> point) & 1) === 1));
      if (known.size === 3) expect(decodeFragments(known)).toEqual(data);
    }
  });

  test("takes fragments of no bytes, and refuses what is no set of fragments", () => {
    const [empty, byte] = [new Uint8Array(0), Uint8Array.of(1)];
    expect(encodeFragments([empty], 3)).toEqual([empty, empty, empty]);
    expect(() => encodeFragments([], 3)).toThrow(RangeError);
    expect(() => encodeFragments([byte, byte], 1)).toThrow(RangeError);
    expect(() => encodeFragments([byte], MAX_FRAGMENTS + 1)).toThrow(RangeError);
    expect(() => encodeFragments([byte, empty], 3)).toThrow(RangeError);
    expect(() => decodeFragments(new Map())).toThrow(RangeError);
    for (const point of [-1, 1.5, MAX_FRAGMENTS]) {
      expect(() => decodeFragments(new Map([[point, byte]]))).toThrow(RangeError);
    }
  });
});

const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

/** merkle_tree_test.cc of google/certificate-transparency. */
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"].map(
  (leaf) => fromHex(leaf) ?? new Uint8Array(0),
);
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

describe("the hash tree", () => {
  test("has the published roots and path of RFC 9162's reference implementation", () => {
    for (const [index, root] of ROOTS.entries()) {
      const tree = merkleTree(sha256, LEAVES.slice(0, index + 1));
      expect(toHex(tree.root)).toBe(root);
    }
    expect(merkleTree(sha256, LEAVES).paths[5]?.map(toHex)).toEqual([
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ]);
    expect(() => merkleTree(sha256, [])).toThrow(RangeError);
  });

  test("leads from each leaf to the root, and from anything else elsewhere", () => {
    for (let count = 1; count <= 20; count++) {
      const leaves = Array.from({ length: count }, (_, index) => Uint8Array.of(index));
      const { root, paths } = merkleTree(sha256, leaves);
      const rootFrom = (leaf: Uint8Array, index: number, path: readonly Uint8Array[]): string | undefined => {
        const found = rootOfPath(sha256, leaf, index, count, path);
        return found && toHex(found);
      };
      for (const [index, leaf] of leaves.entries()) {
        const path = paths[index] ?? [];
        expect(rootFrom(leaf, index, path)).toBe(toHex(root));
        expect(rootFrom(Uint8Array.of(index + 1), index, path)).not.toBe(toHex(root));
        if (count > 1) expect(rootFrom(leaf, (index + 1) % count, path)).not.toBe(toHex(root));
        for (const at of path.keys()) {
          const altered = path.with(at, sha256(path[at] ?? leaf));
          expect(rootFrom(leaf, index, altered)).not.toBe(toHex(root));
        }
        expect(rootFrom(leaf, index, path.slice(1))).toBe(path.length === 0 ? toHex(root) : undefined);
        expect(rootFrom(leaf, index, [...path, root])).toBeUndefined();
      }
    }
  });

  test("tells inner nodes from leaves", () => {
    const [a, b] = [Uint8Array.of(1), Uint8Array.of(2)];
    const { root } = merkleTree(sha256, [a, b]);
    const inner = Uint8Array.from([...sha256(Uint8Array.of(0, 1)), ...sha256(Uint8Array.of(0, 2))]);
    expect(merkleTree(sha256, [inner]).root).not.toEqual(root);
  });
});

/** min |S ∩ Q| by trying all sets. */
function fewestCommon(group: Group): number {
  const sets = Array.from({ length: 2 ** group.n }, (_, mask) =>
    PartySet.of(group.parties.filter((party) => ((mask >> party) & 1) === 1)),
  );
  const minimal = (holds: (set: PartySet) => boolean): PartySet[] =>
    sets.filter((set) => holds(set) && ![...set].some((party) => holds(set.difference(PartySet.of([party])))));
  const quorums = minimal((set) => group.isQuorum(set));
  const broadcastQuorums = minimal((set) => group.isBroadcastQuorum(set));
  return Math.min(...broadcastQuorums.flatMap((one) => quorums.map((other) => one.intersection(other).size)));
}

const N = 6;
const partySets = fc.uniqueArray(fc.nat(N - 1), { maxLength: 4 }).map((parties) => PartySet.of(parties));
const structures: fc.Arbitrary<Structure> = fc.oneof(
  fc.record({ kind: fc.constant("threshold" as const), max: fc.nat(1) }),
  fc.record({ kind: fc.constant("sets" as const), sets: fc.array(partySets, { maxLength: 4 }) }),
  fc.record({
    kind: fc.constant("weights" as const),
    weights: fc.array(fc.nat(4), { minLength: N, maxLength: N }),
    max: fc.nat(4),
  }),
  fc.record({
    kind: fc.constant("attributes" as const),
    attributes: fc.array(fc.array(fc.constantFrom("a", "b", "c", "d", "e"), { minLength: N, maxLength: N }), {
      minLength: 1,
      maxLength: 2,
    }),
  }),
);

describe("the number of fragments", () => {
  test("is ⌈(n+b+1)/2⌉ - b - c for thresholds", () => {
    for (let byzantine = 0; byzantine <= 20; byzantine++) {
      for (let crash = 0; crash <= 5; crash++) {
        for (let n = 3 * byzantine + 2 * crash + 1; n <= 80; n += 7) {
          const expected = Math.ceil((n + byzantine + 1) / 2) - byzantine - crash;
          expect(fragmentCount(thresholdGroup({ n, byzantine, crash }))).toBe(expected);
        }
      }
    }
  });

  test("of each preset is the exact one", () => {
    const counts = PRESETS.map((preset) => [preset.name, fragmentCount(structureGroup(preset))]);
    expect(Object.fromEntries(counts)).toEqual({ "4x4": 4, "hybrid-8": 2, weighted: 2, "crash-3": 1, "paley-19": 4 });
  });

  test("is never more than what any broadcast quorum and any quorum share, and is that for sets and attributes", () => {
    let found = 0;
    fc.assert(
      fc.property(structures, structures, (byzantine, crash) => {
        let group: Group;
        try {
          group = structureGroup({ n: N, byzantine, crash });
        } catch (error) {
          fc.pre(!(error instanceof GroupError));
          throw error;
        }
        found++;
        const [count, exact] = [fragmentCount(group), fewestCommon(group)];
        expect(count).toBeGreaterThanOrEqual(1);
        expect(count).toBeLessThanOrEqual(exact);
        if (byzantine.kind !== "weights" && crash.kind !== "weights") expect(count).toBe(exact);
      }),
      { seed: 1, numRuns: 150 },
    );
    expect(found).toBe(150);
  });

  test("is found for many attributes, and is 1 for formulas of too many terms to look at", () => {
    const values = (count: number): string[] => Array.from({ length: 64 }, (_, party) => String(party % count));
    const byzantine: Structure = { kind: "attributes", attributes: [values(16), values(32)] };
    expect(fragmentCount(structureGroup({ n: 64, byzantine }))).toBe(64 - 2 * (4 + 2));

    const group = thresholdGroup({ n: 40, byzantine: 13 });
    const weights = group.parties.map((party) => 1 + (party % 3));
    const quorum = weightedFormula(50, weights);
    const broadcastQuorum = weightedFormula(50, weights.toReversed());
    expect(fragmentCount({ ...group, access: { ...group.access, quorum, broadcastQuorum } })).toBe(1);
  });
});
