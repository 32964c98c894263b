/**
 * The receipt as a file: what a client keeps, and what anybody can check without the cluster.
 *
 *     { "format": "abcast-receipt/1",
 *       "cluster": <64 hex>, "sequence": <integer>, "round": <integer>, "time": <milliseconds since 1970>,
 *       "digest": { "algorithm": "sha256", "value": <64 hex> }, "client": <64 hex>,
 *       "statement": <base64>, "signature": <base64> }
 *
 * `time` is there where rounds have a time, and else left out. Only `statement` and `signature` prove anything; the other fields repeat the statement for readers and
 * are compared with it on verification (verify-receipt.ts).
 *
 * Where the documents of a round share a signature, it is on the head of the notary's log, and the receipt has the way there:
 *
 *     { "format": "abcast-receipt/2", …, "time": <milliseconds since 1970> or null,
 *       "log": { "index": <integer>, "documents": <integer>, "proof": [<base64>, …] },
 *       "statement": <base64 of the head>, "signature": <base64> }
 */
import { fromBase64, toBase64 } from "../core/base64.js";
import { toHex, utf8 } from "../core/bytes.js";
import type { Decoded } from "../core/codec.js";
import { parseJson } from "../core/json.js";
import { MAX_LOG_HEAD_BYTES } from "../services/notary/log-head.js";
import { decodeStatement, MAX_STATEMENT_BYTES, RECEIPT_FORMAT } from "../services/notary/statement.js";
import { HASH_BYTES, MAX_PROOF_HASHES } from "../tlog/index.js";

export const LOGGED_RECEIPT_FORMAT = "abcast-receipt/2";

/** A receipt's JSON text is at most this long. */
export const MAX_RECEIPT_BYTES = 64 * 1024;

/** RSA up to 8192 bits. */
export const MAX_RECEIPT_SIGNATURE_BYTES = 1024;

interface ReceiptFields {
  /** 64 lower-case hexadecimal digits. */
  readonly cluster: string;
  /** 0..2^53-1. */
  readonly sequence: number;
  /** 0..2^53-1. */
  readonly round: number;
  /** `value`: 64 lower-case hexadecimal digits. */
  readonly digest: { readonly algorithm: "sha256"; readonly value: string };
  /** The client's raw Ed25519 public key, 64 lower-case hexadecimal digits. */
  readonly client: string;
  /** The signed bytes. */
  readonly statement: Uint8Array;
  /** RSASSA-PKCS1-v1_5 with SHA-256 on `statement`; as long as the cluster's modulus. */
  readonly signature: Uint8Array;
}

/** `statement` is the document's own (services/notary/statement.ts). */
export interface PlainReceipt extends ReceiptFields {
  readonly format: "abcast-receipt/1";
  /** The round's, in milliseconds since 1970, 0..2^53-1; left out where rounds have none. */
  readonly time?: number;
}

/** `statement` is the head of the notary's log after the round (services/notary/log-head.ts). */
export interface LoggedReceipt extends ReceiptFields {
  readonly format: "abcast-receipt/2";
  /** The round's, in milliseconds since 1970; null where rounds have none. */
  readonly time: number | null;
  readonly log: {
    /** The document's place in the log, from 0 on. */
    readonly index: number;
    /** Documents in the log after the round. */
    readonly documents: number;
    /** That its own statement is a leaf there (RFC 6962, section 2.1.1); 32 bytes each. */
    readonly proof: readonly Uint8Array[];
  };
}

export type Receipt = PlainReceipt | LoggedReceipt;

/** What is wrong with a field; becomes a value in `parseReceipt`. */
class FieldError extends Error {}

function fail(field: string, expected: string, value: unknown): never {
  const shown = value === undefined ? "missing" : `not ${abbreviate(value)}`;
  throw new FieldError(`field "${field}": ${expected}, ${shown}`);
}

function abbreviate(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** `value` as an object with exactly these fields. `path` is "" for the receipt itself. */
function objectOf(path: string, names: readonly string[], value: unknown): Readonly<Record<string, unknown>> {
  const where = path === "" ? "a receipt" : `field "${path}"`;
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new FieldError(`${where} must be a JSON object, not ${abbreviate(value)}`);
  }
  const prefix = path === "" ? "" : `${path}.`;
  const unknownName = Object.keys(value).find((name) => !names.includes(name));
  if (unknownName !== undefined) throw new FieldError(`unknown field ${JSON.stringify(prefix + unknownName)}`);
  const missing = names.find((name) => !Object.hasOwn(value, name));
  if (missing !== undefined) throw new FieldError(`field "${prefix}${missing}" is missing`);
  return Object.fromEntries(Object.entries(value));
}

function literal<L extends string>(field: string, wanted: L, value: unknown): L {
  return value === wanted ? wanted : fail(field, `must be "${wanted}"`, value);
}

function hex64(field: string, value: unknown): string {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value)
    ? value
    : fail(field, "must be 64 lower-case hexadecimal digits", value);
}

function whole(field: string, value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && !Object.is(value, -0)
    ? value
    : fail(field, "must be a whole number within 0..2^53-1", value);
}

function base64(field: string, maxBytes: number, value: unknown): Uint8Array {
  const bytes = typeof value === "string" ? fromBase64(value) : undefined;
  if (bytes === undefined || bytes.length === 0)
    return fail(field, "must be canonical base64 of at least one byte", value);
  if (bytes.length > maxBytes)
    throw new FieldError(`field "${field}": ${bytes.length} bytes, at most ${maxBytes} are allowed`);
  return bytes;
}

/**
 * Total. Accepts exactly the fields of the format, each once; the error names the field. Does not
 * compare the fields with the statement and checks no signature: that is `verifyReceipt`.
 */
export function parseReceipt(text: string): Decoded<Receipt> {
  // A UTF-8 encoding is never shorter than the text, so the first test spares encoding a huge text.
  if (text.length > MAX_RECEIPT_BYTES || utf8(text).length > MAX_RECEIPT_BYTES) {
    return { ok: false, error: `longer than ${MAX_RECEIPT_BYTES} bytes` };
  }
  const json = parseJson(text);
  if (!json.ok) return json;
  try {
    return { ok: true, value: isLogged(json.value) ? loggedReceipt(json.value) : plainReceipt(json.value) };
  } catch (error) {
    if (error instanceof FieldError) return { ok: false, error: error.message };
    throw error;
  }
}

const FIELDS = ["format", "cluster", "sequence", "round", "digest", "client", "statement", "signature"];

function isLogged(value: unknown): boolean {
  return typeof value === "object" && value !== null && "format" in value && value.format === LOGGED_RECEIPT_FORMAT;
}

function plainReceipt(value: unknown): PlainReceipt {
  const isDated = typeof value === "object" && value !== null && Object.hasOwn(value, "time");
  const receipt = objectOf("", isDated ? [...FIELDS, "time"] : FIELDS, value);
  return {
    format: literal("format", RECEIPT_FORMAT, receipt["format"]),
    ...commonFields(receipt, MAX_STATEMENT_BYTES),
    ...(isDated && { time: whole("time", receipt["time"]) }),
  };
}

function loggedReceipt(value: unknown): LoggedReceipt {
  const receipt = objectOf("", [...FIELDS, "time", "log"], value);
  const log = objectOf("log", ["index", "documents", "proof"], receipt["log"]);
  const proof = log["proof"];
  if (!Array.isArray(proof) || proof.length > MAX_PROOF_HASHES)
    return fail("log.proof", `must be a list of at most ${MAX_PROOF_HASHES} hashes`, proof);
  return {
    format: literal("format", LOGGED_RECEIPT_FORMAT, receipt["format"]),
    ...commonFields(receipt, MAX_LOG_HEAD_BYTES),
    time: receipt["time"] === null ? null : whole("time", receipt["time"]),
    log: {
      index: whole("log.index", log["index"]),
      documents: whole("log.documents", log["documents"]),
      proof: proof.map((hash: unknown, index) => base64(`log.proof[${index}]`, HASH_BYTES, hash)),
    },
  };
}

function commonFields(receipt: Readonly<Record<string, unknown>>, maxStatementBytes: number): ReceiptFields {
  const digest = objectOf("digest", ["algorithm", "value"], receipt["digest"]);
  return {
    cluster: hex64("cluster", receipt["cluster"]),
    sequence: whole("sequence", receipt["sequence"]),
    round: whole("round", receipt["round"]),
    digest: {
      algorithm: literal("digest.algorithm", "sha256", digest["algorithm"]),
      value: hex64("digest.value", digest["value"]),
    },
    client: hex64("client", receipt["client"]),
    statement: base64("statement", maxStatementBytes, receipt["statement"]),
    signature: base64("signature", MAX_RECEIPT_SIGNATURE_BYTES, receipt["signature"]),
  };
}

/** Indented JSON and a line feed; `parseReceipt` gives the receipt back. */
export function formatReceipt(receipt: Receipt): string {
  const { format, cluster, sequence, round, digest, client, statement, signature } = receipt;
  const json = {
    format,
    cluster,
    sequence,
    round,
    ...(receipt.format === RECEIPT_FORMAT && receipt.time !== undefined && { time: receipt.time }),
    digest: { algorithm: digest.algorithm, value: digest.value },
    client,
    ...(receipt.format === LOGGED_RECEIPT_FORMAT && {
      time: receipt.time,
      log: { ...receipt.log, proof: receipt.log.proof.map(toBase64) },
    }),
    statement: toBase64(statement),
    signature: toBase64(signature),
  };
  return `${JSON.stringify(json, undefined, 2)}\n`;
}

/** The receipt of a signed statement: its readable fields are taken from the statement. */
export function receiptOf(statement: Uint8Array, signature: Uint8Array): Decoded<PlainReceipt> {
  const decoded = decodeStatement(statement);
  if (!decoded.ok) return { ok: false, error: `the statement is malformed: ${decoded.error}` };
  const { cluster, sequence, round, timeMs, digest, client } = decoded.value;
  return {
    ok: true,
    value: {
      format: RECEIPT_FORMAT,
      cluster: toHex(cluster),
      sequence,
      round,
      ...(timeMs !== undefined && { time: timeMs }),
      digest: { algorithm: "sha256", value: toHex(digest.value) },
      client: toHex(client),
      statement,
      signature,
    },
  };
}
