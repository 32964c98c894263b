/** Replicas that disseminate in certified batches: batches are kept, served and fetched, and go with checkpoints. */
import { describe, expect, it } from "vitest";
import { decode, encode } from "../../src/core/codec.js";
import { type PeerFrame, isItem, peerFrameCodec } from "../../src/wire/peer-frames.js";
import { AGREED, GROUP, TestCluster, type TestClusterOptions } from "./test-cluster.js";

const OPTIONS: TestClusterOptions = { dissemination: "certified", maxEntryPayloads: 4 };

async function order(cluster: TestCluster, count: number, prefix: string, party?: number): Promise<void> {
  const parties = [...cluster.running.keys()];
  const before = cluster.get(parties[0] ?? 0).replica.state.sequence;
  for (let index = 0; index < count; index++)
    cluster.submit(party ?? parties[index % parties.length] ?? 0, `${prefix}${index}`);
  await cluster.run(() => cluster.hasDelivered(before + count));
}

const batchesOf = (cluster: TestCluster, party: number): string[] => [...cluster.disk(party).batches.keys()];

describe("replicas with certified batches", () => {
  it.each([1, 2, 3])("deliver the same payloads in the same order (seed %i)", async (seed) => {
    const cluster = await TestCluster.of({ ...OPTIONS, seed });
    await order(cluster, 60, "a");
    expect(cluster.agreement()).toEqual(AGREED);
    for (const { replica } of cluster.running.values()) expect(replica.machine.cut).toBeDefined();
  });

  it("go on from their disks, and from checkpoints, after all of them crashed", async () => {
    const cluster = await TestCluster.of({ ...OPTIONS, checkpointInterval: 3 });
    for (let life = 0; life < 4; life++) {
      await order(cluster, 30, `life ${life} `);
      // What waits is in lanes and not ordered yet.
      for (const party of [0, 1, 2, 3]) cluster.submit(party, `waits ${life} ${party}`);
      for (let turn = 0; turn < 5; turn++) await cluster.turn();
      const delivered = cluster.get(0).replica.state.sequence;
      for (const party of [0, 1, 2, 3]) cluster.crash(party, life % 2);
      for (const party of [0, 1, 2, 3]) await cluster.start(party);
      await cluster.run(
        () => cluster.get(0).replica.state.sequence >= delivered && cluster.hasDelivered(34 * (life + 1)),
      );
    }
    expect(cluster.agreement()).toEqual(AGREED);
    expect(cluster.disk(0).baseRound).toBeGreaterThan(0);
  });

  it("forget batches with the checkpoints that cover them", async () => {
    const cluster = await TestCluster.of({ ...OPTIONS, checkpointInterval: 2, forgetsLedger: true });
    const kept: number[] = [];
    for (let time = 0; time < 10; time++) {
      await order(cluster, 12, `time ${time} `);
      kept.push(batchesOf(cluster, 0).length);
    }
    expect(Math.max(...kept)).toBeLessThan(60);
    const heights = batchesOf(cluster, 0).map((key) => Number(key.split("/")[2]));
    expect(Math.min(...heights)).toBeGreaterThan(3);
    expect(cluster.agreement()).toEqual(AGREED);
  });
});

describe("a log without what a lane was signed for", () => {
  it("is refused when it is the own one: the table of signatures knows more", async () => {
    const cluster = await TestCluster.of(OPTIONS);
    await order(cluster, 20, "a");
    cluster.crash(3);
    const disk = cluster.disk(3);
    const [, slot] = [...disk.signed.keys()].flatMap((key) => /^(abc\/lane\/3\/)/.exec(key) ?? []);
    disk.signed.set(`${slot}900#batch`, new Uint8Array(32));
    await expect(cluster.start(3)).rejects.toThrow(/height 900 of the own lane, the log leads to/);
  });
});

describe("a replica that lacks batches", () => {
  /** Party 0's batches do not come to party 3 by themselves. */
  function withholding(seed: number): TestCluster {
    const cluster = new TestCluster({ ...OPTIONS, seed });
    cluster.rewrite = (from, to, bytes) => {
      const frame = decode(peerFrameCodec, bytes);
      if (from !== 0 || to !== 3 || !frame.ok || frame.value.kind !== "bulk") return bytes;
      const other: PeerFrame = { ...frame.value, envelope: { tag: "abc/1", body: new Uint8Array(0) } };
      return encode(peerFrameCodec, other);
    };
    return cluster;
  }

  it.each([1, 2, 3])("fetches them from others (seed %i)", async (seed) => {
    const cluster = withholding(seed);
    for (const party of [0, 1, 2, 3]) await cluster.start(party);
    cluster.tickTurns = 3;
    await order(cluster, 20, "a", 0);
    const { accusations, ...rest } = cluster.agreement();
    expect({ ...rest, accusations: [] }).toEqual(AGREED);
    expect(accusations.filter((accusation) => !accusation.startsWith("3:0:"))).toEqual([]);
    expect(batchesOf(cluster, 3).filter((key) => key.startsWith("abc/0/")).length).toBeGreaterThan(0);
  });

  it("gives the proofs of rounds that it has not delivered to a peer that needs them", async () => {
    const cluster = new TestCluster(OPTIONS);
    // Party 3 gets none of party 0's batches, and from some time on party 2 hears of no round.
    let isDeaf = false;
    cluster.rewrite = (from, to, bytes) => {
      const frame = decode(peerFrameCodec, bytes);
      if (!frame.ok || !isItem(frame.value)) return bytes;
      const { kind, number, after } = frame.value;
      const isBatch = kind === "batch" || (kind === "bulk" && from === 0);
      const isOfRound = kind === "message" && /^abc\/\d/.test(frame.value.envelope.tag);
      const isLost = (to === 3 && isBatch) || (to === 2 && isDeaf && isOfRound);
      return isLost ? encode(peerFrameCodec, { kind: "askRepeat", number, after }) : bytes;
    };
    for (const party of [0, 1, 2, 3]) await cluster.start(party);
    await order(cluster, 4, "all have it ", 1);
    isDeaf = true;
    const agreed = (party: number): number => cluster.disk(party).proofs.size;
    const before = agreed(2);
    cluster.submit(0, "party 3 lacks it");
    await cluster.run(() => cluster.hasDelivered(5, [0, 1]));
    cluster.submit(1, "of the next round");
    await cluster.run(() => cluster.hasDelivered(6, [0, 1]) && agreed(3) === agreed(0));
    expect([agreed(2), agreed(3)]).toEqual([before, before + 2]);
    expect(cluster.hasDelivered(4, [3])).toBe(true);
    for (const party of [0, 1, 2]) cluster.crash(party);
    isDeaf = false;
    await cluster.start(2);
    await cluster.run(() => agreed(2) === agreed(3));
  });

  it("asks to hear again what it dropped, also after a restart between two rounds that it delivered", async () => {
    const cluster = await TestCluster.of(OPTIONS);
    cluster.crash(3);
    for (let time = 0; time < 12; time++) await order(cluster, 1, `round ${time} `);
    // Where the rounds that wait for their batches are too many, what others say is dropped.
    let batches = 0;
    let asks = 0;
    cluster.rewrite = (from, to, bytes) => {
      const frame = decode(peerFrameCodec, bytes);
      if (!frame.ok || !isItem(frame.value)) return bytes;
      const { kind, number, after } = frame.value;
      if (from === 3 && kind === "askRepeat") asks++;
      if (to !== 3 || kind !== "batch" || batches-- > 0) return bytes;
      return encode(peerFrameCodec, { kind: "askRepeat", number, after });
    };
    cluster.tickTurns = 2;
    await cluster.start(3);
    const agreed = (): number => cluster.disk(3).proofs.size;
    await cluster.run(() => agreed() === 8);
    batches = 4;
    await cluster.run(() => agreed() === 12);
    expect(asks).toBeGreaterThan(0);
    const { round } = cluster.get(3).replica.state;
    batches = 1;
    await cluster.run(() => cluster.get(3).replica.state.round > round);
    cluster.crash(3);
    asks = 0;
    await cluster.start(3);
    await cluster.run(() => asks > 0);
    batches = 100;
    await cluster.run(() => cluster.hasDelivered(12));
  });

  it("catches up after it was down, and replays what it fetched", async () => {
    const cluster = await TestCluster.of(OPTIONS);
    cluster.tickTurns = 3;
    cluster.crash(3);
    await order(cluster, 40, "a");
    await cluster.start(3);
    await cluster.run(() => cluster.hasDelivered(40));
    cluster.crash(3, 2);
    await cluster.start(3);
    await order(cluster, 8, "b");
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("fetches a state when the proofs are gone, and speaks again", async () => {
    const cluster = await TestCluster.of({ ...OPTIONS, checkpointInterval: 2, forgetsLedger: true });
    cluster.tickTurns = 3;
    cluster.crash(3);
    for (let time = 0; time < 8; time++) await order(cluster, 12, `time ${time} `);
    await cluster.start(3);
    await order(cluster, 4, "c");
    expect(cluster.get(3).installed.length).toBeGreaterThan(0);
    await order(cluster, 8, "its own ", 3);
    // A round that orders nothing may be over at some of them only.
    await cluster.run(() => new Set(GROUP.parties.map((party) => cluster.get(party).replica.state.round)).size === 1);
    expect(cluster.agreement()).toEqual(AGREED);
    cluster.crash(3);
    await cluster.start(3);
    await order(cluster, 8, "again ", 3);
    expect(cluster.agreement()).toEqual(AGREED);
  });
});
