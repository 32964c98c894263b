/**
 * The award's statement: the exact bytes that the group signs of a decided auction. Text, so that a person can read what `openssl`
 * verified; one encoding per value. With the terms and the list of bids, whose digests are in it, anybody can compute the outcome again.
 *
 *     abcast-award/1
 *     cluster: <64 hexadecimal digits>
 *     auction: <decimal>
 *     kind: <sealed-first, sealed-second, open or tender>
 *     owner: <64 hexadecimal digits>
 *     terms: sha256:<64 hexadecimal digits>
 *     bids: sha256:<64 hexadecimal digits>
 *     closed-sequence: <decimal>
 *     closed-round: <decimal>
 *     winner: <64 hexadecimal digits, or none>
 *     bid: <decimal, or none>
 *     price: <decimal, or none>
 *
 * Runs in a browser: imports `core` only.
 */
import { fromHex, toHex, utf8 } from "../../core/bytes.js";
import { type Decoded, EncodeError } from "../../core/codec.js";

export const AWARD_FORMAT = "abcast-award/1";
export const MAX_AWARD_STATEMENT_BYTES = 1024;

export interface Award {
  /** Of 32 bytes, as all byte strings here. */
  readonly cluster: Uint8Array;
  readonly auction: number;
  readonly kind: "sealed-first" | "sealed-second" | "open" | "tender";
  readonly owner: Uint8Array;
  /** SHA-256 of the encoded terms. */
  readonly terms: Uint8Array;
  /** SHA-256 of the encoded list of all bids, each with its place in the order. */
  readonly bids: Uint8Array;
  /** The place in the order up to which bids were taken. */
  readonly closedSequence: number;
  readonly closedRound: number;
  /** Undefined: nobody won. */
  readonly won: { readonly winner: Uint8Array; readonly bid: number; readonly price: number } | undefined;
}

const HEX = "[0-9a-f]{64}";
const DECIMAL = "(?:0|[1-9][0-9]{0,15})";
const LINES: readonly (readonly [name: string, pattern: string])[] = [
  ["cluster", HEX],
  ["auction", DECIMAL],
  ["kind", "(?:sealed-first|sealed-second|open|tender)"],
  ["owner", HEX],
  ["terms", `sha256:${HEX}`],
  ["bids", `sha256:${HEX}`],
  ["closed-sequence", DECIMAL],
  ["closed-round", DECIMAL],
  ["winner", `(?:${HEX}|none)`],
  ["bid", `(?:${DECIMAL}|none)`],
  ["price", `(?:${DECIMAL}|none)`],
];
const NUMBERS = ["auction", "closed-sequence", "closed-round", "bid", "price"];

/** @throws EncodeError when a field is out of range or has the wrong size */
export function encodeAward(award: Award): Uint8Array {
  const { won } = award;
  const values = [
    hex32(award.cluster),
    decimal(award.auction),
    award.kind,
    hex32(award.owner),
    `sha256:${hex32(award.terms)}`,
    `sha256:${hex32(award.bids)}`,
    decimal(award.closedSequence),
    decimal(award.closedRound),
    won === undefined ? "none" : hex32(won.winner),
    won === undefined ? "none" : decimal(won.bid),
    won === undefined ? "none" : decimal(won.price),
  ];
  return utf8([AWARD_FORMAT, ...LINES.map(([name], index) => `${name}: ${values[index]}`), ""].join("\n"));
}

function hex32(bytes: Uint8Array): string {
  if (bytes.length !== 32) throw new EncodeError(`${bytes.length} bytes where 32 are needed`);
  return toHex(bytes);
}

function decimal(value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw new EncodeError(`${value} is not within 0..2^53-1`);
  return String(value);
}

/** Total and canonical. The error names the line. */
export function decodeAward(bytes: Uint8Array): Decoded<Award> {
  if (bytes.length > MAX_AWARD_STATEMENT_BYTES) return problem(`${bytes.length} bytes`);
  if (bytes.some((byte) => byte > 0x7e)) return problem("not ASCII text");
  const [format, ...lines] = String.fromCharCode(...bytes).split("\n");
  if (format !== AWARD_FORMAT) return problem(`line 1 is not "${AWARD_FORMAT}"`);
  if (lines.pop() !== "" || lines.length !== LINES.length)
    return problem(`there must be ${LINES.length + 1} lines, each with a line feed`);
  const values = new Map<string, string>();
  for (const [index, [name, pattern]] of LINES.entries()) {
    const value = new RegExp(`^${name}: (${pattern})$`).exec(lines[index] ?? "")?.[1];
    if (value === undefined) return problem(`line ${index + 2} is no "${name}: …"`);
    values.set(name, value);
  }
  for (const name of NUMBERS) {
    const value = values.get(name);
    if (value !== "none" && !Number.isSafeInteger(Number(value))) return problem(`${name} ${value} is above 2^53-1`);
  }
  const isNone = ["winner", "bid", "price"].filter((name) => values.get(name) === "none").length;
  if (isNone !== 0 && isNone !== 3) return problem("winner, bid and price must be there, or none of them");
  // The patterns have made sure of the forms.
  const bytesOf = (name: string): Uint8Array =>
    fromHex((values.get(name) ?? "").replace("sha256:", "")) ?? new Uint8Array();
  const numberOf = (name: string): number => Number(values.get(name));
  return {
    ok: true,
    value: {
      cluster: bytesOf("cluster"),
      auction: numberOf("auction"),
      kind: values.get("kind") as Award["kind"],
      owner: bytesOf("owner"),
      terms: bytesOf("terms"),
      bids: bytesOf("bids"),
      closedSequence: numberOf("closed-sequence"),
      closedRound: numberOf("closed-round"),
      won: isNone > 0 ? undefined : { winner: bytesOf("winner"), bid: numberOf("bid"), price: numberOf("price") },
    },
  };
}

function problem(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}
