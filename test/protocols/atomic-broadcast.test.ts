/** Atomic broadcast: its properties, how rounds wake and fall silent, and how a party that is behind catches up. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { type Value, encode } from "../../src/core/codec.js";
import type { Envelope } from "../../src/core/envelope.js";
import { structureGroup, thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import { statement } from "../../src/core/engine.js";
import {
  type AtomicBroadcastOptions,
  AtomicBroadcastOptionsError,
  type AtomicBroadcastState,
  type DeliveredRound,
  MAX_INLINE_PAYLOAD_BYTES,
  atomicBroadcast,
  encodeSettings,
} from "../../src/protocols/atomic-broadcast/index.js";
import {
  QUEUE,
  entryBody,
  entryBytes,
  greatestEntryBytes,
  queueEntryCodec,
  queueVectorCodec,
} from "../../src/protocols/atomic-broadcast/messages.js";
import { consistentBroadcastMessageCodec } from "../../src/protocols/consistent-broadcast/index.js";
import { evidenceCheckOf, verifyEvidence } from "../../src/protocols/index.js";
import { MAX_PARALLEL } from "../../src/protocols/multivalued-agreement/index.js";
import { CLUSTER, Network, type NetworkOptions, lastInFirstOut, randomOrder, starving } from "../../src/sim/network.js";

type ChannelNetwork = Network<DeliveredRound, AtomicBroadcastState>;

/** A payload starts with "o"; any other is invalid. */
const payload = (name: string | number): Uint8Array => utf8(`ok ${name}`);
const INVALID = utf8("no");

const isOk = (bytes: Uint8Array): boolean => bytes[0] === "o".charCodeAt(0);

const DEFAULTS: AtomicBroadcastOptions = {
  vectorSize: 3,
  maxEntryPayloads: 16,
  maxEntryBytes: 16 * 1024,
  maxPayloads: 100,
  maxPayloadsPerPeer: 100,
  maxEarlyBytes: 1_000_000,
  speakFrom: 0,
  order: "fixed",
  isValid: isOk,
};

function network(
  options: NetworkOptions = {},
  changes: Partial<AtomicBroadcastOptions> = {},
  channels = ["abc"],
): ChannelNetwork {
  const channel = atomicBroadcast({ ...DEFAULTS, ...changes });
  return new Network(options, () => Object.fromEntries(channels.map((tag) => [tag, channel])));
}

function submit(net: ChannelNetwork, party: PartyId, bytes: Uint8Array, channel = "abc"): void {
  net.step(party, { kind: "submit", channel, payload: bytes });
}

/** Everything that a party delivered, in order. */
function logOf(net: ChannelNetwork, party: PartyId, channel = "abc"): readonly string[] {
  return net.effects.flatMap(({ party: by, effect }) =>
    by === party && effect.kind === "output" && effect.channel === channel
      ? effect.value.payloads.map((bytes) => new TextDecoder().decode(bytes))
      : [],
  );
}

function expectSameLogs(net: ChannelNetwork, size: number): readonly string[] {
  const [first = [], ...others] = net.running.map((party) => logOf(net, party));
  for (const log of others) expect(log).toEqual(first);
  expect(new Set(first).size).toBe(first.length);
  expect(first).toHaveLength(size);
  expect(net.accusations.filter(({ party }) => net.running.includes(party))).toEqual([]);
  for (const party of net.running) expect(net.inspect(party, "abc").queueLength).toBe(0);
  return first;
}

/** A queue entry of `party` for round `round`, signed with its key. */
function entry(
  net: ChannelNetwork,
  party: PartyId,
  round: number,
  payloads: readonly Uint8Array[],
): Value<typeof queueEntryCodec> {
  const content = { clock: 0, payloads };
  const signature = net.suite(party).sign(statement(CLUSTER, `abc/${round}`, QUEUE, entryBody(content)));
  return { ...content, signature };
}

function tellEntry(
  net: ChannelNetwork,
  from: PartyId,
  to: PartyId,
  round: number,
  payloads: readonly Uint8Array[],
): void {
  net.deliver(from, to, { tag: `abc/${round}`, body: encode(queueEntryCodec, entry(net, from, round, payloads)) });
}

function entriesOf(net: ChannelNetwork, party: PartyId, round: number): readonly (readonly string[])[] {
  const to = party === 0 ? 1 : 0;
  return net
    .said(party, `abc/${round}`, queueEntryCodec, to)
    .map(({ payloads }) => payloads.map((bytes) => new TextDecoder().decode(bytes)));
}

describe("all honest", () => {
  test("deliver everything submitted, once, in the same order, under any schedule, for any c", () => {
    const schedulers = [
      randomOrder,
      lastInFirstOut,
      starving(({ to }) => to === 1),
      starving(({ from }) => from === 2),
      starving(({ envelope }) => envelope.tag.endsWith("/1")),
    ];
    for (const [index, scheduler] of schedulers.entries()) {
      for (const vectorSize of [2, 3]) {
        for (const order of ["fixed", "random"] as const) {
          for (let seed = 1; seed <= 3; seed++) {
            const net = network(
              { seed: 10 * index + seed, scheduler, serves: true },
              { vectorSize, order, maxEntryPayloads: 2 },
            );
            for (let count = 0; count < 6; count++) submit(net, count % 4, payload(count));
            submit(net, 1, payload(0));
            net.run();
            expectSameLogs(net, 6);
          }
        }
      }
    }
  });

  test("do nothing when there is nothing to order, at the start and after", () => {
    const net = network();
    expect(net.sent).toEqual([]);
    submit(net, 0, payload("a"));
    net.run();
    expectSameLogs(net, 1);
    // Round 2 has begun at nobody.
    expect(net.sent.filter(({ envelope }) => envelope.tag.startsWith("abc/2"))).toEqual([]);
  });

  test("with one party alone", () => {
    const net = network({ n: 1 }, { vectorSize: 1 });
    for (const name of ["a", "b"]) submit(net, 0, payload(name));
    net.run();
    expectSameLogs(net, 2);
  });

  test("keep channels apart", () => {
    const net = network({ seed: 4 }, {}, ["abc", "other"]);
    submit(net, 0, payload("a"));
    submit(net, 1, payload("b"), "other");
    submit(net, 2, payload("a"), "other");
    net.run();
    for (const party of net.running) {
      expect(logOf(net, party)).toEqual(["ok a"]);
      expect([...logOf(net, party, "other")].sort()).toEqual(["ok a", "ok b"]);
    }
    expect(net.accusations).toEqual([]);
  });

  test("with silent parties, corrupted or crashed", () => {
    for (const vectorSize of [3, 4]) {
      const net = network(
        { group: thresholdGroup({ n: 6, byzantine: 1, crash: 1 }), scripted: [1, 5] },
        { vectorSize },
      );
      for (let count = 0; count < 5; count++) submit(net, count % 2 === 0 ? 0 : 3, payload(count));
      net.run();
      expectSameLogs(net, 5);
    }
  });
});

describe("fairness", () => {
  test("what n-c+1 honest parties sign in a round is delivered in it", () => {
    for (let seed = 1; seed <= 30; seed++) {
      for (const vectorSize of [2, 3]) {
        const net = network(
          { seed, scheduler: starving(({ from }) => from === seed % 4) },
          { vectorSize, maxEntryPayloads: 2 },
        );
        for (const party of net.running.slice(0, 4 - vectorSize + 1)) submit(net, party, payload("fair"));
        for (const party of net.running)
          for (let count = 0; count < 3; count++) submit(net, party, payload(`${party}/${count}`));
        net.run();
        const first = net.outputsOf(0)[0];
        expect(first?.payloads.map(String)).toContain(String(payload("fair")));
      }
    }
  });

  test("a payload handed to one party is delivered although others have always more", () => {
    const net = network(
      { seed: 2, scheduler: starving(({ from }) => from === 0), serves: true },
      { vectorSize: 2, maxEntryPayloads: 1 },
    );
    submit(net, 0, payload("alone"));
    for (let count = 0; count < 20; count++)
      for (const party of [1, 2, 3]) submit(net, party, payload(`${party}/${count}`));
    net.run();
    expect(expectSameLogs(net, 61)).toContain("ok alone");
  });
});

describe("waking", () => {
  test("a valid entry of another party wakes whoever sees it, with an entry that has the payload", () => {
    const net = network({ scripted: [3] });
    tellEntry(net, 3, 0, 1, [payload("a"), payload("b")]);
    expect(entriesOf(net, 0, 1)).toEqual([["ok a", "ok b"]]);
    net.run();
    expect(expectSameLogs(net, 2)).toEqual(["ok a", "ok b"]);
  });

  test("also when peers have no quota in the queue, or have used it up", () => {
    const none = network({ scripted: [3] }, { maxPayloadsPerPeer: 0 });
    tellEntry(none, 3, 0, 1, [payload("a"), payload("b")]);
    expect(entriesOf(none, 0, 1)).toEqual([["ok a"]]);
    const small = network({ scripted: [3] }, { maxPayloadsPerPeer: 1, maxEntryPayloads: 1 });
    for (const party of small.running) tellEntry(small, 3, party, 1, [payload(`first of ${party}`), payload("second")]);
    small.run();
    for (const party of small.running) expect(small.inspect(party, "abc").queueLength).toBe(0);
    expect(logOf(small, 1)).toEqual(logOf(small, 0));
  });

  test("nothing wakes on an invalid, empty, repeated, oversized or unsigned entry, and its sender is accused", () => {
    const net = network({ scripted: [3] });
    const big = Array.from({ length: 1 + Math.floor(greatestEntryBytes(3) / MAX_INLINE_PAYLOAD_BYTES) }, (_, index) => {
      const bytes = new Uint8Array(MAX_INLINE_PAYLOAD_BYTES).fill("o".charCodeAt(0));
      bytes[1] = index;
      return bytes;
    });
    for (const payloads of [[], [INVALID], [payload("a"), INVALID], [payload("a"), payload("a")], big])
      tellEntry(net, 3, 0, 1, payloads);
    const signatures = [
      entry(net, 3, 2, [payload("a")]).signature,
      entry(net, 2, 1, [payload("a")]).signature,
      entry(net, 3, 1, [payload("b")]).signature,
    ];
    for (const signature of signatures) {
      net.deliver(3, 0, {
        tag: "abc/1",
        body: encode(queueEntryCodec, { clock: 0, payloads: [payload("a")], signature }),
      });
    }
    const faults = net.faultsOf(3);
    expect(faults).toEqual([
      ...Array.from({ length: 5 }, () => "invalid-queue-entry"),
      "invalid-share",
      "invalid-share",
      "invalid-share",
    ]);
    expect(net.sent).toEqual([]);
    expect(net.inspect(0, "abc").queueLength).toBe(0);
    // A refused entry does not take the place of a valid one.
    tellEntry(net, 3, 0, 1, [payload("a")]);
    expect(entriesOf(net, 0, 1)).toEqual([["ok a"]]);
  });

  test("an entry costs no more checks after its first invalid payload", () => {
    let checked = 0;
    const isValid = (bytes: Uint8Array): boolean => {
      checked++;
      return isOk(bytes);
    };
    const net = network({ scripted: [3] }, { isValid });
    tellEntry(net, 3, 0, 1, [INVALID, ...Array.from({ length: 100 }, (_, index) => payload(index))]);
    expect(checked).toBe(1);
    expect(net.faultsOf(3)).toEqual(["invalid-queue-entry"]);
  });

  test("nothing wakes on what is delivered already", () => {
    const net = network({ scripted: [3] });
    submit(net, 0, payload("a"));
    net.run();
    const before = net.sent.length;
    tellEntry(net, 3, 0, 2, [payload("a")]);
    expect(net.faultsOf(3)).toEqual(["invalid-queue-entry"]);
    submit(net, 1, payload("a"));
    expect(net.sent).toHaveLength(before);
  });

  test("two different signed entries of a party convict it, sent or quoted", () => {
    const net = network({ scripted: [3] });
    tellEntry(net, 3, 0, 1, [payload("a")]);
    tellEntry(net, 3, 0, 1, [payload("a")]);
    expect(net.accusations).toEqual([]);
    tellEntry(net, 3, 0, 1, [payload("b")]);
    expect(net.faultsOf(3)).toEqual(["equivocation"]);

    // Party 3 tells the others something else; they quote it in their proposals.
    const quoted = network({ scripted: [3], seed: 2 }, { vectorSize: 2 });
    tellEntry(quoted, 3, 0, 1, [payload("a")]);
    tellEntry(quoted, 3, 1, 1, [payload("b")]);
    quoted.run();
    expect(quoted.accusations.map(({ party }) => party)).toContain(3);
    expectSameLogs(quoted, 2);
    expect(quoted.evidence).not.toEqual([]);
    for (const { evidence, suites } of [net, quoted]) {
      const [suite] = suites;
      if (suite === undefined) throw new Error("no suite");
      for (const one of evidence) {
        expect(one).toMatchObject({ party: 3, tag: "abc/1", purpose: QUEUE });
        expect(verifyEvidence(one, evidenceCheckOf(CLUSTER, suite))).toEqual({ valid: true });
      }
    }
  });

  test("of a second entry that is not signed, nobody else is told; of the first that is, once", () => {
    const net = network({ scripted: [3] });
    tellEntry(net, 3, 0, 1, [payload("a")]);
    const unsigned = { clock: 0, payloads: [payload("b")], signature: new Uint8Array(16) };
    net.deliver(3, 0, { tag: "abc/1", body: encode(queueEntryCodec, unsigned) });
    expect(net.faultsOf(3)).toEqual(["equivocation"]);
    expect(net.evidence).toEqual([]);
    for (const name of ["c", "d"]) tellEntry(net, 3, 0, 1, [payload(name)]);
    expect(net.evidence).toHaveLength(1);
    const body = net.evidence[0]?.second.body ?? new Uint8Array(0);
    expect(body).toEqual(entryBody({ clock: 0, payloads: [payload("c")] }));
  });
});

describe("proposals", () => {
  /** Party 3 proposes `vector`; whether party 0 signs it. */
  const signs = (
    make: (net: ChannelNetwork) => Value<typeof queueVectorCodec>,
    round = 1,
    knows: (net: ChannelNetwork) => void = () => undefined,
  ): boolean => {
    const net = network({ scripted: [1, 2, 3] });
    knows(net);
    const message = encode(queueVectorCodec, make(net));
    net.deliver(3, 0, {
      tag: `abc/${round}/mvba/proposal/3`,
      body: encode(consistentBroadcastMessageCodec, { kind: "send", message }),
    });
    const said = net.said(0, `abc/${round}/mvba/proposal/3`, consistentBroadcastMessageCodec);
    expect(net.faultsOf(3)).toEqual(said.length === 0 ? ["invalid-proposal"] : []);
    return said.length > 0;
  };
  const of = (
    net: ChannelNetwork,
    party: PartyId,
    round = 1,
    payloads = [payload(party)],
  ): Value<typeof queueVectorCodec>[number] => ({
    party,
    ...entry(net, party, round, payloads),
  });

  test("are signed when they hold c entries, each signed for this round and valid", () => {
    expect(signs((net) => [of(net, 1), of(net, 2), of(net, 3)])).toBe(true);
    // Two parties may have the same payload.
    expect(signs((net) => [of(net, 1), of(net, 2, 1, [payload(1)]), of(net, 3)])).toBe(true);
  });

  test("are not signed otherwise", () => {
    expect(signs((net) => [of(net, 1), of(net, 2)])).toBe(false);
    expect(signs((net) => [of(net, 0), of(net, 1), of(net, 2), of(net, 3)])).toBe(false);
    expect(signs((net) => [of(net, 1), of(net, 1), of(net, 2)])).toBe(false);
    expect(signs((net) => [of(net, 2), of(net, 1), of(net, 3)])).toBe(false);
    expect(signs((net) => [of(net, 1), of(net, 2), of(net, 3, 2)])).toBe(false);
    expect(signs((net) => [of(net, 1), of(net, 2), { ...of(net, 3), signature: of(net, 2).signature }])).toBe(false);
    expect(signs((net) => [of(net, 1), of(net, 2), { ...of(net, 3), party: 9 }])).toBe(false);
    expect(signs((net) => [of(net, 1), of(net, 2), of(net, 3, 1, [INVALID])])).toBe(false);
    expect(signs((net) => [of(net, 1), of(net, 2), of(net, 3, 1, [])])).toBe(false);
  });

  test("that show an own entry which this party has not signed stop it: its store is not the latest", () => {
    for (const knows of [() => undefined, (net: ChannelNetwork) => submit(net, 0, payload("other"))])
      expect(() => signs((net) => [of(net, 0), of(net, 1), of(net, 2)], 1, knows)).toThrow(
        /a peer shows a signature of ours that we lack/,
      );
    const knows = (net: ChannelNetwork): void => submit(net, 0, payload(0));
    expect(signs((net) => [of(net, 0), of(net, 1), of(net, 2)], 1, knows)).toBe(true);
    // That nobody has signed proves nothing.
    const forged = (net: ChannelNetwork) => ({ ...of(net, 0), signature: of(net, 1).signature });
    expect(signs((net) => [forged(net), of(net, 1), of(net, 2)])).toBe(false);
  });

  test("are judged alike when an entry is known already", () => {
    const knows = (net: ChannelNetwork): void => tellEntry(net, 2, 0, 1, [payload(2)]);
    expect(signs((net) => [of(net, 1), of(net, 2), of(net, 3)], 1, knows)).toBe(true);
    // Nobody else might know it: the signature must convince by itself.
    const unsigned = (net: ChannelNetwork) => ({ ...of(net, 2), signature: of(net, 1).signature });
    expect(signs((net) => [of(net, 1), unsigned(net), of(net, 3)], 1, knows)).toBe(false);
  });
});

describe("in a structure that is no threshold, with vectors of a quorum", () => {
  /** Of 16 in all, 5 may be Byzantine: a quorum weighs 11. */
  const WEIGHTS = [4, 3, 3, 2, 2, 1, 1];
  const group = structureGroup({ n: 7, byzantine: { kind: "weights", weights: WEIGHTS, max: 5 } });
  const quorum = { vectorSize: "quorum" } as const;

  test("parties that are no quorum's complement may be silent, under any schedule", () => {
    for (const scripted of [[], [0, 6], [1, 4], [3, 5, 6]]) {
      for (const order of ["fixed", "random"] as const) {
        for (let seed = 1; seed <= 2; seed++) {
          const net = network({ group, seed, scripted, serves: true }, { ...quorum, order, maxEntryPayloads: 2 });
          for (let count = 0; count < 5; count++) submit(net, net.running[count % 4] ?? 0, payload(count));
          net.run();
          expectSameLogs(net, 5);
        }
      }
    }
  });

  test("without a quorum nothing is proposed, whatever the number of entries", () => {
    // Five of seven, of weight 9.
    const net = network({ group, scripted: [0, 2] }, quorum);
    for (const party of net.running) submit(net, party, payload(party));
    net.run();
    for (const party of net.running) {
      expect(entriesOf(net, party, 1)).toHaveLength(1);
      expect(net.sent.some(({ envelope }) => envelope.tag === `abc/1/mvba/proposal/${party}`)).toBe(false);
    }
    // Party 2 makes it 12.
    tellEntry(net, 2, 1, 1, [payload(2)]);
    expect(net.sent.some(({ envelope }) => envelope.tag === "abc/1/mvba/proposal/1")).toBe(true);
  });

  /** What party 0 says to the proposal of entries of these parties. */
  const signs = (...parties: readonly PartyId[]): boolean => {
    const net = network({ group, scripted: [1, 2, 3, 4, 5, 6] }, quorum);
    // Else its own entry would be news to it.
    submit(net, 0, payload(0));
    const vector = parties.map((party) => {
      const { clock, payloads, signature } = entry(net, party % 7, 1, [payload(party)]);
      return { party, clock, payloads, signature };
    });
    const message = encode(consistentBroadcastMessageCodec, {
      kind: "send",
      message: encode(queueVectorCodec, vector),
    });
    net.deliver(3, 0, { tag: "abc/1/mvba/proposal/3", body: message });
    const said = net.said(0, "abc/1/mvba/proposal/3", consistentBroadcastMessageCodec);
    expect(net.faultsOf(3)).toEqual(said.length === 0 ? ["invalid-proposal"] : []);
    return said.length > 0;
  };

  test("proposals are signed when their parties are a quorum, few or many", () => {
    expect(signs(0, 1, 2, 5)).toBe(true);
    expect(signs(1, 2, 3, 4, 6)).toBe(true);
    expect(signs(0, 1, 2, 3, 4, 5, 6)).toBe(true);
  });

  test("proposals are not signed when they are none, or named twice, or out of order, or nobody", () => {
    expect(signs(0, 1, 2)).toBe(false);
    expect(signs(1, 3, 4, 5, 6)).toBe(false);
    expect(signs(0, 1, 1, 2)).toBe(false);
    expect(signs(0, 1, 2, 2, 5)).toBe(false);
    expect(signs(0, 2, 1, 5)).toBe(false);
    expect(signs(0, 1, 2, 12)).toBe(false);
    expect(signs()).toBe(false);
  });

  test("what honest parties sign that meet every quorum is delivered in the round", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const net = network({ group, seed, scheduler: starving(({ from }) => from === seed % 7) }, quorum);
      // Of weight 6, so that the others are no quorum.
      for (const party of [1, 2]) submit(net, party, payload("fair"));
      for (const party of net.running) submit(net, party, payload(party));
      net.run();
      expect(net.outputsOf(0)[0]?.payloads.map(String)).toContain(String(payload("fair")));
    }
  });

  test("entries have room in a vector of all parties", () => {
    const entryOf = (count: number) =>
      Array.from({ length: count }, (_, index) => {
        const bytes = new Uint8Array(MAX_INLINE_PAYLOAD_BYTES).fill("o".charCodeAt(0));
        bytes[1] = index;
        return bytes;
      });
    const fitting = Math.floor(greatestEntryBytes(7) / entryBytes(new Uint8Array(MAX_INLINE_PAYLOAD_BYTES)));
    expect(fitting).toBeLessThan(
      Math.floor(greatestEntryBytes(6) / entryBytes(new Uint8Array(MAX_INLINE_PAYLOAD_BYTES))),
    );
    const net = network({ group, scripted: [3] }, quorum);
    tellEntry(net, 3, 0, 1, entryOf(fitting + 1));
    expect(net.faultsOf(3)).toEqual(["invalid-queue-entry"]);
    tellEntry(net, 3, 1, 1, entryOf(fitting));
    expect(net.faultsOf(3)).toEqual(["invalid-queue-entry"]);
    expect(entriesOf(net, 1, 1)).toHaveLength(1);

    const maxEntryBytes = greatestEntryBytes(7);
    expect(() => network({ group }, { ...quorum, maxEntryBytes })).not.toThrow();
    expect(() => network({ group }, { ...quorum, maxEntryBytes: maxEntryBytes + 1 })).toThrow("maxEntryBytes");
    const settings = encodeSettings({ ...DEFAULTS, maxEntryBytes: maxEntryBytes + 1 });
    expect(() => net.step(0, { kind: "configure", channel: "abc", settings })).toThrow("maxEntryBytes");
  });

  test("a number of entries is for thresholds, a quorum for all", () => {
    for (const vectorSize of [3, 5]) {
      expect(() => network({ group }, { vectorSize })).toThrow(AtomicBroadcastOptionsError);
    }
    const net = network({}, quorum);
    for (let count = 0; count < 4; count++) submit(net, count, payload(count));
    net.run();
    expectSameLogs(net, 4);
  });
});

describe("the order of delivery", () => {
  test("starts with another party in each round, so that none always comes first", () => {
    const firsts = new Set<string | undefined>();
    const net = network({ scheduler: (_, random) => random.below(1) });
    for (let round = 1; round <= 4; round++) {
      for (const party of net.running) submit(net, party, payload(`${round} of ${party}`));
      net.run();
      firsts.add(net.outputsOf(0).at(-1)?.payloads.map(String)[0]?.split(",").at(-1));
    }
    expect(firsts.size).toBeGreaterThan(1);
  });
});

/** The proofs of decided rounds that a party keeps. */
function archiveOf(net: ChannelNetwork, party: PartyId): readonly Envelope[] {
  return net.archive(party, "abc").map(({ envelope }) => envelope);
}

function asked(net: ChannelNetwork, kind: "askProofs" | "askRepeat", party: PartyId): readonly unknown[] {
  return net.effects.flatMap(({ party: by, effect }) => (by === party && effect.kind === kind ? [effect] : []));
}

/** A run of `rounds` rounds of parties 0, 1 and 2 while party 3 hears nothing. */
function runWithout3(rounds: number): ChannelNetwork {
  const net = network({ scripted: [3] });
  for (let round = 1; round <= rounds; round++) {
    submit(net, round % 3, payload(round));
    net.run();
  }
  return net;
}

describe("catching up", () => {
  test("from a single peer's proofs", () => {
    const others = runWithout3(5);
    const net = network({ scripted: [0, 1, 2] });
    for (const proof of archiveOf(others, 1)) net.deliver(1, 3, proof);
    expect(logOf(net, 3)).toEqual(logOf(others, 1));
    expect(net.accusations).toEqual([]);
    expect(net.inspect(3, "abc").round).toBe(6);
  });

  test("a hostile peer's proofs decide nothing", () => {
    const others = runWithout3(3);
    const [first, second] = archiveOf(others, 1);
    if (first === undefined || second === undefined) throw new Error("no proofs");
    const net = network({ scripted: [0, 1, 2] });
    net.deliver(1, 3, { ...second, tag: second.tag.replace("abc/2", "abc/1") });
    net.deliver(1, 3, {
      ...first,
      body: first.body.map((byte, index) => (index === first.body.length - 20 ? byte ^ 1 : byte)),
    });
    expect(logOf(net, 3)).toEqual([]);
    expect(net.faultsOf(1)).toHaveLength(2);
    net.deliver(1, 3, first);
    expect(logOf(net, 3)).toHaveLength(1);
  });

  test("whoever sees a later round asks that peer for proofs from its own round on", () => {
    const net = network({ scripted: [0, 1, 2] });
    net.deliver(1, 3, { tag: "abc/7/mvba", body: utf8("x") });
    expect(asked(net, "askProofs", 3)).toEqual([
      { kind: "askProofs", of: 1, channel: "abc", round: 1, decidedBelow: 7 },
    ]);
    const proofs = archiveOf(runWithout3(2), 0);
    for (const proof of proofs) net.deliver(0, 3, proof);
    expect(asked(net, "askProofs", 3).at(-1)).toEqual({
      kind: "askProofs",
      of: 1,
      channel: "abc",
      round: 3,
      decidedBelow: 7,
    });
    // An earlier round's messages are late, not wrong.
    net.deliver(1, 3, { tag: "abc/1/mvba", body: utf8("x") });
    expect(net.accusations).toEqual([]);
  });

  test("messages of the next round are kept and count when it begins", () => {
    const [proof] = archiveOf(runWithout3(1), 0);
    if (proof === undefined) throw new Error("no proof");
    const net = network({ scripted: [0, 1, 2] });
    tellEntry(net, 1, 3, 2, [payload("early")]);
    expect(net.sent).toEqual([]);
    net.deliver(0, 3, proof);
    expect(entriesOf(net, 3, 2)).toEqual([["ok early"]]);
    expect(asked(net, "askRepeat", 3)).toEqual([]);
  });

  test("what is dropped for lack of room, or of later rounds, is asked for again when its round begins, once", () => {
    const proofs = archiveOf(runWithout3(2), 0);
    const net = network({ scripted: [0, 1, 2] }, { maxEarlyBytes: 500 });
    for (let count = 0; count < 20; count++) net.deliver(1, 3, { tag: "abc/2", body: new Uint8Array(100) });
    net.deliver(2, 3, { tag: "abc/3", body: new Uint8Array(100) });
    expect(asked(net, "askRepeat", 3)).toEqual([]);
    const [first, second] = proofs;
    if (first === undefined || second === undefined) throw new Error("no proofs");
    net.deliver(0, 3, first);
    expect(asked(net, "askRepeat", 3)).toEqual([{ kind: "askRepeat", of: 1 }]);
    // Only what fitted was kept: the rest would all be found malformed.
    expect(net.faultsOf(1).length).toBeLessThanOrEqual(3);
    expect(net.faultsOf(1).length).toBeGreaterThan(0);
    net.deliver(0, 3, second);
    expect(asked(net, "askRepeat", 3)).toEqual([
      { kind: "askRepeat", of: 1 },
      { kind: "askRepeat", of: 2 },
    ]);
  });

  test("messages without content are not kept for nothing either", () => {
    const [proof] = archiveOf(runWithout3(1), 0);
    if (proof === undefined) throw new Error("no proof");
    const net = network({ scripted: [0, 1, 2] }, { maxEarlyBytes: 500 });
    for (let count = 0; count < 1000; count++) net.deliver(1, 3, { tag: "abc/2", body: new Uint8Array(0) });
    net.deliver(0, 3, proof);
    expect(net.faultsOf(1).length).toBeLessThanOrEqual(10);
  });

  test("the last decided round stays in the links, older ones are retired", () => {
    const net = runWithout3(3);
    const retired = net.effects.flatMap(({ party, effect }) =>
      party === 0 && effect.kind === "retire" ? [effect.tag] : [],
    );
    expect(retired).toEqual(["abc/1", "abc/2"]);
  });

  test("a party for which everything was late catches up while the others go on, and accuses nobody", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const net = network({ seed, scheduler: starving(({ to }) => to === 3), serves: true });
      for (let round = 1; round <= 4; round++) {
        submit(net, round % 3, payload(round));
        net.run(() => [0, 1, 2].every((party) => logOf(net, party).length === round));
      }
      net.run();
      expectSameLogs(net, 4);
    }
  });

  test("tags of no round are accused, the own channel takes no messages", () => {
    const net = network({ scripted: [3] });
    for (const tag of [
      "abc/x",
      "abc/mvba/1",
      "abc/1/mvba/nothing",
      "abc/1/nothing",
      "xyz/1",
      "abc/99999999999999999999",
    ]) {
      net.deliver(3, 0, { tag, body: utf8("x") });
    }
    net.deliver(3, 0, { tag: "abc", body: utf8("x") });
    expect(net.faultsOf(3)).toEqual([...Array.from({ length: 6 }, () => "unknown-instance"), "malformed-message"]);
  });
});

describe("bounds", () => {
  test("of the queue: own clients' payloads and each peer's have their own quota", () => {
    const net = network({ scripted: [2, 3] }, { maxPayloads: 2, maxPayloadsPerPeer: 3 });
    for (let count = 0; count < 5; count++) submit(net, 0, payload(count));
    expect(net.inspect(0, "abc")).toMatchObject({ queueLength: 2, room: 0 });
    for (const peer of [2, 3])
      tellEntry(
        net,
        peer,
        0,
        1,
        Array.from({ length: 10 }, (_, index) => payload(`${peer}/${index}`)),
      );
    expect(net.inspect(0, "abc").queueLength).toBe(2 + 3 + 3);
    submit(net, 0, INVALID);
    submit(net, 1, INVALID);
    expect(net.inspect(1, "abc").queueLength).toBe(0);
  });

  test("of an entry: payloads and bytes, and at least one payload", () => {
    const net = network({ scripted: [1, 2, 3] }, { maxEntryPayloads: 2, maxEntryBytes: 40 });
    submit(net, 0, utf8(`ok ${"x".repeat(100)}`));
    expect(entriesOf(net, 0, 1)[0]).toHaveLength(1);
    const many = network({ seed: 2, serves: true }, { maxEntryPayloads: 2, maxEntryBytes: 40 });
    for (let count = 0; count < 9; count++) submit(many, 0, payload(count));
    many.run();
    expectSameLogs(many, 9);
    for (let round = 1; round <= many.outputsOf(0).length; round++) {
      for (const party of many.running)
        for (const payloads of entriesOf(many, party, round)) expect(payloads.length).toBeLessThanOrEqual(2);
    }
  });

  test("of the options: c within t+1..n-t, entries that fit into a vector", () => {
    for (const vectorSize of [0, 1, 4, 5, 2.5])
      expect(() => network({}, { vectorSize }), `c=${vectorSize}`).toThrow(AtomicBroadcastOptionsError);
    for (const vectorSize of [2, 3]) expect(() => network({}, { vectorSize })).not.toThrow();
    const crashes = thresholdGroup({ n: 6, byzantine: 1, crash: 1 });
    for (const vectorSize of [2, 5])
      expect(() => network({ group: crashes }, { vectorSize })).toThrow(AtomicBroadcastOptionsError);
    expect(() => atomicBroadcast({ ...DEFAULTS, maxEntryBytes: greatestEntryBytes(3) + 1 })).toThrow("maxEntryBytes");
    for (const parallel of [0, 1.5, MAX_PARALLEL + 1])
      expect(() => atomicBroadcast({ ...DEFAULTS, parallel })).toThrow(AtomicBroadcastOptionsError);
    for (const maxEntryPayloads of [0, 4097])
      expect(() => atomicBroadcast({ ...DEFAULTS, maxEntryPayloads })).toThrow("maxEntryPayloads");
    expect(() => atomicBroadcast({ ...DEFAULTS, vectorSize: 40 })).toThrow("c=40");
  });

  test("the greatest payload fits", () => {
    const net = network({ n: 4 });
    const greatest = new Uint8Array(MAX_INLINE_PAYLOAD_BYTES).fill("o".charCodeAt(0));
    submit(net, 0, greatest);
    submit(net, 0, new Uint8Array(MAX_INLINE_PAYLOAD_BYTES + 1).fill("o".charCodeAt(0)));
    net.run();
    expectSameLogs(net, 1);
  });
});
