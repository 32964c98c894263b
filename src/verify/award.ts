/**
 * The award as a file: the group's signature on the outcome of an auction (services/bidding/award.ts), with the terms and the list of all
 * bids, from which anybody computes the outcome again; offline, also in a browser.
 *
 *     { "format": "abcast-award/1", "statement": <base64>, "signature": <base64>, "terms": <base64>, "bids": <base64> }
 */
import { fromBase64, toBase64 } from "../core/base64.js";
import { equalBytes, toHex } from "../core/bytes.js";
import type { Decoded } from "../core/codec.js";
import { parseJson } from "../core/json.js";
import { type Award, AWARD_FORMAT, MAX_AWARD_STATEMENT_BYTES, decodeAward } from "../services/bidding/award.js";
import { type ListedBid, decodeBids } from "../services/bidding/bid.js";
import { outcomeOf } from "../services/bidding/outcome.js";
import { type AuctionTerms, decodeTerms } from "../services/bidding/terms.js";
import { importReceiptKey } from "./receipt-key.js";
import { sha256 } from "./sha256.js";

/** An award's JSON text is at most this long: the longest list of bids fits. */
export const MAX_AWARD_FILE_BYTES = 1024 * 1024;

export interface AwardFile {
  readonly statement: Uint8Array;
  readonly signature: Uint8Array;
  /** As they are encoded. */
  readonly terms: Uint8Array;
  readonly bids: Uint8Array;
}

const FIELDS = ["statement", "signature", "terms", "bids"] as const;

/** A line feed at the end; `parseAward` gives the award back. */
export function formatAward(file: AwardFile): string {
  const fields = FIELDS.map((field) => [field, toBase64(file[field])] as const);
  return `${JSON.stringify({ format: AWARD_FORMAT, ...Object.fromEntries(fields) }, undefined, 2)}\n`;
}

/** Total. Checks no signature: that is `verifyAward`. */
export function parseAward(text: string): Decoded<AwardFile> {
  if (text.length > MAX_AWARD_FILE_BYTES) return { ok: false, error: `longer than ${MAX_AWARD_FILE_BYTES} bytes` };
  const json = parseJson(text);
  if (!json.ok) return json;
  const { value } = json;
  if (typeof value !== "object" || value === null) return { ok: false, error: "not a JSON object" };
  const names = Object.keys(value).sort();
  if (names.join() !== ["format", ...FIELDS].sort().join())
    return { ok: false, error: `its fields must be format, ${FIELDS.join(", ")}` };
  const given = new Map(Object.entries(value));
  if (given.get("format") !== AWARD_FORMAT) return { ok: false, error: `field "format" must be "${AWARD_FORMAT}"` };
  const bytesOf = (field: string): Uint8Array | undefined => {
    const text: unknown = given.get(field);
    return typeof text === "string" ? fromBase64(text) : undefined;
  };
  const [statement, signature, terms, bids] = FIELDS.map(bytesOf);
  if (statement === undefined || signature === undefined || terms === undefined || bids === undefined)
    return { ok: false, error: `${FIELDS.join(", ")} must be canonical base64` };
  return { ok: true, value: { statement, signature, terms, bids } };
}

export interface AwardCheck {
  readonly file: AwardFile;
  /** The cluster's RSA key as DER SubjectPublicKeyInfo, from a source that the caller trusts. */
  readonly receiptKeySpki: Uint8Array;
  /** The cluster's identifier that the caller expects, 32 bytes. */
  readonly cluster: Uint8Array;
}

export type AwardVerdict =
  | {
      readonly valid: true;
      readonly award: Award;
      readonly terms: AuctionTerms;
      readonly bids: readonly ListedBid[];
    }
  | { readonly valid: false; readonly reason: string };

function invalid(reason: string): AwardVerdict {
  return { valid: false, reason };
}

/**
 * Valid exactly when the cluster's key signed this outcome of these bids under these terms, the bids are in their order and before the
 * close, and the outcome follows from them. Never throws on a hostile file.
 * @throws ReceiptKeyError when `receiptKeySpki` is not an RSA public key
 */
export async function verifyAward({ file, receiptKeySpki, cluster }: AwardCheck): Promise<AwardVerdict> {
  const key = await importReceiptKey(receiptKeySpki);
  if (file.statement.length > MAX_AWARD_STATEMENT_BYTES) return invalid("the statement is too long");
  const decoded = decodeAward(file.statement);
  if (!decoded.ok) return invalid(`the statement is malformed: ${decoded.error}`);
  const award = decoded.value;
  if (!equalBytes(award.cluster, cluster))
    return invalid(`the award is from cluster ${toHex(award.cluster)}, not from ${toHex(cluster)}`);
  if (!(await key.verify(file.statement, file.signature)))
    return invalid("the signature on the statement is not the cluster's");
  if (!equalBytes(await sha256(file.terms), award.terms)) return invalid("the terms are not those of the award");
  if (!equalBytes(await sha256(file.bids), award.bids)) return invalid("the bids are not those of the award");
  const [terms, bids] = [decodeTerms(file.terms), decodeBids(file.bids)];
  if (!terms.ok || terms.value.kind !== award.kind) return invalid("the terms are malformed");
  if (!bids.ok) return invalid(`the list of bids is malformed: ${bids.error}`);
  const problem = disorder(award, bids.value) ?? wrongOutcome(award, terms.value, bids.value);
  return problem === undefined ? { valid: true, award, terms: terms.value, bids: bids.value } : invalid(problem);
}

/** Bids are numbered in the order of the log, all before the close. */
function disorder({ closedSequence }: Award, bids: readonly ListedBid[]): string | undefined {
  let previous = { sequence: 0, index: 0 };
  for (const [place, bid] of bids.entries()) {
    const { number, sequence, index } = bid;
    const isNext = sequence > previous.sequence || (sequence === previous.sequence && index > previous.index);
    if (number !== place + 1 || !isNext || sequence > closedSequence) return `bid ${number} is out of order`;
    previous = bid;
  }
  return undefined;
}

/** So that who trusts the order need not trust the arithmetic. */
function wrongOutcome({ won }: Award, terms: AuctionTerms, bids: readonly ListedBid[]): string | undefined {
  const outcome = outcomeOf(terms, bids);
  if (outcome?.bid !== won?.bid || outcome?.price !== won?.price)
    return `the bids lead to ${describe(outcome)}, the award says ${describe(won)}`;
  if (won === undefined) return undefined;
  const winner = bids[won.bid - 1]?.bidder;
  return winner !== undefined && equalBytes(winner, won.winner) ? undefined : `bid ${won.bid} is not the winner's`;
}

function describe(won: { readonly bid: number; readonly price: number } | undefined): string {
  return won === undefined ? "no winner" : `bid ${won.bid} at ${won.price}`;
}
