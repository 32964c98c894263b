/** Notarises many documents, some together, and writes each its receipt as soon as it has one. */
import { type Client, MAX_NOTARIZED_TOGETHER } from "../client/index.js";
import { formatReceipt, type LoggedReceipt } from "../verify/index.js";
import { receiptPath, receiptState } from "./document-tree.js";
import { hashDocument } from "./document.js";
import { writeWhole } from "./whole-file.js";

/** Requests that are under way at once: while one is ordered, the documents of the next are read. */
const MAX_REQUESTS = 4;

export interface BatchOptions {
  readonly timeoutMs: number;
  /** A document has its receipt now. */
  onReceipt?(document: string, receipt: LoggedReceipt): void;
  /** A document needs none any more, or cannot have one. */
  onPassed?(document: string, state: "right" | "else"): void;
}

interface Pending {
  readonly document: string;
  readonly digest: Uint8Array;
}

export interface BatchResult {
  readonly notarized: number;
  /** Had their receipt. */
  readonly skipped: number;
  /** Beside which there is a receipt of something else, or a file that is none: it stays, and they get none. */
  readonly refused: readonly string[];
  /** Parties that sent a bad share. */
  readonly faulty: readonly number[];
}

/** @throws what hashing, the client and writing throw; receipts written until then stay */
export async function notarizeDocuments(
  client: Client,
  documents: AsyncIterable<string> | Iterable<string>,
  options: BatchOptions,
): Promise<BatchResult> {
  const { cluster } = client;
  const result = { notarized: 0, skipped: 0, refused: [] as string[] };
  const faulty = new Set<number>();
  const requests = new Set<Promise<void>>();
  let batch: Pending[] = [];

  const notarize = async (pending: readonly Pending[]): Promise<void> => {
    const digests = pending.map(({ digest }) => digest);
    const notarized = await client.notarizeAll(digests, options.timeoutMs);
    for (const party of notarized.faulty) faulty.add(party);
    for (const [index, receipt] of notarized.receipts.entries()) {
      const document = pending[index]?.document ?? "";
      await writeWhole(receiptPath(document), formatReceipt(receipt));
      result.notarized += 1;
      options.onReceipt?.(document, receipt);
    }
  };
  const begin = async (): Promise<void> => {
    if (requests.size >= MAX_REQUESTS) await Promise.race(requests);
    const request = notarize(batch).then(() => void requests.delete(request));
    // It may fail while the next documents are read; whoever waits for the requests hears of it.
    request.catch(() => undefined);
    requests.add(request);
    batch = [];
  };

  try {
    for await (const document of documents) {
      const { digest } = await hashDocument(document);
      const state = await receiptState(document, { digest, cluster });
      if (state !== "none") {
        if (state === "right") result.skipped += 1;
        else result.refused.push(document);
        options.onPassed?.(document, state);
        continue;
      }
      batch.push({ document, digest });
      if (batch.length === MAX_NOTARIZED_TOGETHER) await begin();
    }
    if (batch.length > 0) await begin();
  } finally {
    // Also after an error: what is under way may still get its receipts.
    await Promise.allSettled(requests);
  }
  await Promise.all(requests);
  return { ...result, faulty: [...faulty].sort((a, b) => a - b) };
}
