/**
 * The receipt's statement: the exact bytes that the cluster signs, and all that a receipt proves.
 *
 *     abcast-receipt/1
 *     cluster: <64 hexadecimal digits>
 *     sequence: <decimal>
 *     round: <decimal>
 *     digest: sha256:<64 hexadecimal digits>
 *     client: <64 hexadecimal digits>
 *
 * ASCII; each line ends in one line feed, the last one too. Hexadecimal is lower-case; decimals are
 * 0..2^53-1 without sign or leading zeros. Text, so that a person can read what `openssl` verified; one
 * encoding per value, so that two receipts with the same content are the same bytes.
 *
 * Runs in a browser: imports `core` only.
 */
import { fromHex, fromUtf8, toHex, utf8 } from "../../core/bytes.js";
import { type Decoded, EncodeError } from "../../core/codec.js";
import type { DocumentDigest } from "./digest.js";

export const RECEIPT_FORMAT = "abcast-receipt/1";

export interface ReceiptStatement {
  /** The cluster's identifier, 32 bytes. */
  readonly cluster: Uint8Array;
  /** The document's number, 0..2^53-1. */
  readonly sequence: number;
  /** The agreement round that ordered it, 0..2^53-1. */
  readonly round: number;
  readonly digest: DocumentDigest;
  /** The client's raw Ed25519 public key, 32 bytes. */
  readonly client: Uint8Array;
}

const HEX_64 = "([0-9a-f]{64})";
const DECIMAL = "(0|[1-9][0-9]{0,15})";
const LINES: readonly { readonly name: string; readonly pattern: RegExp; readonly form: string }[] = [
  { name: "format", pattern: /^(abcast-receipt\/1)$/, form: RECEIPT_FORMAT },
  { name: "cluster", pattern: new RegExp(`^cluster: ${HEX_64}$`), form: "cluster: <64 lower-case hexadecimal digits>" },
  { name: "sequence", pattern: new RegExp(`^sequence: ${DECIMAL}$`), form: "sequence: <decimal>" },
  { name: "round", pattern: new RegExp(`^round: ${DECIMAL}$`), form: "round: <decimal>" },
  {
    name: "digest",
    pattern: new RegExp(`^digest: sha256:${HEX_64}$`),
    form: "digest: sha256:<64 lower-case hexadecimal digits>",
  },
  { name: "client", pattern: new RegExp(`^client: ${HEX_64}$`), form: "client: <64 lower-case hexadecimal digits>" },
];

/** All lines at once: for those that are right, which most are. */
const WHOLE = new RegExp(`${LINES.map(({ pattern }) => pattern.source.slice(1, -1)).join("\\n")}\\n$`, "y");

/** The longest statement: both decimals with 16 digits. */
export const MAX_STATEMENT_BYTES = 17 + 74 + 27 + 24 + 80 + 73;

function hex32(name: string, bytes: Uint8Array): string {
  if (bytes.length !== 32) throw new EncodeError(`${name} of ${bytes.length} bytes where 32 are needed`);
  return toHex(bytes);
}

function decimal(name: string, value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new EncodeError(`${name} ${value} is not within 0..2^53-1`);
  return String(value);
}

/** @throws EncodeError when a field is out of range or has the wrong size. */
export function encodeStatement({ cluster, sequence, round, digest, client }: ReceiptStatement): Uint8Array {
  if (digest.algorithm !== "sha256") throw new EncodeError(`no digest algorithm ${String(digest.algorithm)}`);
  return utf8(
    `${RECEIPT_FORMAT}\n` +
      `cluster: ${hex32("cluster", cluster)}\n` +
      `sequence: ${decimal("sequence", sequence)}\n` +
      `round: ${decimal("round", round)}\n` +
      `digest: sha256:${hex32("digest", digest.value)}\n` +
      `client: ${hex32("client", client)}\n`,
  );
}

function invalid(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}

/** Total and canonical: what it accepts encodes to the same bytes. The error names the line. */
export function decodeStatement(bytes: Uint8Array): Decoded<ReceiptStatement> {
  const read = readStatement(bytes);
  if (!read.ok) return read;
  const { sequence, round } = read.value;
  return {
    ok: true,
    value: {
      cluster: bytesOf(read.value.cluster),
      sequence,
      round,
      digest: { algorithm: "sha256", value: bytesOf(read.value.digest) },
      client: bytesOf(read.value.client),
    },
  };
}

/** The fields as they stand in it: hexadecimal. */
export interface StatementFields {
  readonly cluster: string;
  readonly sequence: number;
  readonly round: number;
  readonly digest: string;
  readonly client: string;
}

/** As `decodeStatement`, without making bytes of the fields. */
export function readStatement(bytes: Uint8Array): Decoded<StatementFields> {
  if (bytes.length > MAX_STATEMENT_BYTES) {
    return invalid(`${bytes.length} bytes, a statement has at most ${MAX_STATEMENT_BYTES}`);
  }
  if (!bytes.every((byte) => byte <= 0x7e)) return invalid("not ASCII text");
  const text = fromUtf8(bytes);
  WHOLE.lastIndex = 0;
  const [, format, cluster, sequence, round, digest, client] = WHOLE.exec(text) ?? [];
  if (format === undefined) return invalid(complaint(text));
  const [number, of] = [Number(sequence), Number(round)];
  if (!Number.isSafeInteger(number)) return invalid(`sequence ${sequence} is above 2^53-1`);
  if (!Number.isSafeInteger(of)) return invalid(`round ${round} is above 2^53-1`);
  // The patterns have made sure that they are there.
  return {
    ok: true,
    value: { cluster: cluster ?? "", sequence: number, round: of, digest: digest ?? "", client: client ?? "" },
  };
}

/** What is wrong with a text that is no statement. */
function complaint(text: string): string {
  const lines = text.split("\n");
  if (lines.pop() !== "") return "the last line does not end in a line feed";
  if (lines.length !== LINES.length) return `${lines.length} lines where ${LINES.length} are needed`;
  const wrong = LINES.findIndex(({ pattern }, index) => !pattern.test(lines[index] ?? ""));
  const { name, form } = LINES[wrong] ?? { name: "?", form: "?" };
  return `line ${wrong + 1} (${name}) is not "${form}"`;
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}
