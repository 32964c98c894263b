/** The law: append the input, make it durable, let its effects out. A crash at each commit shows whether it holds. */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import type { Service } from "../../src/services/service.js";
import { PEER_PROTOCOL_VERSION, peerFrameCodec } from "../../src/wire/peer-frames.js";
import { MemoryPair } from "../support/memory-connection.js";
import type { LedgerEntry } from "../../src/replica/storage.js";
import type { CommitFate } from "../support/memory-storage.js";
import { AGREED, CLUSTER, GROUP, type Running, TestCluster, createEcho, hasDone, payloadOf } from "./test-cluster.js";

const NAMES = ["a", "b", "c"];
const PAYLOADS = GROUP.parties.length * NAMES.length;

/** A cluster where the `at`-th commit of party 0 has `fate`; runs until it has come to that or all is delivered. */
async function runUntilFate(
  at: number,
  fate: CommitFate,
): Promise<{ cluster: TestCluster; victim: Running; reached: boolean }> {
  const cluster = new TestCluster({ seed: at });
  let reached = false;
  const victim = await cluster.start(0, {
    // The first commit of a first start is that of the settings.
    fate: (commit) => {
      if (commit !== at + 1) return "done";
      reached = true;
      return fate;
    },
  });
  for (const party of [1, 2, 3]) await cluster.start(party);
  for (const party of GROUP.parties) cluster.submit(party, ...NAMES.map((name) => `${name}${party}`));
  await cluster.run(() => reached || cluster.hasDelivered(PAYLOADS));
  return { cluster, victim, reached };
}

/** Party 0 dies and comes back; its clients, who have heard nothing, ask again. */
async function restart(cluster: TestCluster): Promise<void> {
  cluster.crash(0);
  await cluster.start(0);
  cluster.submit(0, ...NAMES.map((name) => `${name}0`));
  await cluster.run(() => cluster.hasDelivered(PAYLOADS));
}

describe("a replica whose settings are changed between two runs", () => {
  it("replays each message under the settings of its time", async () => {
    const options: { maxEntryPayloads: number } = { maxEntryPayloads: 8 };
    const cluster = await TestCluster.of(options);
    for (const party of GROUP.parties) cluster.submit(party, ...NAMES.map((name) => `${name}${party}`));
    await cluster.run(() => cluster.hasDelivered(PAYLOADS));
    for (const maxEntryPayloads of [1, 3]) {
      options.maxEntryPayloads = maxEntryPayloads;
      cluster.crash(0);
      const { replica } = await cluster.start(0);
      expect(replica.state.sequence).toBeGreaterThanOrEqual(PAYLOADS);
      const before = replica.state.sequence;
      cluster.submit(0, `x${maxEntryPayloads}`, `y${maxEntryPayloads}`, `z${maxEntryPayloads}`);
      await cluster.run(() => cluster.hasDelivered(before + 3));
      expect(cluster.agreement()).toEqual(AGREED);
    }
  });

  it("logs them at every start, so that each run has a greater number than the one before", async () => {
    const cluster = await TestCluster.of();
    expect(cluster.disk(0).inputs.length).toBe(1);
    cluster.crash(0);
    await cluster.start(0);
    expect(cluster.disk(0).inputs.length).toBe(2);
  });
});

describe.each<CommitFate>(["lost", "unheard", "behind"])("a replica whose commit is %s when it dies", (fate) => {
  it("goes on after a restart and contradicts nothing, whichever commit it was", async () => {
    let at = 1;
    for (; ; at++) {
      const { cluster, reached } = await runUntilFate(at, fate);
      if (!reached) break;
      await restart(cluster);
      expect(cluster.agreement(), `commit ${at}`).toEqual(AGREED);
    }
    // Enough commits that the test means something.
    expect(at).toBeGreaterThan(15);
  });

  it("does so also when it dies again and again", async () => {
    const cluster = await TestCluster.of();
    for (const party of GROUP.parties) cluster.submit(party, ...NAMES.map((name) => `${name}${party}`));
    for (let life = 1; life <= 25; life++) {
      let died = false;
      cluster.crash(0);
      await cluster.start(0, {
        fate: (commit) => {
          if (commit < 3) return "done";
          died = true;
          return fate;
        },
      });
      await cluster.run(() => died || cluster.hasDelivered(PAYLOADS - NAMES.length));
    }
    await restart(cluster);
    expect(cluster.agreement()).toEqual(AGREED);
  });
});

describe("a replica whose commit is rejected", () => {
  it("stops, says so once, and lets nothing of it out; on its disk it can be started again", async () => {
    for (const at of [1, 2, 5, 10, 15]) {
      const { cluster, victim } = await runUntilFate(at, "failed");
      await cluster.run(() => victim.fatal.length > 0);
      expect(victim.replica.state.state).toBe("stopped");
      const written = [...cluster.pairs].filter(([name]) => name.includes("0")).map(([, pair]) => pair);
      for (let turn = 0; turn < 20; turn++) await cluster.turn();
      expect(victim.fatal.map(String)).toEqual(["Error: the disk refused"]);
      expect(victim.replica.submit(payloadOf("more"))).toBe("not-ready");
      expect(written.every(({ isBroken }) => isBroken)).toBe(true);
      await restart(cluster);
      expect(cluster.agreement(), `commit ${at}`).toEqual(AGREED);
    }
  });

  it("does the same when its service fails", async () => {
    const createService = (): Service => ({
      ...createEcho(),
      apply: () => {
        throw new Error("out of order");
      },
    });
    const cluster = await TestCluster.of({ createService });
    cluster.submit(0, "a");
    const fatal = (): readonly (readonly string[])[] =>
      GROUP.parties.map((party) => cluster.get(party).fatal.map(String));
    const hasFailed = (errors: readonly string[]): boolean => errors.length > 0;
    // Nothing that the first two say in the turn in which they fail leaves, and too few may be left to decide.
    await cluster.run(() => fatal().filter(hasFailed).length >= 2);
    for (let turn = 0; turn < 100; turn++) await cluster.turn();
    const failed = GROUP.parties.filter((party) => hasFailed(fatal()[party] ?? []));
    for (const party of failed) {
      expect(fatal()[party]).toEqual(["Error: out of order"]);
      expect(cluster.get(party).replica.state.state).toBe("stopped");
    }
    expect(cluster.disks.map(({ ledger }) => ledger.size)).toEqual([0, 0, 0, 0]);
  });
});

/** The round in which party 0 says that it is, to party 1 that connects anew. */
function greetedRound(cluster: TestCluster): number | undefined {
  const { right } = new MemoryPair({ left: { kind: "party", party: 0 }, right: { kind: "party", party: 1 } });
  const hello = { kind: "hello", version: PEER_PROTOCOL_VERSION, cluster: CLUSTER, run: 1 } as const;
  cluster.get(0).replica.accepted(1, right)?.onFrame(encode(peerFrameCodec, hello));
  const welcome = decode(peerFrameCodec, right.shift() ?? new Uint8Array(0));
  return welcome.ok && welcome.value.kind === "welcome" ? welcome.value.positions[0]?.round : undefined;
}

describe("while a commit is under way", () => {
  it("nothing of what depends on it leaves, nothing is told to clients; afterwards it does", async () => {
    for (let at = 1; at <= 30; at++) {
      const cluster = new TestCluster({ seed: at });
      let letGo: ((fate: CommitFate) => void) | undefined;
      const held = await cluster.start(0, {
        // The first is that of the settings.
        fate: (commit) => (commit === at + 1 ? new Promise<CommitFate>((resolve) => (letGo = resolve)) : "done"),
      });
      for (const party of [1, 2, 3]) await cluster.start(party);
      // Greetings first, which are no effects of inputs.
      for (let turn = 0; turn < 20; turn++) await cluster.turn();
      for (const party of GROUP.parties) cluster.submit(party, ...NAMES.map((name) => `${name}${party}`));
      await cluster.run(() => letGo !== undefined || cluster.hasDelivered(PAYLOADS));
      if (letGo === undefined) return;
      const outside = (): unknown => ({
        sent: [...cluster.pairs].map(([name, { left, right }]) => {
          const [dialler, acceptor] = name.split(">");
          return [name, dialler === "0" ? left.sent : 0, acceptor === "0" ? right.sent : 0];
        }),
        delivered: [...held.delivered],
        stored: cluster.disk(0).commits,
      });
      const before = outside();
      for (let turn = 0; turn < 30; turn++) await cluster.turn();
      expect(outside(), `commit ${at}`).toEqual(before);
      // Nor is it told to those who ask.
      expect(held.replica.state.sequence).toBe(cluster.disk(0).ledger.size);
      expect(greetedRound(cluster)).toBe(cluster.disk(0).proofs.size + 1);
      letGo("done");
      await cluster.run(() => cluster.hasDelivered(PAYLOADS));
      expect(cluster.agreement()).toEqual(AGREED);
    }
  });
});

describe("a disk that is not what the replica left", () => {
  async function stopped(delivered: number): Promise<TestCluster> {
    const cluster = await TestCluster.of();
    for (const party of GROUP.parties) cluster.submit(party, "a", "b", "c");
    await cluster.run(() => cluster.hasDelivered(delivered));
    cluster.crash(0);
    return cluster;
  }

  it("whose log was cut anywhere makes it stop with a clear error instead of contradicting itself", async () => {
    const cluster = await stopped(3);
    const disk = cluster.disk(0);
    const whole = disk.inputs;
    let refused = 0;
    for (let kept = whole.length - 1; kept >= 0; kept--) {
      disk.inputs = whole.slice(0, kept);
      // Storage that knows better refuses by itself.
      disk.appliedInput = kept;
      // What only took in what others said can be taken in again: there is nothing to contradict.
      const error = await cluster.start(0).then(
        () => undefined,
        (reason: unknown) => String(reason),
      );
      if (error === undefined) continue;
      refused++;
      expect(error).toMatch(/the log leads to|more entries than/);
    }
    expect(refused).toBeGreaterThan(whole.length / 2);
    cluster.running.delete(0);
  });

  it("that holds signatures only is refused, however little it signed", async () => {
    const cluster = new TestCluster();
    cluster.disk(0).signed.set("abc/1#queue", new Uint8Array(32));
    await expect(cluster.start(0)).rejects.toThrow(/inputs are missing/);
    const { replica } = cluster.make(0);
    await expect(replica.start()).rejects.toThrow();
    expect(replica.state.state).not.toBe("active");
    const pair = cluster.pairOf(1, 2);
    expect(replica.accepted(1, pair.right)).toBeUndefined();
  });

  it("whose ledger tells another story is refused", async () => {
    const cluster = await stopped(3);
    const disk = cluster.disk(0);
    const [first, second, third] = cluster.ledger(0);
    if (first === undefined || second === undefined || third === undefined) throw new Error("three entries are due");
    const stories = [
      [first, second],
      [first, second, { ...third, round: third.round + 1 }],
      [first, { ...second, payload: utf8("other") }, third],
      [first, { ...second, timeMs: (second.timeMs ?? 0) + 1 }, third],
      [first, second, third, { ...third, sequence: 4 }],
    ];
    const tell = (story: readonly LedgerEntry[]): void => {
      disk.ledger.clear();
      for (const entry of story) disk.ledger.set(entry.sequence, entry);
    };
    for (const story of stories) {
      tell(story);
      await expect(cluster.start(0)).rejects.toThrow(/ledger/);
    }
    tell([first, second, third]);
    await cluster.start(0);
  });

  it("with a damaged record is refused", async () => {
    const cluster = await stopped(3);
    cluster.disk(0).inputs[2] = Uint8Array.of(9, 9);
    await expect(cluster.start(0)).rejects.toThrow(/a record of the input log is damaged/);
  });
});

describe("a replica that is about to contradict itself", () => {
  it("stops before anybody hears it: the second line behind the count", async () => {
    const cluster = await TestCluster.of();
    // As if a run that is not in the log had signed another queue in round 1, after the replica had started.
    cluster.disk(0).signed.set("abc/1#queue", new Uint8Array(32));
    const { replica, fatal } = cluster.get(0);
    cluster.submit(0, "a");
    await cluster.run(() => fatal.length > 0);
    expect(String(fatal[0])).toMatch(/about to contradict an earlier signature for abc\/1#queue/);
    expect(replica.state.state).toBe("stopped");
    expect(cluster.disk(0).everSigned.has("abc/1#queue")).toBe(false);
    cluster.submit(1, "b");
    // In certified batches the payload that party 0 took has gone to the others before.
    await cluster.run(() => [1, 2, 3].every((party) => hasDone(cluster.get(party).replica.machine, "b")));
    expect(cluster.agreement([1, 2, 3])).toEqual(AGREED);
  });
});
