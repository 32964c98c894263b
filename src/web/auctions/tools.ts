/** What bids are encrypted with in a browser. Nothing here needs a page by HTTPS: only random bytes come from the browser. */
import { chacha20poly1305 } from "@noble/ciphers/chacha.js";
import { ristretto255, ristretto255_hasher } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import type { EncryptionTools } from "../../crypto/ristretto/tdh2-encrypt.js";

const { Point } = ristretto255;
const { Fn } = Point;
/** A key is used once (crypto/ristretto/tdh2-body.ts). */
const NONCE = new Uint8Array(12);

/** Little-endian. */
function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function scalarOf(value: bigint): Uint8Array {
  return Fn.toBytes(Fn.create(value));
}

export const BROWSER_TOOLS: EncryptionTools = {
  ristretto: {
    elementFromHash: (hash) => {
      if (ristretto255_hasher.deriveToCurve === undefined) throw new Error("no element from a hash");
      return ristretto255_hasher.deriveToCurve(hash).toBytes();
    },
    scalarFromHash: (hash) => scalarOf(numberOf(hash)),
    basePower: (scalar) => Point.BASE.multiply(numberOf(scalar)).toBytes(),
    power: (element, scalar) => Point.fromBytes(element).multiply(numberOf(scalar)).toBytes(),
    addScalars: (a, b) => scalarOf(numberOf(a) + numberOf(b)),
    multiplyScalars: (a, b) => scalarOf(numberOf(a) * numberOf(b)),
  },
  sha256: (bytes) => sha256(bytes),
  sha512: (bytes) => sha512(bytes),
  randomBytes: (sizeBytes) => globalThis.crypto.getRandomValues(new Uint8Array(sizeBytes)),
  sealBody: (key, plaintext) => chacha20poly1305(key, NONCE).encrypt(plaintext),
};
