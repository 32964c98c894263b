/** A document of any size, reduced to its SHA-256 without being held in memory. */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { InputError, naming } from "../replica/input-error.js";

/** 64 GiB: minutes of hashing; larger inputs are more likely a mistake, like a disk image by accident. */
export const MAX_DOCUMENT_BYTES = 64 * 1024 ** 3;

const CHUNK_BYTES = 1024 * 1024;

export interface DocumentHash {
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  readonly sizeBytes: number;
}

/**
 * @param onProgress called after each chunk, with the bytes hashed so far and the file's size
 * @throws InputError naming `path` when it is no regular file, cannot be read, is larger than
 * MAX_DOCUMENT_BYTES, or changes its size while it is read
 */
export async function hashDocument(
  path: string,
  onProgress?: (doneBytes: number, sizeBytes: number) => void,
): Promise<DocumentHash> {
  // Non-blocking, so that a named pipe is refused below instead of waited for.
  const handle = await naming(path, open(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    const status = await naming(path, handle.stat());
    if (status.isDirectory()) throw new InputError({ file: path }, "is a directory, a file is needed");
    if (!status.isFile())
      throw new InputError({ file: path }, "is not a regular file; copy its content into one first");
    if (status.size > MAX_DOCUMENT_BYTES) {
      throw new InputError(
        { file: path },
        `has ${status.size} bytes, at most ${MAX_DOCUMENT_BYTES} (64 GiB) are accepted; notarise a digest list of its parts instead`,
      );
    }
    const hash = createHash("sha256");
    const chunk = new Uint8Array(CHUNK_BYTES);
    let doneBytes = 0;
    for (;;) {
      const { bytesRead } = await naming(path, handle.read(chunk, 0, chunk.length, doneBytes));
      if (bytesRead === 0) break;
      hash.update(chunk.subarray(0, bytesRead));
      doneBytes += bytesRead;
      if (doneBytes > status.size) break;
      onProgress?.(doneBytes, status.size);
    }
    if (doneBytes !== status.size)
      throw new InputError({ file: path }, "changed its size while it was read; try again when nobody writes to it");
    return { digest: new Uint8Array(hash.digest()), sizeBytes: doneBytes };
  } finally {
    await handle.close();
  }
}
