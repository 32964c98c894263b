import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { DEFAULT_COIN_BITS, checkCoinBits, coinValue } from "../../src/crypto/coin-value.js";
import { at } from "./fixtures.js";

const name = utf8("name");
const material = new Uint8Array(32).fill(7);

describe("a coin's value", () => {
  test.each([1, 2, 7, 8, 9, 15, 16, 17, 255, 256, 257, 1000, 65_536])("of %s bits has no more and no fewer", (bits) => {
    const samples = Array.from({ length: 40 }, (_, i) => coinValue(bits, "test", Uint8Array.of(i), material));
    for (const value of samples) expect(value.length).toBe(Math.ceil(bits / 8));
    const ever = samples.reduce((union, value) => union | at(value, value.length - 1), 0);
    // Of 40 samples each bit is set in one, but for a chance of 2^-40; they are fixed.
    expect(ever).toBe(bits % 8 === 0 ? 0xff : 2 ** (bits % 8) - 1);
  });

  test("is SHAKE256 of all that it depends on, each with its length", () => {
    const field = (bytes: Uint8Array): Buffer => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    };
    const fields = [utf8("abcast/1 coin value"), utf8("test"), Uint8Array.of(0, 0, 0, 12), name, material].map(field);
    const hash = createHash("shake256", { outputLength: 2 }).update(Buffer.concat(fields)).digest();
    expect([...coinValue(12, "test", name, material)]).toEqual([at(hash, 0), at(hash, 1) & 0x0f]);
  });

  test("depends on size, label, name and material, and on where one ends", () => {
    const values = [
      coinValue(256, "test", name, material),
      coinValue(264, "test", name, material).subarray(0, 32),
      coinValue(256, "tesT", name, material),
      coinValue(256, "test", utf8("namE"), material),
      coinValue(256, "test", name, material.subarray(1)),
      coinValue(256, "testn", utf8("ame"), material),
    ];
    expect(new Set(values.map(toHex)).size).toBe(values.length);
    expect(coinValue(256, "test", name, material)).toEqual(values[0]);
  });

  test.each([0, -1, 1.5, 65_537, Number.NaN, Infinity])("refuses %s bits", (bits) =>
    expect(() => checkCoinBits(bits)).toThrow(RangeError),
  );

  test("takes from 1 to 65,536 bits", () => {
    for (const bits of [1, DEFAULT_COIN_BITS, 65_536]) expect(() => checkCoinBits(bits)).not.toThrow();
    expect(DEFAULT_COIN_BITS).toBe(256);
  });
});
