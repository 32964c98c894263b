/**
 * The documents below a directory, and their receipts: each beside its document, `FILE.receipt`, so that what is done needs no other
 * record. Whoever was interrupted goes on where the receipts end.
 */
import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";
import { toHex } from "../core/bytes.js";
import { InputError, naming } from "../replica/input-error.js";
import { readReceipt } from "./receipt-file.js";

export const RECEIPT_SUFFIX = ".receipt";

/** Regular files below `directory`, in the order of their paths; no receipts, nothing temporary, and no links. @throws InputError */
export async function* documentsBelow(directory: string): AsyncGenerator<string> {
  const entries = await naming(directory, readdir(directory, { withFileTypes: true }));
  entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* documentsBelow(path);
    else if (entry.isFile() && !entry.name.endsWith(RECEIPT_SUFFIX) && !entry.name.endsWith(".tmp")) yield path;
  }
}

export function receiptPath(document: string): string {
  return `${document}${RECEIPT_SUFFIX}`;
}

export async function hasReceipt(document: string): Promise<boolean> {
  const status = await lstat(receiptPath(document)).catch(() => undefined);
  return status !== undefined;
}

/**
 * What the receipt beside a document says of a document with this digest: `none` is there, it is `right`, or of something `else`: of other
 * content, of another cluster, or no receipt.
 */
export async function receiptState(
  document: string,
  { digest, cluster }: { readonly digest: Uint8Array; readonly cluster: Uint8Array },
): Promise<"none" | "right" | "else"> {
  if (!(await hasReceipt(document))) return "none";
  const receipt = await readReceipt(receiptPath(document)).catch((error: unknown) => {
    if (error instanceof InputError) return undefined;
    throw error;
  });
  if (receipt?.ok !== true) return "else";
  const isRight = receipt.value.digest.value === toHex(digest) && receipt.value.cluster === toHex(cluster);
  return isRight ? "right" : "else";
}
