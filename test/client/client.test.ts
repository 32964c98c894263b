import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { ClientClosedError, ClusterUnreachableError, type Notarized, RefusedError } from "../../src/client/index.js";
import { checkStatement } from "../../src/verify/index.js";
import {
  type Behaviour,
  FakeCluster,
  honest,
  N,
  onSubmit,
  refusal,
  shareOf,
  SILENT,
  STATE,
  statementOf,
} from "./fake-cluster.js";
import { isSigned, sha256, sharer } from "./receipt-parties.js";

// Time passes when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const DIGEST = sha256(utf8("a document"));
const TIMEOUT_MS = 30_000;
let nonces = 0;

function notarize(cluster: FakeCluster): Promise<Notarized> {
  const notarized = cluster.client.notarize(DIGEST, new Uint8Array(16).fill(++nonces), TIMEOUT_MS);
  // Handled below, but perhaps not before it fails.
  notarized.catch(() => undefined);
  cluster.settle();
  return notarized;
}

function expectReceipt(cluster: FakeCluster, { receipt }: Notarized): void {
  const [payload] = cluster.payloads;
  if (payload === undefined) throw new Error("nothing was submitted");
  expect(receipt.statement).toEqual(statementOf(payload));
  expect(receipt.digest.value).toBe(toHex(DIGEST));
  expect(checkStatement(receipt)).toEqual({ valid: true });
  expect(isSigned(receipt.statement, receipt.signature)).toBe(true);
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

/** Sends bad shares, and proofs that prove nothing. */
function badShares(): Behaviour {
  const rest = honest();
  return (frame, party) =>
    rest(frame, party).map((reply) =>
      reply instanceof Uint8Array || reply.kind !== "share"
        ? reply
        : Object.assign(reply, { share: sharer(party).share(utf8("another statement")) }),
    );
}
const LIAR = onSubmit((payload, party) => [shareOf(party, payload, { sequence: 8 })]);
const GARBAGE = onSubmit(() => [Uint8Array.of(99, 1, 2)]);

describe("notarize", () => {
  it("has the request ordered by all, and makes a receipt of their shares", async () => {
    const cluster = new FakeCluster([honest(), honest(), honest(), honest()]);
    const notarized = await notarize(cluster);
    expectReceipt(cluster, notarized);
    expect(notarized.faulty).toEqual([]);
    expect(cluster.heard).toEqual(Array.from({ length: N }, () => ["hello", "submit"]));
    expect(new Set(cluster.payloads.map(toHex)).size).toBe(1);
  });

  it.each<[string, Behaviour | undefined]>([
    ["that sends bad shares", badShares()],
    ["that lies about the position", LIAR],
    ["that sends garbage", GARBAGE],
    ["that sends nothing", SILENT],
    ["that sends nothing at all", () => []],
    ["that cannot be reached", undefined],
    ["that refuses", onSubmit((payload) => [refusal(payload, "invalid-payload", "no")])],
    [
      "that refuses with an unknown code",
      onSubmit((payload) => [{ kind: "refused", id: sha256(payload), code: 77, reason: "x" }]),
    ],
    [
      "that answers for another payload",
      onSubmit((payload, party) => [{ ...shareOf(party, payload), id: new Uint8Array(32) }]),
    ],
    ["that answers often", onSubmit((payload, party) => Array.from({ length: 5 }, () => shareOf(party, payload)))],
    [
      "that names the greatest numbers",
      onSubmit((payload, party) => [
        shareOf(party, payload, { sequence: Number.MAX_SAFE_INTEGER, round: Number.MAX_SAFE_INTEGER }),
      ]),
    ],
  ])("gets by with a party %s, whichever it is", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      const behaviours = Array.from({ length: N }, (_none, index) => (index === party ? behaviour : honest()));
      const cluster = new FakeCluster(behaviours);
      expectReceipt(cluster, await notarize(cluster));
    }
  });

  it("names the party whose share was bad", async () => {
    const cluster = new FakeCluster([badShares(), honest(), SILENT, SILENT]);
    const notarized = notarize(cluster);
    // Enough for a try, not for a receipt; the proofs are in.
    cluster.become(2, honest());
    cluster.settle();
    const { faulty } = await notarized;
    expect(faulty).toEqual([0]);
    expectReceipt(cluster, await notarized);
    expect(cluster.heard[0]).toEqual(["hello", "submit", "prove"]);
  });

  it("asks again on a new connection for what was not answered", async () => {
    const cluster = new FakeCluster([honest(), undefined, SILENT, SILENT]);
    const notarized = notarize(cluster);
    cluster.become(2, honest());
    cluster.settle();
    expectReceipt(cluster, await notarized);
    expect(cluster.heard[2]).toEqual(["hello", "submit", "hello", "submit"]);
    // Answered, so on a new connection there is nothing to say.
    cluster.become(2, honest());
    cluster.settle();
    expect(cluster.heard[2]).toEqual(["hello", "submit", "hello", "submit", "hello"]);
  });

  it("asks a busy replica again after a while", async () => {
    let busy = 2;
    const crowded = onSubmit((payload, party) =>
      busy-- > 0 ? [refusal(payload, "busy", "full")] : [shareOf(party, payload)],
    );
    const cluster = new FakeCluster([honest(), crowded, undefined, undefined]);
    const notarized = notarize(cluster);
    for (let time = 0; time < 2; time++) {
      expect(cluster.heard[1]).toHaveLength(2 + time);
      vi.advanceTimersByTime(250);
      cluster.settle();
    }
    expectReceipt(cluster, await notarized);
    expect(cluster.heard[1]).toEqual(["hello", "submit", "submit", "submit"]);
    vi.advanceTimersByTime(10_000);
    cluster.settle();
    expect(cluster.heard[1]).toHaveLength(4);
  });

  it("fails when so many refuse that too few are left, and not before", async () => {
    const refuses = onSubmit((payload, party) => [refusal(payload, "invalid-payload", `no from ${party}`)]);
    const cluster = new FakeCluster([refuses, refuses, SILENT, SILENT]);
    const notarized = notarize(cluster);
    let settled = false;
    void notarized.catch(() => (settled = true));
    // The same refusals again are no more refusals.
    for (const payload of cluster.payloads.slice(0, 1))
      for (let time = 0; time < 5; time++) cluster.say(0, refusal(payload, "invalid-payload", "no from 0"));
    await Promise.resolve();
    expect(settled).toBe(false);
    cluster.become(2, refuses);
    cluster.settle();
    const error = await failure(notarized);
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("party 0: no from 0; party 1: no from 1; party 2: no from 2");
  });

  it("fails at once in another cluster", async () => {
    const foreign: Behaviour = () => [
      { kind: "refused", id: new Uint8Array(32), code: 4, reason: "this is cluster 99" },
    ];
    const cluster = new FakeCluster([foreign, foreign, foreign, SILENT]);
    const error = await failure(notarize(cluster));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("party 1: this is cluster 99");
  });

  it("says of each party why there was no receipt in time", async () => {
    const cluster = new FakeCluster([
      undefined,
      GARBAGE,
      onSubmit((payload) => [refusal(payload, "busy", "the queue is full")]),
      SILENT,
    ]);
    const notarized = notarize(cluster);
    vi.advanceTimersByTime(TIMEOUT_MS);
    const error = await failure(notarized);
    expect(error).toBeInstanceOf(ClusterUnreachableError);
    expect(error.message).toContain("within 30 s");
    expect(error.message).toContain("it may still be ordered; notarising again makes a second entry");
    expect(error.message).toContain("party 0: connection refused");
    expect(error.message).toContain("party 1: sent a malformed frame");
    expect(error.message).toContain("party 2: the queue is full");
    expect(error.message).toContain("party 3: connected, but has not answered");
  });

  it("closes the connection that a malformed frame came on, and no other", async () => {
    const cluster = new FakeCluster([GARBAGE, SILENT, SILENT, SILENT]);
    const notarized = notarize(cluster);
    expect([0, 1, 2, 3].map((party) => cluster.isConnected(party))).toEqual([false, true, true, true]);
    cluster.client.close();
    await failure(notarized);
  });

  it("says so of a party that answered when the others did not", async () => {
    const cluster = new FakeCluster([honest(), () => [], LIAR, undefined]);
    const notarized = notarize(cluster);
    vi.advanceTimersByTime(TIMEOUT_MS);
    const { message } = await failure(notarized);
    expect(message).toContain("party 0: answered, but not enough others did");
    expect(message).toContain("party 1: no answer yet");
    expect(message).toContain("party 2: answered, but not enough others did");
  });

  it("leaves no timer behind, whether it succeeds or fails", async () => {
    const cluster = new FakeCluster([honest(), honest(), SILENT, SILENT]);
    await notarize(cluster);
    expect(vi.getTimerCount()).toBe(0);
    const refuses = onSubmit((payload) => [refusal(payload, "invalid-payload", "no")]);
    for (const party of [0, 1, 2]) cluster.change(party, refuses);
    await failure(notarize(cluster));
    expect(vi.getTimerCount()).toBe(0);
  });

  it("serves several requests at once, each by its own answers", async () => {
    const cluster = new FakeCluster([honest(), honest(), SILENT, GARBAGE]);
    const all = await Promise.all([notarize(cluster), notarize(cluster), notarize(cluster)]);
    for (const { receipt } of all) expect(isSigned(receipt.statement, receipt.signature)).toBe(true);
    expect(new Set(cluster.payloads.map(toHex)).size).toBe(3);
  });
});

describe("a party that wants to keep the client busy", () => {
  it("is asked for a proof once, though it answers without one", async () => {
    let answers = 0;
    const rest = badShares();
    // Bounded, so that a client that plays along fails the test and does not hang it.
    const stubborn: Behaviour = (frame, party) =>
      ++answers > 100 ? [] : rest(frame.kind === "prove" ? lastSubmit(cluster) : frame, party);
    const cluster: FakeCluster = new FakeCluster([stubborn, honest(), SILENT, SILENT]);
    const notarized = notarize(cluster);
    expect(cluster.heard[0]).toEqual(["hello", "submit", "prove"]);
    cluster.client.close();
    await failure(notarized);
  });

  it("gets nothing again for welcoming it again", async () => {
    const cluster = new FakeCluster([SILENT, SILENT, SILENT, SILENT]);
    const notarized = notarize(cluster);
    for (let time = 0; time < 10; time++) cluster.say(0, { kind: "welcome" });
    expect(cluster.heard[0]).toEqual(["hello", "submit"]);
    cluster.client.close();
    await failure(notarized);
  });
});

function lastSubmit(cluster: FakeCluster): { readonly kind: "submit"; readonly payload: Uint8Array } {
  const payload = cluster.payloads.at(-1);
  if (payload === undefined) throw new Error("nothing was submitted");
  return { kind: "submit", payload };
}

describe("status", () => {
  it("is each party's own word, or what is wrong with it", async () => {
    const cluster = new FakeCluster([honest(), SILENT, undefined, GARBAGE]);
    const status = cluster.client.status(5000);
    cluster.settle();
    vi.advanceTimersByTime(5000);
    const { kind: _kind, ...state } = STATE;
    const states = await status;
    expect(states.get(0)).toMatchObject(state);
    expect(states.get(1)).toBe("connected, but has not answered");
    expect(states.get(2)).toBe("connection refused");
    expect(states.get(3)).toMatchObject(state);
  });

  it("returns when all have answered, and its time-out does not end the next one", async () => {
    const cluster = new FakeCluster([honest(), honest(), honest(), honest()]);
    const first = cluster.client.status(5000);
    cluster.settle();
    expect((await first).size).toBe(N);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(4999);
    const second = cluster.client.status(5000);
    vi.advanceTimersByTime(1000);
    cluster.settle();
    for (const state of (await second).values()) expect(state).toMatchObject({ state: "active" });
  });

  it("can be asked twice at once", async () => {
    const cluster = new FakeCluster([honest(), honest(), honest(), SILENT]);
    const both = [cluster.client.status(1000), cluster.client.status(2000)];
    cluster.settle();
    vi.advanceTimersByTime(2000);
    for (const states of await Promise.all(both)) {
      expect([...states.values()].map((state) => (typeof state === "string" ? state : state.state)).sort()).toEqual([
        "active",
        "active",
        "active",
        "connected, but has not answered",
      ]);
    }
  });

  it("does not take one party's many answers for many parties' answers", async () => {
    const talkative: Behaviour = (frame) =>
      frame.kind === "status" ? [STATE, STATE, STATE, STATE, STATE] : [{ kind: "welcome" }];
    const cluster = new FakeCluster([talkative, SILENT, SILENT, SILENT]);
    const status = cluster.client.status(1000);
    cluster.settle();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect([...(await status).values()].filter((state) => typeof state !== "string")).toHaveLength(1);
  });
});

describe("close", () => {
  it("ends what is waited for, timers and connections", async () => {
    const cluster = new FakeCluster([honest(), SILENT, SILENT, SILENT]);
    const [notarized, status] = [notarize(cluster), cluster.client.status(1000)];
    cluster.client.close();
    expect(await failure(notarized)).toBeInstanceOf(ClientClosedError);
    expect((await status).size).toBe(N);
    expect(vi.getTimerCount()).toBe(0);
    expect(cluster.closed).toEqual(cluster.dialled);
  });
});
