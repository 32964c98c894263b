/** SHA-256 by WebCrypto, for callers without `node:crypto`: a browser. */

/** 32 bytes. Holds the whole document in memory; Node programs should stream it through `node:crypto`. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  // WebCrypto itself refuses shared memory; a copy would take the document's size again.
  const document = bytes as Uint8Array<ArrayBuffer>;
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", document));
}
