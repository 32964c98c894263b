/** Sealed auctions in a cluster of the tests: what clients have ordered, and what replicas make of it. */
import { createHash } from "node:crypto";
import { expect } from "vitest";
import { loadKeySignatures } from "../../src/cli/key-signatures.js";
import type { PartyId } from "../../src/core/party-set.js";
import {
  type BiddingAnswer,
  type BiddingOperation,
  type BiddingQuery,
  createBidding,
  decodeBiddingAnswer,
  decodeBiddingDuty,
  decodeBiddingReply,
  encodeBiddingOperation,
  encodeBiddingQuery,
  encodeOffer,
  sealedBidLabel,
  type ListedBid,
  type Terms,
} from "../../src/services/bidding/index.js";
import { encryptMock, mockSuite } from "../../src/sim/mock-suite.js";
import { decodePayload, encodePayload } from "../../src/wire/payload.js";
import { AGREED, CLUSTER, GROUP, TestCluster, type TestClusterOptions } from "./test-cluster.js";

/** Of the test cluster's cryptography. */
export const SEED = 1;
const sha256 = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
export const keyOf = (client: number): Uint8Array => new Uint8Array(32).fill(client + 1);
export const ALL: readonly PartyId[] = [0, 1, 2, 3];
export const TERMS = {
  kind: "sealed-first",
  title: "a thing",
  unit: "EUR",
  bidders: [],
  closesAtMs: undefined,
  mayReplace: true,
  mayWithdraw: true,
  reserve: 1,
} as const satisfies Terms;

const signatures = await loadKeySignatures();

/** Each request in a session of its own. */
let requests = 0;
export function request(client: number, operation: BiddingOperation): Uint8Array {
  return encodePayload({
    kind: "request",
    cluster: CLUSTER,
    client: keyOf(client),
    session: { opened: ++requests, nonce: new Uint8Array(8) },
    number: 1,
    acknowledged: 0,
    action: { kind: "call", service: "bidding", operation: encodeBiddingOperation(operation) },
    signature: new Uint8Array(64),
  });
}

export function sealedFor(bidder: number, counter: number, amount: number): Uint8Array {
  const label = sealedBidLabel({ cluster: CLUSTER, auction: 1, bidder: keyOf(bidder), counter });
  return encryptMock(SEED, label, encodeOffer({ amount, values: [] }));
}

export const bid = (bidder: number, counter: number, ciphertext: Uint8Array): Uint8Array =>
  request(bidder, { kind: "bid", auction: 1, counter, content: { kind: "sealed", ciphertext } });
export const close = (): Uint8Array => request(0, { kind: "close", auction: 1, counter: 1 });

export function newCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  return TestCluster.of({
    maxEntryPayloads: 8,
    createService: () =>
      createBidding({
        cluster: CLUSTER,
        hash: sha256,
        decryption: mockSuite(GROUP, 0, SEED).decryption,
        signatures,
        hasHonest: (parties) => GROUP.hasHonest(parties),
      }),
    ...options,
  });
}

function queryAt(cluster: TestCluster, party: PartyId, query: BiddingQuery): BiddingAnswer | undefined {
  const answer = cluster.get(party).replica.machine.query("bidding", encodeBiddingQuery(query));
  const decoded = decodeBiddingAnswer(answer ?? new Uint8Array());
  return decoded.ok ? decoded.value : undefined;
}

export function auctionAt(
  cluster: TestCluster,
  party: PartyId,
): Extract<BiddingAnswer, { kind: "auction" }> | undefined {
  const answer = queryAt(cluster, party, { kind: "auction", auction: 1 });
  return answer?.kind === "auction" ? answer : undefined;
}

export function bidsAt(cluster: TestCluster, party: PartyId): readonly ListedBid[] {
  const answer = queryAt(cluster, party, { kind: "bids", auction: 1, from: 1 });
  return answer?.kind === "bids" ? answer.bids : [];
}

export const isDecided = (cluster: TestCluster, parties: readonly PartyId[]): boolean =>
  parties.every((party) => auctionAt(cluster, party)?.stage === "decided");

/** Has it ordered, one after the other. */
export async function order(
  cluster: TestCluster,
  at: PartyId,
  parties: readonly PartyId[],
  ...payloads: readonly Uint8Array[]
) {
  for (const payload of payloads) {
    const { sequence } = cluster.get(at).replica.state;
    expect(cluster.get(at).replica.submit(payload)).toBe("taken");
    await cluster.run(() => parties.every((party) => cluster.get(party).replica.state.sequence > sequence));
  }
}

/** What a party has in its log of what parties had ordered: kinds of duties by party. */
export function duties(cluster: TestCluster, party: PartyId): string[] {
  return cluster.ledger(party).flatMap(({ payload }) => {
    const decoded = decodePayload(payload);
    if (!decoded.ok || decoded.value.kind !== "duty") return [];
    const duty = decodeBiddingDuty(decoded.value.operation);
    return [`${decoded.value.party}:${duty.ok ? duty.value.kind : "?"}`];
  });
}

/** What party 0 has replied to the request. */
export function replyTo(cluster: TestCluster, payload: Uint8Array): unknown {
  const decoded = decodePayload(payload);
  if (!decoded.ok || decoded.value.kind !== "request") throw new Error("no request");
  const { client, session } = decoded.value;
  const outcome = cluster.get(0).replica.machine.outcome(client, session, 1);
  const reply = decodeBiddingReply(outcome.kind === "done" ? (outcome.reply ?? new Uint8Array()) : new Uint8Array());
  return reply.ok ? reply.value : outcome.kind;
}

export function agreed(cluster: TestCluster, parties: readonly PartyId[] = ALL): void {
  expect({ ...cluster.agreement(parties), contradictions: [] }).toEqual(AGREED);
}
