/** A state comes from whoever has it, whatever the others do; no crash costs more than what was not stored. */
import { describe, expect, it } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { InvariantError } from "../../src/core/protocol.js";
import { CHUNKS_PER_SAVE, FIRST_SWITCH_TICKS, MAX_CHUNKS_UNDER_WAY } from "../../src/replica/transfer.js";
import { PART_HASHES } from "../../src/replica/transfer-record.js";
import {
  MAX_ASKS_PER_TICK,
  MAX_PATIENCE_TICKS,
  PATIENCE_TICKS,
  WINDOW_CHUNKS,
} from "../../src/replica/transfer-source.js";
import {
  type Ask,
  type Behaviour,
  Checkpoint,
  Disk,
  TransferWorld,
  falseBytes,
  falsePath,
  honest,
  prunes,
  silent,
  wrongIndex,
} from "./transfer-world.js";

const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

function countOf(asks: readonly Ask[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (const { index } of asks) counts.set(index, (counts.get(index) ?? 0) + 1);
  return counts;
}

describe("a state comes", () => {
  it.each([1, 2, 15, 64, 65, 300, 2000])("of %i chunks from one source", async (count) => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, count);
    world.peer(1, honest(checkpoint));
    world.offer(1, checkpoint);
    await world.run(20);
    world.check(checkpoint);
    expect(world.asks).toHaveLength(count);
    expect(world.completed).toHaveLength(1);
    expect(world.faults).toEqual([]);
    // The host has started from it: nothing of the transfer stays.
    world.round = 8;
    await world.run(1, () => false);
    expect([...world.disk.metas.keys()]).toEqual([]);
    expect(world.progress).toBeUndefined();
    expect(world.completed).toHaveLength(1);
  });

  it("from several sources in parallel, no chunk of two, and no more than the window of any", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 500);
    for (const peer of [1, 2, 3]) {
      world.peer(peer, honest(checkpoint));
      world.offer(peer, checkpoint);
    }
    for (const peer of [1, 2, 3]) expect(world.asks.filter((ask) => ask.peer === peer)).toHaveLength(WINDOW_CHUNKS);
    await world.run(20);
    world.check(checkpoint);
    expect(world.asks).toHaveLength(500);
    for (const peer of [1, 2, 3]) expect(world.asks.filter((ask) => ask.peer === peer).length).toBeGreaterThan(100);
    // The certificate was checked once.
    expect(world.verified).toBe(1);
  });

  it("of 10,000 chunks in as many asks, and in writes that grow with them", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 10_000);
    world.peer(1, honest(checkpoint));
    world.offer(1, checkpoint);
    await world.run(200);
    world.check(checkpoint);
    expect(world.asks).toHaveLength(10_000);
    const saves = 10_000 / CHUNKS_PER_SAVE;
    // The head, and for each save chunks and one or two parts.
    expect(world.disk.writes).toBeLessThan(1 + 3 * saves + 3);
    expect(world.disk.writtenHashBytes).toBeLessThan(2 * saves * PART_HASHES * 32);
  });

  it("of which a peer is asked no more in a tick than its outbox keeps", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 3 * MAX_ASKS_PER_TICK);
    world.peer(1, honest(checkpoint));
    world.offer(1, checkpoint);
    while (world.step());
    await world.transfer.settled();
    while (world.step());
    await world.transfer.settled();
    while (world.step());
    expect(world.asks.length).toBeLessThanOrEqual(MAX_ASKS_PER_TICK);
    await world.run(20);
    world.check(checkpoint);
  });

  it("that is offered when the one before has just come", async () => {
    const world = new TransferWorld();
    const [first, second] = [new Checkpoint(8, 5), new Checkpoint(12, 5)];
    world.peer(1, honest(first, second));
    world.offer(1, first);
    await world.run(20);
    world.check(first);
    // The host has started from it. No time has passed when it hears of the next one, once.
    world.round = 8;
    world.offer(1, second);
    await world.run(20, () => world.completed.length > 1);
    expect(world.completed.map(({ round }) => round)).toEqual([8, 12]);
  });

  it("that is the latest offered, but only above the own round", async () => {
    const world = new TransferWorld();
    world.round = 8;
    for (const round of [4, 8]) world.offer(1, new Checkpoint(round, 3));
    expect(world.progress).toBeUndefined();
    expect(world.verified).toBe(0);
    world.offer(1, new Checkpoint(9, 3));
    expect(world.progress).toEqual({ round: 9, chunks: 0, chunkCount: 3 });
  });

  it("no more once the replica has got there by itself", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 200);
    world.peer(1, honest(checkpoint));
    world.offer(1, checkpoint);
    for (let time = 0; time < 150; time++) world.step();
    await world.transfer.settled();
    expect(world.disk.metas.size).toBe(2);
    world.round = 9;
    world.transfer.tick();
    await world.transfer.settled();
    expect(world.progress).toBeUndefined();
    expect(world.disk.metas.size).toBe(0);
    while (world.step());
    expect(world.completed).toEqual([]);
    // Its asks are taken back.
    expect(world.withdrawn.length).toBeGreaterThan(WINDOW_CHUNKS);
  });
});

describe("liars", () => {
  const checkpoint = new Checkpoint(8, 400);
  const LIES: readonly [string, Behaviour, string[]][] = [
    ["false bytes", falseBytes(checkpoint), ["1 invalid-chunk", "2 invalid-chunk", "3 invalid-chunk"]],
    ["false paths", falsePath(checkpoint), ["1 invalid-chunk", "2 invalid-chunk", "3 invalid-chunk"]],
    ["another chunk", wrongIndex(checkpoint), ["1 invalid-chunk", "2 invalid-chunk", "3 invalid-chunk"]],
    ["no chunk any more", prunes, []],
    ["silence", silent, []],
  ];

  it.each(LIES)("with %s cost bounded work, and the one honest source is enough", async (_, lie, faults) => {
    const world = new TransferWorld();
    for (const peer of [1, 2, 3]) {
      world.peer(peer, lie);
      world.offer(peer, checkpoint);
    }
    world.peer(4, honest(checkpoint));
    world.offer(4, checkpoint);
    // A lie that is seen costs no patience.
    await world.run(lie === silent ? 4 * PATIENCE_TICKS : 4);
    world.check(checkpoint);
    expect(world.faults).toEqual(faults);
    expect(world.asks.length).toBeLessThanOrEqual(400 + 3 * (WINDOW_CHUNKS + 2));
    // Who lied is not asked again, and not listened to.
    if (faults.length > 0) {
      const asked = world.asks.filter(({ peer }) => peer < 4).length;
      expect(asked).toBeLessThanOrEqual(3 * WINDOW_CHUNKS);
      world.offer(1, new Checkpoint(90, 3));
      expect(world.verified).toBe(1);
    }
  });

  it("that answer now and then hold nothing up", async () => {
    const world = new TransferWorld();
    let heldUp: Ask[] = [];
    for (const peer of [1, 2, 3]) {
      world.peer(peer, (_, ask) => void heldUp.push(ask));
      world.offer(peer, checkpoint);
    }
    world.peer(4, honest(checkpoint));
    world.offer(4, checkpoint);
    let ticks = 0;
    for (; world.completed.length === 0 && ticks < 1000; ticks++) {
      await world.run(1);
      if (ticks % (PATIENCE_TICKS - 1) === 0) {
        for (const peer of [1, 2, 3]) {
          const ask = heldUp.find((one) => one.peer === peer);
          heldUp = heldUp.filter((one) => one !== ask);
          if (ask !== undefined) world.give(peer, checkpoint, ask.index);
        }
      }
    }
    world.check(checkpoint);
    expect(ticks).toBeLessThan(4 * PATIENCE_TICKS);
  });

  it("offer what nobody certified, or another cluster did: refused before anything is asked or stored", async () => {
    const world = new TransferWorld();
    const other = new Checkpoint(8, 5, "another cluster");
    const good = new Checkpoint(8, 5);
    world.offer(1, other);
    world.offer(2, { summary: good.summary, certificate: utf8("no certificate") });
    world.offer(3, { summary: new Checkpoint(9, 5).summary, certificate: good.certificate });
    world.offer(4, { summary: good.summary.slice(1), certificate: good.certificate });
    expect(world.faults).toEqual([1, 2, 3, 4].map((peer) => `${peer} invalid-checkpoint`));
    expect(world.progress).toBeUndefined();
    await world.run(50);
    expect(world.asks).toEqual([]);
    expect(world.disk.writes).toBe(0);
    // Nobody is to have more than one certificate checked in vain.
    for (let time = 0; time < 20; time++) world.offer(1, new Checkpoint(10 + time, 5, "another cluster"));
    expect(world.verified).toBe(3);
  });

  it("offer a known state with another certificate: nobody is given that", async () => {
    const world = new TransferWorld();
    world.peer(1, prunes);
    world.offer(1, new Checkpoint(16, 100));
    world.peer(3, honest(checkpoint));
    world.offer(3, checkpoint);
    // Its summary is known: its certificate is not looked at.
    world.offer(2, { summary: checkpoint.summary, certificate: utf8("no certificate") });
    await world.run(3 * FIRST_SWITCH_TICKS);
    world.check(checkpoint);
    expect(world.completed.map(({ certificate }) => certificate)).toEqual([checkpoint.certificate]);
  });

  it("offer the latest and do not have it: the next best is fetched", async () => {
    const world = new TransferWorld();
    world.peer(1, prunes);
    world.offer(1, new Checkpoint(16, 100));
    world.peer(2, honest(checkpoint));
    world.offer(2, checkpoint);
    expect(world.progress?.round).toBe(16);
    await world.run(3 * PATIENCE_TICKS);
    world.check(checkpoint);
  });

  it("send what nobody asked for: it is checked, taken when it is good, and what has no room is dropped", async () => {
    const world = new TransferWorld();
    const large = new Checkpoint(8, 2 * MAX_CHUNKS_UNDER_WAY);
    world.peer(1, honest(large));
    world.offer(1, large);
    world.disk.isStuck = true;
    for (const index of range(2 * MAX_CHUNKS_UNDER_WAY)) world.give(2, large, index);
    expect(world.progress?.chunks).toBe(MAX_CHUNKS_UNDER_WAY);
    world.transfer.chunk(3, { round: 9, index: 0, bytes: utf8("x"), path: [] });
    expect(world.faults).toEqual([]);
    world.disk.release();
    await world.transfer.settled();
    world.transfer.chunk(3, { round: 8, index: 10_000, bytes: utf8("x"), path: [] });
    expect(world.faults).toEqual(["3 invalid-chunk"]);
    await world.run(10 * PATIENCE_TICKS);
    world.check(large);
  });
});

describe("a disk that does not keep up", () => {
  it("holds the asking back", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 2000);
    for (const peer of range(9)) {
      world.peer(peer, honest(checkpoint));
      world.offer(peer, checkpoint);
    }
    world.disk.isStuck = true;
    while (world.step());
    expect(world.asks).toHaveLength(MAX_CHUNKS_UNDER_WAY);
    world.disk.release();
    await world.run(20);
    world.check(checkpoint);
    expect(world.asks).toHaveLength(2000);
  });

  it("is waited for, also when the last chunks come while others are written", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 100);
    world.offer(1, checkpoint);
    await world.transfer.settled();
    world.disk.isStuck = true;
    for (const index of range(70)) world.give(1, checkpoint, index);
    await Promise.resolve();
    for (const index of range(100)) world.give(1, checkpoint, index);
    world.disk.release();
    await world.run(1);
    world.check(checkpoint);
    expect(world.fatal).toEqual([]);
  });

  it("that fails at once stops the asking", async () => {
    const world = new TransferWorld();
    world.disk.failsAfter = 0;
    const checkpoint = new Checkpoint(8, 500);
    world.offer(1, checkpoint);
    await world.transfer.settled();
    world.give(1, checkpoint, 0);
    expect(world.asks).toHaveLength(WINDOW_CHUNKS);
  });

  it("that fails stops the transfer, and the host hears of it", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 500);
    world.peer(1, honest(checkpoint));
    world.disk.failsAfter = 3;
    world.offer(1, checkpoint);
    await world.run(5);
    expect(world.fatal).toHaveLength(1);
    expect(world.completed).toEqual([]);
    const asks = world.asks.length;
    await world.run(50);
    expect(world.asks).toHaveLength(asks);
  });
});

describe("a restart", () => {
  it("at any point goes on from what was stored, and asks for nothing of that again", async () => {
    const checkpoint = new Checkpoint(8, 1100);
    const whole = new TransferWorld();
    whole.peer(1, honest(checkpoint));
    whole.offer(1, checkpoint);
    await whole.run(50);
    expect(whole.disk.writes).toBeGreaterThan(20);
    for (const failsAfter of range(whole.disk.writes + 1)) {
      const world = new TransferWorld(new Disk());
      world.peer(1, honest(checkpoint));
      world.disk.failsAfter = failsAfter;
      world.offer(1, checkpoint);
      await world.run(50);
      world.disk.failsAfter = Infinity;
      world.completed.length = 0;
      const before = world.asks.length;
      const isBegun = failsAfter > 0;
      world.start();
      const stored = world.progress?.chunks ?? 0;
      expect(stored).toBeLessThanOrEqual(world.disk.chunks.size);
      // At most one save is not known to be stored.
      expect(world.disk.chunks.size - stored).toBeLessThanOrEqual(MAX_CHUNKS_UNDER_WAY);
      expect(world.progress === undefined).toBe(!isBegun);
      world.offer(1, checkpoint);
      await world.run(50);
      world.check(checkpoint);
      const again = world.asks.slice(before);
      expect(again).toHaveLength(1100 - stored);
      expect(world.completed).toHaveLength(1);
    }
  });

  it("when all was there completes by itself", async () => {
    const checkpoint = new Checkpoint(8, 100);
    const world = new TransferWorld();
    world.peer(1, honest(checkpoint));
    world.offer(1, checkpoint);
    await world.run(5);
    world.completed.length = 0;
    world.start();
    world.transfer.tick();
    world.check(checkpoint);
    world.transfer.tick();
    expect(world.completed).toHaveLength(1);
  });

  it("goes on with the same checkpoint from those who offer a later one and still have it", async () => {
    const [early, late] = [new Checkpoint(8, 300), new Checkpoint(16, 300)];
    const world = new TransferWorld();
    world.peer(1, honest(early, late));
    world.offer(1, early);
    for (let time = 0; time < 200; time++) world.step();
    await world.transfer.settled();
    const before = world.asks.length;
    world.start();
    world.offer(1, late);
    await world.run(20);
    world.check(early);
    expect(world.asks.length - before).toBeLessThan(300 - 2 * CHUNKS_PER_SAVE);
  });

  it("asks all for an offer when nobody makes one", async () => {
    const world = new TransferWorld();
    world.offer(1, new Checkpoint(8, 300));
    await world.transfer.settled();
    world.start();
    await world.run(2 * PATIENCE_TICKS);
    expect(world.offersAsked).toEqual([...range(10), ...range(10)]);
  });

  it("finds a damaged record", async () => {
    for (const [name, bytes] of [
      ["transfer", utf8("damaged")],
      ["transfer/0", utf8("damaged")],
    ] as const) {
      const world = new TransferWorld();
      world.offer(1, new Checkpoint(8, 300));
      await world.transfer.settled();
      world.disk.metas.set(name, bytes);
      expect(() => world.start()).toThrow(InvariantError);
    }
  });

  it("of the peer: what it was asked for is asked again", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 100);
    world.peer(1, silent);
    world.offer(1, checkpoint);
    while (world.step());
    expect(world.asks).toHaveLength(WINDOW_CHUNKS);
    world.peer(1, honest(checkpoint));
    world.transfer.restarted(1);
    expect(world.withdrawn).toHaveLength(WINDOW_CHUNKS);
    await world.run(2);
    world.check(checkpoint);
    expect(world.asks).toHaveLength(100 + WINDOW_CHUNKS);
  });
});

describe("another checkpoint", () => {
  it("does not take the place of one that is under way, however often one comes", async () => {
    const world = new TransferWorld();
    const first = new Checkpoint(8, 1000);
    let given = 0;
    world.peer(1, (_, ask) => {
      given++;
      if (given % 10 === 0) world.offer(1, new Checkpoint(8 + given, 2));
      honest(first)(world, ask);
    });
    world.offer(1, first);
    await world.run(50);
    world.check(first);
    expect(world.asks).toHaveLength(1000);
  });

  it("does when the sources have pruned it, and nothing of the earlier one stays", async () => {
    const world = new TransferWorld();
    const [first, second] = [new Checkpoint(8, 300), new Checkpoint(16, 200)];
    world.peer(1, honest(first));
    world.offer(1, first);
    for (let time = 0; time < 100; time++) world.step();
    world.peer(1, honest(second));
    await world.run(1);
    expect(world.progress?.round).toBe(8);
    world.offer(1, second);
    await world.run(PATIENCE_TICKS + 10);
    world.check(second);
    world.start();
    expect(world.progress).toEqual({ round: 16, chunks: 200, chunkCount: 200 });
  });

  it("does at once, where the next is soon gone, too: whoever has a later one is asked for it", async () => {
    const world = new TransferWorld();
    const [first, second] = [new Checkpoint(8, 30), new Checkpoint(16, 20)];
    for (const peer of [1, 2]) {
      world.peer(peer, honest(second));
      world.offer(peer, first);
    }
    world.step();
    expect(world.offersAsked).toEqual([]);
    for (let time = 0; time < 20; time++) world.step();
    expect(new Set(world.offersAsked)).toEqual(new Set(Array.from({ length: 10 }, (_, peer) => peer)));
    expect(world.offersAsked).toHaveLength(10);
    world.offer(2, second);
    expect(world.progress?.round).toBe(16);
    // Before any time has passed.
    await world.run(1);
    world.check(second);
  });

  it("has none of the earlier one's chunks after a restart", async () => {
    const world = new TransferWorld();
    const [first, second] = [new Checkpoint(8, 300), new Checkpoint(16, 300)];
    world.peer(1, honest(first));
    world.offer(1, first);
    for (let time = 0; time < 100; time++) world.step();
    await world.transfer.settled();
    world.transfer.noChunk(1, { round: 8 });
    world.peer(1, silent);
    world.offer(1, second);
    await world.run(PATIENCE_TICKS + 1);
    world.start();
    expect(world.progress).toEqual({ round: 16, chunks: 0, chunkCount: 300 });
  });

  it("does when the sources are silent for long, twice as long each time", async () => {
    const world = new TransferWorld();
    world.peer(1, silent);
    world.offer(1, new Checkpoint(8, 30));
    const switches: number[] = [];
    let round = 8;
    for (let tick = 0; tick < 12 * FIRST_SWITCH_TICKS; tick++) {
      world.offer(1, new Checkpoint(9 + tick, 2));
      await world.run(1);
      const now = world.progress?.round ?? 0;
      if (now !== round) switches.push(tick);
      round = now;
    }
    expect(switches).toHaveLength(3);
    const [a = 0, b = 0, c = 0] = switches;
    expect(a).toBeGreaterThanOrEqual(FIRST_SWITCH_TICKS);
    expect(b - a).toBeGreaterThanOrEqual(2 * FIRST_SWITCH_TICKS);
    expect(c - b).toBeGreaterThanOrEqual(4 * FIRST_SWITCH_TICKS);
  });

  it("does not while one source is slow, and checkpoints follow each other fast: no latency is too long", async () => {
    const LATENCY_TICKS = 200;
    const world = new TransferWorld();
    const checkpoints = new Map<number, Checkpoint>();
    const due: { readonly at: number; readonly ask: Ask }[] = [];
    let tick = 0;
    world.peer(1, (_, ask) => void due.push({ at: tick + LATENCY_TICKS, ask }));
    for (; world.completed.length === 0 && tick < 20_000; tick++) {
      if (tick % 50 === 0) {
        const checkpoint = new Checkpoint(1 + tick, 20);
        checkpoints.set(checkpoint.round, checkpoint);
        world.offer(1, checkpoint);
      }
      await world.run(1);
      while ((due[0]?.at ?? Infinity) <= tick) {
        const ask = due.shift()?.ask;
        const checkpoint = checkpoints.get(ask?.round ?? 0);
        if (ask !== undefined && checkpoint !== undefined) world.give(1, checkpoint, ask.index);
      }
      await world.transfer.settled();
    }
    const checkpoint = checkpoints.get(world.completed[0]?.round ?? 0);
    if (checkpoint === undefined) throw new Error("never complete");
    world.check(checkpoint);
  });
});

describe("patience", () => {
  it("asks another when a source is silent, and the silent one ever more rarely", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 64);
    world.peer(1, silent);
    world.offer(1, checkpoint);
    world.peer(2, silent);
    await world.run(PATIENCE_TICKS - 1);
    expect(world.asks).toHaveLength(WINDOW_CHUNKS);
    world.offer(2, checkpoint);
    expect([...countOf(world.asks).values()].every((count) => count === 1)).toBe(true);
    world.peer(2, honest(checkpoint));
    await world.run(2);
    // What comes from the other is taken back from the silent one.
    expect(world.withdrawn.filter(({ peer }) => peer === 1).length).toBeGreaterThanOrEqual(WINDOW_CHUNKS);
    await world.run(2);
    world.check(checkpoint);
    const alone = new TransferWorld();
    alone.peer(1, silent);
    alone.offer(1, checkpoint);
    await alone.run(10 * MAX_PATIENCE_TICKS);
    expect(alone.asks.length).toBeLessThan(WINDOW_CHUNKS + 15);
    expect(alone.asks.length).toBeGreaterThan(WINDOW_CHUNKS + 8);
  });

  it("takes an answer however late", async () => {
    const world = new TransferWorld();
    const checkpoint = new Checkpoint(8, 10);
    world.peer(1, silent);
    world.offer(1, checkpoint);
    await world.run(50 * MAX_PATIENCE_TICKS);
    for (const index of range(10)) world.give(1, checkpoint, index);
    await world.transfer.settled();
    world.check(checkpoint);
  });
});

it("names for pruning what is to stay", async () => {
  const world = new TransferWorld();
  const checkpoint = new Checkpoint(8, 200);
  expect(world.transfer.keepChunks).toHaveLength(0);
  world.peer(1, honest(checkpoint));
  world.offer(1, checkpoint);
  for (let time = 0; time < 100; time++) world.step();
  expect(world.transfer.keepChunks).toHaveLength(3200);
  await world.transfer.settled();
  expect(world.transfer.keepChunks).toHaveLength(3200);
});
