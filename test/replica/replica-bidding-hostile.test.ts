/** Sealed auctions beside a replica that reads, drops, reorders, runs ahead and replays, and bidders that say too much or too late. */
import { describe, expect, it } from "vitest";
import { concat, equalBytes } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { statement } from "../../src/core/engine.js";
import type { PartyId } from "../../src/core/party-set.js";
import { QUEUE, entryBody, queueEntryCodec } from "../../src/protocols/atomic-broadcast/messages.js";
import { encodeOffer, sealedBidLabel } from "../../src/services/bidding/index.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { decodePayload, encodePayload } from "../../src/wire/payload.js";
import { peerFrameCodec } from "../../src/wire/peer-frames.js";
import {
  agreed,
  ALL,
  auctionAt,
  bid,
  bidsAt,
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
import { AGREED, CLUSTER, GROUP, type TestCluster } from "./test-cluster.js";

const HONEST: readonly PartyId[] = [0, 1, 2];
const HOSTILE = 3;
/** Of the hostile replica's own client. */
const ACCOMPLICE = 9;

async function opened(cluster: TestCluster): Promise<TestCluster> {
  await order(cluster, 0, ALL, request(0, { kind: "create", terms: TERMS }));
  return cluster;
}

async function settled(cluster: TestCluster, parties: readonly PartyId[] = ALL): Promise<void> {
  await cluster.run(() => isDecided(cluster, parties));
  await cluster.run(() => new Set(parties.map((party) => cluster.get(party).replica.state.sequence)).size === 1);
}

/** All bids of the entry as the accomplice's own. */
function copies(payloads: readonly Uint8Array[]): Uint8Array[] {
  return payloads.flatMap((payload) => {
    const decoded = decodePayload(payload);
    if (!decoded.ok || decoded.value.kind !== "request") return [];
    return [encodePayload({ ...decoded.value, client: keyOf(ACCOMPLICE) })];
  });
}

/** What the hostile party tells of its queue: the last comes first, and before all of them a copy of each. */
function reordered(frame: Uint8Array): Uint8Array {
  const decoded = decode(peerFrameCodec, frame);
  if (!decoded.ok || decoded.value.kind !== "message") return frame;
  const { tag, body } = decoded.value.envelope;
  const entry = /^abc\/\d+$/.test(tag) ? decode(queueEntryCodec, body) : undefined;
  if (entry?.ok !== true || entry.value.payloads.length < 2) return frame;
  const { clock, payloads } = entry.value;
  const content = { clock, payloads: [...copies(payloads), ...payloads.toReversed()] };
  const signature = mockSuite(GROUP, HOSTILE, SEED).sign(statement(CLUSTER, tag, QUEUE, entryBody(content)));
  const told = encode(queueEntryCodec, { ...content, signature });
  return encode(peerFrameCodec, { ...decoded.value, envelope: { tag, body: told } });
}

describe("a replica that reorders bids and runs ahead of them with copies", () => {
  it.each([
    ["everybody", (): boolean => true, "2,4,3"],
    ["one and not another", (to: PartyId): boolean => to === 1, undefined],
  ])("and tells %s, changes no bid and wins nothing; all have one order", async (_, isTold, expected) => {
    for (let seed = 1; seed <= 6; seed++) {
      const cluster = await newCluster({ seed, dissemination: "inline" });
      let lies = 0;
      cluster.rewrite = (from, to, frame) => {
        const told = from === HOSTILE && isTold(to) ? reordered(frame) : frame;
        if (!equalBytes(told, frame)) lies++;
        return told;
      };
      await opened(cluster);
      const bids = [1, 2, 3].map((bidder) => bid(bidder, 1, sealedFor(bidder, 1, 50 + (bidder % 2))));
      for (const payload of bids) expect(cluster.get(HOSTILE).replica.submit(payload)).toBe("taken");
      await cluster.run(() => HONEST.every((party) => auctionAt(cluster, party)?.bids === 3));
      await order(cluster, 0, HONEST, close());
      await settled(cluster, HONEST);
      expect(lies).toBeGreaterThan(0);
      // Bidders 1 and 3 bid the same: the first of them wins, whoever chose who is first, at all honest replicas alike.
      const listed = bidsAt(cluster, 0);
      for (const party of HONEST) expect(bidsAt(cluster, party)).toEqual(listed);
      expect(new Set(listed.map(({ bidder }) => bidder[0]))).toEqual(new Set([2, 3, 4]));
      const first = listed.find(({ offer }) => offer?.amount === 51);
      expect(auctionAt(cluster, 0)?.outcome).toEqual({ bid: first?.number, price: 51 });
      // It does choose who of its own queue is first, as everybody may. What the accomplice brought was refused, or never ordered.
      if (expected !== undefined) expect(listed.map(({ bidder }) => bidder[0]).join()).toBe(expected);
      const replies = copies(bids).map((copy) => replyTo(cluster, copy));
      expect(JSON.stringify(replies)).not.toContain('"kind":"bid"');
      if (expected !== undefined) expect(JSON.stringify(replies)).toContain("wrong-label");
      const { accusations, ...rest } = cluster.agreement(HONEST);
      expect({ ...rest, contradictions: [], accusations: [] }).toEqual(AGREED);
      for (const accusation of accusations) expect(accusation).toMatch(/^[012]:3:/);
    }
  });
});

describe("a replica that drops bids", () => {
  it("cannot keep out what the others have heard, nor hold up the opening by giving no shares", async () => {
    const cluster = await newCluster();
    const bearer = cluster.get(HOSTILE).bearer;
    bearer.look = () => undefined;
    bearer.tick = () => undefined;
    await opened(cluster);
    const dropped = bid(1, 1, sealedFor(1, 1, 50));
    cluster.get(HOSTILE).replica.submit = () => "taken";
    expect(cluster.get(HOSTILE).replica.submit(dropped)).toBe("taken");
    for (let turn = 0; turn < 200; turn++) await cluster.turn();
    expect(auctionAt(cluster, 0)?.bids).toBe(0);
    // A client that hears nothing hands it to another.
    await order(cluster, 1, ALL, dropped, close());
    await settled(cluster);
    expect(auctionAt(cluster, 0)).toMatchObject({ bids: 1, outcome: { bid: 1, price: 50 } });
    expect(duties(cluster, 0).some((duty) => duty.startsWith("3:"))).toBe(false);
    agreed(cluster);
  });
});

describe("a replica that reads", () => {
  it("finds no amount and no share of an honest party in anything that is said or kept before the close", async () => {
    const cluster = await newCluster();
    const said: Uint8Array[] = [];
    cluster.rewrite = (_from, _to, frame) => {
      said.push(frame);
      return frame;
    };
    await opened(cluster);
    const ciphertext = sealedFor(1, 1, 73_194_655_128_307);
    await order(cluster, 0, ALL, bid(1, 1, ciphertext));
    for (let turn = 0; turn < 300; turn++) await cluster.turn();
    const label = sealedBidLabel({ cluster: CLUSTER, auction: 1, bidder: keyOf(1), counter: 1 });
    const shares = ALL.map((party) => mockSuite(GROUP, party, SEED).decryption.share(label, ciphertext));
    const offer = encodeOffer({ amount: 73_194_655_128_307, values: [] });
    const isFound = (needle: Uint8Array): boolean =>
      [...said, ...cluster.disks.flatMap(({ inputs }) => inputs)].some((bytes) =>
        Buffer.from(bytes).includes(Buffer.from(needle)),
      );
    // What is sealed is there; the search would find it.
    expect(isFound(ciphertext)).toBe(true);
    for (const needle of [offer.subarray(0, 8), ...shares]) expect(isFound(needle)).toBe(false);
    // Its own share alone opens nothing.
    const { decryption } = mockSuite(GROUP, HOSTILE, SEED);
    const own = new Map([[HOSTILE, shares[HOSTILE] ?? new Uint8Array()]]);
    expect(() => decryption.combine(label, ciphertext, own)).toThrow();
    await order(cluster, 0, ALL, close());
    await settled(cluster);
    expect(shares.some(isFound)).toBe(true);
  });
});

describe("a replica that replays", () => {
  it("has nothing executed again: neither what a client signed, nor others' shares, nor its own", async () => {
    const cluster = await opened(await newCluster());
    const first = bid(1, 1, sealedFor(1, 1, 50));
    const withdrawal = request(1, { kind: "withdraw", auction: 1, counter: 2 });
    await order(cluster, 0, ALL, first, withdrawal, bid(2, 1, sealedFor(2, 1, 40)), close());
    await settled(cluster);
    for (let turn = 0; turn < 500; turn++) await cluster.turn();
    const { sequence } = cluster.get(0).replica.state;
    const before = bidsAt(cluster, 0);
    for (const { payload } of cluster.ledger(0)) cluster.get(HOSTILE).replica.submit(payload);
    for (let turn = 0; turn < 500; turn++) await cluster.turn();
    expect(cluster.get(0).replica.state.sequence).toBe(sequence);
    expect(bidsAt(cluster, 0)).toEqual(before);
    expect(auctionAt(cluster, 0)?.outcome).toEqual({ bid: 2, price: 40 });
    agreed(cluster);
  });
});

describe("a bidder that signs too much", () => {
  it.each([
    ["two bids with one counter", (payload: Uint8Array): Uint8Array => payload],
    [
      "two bids as one request",
      (payload: Uint8Array): Uint8Array => {
        const decoded = decodePayload(payload);
        if (!decoded.ok || decoded.value.kind !== "request") throw new Error("no request");
        const session = { opened: 77, nonce: new Uint8Array(8) };
        return encodePayload({ ...decoded.value, session, signature: concat(decoded.value.signature) });
      },
    ],
  ])("%s, for different replicas, has one of them, the same for all", async (_, of) => {
    const won = new Set<number>();
    for (let seed = 1; seed <= 8; seed++) {
      const cluster = await opened(await newCluster({ seed }));
      const [low, high] = [of(bid(1, 1, sealedFor(1, 1, 50))), of(bid(1, 1, sealedFor(1, 1, 70)))];
      expect(cluster.get(seed % 4).replica.submit(low)).toBe("taken");
      expect(cluster.get((seed + 2) % 4).replica.submit(high)).toBe("taken");
      await cluster.run(() => ALL.every((party) => auctionAt(cluster, party)?.bids === 1));
      await order(cluster, 0, ALL, close());
      await settled(cluster);
      expect(bidsAt(cluster, 0)).toHaveLength(1);
      won.add(auctionAt(cluster, 0)?.outcome?.price ?? 0);
      agreed(cluster);
    }
    // Whoever was handed it, either may be first.
    expect(won).toEqual(new Set([50, 70]));
  });
});

describe("a bidder that withdraws while the auction is closed", () => {
  it("has withdrawn before the close or not at all: all replicas agree which", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const cluster = await opened(await newCluster({ seed }));
      await order(cluster, 0, ALL, bid(1, 1, sealedFor(1, 1, 50)));
      const withdrawal = request(1, { kind: "withdraw", auction: 1, counter: 2 });
      cluster.get(seed % 4).replica.submit(withdrawal);
      cluster.get((seed + 1) % 4).replica.submit(close());
      await settled(cluster);
      await cluster.run(() => typeof replyTo(cluster, withdrawal) === "object");
      const isWithdrawn = (replyTo(cluster, withdrawal) as { kind: string }).kind === "withdrawn";
      if (!isWithdrawn) expect(replyTo(cluster, withdrawal)).toEqual({ kind: "refused", reason: "not-open" });
      for (const party of ALL) {
        expect(auctionAt(cluster, party)?.outcome).toEqual(isWithdrawn ? undefined : { bid: 1, price: 50 });
        expect(bidsAt(cluster, party)[0]).toMatchObject({
          standing: isWithdrawn ? "withdrawn" : "standing",
          offer: isWithdrawn ? undefined : { amount: 50 },
        });
      }
      agreed(cluster);
    }
  });
});
