/**
 * What an auction is: fixed when it is created, and public. Amounts are whole numbers of some unit, such as cents; all arithmetic is exact.
 */
import {
  type Codec,
  type Decoded,
  type Value,
  choice,
  decode,
  encode,
  fixedBytes,
  list,
  optional,
  refine,
  struct,
  text,
  u32,
  u64,
  union,
} from "../../core/codec.js";

export const MAX_TITLE_BYTES = 128;
export const MAX_UNIT_BYTES = 16;
/** Bidders that an auction names. */
export const MAX_BIDDERS = 256;
/** Of a tender. */
export const MAX_CRITERIA = 16;

const yesOrNo = choice("no", "yes");
export const flagCodec: Codec<boolean> = {
  write: (writer, value) => yesOrNo.write(writer, value ? "yes" : "no"),
  read: (reader) => yesOrNo.read(reader) === "yes",
};

/** A raw Ed25519 public key: a client's, or one that is registered. */
export const keyCodec = fixedBytes(32);

const common = {
  title: text(MAX_TITLE_BYTES),
  /** What amounts count. */
  unit: text(MAX_UNIT_BYTES),
  /** Who may bid; nobody in it: every client, and every registered key. */
  bidders: list(keyCodec, MAX_BIDDERS),
  /** Milliseconds since 1970, by the time of rounds. Without one the owner closes; with one nobody can close earlier. */
  closesAtMs: optional(u64),
};

const sealed = {
  ...common,
  /** Before the close: whether a bidder may bid again in place of its bid, and whether it may take its bid back. */
  mayReplace: flagCodec,
  mayWithdraw: flagCodec,
};

/** Less wins nothing; 0: any amount does. */
const reserve = u64;

const criterionCodec = struct({
  name: text(MAX_TITLE_BYTES),
  /** What each unit of the bid's value adds to its score, or takes from it. */
  weight: u32,
  effect: choice("adds", "subtracts"),
  /** A bid with a greater value is out of range. */
  max: u32,
});
export type Criterion = Value<typeof criterionCodec>;

const positive = (codec: Codec<number>): Codec<number> =>
  refine(codec, (value) => (value > 0 ? undefined : "0 where at least 1 is needed"));

export const termsCodec = union({
  /** The highest bid wins and pays what it bid. */
  "sealed-first": struct({ ...sealed, reserve }),
  /** The highest bid wins and pays what the second highest bid, or the reserve (Vickrey, Journal of Finance 16, 1961). */
  "sealed-second": struct({ ...sealed, reserve }),
  /** Ascending, in the open: each bid is at least `increment` above the one that leads; the last one wins and pays what it bid. */
  open: struct({ ...common, mayWithdraw: flagCodec, reserve, increment: positive(u64) }),
  /**
   * Sealed bids to deliver something: the greatest score wins, and is paid what it asked. The score is quasi-linear (Che, RAND Journal of
   * Economics 24, 1993): weighted values of the criteria, less the weighted price. So it needs no division, and is exact.
   */
  tender: struct({
    ...sealed,
    maxPrice: u64,
    priceWeight: positive(u32),
    criteria: list(criterionCodec, MAX_CRITERIA),
  }),
  /** A continuous order book of one good, by price and then time. */
  book: struct(common),
});
export const kindCodec = choice("sealed-first", "sealed-second", "open", "tender", "book");
export type Terms = Value<typeof termsCodec>;
export type BookTerms = Extract<Terms, { readonly kind: "book" }>;
/** Of everything that ends with one winner. */
export type AuctionTerms = Exclude<Terms, BookTerms>;

export function isSealed(terms: Terms): terms is Exclude<AuctionTerms, { readonly kind: "open" }> {
  return terms.kind !== "open" && terms.kind !== "book";
}

export function encodeTerms(terms: Terms): Uint8Array {
  return encode(termsCodec, terms);
}

/** Total and canonical. */
export function decodeTerms(bytes: Uint8Array): Decoded<Terms> {
  return decode(termsCodec, bytes);
}
