/**
 * Offline verification of a receipt: a document, a receipt, and the cluster's public key are enough.
 * Runs in a browser (WebCrypto).
 */
import { sha256 as sha256Now } from "@noble/hashes/sha2.js";
import { fromHex, toHex } from "../core/bytes.js";
import { decodeLogHead } from "../services/notary/log-head.js";
import { encodeStatement } from "../services/notary/statement.js";
import { isIncluded, leafHash } from "../tlog/index.js";
import { type LoggedReceipt, type PlainReceipt, type Receipt, receiptOf } from "./receipt.js";
import { importReceiptKey } from "./receipt-key.js";

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

function invalid(reason: string): Verdict {
  return { valid: false, reason };
}

/** Whether the receipt's readable fields say what its statement says, or what is in the log that it names. The reason names the field. */
export function checkStatement(receipt: Receipt): Verdict {
  return receipt.format === "abcast-receipt/1" ? checkPlain(receipt) : checkLogged(receipt);
}

function checkPlain(receipt: PlainReceipt): Verdict {
  const stated = receiptOf(receipt.statement, receipt.signature);
  if (!stated.ok) return invalid(stated.error);
  const signed = stated.value;
  return compare([
    ["cluster", receipt.cluster, signed.cluster],
    ["sequence", receipt.sequence, signed.sequence],
    ["round", receipt.round, signed.round],
    ["time", receipt.time ?? null, signed.time ?? null],
    ["digest", receipt.digest.value, signed.digest.value],
    ["client", receipt.client, signed.client],
  ]);
}

type Said = string | number | null;

/** What the receipt says in each field, and its signed statement. */
function compare(fields: readonly (readonly [field: string, shown: Said, proved: Said])[]): Verdict {
  for (const [field, shown, proved] of fields) {
    if (shown !== proved)
      return invalid(
        `the receipt's ${field} says ${shown ?? "nothing"}, its signed statement says ${proved ?? "nothing"}`,
      );
  }
  return { valid: true };
}

function checkLogged(receipt: LoggedReceipt): Verdict {
  const decoded = decodeLogHead(receipt.statement);
  if (!decoded.ok) return invalid(`the statement is malformed: ${decoded.error}`);
  const head = decoded.value;
  const { index, documents, proof } = receipt.log;
  const compared = compare([
    ["cluster", receipt.cluster, toHex(head.cluster)],
    ["round", receipt.round, head.round],
    ["time", receipt.time, head.timeMs ?? null],
    ["log.documents", documents, head.documents],
  ]);
  if (!compared.valid) return compared;
  const { sequence, round, client, digest } = receipt;
  const [clientBytes, value] = [fromHex(client), fromHex(digest.value)];
  if (clientBytes?.length !== 32 || value?.length !== 32) return invalid("the receipt's client or digest is none");
  const own = encodeStatement({
    cluster: head.cluster,
    sequence,
    round,
    // That of the head: documents of one round have one time.
    timeMs: head.timeMs,
    digest: { algorithm: "sha256", value },
    client: clientBytes,
  });
  const inclusion = { leaf: leafHash(sha256Now, own), index, size: documents, root: head.root, proof };
  return isIncluded(sha256Now, inclusion)
    ? { valid: true }
    : invalid("the proof does not lead from what the receipt says to the root that its statement has");
}

/**
 * Valid exactly when the cluster's key signed a statement that says what the receipt shows, about this
 * document and this cluster. Never throws on a hostile receipt.
 * @throws ReceiptKeyError when `receiptKeySpki` is not an RSA public key.
 */
export async function verifyReceipt({ receipt, digest, receiptKeySpki, cluster }: ReceiptCheck): Promise<Verdict> {
  const key = await importReceiptKey(receiptKeySpki);
  const stated = checkStatement(receipt);
  if (!stated.valid) return stated;
  if (receipt.cluster !== cluster)
    return invalid(`the receipt is from cluster ${receipt.cluster}, not from ${cluster}`);
  const documentDigest = toHex(digest);
  if (receipt.digest.value !== documentDigest) {
    return invalid(`the document's SHA-256 is ${documentDigest}, the receipt is for ${receipt.digest.value}`);
  }
  if (receipt.signature.length !== key.signatureBytes) {
    return invalid(
      `the signature has ${receipt.signature.length} bytes, the cluster's key makes ${key.signatureBytes}`,
    );
  }
  const signed = await key.verify(receipt.statement, receipt.signature);
  return signed ? { valid: true } : invalid("the signature on the statement is not the cluster's");
}
