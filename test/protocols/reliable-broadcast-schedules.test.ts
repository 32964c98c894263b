/** Reliable broadcast under thousands of random schedules and random corrupted parties; and what it costs. */
import { describe, expect, test } from "vitest";
import { toHex } from "../../src/core/bytes.js";
import { type Group, structureGroup, thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import { presetNamed } from "../../src/core/presets.js";
import { Random } from "../../src/sim/random.js";
import { type Scheduler, lastInFirstOut, randomOrder, starving } from "../../src/sim/network.js";
import {
  A,
  B,
  MODES,
  type ReliableNetwork,
  SENDER,
  type Spread,
  deliveredOf,
  network,
  spreadOf,
  treeSpread,
} from "./reliable-broadcast-network.js";

function fourByFour(): Group {
  const preset = presetNamed("4x4");
  if (preset === undefined) throw new RangeError("no preset 4x4");
  return structureGroup(preset);
}

interface Case {
  readonly name: string;
  readonly group: Group;
  /** A maximal set that has the sender, and one that has not. */
  readonly corrupted: { readonly withSender: readonly PartyId[]; readonly withoutSender: readonly PartyId[] };
  readonly runs: number;
}

const CASES: readonly Case[] = [
  {
    name: "n=4",
    group: thresholdGroup({ n: 4, byzantine: 1 }),
    corrupted: { withSender: [0], withoutSender: [3] },
    runs: 400,
  },
  {
    name: "n=7",
    group: thresholdGroup({ n: 7, byzantine: 2 }),
    corrupted: { withSender: [0, 4], withoutSender: [2, 6] },
    runs: 200,
  },
  {
    name: "n=8, 1 Byzantine and 2 crashed",
    group: thresholdGroup({ n: 8, byzantine: 1, crash: 2 }),
    corrupted: { withSender: [0], withoutSender: [7] },
    runs: 120,
  },
  {
    // One site and one operating system.
    name: "4x4",
    group: fourByFour(),
    corrupted: { withSender: [0, 1, 2, 3, 4, 8, 12], withoutSender: [5, 9, 12, 13, 14, 15, 1] },
    runs: 40,
  },
];

/** Delays of one party's or one pair's messages, or none. */
function schedulerOf(random: Random, group: Group): Scheduler {
  const [late, other] = [random.pick(group.parties), random.pick(group.parties)];
  return random.pick([
    randomOrder,
    lastInFirstOut,
    starving(({ from }) => from === late),
    starving(({ to }) => to === late),
    starving(({ from, to }) => from === late || to === other),
  ]);
}

/** Each corrupted party says to each other one some of what it could say about some of `spreads`, and sometimes rubbish. */
function attack(net: ReliableNetwork, spreads: readonly Spread[], corrupted: readonly PartyId[], random: Random): void {
  const [zeal, favourite] = [random.below(10) / 10, random.pick(spreads)];
  for (const from of corrupted) {
    for (const to of net.running) {
      for (let said = 0; said < 2; said++) {
        const spread = random.chance(0.5) ? favourite : random.pick(spreads);
        if (from === SENDER && random.chance(0.8)) net.say(from, to, { kind: "send", piece: spread.piece(to) });
        if (random.chance(zeal)) net.say(from, to, { kind: "echo", piece: spread.piece(from) });
        if (random.chance(zeal)) net.say(from, to, { kind: "ready", root: spread.root });
        if (random.chance(0.05)) net.post(from, to, { tag: net.tag, body: random.bytes(random.below(40)) });
      }
    }
  }
}

/** Agreement, totality, integrity, and that nobody accuses the honest. */
function check(net: ReliableNetwork, corrupted: readonly PartyId[], context: string): boolean {
  const [first = [], ...others] = deliveredOf(net);
  expect(first.length, context).toBeLessThanOrEqual(1);
  for (const delivered of others) expect(delivered, context).toEqual(first);
  for (const { party } of net.accusations) expect(corrupted, context).toContain(party);
  return first.length === 1;
}

describe.each(CASES)("$name", ({ group, corrupted, runs }) => {
  test.each(MODES)("%s: a corrupted sender has all deliver the same, or none", (mode) => {
    let delivering = 0;
    for (let seed = 1; seed <= runs; seed++) {
      const random = new Random(seed);
      const scripted = corrupted.withSender;
      const net = network(mode, { group, seed, scripted, scheduler: schedulerOf(random, group) });
      const [a, b] = [spreadOf(net, mode, A), spreadOf(net, mode, B)];
      // Fragments of both, and of none.
      const mixed = treeSpread(
        net,
        group.parties.map((party) => (random.chance(0.5) ? a : b).piece(party).bytes),
      );
      const spreads = mode === "full" || random.chance(0.5) ? [a, b] : [a, mixed];
      attack(net, random.chance(0.3) ? [a] : spreads, scripted, random);
      net.run();
      if (check(net, scripted, `seed ${seed}`)) delivering++;
    }
    // The attacks are neither mere noise, nor so weak that it always works.
    expect(delivering).toBeGreaterThan(runs / 10);
    expect(delivering).toBeLessThan(runs);
  });

  test.each(MODES)("%s: an honest sender has all deliver, whatever the corrupted say", (mode) => {
    for (let seed = 1; seed <= runs; seed++) {
      const random = new Random(seed);
      const scripted = corrupted.withoutSender;
      const net = network(mode, { group, seed, scripted, scheduler: schedulerOf(random, group) });
      attack(net, [spreadOf(net, mode, A), spreadOf(net, mode, B)], scripted, random);
      net.input(SENDER, A);
      net.run();
      check(net, scripted, `seed ${seed}`);
      expect(deliveredOf(net), `seed ${seed}`).toEqual(net.running.map(() => [A]));
    }
  });
});

test("crashes of as many as may crash, between any two messages, stop nobody else", () => {
  const group = thresholdGroup({ n: 8, byzantine: 1, crash: 2 });
  for (const mode of MODES) {
    for (let seed = 1; seed <= 100; seed++) {
      const random = new Random(seed);
      const crashAt = new Map([2, 5].map((party) => [party, random.below(20)]));
      const net = network(mode, {
        group,
        seed,
        scripted: [7],
        // A crashed party's messages from then on are lost.
        tamper: ({ from, envelope }) => {
          const left = crashAt.get(from) ?? Infinity;
          crashAt.set(from, left - 1);
          return left > 0 ? [envelope] : [];
        },
      });
      net.input(SENDER, A);
      net.run();
      for (const party of [0, 1, 3, 4, 6]) expect(net.outputsOf(party), `seed ${seed}`).toEqual([A]);
    }
  }
});

describe("a message of 100 KiB", () => {
  const message = Uint8Array.from({ length: 100 * 1024 }, (_, index) => (index * index) >>> 4);

  /** Messages and bytes between parties, with the tags; and what is delivered. */
  function costOf(mode: (typeof MODES)[number], n: number): { readonly messages: number; readonly sizeBytes: number } {
    const net = network(mode, { n, scheduler: () => 0 }, { fault: () => undefined, maxBytes: message.length });
    net.input(SENDER, message);
    net.run();
    for (const [delivered] of deliveredOf(net)) expect(delivered && toHex(delivered)).toBe(toHex(message));
    const sizeBytes = net.sent.reduce((sum, { envelope }) => sum + envelope.tag.length + envelope.body.length, 0);
    return { messages: net.sent.length, sizeBytes };
  }

  test.each([
    [4, 2],
    [16, 6],
  ])("costs n=%i parties 1/%i of the bytes when it is coded, and as many messages", (n, needed) => {
    const [full, coded] = [costOf("full", n), costOf("coded", n)];
    const messages = (n - 1) * (1 + 2 * n);
    expect(full.messages).toBe(messages);
    expect(coded.messages).toBe(messages);
    const copies = (n - 1) * (1 + n);
    expect(full.sizeBytes).toBeGreaterThan(copies * message.length);
    expect(full.sizeBytes).toBeLessThan(copies * message.length + 50 * messages);
    expect(coded.sizeBytes).toBeLessThan((copies * message.length) / needed + 200 * messages);
  });
});
