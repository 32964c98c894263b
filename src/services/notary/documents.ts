/**
 * The documents of the notary as a log: a Merkle tree that grows, of which the last documents are kept, so that the receipts of one
 * round can share a signature on its head. In the state of the service, and so the same at every replica.
 */
import {
  type Value,
  atMost,
  decode,
  encode,
  fixedBytes,
  list,
  refine,
  struct,
  u32,
  u64,
  union,
} from "../../core/codec.js";
import { type Hash, TreeWindow, leafHash, rangeProof, subtreeCount } from "../../tlog/index.js";

/** Documents that are kept; of a longer last round, all of it. */
export const MAX_RECENT_DOCUMENTS = 16_384;
/** In one chunk of the snapshot. */
const CHUNK_DOCUMENTS = 1024;

const documentCodec = struct({
  leaf: fixedBytes(32),
  /** Of the request; not less than that of the document before. */
  sequence: u64,
  round: u64,
});
type Document = Value<typeof documentCodec>;

const chunkCodec = union({
  start: struct({
    documents: u64,
    /** The tree before the first document that is kept. */
    size: u64,
    subtrees: list(fixedBytes(32), 53),
  }),
  /** Those with indices from `part` × 1024 on, as far as they are kept. */
  documents: struct({
    part: atMost(u32, 2 ** 32 - 1),
    documents: refine(list(documentCodec, CHUNK_DOCUMENTS), ({ length }) => (length > 0 ? undefined : "no documents")),
  }),
});

/** Where the documents of one request stand. */
export interface Place {
  /** Index of the first one in the log, from 0 on. */
  readonly first: number;
  /** Documents in the log after the round. */
  readonly size: number;
  /** The range proof (tlog/range-proof.ts). */
  readonly proof: readonly Uint8Array[];
  /** Of the log after the round. */
  readonly root: Uint8Array;
}

export class Documents {
  readonly #hash: Hash;
  #tree: TreeWindow;
  /** Those of the window. */
  #recent: Document[] = [];

  constructor(hash: Hash) {
    this.#hash = hash;
    this.#tree = new TreeWindow(hash);
  }

  get count(): number {
    return this.#tree.size;
  }

  add(statement: Uint8Array, at: Pick<Document, "sequence" | "round">): void {
    if (at.round !== this.#recent.at(-1)?.round) this.#trim();
    const leaf = leafHash(this.#hash, statement);
    this.#recent.push({ leaf, ...at });
    this.#tree.push(leaf);
  }

  /** Forgets the oldest, in whole rounds. */
  #trim(): void {
    const excess = this.#recent.length - MAX_RECENT_DOCUMENTS;
    const round = this.#recent[excess - 1]?.round;
    if (excess <= 0 || round === undefined) return;
    const kept = this.#recent.findIndex((document) => document.round > round);
    const gone = kept < 0 ? this.#recent.length : kept;
    this.#tree.trim(this.#tree.start.size + gone);
    this.#recent = this.#recent.slice(gone);
  }

  /** Of the `count` documents of the request with this number; undefined when they are not kept, or not so many. */
  place(sequence: number, count: number): Place | undefined {
    const at = lowerBound(this.#recent, (document) => document.sequence < sequence);
    const [first, last, after] = [this.#recent[at], this.#recent[at + count - 1], this.#recent[at + count]];
    if (first?.sequence !== sequence || last?.sequence !== sequence || after?.sequence === sequence) return undefined;
    const start = this.#tree.start.size;
    const size = start + lowerBound(this.#recent, ({ round }) => round <= first.round);
    const range = { first: start + at, count, size };
    const proof = rangeProof(this.#hash, this.#tree.nodeAt, range);
    return { first: range.first, size, proof, root: this.#tree.rootAt(size) };
  }

  snapshot(): Uint8Array[] {
    const { size, subtrees } = this.#tree.start;
    const chunks = [encode(chunkCodec, { kind: "start", documents: this.count, size, subtrees: [...subtrees] })];
    for (let from = 0; from < this.#recent.length;) {
      const part = Math.floor((size + from) / CHUNK_DOCUMENTS);
      const end = Math.min((part + 1) * CHUNK_DOCUMENTS - size, this.#recent.length);
      chunks.push(encode(chunkCodec, { kind: "documents", part, documents: this.#recent.slice(from, end) }));
      from = end;
    }
    return chunks;
  }

  /** @throws Error when the chunks are not those of a snapshot */
  restore(chunks: Iterable<Uint8Array>): void {
    const decoded = [...chunks].map((chunk) => {
      const value = decode(chunkCodec, chunk);
      if (!value.ok) throw new Error(`the notary's snapshot is none: ${value.error}`);
      return value.value;
    });
    const [start, ...others] = decoded;
    if (start?.kind !== "start" || start.subtrees.length !== subtreeCount(start.size))
      throw new Error("the notary's snapshot does not begin with its start");
    const recent = others.flatMap((chunk) => {
      if (chunk.kind !== "documents") throw new Error("the notary's snapshot starts twice");
      return chunk.documents.map((document) => ({ ...document, leaf: document.leaf.slice() }));
    });
    for (const [index, document] of recent.entries()) {
      const before = recent[index - 1];
      if (before !== undefined && (document.sequence < before.sequence || document.round < before.round))
        throw new Error("documents of the notary's snapshot are out of order");
    }
    const frontier = { size: start.size, subtrees: start.subtrees.map((subtree) => subtree.slice()) };
    const leaves = recent.map(({ leaf }) => leaf);
    const tree = new TreeWindow(this.#hash, frontier, leaves);
    if (tree.size !== start.documents) throw new Error("the notary's snapshot lacks documents");
    this.#tree = tree;
    this.#recent = recent;
  }

  /** From the first chunk of a snapshot; undefined when it is another. Total. */
  static countIn(chunk: Uint8Array): number | undefined {
    const decoded = decode(chunkCodec, chunk);
    return decoded.ok && decoded.value.kind === "start" ? decoded.value.documents : undefined;
  }
}

/** The index of the first for which `isBefore` does not hold; it holds for those before it, and for none after. */
function lowerBound(documents: readonly Document[], isBefore: (document: Document) => boolean): number {
  let low = 0;
  let high = documents.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const document = documents[middle];
    if (document !== undefined && isBefore(document)) low = middle + 1;
    else high = middle;
  }
  return low;
}
