/** A bidding service on a log of its own, with the simulator's cryptography: any party's shares can be had. */
import { createHash } from "node:crypto";
import { loadKeySignatures } from "../../../src/cli/key-signatures.js";
import { thresholdGroup } from "../../../src/core/group.js";
import type { PartyId } from "../../../src/core/party-set.js";
import {
  type BiddingAnswer,
  type BiddingDuty,
  type BiddingOperation,
  type BiddingQuery,
  type BiddingReply,
  createBidding,
  decodeBiddingAnswer,
  decodeBiddingDuty,
  decodeBiddingReply,
  encodeBiddingDuty,
  encodeBiddingOperation,
  encodeBiddingQuery,
  encodeOffer,
  type ListedBid,
  type Offer,
  sealedBidLabel,
  type Sealing,
  type Terms,
} from "../../../src/services/bidding/index.js";
import type { ApplyContext, Duties, Service } from "../../../src/services/service.js";
import { encryptMock, mockSuite } from "../../../src/sim/mock-suite.js";
import { chunksOf, restored } from "../support/service.js";

export const CLUSTER = new Uint8Array(32).fill(5);
export const GROUP = thresholdGroup({ n: 4, byzantine: 1 });
const SEED = 3;
export const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());

/** The client's key: 0 is the auctioneer in these tests. */
export const keyOf = (client: number): Uint8Array => new Uint8Array(32).fill(client + 1);
export const OWNER = 0;

export const sealing: Sealing = {
  cluster: CLUSTER,
  hash: sha256,
  decryption: mockSuite(GROUP, 0, SEED).decryption,
  signatures: await loadKeySignatures(),
  hasHonest: (parties) => GROUP.hasHonest(parties),
};

export const create = (): Service => createBidding(sealing);

const common = { title: "a thing", unit: "EUR", bidders: [], closesAtMs: undefined };
export const TERMS = {
  first: { kind: "sealed-first", ...common, mayReplace: true, mayWithdraw: true, reserve: 10 },
  second: { kind: "sealed-second", ...common, mayReplace: true, mayWithdraw: true, reserve: 10 },
  open: { kind: "open", ...common, mayWithdraw: true, reserve: 10, increment: 3 },
  tender: {
    kind: "tender",
    ...common,
    mayReplace: true,
    mayWithdraw: true,
    maxPrice: 20,
    priceWeight: 2,
    criteria: [
      { name: "years of service", weight: 3, effect: "adds", max: 9 },
      { name: "days to deliver", weight: 1, effect: "subtracts", max: 30 },
    ],
  },
  book: { kind: "book", ...common },
} as const satisfies Record<string, Terms>;

export interface SealOptions {
  readonly auction?: number;
  readonly bidder?: number;
  readonly counter?: number;
  readonly plaintext?: Uint8Array;
}

/** What the bidder encrypts for its bid. */
export function sealed(
  offer: Offer,
  { auction = 1, bidder = 1, counter = 1, plaintext }: SealOptions = {},
): Uint8Array {
  const label = sealedBidLabel({ cluster: CLUSTER, auction, bidder: keyOf(bidder), counter });
  return encryptMock(SEED, label, plaintext ?? encodeOffer(offer));
}

/** The same under any label. */
export function sealedUnder(label: Uint8Array, offer: Offer): Uint8Array {
  return encryptMock(SEED, label, encodeOffer(offer));
}

export class World {
  service = create();
  sequence = 0;
  timeMs: number | undefined = 1000;

  /** Of a service that has them. */
  get duties(): Duties {
    const { duties } = this.service;
    if (duties === undefined) throw new Error("no duties");
    return duties;
  }

  #context(): Omit<ApplyContext, "client"> {
    this.sequence += 1;
    return { sequence: this.sequence, index: 0, round: this.sequence, roundTimeMs: this.timeMs };
  }

  /** A client's operation, ordered next. The bytes are used again, as the machine does. */
  ask(client: number, operation: BiddingOperation): BiddingReply {
    return this.askAs(keyOf(client), operation);
  }

  /** The same of a client with this key. */
  askAs(client: Uint8Array, operation: BiddingOperation): BiddingReply {
    const bytes = encodeBiddingOperation(operation);
    const reply = decodeBiddingReply(this.service.apply({ ...this.#context(), client }, bytes).slice());
    bytes.fill(0xee);
    if (!reply.ok) throw new Error(reply.error);
    return reply.value;
  }

  create(terms: Terms, owner = OWNER): number {
    const reply = this.ask(owner, { kind: "create", terms });
    if (reply.kind !== "created") throw new Error(JSON.stringify(reply));
    return reply.auction;
  }

  bidSealed(auction: number, bidder: number, counter: number, amount: number, values: readonly number[] = []) {
    const ciphertext = sealed({ amount, values }, { auction, bidder, counter });
    return this.ask(bidder, { kind: "bid", auction, counter, content: { kind: "sealed", ciphertext } });
  }

  bidClear(auction: number, bidder: number, counter: number, amount: number) {
    return this.ask(bidder, {
      kind: "bid",
      auction,
      counter,
      content: { kind: "clear", offer: { amount, values: [] } },
    });
  }

  /** What the party would have ordered now. */
  due(party: PartyId, nowMs = this.timeMs ?? 0): BiddingDuty | undefined {
    const { decryption } = mockSuite(GROUP, party, SEED);
    const decryptionShare = (label: Uint8Array, ciphertext: Uint8Array) => decryption.share(label, ciphertext);
    const bytes = this.duties.due({ party, nowMs, decryptionShare });
    const duty = bytes && decodeBiddingDuty(bytes);
    if (duty?.ok === false) throw new Error(duty.error);
    return duty?.value;
  }

  /** A party's word, ordered next. */
  say(party: PartyId, duty: BiddingDuty): void {
    const bytes = encodeBiddingDuty(duty);
    if (!this.duties.validate(bytes)) throw new Error("a duty that is none");
    this.duties.apply({ ...this.#context(), party }, bytes);
    bytes.fill(0xee);
  }

  /** All that these parties owe. */
  settle(parties: readonly PartyId[] = [0, 1, 2, 3]): void {
    for (let isDone = false; !isDone;) {
      isDone = true;
      for (const party of parties) {
        const duty = this.due(party);
        if (duty === undefined) continue;
        this.say(party, duty);
        isDone = false;
      }
    }
  }

  query(query: BiddingQuery): BiddingAnswer {
    const answer = decodeBiddingAnswer(this.service.query(encodeBiddingQuery(query)).slice());
    if (!answer.ok) throw new Error(answer.error);
    return answer.value;
  }

  auction(auction: number): Extract<BiddingAnswer, { kind: "auction" }> {
    const answer = this.query({ kind: "auction", auction });
    if (answer.kind !== "auction") throw new Error(answer.kind);
    return answer;
  }

  bids(auction: number): readonly ListedBid[] {
    const all: ListedBid[] = [];
    for (;;) {
      const answer = this.query({ kind: "bids", auction, from: all.length + 1 });
      if (answer.kind !== "bids") throw new Error(answer.kind);
      all.push(...answer.bids);
      if (!answer.hasMore) return all;
    }
  }

  /** Goes on from a snapshot of itself. */
  restart(): void {
    const before = chunksOf(this.service);
    this.service = restored(create, before);
  }

  snapshot(): string {
    return chunksOf(this.service)
      .map((chunk) => Buffer.from(chunk).toString("hex"))
      .join();
  }
}
