/** What the REST API of a replica takes and gives, as JSON (docs/rest.md). */
import { z } from "zod";

const HEX_64 = /^[0-9a-f]{64}$/;
const wholeNumber = z.int().min(0);
const base64 = z.base64();

export const digestField = z
  .string()
  .regex(HEX_64, "must be 64 lower-case hexadecimal digits")
  .describe("a SHA-256, 64 lower-case hexadecimal digits");

export const newEntrySchema = z.strictObject({
  digest: digestField.describe("the document's SHA-256, 64 lower-case hexadecimal digits"),
  new: z
    .boolean()
    .optional()
    .describe("have it notarised once more, though it is known; else the receipt that there is is given again"),
});

const receiptFields = {
  cluster: digestField,
  sequence: wholeNumber.describe("the document's number in the cluster's log"),
  round: wholeNumber,
  time: wholeNumber.optional().describe("the round's, in milliseconds since 1970; left out where rounds have none"),
  digest: z.object({ algorithm: z.literal("sha256"), value: digestField }),
  client: digestField.describe("the Ed25519 key of who had it notarised"),
  statement: base64.describe("the signed bytes"),
  signature: base64,
};

/** docs/receipt.md */
export const receiptSchema = z
  .object({ format: z.literal("abcast-receipt/1"), ...receiptFields })
  .describe("a receipt as abcast verify takes it (docs/receipt.md)");

const time = z.int().nullable().describe("the round's, in milliseconds since 1970; null where there is none");

export const entrySchema = z
  .object({
    sequenceNumber: wholeNumber.describe("the number in the cluster's log"),
    index: wholeNumber.describe(
      "which of the documents that have this number: several may have been notarised together",
    ),
    digest: digestField,
    round: wholeNumber,
    time,
    client: receiptFields.client,
    logIndex: wholeNumber.describe("the place in the transparency log, from 0 on"),
  })
  .describe("a document that was notarised, as this replica says");

export const entriesSchema = z
  .object({
    entries: z.array(entrySchema),
    next: wholeNumber.nullable().describe("where to go on; null when there is no more now"),
  })
  .describe("documents that were notarised, ascending");

const hash = base64.describe("32 bytes");

export const inclusionSchema = z
  .object({
    sequenceNumber: wholeNumber,
    logIndex: wholeNumber,
    size: wholeNumber.describe("documents in the log"),
    root: hash,
    leaf: hash.describe("the hash of the receipt's statement as a leaf"),
    proof: z.array(hash),
  })
  .describe("that a document is in the log (RFC 9162, section 2.1.3)");

export const consistencySchema = z
  .object({
    from: wholeNumber,
    to: wholeNumber,
    root: hash.describe("of the log of `to` documents"),
    proof: z.array(hash),
  })
  .describe("that a log is the beginning of a later one (RFC 9162, section 2.1.4)");

/** docs/sessions.md */
export const outcomeSchema = z
  .object({
    digest: base64.describe("SHA-256 of the request that took the number: another one's where that came first"),
    sequence: wholeNumber.describe("its number in the cluster's log"),
    round: wholeNumber,
    timeMs: time,
    isVoid: z.boolean().describe("the number was given up: nothing was executed"),
    reply: base64.nullable().describe("the service's; null when it is kept no more, and of what is void"),
  })
  .describe("what became of the number that a request asks for, as this replica says");

export const kvProofSchema = z
  .object({
    summary: base64.describe("what the certificate is on"),
    certificate: base64.describe("of a quorum"),
    index: wholeNumber.describe("of the chunk"),
    chunk: base64.describe("the part of the state that has the answer"),
    path: z.array(hash).describe("from the chunk up to the root in the summary"),
  })
  .describe("a proof of what a certified checkpoint has under a key (docs/clients.md)");

const accusationSchema = z.object({ party: wholeNumber, fault: z.string(), tag: z.string(), count: wholeNumber });

const partyFields = {
  party: wholeNumber,
  state: z
    .string()
    .describe("starting, learner, catching-up, active, stopped; unreachable: it did not answer this replica"),
  round: wholeNumber.nullable(),
  sequence: wholeNumber.nullable(),
  logDigest: digestField.nullable(),
  checkpointRound: wholeNumber.nullable(),
  catchUp: z
    .object({ toRound: wholeNumber, chunksReceived: wholeNumber, chunks: wholeNumber, roundsBehind: wholeNumber })
    .nullable(),
  services: z.array(z.string()),
  storeBytes: wholeNumber.nullable(),
  clocks: z
    .array(z.object({ party: wholeNumber, offsetMs: z.int(), isFar: z.boolean() }))
    .describe("how far the clocks of parties are from the group's time, by the rounds that it has seen"),
  accusations: z.array(accusationSchema).describe("whom it accuses of what"),
  reason: z.string().optional().describe("why it is unreachable"),
};

export const statusSchema = z
  .object({
    party: wholeNumber.describe("this replica"),
    time,
    parties: z
      .array(
        z.object({
          ...partyFields,
          roundsBehind: wholeNumber.nullable().describe("behind the one that is furthest"),
          connected: z.boolean().describe("with this replica"),
        }),
      )
      .describe("each replica's own word, as this one hears it; ascending by party"),
  })
  .describe("what abcast status says, as this replica sees it");

export const configSchema = z
  .looseObject({ format: z.string(), cluster: digestField, n: wholeNumber })
  .describe("public.json (docs/files.md). To check receipts, take it from a source that you trust, not from a replica");

export const openApiSchema = z.looseObject({ openapi: z.string() }).describe("this document");

export type NewEntry = z.input<typeof newEntrySchema>;
export type ReceiptJson = z.output<typeof receiptSchema>;
export type Entry = z.output<typeof entrySchema>;
export type Entries = z.output<typeof entriesSchema>;
export type InclusionProof = z.output<typeof inclusionSchema>;
export type ConsistencyProof = z.output<typeof consistencySchema>;
export type ClusterStatus = z.output<typeof statusSchema>;
