/** The digest of a file, piece by piece: a file may be larger than memory. By our own code, since WebCrypto takes all at once, and only on secure origins. */
import { sha256 } from "@noble/hashes/sha2.js";

/** SHA-256, 32 bytes. `progress` hears how many bytes were read. @throws Error when the file cannot be read to its end */
export async function digestOf(file: Blob, progress: (bytes: number) => void): Promise<Uint8Array> {
  const hash = sha256.create();
  const reader = file.stream().getReader();
  let sizeBytes = 0;
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    hash.update(piece.value);
    sizeBytes += piece.value.length;
    progress(sizeBytes);
  }
  if (sizeBytes !== file.size) throw new Error(`only ${sizeBytes} of ${file.size} bytes could be read`);
  return hash.digest();
}
