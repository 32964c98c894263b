/**
 * Replaces randomness, in this process and during some calls only, by streams that depend on a name: so the code that deals and encrypts
 * runs as it is, and gives the same vectors each time. Whatever is random besides, such as the check of a key, does not show in them.
 */
import crypto, { createHash } from "node:crypto";
import { syncBuiltinESMExports } from "node:module";

const { randomBytes } = crypto;

/** The stream in use. */
let stream;

crypto.randomBytes = (sizeBytes) => {
  if (stream === undefined) return randomBytes(sizeBytes);
  const bytes = createHash("shake256", { outputLength: sizeBytes })
    .update(`abcast test vectors: ${stream.name}: ${stream.drawn.length}`)
    .digest();
  // A copy: whoever asked may wipe his.
  stream.drawn.push(Buffer.from(bytes));
  return bytes;
};
syncBuiltinESMExports();

/** What `work` gives when all its randomness comes from the stream `name`, and the bytes that it drew. */
export async function seeded(name, work) {
  stream = { name, drawn: [] };
  const { drawn } = stream;
  try {
    return { result: await work(), drawn };
  } finally {
    stream = undefined;
  }
}
