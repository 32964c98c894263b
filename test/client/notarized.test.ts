/** What a client has notarised is what it asked for, whoever signs; and it finds the receipt of what is known, whoever denies it. */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { toHex, utf8 } from "../../src/core/bytes.js";
import { CallAbortedError, ClientClosedError, ClusterUnreachableError } from "../../src/client/index.js";
import {
  createNotaryService,
  decodeStatement,
  encodeStatement,
  type ReceiptStatement,
} from "../../src/services/notary/index.js";
import { checkStatement } from "../../src/verify/index.js";
import type { ClientFrame } from "../../src/wire/client-frames.js";
import { decodeReplies, encodeReplies } from "../../src/wire/replies.js";
import { type Behaviour, CLUSTER, FakeCluster, HONEST, idOf, N, refusal, refusing, SILENT } from "./fake-cluster.js";
import { isSigned, sha256, sharer } from "./receipt-parties.js";

// Time passes when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const DIGEST = sha256(utf8("a document"));
const OTHER = sha256(utf8("another document"));
const TIMEOUT_MS = 30_000;
const NOTARY = createNotaryService({ cluster: CLUSTER, hash: sha256 });

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

type Change = (said: ReceiptStatement) => ReceiptStatement;

function changed(statement: Uint8Array, change: Change): Uint8Array {
  const said = decodeStatement(statement);
  if (!said.ok) throw new Error(said.error);
  return encodeStatement(change(said.value));
}

/** Signs another statement than was ordered. Two of four can: more than may be corrupted. */
function signing(change: Change): Behaviour {
  return {
    say: (reply, party) => {
      if (reply.kind !== "share" || reply.reply === undefined) return [reply];
      const statement = changed(reply.reply, change);
      return [{ ...reply, reply: statement, share: sharer(party).share(statement) }];
    },
  };
}

/** The same of documents that share a signature. */
function signingTogether(change: Change): Behaviour {
  return {
    say: (reply, party) => {
      if (reply.kind !== "share" || reply.reply === undefined) return [reply];
      const replies = decodeReplies(reply.reply);
      if (!replies.ok) throw new Error(replies.error);
      const statements = replies.value.map((statement) => changed(statement, change));
      const head = NOTARY.shared?.statement(statements, reply.attachment);
      if (head === undefined) throw new Error("no head");
      return [{ ...reply, reply: encodeReplies(statements), share: sharer(party).share(head) }];
    },
  };
}

const ELSE: [string, Change][] = [
  ["cluster", (said) => ({ ...said, cluster: new Uint8Array(32) })],
  ["number", (said) => ({ ...said, sequence: said.sequence + 1 })],
  ["round", (said) => ({ ...said, round: said.round + 1 })],
  ["document", (said) => ({ ...said, digest: { algorithm: "sha256", value: OTHER } })],
  ["client", (said) => ({ ...said, client: new Uint8Array(32) })],
];

describe("what is notarised", () => {
  it("has the round's time", async () => {
    const all = new FakeCluster([HONEST, HONEST, HONEST, HONEST]);
    const { receipt } = await all.settled(all.client.notarize(DIGEST, TIMEOUT_MS));
    expect(receipt).toMatchObject({ round: 1, time: 1000 });
    const again = await all.settled(all.client.receipt({ sequence: 1 }, TIMEOUT_MS));
    expect(again.receipt).toEqual(receipt);
  });

  it.each(ELSE)("is not another %s than was asked for, though it is signed", async (_, change) => {
    const one = new FakeCluster([signing(change), signing(change), SILENT, SILENT]);
    expect((await failure(one.settled(one.client.notarize(DIGEST, TIMEOUT_MS)))).message).toContain(
      "signed another statement than was asked for",
    );
    const several = new FakeCluster([signingTogether(change), signingTogether(change), SILENT, SILENT]);
    const asked = several.client.notarizeAll([DIGEST, sha256(DIGEST)], TIMEOUT_MS, { fanout: "all" });
    expect((await failure(several.settled(asked))).message).toContain("signed another statement than was asked for");
  });

  it("has the time that was signed: that is the group's to say", async () => {
    const later: Change = (said) => ({ ...said, timeMs: 2000 });
    const one = new FakeCluster([signing(later), signing(later), SILENT, SILENT]);
    expect((await one.settled(one.client.notarize(DIGEST, TIMEOUT_MS))).receipt.time).toBe(2000);
    const none: Change = (said) => ({ ...said, timeMs: undefined });
    const timeless = new FakeCluster([signingTogether(none), signingTogether(none), SILENT, SILENT]);
    const asked = timeless.client.notarizeAll([DIGEST, OTHER], TIMEOUT_MS, { fanout: "all" });
    const { receipts } = await timeless.settled(asked);
    for (const receipt of receipts) {
      expect(receipt.time).toBeNull();
      expect(checkStatement(receipt)).toEqual({ valid: true });
    }
  });
});

/** Says this of where the document is. */
function placing(sequence: number, index = 0): Behaviour {
  return { hear: (frame) => (frame.kind === "find" ? [{ kind: "found", id: frame.id, sequence, index }] : undefined) };
}

function refusingTo(kind: ClientFrame["kind"]): Behaviour {
  return { hear: (frame) => (frame.kind === kind ? [refusal(idOf(frame), "no-document", "no")] : undefined) };
}

const LIARS: [string, Behaviour | undefined][] = [
  ["that says another number", placing(1)],
  ["that says another place in the number", placing(2, 7)],
  ["that denies it", refusingTo("find")],
  ["that has its payload no more", refusingTo("document")],
  [
    "that sends bad shares",
    {
      say: (reply, party) => [
        reply.kind === "share" ? { ...reply, share: sharer(party).share(utf8("another statement")) } : reply,
      ],
    },
  ],
  ["that sends garbage", { say: (reply) => (reply.kind === "welcome" ? [reply] : [Uint8Array.of(99, 1, 2)]) }],
  ["that is busy for ever", refusing("busy", "full", 1)],
  ["that says nothing", SILENT],
  ["that cannot be reached", undefined],
];

/** The other document is number 1, the document number 2, and again number 3. */
async function grown(): Promise<FakeCluster> {
  const all = new FakeCluster([HONEST, HONEST, HONEST, HONEST]);
  for (const digest of [OTHER, DIGEST, DIGEST]) await all.settled(all.client.notarize(digest, TIMEOUT_MS));
  return all;
}

const find = (of: FakeCluster, digest = DIGEST) => of.client.findReceipt(digest, TIMEOUT_MS);

describe("the receipt of a document that is known", () => {
  it.each(LIARS)("is found with a party %s, whichever it is: that of the first entry", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      const all = await grown();
      all.become(party, behaviour);
      const found = await all.settled(find(all));
      expect(found?.receipt).toMatchObject({ sequence: 2, time: 2000, digest: { value: toHex(DIGEST) } });
      expect(isSigned(found?.receipt.statement ?? DIGEST, found?.receipt.signature ?? DIGEST)).toBe(true);
    }
  });

  it("is at no place of which each replica says another part", async () => {
    const all = await grown();
    // They answer in this order.
    all.become(0, placing(2, 7));
    for (const party of [2, 3]) all.become(party, refusingTo("find"));
    expect(await all.settled(find(all))).toBeUndefined();
    expect(all.heard.flat()).not.toContain("document");
  });

  it("is that of one of several, too", async () => {
    const all = new FakeCluster([HONEST, HONEST, HONEST, HONEST]);
    await all.settled(all.client.notarizeAll([OTHER, DIGEST], TIMEOUT_MS));
    expect((await all.settled(find(all)))?.receipt).toMatchObject({ format: "abcast-receipt/1", sequence: 1 });
  });

  it("is none when it is not known, and nothing is ordered for that", async () => {
    const all = await grown();
    const before = all.submitted.length;
    expect(await all.settled(find(all, sha256(DIGEST)))).toBeUndefined();
    for (const liar of [placing(2), SILENT, undefined]) {
      all.become(0, liar);
      expect(await all.settled(find(all, sha256(DIGEST)))).toBeUndefined();
    }
    expect(all.submitted.length).toBe(before);
    // One party's word leads to no question.
    expect(all.heard.flat()).not.toContain("document");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is none when only one party knows it, or too few keep its payload", async () => {
    const few = await grown();
    for (const party of [0, 1, 2]) few.become(party, refusingTo("find"));
    expect(await few.settled(find(few))).toBeUndefined();
    const pruned = await grown();
    for (const party of [0, 1, 2]) pruned.become(party, refusingTo("document"));
    expect(await pruned.settled(find(pruned))).toBeUndefined();
  });

  it.each<[string, Change]>([
    ["document", (said) => ({ ...said, digest: { algorithm: "sha256", value: OTHER } })],
    ["cluster", (said) => ({ ...said, cluster: new Uint8Array(32) })],
  ])("is not that of another %s, though it is signed", async (_, change) => {
    const all = await grown();
    for (const party of [0, 1]) all.become(party, signing(change));
    for (const party of [2, 3]) all.become(party, refusingTo("document"));
    expect(await all.settled(find(all))).toBeUndefined();
  });

  it("waits for a quorum, and no longer than it may", async () => {
    const all = await grown();
    for (const party of [0, 1, 2]) all.become(party, SILENT);
    const unanswered = find(all);
    await all.rest();
    vi.advanceTimersByTime(TIMEOUT_MS);
    expect(await failure(unanswered)).toBeInstanceOf(ClusterUnreachableError);
    const controller = new AbortController();
    const aborted = all.client.findReceipt(DIGEST, TIMEOUT_MS, { signal: controller.signal });
    controller.abort();
    expect(await failure(aborted)).toBeInstanceOf(CallAbortedError);
    all.client.close();
    expect(await failure(find(all))).toBeInstanceOf(ClientClosedError);
  });
});
