/**
 * The bidding service: auctions and order books on the ordered log (docs/bidding.md).
 *
 * Who bids is the client whose signature is on the request, which binds cluster, session and operation; the operation names auction and
 * counter. Or it is who holds a key that a client has brought (registry.ts): its own signature, which binds cluster, number and command, is
 * in the operation, and whichever client carries that is nobody but its courier. What is sealed the parties open by shares that are ordered themselves, after the close: so every replica, and whoever
 * replays the log, opens the same bids at the same place, and a share that is none is known for what it is.
 */
import { toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { type ApplyContext, type Debtor, MAX_OPERATION_BYTES, type Service } from "../service.js";
import { answerTo } from "./answers.js";
import { encodeAward } from "./award.js";
import type { OwnShare } from "./auction.js";
import { encodeBids } from "./bid.js";
import { House } from "./house.js";
import type { Listing } from "./listing.js";
import {
  type BiddingCommand,
  type BiddingOperation,
  type BiddingReply,
  MAX_SHARES_PER_DUTY,
  type Refusal,
  decodeBiddingDuty,
  decodeBiddingOperation,
  decodeBiddingReply,
  encodeBiddingDuty,
  encodeBiddingReply,
} from "./messages.js";
import type { Sealing } from "./sealing.js";
import { commandStatement, registrationStatement } from "./signing.js";
import { encodeTerms } from "./terms.js";

type Of<Kind extends BiddingOperation["kind"]> = Extract<BiddingOperation, { readonly kind: Kind }>;

/** Bytes of a duty besides its shares, and of a share besides itself. */
const DUTY_OVERHEAD_BYTES = 64;
const SHARE_OVERHEAD_BYTES = 8;

export function createBidding(sealing: Sealing): Service {
  let house = new House(sealing);
  return {
    name: "bidding",

    validate: (operation) => decodeBiddingOperation(operation).ok,

    apply(context, bytes) {
      house.advance(context);
      // A copy: bids keep parts of it.
      const operation = decodeBiddingOperation(bytes.slice());
      return encodeBiddingReply(
        operation.ok ? execute(house, sealing, context, operation.value) : { kind: "malformed" },
      );
    },

    query: (query) => answerTo(house, query),

    snapshot: () => house.snapshot(),

    restore(chunks) {
      house = House.restore(chunks, sealing);
    },

    statement: biddingStatement,

    duties: {
      due: (debtor) => dueOf(house, debtor),
      validate: (operation) => decodeBiddingDuty(operation).ok,
      apply(context, bytes) {
        house.advance(context);
        const duty = decodeBiddingDuty(bytes.slice());
        if (duty.ok && duty.value.kind === "shares")
          takeShares(house, context.party, duty.value.auction, duty.value.shares);
      },
    },
  };
}

/** What the group signs of an award; of other replies nothing of their own. Total. */
export function biddingStatement(reply: Uint8Array): Uint8Array | undefined {
  const decoded = decodeBiddingReply(reply);
  return decoded.ok && decoded.value.kind === "award" ? decoded.value.statement : undefined;
}

function refused(reason: Refusal): BiddingReply {
  return { kind: "refused", reason };
}

function execute(house: House, sealing: Sealing, context: ApplyContext, operation: BiddingOperation): BiddingReply {
  if (operation.kind === "register") return register(house, sealing, context, operation);
  if (operation.kind === "signed") return signed(house, sealing, context, operation);
  return act(house, sealing, context, operation);
}

function register(
  { registry }: House,
  { cluster, signatures }: Sealing,
  { client: sponsor, sequence }: ApplyContext,
  { name, key, proof }: Of<"register">,
): BiddingReply {
  const refusal = registry.refusalOf({ key, name, sponsor });
  if (refusal !== undefined) return refused(refusal);
  if (!signatures.isKey(key)) return refused("bad-key");
  if (!signatures.verify(key, registrationStatement({ cluster, name, key }), proof)) return refused("bad-proof");
  registry.add({ key, name, sponsor, sequence, last: 0 });
  return { kind: "registered" };
}

function signed(
  house: House,
  sealing: Sealing,
  context: ApplyContext,
  { key, number, command, signature }: Of<"signed">,
): BiddingReply {
  const { registry } = house;
  const { cluster, signatures } = sealing;
  const registered = registry.get(key);
  if (registered === undefined) return refused("unknown-key");
  if (number <= registered.last) return refused("old-number");
  if (!signatures.verify(key, commandStatement({ cluster, key, number, command }), signature))
    return refused("bad-signature");
  // Used up whatever becomes of the command: else a courier could try again, at a time of its choice, what was refused.
  registry.use(registered, number);
  return act(house, sealing, { ...context, client: registered.key }, command);
}

/** As the client, or the key, that the context names. */
function act(house: House, sealing: Sealing, context: ApplyContext, operation: BiddingCommand): BiddingReply {
  if (operation.kind === "create") return create(house, context, operation);
  const listing = house.get(operation.auction);
  if (listing === undefined) return refused("no-auction");
  if (operation.kind === "award") return award(sealing, listing);
  if (operation.counter <= listing.lastCounter(context.client)) return refused("old-counter");
  const reply = command(house, listing, context, operation);
  // What was refused changed nothing, and may be said again.
  if (reply.kind !== "refused") {
    listing.use(context.client, operation.counter);
    house.changed(listing);
  }
  return reply;
}

function create(house: House, { client, roundTimeMs }: ApplyContext, { terms }: Of<"create">): BiddingReply {
  if (terms.closesAtMs !== undefined && roundTimeMs === undefined) return refused("no-time");
  const auction = house.create(client, terms);
  return auction === undefined ? refused("full") : { kind: "created", auction };
}

function command(
  house: House,
  listing: Listing,
  context: ApplyContext,
  operation: Exclude<BiddingCommand, Of<"create"> | Of<"award">>,
): BiddingReply {
  switch (operation.kind) {
    case "bid":
      return bid(house, listing, context, operation);
    case "withdraw":
      return withdraw(listing, context);
    case "close":
      return close(house, listing, context);
    case "place":
      return place(house, listing, context, operation);
    case "cancel":
      break;
  }
  return cancel(listing, context, operation);
}

function bid(house: House, listing: Listing, context: ApplyContext, { counter, content }: Of<"bid">): BiddingReply {
  const { body } = listing;
  if (body.kind !== "auction") return refused("wrong-kind");
  if (!mayBid(listing, context.client)) return refused("not-bidder");
  if (!house.hasRoomForBid) return refused("full");
  const { sequence, index, round, client: bidder } = context;
  const bid = body.auction.bid({ bidder, counter, place: { sequence, index, round }, content });
  return typeof bid === "number" ? { kind: "bid", bid } : refused(bid);
}

/** An owner that bids drives its own price. */
function mayBid({ owner, body }: Listing, client: Uint8Array): boolean {
  const { bidders } = body.terms;
  const key = toHex(client);
  if (body.kind === "auction" && toHex(owner) === key) return false;
  return bidders.length === 0 || bidders.some((bidder) => toHex(bidder) === key);
}

function withdraw({ body }: Listing, { client }: ApplyContext): BiddingReply {
  if (body.kind !== "auction") return refused("wrong-kind");
  const bids = body.auction.withdraw(client);
  return typeof bids === "number" ? { kind: "withdrawn", bids } : refused(bids);
}

function close(house: House, listing: Listing, context: ApplyContext): BiddingReply {
  if (toHex(listing.owner) !== toHex(context.client)) return refused("not-owner");
  if (listing.stage !== "open") return refused("not-open");
  if (listing.closesAtMs !== undefined) return refused("closes-by-time");
  house.close(listing, context);
  return { kind: "closed" };
}

function place(
  house: House,
  listing: Listing,
  { client }: ApplyContext,
  { side, price, quantity }: Of<"place">,
): BiddingReply {
  const { body } = listing;
  if (body.kind !== "book") return refused("wrong-kind");
  if (!body.isOpen) return refused("not-open");
  if (!mayBid(listing, client)) return refused("not-bidder");
  if (price !== undefined && !(house.hasRoomForBid && body.book.hasRoom(client))) return refused("full");
  return { kind: "placed", ...body.book.place({ client, side, price, quantity }) };
}

function cancel({ body }: Listing, { client }: ApplyContext, { order }: Of<"cancel">): BiddingReply {
  if (body.kind !== "book") return refused("wrong-kind");
  const quantity = body.book.cancel(client, order);
  return quantity === undefined ? refused("no-order") : { kind: "cancelled", quantity };
}

function award(sealing: Sealing, { id, owner, body }: Listing): BiddingReply {
  if (body.kind !== "auction") return refused("wrong-kind");
  const { terms, auction } = body;
  const { phase, closed, outcome } = auction.state;
  if (phase !== "decided" || closed === undefined) return refused("not-decided");
  const { bids } = auction;
  const winner = bids.find(({ number }) => number === outcome?.bid)?.bidder;
  const statement = encodeAward({
    cluster: sealing.cluster,
    auction: id,
    kind: terms.kind,
    owner,
    terms: sealing.hash(encodeTerms(terms)),
    bids: sealing.hash(encodeBids(bids)),
    closedSequence: closed.sequence,
    closedRound: closed.round,
    won: outcome && winner && { winner, ...outcome },
  });
  return { kind: "award", statement };
}

/** Shares of bids before word of the time: what is closed waits for nothing else. */
function dueOf(house: House, debtor: Debtor): Uint8Array | undefined {
  for (const auction of house.opening) {
    const shares = sharesOf(house, auction, debtor);
    if (shares.length > 0) return encodeBiddingDuty({ kind: "shares", auction, shares });
  }
  const [late] = house.dueAt(debtor.nowMs);
  return late && encodeBiddingDuty({ kind: "tick", auction: late.id });
}

/** As many as one payload takes. */
function sharesOf(house: House, id: number, debtor: Debtor): OwnShare[] {
  const body = house.get(id)?.body;
  const owed = body?.kind === "auction" ? body.auction.owed(debtor.party) : [];
  const shares: OwnShare[] = [];
  let room = MAX_OPERATION_BYTES - DUTY_OVERHEAD_BYTES;
  for (const { bid, label, ciphertext } of owed.slice(0, MAX_SHARES_PER_DUTY)) {
    const share = debtor.decryptionShare(label, ciphertext);
    room -= share.length + SHARE_OVERHEAD_BYTES;
    if (room < 0) break;
    shares.push({ bid, share });
  }
  return shares;
}

function takeShares(house: House, party: PartyId, id: number, shares: readonly OwnShare[]): void {
  const listing = house.get(id);
  if (listing?.body.kind !== "auction") return;
  const { auction } = listing.body;
  if (auction.addShares(party, shares)) house.changed(listing);
}
