/** Sealed auctions in a cluster: parties that lie, fall behind and come back, and clients that copy. */
import { describe, expect, it } from "vitest";
import type { PartyId } from "../../src/core/party-set.js";
import { encodeBiddingDuty, sealedBidLabel } from "../../src/services/bidding/index.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { dutyStatement, encodePayload } from "../../src/wire/payload.js";
import {
  agreed,
  ALL,
  auctionAt,
  bid,
  close,
  duties,
  isDecided,
  keyOf,
  newCluster,
  order,
  replyTo,
  request,
  sealedFor,
  SEED,
  TERMS,
} from "./bidding-cluster.js";
import { CLUSTER, GROUP, rejoinSignature } from "./test-cluster.js";

describe("a sealed auction in a cluster", () => {
  it("is opened by the replicas, after the close and not before, with no other traffic", async () => {
    const cluster = await newCluster();
    await order(cluster, 1, ALL, request(0, { kind: "create", terms: TERMS }));
    await order(cluster, 1, ALL, bid(1, 1, sealedFor(1, 1, 50)), bid(2, 1, sealedFor(2, 1, 70)));
    for (let turn = 0; turn < 300; turn++) await cluster.turn();
    for (const party of ALL) expect(duties(cluster, party)).toEqual([]);
    await order(cluster, 2, [2], close());
    await cluster.run(() => isDecided(cluster, ALL));
    for (const party of ALL) expect(auctionAt(cluster, party)?.outcome).toEqual({ bid: 2, price: 70 });
    await cluster.run(() => new Set(ALL.map((party) => cluster.get(party).replica.state.sequence)).size === 1);
    agreed(cluster);
    expect(new Set(duties(cluster, 0)).size).toBe(duties(cluster, 0).length);
  });

  it("closes by the time of rounds where nobody else says anything", async () => {
    const cluster = await newCluster({ vectorSize: 3 });
    cluster.tickTurns = 10;
    const closesAtMs = cluster.nowMs + 60_000;
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: { ...TERMS, closesAtMs } }));
    await order(cluster, 0, ALL, bid(1, 1, sealedFor(1, 1, 50)));
    for (let turn = 0; turn < 300; turn++) await cluster.turn();
    expect(auctionAt(cluster, 0)?.stage).toBe("open");
    expect(duties(cluster, 0)).toEqual([]);
    cluster.nowMs = closesAtMs + 1;
    await cluster.run(() => isDecided(cluster, ALL));
    expect(auctionAt(cluster, 3)?.closed?.timeMs).toBeGreaterThanOrEqual(closesAtMs);
    expect(duties(cluster, 0).filter((duty) => duty.endsWith("tick")).length).toBeGreaterThan(0);
    // And then all is quiet again.
    await cluster.run(() => cluster.get(0).replica.queueLength === 0);
    const { sequence } = cluster.get(0).replica.state;
    for (let turn = 0; turn < 500; turn++) await cluster.turn();
    expect(cluster.get(0).replica.state.sequence - sequence).toBeLessThanOrEqual(ALL.length);
  });

  it("is decided although a party gives false shares, which all name", async () => {
    const cluster = await newCluster({
      forgeShare: (party, share) => (party === 3 ? share.map((byte) => byte ^ 1) : share),
    });
    // Its shares are ordered before the others'.
    const others = new Set<PartyId>([0, 1]);
    await order(cluster, 3, ALL, request(0, { kind: "create", terms: TERMS }), bid(1, 1, sealedFor(1, 1, 50)));
    for (const party of others) cluster.get(party).bearer.look = () => undefined;
    for (const party of others) cluster.get(party).bearer.tick = () => undefined;
    cluster.get(3).replica.submit(close());
    await cluster.run(() => ALL.every((party) => auctionAt(cluster, party)?.faulty.length === 1));
    for (const party of others) Reflect.deleteProperty(cluster.get(party).bearer, "look");
    for (const party of others) cluster.get(party).bearer.look();
    await cluster.run(() => isDecided(cluster, ALL));
    expect(auctionAt(cluster, 0)).toMatchObject({ faulty: [3], outcome: { bid: 1, price: 50 } });
    expect(auctionAt(cluster, 3)?.faulty).toEqual([3]);
    await cluster.run(() => new Set(ALL.map((party) => cluster.get(party).replica.state.sequence)).size === 1);
    agreed(cluster);
  });

  it("gives a party that asks early nothing: it has its own share, and that opens nothing", async () => {
    const cluster = await newCluster();
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }));
    const ciphertext = sealedFor(1, 1, 50);
    await order(cluster, 0, ALL, bid(1, 1, ciphertext));
    // Party 3 has its share ordered now; others are not moved by that.
    const label = sealedBidLabel({ cluster: CLUSTER, auction: 1, bidder: keyOf(1), counter: 1 });
    const share = mockSuite(GROUP, 3, SEED).decryption.share(label, ciphertext);
    const operation = encodeBiddingDuty({ kind: "shares", auction: 1, shares: [{ bid: 1, share }] });
    const unsigned = { cluster: CLUSTER, party: 3, number: 1, service: "bidding", operation };
    const early = encodePayload({ kind: "duty", ...unsigned, signature: rejoinSignature(3, dutyStatement(unsigned)) });
    await order(cluster, 3, ALL, early);
    for (let turn = 0; turn < 300; turn++) await cluster.turn();
    expect(duties(cluster, 0)).toEqual(["3:shares"]);
    expect(auctionAt(cluster, 0)).toMatchObject({ stage: "open", sealed: 1, faulty: [] });
    await order(cluster, 0, [0], close());
    await cluster.run(() => isDecided(cluster, ALL));
    expect(auctionAt(cluster, 0)?.outcome).toEqual({ bid: 1, price: 50 });
  });

  it("refuses a copied bid and a replayed one, whoever brings them first", async () => {
    const cluster = await newCluster();
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }));
    const ciphertext = sealedFor(1, 1, 50);
    // A replica that sees the bid before it is ordered has a client of its own, which is first.
    const [copy, true1] = [bid(2, 1, ciphertext), bid(1, 1, ciphertext)];
    await order(cluster, 3, ALL, copy, true1);
    expect(replyTo(cluster, copy)).toEqual({ kind: "refused", reason: "wrong-label" });
    expect(replyTo(cluster, true1)).toEqual({ kind: "bid", bid: 1 });
    // The same payload again is no new one; the same bid in another request has an old counter.
    const again = bid(1, 1, ciphertext);
    cluster.get(3).replica.submit(true1);
    await order(cluster, 3, ALL, again);
    expect(replyTo(cluster, again)).toEqual({ kind: "refused", reason: "old-counter" });
    expect(cluster.get(0).replica.state.sequence).toBe(4);
  });

  it("takes a bid that a replica keeps back from another, and once only when it comes out with it after all", async () => {
    const cluster = await newCluster();
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }));
    for (const to of [0, 1, 2]) cluster.deleting.add(`3>${to}`);
    const kept = bid(1, 1, sealedFor(1, 1, 50));
    expect(cluster.get(3).replica.submit(kept)).toBe("taken");
    for (let turn = 0; turn < 200; turn++) await cluster.turn();
    expect(auctionAt(cluster, 0)?.bids).toBe(0);
    // As a client does that hears nothing; another one is first, and that is the order for all.
    const others = [0, 1, 2];
    await order(cluster, 1, others, bid(2, 1, sealedFor(2, 1, 50)), kept);
    cluster.deleting.clear();
    cluster.tickTurns = 10;
    await order(cluster, 0, ALL, close());
    await cluster.run(() => isDecided(cluster, ALL));
    for (const party of ALL)
      expect(auctionAt(cluster, party)).toMatchObject({ bids: 2, outcome: { bid: 1, price: 50 } });
  });

  it("goes on when a replica dies before the close, and its replay leads to the same outcome", async () => {
    const cluster = await newCluster();
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }));
    await order(cluster, 0, ALL, bid(1, 1, sealedFor(1, 1, 50)), bid(2, 1, sealedFor(2, 1, 70)));
    cluster.crash(2);
    const others = [0, 1, 3];
    await order(cluster, 0, [0], close());
    await cluster.run(() => isDecided(cluster, others));
    await cluster.start(2);
    cluster.tickTurns = 10;
    await cluster.run(() => isDecided(cluster, ALL));
    await cluster.run(() => new Set(ALL.map((party) => cluster.get(party).replica.state.sequence)).size === 1);
    agreed(cluster);
    cluster.crash(2);
    await cluster.start(2);
    expect(auctionAt(cluster, 2)).toEqual(auctionAt(cluster, 0));
  });

  it("dies with all replicas between close and opening, and is opened when they are back", async () => {
    const cluster = await newCluster();
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }), bid(1, 1, sealedFor(1, 1, 50)));
    for (const party of ALL) cluster.get(party).bearer.look = () => undefined;
    await order(cluster, 0, ALL, close());
    expect(auctionAt(cluster, 0)?.stage).toBe("opening");
    for (const party of ALL) cluster.crash(party);
    for (const party of ALL) await cluster.start(party);
    cluster.tickTurns = 10;
    await cluster.run(() => isDecided(cluster, ALL));
  });

  it("comes to a replica that fetches a checkpoint from after the opening", async () => {
    const cluster = await newCluster({ checkpointInterval: 4, forgetsLedger: true });
    cluster.tickTurns = 10;
    await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }), bid(1, 1, sealedFor(1, 1, 50)));
    cluster.crash(2);
    const others = [0, 1, 3];
    await order(cluster, 0, [0], close());
    await cluster.run(() => isDecided(cluster, others));
    for (let more = 0; more < 16; more++) await order(cluster, 0, others, request(0, { kind: "award", auction: 1 }));
    const late = await cluster.start(2);
    await cluster.run(() => isDecided(cluster, ALL));
    expect(late.installed.length).toBeGreaterThan(0);
    expect(auctionAt(cluster, 2)).toEqual(auctionAt(cluster, 0));
  });
});
