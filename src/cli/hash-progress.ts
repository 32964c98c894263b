/** Hashes a document behind a progress bar, when it is large and somebody is watching. */
import { SingleBar } from "cli-progress";
import { type DocumentHash, hashDocument } from "./document.js";
import type { Output } from "./output.js";

/** Below this a bar would only flash. */
const BAR_FROM_BYTES = 256 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;

/** @throws InputError as `hashDocument` does */
export async function hashWithProgress(path: string, output: Output): Promise<DocumentHash> {
  if (output.live === undefined) return hashDocument(path);
  let bar: SingleBar | undefined;
  try {
    return await hashDocument(path, (doneBytes, sizeBytes) => {
      if (sizeBytes < BAR_FROM_BYTES) return;
      if (bar === undefined) {
        bar = new SingleBar({
          format: "hashing [{bar}] {percentage}% of {total} MiB",
          stream: process.stderr,
          clearOnComplete: true,
        });
        bar.start(Math.ceil(sizeBytes / MEBIBYTE), 0);
      }
      bar.update(Math.floor(doneBytes / MEBIBYTE));
    });
  } finally {
    bar?.stop();
  }
}
