/**
 * The receipt's statement: the exact bytes that the cluster signs, and all that a receipt proves.
 *
 *     abcast-receipt/1
 *     cluster: <64 hexadecimal digits>
 *     sequence: <decimal>
 *     round: <decimal>
 *     time: <decimal, milliseconds since 1970>
 *     digest: sha256:<64 hexadecimal digits>
 *     client: <64 hexadecimal digits>
 *
 * The line `time` is there exactly where rounds have one. ASCII; each line ends in one line feed, the last one too. Hexadecimal is
 * lower-case; decimals are 0..2^53-1 without sign or leading zeros. Text, so that a person can read what `openssl` verified; one
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
  /** The round's time in milliseconds since 1970, 0..2^53-1; undefined in clusters whose rounds have none. */
  readonly timeMs: number | undefined;
  readonly digest: DocumentDigest;
  /** The client's raw Ed25519 public key, 32 bytes. */
  readonly client: Uint8Array;
}

const HEX_64 = "([0-9a-f]{64})";
const DECIMAL = "(0|[1-9][0-9]{0,15})";
const TIME = "time";
const LINES: readonly { readonly name: string; readonly pattern: RegExp; readonly form: string }[] = [
  { name: "format", pattern: /^(abcast-receipt\/1)$/, form: RECEIPT_FORMAT },
  { name: "cluster", pattern: new RegExp(`^cluster: ${HEX_64}$`), form: "cluster: <64 lower-case hexadecimal digits>" },
  { name: "sequence", pattern: new RegExp(`^sequence: ${DECIMAL}$`), form: "sequence: <decimal>" },
  { name: "round", pattern: new RegExp(`^round: ${DECIMAL}$`), form: "round: <decimal>" },
  { name: TIME, pattern: new RegExp(`^time: ${DECIMAL}$`), form: "time: <decimal>" },
  {
    name: "digest",
    pattern: new RegExp(`^digest: sha256:${HEX_64}$`),
    form: "digest: sha256:<64 lower-case hexadecimal digits>",
  },
  { name: "client", pattern: new RegExp(`^client: ${HEX_64}$`), form: "client: <64 lower-case hexadecimal digits>" },
];

/** All lines at once: for those that are right, which most are. */
const WHOLE = new RegExp(
  `${LINES.map(({ name, pattern }) => (name === TIME ? `(?:${lineOf(pattern)})?` : lineOf(pattern))).join("")}$`,
  "y",
);

/** The longest statement: all decimals with 16 digits. */
export const MAX_STATEMENT_BYTES = 17 + 74 + 27 + 24 + 23 + 80 + 73;

function lineOf(pattern: RegExp): string {
  return `${pattern.source.slice(1, -1)}\\n`;
}

function hex32(name: string, bytes: Uint8Array): string {
  if (bytes.length !== 32) throw new EncodeError(`${name} of ${bytes.length} bytes where 32 are needed`);
  return toHex(bytes);
}

function decimal(name: string, value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new EncodeError(`${name} ${value} is not within 0..2^53-1`);
  return String(value);
}

/** @throws EncodeError when a field is out of range or has the wrong size. */
export function encodeStatement({ cluster, sequence, round, timeMs, digest, client }: ReceiptStatement): Uint8Array {
  if (digest.algorithm !== "sha256") throw new EncodeError(`no digest algorithm ${String(digest.algorithm)}`);
  return utf8(
    `${RECEIPT_FORMAT}\n` +
      `cluster: ${hex32("cluster", cluster)}\n` +
      `sequence: ${decimal("sequence", sequence)}\n` +
      `round: ${decimal("round", round)}\n` +
      (timeMs === undefined ? "" : `time: ${decimal("time", timeMs)}\n`) +
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
  const { sequence, round, timeMs } = read.value;
  return {
    ok: true,
    value: {
      cluster: bytesOf(read.value.cluster),
      sequence,
      round,
      timeMs,
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
  readonly timeMs: number | undefined;
  readonly digest: string;
  readonly client: string;
}

/** As `decodeStatement`, without making bytes of the fields. */
export function readStatement(bytes: Uint8Array): Decoded<StatementFields> {
  if (bytes.length > MAX_STATEMENT_BYTES) {
    return invalid(`${bytes.length} bytes, a statement has at most ${MAX_STATEMENT_BYTES}`);
  }
  if (!isAsciiText(bytes)) return invalid("not ASCII text");
  const text = fromUtf8(bytes);
  WHOLE.lastIndex = 0;
  const [, format, cluster, sequence, round, time, digest, client] = WHOLE.exec(text) ?? [];
  if (format === undefined) return invalid(complaint(text));
  const [number, of, timeMs] = [Number(sequence), Number(round), time === undefined ? undefined : Number(time)];
  if (!Number.isSafeInteger(number)) return invalid(`sequence ${sequence} is above 2^53-1`);
  if (!Number.isSafeInteger(of)) return invalid(`round ${round} is above 2^53-1`);
  if (!Number.isSafeInteger(timeMs ?? 0)) return invalid(`time ${time} is above 2^53-1`);
  // The patterns have made sure that they are there.
  return {
    ok: true,
    value: { cluster: cluster ?? "", sequence: number, round: of, timeMs, digest: digest ?? "", client: client ?? "" },
  };
}

/** Byte by byte in a loop: a function called for each would cost more than all the rest. */
function isAsciiText(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte > 0x7e) return false;
  return true;
}

/** What is wrong with a text that is no statement. */
function complaint(text: string): string {
  const lines = text.split("\n");
  if (lines.pop() !== "") return "the last line does not end in a line feed";
  const isDated = lines.some((line) => line.startsWith(`${TIME}:`));
  const needed = LINES.filter(({ name }) => isDated || name !== TIME);
  if (lines.length !== needed.length) return `${lines.length} lines where ${needed.length} are needed`;
  const wrong = needed.findIndex(({ pattern }, index) => !pattern.test(lines[index] ?? ""));
  const { name, form } = needed[wrong] ?? { name: "?", form: "?" };
  return `line ${wrong + 1} (${name}) is not "${form}"`;
}

function bytesOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array();
}
