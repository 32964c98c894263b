/** All of stdin; undefined when it is longer than `maxBytes`, of which no more is read then. */
export async function readStdin(maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of process.stdin) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError("stdin is read as text");
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
