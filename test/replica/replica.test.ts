import { describe, expect, it } from "vitest";
import { toHex } from "../../src/core/bytes.js";
import { AGREED, GROUP, TestCluster, payloadOf } from "./test-cluster.js";

describe("four replicas", () => {
  it.each(["fixed", "random"] as const)(
    "deliver the same payloads in the same order (candidates: %s)",
    async (order) => {
      for (let seed = 1; seed <= 5; seed++) {
        const cluster = await TestCluster.of({ seed, order });
        for (const party of GROUP.parties) cluster.submit(party, `a${party}`, `b${party}`, "common");
        await cluster.run(() => cluster.hasDelivered(9));
        expect(cluster.agreement()).toEqual(AGREED);
        const payloads = cluster.ledger(0).map(({ payload }) => toHex(payload));
        const submitted = ["common", ...GROUP.parties.flatMap((party) => [`a${party}`, `b${party}`])];
        expect(payloads.sort()).toEqual(submitted.map((name) => toHex(payloadOf(name))).sort());
      }
    },
  );

  it("go on when all their connections break again and again", async () => {
    const cluster = await TestCluster.of();
    for (const party of GROUP.parties) cluster.submit(party, ...["a", "b", "c", "d"].map((name) => `${name}${party}`));
    for (let time = 0; time < 40; time++) {
      for (let turn = 0; turn <= time % 7; turn++) await cluster.turn();
      for (const pair of cluster.pairs.values()) pair.break();
    }
    await cluster.run(() => cluster.hasDelivered(16));
    expect(cluster.agreement()).toEqual(AGREED);
  });

  it("are still when there is nothing to order", async () => {
    const cluster = await TestCluster.of();
    for (let turn = 0; turn < 20; turn++) await cluster.turn();
    // hello and welcome.
    for (const pair of cluster.pairs.values()) expect([pair.left.sent, pair.right.sent]).toEqual([1, 1]);
    expect(cluster.disks.map(({ commits }) => commits)).toEqual([1, 1, 1, 1]);
  });

  it("go on from their disks after all of them crashed", async () => {
    const cluster = await TestCluster.of();
    cluster.submit(0, "a", "b", "c");
    await cluster.run(() => cluster.hasDelivered(2));
    for (const party of GROUP.parties) cluster.crash(party);
    for (const party of GROUP.parties) await cluster.start(party);
    // The third payload's round has to end.
    await cluster.run(() => cluster.hasDelivered(3));
    cluster.submit(1, "d");
    await cluster.run(() => cluster.hasDelivered(4));
    expect(cluster.agreement()).toEqual(AGREED);
    expect(cluster.get(0).delivered).toHaveLength(2);
  });
});

describe("a submission", () => {
  it("is refused when the queue is full, counting what waits to be committed", async () => {
    const cluster = await TestCluster.of({ maxPayloads: 3 });
    const { replica } = cluster.get(0);
    expect(["a", "b", "c", "d"].map((name) => replica.submit(payloadOf(name)))).toEqual([
      "taken",
      "taken",
      "taken",
      "busy",
    ]);
    await cluster.run(() => cluster.hasDelivered(3));
    expect(replica.submit(payloadOf("d"))).toBe("taken");
    await cluster.run(() => cluster.hasDelivered(4));
  });

  it("counts once for each 64 KiB, while it waits to be committed", async () => {
    const cluster = await TestCluster.of({ maxPayloads: 3 });
    const { replica } = cluster.get(0);
    const short = payloadOf("a".repeat(59_000));
    const long = new Uint8Array(2 * 64 * 1024 + 1);
    const taken = (...payloads: readonly Uint8Array[]) => payloads.map((payload) => replica.submit(payload));
    expect(taken(short, payloadOf("b"), long, payloadOf("c"))).toEqual(["taken", "taken", "taken", "busy"]);
    const other = cluster.get(1).replica;
    expect([long, payloadOf("c")].map((payload) => other.submit(payload))).toEqual(["taken", "busy"]);
  });

  it("does not keep other events from their turn, also where each commit is over at once", async () => {
    const cluster = new TestCluster();
    await cluster.start(0);
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    await turn();
    const commits = [cluster.disk(0).commits];
    cluster.submit(0, ...Array.from({ length: 200 }, (_, index) => `a${index}`));
    for (let turns = 0; turns < 20; turns++) {
      await turn();
      commits.push(cluster.disk(0).commits);
    }
    const inTurns = commits.slice(1).map((count, index) => count - (commits[index] ?? 0));
    // At most 64 of a line in each.
    expect((commits.at(-1) ?? 0) - (commits[0] ?? 0)).toBeGreaterThanOrEqual(3);
    expect(Math.max(...inTurns)).toBe(1);
  });

  it("is refused before the replica has started and after it has stopped", async () => {
    const cluster = new TestCluster();
    const { replica, store } = cluster.make(0);
    expect(replica.submit(payloadOf("a"))).toBe("not-ready");
    await replica.start();
    expect(replica.submit(payloadOf("a"))).toBe("taken");
    await replica.stop();
    expect(replica.submit(payloadOf("b"))).toBe("not-ready");
    expect(store.isClosed).toBe(true);
  });
});

describe("connections", () => {
  it("are refused by a replica that has not started or has stopped, and closed when it stops", async () => {
    const cluster = new TestCluster();
    const running = cluster.make(0);
    cluster.running.set(0, running);
    const attempt = (): boolean[] => {
      const pair = cluster.pairOf(0, 1);
      const accepted = cluster.pairOf(1, 0);
      return [pair.left.sent > 0, accepted.right.takes];
    };
    expect(attempt()).toEqual([false, false]);
    await running.replica.start();
    expect(attempt()).toEqual([true, true]);
    const open = [cluster.pairOf(0, 1).left, cluster.pairOf(1, 0).right];
    await running.replica.stop();
    expect(open.map(({ isClosed }) => isClosed)).toEqual([true, true]);
    expect(attempt()).toEqual([false, false]);
  });

  it("to oneself or a party that does not exist are refused", async () => {
    const cluster = await TestCluster.of();
    const { replica } = cluster.get(0);
    const { left } = cluster.pairOf(1, 2);
    expect(replica.accepted(0, left)).toBeUndefined();
    expect(replica.accepted(4, left)).toBeUndefined();
    expect(replica.dialled(0, left)).toBeUndefined();
  });
});

describe("stopping during the replay", () => {
  it("waits for it to end and lets nothing begin", async () => {
    const cluster = await TestCluster.of();
    cluster.submit(0, "a");
    await cluster.run(() => cluster.hasDelivered(1));
    cluster.crash(0);
    // Long enough that the replay lets other events in; stale messages change nothing.
    const disk = cluster.disk(0);
    const last = disk.inputs.at(-1);
    if (last === undefined) throw new Error("no input");
    disk.inputs = [...disk.inputs, ...Array.from({ length: 3000 }, () => last)];
    const { replica, store } = cluster.make(0);
    const started = replica.start();
    await replica.stop();
    expect(store.isClosed).toBe(true);
    await started;
    expect(replica.state.state).toBe("stopped");
  });
});
