/** That a measurement counts what it says: causal depth by hand, messages and bytes against what a network keeps. */
import { describe, expect, test } from "vitest";
import { decode, encode, struct, u32 } from "../../../src/core/codec.js";
import { envelopeCodec } from "../../../src/core/envelope.js";
import type { PartyId } from "../../../src/core/party-set.js";
import type { Protocol, Scope } from "../../../src/core/protocol.js";
import { consistentBroadcast } from "../../../src/protocols/consistent-broadcast/index.js";
import { agreementCost } from "../../../src/sim/cost/agreement.js";
import { consistentBroadcastCost } from "../../../src/sim/cost/broadcasts.js";
import { noOperations } from "../../../src/sim/cost/counting-suite.js";
import { Meter, meteredOptions } from "../../../src/sim/cost/meter.js";
import { InAnyOrder, InOrder, type Queue } from "../../../src/sim/cost/schedule.js";
import type { Flight } from "../../../src/sim/network.js";
import { ProtocolNetwork } from "../../../src/sim/protocol-network.js";
import { Random } from "../../../src/sim/random.js";

const hopCodec = struct({ hops: u32 });
interface Hop {
  readonly hops: number;
}

/** At its input a party sends `hops`; who receives some sends one less to the next party, and outputs at 0. */
const relay: Protocol<number, Hop, number> = {
  message: hopCodec,
  start: (scope: Scope<Hop, number>) => ({
    input: (hops) => scope.send((scope.self + 1) % scope.group.n, { hops }),
    receive: (from, { hops }) => {
      if (hops === 0) scope.output(from);
      else scope.send((scope.self + 1) % scope.group.n, { hops: hops - 1 });
    },
  }),
};

const quiet = { n: 4, seed: 1, certificates: "multisig" } as const;

function relayNetwork(): ProtocolNetwork<number, Hop, number> {
  return new ProtocolNetwork(meteredOptions(quiet, noOperations()), relay);
}

type Inputs = readonly (readonly [PartyId, number])[];

/** @param lateHops what is sent with so many hops comes when nothing else is in flight */
function rounds(inputs: Inputs, lateHops?: number): number {
  const net = relayNetwork();
  const isLate = ({ envelope }: Flight): boolean => {
    const hop = decode(hopCodec, envelope.body);
    return hop.ok && hop.value.hops === lateHops;
  };
  const meter = new Meter(net, { adversary: { isLate } });
  for (const [party, hops] of inputs) net.input(party, hops);
  meter.run();
  return meter.rounds;
}

const everybody = (hops: number): Inputs => [0, 1, 2, 3].map((party) => [party, hops]);

describe("causal depth", () => {
  test("is the length of the chain", () => {
    expect(rounds(everybody(0))).toBe(1);
    expect(rounds(everybody(4))).toBe(5);
  });

  test("is one more than the greatest that the sender has received, by whichever chain it speaks", () => {
    const others: Inputs = [
      [2, 0],
      [3, 0],
      [2, 2],
    ];
    // Party 1 hears 2→3→0→1, of depth 3, before the late message, of depth 1, has it start a chain that ends at party 2.
    expect(rounds([[0, 9], ...others], 9)).toBe(3 + 9);
    expect(rounds([[0, 9], ...others])).toBe(1 + 9);
  });

  test("does not count what a party says to itself", () => {
    const alone: Protocol<number, Hop, number> = {
      message: hopCodec,
      start: (scope) => ({
        input: (hops) => scope.send(scope.self, { hops }),
        receive: (_, { hops }) =>
          hops === 0 ? scope.broadcast({ hops: 0 }) : scope.send(scope.self, { hops: hops - 1 }),
      }),
    };
    const net = new ProtocolNetwork(meteredOptions(quiet, noOperations()), { ...alone, start: once(alone) });
    const meter = new Meter(net);
    net.input(0, 5);
    meter.run();
    expect([meter.messages, meter.isDone]).toEqual([3, false]);
    expect(() => meter.rounds).toThrow(RangeError);
  });
});

/** An instance that takes no message of others. */
function once(protocol: Protocol<number, Hop, number>): Protocol<number, Hop, number>["start"] {
  return (scope) => {
    const instance = protocol.start(scope);
    let count = 0;
    return {
      input: (value) => instance.input(value),
      receive: (from, message) => {
        if (from === scope.self && count++ < 6) instance.receive(from, message);
      },
    };
  };
}

describe("counts", () => {
  test("are those of what was sent", () => {
    const n = 7;
    const count = noOperations();
    const setting = { n, seed: 1, certificates: "multisig" } as const;
    const net = new ProtocolNetwork(
      { ...meteredOptions(setting, count), keepsHistory: true },
      consistentBroadcast({ sender: 0, fault: () => undefined }),
    );
    const meter = new Meter(net);
    net.input(0, { kind: "broadcast", message: new Uint8Array(100) });
    meter.run();
    const bytes = net.sent.reduce((sum, { envelope }) => sum + encode(envelopeCodec, envelope).length, 0);
    expect([meter.messages, meter.bytes, meter.rounds]).toEqual([net.sent.length, bytes, 3]);
    // Each party signs; the sender checks a broadcast quorum of shares, all check the certificate.
    expect(count).toEqual({ signatures: 7, signatureChecks: 5, certificateChecks: 7, shares: 0, shareChecks: 0 });
    expect(consistentBroadcastCost({ ...setting, messageBytes: 100, adversary: "benign" })).toEqual({
      ...count,
      messages: meter.messages,
      bytes,
      rounds: 3,
    });
  });

  test("are of honest parties only, and of certificates as large as they really are", () => {
    const of = { n: 4, seed: 1, variant: { order: "fixed" }, valueBytes: 1000, adversary: "benign" } as const;
    const list = agreementCost({ ...of, certificates: "multisig" });
    const one = agreementCost({ ...of, certificates: "threshold" });
    expect([list.messages, list.rounds, list.tries]).toEqual([84, 5, 1]);
    expect(one).toMatchObject({ messages: 84, rounds: 5, signatures: list.signatures });
    expect(one.bytes).toBeLessThan(list.bytes);
    const attacked = agreementCost({ ...of, certificates: "multisig", adversary: "fixed-starver" });
    // Three honest parties, each to three others: 13 messages.
    expect(attacked.messages).toBe(13 * 3 * 3);
  });
});

describe("queues", () => {
  const flight = (from: PartyId) => ({ from, to: 0, envelope: { tag: "t", body: new Uint8Array(0) } });
  const drain = (queue: Queue): readonly PartyId[] => {
    const order: PartyId[] = [];
    for (let next = queue.take(); next !== undefined; next = queue.take()) order.push(next.flight.from);
    return order;
  };
  const many = Array.from({ length: 30_000 }, (_, from) => from);

  test.for([
    ["in order", new InOrder(), true],
    ["in any order", new InAnyOrder(new Random(7)), false],
  ] as const)("%s: everything comes once", ([, queue, isOrdered]) => {
    expect(queue.take()).toBeUndefined();
    for (const from of many) queue.push({ flight: flight(from), depth: 1 });
    const first = drain(queue);
    expect(first.toSorted((a, b) => a - b)).toEqual(many);
    expect(first.every((from, index) => from === index)).toBe(isOrdered);
    expect(first.slice(0, 100).every((from) => from > many.length - 200)).toBe(false);
    queue.push({ flight: flight(5), depth: 1 });
    expect(drain(queue)).toEqual([5]);
  });

  test("what is late comes when nothing else is in flight, or when it is judged anew", () => {
    const toLast: Protocol<number, Hop, number> = {
      message: hopCodec,
      start: (scope) => ({
        input: (hops) => scope.send(3, { hops }),
        receive: (from) => scope.output(from),
      }),
    };
    const arrivals = (learnsFrom?: PartyId): readonly PartyId[] => {
      const net = new ProtocolNetwork(meteredOptions(quiet, noOperations()), toLast);
      let knows = false;
      const onSent = ({ from }: Flight): boolean => {
        if (from !== learnsFrom) return false;
        knows = true;
        return true;
      };
      const meter = new Meter(net, { adversary: { isLate: ({ from }) => from === 0 && !knows, onSent } });
      for (const party of [0, 1, 2]) net.input(party, 0);
      meter.run();
      return net.outputsOf(3);
    };
    expect(arrivals()).toEqual([1, 2, 0]);
    expect(arrivals(1)).toEqual([1, 0, 2]);
  });
});
