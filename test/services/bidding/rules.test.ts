/** Who may do what, and when; and how sealed bids are opened. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { utf8 } from "../../../src/core/bytes.js";
import {
  type BiddingReply,
  biddingStatement,
  decodeAward,
  decodeBiddingAnswer,
  decodeBiddingDuty,
  decodeBiddingOperation,
  decodeBiddingReply,
  encodeAward,
  encodeBiddingDuty,
  encodeBiddingOperation,
  encodeBiddingReply,
  encodeBids,
  encodeTerms,
} from "../../../src/services/bidding/index.js";
import { MAX_BIDS_PER_BIDDER } from "../../../src/services/bidding/bid.js";
import { MAX_AUCTIONS_PER_OWNER } from "../../../src/services/bidding/house.js";
import { MAX_SHARES_PER_DUTY } from "../../../src/services/bidding/messages.js";
import { chunksOf, mutation } from "../support/service.js";
import { CLUSTER, create, keyOf, OWNER, sealed, sha256, TERMS, World } from "./support.js";

const refused = (reason: string) => ({ kind: "refused", reason });

function submit(world: World, bidder: number, counter: number, ciphertext: Uint8Array, auction = 1): BiddingReply {
  return world.ask(bidder, { kind: "bid", auction, counter, content: { kind: "sealed", ciphertext } });
}

function sealedAuction(): World {
  const world = new World();
  world.create(TERMS.first);
  return world;
}

const close = (world: World, auction = 1): BiddingReply =>
  world.ask(OWNER, { kind: "close", auction, counter: 1_000_000 });

describe("a sealed bid", () => {
  it("is one bidder's, for one auction and one counter: nobody can use it as another's", () => {
    const world = sealedAuction();
    world.create(TERMS.first);
    const ciphertext = sealed({ amount: 50, values: [] }, { auction: 1, bidder: 1, counter: 1 });
    expect(submit(world, 2, 1, ciphertext)).toEqual(refused("wrong-label"));
    expect(submit(world, 1, 1, ciphertext, 2)).toEqual(refused("wrong-label"));
    expect(submit(world, 1, 2, ciphertext)).toEqual(refused("wrong-label"));
    expect(submit(world, 1, 1, ciphertext.with(30, (ciphertext[30] ?? 0) ^ 1))).toEqual(refused("wrong-label"));
    expect(world.bids(1)).toEqual([]);
    expect(submit(world, 1, 1, ciphertext)).toEqual({ kind: "bid", bid: 1 });
    expect(submit(world, 1, 1, ciphertext)).toEqual(refused("old-counter"));
  });

  it("is not one where bids are in the clear, and the other way round", () => {
    const world = sealedAuction();
    const open = world.create(TERMS.open);
    expect(world.bidClear(1, 1, 1, 50)).toEqual(refused("wrong-kind"));
    expect(world.bidSealed(open, 1, 1, 50)).toEqual(refused("wrong-kind"));
    const values = { kind: "clear", offer: { amount: 50, values: [1] } } as const;
    expect(world.ask(1, { kind: "bid", auction: open, counter: 1, content: values })).toEqual(refused("wrong-kind"));
  });

  it("that says nothing is listed with the reason, and holds up nothing", () => {
    const world = sealedAuction();
    const nonsense = [utf8("no offer"), new Uint8Array(), encodeTerms(TERMS.first).subarray(0, 100)];
    for (const [index, plaintext] of nonsense.entries())
      submit(world, index + 1, 1, sealed({ amount: 0, values: [] }, { bidder: index + 1, plaintext }));
    world.bidSealed(1, 4, 1, 60, [7]);
    world.bidSealed(1, 5, 1, 9);
    world.bidSealed(1, 6, 1, 11);
    close(world);
    world.settle();
    const standings = ["malformed", "malformed", "malformed", "malformed", "below-reserve", "standing"];
    expect(world.bids(1).map(({ standing }) => standing)).toEqual(standings);
    expect(world.auction(1).outcome).toEqual({ bid: 6, price: 11 });
  });
});

describe("a command", () => {
  it("has a counter that no earlier one of its client had here", () => {
    const world = sealedAuction();
    expect(world.query({ kind: "counter", auction: 1, client: keyOf(1) })).toEqual({ kind: "counter", least: 1 });
    expect(world.bidSealed(1, 1, 7, 50)).toMatchObject({ kind: "bid" });
    expect(world.query({ kind: "counter", auction: 1, client: keyOf(1) })).toEqual({ kind: "counter", least: 8 });
    expect(world.ask(1, { kind: "withdraw", auction: 1, counter: 7 })).toEqual(refused("old-counter"));
    expect(world.ask(1, { kind: "withdraw", auction: 1, counter: 0 })).toEqual(refused("old-counter"));
    // Another's is another.
    expect(world.bidSealed(1, 2, 1, 50)).toMatchObject({ kind: "bid" });
    expect(world.ask(1, { kind: "withdraw", auction: 1, counter: 8 })).toEqual({ kind: "withdrawn", bids: 1 });
    world.restart();
    expect(world.bidSealed(1, 1, 8, 50)).toEqual(refused("old-counter"));
  });

  it("is a bidder's, or the owner's: of those whom the terms name, and never an owner's bid", () => {
    const world = new World();
    world.create({ ...TERMS.first, bidders: [keyOf(1), keyOf(OWNER)] });
    expect(world.bidSealed(1, 2, 1, 50)).toEqual(refused("not-bidder"));
    expect(world.bidSealed(1, OWNER, 1, 50)).toEqual(refused("not-bidder"));
    expect(world.bidSealed(1, 1, 1, 50)).toMatchObject({ kind: "bid" });
    expect(world.ask(1, { kind: "close", auction: 1, counter: 9 })).toEqual(refused("not-owner"));
  });

  it("for nothing, or for something of another kind, is refused", () => {
    const world = sealedAuction();
    const book = world.create(TERMS.book);
    const order = { kind: "place", counter: 1, side: "buy", price: 1, quantity: 1 } as const;
    expect(world.ask(1, { ...order, auction: 77 })).toEqual(refused("no-auction"));
    expect(world.ask(1, { ...order, auction: 1 })).toEqual(refused("wrong-kind"));
    expect(world.ask(1, { kind: "cancel", auction: 1, counter: 1, order: 1 })).toEqual(refused("wrong-kind"));
    expect(world.ask(1, { kind: "withdraw", auction: book, counter: 1 })).toEqual(refused("wrong-kind"));
    expect(world.bidClear(book, 1, 1, 5)).toEqual(refused("wrong-kind"));
    expect(world.ask(1, { kind: "award", auction: book })).toEqual(refused("wrong-kind"));
    expect(world.ask(1, { kind: "award", auction: 1 })).toEqual(refused("not-decided"));
    expect(world.query({ kind: "depth", auction: 1 })).toEqual({ kind: "absent" });
    expect(world.query({ kind: "bids", auction: book, from: 1 })).toEqual({ kind: "absent" });
    const bytes = world.service.apply(
      { sequence: 99, index: 0, round: 99, roundTimeMs: 1, client: keyOf(1) },
      Uint8Array.of(200, 1),
    );
    expect(decodeBiddingReply(bytes)).toEqual({ ok: true, value: { kind: "malformed" } });
  });

  it("after the close is too late", () => {
    const world = sealedAuction();
    world.bidSealed(1, 1, 1, 50);
    close(world);
    expect(world.bidSealed(1, 2, 1, 60)).toEqual(refused("not-open"));
    expect(world.ask(1, { kind: "withdraw", auction: 1, counter: 2 })).toEqual(refused("not-open"));
    expect(world.ask(OWNER, { kind: "close", auction: 1, counter: 1_000_001 })).toEqual(refused("not-open"));
    world.settle();
    expect(world.ask(1, { kind: "withdraw", auction: 1, counter: 2 })).toEqual(refused("not-open"));
    expect(world.auction(1).outcome).toEqual({ bid: 1, price: 50 });
  });
});

describe("a closing time", () => {
  const timed = { ...TERMS.first, closesAtMs: 5000 };

  it("is that of the round, whoever is first to bring one: a bid in it is late", () => {
    const world = new World();
    world.create(timed);
    world.timeMs = 4999;
    expect(world.bidSealed(1, 1, 1, 50)).toMatchObject({ kind: "bid" });
    world.timeMs = 5000;
    expect(world.bidSealed(1, 2, 1, 60)).toEqual(refused("not-open"));
    expect(world.auction(1)).toMatchObject({ stage: "opening", closed: { timeMs: 5000 } });
  });

  it("has parties bring a tick when their clocks pass it, which closes only in a round that has passed it", () => {
    const world = new World();
    world.create(timed);
    world.bidSealed(1, 1, 1, 50);
    expect(world.due(0, 4999)).toBeUndefined();
    expect(world.due(0, 5000)).toEqual({ kind: "tick", auction: 1 });
    world.timeMs = 4998;
    world.say(0, { kind: "tick", auction: 1 });
    expect(world.auction(1).stage).toBe("open");
    world.timeMs = 5001;
    world.say(1, { kind: "tick", auction: 1 });
    expect(world.auction(1).stage).toBe("opening");
    expect(world.due(2, 6000)).toMatchObject({ kind: "shares", auction: 1 });
    world.settle();
    expect(world.due(2, 6000)).toBeUndefined();
  });

  it("is not brought forward by the owner, nor kept in a cluster without time", () => {
    const world = new World();
    world.create(timed);
    expect(close(world)).toEqual(refused("closes-by-time"));
    world.timeMs = undefined;
    expect(world.ask(OWNER, { kind: "create", terms: timed })).toEqual(refused("no-time"));
    world.say(0, { kind: "tick", auction: 1 });
    expect(world.auction(1).stage).toBe("open");
  });

  it("is kept across a restart, of each auction for itself", () => {
    const world = new World();
    world.create({ ...timed, closesAtMs: 7000 });
    world.create(timed);
    world.restart();
    world.timeMs = 6000;
    world.say(0, { kind: "tick", auction: 1 });
    expect([1, 2].map((auction) => world.auction(auction).stage)).toEqual(["open", "decided"]);
  });
});

describe("the opening", () => {
  function closed(count: number): World {
    const world = sealedAuction();
    for (let bidder = 1; bidder <= count; bidder++) world.bidSealed(1, bidder, 1, 10 + bidder);
    close(world);
    return world;
  }
  /** The party's share of the first bid, as it comes to give it after the close. */
  function shareOf(party: number): Uint8Array {
    const duty = closed(1).due(party);
    if (duty?.kind !== "shares") throw new Error("no share");
    return duty.shares[0]?.share ?? new Uint8Array();
  }

  it("gets no share of an honest party before the ordered close", () => {
    const world = sealedAuction();
    world.bidSealed(1, 1, 1, 50);
    for (const party of [0, 1, 2, 3]) expect(world.due(party, Number.MAX_SAFE_INTEGER)).toBeUndefined();
    close(world);
    for (const party of [0, 1, 2, 3]) expect(world.due(party)).toMatchObject({ kind: "shares" });
  });

  it("ignores shares that come before the close", () => {
    const early = sealedAuction();
    early.bidSealed(1, 1, 1, 11);
    for (const party of [0, 1])
      early.say(party, { kind: "shares", auction: 1, shares: [{ bid: 1, share: shareOf(party) }] });
    expect(early.bids(1)[0]?.offer).toBeUndefined();
    close(early);
    expect(early.auction(1)).toMatchObject({ stage: "opening", sealed: 1 });
  });

  it("needs the shares of as many parties as have an honest one among them, each counted once", () => {
    const world = closed(1);
    const duty = { kind: "shares", auction: 1, shares: [{ bid: 1, share: shareOf(2) }] } as const;
    world.say(2, duty);
    world.say(2, duty);
    expect(world.auction(1)).toMatchObject({ stage: "opening", sealed: 1, faulty: [] });
    expect(world.due(2)).toBeUndefined();
    world.restart();
    world.settle([0]);
    expect(world.auction(1)).toMatchObject({ stage: "decided", sealed: 0, outcome: { bid: 1, price: 11 } });
  });

  it("goes on without who gives false shares, and names it", () => {
    const world = closed(2);
    const good = world.due(3);
    world.say(3, { kind: "shares", auction: 1, shares: [{ bid: 1, share: shareOf(2) }] });
    expect(world.auction(1)).toMatchObject({ sealed: 2, faulty: [3] });
    expect(world.due(3)).toBeUndefined();
    if (good !== undefined) world.say(3, good);
    world.restart();
    world.settle([1]);
    // What party 3 said after that does not count.
    expect(world.auction(1)).toMatchObject({ stage: "opening", sealed: 2, faulty: [3] });
    world.settle([0]);
    expect(world.auction(1)).toMatchObject({ stage: "decided", outcome: { bid: 2, price: 12 }, faulty: [3] });
  });

  it("names nobody for shares of bids that others have opened, that there are not, or of another auction", () => {
    const world = closed(1);
    const own = world.due(0);
    world.say(0, { kind: "shares", auction: 1, shares: [{ bid: 5, share: new Uint8Array(3) }] });
    world.say(0, { kind: "shares", auction: 9, shares: [{ bid: 1, share: new Uint8Array(3) }] });
    world.settle([1, 2]);
    if (own !== undefined) world.say(0, own);
    expect(world.auction(1)).toMatchObject({ stage: "decided", faulty: [] });
  });

  it("of many bids takes several payloads of each party", () => {
    const count = MAX_SHARES_PER_DUTY + 6;
    const world = closed(count);
    const [first] = [world.due(0)];
    expect(first?.kind === "shares" && first.shares.length).toBe(MAX_SHARES_PER_DUTY);
    world.settle([0, 1]);
    expect(world.auction(1)).toMatchObject({ stage: "decided", outcome: { bid: count, price: 10 + count } });
  });
});

describe("an award", () => {
  it("says under which terms, of which bids, who won: of a decided auction, the same as often as one asks", () => {
    const world = sealedAuction();
    world.bidSealed(1, 1, 1, 50);
    world.bidSealed(1, 2, 1, 70);
    close(world);
    const closedAt = world.sequence;
    world.settle();
    const reply = world.ask(7, { kind: "award", auction: 1 });
    expect(world.ask(8, { kind: "award", auction: 1 })).toEqual(reply);
    if (reply.kind !== "award") throw new Error(reply.kind);
    expect(biddingStatement(encodeBiddingReply(reply))).toEqual(reply.statement);
    expect(biddingStatement(encodeBiddingReply({ kind: "closed" }))).toBeUndefined();
    const award = decodeAward(reply.statement);
    expect(award).toEqual({
      ok: true,
      value: {
        cluster: CLUSTER,
        auction: 1,
        kind: "sealed-first",
        owner: keyOf(OWNER),
        terms: sha256(encodeTerms(TERMS.first)),
        bids: sha256(encodeBids(world.bids(1))),
        closedSequence: closedAt,
        closedRound: closedAt,
        won: { winner: keyOf(2), bid: 2, price: 70 },
      },
    });
  });

  it("has one encoding, and may have no winner", () => {
    const world = sealedAuction();
    world.bidSealed(1, 1, 1, 9);
    close(world);
    world.settle();
    const reply = world.ask(1, { kind: "award", auction: 1 });
    const statement = reply.kind === "award" ? reply.statement : new Uint8Array();
    const award = decodeAward(statement);
    expect(award.ok && award.value.won).toBeUndefined();
    fc.assert(
      fc.property(mutation(fc.constant(statement)), (bytes) => {
        const decoded = decodeAward(bytes);
        if (decoded.ok) expect(encodeAward(decoded.value)).toEqual(bytes);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("bounds", () => {
  it("let a bidder bid so often in an auction, and not keep others from it", () => {
    const world = sealedAuction();
    for (let counter = 1; counter <= MAX_BIDS_PER_BIDDER; counter++)
      expect(world.bidSealed(1, 1, counter, 50)).toMatchObject({ kind: "bid" });
    expect(world.bidSealed(1, 1, 100, 50)).toEqual(refused("full"));
    expect(world.bidSealed(1, 2, 1, 50)).toMatchObject({ kind: "bid" });
    expect(world.ask(1, { kind: "withdraw", auction: 1, counter: 101 })).toEqual({ kind: "withdrawn", bids: 1 });
  });

  it("let an owner have so many auctions: what is over makes room, the oldest first", () => {
    const world = new World();
    for (let index = 0; index < MAX_AUCTIONS_PER_OWNER; index++) world.create(TERMS.first);
    expect(world.ask(OWNER, { kind: "create", terms: TERMS.first })).toEqual(refused("full"));
    expect(world.create(TERMS.first, 3)).toBe(MAX_AUCTIONS_PER_OWNER + 1);
    close(world, 5);
    close(world, 4);
    expect(world.create(TERMS.first)).toBe(MAX_AUCTIONS_PER_OWNER + 2);
    expect(world.query({ kind: "auction", auction: 4 })).toEqual({ kind: "absent" });
    expect(world.auction(5).stage).toBe("decided");
  });
});

describe("bytes from outside", () => {
  it("are an operation, a duty, a query or nothing: never an error", () => {
    const samples = [
      encodeBiddingOperation({ kind: "create", terms: TERMS.tender }),
      encodeBiddingOperation({
        kind: "bid",
        auction: 1,
        counter: 1,
        content: { kind: "sealed", ciphertext: sealed({ amount: 1, values: [] }) },
      }),
      encodeBiddingOperation({ kind: "place", auction: 2, counter: 1, side: "sell", price: undefined, quantity: 4 }),
      encodeBiddingDuty({ kind: "shares", auction: 1, shares: [{ bid: 1, share: new Uint8Array(40) }] }),
    ];
    const world = sealedAuction();
    world.create(TERMS.book);
    const context = { sequence: 5, index: 0, round: 5, roundTimeMs: 5 };
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 100 }), mutation(fc.constantFrom(...samples))), (bytes) => {
        expect(world.service.validate?.(bytes)).toBe(decodeBiddingOperation(bytes).ok);
        expect(world.duties.validate(bytes)).toBe(decodeBiddingDuty(bytes).ok);
        expect(decodeBiddingReply(world.service.apply({ ...context, client: keyOf(1) }, bytes)).ok).toBe(true);
        world.duties.apply({ ...context, party: 1 }, bytes);
        expect(decodeBiddingAnswer(world.service.query(bytes)).ok).toBe(true);
      }),
      { numRuns: 1000 },
    );
    world.restart();
  });

  it("that are no snapshot are refused", () => {
    const world = sealedAuction();
    world.bidSealed(1, 1, 1, 50);
    world.create(TERMS.book);
    const chunks = chunksOf(world.service);
    expect(chunks).toHaveLength(3);
    const [head = new Uint8Array(), first = new Uint8Array(), second = new Uint8Array()] = chunks;
    for (const wrong of [
      [],
      [first],
      [head],
      [head, first],
      [head, first, first],
      [first, head, second],
      [head, second, first],
      [head, first, second.slice(0, -1)],
    ])
      expect(() => create().restore(wrong)).toThrow();
    create().restore(chunks);
  });

  it("of an auction that takes several chunks come back the same", () => {
    const world = new World();
    world.create(TERMS.first);
    for (let counter = 1; counter <= 2; counter++)
      for (let bidder = 1; bidder <= 250; bidder++) world.bidSealed(1, bidder, counter, bidder);
    expect(chunksOf(world.service).length).toBeGreaterThan(2);
    const before = world.snapshot();
    world.restart();
    expect(world.snapshot()).toBe(before);
  });
});
