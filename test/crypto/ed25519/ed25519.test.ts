import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import { createEd25519Signer, createEd25519Verifier } from "../../../src/crypto/ed25519/ed25519.js";
import { KeyError } from "../../../src/crypto/errors.js";
import { GROUP_ORDER, scalarToBytes } from "../../../src/crypto/ristretto/group.js";
import { bytesToBigint } from "../../../src/crypto/numbers/bigints.js";
import { flipBit } from "../fixtures.js";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();

/** RFC 8032, section 7.1. */
const VECTORS = [
  {
    name: "TEST 1",
    seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    message: "",
    signature:
      "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  },
  {
    name: "TEST 2",
    seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    message: "72",
    signature:
      "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  },
  {
    name: "TEST 3",
    seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    message: "af82",
    signature:
      "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  },
];

describe("RFC 8032, section 7.1", () => {
  test.each(VECTORS)("$name", ({ seed, publicKey, message, signature }) => {
    const signer = createEd25519Signer(hex(seed));
    expect(toHex(signer.publicKey)).toBe(publicKey);
    expect(toHex(signer.sign(hex(message)))).toBe(signature);
    expect(createEd25519Verifier(hex(publicKey))(hex(message), hex(signature))).toBe(true);
  });
});

describe("verification", () => {
  const signer = createEd25519Signer(new Uint8Array(32).fill(7));
  const verify = createEd25519Verifier(signer.publicKey);
  const message = utf8("statement");
  const signature = signer.sign(message);

  test("fails when any bit of the signature is flipped", () => {
    for (let bit = 0; bit < 8 * signature.length; bit++) expect(verify(message, flipBit(signature, bit))).toBe(false);
  });

  test("fails for another message and another key", () => {
    expect(verify(utf8("statemenT"), signature)).toBe(false);
    const other = createEd25519Signer(new Uint8Array(32).fill(8)).publicKey;
    expect(createEd25519Verifier(other)(message, signature)).toBe(false);
  });

  test.each([0, 1, 32, 63, 65, 128])("fails for %s bytes", (size) => {
    expect(verify(message, new Uint8Array(size))).toBe(false);
    expect(verify(message, concat(signature, new Uint8Array(64)).subarray(0, size))).toBe(false);
  });

  test("fails for S + L, the other form of the same number (RFC 8032, section 5.1.7)", () => {
    const s = bytesToBigint(signature.slice(32).reverse());
    expect(verify(message, concat(signature.subarray(0, 32), scalarToBytes(s + GROUP_ORDER)))).toBe(false);
  });

  test("fails, without throwing, under a key that is no point", () => {
    expect(createEd25519Verifier(new Uint8Array(32).fill(0xff))(message, signature)).toBe(false);
  });
});

test("keys of a wrong length are refused", () => {
  for (const size of [0, 31, 33, 64]) {
    expect(() => createEd25519Signer(new Uint8Array(size))).toThrow(KeyError);
    expect(() => createEd25519Verifier(new Uint8Array(size))).toThrow(KeyError);
  }
});
