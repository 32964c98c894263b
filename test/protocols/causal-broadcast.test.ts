/** Causal broadcast, by hand: what is ordered at all, when shares are said and which count, the order of delivery, requests. */
import { describe, expect, test } from "vitest";
import { concat, utf8 } from "../../src/core/bytes.js";
import { encode } from "../../src/core/codec.js";
import { type Channel, statement } from "../../src/core/engine.js";
import { InvariantError } from "../../src/core/protocol.js";
import type { Envelope } from "../../src/core/envelope.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Suite } from "../../src/core/suite.js";
import {
  AtomicBroadcastOptionsError,
  type CausalBroadcastOptions,
  type CausalBroadcastState,
  type NoMessage,
  type OpenedRound,
  atomicBroadcast,
  causalBroadcast,
  encodeSettings,
} from "../../src/protocols/index.js";
import { QUEUE, entryBody, noMessage, queueEntryCodec } from "../../src/protocols/atomic-broadcast/messages.js";
import { placeOf, requestCodec, sharesCodec } from "../../src/protocols/causal-broadcast/messages.js";
import { encryptMock, mockCiphertext } from "../../src/sim/mock-suite.js";
import { at } from "../crypto/fixtures.js";
import { CLUSTER, Network, type NetworkOptions } from "../../src/sim/network.js";
import { CHANNEL, OPTIONS, ciphertextOf, labelOf, payloadOf, shown } from "./causal-broadcast-cluster.js";

type CausalNetwork = Network<OpenedRound, CausalBroadcastState>;

const SEED = 7;

function network(options: NetworkOptions = {}, changes: Partial<CausalBroadcastOptions> = {}): CausalNetwork {
  const vectorSize = options.n === 7 ? 5 : 3;
  const channel = causalBroadcast({ ...OPTIONS, vectorSize, ...changes });
  return new Network({ seed: SEED, ...options }, () => ({ [CHANNEL]: channel }));
}

const submit = (net: CausalNetwork, party: PartyId, payload: Uint8Array): void =>
  net.step(party, { kind: "submit", channel: CHANNEL, payload });

/** alice's text, encrypted. */
const sealed = (text: string | number): Uint8Array =>
  payloadOf("alice", encryptMock(SEED, labelOf("alice"), utf8(String(text))));

const logOf = (net: CausalNetwork, party: PartyId): readonly (readonly string[])[] =>
  net.outputsOf(party).map(({ payloads }) => payloads.map(shown));

/** `party`'s entry in the queue of a round; who has none takes it over as it is. */
function entryOf(
  net: { suite(party: PartyId): Suite },
  party: PartyId,
  round: number,
  payloads: readonly Uint8Array[],
) {
  const tag = `${CHANNEL}/order/${round}`;
  const content = { clock: 0, payloads };
  const signature = net.suite(party).sign(statement(CLUSTER, tag, QUEUE, entryBody(content)));
  return { tag, body: encode(queueEntryCodec, { ...content, signature }) };
}

/** The proofs of rounds that order each list of payloads, made by another network with the same keys. */
function proofsOf(rounds: readonly (readonly Uint8Array[])[], options: NetworkOptions = {}): readonly Envelope[] {
  const last = (options.n ?? 4) - 1;
  const net = network({ ...options, scripted: [last] }, { maxEntryPayloads: 1000, maxEntryBytes: 64 * 1024 });
  for (const [index, payloads] of rounds.entries()) {
    for (const party of net.running) net.deliver(last, party, entryOf(net, last, index + 1, payloads));
    net.run();
  }
  return net.archive(0, CHANNEL).map(({ envelope }) => envelope);
}

/** `party`'s shares of alice's payloads. */
const sharesBy = (net: CausalNetwork, party: PartyId, payloads: readonly Uint8Array[]): readonly Uint8Array[] =>
  payloads.map((payload) => net.suite(party).decryption.share(labelOf("alice"), ciphertextOf(payload)));

function sharesMessage(shares: readonly Uint8Array[], path: string, batch = 0): Envelope {
  return { tag: `${CHANNEL}/${path}`, body: encode(sharesCodec, { batch, shares }) };
}

/** `from` tells party 0 its shares of a round that is `payloads`. */
function tellShares(net: CausalNetwork, from: PartyId, round: number, payloads: readonly Uint8Array[]): void {
  net.deliver(from, 0, sharesMessage(sharesBy(net, from, payloads), `open/${round}`));
}

/** Only party 0 runs; the rounds are proved to it. */
function proved(
  rounds: readonly (readonly Uint8Array[])[],
  options: NetworkOptions = {},
  changes: Partial<CausalBroadcastOptions> = {},
): CausalNetwork {
  const scripted = Array.from({ length: (options.n ?? 4) - 1 }, (_, index) => index + 1);
  const net = network({ ...options, scripted }, changes);
  for (const proof of proofsOf(rounds, options)) net.deliver(1, 0, proof);
  expect(net.inspect(0, CHANNEL).round).toBe(rounds.length + 1);
  return net;
}

const saidTo = (net: CausalNetwork, to: PartyId, path: string): readonly Envelope[] =>
  net.sent.flatMap(({ to: receiver, envelope }) =>
    receiver === to && envelope.tag === `${CHANNEL}/${path}` ? [envelope] : [],
  );

const retired = (net: CausalNetwork): readonly string[] =>
  net.effects.flatMap(({ effect }) => (effect.kind === "retire" ? [effect.tag.slice(CHANNEL.length + 1)] : []));

const A = sealed("a");
const B = sealed("b");

describe("what is ordered", () => {
  const mauled = Uint8Array.from(A, (byte, index) => (index === A.length - 1 ? byte ^ 1 : byte));
  const refused: readonly (readonly [string, Uint8Array])[] = [
    ["no payload", utf8("?")],
    ["a mauled ciphertext", mauled],
    ["another client's ciphertext", payloadOf("mallory", ciphertextOf(A))],
    ["a ciphertext for another channel", payloadOf("alice", encryptMock(SEED, labelOf("alice", "other"), utf8("a")))],
    ["a ciphertext for another cluster", payloadOf("alice", encryptMock(SEED + 1, labelOf("alice"), utf8("a")))],
    ["what the application refuses", payloadOf("", encryptMock(SEED, labelOf(""), utf8("a")))],
    ["bytes after a payload", concat(A, Uint8Array.of(0))],
  ];

  test.each(refused)("not %s, of a client or of a peer, who is accused", (_name, payload) => {
    const net = network({ scripted: [3] });
    submit(net, 0, payload);
    net.deliver(3, 0, entryOf(net, 3, 1, [payload]));
    expect(net.sent).toEqual([]);
    expect(net.faultsOf(3)).toEqual(["invalid-queue-entry"]);
  });

  test("an invalid payload that was ordered all the same is skipped, by all alike", () => {
    // A quorum with another software: it runs atomic broadcast under the same tag, and takes everything.
    const lax: Channel<NoMessage, OpenedRound, undefined> = {
      message: noMessage,
      start: (scope) => {
        const order = scope.spawn("order", atomicBroadcast({ ...OPTIONS, isValid: () => true }), () => undefined);
        return {
          input: (payload) => order.input(payload),
          receive: () => undefined,
          configure: () => undefined,
          clock: () => undefined,
          checkpoint: () => undefined,
          inspect: () => undefined,
        };
      },
    };
    const coalition = new Network<OpenedRound, undefined>({ seed: SEED, scripted: [0] }, () => ({ [CHANNEL]: lax }));
    const ordered = [...refused.map(([, payload]) => payload), A];
    for (const party of coalition.running) coalition.deliver(0, party, entryOf(coalition, 0, 1, ordered));
    coalition.run();
    const net = network({ scripted: [1, 2, 3] });
    for (const { envelope } of coalition.archive(1, CHANNEL)) net.deliver(1, 0, envelope);
    tellShares(net, 1, 1, [A]);
    expect(logOf(net, 0)).toEqual([["alice: a"]]);
  });

  test("a round of which nothing is valid is delivered, empty", () => {
    const net = proved([[A]], {}, { isValid: () => false });
    expect(net.outputsOf(0)).toMatchObject([{ round: 1, payloads: [] }]);
  });

  test("a dishonest client's garbage is undecryptable for all, in its place", () => {
    const garbage = payloadOf("bob", mockCiphertext(SEED, labelOf("bob"), utf8("garbage, and no body")));
    const net = network({ scripted: [3] });
    for (const party of net.running) net.deliver(3, party, entryOf(net, 3, 1, [A, garbage, B]));
    net.run();
    for (const party of net.running) expect(logOf(net, party)).toEqual([["alice: a", "bob undecryptable", "alice: b"]]);
    expect(net.outputsOf(0)[0]?.payloads.map(({ payload }) => payload)).toEqual([A, garbage, B]);
    expect(net.accusations).toEqual([]);
  });

  test("options that do not work are refused", () => {
    expect(() => network({}, { vectorSize: 1 })).toThrow(AtomicBroadcastOptionsError);
    expect(() => network({}, { maxEntryPayloads: 0 })).toThrow(AtomicBroadcastOptionsError);
  });
});

describe("shares", () => {
  test("are said to all when the round is decided, not before", () => {
    const net = network({ scripted: [1, 2, 3] });
    submit(net, 0, A);
    tellShares(net, 1, 1, [A]);
    tellShares(net, 2, 1, [A]);
    expect(net.sent.filter(({ envelope }) => envelope.tag.includes("open"))).toEqual([]);
    for (const proof of proofsOf([[A]])) net.deliver(1, 0, proof);
    for (const to of [1, 2, 3])
      expect(saidTo(net, to, "open/1")).toEqual([sharesMessage(sharesBy(net, 0, [A]), "open/1")]);
  });

  test.each([
    [4, 1],
    [7, 2],
  ])("of n=%i: with the own one, of %i others are needed", (n, others) => {
    const net = proved([[A]], { n });
    for (let from = 1; from <= others; from++) {
      expect(net.outputsOf(0)).toEqual([]);
      // Twice: it counts once.
      tellShares(net, from, 1, [A]);
      if (from < others) tellShares(net, from, 1, [A]);
    }
    expect(logOf(net, 0)).toEqual([["alice: a"]]);
    expect(net.accusations).toEqual([]);
  });

  test("that are bad count for nothing, and their party is accused; a second time it is not even looked at", () => {
    const net = proved([[A, B]]);
    const good = sharesBy(net, 3, [A, B]);
    const bad = [at(good, 0), at(good, 0)];
    for (const shares of [bad, [...good].reverse(), good]) net.deliver(3, 0, sharesMessage(shares, "open/1"));
    net.deliver(2, 0, sharesMessage(good, "open/1"));
    expect(net.outputsOf(0)).toEqual([]);
    expect(net.accusations.map(({ party, fault, tag }) => [party, fault, tag])).toEqual([
      [3, "invalid-share", "sealed/open/1"],
      [2, "invalid-share", "sealed/open/1"],
    ]);
    tellShares(net, 1, 1, [A, B]);
    expect(logOf(net, 0)).toEqual([["alice: a", "alice: b"]]);
  });

  test("too few, too many, or of no batch are malformed", () => {
    const net = proved([[A, B]]);
    const shares = sharesBy(net, 1, [A, B]);
    net.deliver(1, 0, sharesMessage(shares.slice(1), "open/1"));
    net.deliver(1, 0, sharesMessage([...shares, at(shares, 0)], "open/1"));
    net.deliver(1, 0, sharesMessage(shares, "open/1", 1));
    net.deliver(1, 0, { tag: `${CHANNEL}/open/1`, body: utf8("?") });
    expect(net.faultsOf(1)).toEqual(Array.from({ length: 4 }, () => "malformed-message"));
    expect(net.outputsOf(0)).toEqual([]);
  });

  test("of many payloads travel 256 at once, and all of them are needed", () => {
    const payloads = Array.from({ length: 300 }, (_, index) => sealed(index));
    const net = proved([payloads]);
    expect(saidTo(net, 1, "open/1")).toHaveLength(2);
    const shares = sharesBy(net, 2, payloads);
    net.deliver(2, 0, sharesMessage(shares.slice(256), "open/1", 1));
    expect(net.outputsOf(0)).toEqual([]);
    net.deliver(2, 0, sharesMessage(shares.slice(0, 256), "open/1", 0));
    expect(logOf(net, 0)).toEqual([payloads.map((_, index) => `alice: ${index}`)]);
  });

  test("that come early are kept, within the peer's bound; then the peer is asked to repeat", () => {
    const run = (maxEarlyBytes: number, configured = maxEarlyBytes) => {
      const net = network({ scripted: [1, 2, 3] }, { maxEarlyBytes });
      net.step(0, {
        kind: "configure",
        channel: CHANNEL,
        settings: encodeSettings({ ...OPTIONS, maxEarlyBytes: configured }),
      });
      tellShares(net, 2, 2, [B]);
      tellShares(net, 2, 1, [A]);
      for (const proof of proofsOf([[A], [B]])) net.deliver(1, 0, proof);
      const asked = net.effects.flatMap(({ effect }) => (effect.kind === "askRepeat" ? [effect.of] : []));
      return { log: logOf(net, 0).flat(), asked, faults: net.accusations };
    };
    const roomy = { log: ["alice: a", "alice: b"], asked: [], faults: [] };
    expect(run(1000)).toEqual(roomy);
    // Room for one message of 28 bytes and its bookkeeping.
    expect(run(100)).toEqual({ log: [], asked: [2], faults: [] });
    expect(run(0)).toEqual({ log: [], asked: [2], faults: [] });
    expect(run(0, 1000)).toEqual(roomy);
    expect(run(1000, 0).asked).toEqual([2]);
  });

  test("room taken by early shares is free again when their round is decided", () => {
    const net = network({ scripted: [1, 2, 3] }, { maxEarlyBytes: 100 });
    const rounds = [[A], [B], [sealed("c")]];
    for (const [index, proof] of proofsOf(rounds).entries()) {
      tellShares(net, 2, index + 1, at(rounds, index));
      net.deliver(1, 0, proof);
    }
    expect(logOf(net, 0)).toEqual([["alice: a"], ["alice: b"], ["alice: c"]]);
  });

  test("of delivered rounds are late, not wrong", () => {
    const net = proved([[A]]);
    for (const from of [1, 2, 3]) tellShares(net, from, 1, [A]);
    net.deliver(3, 0, sharesMessage(sharesBy(net, 3, [A]), "again/0/1"));
    expect(net.accusations).toEqual([]);
    expect(net.outputsOf(0)).toHaveLength(1);
  });
});

describe("rounds are delivered in order", () => {
  test("although a later one can be decrypted before an earlier one", () => {
    const net = proved([[A], [B]]);
    tellShares(net, 1, 2, [B]);
    expect(net.outputsOf(0)).toEqual([]);
    expect(net.inspect(0, CHANNEL)).toMatchObject({ round: 3, opened: 0, queueLength: 0 });
    tellShares(net, 1, 1, [A]);
    expect(logOf(net, 0)).toEqual([["alice: a"], ["alice: b"]]);
    expect(net.inspect(0, CHANNEL).opened).toBe(2);
  });
});

describe("requests", () => {
  const payloads = Array.from({ length: 20 }, (_, index) => sealed(index));
  const rounds = payloads.map((payload) => [payload]);
  const ask = (net: CausalNetwork, from: PartyId, first: number, end: number): void =>
    net.deliver(from, 0, { tag: `${CHANNEL}/ask/${first}`, body: encode(requestCodec, { end }) });
  const answered = (net: CausalNetwork, to: PartyId): readonly number[] =>
    net.sent.flatMap(({ to: receiver, envelope: { tag } }) =>
      receiver === to && tag.startsWith(`${CHANNEL}/again/${to}/`) ? [Number(tag.split("/").at(-1))] : [],
    );

  test("go out when the round after one that is not opened is decided, for 16 rounds, once", () => {
    const one = proved(rounds.slice(0, 1));
    expect(saidTo(one, 1, "ask/1")).toEqual([]);
    const net = proved(rounds);
    for (const to of [1, 2, 3])
      expect(saidTo(net, to, "ask/1")).toEqual([{ tag: `${CHANNEL}/ask/1`, body: encode(requestCodec, { end: 2 }) }]);
    expect(saidTo(net, 1, "ask/2")).toEqual([]);
    // The answers bring the shares.
    net.deliver(1, 0, sharesMessage(sharesBy(net, 1, at(rounds, 0)), "again/0/1"));
    expect(logOf(net, 0)).toEqual([["alice: 0"]]);
    expect(saidTo(net, 1, "ask/2")).toEqual([{ tag: `${CHANNEL}/ask/2`, body: encode(requestCodec, { end: 18 }) }]);
    expect(retired(net)).toContain("ask/1");
    for (let round = 2; round < 18; round++) tellShares(net, 2, round, at(rounds, round - 1));
    expect(saidTo(net, 1, "ask/18")).toEqual([{ tag: `${CHANNEL}/ask/18`, body: encode(requestCodec, { end: 20 }) }]);
    for (let round = 18; round <= 20; round++) tellShares(net, 2, round, at(rounds, round - 1));
    expect(logOf(net, 0)).toHaveLength(20);
    expect(net.sent.filter(({ to, envelope }) => to === 3 && envelope.tag.startsWith("sealed/ask"))).toHaveLength(3);
  });

  test("are answered with the same shares, each once; the answers before are retired", () => {
    const net = proved(rounds.slice(0, 4));
    ask(net, 2, 1, 3);
    expect(answered(net, 2)).toEqual([1, 2]);
    expect(saidTo(net, 2, "again/2/1").map(({ body }) => body)).toEqual(
      saidTo(net, 2, "open/1").map(({ body }) => body),
    );
    expect(retired(net)).not.toContain("again/2");
    for (const [first, end] of [
      [1, 3],
      [2, 4],
      [1, 2],
    ] as const)
      ask(net, 2, first, end);
    expect(answered(net, 2)).toEqual([1, 2]);
    ask(net, 2, 3, 4);
    expect(answered(net, 2)).toEqual([1, 2, 3]);
    expect(retired(net)).toContain("again/2");
    expect(net.accusations).toEqual([]);
    expect(answered(net, 1)).toEqual([]);
  });

  test("for rounds that are not decided here are answered when they are", () => {
    const net = network({ scripted: [1, 2, 3] });
    ask(net, 3, 1, 3);
    for (const proof of proofsOf(rounds.slice(0, 3))) net.deliver(1, 0, proof);
    expect(answered(net, 3)).toEqual([1, 2]);
  });

  test("for nothing, or for more than 16 rounds, are malformed", () => {
    const net = proved(rounds.slice(0, 1));
    ask(net, 1, 1, 1);
    ask(net, 1, 1, 18);
    net.deliver(1, 0, { tag: `${CHANNEL}/ask/1`, body: utf8("?") });
    expect(net.faultsOf(1)).toEqual(["malformed-message", "malformed-message", "malformed-message"]);
    ask(net, 1, 1, 17);
    expect(answered(net, 1)).toEqual([1]);
  });

  test("shares leave the links when the next round is decided", () => {
    const of = (count: number): readonly string[] =>
      retired(proved(rounds.slice(0, count))).filter((path) => path.startsWith("open"));
    expect(of(1)).toEqual([]);
    expect(of(3)).toEqual(["open/1", "open/2"]);
  });
});

describe("what no honest party says", () => {
  test("accuses its sender", () => {
    const net = proved([[A]]);
    const body = encode(sharesCodec, { batch: 0, shares: sharesBy(net, 2, [A]) });
    for (const path of ["again/1/1", "open/0", "open/x", "open/1/2", "else/1", "order/x"])
      net.deliver(2, 0, { tag: `${CHANNEL}/${path}`, body });
    expect(net.faultsOf(2)).toEqual(Array.from({ length: 6 }, () => "unknown-instance"));
    net.deliver(1, 0, { tag: CHANNEL, body });
    expect(net.faultsOf(1)).toEqual(["malformed-message"]);
    expect(net.outputsOf(0)).toEqual([]);
  });

  test("places have one spelling", () => {
    expect(placeOf("open/12")).toEqual({ kind: "open", round: 12 });
    expect(placeOf("ask/1")).toEqual({ kind: "ask", round: 1 });
    expect(placeOf("again/0/3")).toEqual({ kind: "again", to: 0, round: 3 });
    for (const path of ["", "open", "open/", "open/01", "open/1e3", "open/9999999999999999", "again/1", "again/01/1"])
      expect(placeOf(path)).toBeUndefined();
    for (const path of ["ask/1/2", "again/1/2/3", "again/x/1", "1/open"]) expect(placeOf(path)).toBeUndefined();
  });

  test("settings that do not work come from the own host only", () => {
    const net = network();
    expect(() => net.step(0, { kind: "configure", channel: CHANNEL, settings: utf8("?") })).toThrow(InvariantError);
  });
});
