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
import { fromHex, toHex, utf8 } from "../../core/bytes.js";
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
  if (bytes.length > MAX_STATEMENT_BYTES) {
    return invalid(`${bytes.length} bytes, a statement has at most ${MAX_STATEMENT_BYTES}`);
  }
  let text = "";
  for (const byte of bytes) {
    if (byte > 0x7e) return invalid("not ASCII text");
    text += String.fromCharCode(byte);
  }
  const lines = text.split("\n");
  if (lines.pop() !== "") return invalid("the last line does not end in a line feed");
  if (lines.length !== LINES.length) return invalid(`${lines.length} lines where ${LINES.length} are needed`);

  const values = new Map<string, string>();
  for (const [index, { name, pattern, form }] of LINES.entries()) {
    const value = pattern.exec(lines[index] ?? "")?.[1];
    if (value === undefined) return invalid(`line ${index + 1} (${name}) is not "${form}"`);
    values.set(name, value);
  }
  // The patterns have made sure of the forms.
  const number = (name: string): number => Number(values.get(name));
  const bytesOf = (name: string): Uint8Array => fromHex(values.get(name) ?? "") ?? new Uint8Array();
  for (const name of ["sequence", "round"]) {
    if (!Number.isSafeInteger(number(name))) return invalid(`${name} ${values.get(name)} is above 2^53-1`);
  }
  return {
    ok: true,
    value: {
      cluster: bytesOf("cluster"),
      sequence: number("sequence"),
      round: number("round"),
      digest: { algorithm: "sha256", value: bytesOf("digest") },
      client: bytesOf("client"),
    },
  };
}
