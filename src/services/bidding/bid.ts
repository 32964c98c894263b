/** Bids as they are listed: who, when, and what became of them. */
import {
  type Decoded,
  type Value,
  choice,
  decode,
  encode,
  fixedBytes,
  list,
  optional,
  struct,
  u32,
  u64,
} from "../../core/codec.js";
import { type AuctionTerms, MAX_CRITERIA, keyCodec } from "./terms.js";

/** Bids of one auction: those that were taken back or replaced count. */
export const MAX_BIDS_PER_AUCTION = 1024;
/** The same, of one bidder. */
export const MAX_BIDS_PER_BIDDER = 16;

/** What a bid says. In a tender the amount is the price, and there is a value for each criterion; else there are none. */
export const offerCodec = struct({ amount: u64, values: list(u32, MAX_CRITERIA) });
export type Offer = Value<typeof offerCodec>;

export const standingCodec = choice(
  /** It may win: it is sealed, or is the latest word of its bidder. */
  "standing",
  "replaced",
  "withdrawn",
  /** What keeps an opened bid from winning. */
  "undecryptable",
  "malformed",
  "below-reserve",
  "above-maximum",
  "out-of-range",
);
export type Standing = Value<typeof standingCodec>;

/** Where something happened in the total order. */
export const placeFields = { sequence: u64, index: u32, round: u64 };

export const listedBidCodec = struct({
  /** From 1 on, in order of arrival. */
  number: u32,
  bidder: keyCodec,
  counter: u32,
  ...placeFields,
  /** SHA-256 of the ciphertext, where there is one. */
  sealed: optional(fixedBytes(32)),
  standing: standingCodec,
  /** Undefined while sealed, and for ever where it could not be opened or was taken back before. */
  offer: optional(offerCodec),
});
export type ListedBid = Value<typeof listedBidCodec>;

export const bidsCodec = list(listedBidCodec, MAX_BIDS_PER_AUCTION);

export function encodeBids(bids: readonly ListedBid[]): Uint8Array {
  return encode(bidsCodec, bids);
}

/** Total and canonical. */
export function decodeBids(bytes: Uint8Array): Decoded<readonly ListedBid[]> {
  return decode(bidsCodec, bytes);
}

/** Whether an offer may win, and if not, why. */
export function judge(terms: AuctionTerms, { amount, values }: Offer): Standing {
  if (terms.kind !== "tender") {
    if (values.length > 0) return "malformed";
    return amount < terms.reserve ? "below-reserve" : "standing";
  }
  if (values.length !== terms.criteria.length) return "malformed";
  if (amount > terms.maxPrice) return "above-maximum";
  return terms.criteria.every(({ max }, index) => (values[index] ?? 0) <= max) ? "standing" : "out-of-range";
}
