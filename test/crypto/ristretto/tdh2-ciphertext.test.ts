/** Ciphertexts of TDH2: what is accepted, and that no bit of what is accepted can be changed. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import { thresholdFormula } from "../../../src/core/formula.js";
import { KeyError } from "../../../src/crypto/errors.js";
import { type Ristretto, loadRistretto } from "../../../src/crypto/ristretto/group.js";
import { ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import { createTdh2Scheme } from "../../../src/crypto/ristretto/tdh2.js";
import {
  MAX_PLAINTEXT_BYTES,
  ciphertextSizeBytes,
  createCiphertexts,
  cutCiphertext,
} from "../../../src/crypto/ristretto/tdh2-ciphertext.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { flipBit } from "../fixtures.js";
import * as oracle from "./tdh2-oracle.js";

const ristretto = await loadRistretto();
const { publicKey } = dealKey(ristrettoKeys(ristretto), thresholdFormula(2, 3));
const other = dealKey(ristrettoKeys(ristretto), thresholdFormula(2, 3)).publicKey;
const scheme = createTdh2Scheme({ ristretto, publicKey });
const h = publicKey.publicKey;

const label = utf8("label");
const ciphertext = scheme.encrypt({ label, plaintext: utf8("sealed bid: 17") });
const fields = oracle.splitFields(ciphertext);
const { r, s } = { r: 11n ** 70n, s: 13n ** 65n };

const isValid = (bytes: Uint8Array, about = label): boolean => scheme.checkCiphertext(about, bytes).kind === "valid";
const reasonOf = (bytes: Uint8Array): string => {
  const verdict = scheme.checkCiphertext(label, bytes);
  return verdict.kind === "invalid" ? verdict.reason : verdict.kind;
};
/** A ciphertext whose proof holds, under this key and label unless others are chosen. */
const forge = (choice: Partial<oracle.Forgery>): oracle.Fields => oracle.makeFields({ h, label, r, s, ...choice });

describe("a ciphertext", () => {
  test("passes its check, has the size that is said, and differs each time in every part", () => {
    expect(isValid(ciphertext)).toBe(true);
    expect(ciphertext.length).toBe(ciphertextSizeBytes(14));
    const again = oracle.splitFields(scheme.encrypt({ label, plaintext: utf8("sealed bid: 17") }));
    for (const part of ["u", "uBar", "e", "f", "body"] as const)
      expect(toHex(again[part])).not.toBe(toHex(fields[part]));
  });

  test("leaves nothing of r and s behind in the buffers that it used", () => {
    const used: Uint8Array[] = [];
    const watched: Ristretto = {
      ...ristretto,
      basePower: (scalar) => {
        used.push(scalar);
        return ristretto.basePower(scalar);
      },
    };
    createCiphertexts(watched, h).encrypt({ label, plaintext: new Uint8Array() });
    expect(used).toEqual([new Uint8Array(32), new Uint8Array(32)]);
  });

  test("passes the check of an independent implementation, and the other way round", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.uint8Array({ maxLength: 100 }), (about, plaintext) => {
        const ours = scheme.encrypt({ label: about, plaintext });
        expect(oracle.isProved(h, about, oracle.splitFields(ours))).toBe(true);
        const theirs = oracle.makeFields({ h, label: about, r: r + 1n, s, plaintext });
        expect(isValid(oracle.joinFields(theirs), about)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test("fails when any bit is flipped", () => {
    for (let bit = 0; bit < 8 * ciphertext.length; bit++) expect(isValid(flipBit(ciphertext, bit))).toBe(false);
  });

  test("fails with any part of another ciphertext, also of one with the same plaintext or the same r", () => {
    const mine = forge({ plaintext: utf8("one") });
    const others = [
      fields,
      forge({ plaintext: utf8("two") }),
      forge({ plaintext: utf8("one"), s: s + 1n }),
      forge({ plaintext: utf8("one"), label: utf8("other") }),
    ];
    expect(isValid(oracle.joinFields(mine))).toBe(true);
    for (const theirs of others) {
      for (const part of ["u", "uBar", "e", "f", "body"] as const) {
        if (toHex(theirs[part]) === toHex(mine[part])) continue;
        expect(isValid(oracle.joinFields({ ...mine, [part]: theirs[part] }))).toBe(false);
      }
    }
  });

  test("fails under another label, and when a byte moves between label and ciphertext", () => {
    for (const about of ["", "labe", "label ", "LABEL"]) expect(isValid(ciphertext, utf8(about))).toBe(false);
    const moved = forge({ label: utf8("ab"), body: utf8("cd and enough for a tag") });
    expect(isValid(oracle.joinFields(moved), utf8("ab"))).toBe(true);
    expect(isValid(oracle.joinFields({ ...moved, body: utf8("bcd and enough for a tag") }), utf8("a"))).toBe(false);
    expect(isValid(oracle.joinFields({ ...moved, body: utf8("d and enough for a tag") }), utf8("abc"))).toBe(false);
  });

  test("fails under another key: the proof binds it, though u and ū have nothing of it", () => {
    const elsewhere = createTdh2Scheme({ ristretto, publicKey: other });
    expect(elsewhere.checkCiphertext(label, ciphertext).kind).toBe("invalid");
  });

  test("of someone else cannot be re-randomised, or made without knowing r", () => {
    const u = oracle.decodeElement(fields.u);
    const uBar = oracle.decodeElement(fields.uBar);
    const shifted = { u: u.add(oracle.g).toBytes(), uBar: uBar.add(oracle.gBar).toBytes() };
    expect(isValid(oracle.joinFields({ ...fields, ...shifted }))).toBe(false);
    // With f = s + (r+1)·e for the old e.
    const f = oracle.scalarBytes(oracle.modL(oracle.scalarOf(fields.f) + oracle.scalarOf(fields.e)));
    expect(isValid(oracle.joinFields({ ...fields, ...shifted, f }))).toBe(false);
    // A proof of another r beside u and ū.
    const { e: otherE, f: otherF } = forge({ body: fields.body });
    expect(isValid(oracle.joinFields({ ...fields, e: otherE, f: otherF }))).toBe(false);
  });

  test("fails when u and ū have different exponents, or are exchanged", () => {
    const mine = forge({});
    const apart = oracle.gBar.multiply(r + 1n).toBytes();
    expect(isValid(oracle.joinFields({ ...mine, uBar: apart }))).toBe(false);
    expect(isValid(oracle.joinFields({ ...mine, u: mine.uBar, uBar: mine.u }))).toBe(false);
    expect(isValid(oracle.joinFields({ ...mine, uBar: mine.u }))).toBe(false);
  });
});

describe("the form of a ciphertext", () => {
  /** RFC 9496, appendix A.3: encodings that a decoder must reject; and the identity. */
  test.each([
    ["the identity", "0000000000000000000000000000000000000000000000000000000000000000"],
    ["a non-canonical field element", "00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"],
    ["a non-canonical field element", "f3ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["a negative field element", "0100000000000000000000000000000000000000000000000000000000000000"],
    ["a non-square x²", "26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371"],
  ])("has elements: not %s", (_kind, encoding) => {
    const bad = fromHex(encoding) ?? new Uint8Array();
    expect(reasonOf(oracle.joinFields({ ...fields, u: bad }))).toMatch(/^u is not/);
    expect(reasonOf(oracle.joinFields({ ...fields, uBar: bad }))).toMatch(/^ū is not/);
  });

  test("has scalars, reduced and not 0", () => {
    const unreduced = (scalar: Uint8Array): Uint8Array => oracle.scalarBytes(oracle.scalarOf(scalar) + oracle.L);
    const zero = new Uint8Array(32);
    for (const bad of [zero, unreduced(zero), unreduced(fields.e), new Uint8Array(32).fill(0xff)])
      expect(reasonOf(oracle.joinFields({ ...fields, e: bad }))).toMatch(/^e is/);
    for (const bad of [zero, unreduced(zero), unreduced(fields.f), new Uint8Array(32).fill(0xff)])
      expect(reasonOf(oracle.joinFields({ ...fields, f: bad }))).toMatch(/^f is/);
  });

  test("has room for a tag, whatever the proof says", () => {
    expect(isValid(oracle.joinFields(forge({ body: new Uint8Array(16) })))).toBe(true);
    expect(reasonOf(oracle.joinFields(forge({ body: new Uint8Array(15) })))).toBe("ciphertext of 143 bytes");
    expect(cutCiphertext(new Uint8Array(143)).kind).toBe("invalid");
  });

  test("has a greatest size, both ways", () => {
    const [largest, tooLarge] = [new Uint8Array(MAX_PLAINTEXT_BYTES), new Uint8Array(MAX_PLAINTEXT_BYTES + 1)];
    expect(isValid(scheme.encrypt({ label, plaintext: largest }))).toBe(true);
    expect(() => scheme.encrypt({ label, plaintext: tooLarge })).toThrow(RangeError);
    const body = new Uint8Array(MAX_PLAINTEXT_BYTES + 17);
    expect(reasonOf(oracle.joinFields(forge({ body })))).toBe(`ciphertext of ${128 + body.length} bytes`);
  });

  test("is checked without an exception, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 10 }), (bytes, about) => {
        expect(isValid(bytes, about)).toBe(false);
      }),
    );
    const scalar = fc.bigInt({ min: 1n, max: oracle.L - 1n }).map(oracle.scalarBytes);
    const element = scalar.map((exponent) => ristretto.basePower(exponent));
    const wellFormed = fc.tuple(element, element, scalar, scalar, fc.uint8Array({ minLength: 16, maxLength: 40 }));
    fc.assert(
      fc.property(wellFormed, (parts) => {
        expect(reasonOf(concat(...parts))).toMatch(/^the proof does not hold/);
      }),
      { numRuns: 30 },
    );
    for (let size = 0; size < ciphertext.length; size++) expect(isValid(ciphertext.subarray(0, size))).toBe(false);
    expect(isValid(concat(ciphertext, Uint8Array.of(0)))).toBe(false);
  });
});

test.each([
  ["the identity", new Uint8Array(32)],
  ["no element", new Uint8Array(32).fill(0xff)],
  ["too short", new Uint8Array(31).fill(1)],
])("nobody can encrypt to a key that is %s", (_kind, key) => {
  expect(() => createCiphertexts(ristretto, key)).toThrow(KeyError);
});
