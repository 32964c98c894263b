/** The documents of a payload that was ordered: what the notary gave receipts for, read from the ledger again. */
import { decode } from "../core/codec.js";
import type { Outcome } from "../replica/machine/index.js";
import type { LedgerEntry } from "../replica/storage.js";
import { documentDigestCodec, encodeStatement, MAX_STATEMENT_BYTES } from "../services/notary/index.js";
import { decodePayload } from "../wire/payload.js";
import { decodeReplies, hasRoomFor } from "../wire/replies.js";

/** A payload of the ledger that can never have been ordered: the store is damaged. */
export class LedgerPayloadError extends Error {
  override readonly name = "LedgerPayloadError";
}

export interface NotarizedDocument {
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
  /** Raw Ed25519 key of who had it notarised, 32 bytes. */
  readonly client: Uint8Array;
}

/** In the order of the request; none when it is for another service. Copies. @throws LedgerPayloadError */
export function documentsOf({ sequence, payload }: LedgerEntry): NotarizedDocument[] {
  const decoded = decodePayload(payload);
  if (!decoded.ok) throw new LedgerPayloadError(`payload ${sequence} of the ledger is malformed`);
  if (decoded.value.kind !== "request") return [];
  const { action, client } = decoded.value;
  if (action.kind === "void" || action.service !== "notary") return [];
  const operations = action.kind === "call" ? [action.operation] : action.operations;
  return Array.from(operations, (operation) => {
    const digest = decode(documentDigestCodec, operation);
    if (!digest.ok) throw new LedgerPayloadError(`payload ${sequence} of the ledger is no document`);
    return { digest: digest.value.value.slice(), client: client.slice() };
  });
}

/**
 * What the receipts of a payload's documents say, as the notary replied just now; undefined when it was another service, or not all replies are
 * kept. Views of the reply.
 */
export function repliedStatements({ action, service, reply }: Outcome): readonly Uint8Array[] | undefined {
  if (service !== "notary" || reply === undefined) return undefined;
  if (action === "call") return [reply];
  const replies = decodeReplies(reply);
  return replies.ok && hasRoomFor(MAX_STATEMENT_BYTES, reply) ? replies.value : undefined;
}

/** What the receipt of a document says. */
export function statementOf(
  cluster: Uint8Array,
  { sequence, round, timeMs }: Omit<LedgerEntry, "payload">,
  { digest, client }: NotarizedDocument,
): Uint8Array {
  return encodeStatement({ cluster, sequence, round, timeMs, digest: { algorithm: "sha256", value: digest }, client });
}
