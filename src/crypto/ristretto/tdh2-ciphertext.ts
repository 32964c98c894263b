/**
 * Ciphertexts of TDH2 (tdh2.ts has the source and the deviations): how they are made and checked. Who encrypts needs nothing but
 * the public key h = g^x.
 *
 * Ciphertext: u ‖ ū ‖ e ‖ f ‖ body, with u = g^r, ū = ḡ^r, the body encrypted under a hash of h^r, and (e, f) a proof
 * that one r is in u and ū. The proof is also a signature on body and label by whoever chose r. The label is not
 * inside: who checks must know what the ciphertext is for.
 */
import { randomBytes } from "node:crypto";
import { equalBytes } from "../../core/bytes.js";
import { KeyError } from "../errors.js";
import { plainSha256, plainSha512, sha256 } from "../hashing.js";
import { type Invalid, invalid } from "../scheme.js";
import { ELEMENT_BYTES, type Ristretto, SCALAR_BYTES } from "./group.js";
import { TAG_BYTES, openBody, sealBody } from "./tdh2-body.js";
import { MAX_PLAINTEXT_BYTES, type Plaintext, createEncryption } from "./tdh2-encrypt.js";

export { MAX_PLAINTEXT_BYTES, type Plaintext };

const HEADER_BYTES = 2 * ELEMENT_BYTES + 2 * SCALAR_BYTES;

/** Bytes of the ciphertext of a plaintext of `plaintextBytes`. */
export function ciphertextSizeBytes(plaintextBytes: number): number {
  return HEADER_BYTES + plaintextBytes + TAG_BYTES;
}

/** A share was asked for a ciphertext that does not pass its check: the caller did not check it. */
export class CiphertextError extends Error {
  override readonly name = "CiphertextError";
}

export type Decryption =
  | { readonly kind: "plaintext"; readonly plaintext: Uint8Array }
  /** Whoever encrypted did not follow the scheme: the body does not open under its key. All parties find the same. */
  | { readonly kind: "undecryptable" };

/** A ciphertext cut into its parts, which are views. Only the sizes are right. */
export interface Parts {
  readonly kind: "parts";
  readonly header: Uint8Array;
  readonly u: Uint8Array;
  readonly uBar: Uint8Array;
  readonly e: Uint8Array;
  readonly f: Uint8Array;
  readonly body: Uint8Array;
}

/** What is needed for a share of a ciphertext that passed the check. */
export interface CheckedCiphertext {
  readonly kind: "checked";
  readonly u: Uint8Array;
  /** 32 bytes, different for any two triples of key, label and ciphertext. */
  readonly digest: Uint8Array;
}

export interface Ciphertexts {
  /** Randomised: different bytes each time. @throws RangeError when the plaintext is too large. */
  encrypt(input: Plaintext): Uint8Array;
  /** Total in all arguments. Reads the body once. */
  check(label: Uint8Array, ciphertext: Uint8Array): CheckedCiphertext | Invalid;
  /** What a ciphertext says, given h^r = u^x. */
  decrypt(parts: Parts, sharedElement: Uint8Array): Decryption;
}

/** @throws KeyError when `publicKey`, h, is not an element of the group. */
export function createCiphertexts(ristretto: Ristretto, publicKey: Uint8Array): Ciphertexts {
  if (!ristretto.isElement(publicKey)) throw new KeyError("the encryption key is not an element of the group");
  const tools = { ristretto, sha256: plainSha256, sha512: plainSha512, randomBytes, sealBody };
  const { secondGenerator, bodyKey, challengeOf, digestOf, encrypt } = createEncryption(tools, publicKey);

  return {
    encrypt,

    check(label, ciphertext) {
      const parts = cutCiphertext(ciphertext);
      if (parts.kind === "invalid") return parts;
      const { header, u, uBar, e, f, body } = parts;
      if (!ristretto.isElement(u)) return invalid("u is not an element of the group");
      if (!ristretto.isElement(uBar)) return invalid("ū is not an element of the group");
      // An honest scalar is 0 with probability 2^-252; excluding it keeps libsodium from throwing.
      if (!ristretto.isScalar(e)) return invalid("e is 0 or not reduced");
      if (!ristretto.isScalar(f)) return invalid("f is 0 or not reduced");
      // The paper's check of a ciphertext: e = H2(c, L, u, w, ū, w̄) with w = g^f/u^e and w̄ = ḡ^f/ū^e.
      const w = ristretto.divide(ristretto.basePower(f), ristretto.power(u, e));
      const wBar = ristretto.divide(ristretto.power(secondGenerator, f), ristretto.power(uBar, e));
      const bodyDigest = digestOf(body);
      if (!equalBytes(e, challengeOf(label, bodyDigest, { u, uBar, w, wBar })))
        return invalid("the proof does not hold for this ciphertext, label and key");
      return { kind: "checked", u, digest: sha256("abcast/1 tdh2 subject", publicKey, label, header, bodyDigest) };
    },

    decrypt({ u, body }, sharedElement) {
      const plaintext = openBody(bodyKey(u, sharedElement), body);
      return plaintext === undefined ? { kind: "undecryptable" } : { kind: "plaintext", plaintext };
    },
  };
}

/** The parts of a ciphertext, or what is wrong with its size. Total. */
export function cutCiphertext(ciphertext: Uint8Array): Parts | Invalid {
  const { length } = ciphertext;
  if (length < ciphertextSizeBytes(0) || length > ciphertextSizeBytes(MAX_PLAINTEXT_BYTES))
    return invalid(`ciphertext of ${length} bytes`);
  const [uEnd, uBarEnd, eEnd] = [ELEMENT_BYTES, 2 * ELEMENT_BYTES, 2 * ELEMENT_BYTES + SCALAR_BYTES];
  return {
    kind: "parts",
    header: ciphertext.subarray(0, HEADER_BYTES),
    u: ciphertext.subarray(0, uEnd),
    uBar: ciphertext.subarray(uEnd, uBarEnd),
    e: ciphertext.subarray(uBarEnd, eEnd),
    f: ciphertext.subarray(eEnd, HEADER_BYTES),
    body: ciphertext.subarray(HEADER_BYTES),
  };
}
