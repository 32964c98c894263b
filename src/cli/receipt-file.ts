/** Reading a receipt file. A file that is no receipt is an invalid receipt, not a usage error. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { fromUtf8 } from "../core/bytes.js";
import type { Decoded } from "../core/codec.js";
import { InputError, naming } from "../replica/input-error.js";
import { MAX_RECEIPT_BYTES, parseReceipt, type Receipt } from "../verify/index.js";

/**
 * The receipt, or why the file's content is none: a single flipped bit may leave anything.
 * @throws InputError when `path` cannot be read as a regular file
 */
export async function readReceipt(path: string): Promise<Decoded<Receipt>> {
  const handle = await naming(path, open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const status = await naming(path, handle.stat());
    if (status.isDirectory()) throw new InputError({ file: path }, "is a directory, a receipt file is needed");
    if (!status.isFile()) throw new InputError({ file: path }, "is not a regular file");
    if (status.size > MAX_RECEIPT_BYTES) return { ok: false, error: `longer than ${MAX_RECEIPT_BYTES} bytes` };
    const content = await naming(path, handle.readFile());
    try {
      return parseReceipt(fromUtf8(content));
    } catch {
      return { ok: false, error: "not UTF-8 text" };
    }
  } finally {
    await handle.close();
  }
}
