/** The bidding service. */
export { type Award, AWARD_FORMAT, decodeAward, encodeAward, MAX_AWARD_STATEMENT_BYTES } from "./award.js";
export { decodeBids, encodeBids, type ListedBid, type Offer, type Standing } from "./bid.js";
export { biddingStatement, createBidding } from "./bidding.js";
export { keyNameProblem, MAX_KEY_NAME_BYTES } from "./key-name.js";
export type { KeySignatures } from "./key-signatures.js";
export {
  type BiddingAnswer,
  type BiddingCommand,
  type BiddingDuty,
  type BiddingOperation,
  type BiddingQuery,
  type BiddingReply,
  decodeBiddingAnswer,
  decodeBiddingDuty,
  decodeBiddingOperation,
  decodeBiddingQuery,
  decodeBiddingReply,
  encodeBiddingAnswer,
  encodeBiddingDuty,
  encodeBiddingOperation,
  encodeBiddingQuery,
  encodeBiddingReply,
  LAST_COUNTER,
  type Refusal,
} from "./messages.js";
export { type Fill, type Level, type Side } from "./order-book.js";
export { type Outcome, outcomeOf, scoreOf } from "./outcome.js";
export { encodeOffer, sealedBidLabel, type SealedFor, type Sealing } from "./sealing.js";
export { type CommandOfKey, commandStatement, type NewKey, registrationStatement } from "./signing.js";
export {
  type AuctionTerms,
  type Criterion,
  decodeTerms,
  encodeTerms,
  isSealed,
  MAX_CRITERIA,
  MAX_TITLE_BYTES,
  MAX_UNIT_BYTES,
  type Terms,
} from "./terms.js";
