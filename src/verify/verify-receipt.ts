/**
 * Offline verification of a receipt: a document, a receipt, and the cluster's public key are enough.
 * Runs in a browser (WebCrypto).
 */
import { toHex } from "../core/bytes.js";
import { type Receipt, receiptOf } from "./receipt.js";

export type Verdict = { readonly valid: true } | { readonly valid: false; readonly reason: string };

export interface ReceiptCheck {
  readonly receipt: Receipt;
  /** SHA-256 of the document, 32 bytes, computed by the caller. */
  readonly digest: Uint8Array;
  /** The cluster's RSA key as DER SubjectPublicKeyInfo, from a source that the caller trusts. */
  readonly receiptKeySpki: Uint8Array;
  /** The cluster's identifier that the caller expects, 64 lower-case hexadecimal digits. */
  readonly cluster: string;
}

/** The key given for verification is none: the caller's mistake, never the receipt's. */
export class ReceiptKeyError extends Error {
  override readonly name = "ReceiptKeyError";
}

function invalid(reason: string): Verdict {
  return { valid: false, reason };
}

/** Whether the receipt's readable fields say what its statement says. The reason names the field. */
export function checkStatement(receipt: Receipt): Verdict {
  const stated = receiptOf(receipt.statement, receipt.signature);
  if (!stated.ok) return invalid(stated.error);
  const signed = stated.value;
  const pairs: readonly (readonly [string, string | number, string | number])[] = [
    ["cluster", receipt.cluster, signed.cluster],
    ["sequence", receipt.sequence, signed.sequence],
    ["round", receipt.round, signed.round],
    ["digest", receipt.digest.value, signed.digest.value],
    ["client", receipt.client, signed.client],
  ];
  for (const [field, shown, proved] of pairs) {
    if (shown !== proved) return invalid(`the receipt's ${field} says ${shown}, its signed statement says ${proved}`);
  }
  return { valid: true };
}

/**
 * Valid exactly when the cluster's key signed a statement that says what the receipt shows, about this
 * document and this cluster. Never throws on a hostile receipt.
 * @throws ReceiptKeyError when `receiptKeySpki` is not an RSA public key.
 */
export async function verifyReceipt({ receipt, digest, receiptKeySpki, cluster }: ReceiptCheck): Promise<Verdict> {
  const { key, modulusBytes } = await importKey(receiptKeySpki);
  const stated = checkStatement(receipt);
  if (!stated.valid) return stated;
  if (receipt.cluster !== cluster)
    return invalid(`the receipt is from cluster ${receipt.cluster}, not from ${cluster}`);
  const documentDigest = toHex(digest);
  if (receipt.digest.value !== documentDigest) {
    return invalid(`the document's SHA-256 is ${documentDigest}, the receipt is for ${receipt.digest.value}`);
  }
  if (receipt.signature.length !== modulusBytes) {
    return invalid(`the signature has ${receipt.signature.length} bytes, the cluster's key makes ${modulusBytes}`);
  }
  const { subtle } = globalThis.crypto;
  const signed = await subtle.verify("RSASSA-PKCS1-v1_5", key, receipt.signature, receipt.statement);
  return signed ? { valid: true } : invalid("the signature on the statement is not the cluster's");
}

interface ImportedKey {
  readonly key: Awaited<ReturnType<typeof globalThis.crypto.subtle.importKey>>;
  readonly modulusBytes: number;
}

async function importKey(spki: Uint8Array): Promise<ImportedKey> {
  try {
    const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
    const key = await globalThis.crypto.subtle.importKey("spki", spki, algorithm, false, ["verify"]);
    const { modulusLength } = key.algorithm as { readonly modulusLength?: unknown } & typeof key.algorithm;
    return { key, modulusBytes: Math.ceil(Number(modulusLength) / 8) };
  } catch {
    throw new ReceiptKeyError("receiptKeySpki is not an RSA public key in SubjectPublicKeyInfo form");
  }
}
