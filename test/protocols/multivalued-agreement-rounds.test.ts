/** Atomic broadcast over each variant of multi-valued agreement. */
import { describe, expect, test } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import type { PartyId } from "../../src/core/party-set.js";
import {
  type AtomicBroadcastOptions,
  AtomicBroadcastOptionsError,
  type AtomicBroadcastState,
  type DeliveredRound,
  atomicBroadcast,
} from "../../src/protocols/atomic-broadcast/index.js";
import { binaryAgreementMessageCodec } from "../../src/protocols/binary-agreement/index.js";
import { consistentBroadcastMessageCodec } from "../../src/protocols/consistent-broadcast/index.js";
import type { AgreementVariant } from "../../src/protocols/multivalued-agreement/index.js";
import {
  type Flight,
  Network,
  type NetworkOptions,
  lastInFirstOut,
  randomOrder,
  starving,
} from "../../src/sim/network.js";

type ChannelNetwork = Network<DeliveredRound, AtomicBroadcastState>;

const OPTIONS: Omit<AtomicBroadcastOptions, "order"> = {
  vectorSize: 3,
  maxEntryPayloads: 16,
  maxEntryBytes: 16 * 1024,
  maxPayloads: 100,
  maxPayloadsPerPeer: 100,
  maxEarlyBytes: 1_000_000,
  speakFrom: 0,
  isValid: () => true,
};

function network(variant: AgreementVariant, options: NetworkOptions): ChannelNetwork {
  const channel = atomicBroadcast({ ...OPTIONS, ...variant });
  return new Network(options, () => ({ abc: channel }));
}

function submit(net: ChannelNetwork, party: PartyId, name: string): void {
  net.step(party, { kind: "submit", channel: "abc", payload: utf8(name) });
}

function logOf(net: ChannelNetwork, party: PartyId): readonly string[] {
  return net.outputsOf(party).flatMap(({ payloads }) => payloads.map(String));
}

const VARIANTS: readonly AgreementVariant[] = [
  { order: "adaptive" },
  { order: "fixed", delivery: "on-request" },
  { order: "adaptive", delivery: "on-request" },
  { order: "random", parallel: 2 },
  { order: "adaptive", delivery: "on-request", parallel: 2 },
];

describe.each(VARIANTS)("%j", (variant) => {
  test("all deliver everything in the same order, and accuse nobody", () => {
    const schedulers = [randomOrder, lastInFirstOut, starving(({ to }: Flight) => to === 1)];
    for (let seed = 1; seed <= 9; seed++) {
      const net = network(variant, { seed, serves: true, scheduler: schedulers[seed % 3] ?? randomOrder });
      for (let index = 0; index < 4; index++) submit(net, index % 4, `payload ${index}`);
      net.run();
      submit(net, 2, "later");
      net.run();
      const log = logOf(net, 0);
      expect(new Set(log).size).toBe(5);
      expect(log).toHaveLength(5);
      for (const party of net.running) expect(logOf(net, party)).toEqual(log);
      expect(net.accusations).toEqual([]);
    }
  });
});

describe("on request", () => {
  const ON_REQUEST = { order: "fixed", delivery: "on-request" } as const;

  /** Everything for party 3 waits until the others are quiet; then it gets decisions, and of proposals only what it asks for. */
  const slow = (isLost: (flight: Flight) => boolean): ChannelNetwork =>
    network(ON_REQUEST, {
      scheduler: starving(({ to }) => to === 3),
      tamper: (flight) => (flight.to === 3 && isLost(flight) ? [] : [flight.envelope]),
    });
  const isProposal = ({ envelope }: Flight): boolean => {
    const message = decode(consistentBroadcastMessageCodec, envelope.body);
    return envelope.tag.includes("/proposal/") && message.ok && message.value.kind === "send";
  };

  test("a party that lacks the value of a round gets it from peers that are in the next one and silent", () => {
    const net = slow(isProposal);
    submit(net, 0, "payload");
    net.run();
    expect(logOf(net, 3)).toEqual(logOf(net, 0));
    expect(logOf(net, 3)).toHaveLength(1);
    expect(net.accusations).toEqual([]);
    const asked = net.said(3, "abc/1/mvba/proposal/1", consistentBroadcastMessageCodec).map(({ kind }) => kind);
    expect(asked).toContain("ask");
  });

  test("the round before is served until the next is decided, and neither signs nor judges any more", () => {
    const net = network(ON_REQUEST, {});
    submit(net, 0, "payload");
    net.run();
    const proposal = "abc/1/mvba/proposal/1";
    const sent = net.said(1, proposal, consistentBroadcastMessageCodec).find(({ kind }) => kind === "send");
    if (sent?.kind !== "send") throw new Error("party 1 has not proposed");
    const ask = encode(consistentBroadcastMessageCodec, { kind: "ask", digest: net.suite(0).hash(sent.message) });
    const answers = (to: PartyId): number =>
      net.said(0, proposal, consistentBroadcastMessageCodec, to).filter(({ kind }) => kind === "value").length;

    net.deliver(2, 0, { tag: proposal, body: ask });
    expect(answers(2)).toBe(1);
    const invalid = encode(consistentBroadcastMessageCodec, { kind: "send", message: utf8("not a vector") });
    net.deliver(3, 0, { tag: "abc/1/mvba/proposal/3", body: invalid });
    const entry = net.sent.find(({ from, to, envelope }) => from === 3 && to === 0 && envelope.tag === "abc/1");
    if (entry === undefined) throw new Error("party 3 has sent no entry");
    net.deliver(3, 0, entry.envelope);
    expect(net.accusations).toEqual([]);

    submit(net, 0, "another");
    net.run();
    net.deliver(3, 0, { tag: proposal, body: ask });
    expect(answers(3)).toBe(0);
  });

  test("proofs have the value: who was away decides by them alone", () => {
    const net = network(ON_REQUEST, {});
    submit(net, 0, "payload");
    net.run();
    const [proof] = net.archive(0, "abc");
    const late = network(ON_REQUEST, {});
    if (proof === undefined) throw new Error("no proof");
    late.deliver(0, 3, proof.envelope);
    expect(logOf(late, 3)).toEqual(logOf(net, 0));
    expect(decode(binaryAgreementMessageCodec, proof.envelope.body).ok).toBe(false);
  });
});

test("a variant that does not exist is refused", () => {
  expect(() => atomicBroadcast({ ...OPTIONS, order: "fixed", parallel: 0 })).toThrow(AtomicBroadcastOptionsError);
});
