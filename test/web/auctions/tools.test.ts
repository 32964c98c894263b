/** Bids that a browser encrypts are those that replicas take and open. */
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import { thresholdFormula } from "../../../src/core/formula.js";
import { loadRistretto } from "../../../src/crypto/ristretto/group.js";
import { ristrettoKeys } from "../../../src/crypto/ristretto/shared-key.js";
import { sealBody } from "../../../src/crypto/ristretto/tdh2-body.js";
import { createEncryption, type EncryptionTools } from "../../../src/crypto/ristretto/tdh2-encrypt.js";
import { createTdh2Scheme, createTdh2Sharer } from "../../../src/crypto/ristretto/tdh2.js";
import { dealKey } from "../../../src/crypto/sharing/deal-key.js";
import { BROWSER_TOOLS } from "../../../src/web/auctions/tools.js";

const ristretto = await loadRistretto();
const dealt = dealKey(ristrettoKeys(ristretto), thresholdFormula(2, 4));
const { publicKey } = dealt;
const label = utf8("a label");
const plaintext = utf8("4711");

const hash = (name: string, bytes: Uint8Array): Uint8Array => new Uint8Array(createHash(name).update(bytes).digest());

/** Random bytes that are the same each time. */
function counted(): (sizeBytes: number) => Uint8Array {
  let count = 0;
  return (sizeBytes) => hash("sha512", utf8(String(count++))).subarray(0, sizeBytes);
}

it("a browser's encryption is that of Node, byte for byte, from the same random bytes", () => {
  const ofNode: EncryptionTools = {
    ristretto,
    sha256: (bytes) => hash("sha256", bytes),
    sha512: (bytes) => hash("sha512", bytes),
    randomBytes: counted(),
    sealBody,
  };
  const ofBrowser = { ...BROWSER_TOOLS, randomBytes: counted() };
  const [node, browser] = [ofNode, ofBrowser].map((tools) => createEncryption(tools, publicKey.publicKey));
  for (let index = 0; index < 5; index++)
    expect(browser?.encrypt({ label, plaintext })).toEqual(node?.encrypt({ label, plaintext }));
});

it("what a browser encrypts is a ciphertext for its label only, and two parties open it", () => {
  const scheme = createTdh2Scheme({ ristretto, publicKey });
  const encryption = createEncryption(BROWSER_TOOLS, publicKey.publicKey);
  const ciphertext = encryption.encrypt({ label, plaintext });
  expect(encryption.encrypt({ label, plaintext })).not.toEqual(ciphertext);
  expect(scheme.checkCiphertext(label, ciphertext).kind).toBe("valid");
  expect(scheme.checkCiphertext(utf8("another"), ciphertext).kind).toBe("invalid");
  const shares = new Map(
    [1, 3].map((party) => {
      const sharer = createTdh2Sharer({ ristretto, publicKey, party, secret: dealt.secretOf(party) });
      return [party, sharer.share({ label, ciphertext })] as const;
    }),
  );
  expect(scheme.combine({ label, ciphertext }, shares)).toEqual({ kind: "plaintext", plaintext });
});
