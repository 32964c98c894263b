/** What clients and parties ask of the bidding service, and what it answers: as values and as bytes. */
import {
  type Decoded,
  type Value,
  atMost,
  bytes,
  choice,
  decode,
  encode,
  fixedBytes,
  list,
  optional,
  struct,
  text,
  u32,
  u64,
  u8,
  union,
} from "../../core/codec.js";
import { MAX_PARTIES } from "../../core/party-set.js";
import { MAX_DECRYPTION_SHARE_BYTES } from "../../core/suite.js";
import { MAX_AWARD_STATEMENT_BYTES } from "./award.js";
import { listedBidCodec, offerCodec, placeFields } from "./bid.js";
import { keyNameCodec } from "./key-name.js";
import { fillsCodec, levelsCodec, priceCodec, quantityCodec, sideCodec } from "./order-book.js";
import { outcomeCodec } from "./outcome.js";
import { MAX_CIPHERTEXT_BYTES } from "./sealing.js";
import { MAX_TITLE_BYTES, flagCodec, keyCodec, kindCodec, termsCodec } from "./terms.js";

/** Shares in one payload of a party: so many take a replica some hundred milliseconds to check. */
export const MAX_SHARES_PER_DUTY = 64;
/** Bids, orders or keys in one answer. */
export const MAX_LISTED_PER_ANSWER = 128;

/** Of counters, and of the numbers of a registered key's commands: who has used it has none left. */
export const LAST_COUNTER = 0xffff_ffff;

/** A client's commands on one auction have growing counters: the auction, the counter and the client's signature make each good once. */
const command = { auction: u64, counter: u32 };

const commands = {
  create: struct({ terms: termsCodec }),
  bid: struct({
    ...command,
    content: union({
      sealed: struct({ ciphertext: bytes(MAX_CIPHERTEXT_BYTES) }),
      clear: struct({ offer: offerCodec }),
    }),
  }),
  withdraw: struct(command),
  /** By the owner of an auction without a closing time; of a book: all orders go. */
  close: struct(command),
  /** Once it is decided. Its reply is what the group signs. */
  award: struct({ auction: u64 }),
  /** An order in a book: without a price, a market order. */
  place: struct({ ...command, side: sideCodec, price: optional(priceCodec), quantity: quantityCodec }),
  cancel: struct({ ...command, order: u64 }),
};
export const commandCodec = union(commands);
/** What a client asks as itself, or who holds a registered key as that. */
export type BiddingCommand = Value<typeof commandCodec>;

const signatureCodec = fixedBytes(64);
const operationCodec = union({
  ...commands,
  /** A key that its holder wants to act under; the proof is its signature (signing.ts). The client that asks is its sponsor. */
  register: struct({ name: keyNameCodec, key: keyCodec, proof: signatureCodec }),
  /** A command of a registered key, which any client may carry. */
  signed: struct({ key: keyCodec, number: u32, command: commandCodec, signature: signatureCodec }),
});
export type BiddingOperation = Value<typeof operationCodec>;

const refusalCodec = choice(
  "no-auction",
  "wrong-kind",
  "not-open",
  "not-bidder",
  "not-owner",
  "closes-by-time",
  "no-time",
  "old-counter",
  "wrong-label",
  "has-bid",
  "no-bid",
  "no-withdrawal",
  "too-low",
  "no-order",
  "not-decided",
  "full",
  "known-key",
  "name-taken",
  "bad-key",
  "bad-proof",
  "unknown-key",
  "old-number",
  "bad-signature",
);
/** Why nothing was changed; docs/bidding.md says what each means. */
export type Refusal = Value<typeof refusalCodec>;

const replyCodec = union({
  created: struct({ auction: u64 }),
  /** The bid's number. */
  bid: struct({ bid: u32 }),
  withdrawn: struct({ bids: u32 }),
  closed: struct({}),
  award: struct({ statement: bytes(MAX_AWARD_STATEMENT_BYTES) }),
  /** `resting`: what waits in the book; what was neither filled nor rests has gone. */
  placed: struct({ order: u64, fills: fillsCodec, resting: u32 }),
  /** What was left of the order. */
  cancelled: struct({ quantity: u32 }),
  refused: struct({ reason: refusalCodec }),
  malformed: struct({}),
  registered: struct({}),
});
export type BiddingReply = Value<typeof replyCodec>;

const shareCodec = struct({ bid: u32, share: bytes(MAX_DECRYPTION_SHARE_BYTES) });
const dutyCodec = union({
  /** A place in a round, whose time may close auctions; because of this one, by the party's clock. */
  tick: struct({ auction: u64 }),
  /** The party's decryption shares of a closed auction's bids. */
  shares: struct({ auction: u64, shares: list(shareCodec, MAX_SHARES_PER_DUTY) }),
});
export type BiddingDuty = Value<typeof dutyCodec>;

const queryCodec = union({
  /** Auctions from this number on. */
  auctions: struct({ from: u64 }),
  auction: struct({ auction: u64 }),
  /** Bids of an auction from this number on. */
  bids: struct({ auction: u64, from: u32 }),
  depth: struct({ auction: u64 }),
  /** What rests of a client's orders in a book, from this order's number on. */
  orders: struct({ auction: u64, client: keyCodec, from: u64 }),
  /** The least counter that the client may use next. */
  counter: struct({ auction: u64, client: keyCodec }),
  /** Registered keys, in the order of their registration, from the place `from` on; the first has the place 0. */
  keys: struct({ from: u32 }),
  key: struct({ key: keyCodec }),
});
export type BiddingQuery = Value<typeof queryCodec>;

export const stageCodec = choice("open", "opening", "decided", "closed");
export type Stage = Value<typeof stageCodec>;

/** `least`: the least number that its next command may have. */
const shownKey = { key: keyCodec, name: keyNameCodec, sponsor: keyCodec, sequence: u64, least: u64 };

const answerCodec = union({
  auctions: struct({
    auctions: list(
      struct({ auction: u64, kind: kindCodec, title: text(MAX_TITLE_BYTES), stage: stageCodec }),
      MAX_LISTED_PER_ANSWER,
    ),
    hasMore: flagCodec,
  }),
  auction: struct({
    auction: u64,
    owner: keyCodec,
    terms: termsCodec,
    stage: stageCodec,
    bids: u32,
    /** Bids that are still sealed. */
    sealed: u32,
    leading: optional(u64),
    closed: optional(struct({ ...placeFields, timeMs: optional(u64) })),
    outcome: outcomeCodec,
    faulty: list(atMost(u8, MAX_PARTIES - 1), MAX_PARTIES),
  }),
  bids: struct({ bids: list(listedBidCodec, MAX_LISTED_PER_ANSWER), hasMore: flagCodec }),
  depth: struct({ buy: levelsCodec, sell: levelsCodec, lastTrade: optional(struct({ price: u64, quantity: u32 })) }),
  orders: struct({
    orders: list(
      struct({ order: u64, side: sideCodec, price: priceCodec, quantity: quantityCodec }),
      MAX_LISTED_PER_ANSWER,
    ),
    hasMore: flagCodec,
  }),
  counter: struct({ least: u64 }),
  /** There is no such auction, or it is of another kind; or no such key. */
  absent: struct({}),
  malformed: struct({}),
  keys: struct({ keys: list(struct(shownKey), MAX_LISTED_PER_ANSWER), hasMore: flagCodec }),
  key: struct(shownKey),
});
export type BiddingAnswer = Value<typeof answerCodec>;

/** @throws EncodeError when a field is out of its bounds; the same of all encoders here */
export function encodeBiddingOperation(operation: BiddingOperation): Uint8Array {
  return encode(operationCodec, operation);
}

/** Total and canonical, as all decoders here; what is decoded has views of `bytes`. */
export function decodeBiddingOperation(bytes_: Uint8Array): Decoded<BiddingOperation> {
  return decode(operationCodec, bytes_);
}

export function encodeBiddingReply(reply: BiddingReply): Uint8Array {
  return encode(replyCodec, reply);
}

export function decodeBiddingReply(bytes_: Uint8Array): Decoded<BiddingReply> {
  return decode(replyCodec, bytes_);
}

export function encodeBiddingDuty(duty: BiddingDuty): Uint8Array {
  return encode(dutyCodec, duty);
}

export function decodeBiddingDuty(bytes_: Uint8Array): Decoded<BiddingDuty> {
  return decode(dutyCodec, bytes_);
}

export function encodeBiddingQuery(query: BiddingQuery): Uint8Array {
  return encode(queryCodec, query);
}

export function decodeBiddingQuery(bytes_: Uint8Array): Decoded<BiddingQuery> {
  return decode(queryCodec, bytes_);
}

export function encodeBiddingAnswer(answer: BiddingAnswer): Uint8Array {
  return encode(answerCodec, answer);
}

export function decodeBiddingAnswer(bytes_: Uint8Array): Decoded<BiddingAnswer> {
  return decode(answerCodec, bytes_);
}
