/** Notarised documents: calls of the notary with the group's signature, as receipts that anybody can check. */
import { equalBytes, toHex } from "../core/bytes.js";
import type { PartyId } from "../core/party-set.js";
import { encodeNotaryOperation, readAttachment, readStatement } from "../services/notary/index.js";
import { LOGGED_RECEIPT_FORMAT, type LoggedReceipt, type PlainReceipt, receiptOf } from "../verify/index.js";
import type { CallOptions, Caller } from "./types.js";

const SERVICE = "notary";

export type NotarizeOptions = Pick<CallOptions, "timeoutMs" | "fanout" | "signal" | "onHandle">;

export interface Notarized {
  readonly receipt: PlainReceipt;
  /** Parties that sent a bad share, as far as it mattered. */
  readonly faulty: readonly PartyId[];
}

/**
 * Has the cluster notarise a document by its SHA-256 digest (32 bytes). The request goes to all replicas at once, which is the fastest.
 * @throws as `Client.call`
 */
export async function notarize(caller: Caller, digest: Uint8Array, options: NotarizeOptions): Promise<Notarized> {
  const documentDigest = { algorithm: "sha256", value: digest } as const;
  const { sequence, round, faulty, signature } = await caller.call(SERVICE, encodeNotaryOperation(documentDigest), {
    fanout: "all",
    ...options,
    reply: "signed",
  });
  if (signature === undefined) throw new Error("a signed reply without a signature");
  // An honest party stands behind the signature, so this is a defect.
  if (!isAsAsked(caller, { sequence, round, digest }, signature.statement))
    throw new Error("the cluster signed another statement than was asked for");
  const receipt = receiptOf(signature.statement, signature.signature);
  if (!receipt.ok) throw new Error(receipt.error);
  return { receipt: receipt.value, faulty };
}

interface Asked {
  readonly sequence: number;
  readonly round: number;
  /** SHA-256, 32 bytes. */
  readonly digest: Uint8Array;
}

/** Whether a statement says what was asked for; the time is the cluster's to say. */
function isAsAsked({ cluster, publicKey }: Caller, { sequence, round, digest }: Asked, statement: Uint8Array): boolean {
  const read = readStatement(statement);
  if (!read.ok) return false;
  const said = read.value;
  return (
    said.cluster === toHex(cluster) &&
    said.sequence === sequence &&
    said.round === round &&
    said.digest === toHex(digest) &&
    said.client === toHex(publicKey)
  );
}

/** Documents in one request: the replies that they get have room in one. */
export const MAX_NOTARIZED_TOGETHER = 200;

export interface NotarizedTogether {
  /** In the order of the digests. */
  readonly receipts: readonly LoggedReceipt[];
  readonly faulty: readonly PartyId[];
}

/**
 * Has the cluster notarise several documents as one request: up to MAX_NOTARIZED_TOGETHER digests of 32 bytes. What is notarised in a
 * round, by whomever, shares one signature, so that many cost little more than one. @throws RangeError, or as `Client.call`
 */
export async function notarizeTogether(
  caller: Caller,
  hash: (bytes: Uint8Array) => Uint8Array,
  digests: readonly Uint8Array[],
  options: NotarizeOptions,
): Promise<NotarizedTogether> {
  if (digests.length === 0 || digests.length > MAX_NOTARIZED_TOGETHER)
    throw new RangeError(`${digests.length} documents: 1 to ${MAX_NOTARIZED_TOGETHER} can be notarised together`);
  const { sequence, round, replies, faulty, signature } = await caller.callAll(
    SERVICE,
    digests.map((value) => encodeNotaryOperation({ algorithm: "sha256", value })),
    {
      ...options,
      reply: "signed",
    },
  );
  const { cluster, publicKey: client } = caller;
  const isRight =
    replies.length === digests.length &&
    digests.every((digest, at) => isAsAsked(caller, { sequence, round, digest }, replies[at] ?? new Uint8Array()));
  const logged = signature && readAttachment(hash, replies, signature.attachment);
  if (signature?.attachment.length === 0)
    throw new Error(`document ${sequence} was notarised too long ago for a receipt: have it notarised again`);
  if (signature === undefined || !logged?.ok || !isRight || !equalBytes(signature.statement, logged.value.statement))
    throw new Error("the cluster signed another statement than was asked for");
  const { first, head, inclusions } = logged.value;
  const receipts = digests.map((digest, at): LoggedReceipt => ({
    format: LOGGED_RECEIPT_FORMAT,
    cluster: toHex(cluster),
    sequence,
    round,
    digest: { algorithm: "sha256", value: toHex(digest) },
    client: toHex(client),
    time: head.timeMs ?? null,
    log: { index: first + at, documents: head.documents, proof: inclusions[at] ?? [] },
    statement: signature.statement,
    signature: signature.signature,
  }));
  return { receipts, faulty };
}
