/** The cluster's RSA key, as verification without the cluster uses it (WebCrypto). */

/** The key given for verification is none: the caller's mistake, never that of what is verified. */
export class ReceiptKeyError extends Error {
  override readonly name = "ReceiptKeyError";
}

export interface ReceiptKey {
  /** Of every signature by this key. */
  readonly signatureBytes: number;
  /** RSASSA-PKCS1-v1_5 with SHA-256. */
  verify(statement: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** @throws ReceiptKeyError when `spki` is not an RSA public key in SubjectPublicKeyInfo form */
export async function importReceiptKey(spki: Uint8Array): Promise<ReceiptKey> {
  const { subtle } = globalThis.crypto;
  try {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const key = await subtle.importKey("spki", new Uint8Array(spki), algorithm, false, ["verify"]);
    const { modulusLength } = key.algorithm as { readonly modulusLength?: unknown } & typeof key.algorithm;
    return {
      signatureBytes: Math.ceil(Number(modulusLength) / 8),
      verify: (statement, signature) =>
        subtle.verify("RSASSA-PKCS1-v1_5", key, new Uint8Array(signature), new Uint8Array(statement)),
    };
  } catch {
    throw new ReceiptKeyError("receiptKeySpki is not an RSA public key in SubjectPublicKeyInfo form");
  }
}
