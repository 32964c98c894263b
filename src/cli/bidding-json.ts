/** The bidding service as JSON: what the command line prints and the HTTP interface answers. */
import { toHex } from "../core/bytes.js";
import type { BiddingAnswer, ListedBid, Terms } from "../services/bidding/index.js";

type AnswerOf<Kind extends BiddingAnswer["kind"]> = Extract<BiddingAnswer, { readonly kind: Kind }>;

export function termsJson(terms: Terms) {
  const common = { bidders: terms.bidders.map(toHex), closesAtMs: terms.closesAtMs ?? null };
  return terms.kind === "tender" ? { ...terms, ...common, criteria: [...terms.criteria] } : { ...terms, ...common };
}

export function bidJson({ number, bidder, sequence, index, round, standing, offer, sealed }: ListedBid) {
  return {
    bid: number,
    bidder: toHex(bidder),
    sequence,
    index,
    round,
    standing,
    amount: offer?.amount ?? null,
    values: offer === undefined ? null : [...offer.values],
    ciphertextSha256: sealed === undefined ? null : toHex(sealed),
  };
}

export function auctionJson({ auction, owner, terms, stage, leading, closed, outcome, faulty }: AnswerOf<"auction">) {
  return {
    auction,
    owner: toHex(owner),
    terms: termsJson(terms),
    stage,
    leading: leading ?? null,
    closed: closed === undefined ? null : { ...closed, timeMs: closed.timeMs ?? null },
    outcome: outcome ?? null,
    faulty: [...faulty],
  };
}

export function registeredKeyJson({ key, name, sponsor, sequence, least }: AnswerOf<"keys">["keys"][number]) {
  return { key: toHex(key), name, sponsor: toHex(sponsor), sequence, least };
}

export function depthJson({ buy, sell, lastTrade }: AnswerOf<"depth">) {
  return { buy: [...buy], sell: [...sell], lastTrade: lastTrade ?? null };
}
