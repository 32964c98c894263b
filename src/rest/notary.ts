/** Notarising and verifying by the REST API of a replica, in Node.js and in a browser (docs/rest.md). */
import { fromHex, toHex } from "../core/bytes.js";
import {
  checkStatement,
  formatReceipt,
  parseReceipt,
  type Receipt,
  sha256,
  type Verdict,
  verifyReceipt,
} from "../verify/index.js";
import { type PublicConfig, receiptKeyOf } from "./public-config.js";
import { ask, notUnderstood, type RestOptions, type RestSource, textOf } from "./request.js";

/** A document, or its SHA-256 as 64 hexadecimal digits. */
export type DigestOrBytes = string | Uint8Array | ArrayBuffer | Blob;

export interface RestNotarizeOptions extends RestOptions {
  /** Have it notarised once more, though it is known; else the receipt that there is is given again. */
  readonly new?: boolean;
}

/**
 * Has a document notarised, which stays where it is: the replica gets its SHA-256. The receipt says what it should; whether the cluster
 * signed that says `verify`.
 * @throws RestError when the replica does not, or answers with something else; TypeError for a digest that is none; what `fetch` throws
 */
export async function notarize(
  source: RestSource,
  document: DigestOrBytes,
  options: RestNotarizeOptions = {},
): Promise<Receipt> {
  const digest = toHex(await digestOf(document));
  const body = JSON.stringify({ digest, ...(options.new === true && { new: true }) });
  const headers = { "Content-Type": "application/json" };
  const answer = await ask(source, "/v1/entries", { method: "POST", headers, body }, options);
  return receiptFor(digest, await textOf(answer));
}

/** The receipt of a document that was notarised before. @throws as `notarize`; RestError with code `no-such-entry` when it was not */
export async function findReceipt(
  source: RestSource,
  document: DigestOrBytes,
  options: RestOptions = {},
): Promise<Receipt> {
  const digest = toHex(await digestOf(document));
  return receiptFor(digest, await textOf(await ask(source, `/v1/receipts?digest=${digest}`, {}, options)));
}

function receiptFor(digest: string, text: string): Receipt {
  const receipt = parseReceipt(text);
  if (!receipt.ok) throw notUnderstood(`the answer is no receipt: ${receipt.error}`);
  const stated = checkStatement(receipt.value);
  if (!stated.valid) throw notUnderstood(`the receipt contradicts itself: ${stated.reason}`);
  if (receipt.value.digest.value !== digest) throw notUnderstood("the receipt is for another document");
  return receipt.value;
}

/**
 * Whether the receipt proves that the cluster notarised the document. Nobody is asked. `publicConfig` is public.json, parsed, from a source
 * that is trusted. A receipt may be text, parsed JSON, or what `notarize` gave.
 * @throws TypeError for a digest or a public file that is none; ReceiptKeyError for a key that is none
 */
export async function verify(
  receipt: Receipt | string | object,
  publicConfig: PublicConfig,
  document: DigestOrBytes,
): Promise<Verdict> {
  const key = receiptKeyOf(publicConfig);
  const digest = await digestOf(document);
  const parsed = parseReceipt(textOfReceipt(receipt));
  if (!parsed.ok) return { valid: false, reason: `not a receipt: ${parsed.error}` };
  return verifyReceipt({ receipt: parsed.value, digest, ...key });
}

/** Whatever JSON there is may have been parsed. */
function textOfReceipt(receipt: unknown): string {
  if (typeof receipt === "string") return receipt;
  return isReceipt(receipt) ? formatReceipt(receipt) : JSON.stringify(receipt ?? null);
}

/** Its bytes are bytes: JSON has them as base64. */
function isReceipt(receipt: unknown): receipt is Receipt {
  return (
    typeof receipt === "object" && receipt !== null && "statement" in receipt && receipt.statement instanceof Uint8Array
  );
}

/** Also of another window. */
function isBuffer(value: unknown): value is ArrayBuffer {
  return Object.prototype.toString.call(value) === "[object ArrayBuffer]";
}

/** SHA-256, 32 bytes. @throws TypeError */
async function digestOf(document: DigestOrBytes): Promise<Uint8Array> {
  if (document instanceof Blob) return sha256(new Uint8Array(await document.arrayBuffer()));
  if (isBuffer(document)) return sha256(new Uint8Array(document));
  // As the bytes that they are, whatever they are seen as.
  if (ArrayBuffer.isView(document))
    return sha256(new Uint8Array(document.buffer, document.byteOffset, document.byteLength));
  // Numbers, lists and the like would be hashed as something else: who writes no TypeScript hears of it here.
  if (typeof document !== "string") throw new TypeError("a document is bytes or a Blob, or else its digest");
  const digest = fromHex(document);
  if (digest?.length === 32) return digest;
  throw new TypeError("a digest is 64 lower-case hexadecimal digits; encode text to bytes to have it hashed");
}
