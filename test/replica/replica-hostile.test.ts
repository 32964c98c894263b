/** Party 3 is ours: it greets properly and then sends whatever we like. */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import { mockRelayKeys } from "../../src/sim/mock-relay-keys.js";
import { Random } from "../../src/sim/random.js";
import {
  PEER_PROTOCOL_VERSION,
  type PeerFrame,
  peerFrameCodec,
  relayStatementCodec,
} from "../../src/wire/peer-frames.js";
import type { MemoryPair } from "../support/memory-connection.js";
import { encodePayload, rejoinStatement } from "../../src/wire/payload.js";
import { AGREED, CHANNEL, CLUSTER, rejoinSignature, TestCluster, type TestClusterOptions } from "./test-cluster.js";

const HONEST = [0, 1, 2];
const HOSTILE = 3;

/** A cluster of three honest replicas, and connections from party 3 to each. */
async function besieged(
  options: TestClusterOptions = {},
): Promise<{ cluster: TestCluster; pairs: readonly MemoryPair[] }> {
  const cluster = new TestCluster(options);
  for (const party of HONEST) await cluster.start(party);
  const pairs = HONEST.map((party) => cluster.pairOf(HOSTILE, party));
  for (const pair of pairs) {
    pair.left.start({ onFrame: () => undefined, onWritable: () => undefined, onClose: () => undefined });
    say(pair, { kind: "hello", version: PEER_PROTOCOL_VERSION, cluster: CLUSTER, run: 1 });
  }
  return { cluster, pairs };
}

function say(pair: MemoryPair, ...frames: readonly PeerFrame[]): void {
  for (const frame of frames) pair.left.send(encode(peerFrameCodec, frame));
  pair.settle();
}

function messages(envelopes: readonly Envelope[]): PeerFrame[] {
  return envelopes.map((envelope, index) => ({ kind: "message", number: index + 1, after: 0, envelope }));
}

const TAGS = [
  "abc",
  "xyz",
  "xyz/1",
  "abc/0",
  "abc/1",
  "abc/2",
  "abc/9007199254740993",
  "abc/one",
  "abc/1/mvba",
  "abc/1/mvba/aba/1/0",
  "abc/1/mvba/aba/1/9",
  "abc/1/mvba/proposal/3",
  "abc/1/mvba/proposal/0",
  "abc/1/mvba/nothing",
  "abc/2/mvba/aba/1/1",
  "abc/50/mvba",
];

describe("a batch that nobody asked for", () => {
  it("does not come into the log", async () => {
    const { cluster, pairs } = await besieged();
    const name = { channel: CHANNEL, lane: 1, height: 1, digest: new Uint8Array(32) };
    const bytes = new Uint8Array(1000).fill(7);
    for (const pair of pairs)
      for (const number of [1, 2, 3]) say(pair, { kind: "batch", number, after: number - 1, ...name, bytes });
    cluster.submit(0, "a");
    await cluster.run(() => cluster.hasDelivered(1));
    expect(cluster.agreement()).toEqual(AGREED);
    for (const { inputs } of cluster.disks)
      expect(
        inputs.filter((input) => input.length > 1000 && input.subarray(-1000).every((byte) => byte === 7)),
      ).toEqual([]);
  });
});

describe("garbage of one peer", () => {
  it("stops nothing and accuses only that peer", async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const { cluster, pairs } = await besieged();
      const random = new Random(seed);
      const garbage = Array.from({ length: 60 }, () => ({
        tag: random.pick(TAGS),
        body: random.bytes(random.below(80)),
      }));
      for (const party of HONEST) cluster.submit(party, "a", `b${party}`);
      for (const pair of pairs) say(pair, ...messages(garbage));
      await cluster.run(() => cluster.hasDelivered(4));
      const { accusations, ...rest } = cluster.agreement();
      expect({ ...rest, accusations: [] }).toEqual(AGREED);
      expect(accusations.length).toBeGreaterThanOrEqual(HONEST.length);
      for (const accusation of accusations) expect(accusation).toMatch(/^[012]:3:/);
    }
  });

  it.each(TAGS.filter((tag) => tag.startsWith("abc")))("under %s is survived, also by a replay", async (tag) => {
    const { cluster, pairs } = await besieged();
    for (const pair of pairs) {
      say(
        pair,
        ...messages([
          { tag, body: new Uint8Array(0) },
          { tag, body: new Uint8Array(200).fill(255) },
          { tag, body: utf8("x") },
        ]),
      );
    }
    cluster.submit(0, "a");
    await cluster.run(() => cluster.hasDelivered(1));
    // What was sent is counted per process.
    const logAndAccusations = (): unknown => ({ ...cluster.get(1).replica.state, sentFrames: 0, sentBytes: 0 });
    const before = logAndAccusations();
    cluster.crash(1);
    await cluster.start(1);
    expect(logAndAccusations()).toEqual(before);
    cluster.submit(1, "b");
    await cluster.run(() => cluster.hasDelivered(2));
    expect(cluster.agreement().accusations.filter((accusation) => !/^[012]:3:/.test(accusation))).toEqual([]);
  });

  it("in a relayed frame that nobody signed ends the connection", async () => {
    const { cluster, pairs } = await besieged();
    const [pair] = pairs;
    if (pair === undefined) throw new Error("a pair is due");
    const name = { origin: 1, to: 2, run: 1, number: 1 };
    say(pair, { kind: "relay", ...name, sealed: new Uint8Array(90), signature: new Uint8Array(64) });
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    expect(cluster.agreement().accusations).toEqual(["0:3:forged-relay"]);
    expect(pair.right.isClosed).toBe(true);
  });

  it("in a relayed frame that a peer signed accuses that peer, and not who handed it on", async () => {
    const { cluster, pairs } = await besieged();
    const [pair] = pairs;
    if (pair === undefined) throw new Error("a pair is due");
    const name = { origin: 1, to: 0, run: 9, number: 1 };
    const keys = mockRelayKeys(1, 1);
    const sealed = keys.seal(0, utf8("no header"));
    const signature = keys.sign(encode(relayStatementCodec, { header: { cluster: CLUSTER, ...name }, sealed }));
    say(pair, { kind: "relay", ...name, sealed, signature });
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    expect(cluster.agreement().accusations).toEqual(["0:1:malformed-relay"]);
    expect(pair.right.isClosed).toBe(false);
  });

  it("that is a proof of nothing decides nothing", async () => {
    const { cluster, pairs } = await besieged();
    const proof: PeerFrame = {
      kind: "message",
      number: 1,
      after: 0,
      envelope: { tag: "abc/1/mvba/aba/1/0", body: new Uint8Array(100) },
    };
    for (const pair of pairs) say(pair, proof, { ...proof, number: 2 });
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    expect(HONEST.map((party) => cluster.get(party).replica.state.round)).toEqual([0, 0, 0]);
    expect(cluster.agreement().accusations).toEqual(HONEST.map((party) => `${party}:3:malformed-message`));
  });

  it("under stale tags is not written to the log", async () => {
    const { cluster, pairs } = await besieged();
    cluster.submit(0, "a", "b", "c");
    await cluster.run(() => cluster.hasDelivered(3));
    const before = HONEST.map((party) => cluster.disk(party).inputs.length);
    for (const pair of pairs)
      say(pair, ...messages(Array.from({ length: 50 }, () => ({ tag: "abc/1", body: new Uint8Array(1000) }))));
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    expect(HONEST.map((party) => cluster.disk(party).inputs.length)).toEqual(before);
  });

  it("under the tag of the round decided last is written to the log where that round serves its values", async () => {
    const { cluster, pairs } = await besieged({ delivery: "on-request" });
    cluster.submit(0, "a", "b", "c");
    await cluster.run(() => cluster.hasDelivered(3));
    // What honest replicas said last is on its way yet.
    cluster.tickTurns = 3;
    for (let turn = 0; turn < 100; turn++) await cluster.turn();
    const { round } = cluster.get(0).replica.state;
    const before = HONEST.map((party) => cluster.disk(party).inputs.length);
    for (const pair of pairs)
      say(pair, ...messages([round, round - 1].map((number) => ({ tag: `abc/${number}`, body: new Uint8Array(9) }))));
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    // A clock reading comes with it.
    expect(HONEST.map((party) => cluster.disk(party).inputs.length)).toEqual(before.map((count) => count + 2));
  });

  it("of a channel that does not exist is accused and not written to the log", async () => {
    const { cluster, pairs } = await besieged();
    const before = HONEST.map((party) => cluster.disk(party).inputs.length);
    for (const pair of pairs)
      say(
        pair,
        ...messages([
          { tag: "xyz/1", body: new Uint8Array(1000) },
          { tag: "xyz", body: new Uint8Array(0) },
        ]),
      );
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    expect(HONEST.map((party) => cluster.disk(party).inputs.length)).toEqual(before);
    expect(cluster.agreement().accusations).toEqual(HONEST.map((party) => `${party}:3:unknown-instance`));
  });

  it("that is not for the log has others wait for a part of it, not for all", async () => {
    const { cluster, pairs } = await besieged();
    const [pair] = pairs;
    if (pair === undefined) throw new Error("a pair is due");
    const asked = Array.from({ length: 6400 }, (_, index): PeerFrame => {
      return { kind: "askProofs", number: index + 1, after: index, channel: CHANNEL, round: 0 };
    });
    let heard = 0;
    pair.left.start({
      onFrame: (bytes) => {
        const frame = decode(peerFrameCodec, bytes);
        if (frame.ok && frame.value.kind === "heard") heard = frame.value.upTo;
      },
      onWritable: () => undefined,
      onClose: () => undefined,
    });
    const turn = async (): Promise<void> => {
      await new Promise((resume) => setImmediate(resume));
      cluster.get(0).replica.tick();
      pair.settle();
    };
    await turn();
    say(pair, ...asked);
    await turn();
    await turn();
    expect(heard).toBeLessThan(asked.length / 2);
    for (let count = 0; count < 200; count++) await turn();
    expect(heard).toBe(asked.length);
  });

  it("that pleads with a wrong signature does not stand in the way of the true plea", async () => {
    const { cluster, pairs } = await besieged();
    const rejoin = { cluster: CLUSTER, party: HOSTILE, nonce: new Uint8Array(32).fill(7) };
    const signature = rejoinSignature(HOSTILE, rejoinStatement(rejoin));
    const plea = (number: number, by: Uint8Array): PeerFrame => {
      return { kind: "rejoin", number, after: 0, payload: encodePayload({ kind: "rejoin", ...rejoin, signature: by }) };
    };
    for (const pair of pairs) say(pair, plea(1, new Uint8Array(64)));
    for (let turn = 0; turn < 5; turn++) await cluster.turn();
    for (const pair of pairs) say(pair, plea(2, signature));
    await cluster.run(() => cluster.hasDelivered(1));
    for (const party of HONEST) {
      expect(cluster.running.get(party)?.replica.machine.rejoinedIn(HOSTILE)).toMatchObject({ round: 1 });
      expect(cluster.running.get(party)?.replica.state.accusations).toMatchObject([
        { party: HOSTILE, fault: "malformed-message", tag: "rejoin", count: 1 },
      ]);
    }
  });

  it("that floods a round fills no disk: beyond the peer's quota it is dropped, until the round is decided", async () => {
    const { cluster, pairs } = await besieged();
    const quotaBytes = 1024 * 1024;
    const body = new Uint8Array(100 * 1024);
    for (let number = 1; number <= 12; number++) {
      for (const pair of pairs) say(pair, { kind: "message", number, after: 0, envelope: { tag: "abc/1/mvba", body } });
      for (let turn = 0; turn < 5; turn++) await cluster.turn();
      for (const pair of pairs) pair.settle();
    }
    for (const party of HONEST) {
      const writtenBytes = cluster.disk(party).inputs.reduce((sum, input) => sum + input.length, 0);
      expect(writtenBytes).toBeGreaterThan(quotaBytes / 2);
      expect(writtenBytes).toBeLessThan(quotaBytes);
    }
    expect(cluster.agreement().accusations).toEqual(
      HONEST.flatMap((party) => [`${party}:3:flood`, `${party}:3:malformed-message`]),
    );
    cluster.submit(0, "a");
    await cluster.run(() => cluster.hasDelivered(1));
    // A new round, a new quota: the flood was held against the peer, not against what it says later.
    const inputs = cluster.disk(0).inputs.length;
    for (const pair of pairs)
      say(pair, { kind: "message", number: 13, after: 0, envelope: { tag: "abc/2/mvba", body: new Uint8Array(9) } });
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    // With a clock reading.
    expect(cluster.disk(0).inputs.length).toBe(inputs + 2);
  });

  it("in frames costs it its connection and nobody anything", async () => {
    const { cluster, pairs } = await besieged();
    for (const pair of pairs) {
      pair.left.send(Uint8Array.of(250, 1));
      pair.settle();
      expect(pair.isBroken).toBe(true);
    }
    cluster.submit(0, "a");
    await cluster.run(() => cluster.hasDelivered(1));
    expect(cluster.agreement().accusations).toEqual(HONEST.map((party) => `${party}:3:malformed-frame`));
  });
});
