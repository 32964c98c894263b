import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { fromUtf8, toHex, utf8 } from "../../src/core/bytes.js";
import { plainSha256Twice } from "../../src/crypto/hashing.js";
import { ClusterUnreachableError, openCounter, RefusedError } from "../../src/client/index.js";
import {
  chunkTree,
  encodeSummary,
  proveChunk,
  summarize,
  summaryDigest,
} from "../../src/replica/checkpoint-summary.js";
import { Machine } from "../../src/replica/machine/index.js";
import { createKv, encodeKvAnswer, encodeKvOperation } from "../../src/services/kv/index.js";
import type { ProofFrame, ReplyFrame } from "../../src/wire/client-frames.js";
import {
  type Behaviour,
  certify,
  checkpointBytes,
  CLUSTER,
  FakeCluster,
  HONEST,
  N,
  refusing,
  SILENT,
} from "./fake-cluster.js";
import { sha256 } from "./receipt-parties.js";

// Time passes when a test says so.
beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
afterEach(() => void vi.useRealTimers());

const ALL_HONEST = [HONEST, HONEST, HONEST, HONEST];
const at = (party: number, behaviour: Behaviour | undefined) =>
  ALL_HONEST.map((honest, index) => (index === party ? behaviour : honest));

async function failure(promise: Promise<unknown>): Promise<Error> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof Error)) throw new Error("it did not fail");
  return error;
}

/** Settles while time passes. */
async function passing<T>(some: FakeCluster, promise: Promise<T>, stepMs = 250, steps = 60): Promise<T> {
  promise.catch(() => undefined);
  const wait = { isOver: false };
  const over = (): void => void (wait.isOver = true);
  promise.then(over, over);
  for (let step = 0; step < steps && !wait.isOver; step++) {
    await some.rest();
    if (!wait.isOver) vi.advanceTimersByTime(stepMs);
  }
  return promise;
}

/** A cluster in which a key was written before the parties behave as they will. */
async function written(behaviours: readonly (Behaviour | undefined)[], takesCheckpoint = true): Promise<FakeCluster> {
  const some = new FakeCluster(ALL_HONEST);
  await some.settled(some.client.kv.put("k", "v"));
  if (takesCheckpoint) some.takeCheckpoint();
  for (const [party, behaviour] of behaviours.entries()) if (behaviour !== HONEST) some.become(party, behaviour);
  some.settle();
  return some;
}

const onProof = (change: (proof: ProofFrame) => ReplyFrame): Behaviour => ({
  say: (reply) => [reply.kind === "proof" ? change(reply) : reply],
});

/** A proof of another value, certified by whoever can be had. */
function forged({ id }: ProofFrame, certificateOf: (statement: Uint8Array) => Uint8Array): ProofFrame {
  const machine = new Machine({
    cluster: CLUSTER,
    services: [createKv()],
    hash: sha256,
    hashTwice: plainSha256Twice,
    isClient: () => true,
    verifyClient: () => true,
    verifyParty: () => false,
  });
  const chunks = machine.snapshot();
  const hashes = chunks.map(sha256);
  const summary = encodeSummary(summarize({ ...machine.tip, round: 9, sequence: 9 }, chunkTree(hashes, sha256)));
  const index = chunks.length - 1;
  return {
    kind: "proof",
    id,
    summary,
    certificate: certificateOf(checkpointBytes(9, summaryDigest(summary, sha256))),
    index,
    chunk: chunks[index] ?? new Uint8Array(),
    path: proveChunk(hashes, index, sha256),
  };
}

const FORGERIES: [string, Behaviour | undefined][] = [
  ["certified by t", onProof((proof) => forged(proof, (statement) => certify(statement, [0])))],
  ["certified by another cluster", onProof((proof) => forged(proof, (statement) => certify(statement, [0, 1, 2], 40)))],
  ["with the certificate of another state", onProof((proof) => forged(proof, () => proof.certificate))],
  [
    "with a chunk that is not in it",
    onProof((proof) => ({ ...proof, chunk: forged(proof, () => proof.certificate).chunk })),
  ],
  ["with a chunk from elsewhere in it", onProof((proof) => ({ ...proof, index: 0 }))],
  ["with a wrong path", onProof((proof) => ({ ...proof, path: proof.path.map(() => new Uint8Array(32)) }))],
  ["with a path too short", onProof((proof) => ({ ...proof, path: proof.path.slice(1) }))],
  ["without a summary", onProof((proof) => ({ ...proof, summary: new Uint8Array() }))],
  ["for another query", onProof((proof) => ({ ...proof, id: new Uint8Array(32) }))],
];

const EVASIONS: [string, Behaviour | undefined][] = [
  ["that refuses", refusing("no-proof", "none")],
  ["that is busy for ever", refusing("busy", "full", 100)],
  ["that is silent", SILENT],
  ["that is not there", undefined],
];

describe("any: a read that proves itself", () => {
  it("is of the certified state, also of what is not there", async () => {
    const all = await written(ALL_HONEST);
    // Later than the checkpoint.
    await all.settled(all.client.kv.put("k", "w"));
    const read = await all.settled(all.client.kv.get("k", { consistency: "any" }));
    expect(read).toMatchObject({ found: true, version: 1, sequence: 1, round: 1, faulty: [] });
    expect(read.found && fromUtf8(read.value)).toBe("v");
    expect(await all.settled(all.client.kv.get("none", { consistency: "any" }))).toMatchObject({
      found: false,
      sequence: 1,
    });
    expect((await all.settled(openCounter(all.client).read({ consistency: "any" }))).total).toBe(0);
    expect(all.heard.flat().filter((kind) => kind === "query")).toHaveLength(3);
  });

  it.each([...FORGERIES, ...EVASIONS])("is not misled by a proof, or a party, %s", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      const some = await written(at(party, behaviour));
      // Each is asked first once.
      for (let read = 0; read < N; read++) {
        const { sequence, ...answer } = await passing(some, some.client.kv.get("k", { consistency: "any" }));
        expect(answer).toMatchObject({ found: true, version: 1 });
        expect(sequence).toBe(1);
      }
    }
  });

  it.each(FORGERIES.slice(0, -1))(
    "names who sent a proof %s, and believes it not if there is no other",
    async (_, behaviour) => {
      const some = await written([behaviour, HONEST, undefined, undefined]);
      const faulty: number[] = [];
      for (let read = 0; read < N; read++) {
        faulty.push(...(await passing(some, some.client.kv.get("k", { consistency: "any" }))).faulty);
      }
      expect(new Set(faulty)).toEqual(new Set([0]));
      some.become(1, undefined);
      const alone = passing(some, some.client.kv.get("k", { consistency: "any", timeoutMs: 3000 }));
      expect(await failure(alone)).toBeInstanceOf(ClusterUnreachableError);
    },
  );

  it("is refused where there is no checkpoint yet", async () => {
    const some = await written(ALL_HONEST, false);
    expect(await failure(some.settled(some.client.kv.get("k", { consistency: "any" })))).toBeInstanceOf(RefusedError);
  });

  it("is never of an earlier state than one before it, nor than was asked for", async () => {
    const some = await written(ALL_HONEST);
    const old = some.parties.map(({ checkpoint }) => checkpoint);
    await some.settled(some.client.kv.put("k", "w"));
    some.takeCheckpoint();
    const read = await some.settled(some.client.kv.get("k", { consistency: "any" }));
    expect(read).toMatchObject({ found: true, version: 2, sequence: 2 });
    for (const [index, party] of some.parties.entries()) party.checkpoint = old[index];
    const stale = passing(some, some.client.kv.get("k", { consistency: "any", timeoutMs: 3000 }));
    expect(await failure(stale)).toBeInstanceOf(ClusterUnreachableError);
    expect(await some.settled(some.client.kv.get("k", { consistency: "any", minSequence: 1 }))).toMatchObject({
      version: 1,
    });
  });
});

const WRONG_ANSWERS: [string, Behaviour | undefined][] = [
  [
    "another value",
    {
      say: (reply) => [
        reply.kind === "answer"
          ? { ...reply, answer: encodeKvAnswer({ kind: "present", version: 1, value: utf8("lie") }) }
          : reply,
      ],
    },
  ],
  [
    "nothing there",
    { say: (reply) => [reply.kind === "answer" ? { ...reply, answer: encodeKvAnswer({ kind: "absent" }) } : reply] },
  ],
  [
    "the right one from the end of time",
    { say: (reply) => [reply.kind === "answer" ? { ...reply, sequence: Number.MAX_SAFE_INTEGER } : reply] },
  ],
  ["the right one from before", { say: (reply) => [reply.kind === "answer" ? { ...reply, sequence: 0 } : reply] }],
  ["nothing", SILENT],
  ["by its absence", undefined],
  ["busy for ever", refusing("busy", "full", 50)],
  ["no", refusing("unknown-service", "no")],
];

describe.each(["quorum", "ordered"] as const)("%s: a read of the present state", (consistency) => {
  it("is what the last write wrote", async () => {
    const all = await written(ALL_HONEST);
    await all.settled(all.client.kv.put("k", "w"));
    expect(await all.settled(all.client.kv.get("k", { consistency }))).toMatchObject({ found: true, version: 2 });
    expect((await all.settled(openCounter(all.client).read({ consistency }))).total).toBe(0);
  });

  it.each(WRONG_ANSWERS)("gets by with one that answers %s, whichever it is", async (_, behaviour) => {
    for (let party = 0; party < N; party++) {
      const some = await written(at(party, behaviour));
      expect(await passing(some, some.client.kv.get("k", { consistency }))).toMatchObject({ found: true, version: 1 });
      expect((await passing(some, openCounter(some.client).read({ consistency }))).total).toBe(0);
    }
  });

  it("waits for a replica that is behind", async () => {
    const some = await written([HONEST, HONEST, { isBehind: true }, SILENT]);
    const written2 = some.client.call("kv", KV_PUT, { acknowledgements: "honest" });
    await some.settled(written2);
    const read = some.client.kv.get("k", { consistency, timeoutMs: 60_000 });
    let isOver = false;
    read.then(
      () => (isOver = true),
      () => undefined,
    );
    for (let time = 0; time < 5; time++) {
      await some.rest();
      vi.advanceTimersByTime(500);
    }
    // An ordered read is content with an honest party.
    expect(isOver).toBe(consistency === "ordered");
    some.become(2, HONEST);
    expect(await passing(some, read)).toMatchObject({ found: true, version: 2 });
  });
});

const KV_PUT = encodeKvOperation({
  kind: "put",
  key: utf8("k"),
  condition: { kind: "none" },
  value: utf8("w"),
});

describe("quorum", () => {
  /** Answers as if it were after so many payloads, with this value. */
  const answering = (sequence: number, value: string): Behaviour => ({
    say: (reply) => [
      reply.kind === "answer"
        ? { ...reply, sequence, answer: encodeKvAnswer({ kind: "present", version: 1, value: utf8(value) }) }
        : reply,
    ],
  });

  it("returns an answer only when a quorum has reached the position that it may be from", async () => {
    // All say the same, one from later: whoever read now from the others might read what was before.
    const some = await written([answering(5, "v"), answering(3, "v"), answering(3, "v"), SILENT]);
    const read = some.client.kv.get("k");
    let isOver = false;
    read.then(
      () => (isOver = true),
      () => undefined,
    );
    for (let time = 0; time < 5; time++) {
      await some.rest();
      vi.advanceTimersByTime(500);
    }
    expect(isOver).toBe(false);
    // They get there, though what they have there is something else.
    for (const party of [1, 2]) some.change(party, answering(5, "later"));
    expect(await passing(some, read)).toMatchObject({ found: true, sequence: 3 });
  });

  it("asks again while they do not agree", async () => {
    const some = await written([answering(2, "v"), answering(2, "v"), answering(3, "w"), SILENT]);
    const read = some.client.kv.get("k");
    await some.rest();
    vi.advanceTimersByTime(20);
    await some.rest();
    for (const party of [0, 1]) some.change(party, answering(3, "w"));
    const answer = await passing(some, read);
    expect(answer.found && fromUtf8(answer.value)).toBe("w");
  });

  it("is not answered from an earlier state than before", async () => {
    const some = await written(ALL_HONEST);
    await some.settled(some.client.kv.put("k", "w"));
    await some.settled(some.client.kv.get("k"));
    const back = (await written(ALL_HONEST)).parties;
    expect(back[0]?.machine.tip.sequence).toBe(1);
    for (let party = 0; party < N; party++) some.change(party, answering(1, "v"));
    const read = passing(some, some.client.kv.get("k", { timeoutMs: 2000 }));
    expect(await failure(read)).toBeInstanceOf(ClusterUnreachableError);
  });
});

describe("the key-value service", () => {
  it("writes on conditions", async () => {
    const all = new FakeCluster(ALL_HONEST);
    const { kv } = all.client;
    expect(await all.settled(kv.cas("k", { absent: true }, "a"))).toMatchObject({ ok: true, version: 1 });
    expect(await all.settled(kv.cas("k", { absent: true }, "b"))).toMatchObject({ ok: false, current: { version: 1 } });
    expect(await all.settled(kv.cas("k", { version: 1 }, "c"))).toMatchObject({ ok: true, version: 3 });
    expect(await all.settled(kv.cas("k", { value: "a" }, "d"))).toMatchObject({ ok: false, current: { version: 3 } });
    expect(await all.settled(kv.cas("k", { value: "c" }, "d"))).toMatchObject({ ok: true, version: 5 });
    expect(await all.settled(kv.delete("k", { expected: { version: 1 } }))).toMatchObject({ ok: false });
    expect(await all.settled(kv.delete("k"))).toMatchObject({ ok: true, found: true });
    expect(await all.settled(kv.delete("k"))).toMatchObject({ ok: true, found: false });
    expect(await all.settled(kv.get("k", { consistency: "ordered" }))).toMatchObject({ found: false, sequence: 9 });
    expect(new Set(all.submitted.map(toHex)).size).toBe(9);
  });

  it("counts, too", async () => {
    const all = new FakeCluster(ALL_HONEST);
    const counter = openCounter(all.client);
    expect(await all.settled(counter.add(40))).toMatchObject({ ok: true, total: 40 });
    expect(await all.settled(counter.add(2))).toMatchObject({ ok: true, total: 42, sequence: 2 });
  });
});
