/**
 * Party i gets fragment i of an erasure code, and the root is that of the Merkle tree over all fragments (Cachin and Tessaro,
 * "Asynchronous verifiable information dispersal", SRDS 2005).
 *
 * A message is put behind its length, filled up with zeros, and cut into as many data fragments of one length as parties can
 * always collect. A sender may build a tree over fragments that are no codeword. Whoever joins fragments therefore splits
 * the outcome again and compares the roots: if they are equal, the leaves are the codeword of this message, and any fragments
 * give it; if not, the tree is not that of any message, and no other fragments can give one.
 */
import { concat, equalBytes } from "../../core/bytes.js";
import type { Group } from "../../core/group.js";
import type { Suite } from "../../core/suite.js";
import { type Dissemination, type Piece, pieceCodec } from "./dissemination.js";
import { fragmentCount } from "./fragment-count.js";
import { merkleTree, rootOfPath } from "../../core/merkle.js";
import { MAX_FRAGMENTS, decodeFragments, encodeFragments } from "./reed-solomon.js";

const LENGTH_BYTES = 4;

export function codedPieceCodec(maxBytes: number): ReturnType<typeof pieceCodec> {
  return pieceCodec(LENGTH_BYTES + maxBytes, Math.log2(MAX_FRAGMENTS));
}

export function codedDissemination(group: Group, suite: Suite, maxBytes: number): Dissemination {
  const needed = fragmentCount(group);
  const hash = (bytes: Uint8Array): Uint8Array => suite.hash(bytes);
  const fragmentBytes = (messageBytes: number): number => Math.ceil((LENGTH_BYTES + messageBytes) / needed);

  const split = (message: Uint8Array): { readonly root: Uint8Array; readonly pieces: readonly Piece[] } => {
    const fragments = encodeFragments(cut(frame(message, needed * fragmentBytes(message.length)), needed), group.n);
    const { root, paths } = merkleTree(hash, fragments);
    return { root, pieces: fragments.map((fragment, party) => ({ bytes: fragment, path: paths[party] ?? [] })) };
  };

  return {
    needed,
    split: (message) => split(message).pieces,
    rootOf: (party, { bytes, path }) =>
      bytes.length <= fragmentBytes(maxBytes) ? rootOfPath(hash, bytes, party, group.n, path) : undefined,
    join: (root, pieces) => {
      if (new Set([...pieces.values()].map(({ length }) => length)).size > 1) return undefined;
      const message = unframe(concat(...decodeFragments(pieces)), maxBytes);
      return message !== undefined && equalBytes(split(message).root, root) ? message : undefined;
    },
  };
}

/** The length, the message, zeros. */
function frame(message: Uint8Array, sizeBytes: number): Uint8Array {
  const framed = new Uint8Array(sizeBytes);
  new DataView(framed.buffer).setUint32(0, message.length);
  framed.set(message, LENGTH_BYTES);
  return framed;
}

/**
 * Total. Undefined when there is no length, or one above `maxBytes`. A length beyond the end gives what there is, a message that
 * splits otherwise.
 */
function unframe(framed: Uint8Array, maxBytes: number): Uint8Array | undefined {
  if (framed.length < LENGTH_BYTES) return undefined;
  const sizeBytes = new DataView(framed.buffer, framed.byteOffset).getUint32(0);
  return sizeBytes <= maxBytes ? framed.subarray(LENGTH_BYTES, LENGTH_BYTES + sizeBytes) : undefined;
}

/** `count` parts of one length, without copying. */
function cut(bytes: Uint8Array, count: number): Uint8Array[] {
  const sizeBytes = bytes.length / count;
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * sizeBytes, (index + 1) * sizeBytes));
}
