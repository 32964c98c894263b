import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import {
  BusyError,
  CallAbortedError,
  type CallHandle,
  type CallOptions,
  ClientClosedError,
  type ClientOptions,
  ClusterUnreachableError,
  handleFromJSON,
  handleToJSON,
  NotExecutedError,
  OutcomeForgottenError,
  RefusedError,
  ReplyLostError,
  SessionEvictedError,
} from "../../src/client/index.js";
import { Patience } from "../../src/client/patience.js";
import { SESSION_WINDOW } from "../../src/client/sessions.js";
import { encodeKvOperation } from "../../src/services/kv/index.js";
import { checkStatement } from "../../src/verify/index.js";
import { encodeReplies } from "../../src/wire/replies.js";
import { replyStatement } from "../../src/wire/reply-statement.js";
import {
  type Behaviour,
  CLUSTER,
  FakeCluster,
  HOARDER,
  HONEST,
  idOf,
  outcomes,
  refusal,
  refusing,
  requestOf,
  signedRequest,
  SILENT,
  N,
} from "./fake-cluster.js";
import { flipBit } from "../crypto/fixtures.js";
import { isSigned, sha256, sharer } from "./receipt-parties.js";

// Time passes when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const DIGEST = sha256(utf8("a document"));
const TIMEOUT_MS = 30_000;
const ALL_HONEST = [HONEST, HONEST, HONEST, HONEST];

function cluster(behaviours: readonly (Behaviour | undefined)[] = ALL_HONEST, options: Partial<ClientOptions> = {}) {
  return new FakeCluster(behaviours, options);
}

/** `behaviour` at `party`, and honest ones elsewhere. */
function at(party: number, behaviour: Behaviour | undefined): (Behaviour | undefined)[] {
  return ALL_HONEST.map((honest, index) => (index === party ? behaviour : honest));
}

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

const PUT = encodeKvOperation({ kind: "put", key: utf8("k"), condition: { kind: "none" }, value: utf8("v") });
const put = (of: FakeCluster, options: CallOptions = {}) => of.client.call("kv", PUT, options);

const LIES: [string, Behaviour | undefined][] = [
  ["that lies about the position", outcomes((reply) => ({ ...reply, sequence: reply.sequence + 1 }))],
  ["that lies about the round", outcomes((reply) => ({ ...reply, round: reply.round + 1 }))],
  ["that lies about the time", outcomes((reply) => ({ ...reply, timeMs: reply.timeMs + 1 }))],
  ["that lies about the reply", outcomes((reply) => ({ ...reply, reply: utf8("a lie") }))],
  ["that says that it keeps no reply", outcomes((reply) => ({ ...reply, reply: undefined }))],
  ["that names another payload", outcomes((reply) => ({ ...reply, digest: new Uint8Array(32) }))],
  ["that says that it was void", outcomes((reply) => ({ ...reply, isVoid: true, reply: undefined }))],
  ["that answers for another payload", outcomes((reply) => ({ ...reply, id: new Uint8Array(32) }))],
  ["that sends garbage", { say: (reply) => (reply.kind === "welcome" ? [reply] : [Uint8Array.of(99, 1, 2)]) }],
  ["that sends nothing", SILENT],
  ["that sends nothing at all", { say: () => [] }],
  ["that keeps what it gets to itself", HOARDER],
  ["that cannot be reached", undefined],
  ["that refuses", refusing("invalid-payload", "no")],
  ["that says that the session is evicted", refusing("session-evicted", "no")],
  ["that says that the number is closed", refusing("number-closed", "no")],
  ["that is busy for ever", refusing("busy", "full", 1)],
  [
    "that refuses with an unknown code",
    {
      hear: (frame) =>
        frame.kind === "hello"
          ? undefined
          : [{ kind: "refused", id: idOf(frame), code: 77, reason: "x", retryAfterMs: 0 }],
    },
  ],
  [
    "that answers often",
    { say: (reply) => (reply.kind === "welcome" ? [reply] : Array.from({ length: 5 }, () => reply)) },
  ],
  [
    "that names the greatest numbers",
    outcomes((reply) => ({ ...reply, sequence: Number.MAX_SAFE_INTEGER, round: Number.MAX_SAFE_INTEGER })),
  ],
];

describe("a call", () => {
  it("is executed by all, and its reply is believed when a quorum says the same", async () => {
    const all = cluster();
    const called = await all.settled(put(all));
    expect(called).toMatchObject({ sequence: 1, round: 1, timeMs: 1000, faulty: [] });
    expect(all.parties.map(({ machine }) => machine.tip.sequence)).toEqual([1, 1, 1, 1]);
    expect(new Set(all.submitted.map(toHex)).size).toBe(1);
    expect(requestOf(all.submitted[0])).toMatchObject({ number: 1, acknowledged: 0, action: { service: "kv" } });
  });

  it("of several operations is one request, executed as a whole", async () => {
    const all = cluster();
    const called = await all.settled(
      all.client.callAll("kv", [
        PUT,
        encodeKvOperation({ kind: "delete", key: utf8("k"), condition: { kind: "none" } }),
      ]),
    );
    expect(called).toMatchObject({ sequence: 1, round: 1, timeMs: 1000, faulty: [] });
    expect(called.replies).toHaveLength(2);
    expect(called).not.toHaveProperty("reply");
    expect(new Set(all.submitted.map(toHex)).size).toBe(1);
    await expect(all.client.callAll("kv", [])).rejects.toThrow("no operation");
  });

  it("of more operations than the cluster orders at once is not sent, and takes no number", async () => {
    const all = cluster(ALL_HONEST, { maxPayloadBytes: 60 * 1024 });
    const many = Array.from({ length: 3 }, () => new Uint8Array(20 * 1024));
    for (let call = 0; call <= SESSION_WINDOW; call++)
      await expect(all.client.callAll("kv", many)).rejects.toThrow(
        /^a request of \d+ bytes, and this cluster orders at/,
      );
    expect(all.submitted).toEqual([]);
    await all.settled(put(all));
    expect(requestOf(all.submitted[0])).toMatchObject({ number: SESSION_WINDOW + 2, acknowledged: SESSION_WINDOW + 1 });
  });

  it("of several operations has one signature, on all replies together", async () => {
    const all = cluster();
    const { signature, replies } = await all.settled(all.client.callAll("kv", [PUT, PUT], { reply: "signed" }));
    expect(replies).toHaveLength(2);
    const { client, session, number } = requestOf(all.submitted[0]);
    const place = { cluster: CLUSTER, client, session, number, sequence: 1, round: 1, service: "kv" };
    const statement = replyStatement({ ...place, reply: encodeReplies(replies) });
    expect(signature?.statement).toEqual(statement);
    expect(signature !== undefined && isSigned(statement, signature.signature)).toBe(true);
  });

  it.each(LIES)("gets by with a party %s, whichever it is", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      for (const fanout of ["all", "widen", "few"] as const) {
        const some = cluster(at(party, behaviour), { fanout });
        const call = put(some);
        await some.rest();
        vi.advanceTimersByTime(2000);
        expect(await some.settled(call)).toMatchObject({ sequence: 1, round: 1, timeMs: 1000 });
      }
    }
  });

  it.each(LIES.slice(0, 4))("names a party %s", async (_, behaviour) => {
    const some = cluster(at(0, behaviour));
    // The liar is heard before the honest ones are enough.
    expect((await some.settled(put(some))).faulty).toEqual([0]);
  });

  it("is believed by a set with an honest party, or only by a quorum, as one likes", async () => {
    const two = [HONEST, HONEST, SILENT, SILENT];
    const honest = cluster(two, { acknowledgements: "honest" });
    expect(await honest.settled(put(honest))).toMatchObject({ sequence: 1 });
    const quorum = cluster(two);
    const call = put(quorum);
    await quorum.rest();
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(await failure(quorum.settled(call))).toBeInstanceOf(ClusterUnreachableError);
    const one = cluster([HONEST, SILENT, SILENT, SILENT], { acknowledgements: "honest" });
    const alone = put(one);
    await one.rest();
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(await failure(one.settled(alone))).toBeInstanceOf(ClusterUnreachableError);
  });

  it("is signed, if that is asked for", async () => {
    const all = cluster();
    const { signature, reply, sequence, round } = await all.settled(put(all, { reply: "signed" }));
    const { client, session, number } = requestOf(all.submitted[0]);
    const statement = replyStatement({
      cluster: CLUSTER,
      client,
      session,
      number,
      sequence,
      round,
      service: "kv",
      reply,
    });
    expect(signature?.statement).toEqual(statement);
    expect(signature !== undefined && isSigned(statement, signature.signature)).toBe(true);
  });

  it("asks again on a new connection for what was not answered", async () => {
    const some = cluster([HONEST, undefined, SILENT, SILENT]);
    const call = put(some);
    await some.rest();
    some.become(2, HONEST);
    some.become(3, HONEST);
    expect(await some.settled(call)).toMatchObject({ sequence: 1 });
    expect(some.heard[2]).toEqual(["hello", "submit", "hello", "submit"]);
    // Answered, so on a new connection there is nothing to say.
    some.become(2, HONEST);
    some.settle();
    expect(some.heard[2]).toEqual(["hello", "submit", "hello", "submit", "hello"]);
  });

  it("asks a busy replica again when it says, within bounds", async () => {
    for (const [hintMs, afterMs] of [
      [100, 100],
      [1, 25],
      [0xffff_ffff, 5000],
    ] as const) {
      let busy = 2;
      const crowded: Behaviour = {
        hear: (frame) =>
          frame.kind === "submit" && busy-- > 0 ? [refusal(idOf(frame), "busy", "full", hintMs)] : undefined,
      };
      const some = cluster([HONEST, HONEST, crowded, undefined]);
      const call = put(some);
      for (let time = 0; time < 2; time++) {
        await some.rest();
        expect(some.heard[2]).toHaveLength(2 + time);
        vi.advanceTimersByTime(afterMs - 1);
        await some.rest();
        expect(some.heard[2]).toHaveLength(2 + time);
        vi.advanceTimersByTime(1);
      }
      expect(await some.settled(call)).toMatchObject({ sequence: 1 });
      vi.advanceTimersByTime(60_000);
      some.settle();
      expect(some.heard[2]).toHaveLength(4);
    }
  });

  it("fails when so many refuse that too few are left, and not before", async () => {
    const refuses = refusing("invalid-payload", "no");
    const some = cluster([refuses, SILENT, SILENT, SILENT]);
    const call = put(some);
    let isSettled = false;
    call.catch(() => (isSettled = true));
    await some.rest();
    const id = sha256(some.submitted[0] ?? utf8(""));
    // The same refusal again is no more refusals.
    for (let time = 0; time < 5; time++) some.say(0, refusal(id, "invalid-payload", "no"));
    await some.rest();
    expect(isSettled).toBe(false);
    some.become(1, refuses);
    const error = await failure(some.settled(call));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("party 0: no; party 1: no");
  });

  it("fails at once in another cluster", async () => {
    const foreign: Behaviour = { hear: () => [refusal(new Uint8Array(32), "wrong-cluster", "this is cluster 99")] };
    const some = cluster([foreign, foreign, foreign, SILENT]);
    const error = await failure(some.settled(put(some)));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error.message).toContain("party 1: this is cluster 99");
  });

  it("says of each party why there was no answer in time, and has the handle", async () => {
    const some = cluster([
      undefined,
      { say: (reply) => (reply.kind === "welcome" ? [reply] : [Uint8Array.of(99)]) },
      refusing("busy", "the queue is full", 250),
      SILENT,
    ]);
    const call = put(some, { timeoutMs: 7000 });
    await some.rest();
    vi.advanceTimersByTime(7000);
    const error = await failure(some.settled(call));
    expect(error).toBeInstanceOf(ClusterUnreachableError);
    expect(error).not.toBeInstanceOf(BusyError);
    expect(error.message).toContain("within 7 s");
    expect(error.message).toContain("it may still be ordered");
    expect(error.message).toContain("party 0: connection refused");
    expect(error.message).toContain("party 1: sent a malformed frame");
    expect(error.message).toContain("party 2: the queue is full");
    expect(error.message).toContain("party 3: connected, but has not answered");
    expect(error).toMatchObject({ handle: { number: 1, digest: sha256(some.submitted[0] ?? utf8("")) } });
  });

  it("says that the cluster is busy when an honest replica says so, and when to ask again", async () => {
    const busy = (hintMs: number): Behaviour => refusing("busy", "full", hintMs);
    const some = cluster([busy(100), busy(400), SILENT, SILENT]);
    const call = put(some);
    await some.rest();
    vi.advanceTimersByTime(TIMEOUT_MS);
    const error = await failure(some.settled(call));
    expect(error).toBeInstanceOf(BusyError);
    expect(error).toMatchObject({ retryAfterMs: 400 });
  });

  it("can be aborted, before it is sent and after", async () => {
    const some = cluster([SILENT, SILENT, SILENT, SILENT]);
    const early = await failure(put(some, { signal: AbortSignal.abort() }));
    expect(early).toBeInstanceOf(CallAbortedError);
    expect(early).not.toHaveProperty("handle.number");
    some.settle();
    expect(some.submitted).toEqual([]);
    const controller = new AbortController();
    const call = put(some, { signal: controller.signal });
    await some.rest();
    controller.abort();
    const late = await failure(call);
    expect(late).toBeInstanceOf(CallAbortedError);
    expect(late).toHaveProperty("handle.number", 1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("says which reply is not kept any more", async () => {
    const forgetful = outcomes((reply) => ({ ...reply, reply: undefined }));
    const some = cluster([forgetful, forgetful, forgetful, SILENT]);
    const error = await failure(some.settled(put(some)));
    expect(error).toBeInstanceOf(ReplyLostError);
    expect(error).toMatchObject({ sequence: 1, round: 1 });
  });

  it("is signed by those that have its reply, though others that are enough have it no more", async () => {
    const forgetful = outcomes((reply) => ({ ...reply, reply: undefined }));
    const some = cluster([forgetful, forgetful, HONEST, HONEST]);
    expect(await some.settled(put(some, { reply: "signed" }))).toMatchObject({ sequence: 1 });
    const lost = cluster([forgetful, forgetful, forgetful, HONEST]);
    expect(await failure(lost.settled(put(lost, { reply: "signed" })))).toBeInstanceOf(ReplyLostError);
  });

  it("leaves no timer behind, whether it succeeds or fails", async () => {
    const some = cluster();
    await some.settled(put(some));
    expect(vi.getTimerCount()).toBe(0);
    for (const party of [0, 1]) some.change(party, refusing("invalid-payload", "no"));
    await failure(some.settled(put(some)));
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("several documents", () => {
  const DIGESTS = Array.from({ length: 5 }, (_, index) => sha256(utf8(`document ${index}`)));

  it("get receipts that share one signature, whoever lies", async () => {
    for (const [, behaviour] of LIES.slice(0, 6)) {
      const some = cluster(at(1, behaviour));
      await some.settled(some.client.notarize(DIGEST, TIMEOUT_MS));
      const { receipts } = await some.settled(some.client.notarizeAll(DIGESTS, TIMEOUT_MS, { fanout: "all" }));
      expect(receipts.map(({ log, sequence }) => [log.index, log.documents, sequence])).toEqual(
        DIGESTS.map((_, index) => [1 + index, 6, 2]),
      );
      for (const [index, receipt] of receipts.entries()) {
        expect(receipt).toMatchObject({ round: 2, time: 2000, digest: { value: toHex(DIGESTS[index] ?? DIGEST) } });
        expect(checkStatement(receipt)).toEqual({ valid: true });
        expect(isSigned(receipt.statement, receipt.signature)).toBe(true);
      }
      expect(new Set(receipts.map(({ statement }) => toHex(statement))).size).toBe(1);
    }
  });

  it("are one to 200", async () => {
    const all = cluster();
    await expect(all.client.notarizeAll([], TIMEOUT_MS)).rejects.toThrow(RangeError);
    await expect(all.client.notarizeAll(Array<Uint8Array>(201).fill(DIGEST), TIMEOUT_MS)).rejects.toThrow(RangeError);
    const { receipts } = await all.settled(all.client.notarizeAll(Array<Uint8Array>(200).fill(DIGEST), TIMEOUT_MS));
    expect(receipts).toHaveLength(200);
  });
});

describe("widening", () => {
  const widen = { fanout: "widen", widenAfterMs: [100, 500] } as const;
  const submissions = (some: FakeCluster): number[] =>
    some.heard.map((heard) => heard.filter((kind) => kind === "submit").length);

  it("hands the payload to one replica, a different one each time, and asks the others what became of it", async () => {
    const all = cluster(ALL_HONEST, widen);
    all.settle();
    for (let call = 1; call <= N; call++) {
      await all.settled(put(all));
      expect(submissions(all).reduce((sum, count) => sum + count)).toBe(call);
    }
    expect(submissions(all)).toEqual([1, 1, 1, 1]);
    expect(all.heard.map((heard) => heard.filter((kind) => kind === "await").length)).toEqual([3, 3, 3, 3]);
  });

  it("hands it to so many that an honest one has it when the first keeps it to itself, and then to all", async () => {
    const some = cluster([HOARDER, HOARDER, HOARDER, HOARDER], widen);
    some.settle();
    const call = put(some);
    const counts: number[] = [];
    for (const stepMs of [0, 99, 1, 399, 1]) {
      vi.advanceTimersByTime(stepMs);
      await some.rest();
      counts.push(submissions(some).reduce((sum, count) => sum + count));
    }
    expect(counts).toEqual([1, 1, 2, 2, 4]);
    some.client.close();
    await failure(call);
  });

  it.each<[string, Behaviour | undefined]>([
    ["refuses", refusing("not-ready", "learning", 1000)],
    ["refuses for good", refusing("invalid-payload", "no")],
  ])("does not wait when the first %s", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      const some = cluster(at(party, behaviour), widen);
      some.settle();
      for (let call = 1; call <= N; call++) expect(await some.settled(put(some))).toMatchObject({ sequence: call });
    }
  });

  it("does not wait when the connection to the first is lost", async () => {
    // Keeps payloads to itself, and says what becomes of numbers.
    const hoarder: Behaviour = { hear: (frame) => (frame.kind === "submit" ? [] : undefined) };
    const some = cluster([hoarder, hoarder, hoarder, hoarder], widen);
    some.settle();
    const call = put(some);
    await some.rest();
    const first = submissions(some).indexOf(1);
    for (let party = 0; party < N; party++) if (party !== first) some.change(party, HONEST);
    some.become(first, undefined);
    expect(await some.settled(call)).toMatchObject({ sequence: 1 });
  });

  it("starts with whoever is connected first", async () => {
    const some = cluster([undefined, undefined, undefined, undefined], widen);
    const call = put(some);
    await some.rest();
    some.become(2, HOARDER);
    await some.rest();
    expect(submissions(some)).toEqual([0, 0, 1, 0]);
    some.client.close();
    await failure(call);
  });
});

describe("asking few", () => {
  const few = { fanout: "few", widenAfterMs: [100, 500], acknowledgements: "honest", home: 2 } as const;
  const heard = (some: FakeCluster, kind: string): number[] =>
    some.heard.map((frames) => frames.filter((other) => other === kind).length);

  it("asks the replica at home, and as few others as the answer needs, in turn", async () => {
    const all = cluster(ALL_HONEST, few);
    all.settle();
    for (let call = 1; call <= 8; call++) await all.settled(put(all, { reply: "signed" }));
    expect(heard(all, "submit")).toEqual([0, 0, 8, 0]);
    const awaits = heard(all, "await");
    expect(awaits.reduce((sum, count) => sum + count)).toBe(8);
    expect(awaits.filter((count) => count > 0).length).toBeGreaterThan(1);
  });

  it("asks the others when one does not answer in time", async () => {
    for (let party = 0; party < N; party++) {
      if (party === few.home) continue;
      const some = cluster(at(party, SILENT), few);
      some.settle();
      for (let sequence = 1; sequence <= N; sequence++) {
        const call = put(some, { reply: "signed" });
        await some.rest();
        vi.advanceTimersByTime(100);
        expect(await some.settled(call)).toMatchObject({ sequence });
      }
    }
  });

  it.each<[string, Behaviour | undefined]>([
    ["refuses", refusing("not-ready", "learning", 1000)],
    ["refuses for good", refusing("invalid-payload", "no")],
    ["tells another reply", outcomes((reply) => ({ ...reply, reply: utf8("no") }))],
    [
      "sends shares of another signature",
      outcomes((reply) => (reply.kind === "share" ? { ...reply, share: flipBit(reply.share, 9) } : reply)),
    ],
    ["cannot be reached", undefined],
  ])("does not wait when one of the few %s", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      const some = cluster(at(party, behaviour), few);
      some.settle();
      for (let sequence = 1; sequence <= N; sequence++)
        expect(await some.settled(put(some, { reply: "signed" }))).toMatchObject({ sequence });
    }
  });

  it("does not wait when the connection to one of the few is lost", async () => {
    const some = cluster([SILENT, SILENT, HONEST, SILENT], few);
    some.settle();
    const call = put(some);
    await some.rest();
    const asked = heard(some, "await").indexOf(1);
    for (const party of [0, 1, 3]) if (party !== asked) some.change(party, HONEST);
    some.become(asked, undefined);
    expect(await some.settled(call)).toMatchObject({ sequence: 1 });
  });
});

describe("patience", () => {
  it("grows while calls take long, and not when somebody keeps them to itself", () => {
    const patience = new Patience();
    expect(patience.after(100)).toBe(100);
    for (let call = 0; call < 100; call++) patience.learn(1000);
    expect(patience.after(100)).toBeGreaterThan(3900);
    expect(patience.after(5000)).toBe(5000);
    for (let call = 0; call < 100; call++) patience.learn(1);
    expect(patience.after(100)).toBe(100);
  });

  it("lets a client wait longer before it asks more while the cluster is slow", async () => {
    vi.useRealTimers();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    const some = cluster(ALL_HONEST, { fanout: "widen", widenAfterMs: [100, 500] });
    some.settle();
    const slowly = async (): Promise<number> => {
      some.isOrdering = false;
      const before = some.heard.flat().filter((kind) => kind === "submit").length;
      const call = put(some);
      await some.rest();
      vi.advanceTimersByTime(1000);
      await some.rest();
      const handed = some.heard.flat().filter((kind) => kind === "submit").length - before;
      vi.advanceTimersByTime(1000);
      some.isOrdering = true;
      await some.settled(call);
      return handed;
    };
    expect(await slowly()).toBe(N);
    for (let call = 0; call < 30; call++) await slowly();
    expect(await slowly()).toBe(1);
  });

  it("ends while there is time for the answers of others, however long calls take of late", async () => {
    vi.useRealTimers();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    let isDeaf = false;
    const first: Behaviour = { ...HONEST, hear: () => (isDeaf ? [] : undefined) };
    const some = cluster(at(0, first), { fanout: "widen", widenAfterMs: [100, 500], home: 0 });
    some.settle();
    for (let slow = 0; slow < 40; slow++) {
      some.isOrdering = false;
      const call = put(some, { timeoutMs: 60_000 });
      await some.rest();
      vi.advanceTimersByTime(20_000);
      some.isOrdering = true;
      await some.settled(call);
    }
    isDeaf = true;
    const before = some.heard.flat().filter((kind) => kind === "submit").length;
    const call = put(some, { timeoutMs: 8_000 });
    await some.rest();
    vi.advanceTimersByTime(4_000);
    await some.rest();
    expect(some.heard.flat().filter((kind) => kind === "submit").length - before).toBe(N);
    expect(await some.settled(call)).toMatchObject({ sequence: 41 });
  });

  it("counts what a call takes from when more were asked", async () => {
    vi.useRealTimers();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
    // Each call begins with the one that does nothing.
    const widen = { fanout: "widen", widenAfterMs: [100, 500], home: 0 } as const;
    const some = cluster(at(0, HOARDER), widen);
    some.settle();
    for (let sequence = 1; sequence <= 40; sequence++) {
      const call = put(some);
      await some.rest();
      vi.advanceTimersByTime(100);
      expect(await some.settled(call)).toMatchObject({ sequence });
    }
  });
});

describe("sessions", () => {
  it("number calls, and acknowledge what is answered", async () => {
    const all = cluster();
    for (let call = 0; call < 3; call++) await all.settled(put(all));
    const requests = [...new Map(all.submitted.map((payload) => [toHex(payload), requestOf(payload)])).values()];
    expect(requests.map(({ number, acknowledged }) => [number, acknowledged])).toEqual([
      [1, 0],
      [2, 1],
      [3, 2],
    ]);
    expect(new Set(requests.map(({ session }) => toHex(session.nonce))).size).toBe(1);
  });

  it("let 256 calls be unfinished at once; the next one waits", async () => {
    const all = cluster();
    all.isOrdering = false;
    const calls = Array.from({ length: 258 }, () => put(all));
    await all.rest();
    const numbers = (): number => new Set(all.submitted.map((payload) => requestOf(payload).number)).size;
    expect(numbers()).toBe(256);
    all.isOrdering = true;
    const done = await Promise.all(calls.map((call) => all.settled(call)));
    expect(new Set(done.map(({ sequence }) => sequence)).size).toBe(258);
    expect(numbers()).toBe(258);
  });

  it("do not stay held up by calls that were given up", async () => {
    const all = cluster();
    all.isOrdering = false;
    const controller = new AbortController();
    const calls = Array.from({ length: 256 }, () => put(all, { signal: controller.signal }));
    await all.rest();
    controller.abort();
    await Promise.all(calls.map(failure));
    const next = put(all);
    await all.rest();
    const last = requestOf(all.submitted.at(-1));
    expect(last.number).toBe(1);
    expect(toHex(last.session.nonce)).not.toBe(toHex(requestOf(all.submitted[0]).session.nonce));
    all.isOrdering = true;
    await all.settled(next);
  });

  it("that were evicted fail their calls, and later calls go on in a new one", async () => {
    const all = cluster();
    await all.settled(put(all));
    const { opened } = requestOf(all.submitted[0]).session;
    for (let later = 1; later <= 64; later++) all.orderElsewhere(signedRequest({ opened: opened + later, number: 1 }));
    const error = await failure(all.settled(put(all)));
    expect(error).toBeInstanceOf(SessionEvictedError);
    expect(error).toHaveProperty("handle.number", 2);
    // The clock may be behind that of the client's other programs: it catches up.
    let errors = 0;
    for (let tries = 0; tries < 5; tries++) {
      const again = await all.settled(put(all)).catch((reason: unknown) => void (reason instanceof Error && errors++));
      if (again !== undefined) break;
    }
    expect(errors).toBeLessThan(3);
  });

  it("that are evicted while a call waits say so", async () => {
    const all = cluster();
    await all.settled(put(all));
    const { opened } = requestOf(all.submitted[0]).session;
    all.isOrdering = false;
    const call = put(all);
    await all.rest();
    all.queue.clear();
    all.isOrdering = true;
    for (let later = 1; later <= 64; later++) all.orderElsewhere(signedRequest({ opened: opened + later, number: 1 }));
    expect(await failure(all.settled(call))).toBeInstanceOf(SessionEvictedError);
  });

  it("are not given up on the word of t replicas", async () => {
    const some = cluster(at(0, refusing("session-evicted", "gone")));
    await some.settled(put(some));
    await some.settled(put(some));
    expect(requestOf(some.submitted.at(-1)).number).toBe(2);
  });
});

describe("the outcome of a call", () => {
  /** A call that nobody answers: its handle. */
  async function lostCall(some: FakeCluster): Promise<CallHandle> {
    const controller = new AbortController();
    const call = put(some, { signal: controller.signal });
    await some.rest();
    controller.abort();
    const { handle } = (await failure(call)) as CallAbortedError;
    if (handle === undefined) throw new Error("no handle");
    return handle;
  }

  it("is known when the call was executed, with its reply", async () => {
    const all = cluster([SILENT, SILENT, SILENT, SILENT]);
    const handle = await lostCall(all);
    for (let party = 0; party < N; party++) all.become(party, HONEST);
    expect(await all.settled(all.client.outcome(handle))).toMatchObject({ committed: true, sequence: 1, round: 1 });
    // Nothing was executed for the asking.
    expect(all.parties[0]?.machine.tip.sequence).toBe(1);
  });

  it("is that the call was not and never will be executed, when it was not", async () => {
    const all = cluster();
    all.isOrdering = false;
    const handle = await lostCall(all);
    const lost = all.submitted[0] ?? utf8("");
    all.queue.clear();
    all.isOrdering = true;
    expect(await all.settled(all.client.outcome(handle))).toEqual({ committed: false });
    // Not even when somebody brings it now.
    all.orderElsewhere(lost);
    expect(all.parties.map(({ machine }) => machine.tip.sequence)).toEqual([1, 1, 1, 1]);
    expect(await all.settled(all.client.outcome(handle))).toEqual({ committed: false });
  });

  it.each(LIES)("is known in spite of a party %s", async (_, behaviour) => {
    for (const isExecuted of [true, false]) {
      const some = cluster([SILENT, SILENT, SILENT, SILENT]);
      some.isOrdering = isExecuted;
      const handle = await lostCall(some);
      some.queue.clear();
      some.isOrdering = true;
      at(1, behaviour).forEach((one, party) => some.become(party, one));
      expect((await some.settled(some.client.outcome(handle))).committed).toBe(isExecuted);
    }
  });

  it("can be asked for by another process that has the handle as text", async () => {
    const all = cluster([SILENT, SILENT, SILENT, SILENT]);
    const text = handleToJSON(await lostCall(all));
    all.client.close();
    const other = new FakeCluster(ALL_HONEST, {}, all);
    const outcome = other.client.outcome(handleFromJSON(text));
    await other.rest();
    all.settle();
    expect(await other.settled(outcome)).toMatchObject({ committed: true, sequence: 1 });
  });

  it("fails a call that still waits, when it takes its number", async () => {
    const all = cluster();
    all.isOrdering = false;
    const handles: CallHandle[] = [];
    const call = put(all, { onHandle: (handle) => void handles.push(handle) });
    await all.rest();
    all.queue.clear();
    const [handle] = handles;
    if (handle === undefined) throw new Error("no handle");
    const outcome = all.client.outcome(handle);
    all.isOrdering = true;
    expect(await all.settled(outcome)).toEqual({ committed: false });
    expect(await failure(all.settled(call))).toBeInstanceOf(NotExecutedError);
  });

  it("is forgotten when the client said that it needs it no more", async () => {
    const all = cluster();
    const handles: CallHandle[] = [];
    await all.settled(put(all, { onHandle: (handle) => void handles.push(handle) }));
    await all.settled(put(all));
    const [handle] = handles;
    if (handle === undefined) throw new Error("no handle");
    expect(await failure(all.settled(all.client.outcome(handle)))).toBeInstanceOf(OutcomeForgottenError);
  });

  it("is not asked for of another client's call", async () => {
    const all = cluster([SILENT, SILENT, SILENT, SILENT]);
    const handle = await lostCall(all);
    expect(await failure(all.client.outcome({ ...handle, client: new Uint8Array(32) }))).toBeInstanceOf(TypeError);
    expect(await failure(all.client.outcome({ ...handle, cluster: new Uint8Array(32) }))).toBeInstanceOf(TypeError);
  });

  it("is asked for with what was kept before anything was sent", async () => {
    const all = cluster();
    const seen: number[] = [];
    await all.settled(
      put(all, {
        onHandle: async () => {
          await Promise.resolve();
          seen.push(all.submitted.length);
        },
      }),
    );
    expect(seen).toEqual([0]);
  });

  it.each([
    ["nothing", "{}"],
    ["another format", '{"format":"abcast-receipt/1"}'],
    ["a number beyond", JSON.stringify({ ...handleText(), number: 0 })],
    ["too much acknowledged", JSON.stringify({ ...handleText(), acknowledged: 1 })],
    ["a short digest", JSON.stringify({ ...handleText(), digest: "00" })],
    ["no JSON", "x"],
  ])("is not asked for with a handle of %s", (_, text) => {
    expect(() => handleFromJSON(text)).toThrow(SyntaxError);
    expect(handleFromJSON(JSON.stringify(handleText())).number).toBe(1);
  });
});

function handleText() {
  return {
    format: "abcast-call/1",
    cluster: "00".repeat(32),
    client: "00".repeat(32),
    session: { opened: 1, nonce: "00".repeat(8) },
    number: 1,
    acknowledged: 0,
    digest: "00".repeat(32),
  };
}

/** Sends bad shares, and proofs that prove nothing. */
const BAD_SHARES: Behaviour = {
  say: (reply, party) => [
    reply.kind === "share" ? { ...reply, share: sharer(party).share(utf8("another statement")) } : reply,
  ],
};

describe("notarize", () => {
  const notarize = (some: FakeCluster) => some.client.notarize(DIGEST, TIMEOUT_MS);

  async function expectReceipt(some: FakeCluster) {
    const notarized = await some.settled(notarize(some));
    const { receipt } = notarized;
    expect(receipt).toMatchObject({ sequence: 1, round: 1, digest: { value: toHex(DIGEST) } });
    expect(checkStatement(receipt)).toEqual({ valid: true });
    expect(fromUtf8(receipt.statement)).toMatch(/^abcast-receipt\/1\n/);
    expect(isSigned(receipt.statement, receipt.signature)).toBe(true);
    return notarized;
  }

  it("makes a receipt of the parties' shares", async () => {
    const all = cluster();
    expect((await expectReceipt(all)).faulty).toEqual([]);
    expect(all.heard).toEqual(Array.from({ length: N }, () => ["hello", "submit"]));
  });

  it.each<[string, Behaviour | undefined]>([["that sends bad shares", BAD_SHARES], ...LIES])(
    "gets by with a party %s, whichever it is",
    async (_, behaviour) => {
      for (let party = 0; party < N; party++) await expectReceipt(cluster(at(party, behaviour)));
    },
  );

  it("names the party whose share was bad", async () => {
    const some = cluster([BAD_SHARES, HONEST, SILENT, SILENT]);
    const notarized = notarize(some);
    await some.rest();
    // Enough for a try, not for a receipt; the proofs are in.
    some.become(2, HONEST);
    const { faulty } = await some.settled(notarized);
    expect(faulty).toEqual([0]);
    expect(some.heard[0]).toEqual(["hello", "submit", "submit"]);
  });

  it("asks a party for a proof once, though it answers without one", async () => {
    // Bounded, so that a client that plays along fails the test and does not hang it.
    let answers = 0;
    const stubborn: Behaviour = {
      say: (reply, party) => {
        if (reply.kind !== "share") return [reply];
        return ++answers > 100 ? [] : [{ ...reply, share: sharer(party).share(utf8("x")), proof: new Uint8Array() }];
      },
    };
    const some = cluster([stubborn, HONEST, SILENT, SILENT]);
    const notarized = notarize(some);
    await some.rest();
    expect(some.heard[0]).toEqual(["hello", "submit", "submit"]);
    some.client.close();
    expect(await failure(notarized)).toBeInstanceOf(ClientClosedError);
  });
});

describe("the receipt of a document that was notarised before", () => {
  it("is the one that its client got, whoever lies meanwhile, and has one of each of several", async () => {
    for (const [name, behaviour] of [["that sends bad shares", BAD_SHARES] as const, ...LIES]) {
      const all = cluster();
      const { receipt } = await all.settled(all.client.notarize(DIGEST, TIMEOUT_MS));
      all.become(1, behaviour);
      const again = await all.settled(all.client.receipt({ sequence: 1 }, TIMEOUT_MS));
      expect(again.receipt, name).toEqual(receipt);
    }
    const all = cluster();
    const others = ["a", "b"].map((text) => sha256(utf8(text)));
    await all.settled(all.client.notarizeAll(others, TIMEOUT_MS));
    const { receipt } = await all.settled(all.client.receipt({ sequence: 1, index: 1 }, TIMEOUT_MS));
    expect(receipt).toMatchObject({
      format: "abcast-receipt/1",
      sequence: 1,
      digest: { value: toHex(others[1] ?? DIGEST) },
    });
    expect(isSigned(receipt.statement, receipt.signature)).toBe(true);
  });

  it("is refused when there is no such document", async () => {
    const all = cluster();
    await all.settled(put(all));
    for (const place of [{ sequence: 1 }, { sequence: 2 }])
      expect(await failure(all.settled(all.client.receipt(place, TIMEOUT_MS)))).toBeInstanceOf(RefusedError);
    all.client.close();
    expect(await failure(all.client.receipt({ sequence: 1 }, TIMEOUT_MS))).toBeInstanceOf(ClientClosedError);
  });
});

describe("status", () => {
  it("is each party's own word, or what is wrong with it", async () => {
    const garbage: Behaviour = { say: (reply) => (reply.kind === "welcome" ? [reply] : [Uint8Array.of(99, 1)]) };
    const some = cluster([HONEST, SILENT, undefined, garbage]);
    const status = some.client.status(5000);
    some.settle();
    vi.advanceTimersByTime(5000);
    const states = await status;
    expect(states.get(0)).toMatchObject({ state: "active", sequence: 0 });
    expect(states.get(1)).toBe("connected, but has not answered");
    expect(states.get(2)).toBe("connection refused");
    expect(states.get(3)).toMatch(/malformed frame/);
  });

  it("returns when all have answered, and its time-out does not end the next one", async () => {
    const all = cluster();
    const first = all.client.status(5000);
    all.settle();
    expect((await first).size).toBe(N);
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(4999);
    const second = all.client.status(5000);
    vi.advanceTimersByTime(1000);
    all.settle();
    for (const state of (await second).values()) expect(state).toMatchObject({ state: "active" });
  });

  it("does not take one party's many answers for many parties' answers", async () => {
    const talkative: Behaviour = {
      say: (reply) => (reply.kind === "state" ? Array.from({ length: 5 }, () => reply) : [reply]),
    };
    const some = cluster([talkative, SILENT, SILENT, SILENT]);
    const status = some.client.status(1000);
    some.settle();
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(1000);
    expect([...(await status).values()].filter((state) => typeof state !== "string")).toHaveLength(1);
  });
});

describe("a party that welcomes again and again", () => {
  it("gets nothing again for it", async () => {
    const some = cluster([SILENT, SILENT, SILENT, SILENT]);
    const call = put(some);
    await some.rest();
    for (let time = 0; time < 10; time++) some.say(0, { kind: "welcome", state: "active", round: 0, sequence: 0 });
    expect(some.heard[0]).toEqual(["hello", "submit"]);
    some.client.close();
    await failure(call);
  });
});

describe("close", () => {
  it("ends what is waited for, timers and connections", async () => {
    const some = cluster([HONEST, SILENT, SILENT, SILENT]);
    const [call, query, status] = [put(some), some.client.query("kv", utf8("?")), some.client.status(1000)];
    const waiting = Array.from({ length: 300 }, () => put(some));
    for (const each of [call, query, ...waiting]) each.catch(() => undefined);
    await some.rest();
    some.client.close();
    for (const each of [call, query, ...waiting]) expect(await failure(each)).toBeInstanceOf(ClientClosedError);
    expect((await status).size).toBe(N);
    expect(vi.getTimerCount()).toBe(0);
    expect(some.closed).toEqual(some.dialled);
    expect(await failure(put(some))).toBeInstanceOf(ClientClosedError);
    expect(await failure(some.client.query("kv", utf8("?")))).toBeInstanceOf(ClientClosedError);
  });
});
