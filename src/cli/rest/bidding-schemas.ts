/** What the REST API takes and gives of auctions and order books, as JSON (docs/bidding.md). */
import { z } from "zod";

const whole = z.int().min(0);
const hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/, "must be 64 lower-case hexadecimal digits")
  .describe("64 lower-case hexadecimal digits");
const base64 = z.base64();

const KINDS = ["sealed-first", "sealed-second", "open", "tender", "book"] as const;
const STAGES = ["open", "opening", "decided", "closed"] as const;
const stage = z.enum(STAGES).describe("opening: closed, and bids are being opened; closed: of a book");

export const keyParameter = hex.describe("an Ed25519 key: a client's, or a registered one");

export const auctionsSchema = z
  .object({
    auctions: z.array(z.object({ auction: whole, kind: z.enum(KINDS), title: z.string(), stage })),
    next: whole.nullable().describe("where to go on; null when there are no more"),
  })
  .describe("auctions and books, ascending");

const termsSchema = z
  .object({
    kind: z.enum(KINDS),
    title: z.string(),
    unit: z.string(),
    bidders: z.array(hex).describe("who may bid; none: every client and every registered key"),
    closesAtMs: whole.nullable().describe("milliseconds since 1970; null: the owner closes it"),
    mayReplace: z.boolean().optional(),
    mayWithdraw: z.boolean().optional(),
    reserve: whole.optional(),
    increment: whole.optional(),
    maxPrice: whole.optional(),
    priceWeight: whole.optional(),
    criteria: z
      .array(z.object({ name: z.string(), weight: whole, effect: z.enum(["adds", "subtracts"]), max: whole }))
      .optional(),
  })
  .describe("fixed when it was created; which fields there are depends on the kind");

export const auctionSchema = z
  .object({
    auction: whole,
    owner: hex,
    terms: termsSchema,
    stage,
    leading: whole.nullable().describe("in an open auction"),
    closed: z.object({ sequence: whole, index: whole, round: whole, timeMs: whole.nullable() }).nullable(),
    outcome: z.object({ bid: whole, price: whole }).nullable(),
    faulty: z.array(whole).describe("parties that gave false decryption shares"),
    bidCount: whole,
    sealedCount: whole.describe("of these, those that are still sealed and stand"),
  })
  .describe("an auction or a book, as enough replicas say alike");

const bidSchema = z.object({
  bid: whole.describe("from 1 on, in order of arrival"),
  bidder: hex,
  sequence: whole,
  index: whole,
  round: whole,
  standing: z.string(),
  amount: whole.nullable().describe("null while it is sealed"),
  values: z.array(whole).nullable(),
  ciphertextSha256: hex.nullable(),
});

export const bidsSchema = z
  .object({ bids: z.array(bidSchema), next: whole.nullable().describe("where to go on; null when there are no more") })
  .describe("the bids of an auction, ascending");

export const sealingSchema = z
  .object({
    scheme: z.literal("TDH2 ristretto255 ChaCha20-Poly1305"),
    cluster: hex,
    auction: whole,
    bidder: hex,
    counter: whole.describe("of the bidder's next command in this auction, at least"),
    publicKey: base64.describe(
      "the group's, under which the bid is encrypted; compare it with a public.json that you trust",
    ),
    label: base64.describe("with this counter"),
  })
  .describe("what a bidder needs to seal a bid (docs/CRYPTO.md)");

export const awardSchema = z
  .object({
    format: z.literal("abcast-award/1"),
    statement: base64,
    signature: base64,
    terms: base64,
    bids: base64,
  })
  .describe("an award as abcast verify takes it: the outcome, signed by the group, with the bids behind it");

const levelSchema = z.object({ price: whole, quantity: whole, orders: whole });

export const depthSchema = z
  .object({
    buy: z.array(levelSchema).describe("best first"),
    sell: z.array(levelSchema),
    lastTrade: z.object({ price: whole, quantity: whole }).nullable(),
  })
  .describe("what rests in a book");

export const ordersSchema = z
  .object({
    orders: z.array(z.object({ order: whole, side: z.enum(["buy", "sell"]), price: whole, quantity: whole })),
    next: whole.nullable(),
  })
  .describe("what rests of a client's orders in a book");

export const commandSchema = z
  .strictObject({
    request: base64.describe(
      "a request for the service bidding, encoded and signed by the client (src/wire/payload.ts)",
    ),
  })
  .describe("a signed command");

export const keySchema = z
  .object({
    key: hex,
    name: z.string().describe("what its holder and sponsor say; nobody else vouches for it"),
    sponsor: hex.describe("the client that had it registered"),
    sequence: whole.describe("where in the cluster's log"),
    least: whole.describe("the least number that its next command may have"),
  })
  .describe("a key that is registered");

export const keysSchema = z
  .object({ keys: z.array(keySchema), next: whole.nullable().describe("where to go on; null when there are no more") })
  .describe("registered keys, in order of registration");

export const signedCommandSchema = z
  .strictObject({
    operation: base64.describe(
      "the operation `signed` of the service bidding: a command with the key, its number and the key's signature (src/services/bidding)",
    ),
  })
  .describe("a command that a registered key has signed");

export const doneSchema = z
  .object({
    sequence: whole.describe("the command's number in the cluster's log"),
    round: whole,
    kind: z.enum(["created", "bid", "withdrawn", "closed", "placed", "cancelled", "award", "registered"]),
    auction: whole.optional(),
    bid: whole.optional(),
    bids: whole.optional(),
    order: whole.optional(),
    fills: z.array(z.object({ order: whole, price: whole, quantity: whole })).optional(),
    resting: whole.optional(),
    quantity: whole.optional(),
    statement: base64.optional(),
  })
  .describe("what a command did, as this replica says");
