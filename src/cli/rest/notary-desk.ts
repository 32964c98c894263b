/** Documents that are notarised for whoever asks a replica over REST: by the client that the replica is, each digest once. */
import { createHash } from "node:crypto";
import type { IndexedDocument } from "../../adapters/document-index.js";
import { ProblemError } from "../../adapters/rest/index.js";
import type { Client } from "../../client/index.js";
import { toHex } from "../../core/bytes.js";
import type { PlainReceipt } from "../../verify/index.js";
import type { NotaryArchive } from "../notary-archive.js";
import { asProblems, notServing } from "./failures.js";

/** For the cluster to answer; below the server's bound on a connection's life. */
const CALL_TIMEOUT_MS = 8_000;
/** Receipts that are remembered: to make one takes every replica some milliseconds. */
const MAX_REMEMBERED_RECEIPTS = 1_024;
/** Documents that are being notarised: a further one is refused. */
const MAX_UNDER_WAY = 256;

export interface NotaryDeskOptions {
  /** This replica's client of the cluster. */
  client(): Pick<Client, "notarize" | "receipt"> | undefined;
  /** Undefined where the replica does not keep its ledger, and while it starts. */
  archive(): Pick<NotaryArchive, "index"> | undefined;
}

export class NotaryDesk {
  readonly #options: NotaryDeskOptions;
  /** By digest. */
  readonly #underWay = new Map<string, Promise<PlainReceipt>>();
  /** By number and index; the oldest first. */
  readonly #receipts = new Map<string, PlainReceipt>();
  #count = 0;

  constructor(options: NotaryDeskOptions) {
    this.#options = options;
  }

  /** The receipt that there is, or that of a new entry. @throws ProblemError */
  async notarize(digest: Uint8Array, isNew: boolean): Promise<PlainReceipt> {
    if (isNew) return this.#order(digest);
    const known = this.#options.archive()?.index.byDigest(digest);
    if (known !== undefined) return this.receiptOf(known);
    const key = toHex(digest);
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    const ordered = this.#order(digest);
    this.#underWay.set(key, ordered);
    try {
      return await ordered;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #order(digest: Uint8Array): Promise<PlainReceipt> {
    if (this.#count >= MAX_UNDER_WAY) {
      const detail = `${MAX_UNDER_WAY} documents are being notarised here; try again`;
      throw new ProblemError({ status: 503, code: "busy", detail, retryAfterMs: 1_000 });
    }
    this.#count++;
    try {
      const { receipt } = await asProblems(this.#client().notarize(digest, CALL_TIMEOUT_MS));
      return this.#remember(`${receipt.sequence}/0`, receipt);
    } finally {
      this.#count--;
    }
  }

  /** The receipt of a document that the index has. @throws ProblemError */
  async receiptOf({ number, index, digest }: IndexedDocument): Promise<PlainReceipt> {
    const key = `${number}/${index}`;
    const known = this.#receipts.get(key);
    if (known !== undefined) return known;
    const { receipt } = await asProblems(this.#client().receipt({ sequence: number, index }, CALL_TIMEOUT_MS));
    if (receipt.digest.value !== toHex(digest)) throw new Error(`the index has another document as ${key}`);
    return this.#remember(key, receipt);
  }

  #client(): Pick<Client, "notarize" | "receipt"> {
    const client = this.#options.client();
    if (client === undefined) throw notServing();
    return client;
  }

  #remember(key: string, receipt: PlainReceipt): PlainReceipt {
    this.#receipts.set(key, receipt);
    const [oldest] = this.#receipts.keys();
    if (this.#receipts.size > MAX_REMEMBERED_RECEIPTS && oldest !== undefined) this.#receipts.delete(oldest);
    return receipt;
  }
}

/** Its SHA-256; nothing of it is kept. */
export async function digestOf(document: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const hash = createHash("sha256");
  for await (const chunk of document) hash.update(chunk);
  return new Uint8Array(hash.digest());
}
