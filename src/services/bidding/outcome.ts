/** Who wins, and what is paid: a function of the terms and the listed bids alone, so that anybody can compute it again. */
import { type Value, optional, struct, u32, u64 } from "../../core/codec.js";
import type { ListedBid, Offer } from "./bid.js";
import type { AuctionTerms } from "./terms.js";

/** No winner: no bid may win. */
export const outcomeCodec = optional(
  struct({
    /** The number of the bid that wins. */
    bid: u32,
    /** What its bidder pays; in a tender, what it is paid. */
    price: u64,
  }),
);
export type Outcome = Value<typeof outcomeCodec>;

/** What a bid is worth to the auction's owner: the greatest wins. May be below zero. */
export function scoreOf(terms: AuctionTerms, { amount, values }: Offer): bigint {
  if (terms.kind !== "tender") return BigInt(amount);
  const ofCriteria = terms.criteria.map(({ weight, effect }, index) => {
    const weighted = BigInt(weight) * BigInt(values[index] ?? 0);
    return effect === "adds" ? weighted : -weighted;
  });
  return ofCriteria.reduce((sum, part) => sum + part, -BigInt(terms.priceWeight) * BigInt(amount));
}

/** Of bids with equal scores the first to arrive wins. `bids` in order of arrival, none still sealed. */
export function outcomeOf(terms: AuctionTerms, bids: readonly ListedBid[]): Outcome {
  const scored = bids.flatMap(({ number, standing, offer }) =>
    standing === "standing" && offer !== undefined ? { number, offer, score: scoreOf(terms, offer) } : [],
  );
  // Stable: what is equal stays in order of arrival.
  const [first, second] = scored.toSorted((a, b) => (a.score === b.score ? 0 : a.score > b.score ? -1 : 1));
  if (first === undefined) return undefined;
  if (terms.kind !== "sealed-second") return { bid: first.number, price: first.offer.amount };
  return { bid: first.number, price: Math.max(terms.reserve, second?.offer.amount ?? 0) };
}
