/** Reliable broadcast, of messages and of fragments: for each rule the attack that it stops. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { concat, toHex, utf8 } from "../../src/core/bytes.js";
import { EncodeError } from "../../src/core/codec.js";
import { thresholdGroup } from "../../src/core/group.js";
import { InvariantError } from "../../src/core/protocol.js";
import type { PartyId } from "../../src/core/party-set.js";
import { MAX_RELIABLE_BYTES, reliableBroadcast } from "../../src/protocols/reliable-broadcast/index.js";
import { encodeFragments } from "../../src/protocols/reliable-broadcast/reed-solomon.js";
import { Random } from "../../src/sim/random.js";
import { lastInFirstOut, randomOrder, starving } from "../../src/sim/network.js";
import {
  A,
  B,
  BAD,
  MAX_BYTES,
  MODES,
  type ReliableNetwork,
  SENDER,
  deliveredOf,
  type Spread,
  network,
  spreadOf,
  treeSpread,
} from "./reliable-broadcast-network.js";

/** Party `to`, alone among scripted parties, hears the echoes of `parties`. */
function echo(net: ReliableNetwork, spread: Spread, parties: readonly PartyId[], to: PartyId): void {
  for (const party of parties) net.tell(party, to, { kind: "echo", piece: spread.piece(party) });
}

function ready(net: ReliableNetwork, root: Uint8Array, parties: readonly PartyId[], to: PartyId): void {
  for (const party of parties) net.tell(party, to, { kind: "ready", root });
}

/** The roots for which `party` said that it is ready, each as often as it said so to party 0. */
function readiesOf(net: ReliableNetwork, party: PartyId): readonly string[] {
  return net.messages(party, 0).flatMap((said) => (said.kind === "ready" ? [toHex(said.root)] : []));
}

const LONER = 6;
const OTHERS = [0, 1, 2, 3, 4, 5];

describe.each(MODES)("reliable broadcast, %s", (mode) => {
  describe("of an honest sender", () => {
    test("is delivered once by all, under any schedule, and nobody is accused", () => {
      const schedulers = [
        randomOrder,
        lastInFirstOut,
        starving(({ to }) => to === 2),
        starving(({ from }) => from === 3),
      ];
      for (const scheduler of schedulers) {
        for (let seed = 1; seed <= 10; seed++) {
          const net = network(mode, { n: 7, seed, scheduler });
          net.input(SENDER, A);
          net.run();
          expect(deliveredOf(net)).toEqual(net.running.map(() => [A]));
          expect(net.accusations).toEqual([]);
        }
      }
    });

    test("is delivered although t parties are silent, and not without a quorum", () => {
      const net = network(mode, { n: 7, scripted: [5, 6] });
      net.input(SENDER, A);
      net.run();
      expect(deliveredOf(net)).toEqual(net.running.map(() => [A]));
      const silent = network(mode, { n: 7, scripted: [4, 5, 6] });
      silent.input(SENDER, A);
      silent.run();
      expect(deliveredOf(silent)).toEqual(silent.running.map(() => []));
    });

    test("may have any length up to the bound, and no more", () => {
      const random = new Random(1);
      for (const length of [1, 2, 3, MAX_BYTES - 1, MAX_BYTES]) {
        const message = concat(utf8("o"), random.bytes(length - 1));
        const net = network(mode, { n: 7, seed: length });
        net.input(SENDER, message);
        net.run();
        expect(deliveredOf(net)).toEqual(net.running.map(() => [message]));
      }
      const net = network(mode);
      expect(() => net.input(SENDER, new Uint8Array(MAX_BYTES + 1))).toThrow(EncodeError);
      expect(net.sent).toEqual([]);
    });

    test("may be empty", () => {
      const net = network(mode, {}, { fault: () => undefined });
      net.input(SENDER, new Uint8Array(0));
      net.run();
      expect(deliveredOf(net)).toEqual(net.running.map(() => [new Uint8Array(0)]));
    });

    test("is its message only, once", () => {
      const net = network(mode);
      expect(() => net.input(1, A)).toThrow(InvariantError);
      net.input(SENDER, A);
      expect(() => net.input(SENDER, B)).toThrow(InvariantError);
    });
  });

  describe("of a corrupted sender", () => {
    test("is delivered by all if by one, also by whom it told nothing", () => {
      for (let seed = 1; seed <= 20; seed++) {
        const net = network(mode, { seed, scripted: [SENDER] });
        const { root, piece } = spreadOf(net, mode, A);
        for (const party of [1, 2]) net.tell(SENDER, party, { kind: "send", piece: piece(party) });
        net.tell(SENDER, 1, { kind: "echo", piece: piece(SENDER) });
        net.tell(SENDER, 2, { kind: "ready", root });
        net.run();
        expect(deliveredOf(net)).toEqual([[A], [A], [A]]);
        expect(net.accusations).toEqual([]);
      }
    });

    test("is delivered on a broadcast quorum of echoes where that is less than a quorum", () => {
      const group = thresholdGroup({ n: 10, byzantine: 1 });
      const net = network(mode, { group, scripted: [SENDER] });
      const { root, piece } = spreadOf(net, mode, A);
      for (const party of [1, 2, 3, 4, 5]) net.say(SENDER, party, { kind: "send", piece: piece(party) });
      for (const party of net.running) net.say(SENDER, party, { kind: "echo", piece: piece(SENDER) });
      for (const party of net.running) net.say(SENDER, party, { kind: "ready", root });
      net.run();
      expect(deliveredOf(net)).toEqual(net.running.map(() => [A]));
    });

    test("gets no echo of what is known to violate the predicate", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const bad = spreadOf(net, mode, BAD);
      echo(net, bad, [1, 2, 3], LONER);
      expect(net.accusations).toEqual([]);
      net.tell(SENDER, LONER, { kind: "send", piece: bad.piece(LONER) });
      expect(net.faultsOf(SENDER)).toEqual(["invalid-proposal"]);
      echo(net, bad, [4, 5, 0], LONER);
      expect(net.messages(LONER)).toEqual([]);
      expect(net.faultsOf(SENDER)).toEqual(["invalid-proposal"]);
    });

    test("gets one echo of each party, and is accused of the second message", () => {
      const net = network(mode, { scripted: [SENDER] });
      const [a, b] = [spreadOf(net, mode, A), spreadOf(net, mode, B)];
      for (const { piece } of [a, b, a, b]) net.tell(SENDER, 1, { kind: "send", piece: piece(1) });
      expect(net.messages(1, 2)).toEqual([{ kind: "echo", piece: a.piece(1) }]);
      expect(net.faultsOf(SENDER, 1)).toEqual(["equivocation", "equivocation"]);
    });

    test("gets nothing delivered that violates the predicate, and is accused", () => {
      for (let seed = 1; seed <= 20; seed++) {
        const net = network(mode, { seed, scripted: [SENDER] });
        const { root, piece } = spreadOf(net, mode, BAD);
        for (const party of net.running) net.say(SENDER, party, { kind: "send", piece: piece(party) });
        for (const party of net.running) net.say(SENDER, party, { kind: "echo", piece: piece(SENDER) });
        for (const party of net.running) net.say(SENDER, party, { kind: "ready", root });
        net.run();
        expect(deliveredOf(net)).toEqual([[], [], []]);
        expect(new Set(net.faultsOf(SENDER))).toEqual(new Set(["invalid-proposal"]));
        expect(net.running.flatMap((party) => readiesOf(net, party))).toEqual([]);
        expect(net.accusations.every(({ party }) => party === SENDER)).toBe(true);
      }
    });
  });

  describe("counts", () => {
    test("echoes of different parties, up to a broadcast quorum", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const a = spreadOf(net, mode, A);
      echo(net, a, [0, 1, 2, 3], LONER);
      echo(net, a, [0, 1, 2, 3], LONER);
      expect(readiesOf(net, LONER)).toEqual([]);
      echo(net, a, [4], LONER);
      expect(readiesOf(net, LONER)).toEqual([toHex(a.root)]);
      echo(net, a, [5], LONER);
      expect(readiesOf(net, LONER)).toEqual([toHex(a.root)]);
      expect(net.accusations).toEqual([]);
    });

    test("the first echo of each party only, and accuses of another", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const [a, b] = [spreadOf(net, mode, A), spreadOf(net, mode, B)];
      echo(net, a, [0, 1, 2], LONER);
      echo(net, b, OTHERS, LONER);
      expect(readiesOf(net, LONER)).toEqual([]);
      for (const party of [0, 1, 2]) expect(net.faultsOf(party)).toEqual(["double-vote"]);
      for (const party of [3, 4, 5]) expect(net.faultsOf(party)).toEqual([]);
    });

    test("readies: follows a set with an honest member, once, and delivers on a quorum", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const a = spreadOf(net, mode, A);
      ready(net, a.root, [0, 1], LONER);
      ready(net, a.root, [0, 1], LONER);
      expect(readiesOf(net, LONER)).toEqual([]);
      ready(net, a.root, [2], LONER);
      expect(readiesOf(net, LONER)).toEqual([toHex(a.root)]);
      // With its own, four.
      echo(net, a, [0, 1, 2], LONER);
      expect(net.outputsOf(LONER)).toEqual([]);
      ready(net, a.root, [3], LONER);
      expect(net.outputsOf(LONER)).toEqual([A]);
      ready(net, a.root, [4, 5], LONER);
      echo(net, a, [3, 4, 5], LONER);
      expect(net.outputsOf(LONER)).toEqual([A]);
      net.tell(SENDER, LONER, { kind: "send", piece: a.piece(LONER) });
      expect(net.messages(LONER, 0).map(({ kind }) => kind)).toEqual(["ready"]);
      expect(net.accusations).toEqual([]);
    });

    test("the first ready of each party only, and accuses of another", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const [a, b] = [spreadOf(net, mode, A), spreadOf(net, mode, B)];
      ready(net, a.root, [0, 1], LONER);
      ready(net, b.root, [0, 1, 2], LONER);
      expect(readiesOf(net, LONER)).toEqual([]);
      for (const party of [0, 1]) expect(net.faultsOf(party)).toEqual(["double-vote"]);
      expect(net.faultsOf(2)).toEqual([]);
    });

    test("says ready for one root only, whatever comes later", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const [a, b] = [spreadOf(net, mode, A), spreadOf(net, mode, B)];
      echo(net, a, [0, 1, 2, 3, 4], LONER);
      ready(net, b.root, OTHERS, LONER);
      expect(readiesOf(net, LONER)).toEqual([toHex(a.root)]);
    });

    test("waits for pieces when it has readies, and takes its own from the sender", () => {
      const net = network(mode, { n: 7, scripted: OTHERS });
      const a = spreadOf(net, mode, A);
      ready(net, a.root, OTHERS, LONER);
      echo(net, a, mode === "full" ? [] : [0, 1], LONER);
      expect(net.outputsOf(LONER)).toEqual([]);
      net.tell(SENDER, LONER, { kind: "send", piece: a.piece(LONER) });
      expect(net.outputsOf(LONER)).toEqual([A]);
    });
  });

  test("nobody sends in the sender's name", () => {
    const net = network(mode, { scripted: [3] });
    net.tell(3, 1, { kind: "send", piece: spreadOf(net, mode, A).piece(1) });
    expect(net.faultsOf(3, 1)).toEqual(["wrong-sender"]);
    expect(net.messages(1)).toEqual([]);
  });

  test("takes any bytes from anybody: accuses, and still delivers", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), fc.nat(1000), (bodies, seed) => {
        const net = network(mode, { seed, scripted: [3] });
        net.input(SENDER, A);
        for (const body of bodies) for (const party of net.running) net.post(3, party, { tag: net.tag, body });
        net.run();
        expect(deliveredOf(net)).toEqual([[A], [A], [A]]);
        expect(net.accusations.every(({ party }) => party === 3)).toBe(true);
      }),
      { seed: 1, numRuns: 60 },
    );
  });

  test("refuses pieces out of bounds", () => {
    const net = network(mode, { scripted: [SENDER, 3] });
    const { bytes, path } = spreadOf(net, mode, A).piece(3);
    const hash = new Uint8Array(32);
    const bounds = mode === "full" ? MAX_BYTES : (MAX_BYTES + 4) / 2;
    const refused = [
      { bytes: new Uint8Array(bounds + 1), path },
      { bytes, path: [...path, hash] },
      ...(mode === "full" ? [] : [{ bytes, path: path.slice(1) }]),
    ];
    for (const piece of refused) {
      net.deliver(3, 1, net.envelope({ kind: "echo", piece }));
      net.deliver(SENDER, 1, net.envelope({ kind: "send", piece }));
    }
    expect(net.faultsOf(3)).toEqual(refused.map(() => "malformed-message"));
    expect(net.faultsOf(SENDER)).toEqual(refused.map(() => "malformed-message"));
    net.tell(3, 1, { kind: "echo", piece: { bytes: new Uint8Array(bounds), path } });
    expect(net.faultsOf(3)).toHaveLength(refused.length);
  });
});

describe("fragments", () => {
  /** What a sender may build its tree over, with those of an honest one at hand. */
  const TREES: Record<string, (honest: readonly Uint8Array[]) => readonly Uint8Array[]> = {
    "one altered": (honest) => honest.map((fragment, party) => fragment.map((byte) => byte ^ Number(party === 2))),
    "those of two messages": (honest) =>
      honest.map((fragment, party) => (party < 4 ? fragment : fragment.toReversed())),
    "one shorter": (honest) => honest.map((fragment, party) => fragment.subarray(Number(party === 2))),
    "one empty": (honest) => honest.map((fragment, party) => (party === 1 ? new Uint8Array(0) : fragment)),
    "all empty": (honest) => honest.map(() => new Uint8Array(0)),
    "all of one byte": (honest) => honest.map(() => Uint8Array.of(0)),
    "of a length beyond the end": (honest) => honest.map(() => Uint8Array.of(0, 0, 0, 50)),
    "of the greatest length": (honest) => honest.map(() => new Uint8Array(4).fill(255)),
    "of a message above the bound": () => framed(MAX_BYTES + 1, 66 - 4 - 1 - MAX_BYTES, 0),
    "padded with other than zeros": () => framed(5, 3, 1),
    "longer than they need be": () => framed(5, 6, 0),
  };

  /** Fragments for n = 7 of a message of `sizeBytes`, followed by as many bytes `padding`. */
  function framed(sizeBytes: number, paddingBytes: number, padding: number): readonly Uint8Array[] {
    const message = new Uint8Array(sizeBytes).fill("o".charCodeAt(0));
    const bytes = concat(Uint8Array.of(0, 0, 0, sizeBytes), message, new Uint8Array(paddingBytes).fill(padding));
    const third = bytes.length / 3;
    return encodeFragments(
      [0, 1, 2].map((index) => bytes.subarray(index * third, (index + 1) * third)),
      7,
    );
  }

  /** All get their fragments, and the sender and party 6 do what they can to have it delivered. */
  function spreadAll(
    fragments: (honest: readonly Uint8Array[]) => readonly Uint8Array[],
    seed: number,
  ): ReliableNetwork {
    const net = network("coded", { n: 7, seed, scripted: [SENDER, 6] });
    const honest = spreadOf(net, "coded", A);
    const { root, piece } = treeSpread(net, fragments(net.group.parties.map((party) => honest.piece(party).bytes)));
    for (const party of net.running) {
      net.say(SENDER, party, { kind: "send", piece: piece(party) });
      for (const corrupted of [SENDER, 6]) {
        net.say(corrupted, party, { kind: "echo", piece: piece(corrupted) });
        net.say(corrupted, party, { kind: "ready", root });
      }
    }
    net.run();
    return net;
  }

  test("are delivered when they are as they should be: the test can succeed", () => {
    expect(deliveredOf(spreadAll((honest) => honest, 1))).toEqual([[A], [A], [A], [A], [A]]);
    const message = new Uint8Array(5).fill("o".charCodeAt(0));
    expect(deliveredOf(spreadAll(() => framed(5, 0, 0), 1))).toEqual([1, 2, 3, 4, 5].map(() => [message]));
  });

  test.each(Object.entries(TREES))("%s: nobody delivers, and the sender is accused", (_, fragments) => {
    for (let seed = 1; seed <= 20; seed++) {
      const net = spreadAll(fragments, seed);
      expect(deliveredOf(net)).toEqual(net.running.map(() => []));
      for (const party of net.running) expect(readiesOf(net, party)).toEqual([]);
      // Who has seen it from fragments of others does not echo, so others may not get enough to see it.
      expect(new Set(net.faultsOf(SENDER))).toEqual(new Set(["invalid-proposal"]));
      expect(net.accusations.every(({ party }) => party === SENDER)).toBe(true);
    }
  });

  test("with another fragment, path or place count for another root", () => {
    const net = network("coded", { n: 7, scripted: OTHERS });
    const a = spreadOf(net, "coded", A);
    const { bytes, path } = a.piece(4);
    echo(net, a, [0, 1, 2, 3], LONER);
    net.tell(4, LONER, { kind: "echo", piece: { bytes: bytes.map((byte) => byte ^ 1), path } });
    net.tell(5, LONER, { kind: "echo", piece: a.piece(4) });
    expect(readiesOf(net, LONER)).toEqual([]);
    const other = network("coded", { n: 7, scripted: OTHERS });
    echo(other, a, [0, 1, 2, 3], LONER);
    other.tell(4, LONER, { kind: "echo", piece: { bytes, path: path.toReversed() } });
    expect(readiesOf(other, LONER)).toEqual([]);
    echo(other, a, [5], LONER);
    expect(readiesOf(other, LONER)).toEqual([toHex(a.root)]);
  });

  test("of an echo that no honest party made say nothing about the sender", () => {
    const net = network("coded", { scripted: [3] });
    const { root, piece } = treeSpread(net, [A, B, A, B]);
    net.tell(3, 1, { kind: "echo", piece: piece(3) });
    net.tell(3, 1, { kind: "ready", root });
    net.input(SENDER, A);
    net.run();
    expect(deliveredOf(net)).toEqual([[A], [A], [A]]);
    expect(net.accusations).toEqual([]);
  });
});

test("refuses bounds that no message could keep", () => {
  const options = { sender: SENDER, fault: () => undefined };
  for (const dissemination of MODES) {
    for (const maxBytes of [-1, 1.5, MAX_RELIABLE_BYTES + 1])
      expect(() => reliableBroadcast({ ...options, dissemination, maxBytes })).toThrow(RangeError);
    expect(reliableBroadcast({ ...options, dissemination, maxBytes: MAX_RELIABLE_BYTES })).toBeDefined();
  }
});
