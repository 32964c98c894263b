/**
 * One auction with one winner, as a state machine: open, until it is closed; then, where bids are sealed, opening, until enough parties
 * have given shares of each; then decided. Bids that were taken back or replaced before the close are never opened.
 */
import { equalBytes } from "../../core/bytes.js";
import { type Value, atMost, bytes, choice, list, optional, struct, u64, u8 } from "../../core/codec.js";
import { MAX_PARTIES, type PartyId, PartySet } from "../../core/party-set.js";
import { MAX_DECRYPTION_SHARE_BYTES } from "../../core/suite.js";
import {
  type ListedBid,
  MAX_BIDS_PER_AUCTION,
  MAX_BIDS_PER_BIDDER,
  type Offer,
  judge,
  listedBidCodec,
  placeFields,
} from "./bid.js";
import type { Refusal } from "./messages.js";
import { outcomeCodec, outcomeOf } from "./outcome.js";
import { MAX_CIPHERTEXT_BYTES, type Sealing, decodeOffer, sealedBidLabel } from "./sealing.js";
import { type AuctionTerms, isSealed } from "./terms.js";

export const phaseCodec = choice("open", "opening", "decided");
export type Phase = Value<typeof phaseCodec>;

/** Where in the log it was closed, and by the time of which round. */
export const closedCodec = struct({ ...placeFields, timeMs: optional(u64) });
export type Closed = Value<typeof closedCodec>;

const partyCodec = atMost(u8, MAX_PARTIES - 1);
const shareCodec = struct({ party: partyCodec, share: bytes(MAX_DECRYPTION_SHARE_BYTES) });

const keptBidCodec = struct({
  listed: listedBidCodec,
  ciphertext: optional(bytes(MAX_CIPHERTEXT_BYTES)),
  /** Until it is opened; ascending by party. */
  shares: list(shareCodec, MAX_PARTIES),
});
type KeptBid = Value<typeof keptBidCodec>;

export const auctionStateCodec = struct({
  phase: phaseCodec,
  closed: optional(closedCodec),
  bids: list(keptBidCodec, MAX_BIDS_PER_AUCTION),
  /** Who gave a share that is none, ascending: nothing more is taken of them here. */
  faulty: list(partyCodec, MAX_PARTIES),
  outcome: outcomeCodec,
});
export type AuctionState = Value<typeof auctionStateCodec>;

const START: AuctionState = { phase: "open", closed: undefined, bids: [], faulty: [], outcome: undefined };

export type Content =
  | { readonly kind: "sealed"; readonly ciphertext: Uint8Array }
  | { readonly kind: "clear"; readonly offer: Offer };

export interface NewBid {
  readonly bidder: Uint8Array;
  readonly counter: number;
  readonly place: Pick<ListedBid, "sequence" | "index" | "round">;
  readonly content: Content;
}

export interface OwnShare {
  /** The bid's number. */
  readonly bid: number;
  readonly share: Uint8Array;
}

export class Auction {
  readonly #id: number;
  readonly #terms: AuctionTerms;
  readonly #sealing: Sealing;
  #state: AuctionState;

  constructor(id: number, terms: AuctionTerms, sealing: Sealing, state: AuctionState = START) {
    this.#id = id;
    this.#terms = terms;
    this.#sealing = sealing;
    this.#state = state;
  }

  get state(): AuctionState {
    return this.#state;
  }

  get bids(): readonly ListedBid[] {
    return this.#state.bids.map(({ listed }) => listed);
  }

  /** The new bid's number. */
  bid({ bidder, counter, place, content }: NewBid): number | Refusal {
    const { phase, bids } = this.#state;
    if (phase !== "open") return "not-open";
    if (isSealed(this.#terms) !== (content.kind === "sealed")) return "wrong-kind";
    const own = bids.filter(({ listed }) => equalBytes(listed.bidder, bidder));
    if (bids.length >= MAX_BIDS_PER_AUCTION || own.length >= MAX_BIDS_PER_BIDDER) return "full";
    const hasBid = own.some(isStanding);
    if (hasBid && isSealed(this.#terms) && !this.#terms.mayReplace) return "has-bid";
    const refusal = content.kind === "sealed" ? this.#refusalOfSealed(bidder, counter, content) : this.#tooLow(content);
    if (refusal !== undefined) return refusal;

    const number = bids.length + 1;
    const common = { number, bidder, counter, ...place, standing: "standing" } as const;
    const kept: KeptBid =
      content.kind === "clear"
        ? { listed: { ...common, sealed: undefined, offer: content.offer }, ciphertext: undefined, shares: [] }
        : {
            listed: { ...common, sealed: this.#sealing.hash(content.ciphertext), offer: undefined },
            ciphertext: content.ciphertext,
            shares: [],
          };
    this.#supersede(bidder, "replaced");
    this.#set({ bids: [...this.#state.bids, kept] });
    return number;
  }

  #refusalOfSealed(bidder: Uint8Array, counter: number, { ciphertext }: { readonly ciphertext: Uint8Array }) {
    const isFor = this.#sealing.decryption.checkCiphertext(this.#label(bidder, counter), ciphertext);
    return isFor ? undefined : ("wrong-label" as const);
  }

  #tooLow({ offer }: { readonly offer: Offer }): Refusal | undefined {
    const terms = this.#terms;
    if (terms.kind !== "open") return "wrong-kind";
    const standing = judge(terms, offer);
    if (standing === "malformed") return "wrong-kind";
    const leading = this.leading;
    const least = leading === undefined ? terms.reserve : leading + terms.increment;
    return offer.amount < least ? "too-low" : undefined;
  }

  /** The highest amount that stands, of an open auction. */
  get leading(): number | undefined {
    const amounts = this.#state.bids.filter(isStanding).flatMap(({ listed }) => listed.offer?.amount ?? []);
    return amounts.length === 0 ? undefined : Math.max(...amounts);
  }

  /** How many bids were taken back: one, or a refusal. */
  withdraw(bidder: Uint8Array): number | Refusal {
    const { phase, bids } = this.#state;
    if (phase !== "open") return "not-open";
    if (!this.#terms.mayWithdraw) return "no-withdrawal";
    if (!bids.some((bid) => isStanding(bid) && equalBytes(bid.listed.bidder, bidder))) return "no-bid";
    return this.#supersede(bidder, "withdrawn");
  }

  #supersede(bidder: Uint8Array, standing: "replaced" | "withdrawn"): number {
    const isMeant = (bid: KeptBid): boolean => isStanding(bid) && equalBytes(bid.listed.bidder, bidder);
    const count = this.#state.bids.filter(isMeant).length;
    if (count > 0)
      this.#set({
        bids: this.#state.bids.map((bid) => (isMeant(bid) ? { ...bid, listed: { ...bid.listed, standing } } : bid)),
      });
    return count;
  }

  close(closed: Closed): void {
    this.#set({ phase: "opening", closed });
    this.#decideIfOpened();
  }

  /**
   * The bids of which this party owes a share: none before the close, since shares of enough parties open a bid for whoever has
   * them. Ascending.
   */
  owed(party: PartyId): { readonly bid: number; readonly label: Uint8Array; readonly ciphertext: Uint8Array }[] {
    const { phase, bids, faulty } = this.#state;
    if (phase !== "opening" || faulty.includes(party)) return [];
    return bids.filter(isClosed).flatMap(({ listed, ciphertext, shares }) => {
      if (ciphertext === undefined || shares.some((share) => share.party === party)) return [];
      return [{ bid: listed.number, label: this.#label(listed.bidder, listed.counter), ciphertext }];
    });
  }

  /** Shares of a party: each that verifies counts. After the first that does not, none of the party's does. Whether anything changed. */
  addShares(party: PartyId, shares: readonly OwnShare[]): boolean {
    const before = this.#state;
    const owed = new Map(this.owed(party).map((item) => [item.bid, item]));
    for (const { bid, share } of shares) {
      const item = owed.get(bid);
      // Others' shares may have opened it meanwhile.
      if (item === undefined) continue;
      owed.delete(bid);
      if (!this.#sealing.decryption.verifyShare(party, item.label, item.ciphertext, share)) {
        this.#set({ faulty: [...this.#state.faulty, party].sort((a, b) => a - b) });
        break;
      }
      this.#addShare(bid, { party, share });
    }
    this.#decideIfOpened();
    return this.#state !== before;
  }

  #addShare(number: number, added: KeptBid["shares"][number]): void {
    this.#set({
      bids: this.#state.bids.map((bid) => {
        if (bid.listed.number !== number) return bid;
        const shares = [...bid.shares, added].sort((a, b) => a.party - b.party);
        const suffice = this.#sealing.hasHonest(PartySet.of(shares.map(({ party }) => party)));
        return suffice ? this.#opened({ ...bid, shares }) : { ...bid, shares };
      }),
    });
  }

  #opened({ listed, ciphertext = new Uint8Array(), shares }: KeptBid): KeptBid {
    const { decryption } = this.#sealing;
    const label = this.#label(listed.bidder, listed.counter);
    const plaintext = decryption.combine(label, ciphertext, new Map(shares.map(({ party, share }) => [party, share])));
    const offer = plaintext === undefined ? undefined : decodeOffer(plaintext);
    const broken = plaintext === undefined ? "undecryptable" : "malformed";
    const standing = offer === undefined ? broken : judge(this.#terms, offer);
    return { listed: { ...listed, standing, offer }, ciphertext, shares: [] };
  }

  #decideIfOpened(): void {
    const { phase, bids } = this.#state;
    if (phase !== "opening" || bids.some(isClosed)) return;
    this.#set({ phase: "decided", outcome: outcomeOf(this.#terms, this.bids) });
  }

  #label(bidder: Uint8Array, counter: number): Uint8Array {
    return sealedBidLabel({ cluster: this.#sealing.cluster, auction: this.#id, bidder, counter });
  }

  #set(change: Partial<AuctionState>): void {
    this.#state = { ...this.#state, ...change };
  }
}

/** The bidder's present word. */
function isStanding({ listed }: KeptBid): boolean {
  return listed.standing === "standing";
}

/** Still to be opened. */
function isClosed({ listed }: KeptBid): boolean {
  return listed.standing === "standing" && listed.offer === undefined;
}
