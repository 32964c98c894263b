/** The loads of the bidding service are what the service takes, all of it. */
import { describe, expect, it } from "vitest";
import { listingsOf, ownersOf } from "../../../src/cli/bench/bidding-load.js";
import { WORKLOADS, type Workload } from "../../../src/cli/bench/workload.js";
import { MAX_BIDS } from "../../../src/services/bidding/house.js";
import {
  decodeBiddingAnswer,
  decodeBiddingReply,
  encodeBiddingOperation,
  encodeBiddingQuery,
  type Terms,
} from "../../../src/services/bidding/index.js";
import { encodeReplies } from "../../../src/wire/replies.js";
import { type SealedService, sealedService } from "./bidding-support.js";

const CLUSTER = new Uint8Array(32).fill(3);
const OWNER = new Uint8Array(32).fill(1);
const CLIENT = new Uint8Array(32).fill(2);
const common = { title: "", unit: "", bidders: [], closesAtMs: undefined };
const TERMS: Record<string, Terms> = {
  bidding: { kind: "sealed-first", ...common, mayReplace: true, mayWithdraw: false, reserve: 0 },
  book: { kind: "book", ...common },
};

async function loadOf(name: string, { encryptionKey }: SealedService, listings: number): Promise<Workload> {
  const options = { payloadBytes: 0, cluster: CLUSTER, client: CLIENT, encryptionKey, listings };
  const workload = await WORKLOADS.get(name)?.(options);
  if (workload?.commands === undefined) throw new Error(`no load of commands for ${name}`);
  return workload;
}

describe.each([
  ["bidding", 3, 40],
  ["book", 2, 3_000],
])("the load %s", (name, listings, count) => {
  it("is done, command by command", async () => {
    const service = await sealedService(CLUSTER);
    let sequence = 0;
    const apply = (client: Uint8Array, operation: Uint8Array): Uint8Array =>
      service.bidding.apply({ sequence: ++sequence, index: 0, round: sequence, roundTimeMs: 1, client }, operation);
    const terms = TERMS[name];
    if (terms === undefined) throw new Error(name);
    for (let index = 0; index < listings; index++) apply(OWNER, encodeBiddingOperation({ kind: "create", terms }));
    const { template, commands } = await loadOf(name, service, listings);
    const operation = new Uint8Array(template.length);
    const kinds = new Set<string>();
    for (let index = 0; index < count; index++) {
      commands?.write(operation);
      const reply = apply(CLIENT, operation);
      const decoded = decodeBiddingReply(reply);
      kinds.add(decoded.ok ? decoded.value.kind : "malformed");
      commands?.check(encodeReplies([reply]));
    }
    expect([...kinds]).toEqual([name === "book" ? "placed" : "bid"]);
    // The last one again is refused, and the load does not overlook it.
    const again = apply(CLIENT, operation);
    expect(() => commands?.check(encodeReplies([again]))).toThrow("not executed: old-counter");
    expect(() => commands?.check(new Uint8Array(3))).toThrow("malformed");
  });
});

it("leaves nothing in a book that it does not take again, whatever sides and quantities are drawn", async () => {
  const service = await sealedService(CLUSTER);
  const context = { index: 0, roundTimeMs: 1 };
  service.bidding.apply(
    { ...context, sequence: 1, round: 1, client: OWNER },
    encodeBiddingOperation({ kind: "create", terms: { kind: "book", ...common } }),
  );
  const { template, commands } = await loadOf("book", service, 1);
  const operation = new Uint8Array(template.length);
  const resting = (): number => {
    const answer = decodeBiddingAnswer(service.bidding.query(encodeBiddingQuery({ kind: "depth", auction: 1 })));
    if (!answer.ok || answer.value.kind !== "depth") throw new Error("no depth");
    return [...answer.value.buy, ...answer.value.sell].reduce((sum, { orders }) => sum + orders, 0);
  };
  const seen: number[] = [];
  for (let sequence = 2; sequence < 2 + 100 * 16; sequence++) {
    commands?.write(operation);
    service.bidding.apply({ ...context, sequence, round: sequence, client: CLIENT }, operation);
    seen.push(resting());
  }
  expect(Math.max(...seen)).toBe(8);
  expect(seen.filter((_, index) => index % 16 === 15)).toEqual(Array.from({ length: 100 }, () => 0));
});

it("has bids for as many auctions as there are, and then says so", async () => {
  const { commands } = await loadOf("bidding", await sealedService(CLUSTER), 1);
  const operation = new Uint8Array(400);
  for (let index = 0; index < 16; index++) commands?.write(operation);
  expect(() => commands?.write(operation)).toThrow("all 1 auctions are full");
});

it("opens auctions for what will be bid, at most for what the service keeps", () => {
  const settings = { service: "bidding", clients: 4, seconds: 10, warmUpSeconds: 5, rate: null };
  expect(listingsOf(settings)).toBe(625);
  expect(ownersOf(settings)).toBe(40);
  expect(listingsOf({ ...settings, rate: 100_000 }) * 16 * 4).toBe(MAX_BIDS);
  expect(listingsOf({ ...settings, service: "book" })).toBe(16);
  expect(ownersOf({ ...settings, service: "kv" })).toBe(0);
});
