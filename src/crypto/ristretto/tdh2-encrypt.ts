/**
 * Encryption of TDH2 alone (tdh2-ciphertext.ts has the ciphertext's form, tdh2.ts the source): nobody needs more than the public key h.
 * Whatever computes is handed in, so that it runs in a browser as well: imports `core` only.
 */
import { concat, utf8 } from "../../core/bytes.js";
import { encode, u32 } from "../../core/codec.js";

/** A payload larger than this is no payload. */
export const MAX_PLAINTEXT_BYTES = 16 * 1024 * 1024;

export interface Plaintext {
  /** What the ciphertext is for: it decrypts under this label only. Public; of any size. */
  readonly label: Uint8Array;
  /** At most `MAX_PLAINTEXT_BYTES`. */
  readonly plaintext: Uint8Array;
}

/** What encryption computes with. Elements and scalars as in group.ts. */
export interface EncryptionTools {
  readonly ristretto: {
    elementFromHash(hash: Uint8Array): Uint8Array;
    scalarFromHash(hash: Uint8Array): Uint8Array;
    basePower(scalar: Uint8Array): Uint8Array;
    power(element: Uint8Array, scalar: Uint8Array): Uint8Array;
    addScalars(a: Uint8Array, b: Uint8Array): Uint8Array;
    multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array;
  };
  /** Of the bytes, 32 and 64 of them. */
  sha256(bytes: Uint8Array): Uint8Array;
  sha512(bytes: Uint8Array): Uint8Array;
  randomBytes(sizeBytes: number): Uint8Array;
  /** ChaCha20-Poly1305 with a nonce of zeros: encrypted plaintext ‖ tag (tdh2-body.ts). */
  readonly sealBody: (key: Uint8Array, plaintext: Uint8Array) => Uint8Array;
}

export interface Commitments {
  readonly u: Uint8Array;
  readonly uBar: Uint8Array;
  readonly w: Uint8Array;
  readonly wBar: Uint8Array;
}

export interface Encryption {
  /** ḡ. Nobody knows its logarithm to the base g, since it comes out of a hash. */
  readonly secondGenerator: Uint8Array;
  /** The paper's H1; of u and the public key too, so that the key is for one ciphertext and one use. */
  readonly bodyKey: (u: Uint8Array, sharedElement: Uint8Array) => Uint8Array;
  /** The paper's H2, with the body by its hash; of the public key too, so that a ciphertext is for one key only. */
  readonly challengeOf: (label: Uint8Array, bodyDigest: Uint8Array, values: Commitments) => Uint8Array;
  /** The hash that stands for the body in other hashes, so that the body is read once. */
  readonly digestOf: (body: Uint8Array) => Uint8Array;
  /** Randomised: different bytes each time. @throws RangeError when the plaintext is too large. */
  readonly encrypt: (input: Plaintext) => Uint8Array;
}

/** `publicKey`: h, which must be an element of the group. */
export function createEncryption(tools: EncryptionTools, publicKey: Uint8Array): Encryption {
  const { ristretto, sealBody } = tools;
  const hash256 = (...parts: readonly [string, ...Uint8Array[]]): Uint8Array => tools.sha256(framed(...parts));
  const hash512 = (...parts: readonly [string, ...Uint8Array[]]): Uint8Array => tools.sha512(framed(...parts));

  const secondGenerator = ristretto.elementFromHash(hash512("abcast/1 tdh2 second generator"));
  const bodyKey: Encryption["bodyKey"] = (u, sharedElement) =>
    hash256("abcast/1 tdh2 body key", publicKey, u, sharedElement);
  const challengeOf: Encryption["challengeOf"] = (label, bodyDigest, { u, uBar, w, wBar }) =>
    ristretto.scalarFromHash(hash512("abcast/1 tdh2 ciphertext", publicKey, label, bodyDigest, u, uBar, w, wBar));
  const digestOf = (body: Uint8Array): Uint8Array => hash256("abcast/1 tdh2 body", body);

  /** Uniform up to a bias of 2^-259, from 64 random bytes; 0 with probability 2^-252, where libsodium would throw. */
  const randomScalar = (): Uint8Array => {
    const wide = tools.randomBytes(64);
    const scalar = ristretto.scalarFromHash(wide);
    wide.fill(0);
    return scalar;
  };

  return {
    secondGenerator,
    bodyKey,
    challengeOf,
    digestOf,
    encrypt({ label, plaintext }) {
      if (plaintext.length > MAX_PLAINTEXT_BYTES) throw new RangeError(`plaintext of ${plaintext.length} bytes`);
      const [r, s] = [randomScalar(), randomScalar()];
      const u = ristretto.basePower(r);
      const uBar = ristretto.power(secondGenerator, r);
      const sharedElement = ristretto.power(publicKey, r);
      const key = bodyKey(u, sharedElement);
      const body = sealBody(key, plaintext);

      const [w, wBar] = [ristretto.basePower(s), ristretto.power(secondGenerator, s)];
      const e = challengeOf(label, digestOf(body), { u, uBar, w, wBar });
      const re = ristretto.multiplyScalars(r, e);
      const f = ristretto.addScalars(s, re);
      for (const secret of [r, s, re, sharedElement, key]) secret.fill(0);
      return concat(u, uBar, e, f, body);
    },
  };
}

/** As hashing.ts: each part after its length, so that the boundaries are bound too. */
function framed(domain: string, ...parts: readonly Uint8Array[]): Uint8Array {
  return concat(...[utf8(domain), ...parts].flatMap((part) => [encode(u32, part.length), part]));
}
