/** Awards and bids as people and programs are told of them, and the check of an award's file. */
import { readFile, stat } from "node:fs/promises";
import { toHex } from "../core/bytes.js";
import { loadPublic } from "../replica/config-files.js";
import { InputError, naming } from "../replica/input-error.js";
import type { ListedBid } from "../services/bidding/index.js";
import { type AwardVerdict, MAX_AWARD_FILE_BYTES, parseAward, verifyAward } from "../verify/index.js";
import { bidJson } from "./bidding-json.js";
import { EXIT } from "./errors.js";
import { clientName, type NameOf } from "./key-names.js";
import { createOutput } from "./output.js";
import { printable } from "./printable.js";
import { receiptKeySpki } from "./receipt-key.js";

export interface VerifyOptions {
  readonly public: string;
  readonly json?: boolean;
}

export function bidText({ number, bidder, round, standing, offer }: ListedBid, name: NameOf): string {
  const what = offer === undefined ? "sealed" : [offer.amount, ...offer.values].join(" ");
  return `bid ${number} of ${name(bidder)} (round ${round}): ${what}${standing === "standing" ? "" : `, ${standing}`}`;
}

export function outcomeText(
  outcome: { readonly bid: number; readonly price: number } | undefined,
  bids: readonly ListedBid[],
  unit: string,
  name: NameOf,
): string {
  const winner = bids.find(({ number }) => number === outcome?.bid);
  if (outcome === undefined || winner === undefined) return "nobody won";
  return `${name(winner.bidder)} won with bid ${outcome.bid}, at ${outcome.price}${unit === "" ? "" : ` ${printable(unit)}`}`;
}

/** Says whether the file is an award of this cluster; exit code 1 when not. @throws InputError when it cannot be read */
export async function verifyAwardFile(path: string, options: VerifyOptions): Promise<void> {
  const output = createOutput(options);
  const cluster = await loadPublic(options.public);
  const verdict = await verdictOn(path, receiptKeySpki(cluster), cluster.cluster);
  if (!verdict.valid) {
    process.exitCode = EXIT.invalid;
    return output.result(verdict, `invalid: ${verdict.reason}`);
  }
  const { award, terms, bids } = verdict;
  const { auction, won, closedSequence, closedRound } = award;
  const name = (key: Uint8Array): string => clientName(cluster, key);
  output.result(
    {
      valid: true,
      auction,
      kind: award.kind,
      owner: toHex(award.owner),
      closedSequence,
      closedRound,
      outcome: won === undefined ? null : { bid: won.bid, price: won.price, winner: toHex(won.winner) },
      bids: bids.map(bidJson),
    },
    [
      `valid: auction ${auction} of ${name(award.owner)}: ${printable(terms.title)}, closed in round ${closedRound}`,
      ...bids.map((bid) => `  ${bidText(bid, name)}`),
      outcomeText(won, bids, terms.unit, name),
    ].join("\n"),
  );
}

/** A file that is no award is an invalid award. @throws InputError when it cannot be read */
async function verdictOn(path: string, receiptKeySpki: Uint8Array, cluster: Uint8Array): Promise<AwardVerdict> {
  const status = await naming(path, stat(path));
  if (!status.isFile()) throw new InputError({ file: path }, "is not a regular file");
  if (status.size > MAX_AWARD_FILE_BYTES)
    return { valid: false, reason: `${path} is no award: longer than ${MAX_AWARD_FILE_BYTES} bytes` };
  const parsed = parseAward(await naming(path, readFile(path, "utf8")));
  if (!parsed.ok)
    return {
      valid: false,
      reason: `${path} is no award: ${parsed.error}; a document is checked with its receipt: abcast verify FILE RECEIPT`,
    };
  return verifyAward({ file: parsed.value, receiptKeySpki, cluster });
}
