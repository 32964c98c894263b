/** The notary over REST: submitting documents, receipts, the documents that were notarised, and events of new ones. */
import { z } from "zod";
import type { DocumentIndex, IndexedDocument } from "../../adapters/document-index.js";
import {
  eventRoute,
  type EventStreams,
  type Feed,
  type FeedEvent,
  jsonRoute,
  ProblemError,
  type Route,
  wholeParameter,
} from "../../adapters/rest/index.js";
import { fromHex, toHex } from "../../core/bytes.js";
import {
  digestField,
  type Entry,
  entriesSchema,
  entrySchema,
  newEntrySchema,
  receiptSchema,
} from "../../rest/schemas.js";
import type { ReceiptJson } from "../../rest/schemas.js";
import { formatReceipt, type PlainReceipt } from "../../verify/index.js";
import type { NotaryArchive } from "../notary-archive.js";
import { CALL_PROBLEMS } from "./failures.js";
import { digestOf, NotaryDesk, type NotaryDeskOptions } from "./notary-desk.js";

/** Entries in one answer; those of its last number are all in it. */
const MAX_ENTRIES = 1_000;
const DEFAULT_ENTRIES = 100;
/** For a document to arrive. */
const DOCUMENT_TIMEOUT_MS = 120_000;
/** What a request costs that every replica makes a share for. */
const SHARE_COST = 2;
const ORDER_COST = 5;

export interface NotaryRoutesOptions extends NotaryDeskOptions {
  archive(): NotaryArchive | undefined;
  readonly streams: EventStreams;
  readonly maxDocumentBytes: number;
}

const receipt = { name: "Receipt", schema: receiptSchema };
const entry = { name: "Entry", schema: entrySchema };
const number = wholeParameter(1, Number.MAX_SAFE_INTEGER);
const index = wholeParameter(0, 0xffff_ffff)
  .optional()
  .describe("which of the documents with this number, from 0 on; left out: the only one");
const isNew = z
  .enum(["true", "false"])
  .transform((text) => text === "true")
  .pipe(z.boolean())
  .optional()
  .describe("have it notarised once more, though it is known");

const NO_LEDGER = { "no-ledger": "this replica starts, or does not keep what was delivered: ask another one" } as const;
const NO_ENTRY = {
  ...NO_LEDGER,
  "no-such-entry": "no document has this number or digest, as far as this replica knows",
};
const SEVERAL = { "several-documents": "several documents have this number: say which by index" } as const;

export function notaryRoutes(options: NotaryRoutesOptions): Route[] {
  const desk = new NotaryDesk(options);
  const { maxDocumentBytes } = options;
  return [
    jsonRoute({
      method: "POST",
      path: "/v1/entries",
      operationId: "notarizeDigest",
      summary: "have a document notarised by its digest; gives its receipt",
      problems: CALL_PROBLEMS,
      cost: ORDER_COST,
      body: { kind: "json", name: "NewEntry", schema: newEntrySchema },
      answer: receipt,
      run: async ({ body }) => receiptJson(await desk.notarize(bytesOf(body.digest), body.new ?? false)),
    }),
    jsonRoute({
      method: "POST",
      path: "/v1/documents",
      operationId: "notarizeDocument",
      summary: "have a document notarised, which the replica hashes and does not keep; gives its receipt",
      problems: CALL_PROBLEMS,
      cost: ORDER_COST,
      query: { new: isNew },
      body: { kind: "stream", maxBytes: maxDocumentBytes, timeoutMs: DOCUMENT_TIMEOUT_MS },
      answer: receipt,
      run: async ({ body, query }) => receiptJson(await desk.notarize(await digestOf(body), query.new ?? false)),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/receipts/{number}",
      operationId: "receiptByNumber",
      summary: "the receipt of the document with this number",
      problems: { ...CALL_PROBLEMS, ...NO_ENTRY, ...SEVERAL },
      cost: SHARE_COST,
      params: { number },
      query: { index },
      answer: receipt,
      run: async ({ params, query }) =>
        receiptJson(await desk.receiptOf(oneOf(indexOf(options), params.number, query.index))),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/receipts",
      operationId: "receiptByDigest",
      summary: "the receipt of the first document with this digest",
      problems: { ...CALL_PROBLEMS, ...NO_ENTRY },
      cost: SHARE_COST,
      query: { digest: digestField },
      answer: receipt,
      run: async ({ query }) => {
        const found = indexOf(options).byDigest(bytesOf(query.digest));
        if (found === undefined)
          throw noEntry("no document with this digest was notarised, as far as this replica knows");
        return receiptJson(await desk.receiptOf(found));
      },
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/entries",
      operationId: "listEntries",
      summary: "documents that were notarised, ascending from a number on",
      problems: NO_LEDGER,
      query: {
        from: number.optional().describe("the first number; left out: 1"),
        limit: wholeParameter(1, MAX_ENTRIES)
          .optional()
          .describe(`so many, and what else the last number has; left out: ${DEFAULT_ENTRIES}`),
      },
      answer: { name: "Entries", schema: entriesSchema },
      run: ({ query }) => Promise.resolve(page(indexOf(options), query.from ?? 1, query.limit ?? DEFAULT_ENTRIES)),
    }),
    jsonRoute({
      method: "GET",
      path: "/v1/entries/{number}",
      operationId: "entryByNumber",
      summary: "the document with this number",
      problems: { ...NO_ENTRY, ...SEVERAL },
      params: { number },
      query: { index },
      answer: entry,
      run: ({ params, query }) => Promise.resolve(entryOf(oneOf(indexOf(options), params.number, query.index))),
    }),
    eventRoute({
      method: "GET",
      path: "/v1/events",
      operationId: "followEntries",
      summary: "an event `entry` for each document that is notarised, the number as its id",
      problems: { ...NO_LEDGER, "too-many-streams": "here, or of this client" },
      cost: ORDER_COST,
      query: { from: number.optional().describe("the first number; left out: after Last-Event-ID, or from now on") },
      event: entry,
      run: async ({ query, client, header }) => {
        const documents = indexOf(options);
        const last = /^[1-9][0-9]{0,15}$/.exec(header("last-event-id") ?? "")?.[0];
        const from = last === undefined ? (query.from ?? documents.sequence + 1) : Number(last) + 1;
        return options.streams.stream(client, feedOf(documents), from);
      },
    }),
  ];
}

/** @throws ProblemError */
export function indexOf({ archive }: Pick<NotaryRoutesOptions, "archive">): DocumentIndex {
  const found = archive();
  if (found !== undefined) return found.index;
  throw new ProblemError({ status: 404, code: "no-ledger", detail: NO_LEDGER["no-ledger"] });
}

/** @throws ProblemError when there is none, or it is not clear which */
export function oneOf(documents: DocumentIndex, number: number, index: number | undefined): IndexedDocument {
  const found = documents.byNumber(number);
  if (index === undefined && found.length > 1)
    throw new ProblemError({
      status: 409,
      code: "several-documents",
      detail: `${found.length} documents have this number: say which by index`,
    });
  const one = found[index ?? 0];
  if (one === undefined) throw noEntry("no document has this number, as far as this replica knows");
  return one;
}

function noEntry(detail: string): ProblemError {
  return new ProblemError({ status: 404, code: "no-such-entry", detail });
}

function page(documents: DocumentIndex, from: number, limit: number): z.input<typeof entriesSchema> {
  const found = documents.from(from, limit);
  const last = found.at(-1);
  const hasMore = last !== undefined && documents.from(last.number + 1, 1).length > 0;
  return { entries: found.map(entryOf), next: hasMore ? last.number + 1 : null };
}

export function entryOf({ number, index, digest, round, timeMs, client, logIndex }: IndexedDocument): Entry {
  return {
    sequenceNumber: number,
    index,
    digest: toHex(digest),
    round,
    time: timeMs ?? null,
    client: toHex(client),
    logIndex,
  };
}

/** Numbers are the places of the feed. */
function feedOf(documents: DocumentIndex): Feed {
  return {
    onMore: (listener) => documents.onMore(listener),
    events: (from, limit) => {
      const found = documents.from(from, limit);
      return found.map((document, at): FeedEvent => {
        // Who is cut off among the documents of one number gets them all again.
        const isLast = found[at + 1]?.number !== document.number;
        const { number: sequence } = document;
        return {
          event: "entry",
          id: isLast ? String(sequence) : undefined,
          data: entryOf(document),
          next: isLast ? sequence + 1 : sequence,
        };
      });
    },
  };
}

/** As the file has it. */
function receiptJson(of: PlainReceipt): ReceiptJson {
  return receiptSchema.parse(JSON.parse(formatReceipt(of)));
}

function bytesOf(digest: string): Uint8Array {
  const bytes = fromHex(digest);
  if (bytes === undefined) throw new Error("the schema let something else than hexadecimal pass");
  return bytes;
}
