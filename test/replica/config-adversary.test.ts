/** The adversary of a public file: one JSON form, one encoding for the cluster's name, and words for people. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import { PartySet } from "../../src/core/party-set.js";
import type { Structure } from "../../src/core/structure.js";
import {
  type Adversary,
  adversaryCodec,
  adversaryField,
  adversaryJson,
  describeAdversary,
  thresholdsOf,
} from "../../src/replica/config-adversary.js";

const parties = fc.uniqueArray(fc.nat(20), { maxLength: 6 });
const structure: fc.Arbitrary<Structure> = fc.oneof(
  fc.record({ kind: fc.constant("threshold" as const), max: fc.nat(256) }),
  fc.record({ kind: fc.constant("weights" as const), weights: fc.array(fc.nat(1_000_000)), max: fc.nat(256_000_000) }),
  fc.record({
    kind: fc.constant("attributes" as const),
    attributes: fc.array(fc.array(fc.string({ unit: "grapheme", maxLength: 8 })), { maxLength: 6 }),
  }),
  fc.record({ kind: fc.constant("sets" as const), sets: fc.array(parties.map((set) => PartySet.of(set))) }),
);
const adversary: fc.Arbitrary<Adversary> = fc.record({ byzantine: structure, crash: structure });

const options = { seed: 20, numRuns: 200 };
const read = (json: unknown): Adversary | undefined => adversaryField.safeParse(json).data;
const text = (value: Adversary): string => JSON.stringify(adversaryJson(value));

describe("an adversary", () => {
  test("is read back from its JSON as it was", () => {
    fc.assert(
      fc.property(adversary, (value) => {
        const again = read(JSON.parse(text(value)));
        expect(again && text(again)).toBe(text(value));
      }),
      options,
    );
  });

  test("has one encoding, and no other adversary has it", () => {
    fc.assert(
      fc.property(adversary, adversary, (one, other) => {
        const bytes = encode(adversaryCodec, one);
        const decoded = decode(adversaryCodec, bytes);
        expect(decoded.ok && text(decoded.value)).toBe(text(one));
        const isSame = Buffer.from(bytes).equals(Buffer.from(encode(adversaryCodec, other)));
        expect(isSame).toBe(text(one) === text(other));
      }),
      options,
    );
  });

  test.each<[string, unknown]>([
    ["no structure", {}],
    ["two in one", { threshold: 1, sets: [] }],
    ["a party twice in a set", { sets: [[1, 1]] }],
    ["a party that cannot be", { sets: [[256]] }],
    ["a broken number", { threshold: 0.5 }],
    ["weights without the greatest sum", { weights: [1] }],
    ["a negative weight", { weights: [-1], max: 0 }],
    ["seven attributes", { attributes: Array.from({ length: 7 }, () => ["x"]) }],
    ["half a character", { attributes: [["\ud83d"]] }],
    ["names", { sets: [["a"]] }],
  ])("is not read from %s", (_name, json) => {
    const nobody = { threshold: 0 };
    expect(read({ byzantine: nobody, crash: nobody })).toBeDefined();
    expect(read({ byzantine: json, crash: nobody })).toBeUndefined();
    expect(read({ byzantine: nobody, crash: json })).toBeUndefined();
  });

  const of = (byzantine: object, crash: object = { threshold: 0 }): Adversary => {
    const value = read({ byzantine, crash });
    if (value === undefined) throw new Error("not well-formed");
    return value;
  };

  test("is thresholds if both parts are", () => {
    expect(thresholdsOf(of({ threshold: 2 }, { threshold: 1 }))).toEqual({ byzantine: 2, crash: 1 });
    expect(thresholdsOf(of({ threshold: 2 }, { sets: [] }))).toBeUndefined();
    expect(thresholdsOf(of({ weights: [1, 1], max: 1 }))).toBeUndefined();
  });

  test.each<[Adversary, string]>([
    [of({ threshold: 1 }), "of which 1 may be corrupted"],
    [of({ threshold: 1 }, { threshold: 2 }), "of which 1 may be corrupted, and 2 more may crash"],
    [of({ threshold: 0 }, { threshold: 2 }), "of which 2 may crash"],
    [of({ threshold: 1 }, { sets: [[]] }), "of which 1 may be corrupted"],
    [of({ weights: [3, 3], max: 2 }, { sets: [[0]] }), "of which any one of 1 sets may crash"],
    [of({ weights: [2, 1, 1, 1], max: 1 }), "of which those that weigh 1 of 5 together may be corrupted"],
    [
      of({
        attributes: [
          ["x", "y"],
          ["l", "l"],
        ],
      }),
      "of which all with one value of each of 2 attributes (of 2 and 1 values) may be corrupted",
    ],
    [
      of({ threshold: 1 }, { sets: [[1], [2]] }),
      "of which 1 may be corrupted, and besides any one of 2 sets may crash",
    ],
  ])("%# is told in words", (value, words) => {
    expect(describeAdversary(value)).toBe(words);
  });
});
