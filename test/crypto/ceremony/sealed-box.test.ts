import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, fromHex, toHex, utf8 } from "../../../src/core/bytes.js";
import { MAX_PLAINTEXT_BYTES } from "../../../src/crypto/ceremony/opened.js";
import {
  MAX_INFO_BYTES,
  MAX_SEALED_BYTES,
  SEALED_BOX_OVERHEAD_BYTES,
  SEALING_SUITE,
  createSealingKey,
  open,
  seal,
} from "../../../src/crypto/ceremony/sealed-box.js";
import { x25519PublicKey } from "../../../src/crypto/ceremony/x25519.js";
import { KeyError } from "../../../src/crypto/errors.js";
import { flipBit } from "../fixtures.js";

const hex = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array();
const { publicKey, secretKey } = createSealingKey();
const info = utf8("cluster 7, party 2");
const plaintext = utf8("shares");
const sealed = await seal({ publicKey, info, plaintext });
const DAMAGED = { kind: "invalid", reason: "sealed to another key, for another use, or damaged" };

/**
 * mode 0, kem 0x0020, kdf 0x0001, aead 0x0002, first encryption, of the test vectors of RFC 9180
 * (https://github.com/cfrg/draft-irtf-cfrg-hpke/blob/5f503c564da00b0687b3de75f1dfbdfc4079ad31/test-vectors.json, to which its
 * Appendix A refers for the suites that it does not print).
 */
const VECTOR = {
  info: hex("4f6465206f6e2061204772656369616e2055726e"),
  secretKey: hex("497b4502664cfea5d5af0b39934dac72242a74f8480451e1aee7d6a53320333d"),
  publicKey: hex("430f4b9859665145a6b1ba274024487bd66f03a2dd577d7753c68d7d7d00c00c"),
  encapsulated: hex("6c93e09869df3402d7bf231bf540fadd35cd56be14f97178f0954db94b7fc256"),
  aad: hex("436f756e742d30"),
  plaintext: hex("4265617574792069732074727574682c20747275746820626561757479"),
  ciphertext: hex("e5d84cd531cfb583096e7cfa9641bd3079cf3a91cda813c52deb5f512be9931980a41de125a925cdad859d5b7a"),
};

describe("the suite", () => {
  test("opens the test vector of RFC 9180", async () => {
    expect(x25519PublicKey(VECTOR.secretKey)).toEqual(VECTOR.publicKey);
    const recipient = await SEALING_SUITE.DeserializePrivateKey(VECTOR.secretKey, true);
    const { encapsulated, ciphertext, aad } = VECTOR;
    const opened = await SEALING_SUITE.Open(recipient, encapsulated, ciphertext, { info: VECTOR.info, aad });
    expect(opened).toEqual(VECTOR.plaintext);
  });

  test("seals what we open: encapsulated key, ciphertext with tag, no additional data", async () => {
    const recipient = await SEALING_SUITE.DeserializePublicKey(publicKey);
    const box = await SEALING_SUITE.Seal(recipient, plaintext, { info });
    const joined = concat(box.encapsulatedSecret, box.ciphertext);
    expect(await open({ secretKey, info, sealed: joined })).toEqual({ kind: "opened", plaintext });
    const withData = await SEALING_SUITE.Seal(recipient, plaintext, { info, aad: utf8("data") });
    const other = concat(withData.encapsulatedSecret, withData.ciphertext);
    expect(await open({ secretKey, info, sealed: other })).toEqual(DAMAGED);
  });
});

describe("a box", () => {
  test("opens with its key and info, whatever is in it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 50 }), async (content, use) => {
        const key = createSealingKey();
        const box = await seal({ publicKey: key.publicKey, info: use, plaintext: content });
        expect(box.length).toBe(content.length + SEALED_BOX_OVERHEAD_BYTES);
        const opening = await open({ secretKey: key.secretKey, info: use, sealed: box });
        expect(opening).toEqual({ kind: "opened", plaintext: content });
      }),
      { numRuns: 25 },
    );
  });

  test("is another one each time", async () => {
    const again = await seal({ publicKey, info, plaintext });
    expect(toHex(again.subarray(0, 32))).not.toBe(toHex(sealed.subarray(0, 32)));
    expect(toHex(again.subarray(32))).not.toBe(toHex(sealed.subarray(32)));
  });

  test("does not open with another key", async () => {
    expect(await open({ secretKey: createSealingKey().secretKey, info, sealed })).toEqual(DAMAGED);
  });

  test("does not open with another info", async () => {
    for (const other of [
      new Uint8Array(),
      utf8("cluster 7, party 3"),
      info.subarray(1),
      concat(info, new Uint8Array(1)),
    ]) {
      expect(await open({ secretKey, info: other, sealed })).toEqual(DAMAGED);
    }
  });

  test("does not open when any bit is flipped", async () => {
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      expect(await open({ secretKey, info, sealed: flipBit(sealed, bit) }), `bit ${bit}`).toEqual(DAMAGED);
    }
  });

  test("does not open when cut or lengthened", async () => {
    for (let size = 0; size < sealed.length; size++) {
      expect(await open({ secretKey, info, sealed: sealed.subarray(0, size) })).toMatchObject({ kind: "invalid" });
    }
    expect(await open({ secretKey, info, sealed: concat(sealed, new Uint8Array(1)) })).toEqual(DAMAGED);
  });

  test("of any bytes is refused", async () => {
    for (let size = 0; size <= 100; size++) {
      for (const byte of [0, 1, 0xff]) {
        const bytes = new Uint8Array(size).fill(byte);
        expect(await open({ secretKey, info, sealed: bytes })).toMatchObject({ kind: "invalid" });
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 100 }), async (bytes) => {
        expect(await open({ secretKey, info, sealed: bytes })).toMatchObject({ kind: "invalid" });
      }),
    );
  });

  test("shorter than its overhead, or too long, is refused at once", async () => {
    for (const size of [0, 47, MAX_SEALED_BYTES + 1]) {
      const reason = `a sealed box of ${size} bytes`;
      expect(await open({ secretKey, info, sealed: new Uint8Array(size) })).toEqual({ kind: "invalid", reason });
    }
  });

  test("with an encapsulated key of small order is refused", async () => {
    for (const first of [0, 1]) {
      const encapsulated = new Uint8Array(32).fill(first, 0, 1);
      expect(await open({ secretKey, info, sealed: concat(encapsulated, sealed.subarray(32)) })).toEqual({
        kind: "invalid",
        reason: "the box's encapsulated key is of small order",
      });
    }
  });

  test("takes up to 1 MiB, and 4096 bytes of info", async () => {
    const [large, long] = [new Uint8Array(MAX_PLAINTEXT_BYTES).fill(7), new Uint8Array(MAX_INFO_BYTES)];
    const box = await seal({ publicKey, info: long, plaintext: large });
    expect(box.length).toBe(MAX_SEALED_BYTES);
    expect((await open({ secretKey, info: long, sealed: box })).kind).toBe("opened");
    const more = (bytes: Uint8Array): Uint8Array => concat(bytes, new Uint8Array(1));
    await expect(seal({ publicKey, info, plaintext: more(large) })).rejects.toThrow(RangeError);
    await expect(seal({ publicKey, info: more(long), plaintext })).rejects.toThrow(RangeError);
    await expect(open({ secretKey, info: more(long), sealed })).rejects.toThrow(RangeError);
  });
});

describe("keys", () => {
  test("belong together and differ", () => {
    expect(x25519PublicKey(secretKey)).toEqual(publicKey);
    expect(createSealingKey().publicKey).not.toEqual(publicKey);
  });

  test("that are malformed or of small order are refused", async () => {
    for (const key of [new Uint8Array(31), new Uint8Array(33), new Uint8Array(32), new Uint8Array(32).fill(0xff)]) {
      await expect(seal({ publicKey: key, info, plaintext })).rejects.toThrow(KeyError);
    }
    for (const size of [0, 31, 33]) {
      await expect(open({ secretKey: new Uint8Array(size), info, sealed })).rejects.toThrow(KeyError);
    }
  });
});
