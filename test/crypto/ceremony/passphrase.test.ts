import { scrypt } from "@noble/hashes/scrypt.js";
import fc from "fast-check";
import { createDecipheriv } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../../src/core/bytes.js";
import { MAX_PLAINTEXT_BYTES } from "../../../src/crypto/ceremony/opened.js";
import {
  DEFAULT_COST,
  type EncryptedSecret,
  MAX_CIPHERTEXT_BYTES,
  type ScryptCost,
  decryptWithPassphrase,
  encryptWithPassphrase,
} from "../../../src/crypto/ceremony/passphrase.js";
import { u32Bytes } from "../../../src/crypto/hashing.js";
import { flipBit } from "../fixtures.js";

/** The least that is allowed: about 40 ms. */
const LOW: ScryptCost = { N: 2 ** 14, r: 8, p: 1 };
const plaintext = utf8("x = 42");
const secret = await encryptWithPassphrase(plaintext, "correct horse", LOW);
const WRONG = { kind: "invalid", reason: "the passphrase is wrong, or the file is damaged" };
const decrypt = (changes: Partial<EncryptedSecret>, passphrase = "correct horse") =>
  decryptWithPassphrase({ ...secret, ...changes }, passphrase);

describe("a secret", () => {
  test("opens with its passphrase only", async () => {
    expect(await decrypt({})).toEqual({ kind: "opened", plaintext });
    for (const other of ["correct hors", "correct horse ", "Correct horse", "x".repeat(10_000)]) {
      expect(await decrypt({}, other)).toEqual(WRONG);
    }
  });

  test("costs 128 MiB by default, and does not block the loop", async () => {
    expect(DEFAULT_COST).toEqual({ N: 131_072, r: 8, p: 1 });
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const strong = await encryptWithPassphrase(plaintext, "correct horse");
    clearInterval(timer);
    expect(ticks).toBeGreaterThan(0);
    expect(strong).toMatchObject(DEFAULT_COST);
    expect(await decryptWithPassphrase(strong, "correct horse")).toEqual({ kind: "opened", plaintext });
  });

  test("may be of any size up to 1 MiB", async () => {
    for (const size of [0, 1, 16, 1000, MAX_PLAINTEXT_BYTES]) {
      const content = new Uint8Array(size).fill(5);
      const encrypted = await encryptWithPassphrase(content, "p", LOW);
      expect(encrypted.ciphertext.length).toBe(size + 16);
      const opening = await decryptWithPassphrase(encrypted, "p");
      expect(opening.kind === "opened" && Buffer.compare(opening.plaintext, content)).toBe(0);
    }
    await expect(encryptWithPassphrase(new Uint8Array(MAX_PLAINTEXT_BYTES + 1), "p", LOW)).rejects.toThrow(RangeError);
  });

  test("has another salt and nonce each time", async () => {
    const again = await encryptWithPassphrase(plaintext, "correct horse", LOW);
    expect(again.salt).not.toEqual(secret.salt);
    expect(again.nonce).not.toEqual(secret.nonce);
    expect(again.ciphertext).not.toEqual(secret.ciphertext);
  });

  test("has the documented form: another implementation of scrypt opens it", () => {
    const { kdf, N, r, p, salt, nonce, ciphertext } = secret;
    expect({ kdf, N, r, p }).toEqual({ kdf: "scrypt", ...LOW });
    const key = scrypt(utf8("correct horse"), salt, { N, r, p, dkLen: 32 });
    const format = utf8("abcast/1 passphrase scrypt aes-256-gcm");
    const header = concat(u32Bytes(format.length), format, u32Bytes(N), u32Bytes(r), u32Bytes(p), salt, nonce);
    const decipher = createDecipheriv("aes-256-gcm", key, nonce).setAAD(header).setAuthTag(ciphertext.subarray(-16));
    const opened = concat(decipher.update(ciphertext.subarray(0, -16)), decipher.final());
    expect(opened).toEqual(plaintext);
  });

  test("is refused with a flipped bit in any field", async () => {
    for (const field of ["salt", "nonce", "ciphertext"] as const) {
      // Every 11th bit: all bytes but a few, and each place in a byte.
      for (let bit = 0; bit < 8 * secret[field].length; bit += 11) {
        expect(await decrypt({ [field]: flipBit(secret[field], bit) }), `${field}, bit ${bit}`).toEqual(WRONG);
      }
    }
  });

  test("is refused with other parameters", async () => {
    for (const changes of [{ N: 2 ** 15 }, { r: 9 }, { p: 2 }]) expect(await decrypt(changes)).toEqual(WRONG);
  });

  test("is refused in another size", async () => {
    const sizes = async (field: "salt" | "nonce" | "ciphertext", refused: readonly number[]) => {
      for (const size of refused) {
        const reason = `a ${field} of ${size} bytes`;
        expect(await decrypt({ [field]: new Uint8Array(size) })).toEqual({ kind: "invalid", reason });
      }
    };
    await sizes("salt", [0, 16, 31, 33, 100]);
    await sizes("nonce", [0, 1, 11, 13, 100]);
    await sizes("ciphertext", [0, 1, 15, MAX_CIPHERTEXT_BYTES + 1]);
    for (const size of [16, 17, 100]) expect(await decrypt({ ciphertext: new Uint8Array(size) })).toEqual(WRONG);
  });

  test("of any bytes is refused", async () => {
    const bytes = fc.uint8Array({ maxLength: 100 });
    await fc.assert(
      fc.asyncProperty(bytes, bytes, bytes, async (salt, nonce, ciphertext) => {
        expect(await decrypt({ salt, nonce, ciphertext })).toMatchObject({ kind: "invalid" });
      }),
    );
  });
});

describe("scrypt's parameters", () => {
  test.each<[string, RegExp, Partial<ScryptCost>]>([
    ["N too small", /too weak$/, { N: 2 ** 13 }],
    ["N = 1", /too weak$/, { N: 1 }],
    ["N negative", /too weak$/, { N: -(2 ** 17) }],
    ["r too small", /too weak$/, { r: 7 }],
    ["r = 0", /too weak$/, { r: 0 }],
    ["p = 0", /too weak$/, { p: 0 }],
    ["256 MiB and a little", /too much work$/, { N: 2 ** 18 }],
    ["r for too much memory", /too much work$/, { N: 2 ** 17, r: 16 }],
    ["huge r", /too much work$/, { r: 2 ** 40 }],
    ["huge N", /too much work$/, { N: 2 ** 52 }],
    ["all that is safe", /too much work$/, { N: 2 ** 53 - 1, r: 2 ** 53 - 1, p: 4 }],
    ["p for too much time", /too much work$/, { p: 5 }],
    ["no power of two", /not a power of two$/, { N: 2 ** 14 + 1 }],
    ["N of three halves", /not a power of two$/, { N: 3 * 2 ** 14 }],
    ["a fraction", /not a whole number$/, { r: 8.5 }],
    ["not a number", /not a whole number$/, { p: Number.NaN }],
    ["infinity", /not a whole number$/, { N: Number.POSITIVE_INFINITY }],
    ["beyond safe integers", /not a whole number$/, { N: 2 ** 60 }],
  ])("%s: refused, to read and to write", async (_name, reason, changes) => {
    const opening = await decrypt(changes);
    expect(opening).toMatchObject({ kind: "invalid", reason: expect.stringMatching(reason) });
    await expect(encryptWithPassphrase(plaintext, "p", { ...LOW, ...changes })).rejects.toThrow(RangeError);
  });
});

describe("the passphrase", () => {
  test("must not be empty", async () => {
    await expect(encryptWithPassphrase(plaintext, "", LOW)).rejects.toThrow(RangeError);
    expect(await decrypt({}, "")).toEqual({ kind: "invalid", reason: "the passphrase is empty" });
  });

  test("must be Unicode text: lone surrogates would all be the same", async () => {
    await expect(encryptWithPassphrase(plaintext, "a\ud800", LOW)).rejects.toThrow(RangeError);
    expect(await decrypt({}, "a\udfff")).toEqual({ kind: "invalid", reason: "the passphrase is not Unicode text" });
  });

  test("is the same in all its Unicode forms", async () => {
    const encrypted = await encryptWithPassphrase(plaintext, "caf\u00e9 \ufb01", LOW);
    expect((await decryptWithPassphrase(encrypted, "cafe\u0301 fi")).kind).toBe("opened");
    expect(await decryptWithPassphrase(encrypted, "cafe fi")).toEqual(WRONG);
  });
});
