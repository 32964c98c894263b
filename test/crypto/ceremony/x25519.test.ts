import { x25519 } from "@noble/curves/ed25519.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../../../src/core/bytes.js";
import { checkX25519Key, randomX25519SecretKey, x25519PublicKey } from "../../../src/crypto/ceremony/x25519.js";
import { KeyError } from "../../../src/crypto/errors.js";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();
const canonical = (key: Uint8Array): boolean => {
  const u = BigInt(`0x${toHex(Uint8Array.from(key).reverse())}`);
  return u < 2n ** 255n - 19n;
};

describe("public keys", () => {
  /** Alice's and Bob's. */
  test.each([
    [
      "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
      "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a",
    ],
    [
      "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb",
      "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    ],
  ])("are those of RFC 7748, section 6.1: %s", (secretKey, publicKey) => {
    expect(toHex(x25519PublicKey(hex(secretKey)))).toBe(publicKey);
  });

  test("agree with another implementation, and pass the check", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (secretKey) => {
        const publicKey = x25519PublicKey(secretKey);
        expect(publicKey).toEqual(x25519.getPublicKey(secretKey));
        expect(checkX25519Key(publicKey)).toBeUndefined();
      }),
    );
  });

  test("need a secret key of 32 bytes", () => {
    for (const size of [0, 31, 33]) expect(() => x25519PublicKey(new Uint8Array(size))).toThrow(KeyError);
  });

  test("secret keys differ", () => {
    const keys = Array.from({ length: 5 }, () => toHex(randomX25519SecretKey()));
    expect(new Set(keys).size).toBe(5);
    expect(keys.every((key) => key.length === 64)).toBe(true);
  });
});

describe("the check refuses", () => {
  /** The canonical ones of the list in https://cr.yp.to/ecdh.html, "How do I validate Curve25519 public keys?". */
  test.each([
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  ])("the point %s of small order", (key) => {
    expect(checkX25519Key(hex(key))).toBe("an X25519 key of small order");
  });

  test.each([
    ["p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["p + 9, which is 9", "f6ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"],
    ["9 with the unused bit", "0900000000000000000000000000000000000000000000000000000000000080"],
    ["2^256 - 1", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"],
  ])("%s, not in canonical form", (_name, key) => {
    expect(checkX25519Key(hex(key))).toBe("an X25519 key that is not in canonical form");
  });

  test("another length", () => {
    for (const size of [0, 31, 33, 100]) expect(checkX25519Key(new Uint8Array(size).fill(9))).toMatch(/bytes$/);
  });

  test("nothing else of 32 bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (key) => {
        const smallOrder = x25519Shared(key) === undefined;
        expect(checkX25519Key(key) === undefined).toBe(canonical(key) && !smallOrder);
      }),
    );
    // Near p, from both sides.
    expect(checkX25519Key(hex("ebffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))).toBeUndefined();
    expect(checkX25519Key(hex("eeff00ffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"))).toBeUndefined();
    expect(checkX25519Key(hex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7e"))).toBeUndefined();
  });
});

/** Undefined when the other implementation finds the shared secret to be 0. */
function x25519Shared(key: Uint8Array): Uint8Array | undefined {
  try {
    return x25519.getSharedSecret(new Uint8Array(32).fill(7), key);
  } catch {
    return undefined;
  }
}
