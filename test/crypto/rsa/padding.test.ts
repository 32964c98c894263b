import { constants, createHash, generateKeyPairSync, publicDecrypt, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { equalBytes, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import { Modulus } from "../../../src/crypto/numbers/modexp.js";
import { pkcs1Encode, pkcs1EncodeDigest } from "../../../src/crypto/rsa/padding.js";
import { MODULUS, VECTORS } from "./wycheproof.js";

describe("EMSA-PKCS1-v1_5 with SHA-256 (RFC 8017, section 9.2)", () => {
  test("layout at the least possible length", () => {
    const expected = `0001${"ff".repeat(8)}003031300d060960864801650304020105000420${createHash("sha256").update("abc").digest("hex")}`;
    expect(toHex(pkcs1Encode(utf8("abc"), 62))).toBe(expected);
    expect(() => pkcs1Encode(utf8("abc"), 61)).toThrow("too short");
  });

  test("is what OpenSSL signs", () => {
    const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const signature = sign("sha256", utf8("message"), privateKey);
    const raw = publicDecrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, signature);
    expect(toHex(pkcs1Encode(utf8("message"), 256))).toBe(raw.toString("hex"));
  });

  test.each(VECTORS)("Wycheproof $tcId is $result", ({ msg, sig, result }) => {
    const modulus = new Modulus(BigInt(`0x${MODULUS}`));
    const opened = modulus.format(modulus.pow(BigInt(`0x${sig}`), 65_537n));
    const isOurs = equalBytes(opened, pkcs1Encode(fromHex(msg) ?? new Uint8Array(), modulus.sizeBytes));
    // "Acceptable" is a form that others may write, not we.
    expect(isOurs).toBe(result === "valid");
  });

  test("refuses a digest of another length", () => {
    expect(() => pkcs1EncodeDigest(new Uint8Array(20), 256)).toThrow(RangeError);
  });
});
