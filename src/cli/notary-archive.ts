/** The notary's documents of a replica, to be looked up: an index that follows the ledger (adapters/document-index.ts). */
import { rmSync } from "node:fs";
import { DocumentIndex } from "../adapters/document-index.js";
import type { Applied } from "../replica/machine/index.js";
import type { LedgerEntry } from "../replica/storage.js";
import { documentsOf } from "./notary-documents.js";

/** Payloads between two turns of the event loop while the index is made. */
const STRETCH = 2048;

export interface NotaryArchiveOptions {
  readonly path: string;
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** Of the ledger, ascending, from this number on, as far as it is kept. */
  readonly ledger: (sequence: number) => Iterable<LedgerEntry>;
  /** Payloads so far, and the documents among them. */
  readonly position: () => { readonly sequence: number; readonly documents: number };
  readonly onLog: (message: string) => void;
}

export class NotaryArchive {
  readonly #options: NotaryArchiveOptions;
  readonly index: DocumentIndex;

  /** Resolves when it has what the ledger has. */
  static async open(options: NotaryArchiveOptions): Promise<NotaryArchive> {
    const archive = new NotaryArchive(options, await openIndex(options));
    await archive.#catchUp();
    return archive;
  }

  private constructor(options: NotaryArchiveOptions, index: DocumentIndex) {
    this.#options = options;
    this.index = index;
  }

  async #catchUp(): Promise<void> {
    const { index } = this;
    const { ledger, position } = this.#options;
    const end = position();
    const [first] = ledger(index.sequence + 1);
    if (first === undefined) {
      if (end.sequence > index.sequence) index.skipTo(end.sequence, end.documents);
      return;
    }
    if (first.sequence > index.sequence + 1) {
      const kept = await this.#count(first.sequence);
      index.skipTo(first.sequence - 1, end.documents - kept);
    }
    let count = 0;
    for (const entry of ledger(index.sequence + 1)) {
      this.#append(entry);
      if (++count % STRETCH === 0) await index.flush();
    }
  }

  /** Documents in the ledger from this payload on. */
  async #count(from: number): Promise<number> {
    let [count, payloads] = [0, 0];
    for (const entry of this.#options.ledger(from)) {
      count += documentsOf(entry).length;
      if (++payloads % STRETCH === 0) await new Promise((resume) => setImmediate(resume));
    }
    return count;
  }

  /** Payloads that are durable, in their order. */
  applied(applied: readonly Applied[]): void {
    for (const { entry } of applied) if (entry.sequence > this.index.sequence) this.#append(entry);
  }

  #append(entry: LedgerEntry): void {
    const { sequence: number, round, timeMs } = entry;
    this.index.append({ number, round, timeMs }, documentsOf(entry));
  }

  /** A state was installed: the payloads that led to it are not to be had. */
  installed(): void {
    const { sequence, documents } = this.#options.position();
    if (sequence > this.index.sequence) this.index.skipTo(sequence, documents);
  }

  close(): Promise<void> {
    return this.index.close();
  }
}

/** A new one where the one that is there is ahead of the ledger, which was put back from a copy. */
async function openIndex({ path, cluster, position, onLog }: NotaryArchiveOptions): Promise<DocumentIndex> {
  const onError = (error: unknown): void => onLog(`the index of documents cannot be written: ${String(error)}`);
  const index = await DocumentIndex.open({ path, cluster, onError });
  if (index.sequence <= position().sequence) return index;
  await index.close();
  rmSync(path, { force: true });
  return DocumentIndex.open({ path, cluster, onError });
}
