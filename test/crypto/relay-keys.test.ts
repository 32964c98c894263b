import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { MAX_SEALING_BYTES, RELAY_SIGNATURE_BYTES, type RelayKeys } from "../../src/core/relay-keys.js";
import { KeyError, createOwnKeys, createRelayKeys, ownPublicKeys } from "../../src/crypto/index.js";
import { createEd25519Signer } from "../../src/crypto/ed25519/ed25519.js";
import { signedBytes } from "../../src/crypto/ed25519/party-signatures.js";
import { at, flipBit } from "./fixtures.js";

fc.configureGlobal({ seed: 34 });

const secretKeys = [0, 1, 2].map(() => createOwnKeys());
const own = secretKeys.map(ownPublicKeys);
const publicKeys = { signing: own.map(({ signing }) => signing), relaying: own.map(({ relaying }) => relaying) };
const keysOf = async (self: number): Promise<RelayKeys> => {
  const keys = await createRelayKeys({ self, publicKeys, secretKeys: at(secretKeys, self) });
  if (keys === undefined) throw new Error("keys are due");
  return keys;
};
const [alice, bob, carol] = [await keysOf(0), await keysOf(1), await keysOf(2)];

describe("a box", () => {
  test("opens for its receiver with what is in it, each time another one", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (plaintext) => {
        const sealed = alice.seal(1, plaintext);
        expect(bob.open(sealed)).toEqual(plaintext);
        expect(carol.open(sealed)).toBeUndefined();
        expect(alice.open(sealed)).toBeUndefined();
        expect(alice.seal(1, plaintext)).not.toEqual(sealed);
        expect(sealed.length - plaintext.length).toBeLessThanOrEqual(MAX_SEALING_BYTES);
      }),
      { numRuns: 30 },
    );
  });

  test("does not open with any bit flipped, nor any other bytes", () => {
    const sealed = alice.seal(1, utf8("secret"));
    for (let bit = 0; bit < 8 * sealed.length; bit++)
      expect(bob.open(flipBit(sealed, bit)), `bit ${bit}`).toBeUndefined();
    for (let size = 0; size <= 100; size++) expect(bob.open(new Uint8Array(size))).toBeUndefined();
  });

  test("for nobody is the caller's mistake", () => {
    expect(() => alice.seal(3, utf8("a"))).toThrow(KeyError);
  });
});

describe("a signature", () => {
  const statement = utf8("statement");

  test("is its maker's, on these bytes, for this use", () => {
    const signature = alice.sign(statement);
    expect(signature).toHaveLength(RELAY_SIGNATURE_BYTES);
    expect(bob.verify(0, statement, signature)).toBe(true);
    expect(bob.verify(1, statement, signature)).toBe(false);
    expect(bob.verify(0, utf8("statemenT"), signature)).toBe(false);
    for (const party of [3, -1, 0.5, Number.NaN]) expect(bob.verify(party, statement, signature)).toBe(false);
    for (let bit = 0; bit < 512; bit++) expect(bob.verify(0, statement, flipBit(signature, bit))).toBe(false);
    const elsewhere = createEd25519Signer(at(secretKeys, 0).signing).sign(signedBytes("abcast/1 statement", statement));
    expect(bob.verify(0, statement, elsewhere)).toBe(false);
  });
});

test("keys of another party are refused, and a group without keys has none", async () => {
  const others = { ...at(secretKeys, 0), relaying: at(secretKeys, 1).relaying };
  await expect(createRelayKeys({ self: 0, publicKeys, secretKeys: others })).rejects.toThrow(KeyError);
  const { relaying: _none, ...without } = at(secretKeys, 0);
  await expect(createRelayKeys({ self: 0, publicKeys, secretKeys: without })).rejects.toThrow(KeyError);
  const older = { ...publicKeys, relaying: [] };
  expect(await createRelayKeys({ self: 0, publicKeys: older, secretKeys: without })).toBeUndefined();
});
