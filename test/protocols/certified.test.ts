/** Atomic broadcast with dissemination in certified batches: lanes, cuts, fetching, windows, silence, restarts. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { concat, toHex } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { type Input, statement } from "../../src/core/engine.js";
import type { Fault } from "../../src/core/fault.js";
import type { PartyId } from "../../src/core/party-set.js";
import { mockHash } from "../../src/sim/mock-suite.js";
import {
  BATCH,
  type CutEntry,
  type LaneMessage,
  type Tip,
  batchDigest,
  cutCodec,
  cutEntryBody,
  cutEntryCodec,
  digestOfBatch,
  laneMessageCodec,
  writeBatch,
} from "../../src/protocols/atomic-broadcast/certified/messages.js";
import { QUEUE } from "../../src/protocols/atomic-broadcast/messages.js";
import {
  type Admission,
  type AtomicBroadcastOptions,
  AtomicBroadcastOptionsError,
  boundaryAt,
  decodeBoundary,
  digestAdmission,
  encodeSettings,
} from "../../src/protocols/index.js";
import {
  CLUSTER,
  type Flight,
  type NetworkOptions,
  lastInFirstOut,
  randomOrder,
  starving,
} from "../../src/sim/network.js";
import { Random } from "../../src/sim/random.js";
import { type AbcEffect, CHANNEL, OPTIONS, OrderingNetwork, payload, withLiar } from "./ordering-network.js";

const CERTIFIED = { dissemination: "certified", maxEntryBytes: 16 * 1024, maxEntryPayloads: 100 } as const;

function network(options: NetworkOptions = {}, changes: Partial<AtomicBroadcastOptions> = {}): OrderingNetwork {
  return new OrderingNetwork({ serves: true, ...options }, { ...CERTIFIED, ...changes });
}

const ORIGIN = { height: 0, digest: new Uint8Array(32) };
const tagOf = (lane: PartyId, height: number): string => `${CHANNEL}/lane/${lane}/${height}`;
const isLane = (tag: string): boolean => tag.startsWith(`${CHANNEL}/lane/`);
const text = (payloads: readonly Uint8Array[]): readonly string[] =>
  payloads.map((bytes) => new TextDecoder().decode(bytes));
const deliveredOf = (net: OrderingNetwork, party: PartyId): readonly string[] =>
  net.outputsOf(party).flatMap(({ payloads }) => text(payloads));

/** A message of a scripted or lying party about its lane. */
function batchOf(
  lane: PartyId,
  height: number,
  batch: Uint8Array,
): { readonly tag: string; readonly body: Uint8Array } {
  return { tag: tagOf(lane, height), body: encode(laneMessageCodec, { kind: "batch", batch }) };
}

function digestOf(net: OrderingNetwork, bytes: Uint8Array): Uint8Array {
  const digest = digestOfBatch(bytes, (some) => net.suite(0).hash(some));
  if (digest === undefined) throw new Error("no batch");
  return digest;
}

/** The certificate of a place of a lane, by shares of `signers`. */
function certificateOf(
  net: OrderingNetwork,
  lane: PartyId,
  { height, digest }: { height: number; digest: Uint8Array },
  signers: readonly PartyId[],
): Uint8Array {
  const signed = statement(CLUSTER, tagOf(lane, height), BATCH, digest);
  const shares = new Map(signers.map((party) => [party, net.suite(party).broadcastCertifier.share(signed)]));
  return net.suite(0).broadcastCertifier.combine(signed, shares);
}

const sharesOf = (net: OrderingNetwork, party: PartyId, lane: PartyId): readonly number[] =>
  net.sent
    .filter(({ from, envelope }) => from === party && envelope.tag.startsWith(`${CHANNEL}/lane/${lane}/`))
    .filter(({ envelope }) => {
      const message = decode(laneMessageCodec, envelope.body);
      return message.ok && message.value.kind === "share";
    })
    .map(({ envelope }) => Number(envelope.tag.split("/").at(-1)));

describe("all is well", () => {
  test("what is submitted anywhere is delivered everywhere, once and in the same order, and then all is silent", () => {
    for (let seed = 1; seed <= 10; seed++) {
      const net = network({ seed });
      for (let index = 0; index < 12; index++) {
        net.submit(index % 4, payload(index));
        if (index % 3 === 0) net.submit((index + 1) % 4, payload(index));
      }
      net.run();
      const first = deliveredOf(net, 0);
      expect(first.toSorted()).toEqual(text(Array.from({ length: 12 }, (_, index) => payload(index))).toSorted());
      for (const party of net.running) {
        expect(deliveredOf(net, party)).toEqual(first);
        expect(net.inspect(party, CHANNEL)).toMatchObject({ queueLength: 0, hasWork: false });
      }
      expect(net.accusations).toEqual([]);
      expect(net.flights).toEqual([]);
    }
  });

  test("one payload alone is ordered at once, in one batch and one round", () => {
    const net = network();
    net.submit(2, payload("alone"));
    net.run();
    expect(net.outputsOf(0)).toMatchObject([{ round: 1 }]);
    expect(deliveredOf(net, 3)).toEqual(["ok alone"]);
    expect(net.of(1, "keepBatch").map(({ name }) => name)).toMatchObject([{ lane: 2, height: 1 }]);
  });

  test("payloads travel once to each party: entries and proposals have heights only", () => {
    const net = network();
    const large = new Uint8Array(4000).fill("o".charCodeAt(0));
    net.submit(0, large);
    net.run();
    const withPayload = net.sent.filter(({ envelope }) => envelope.body.length > 4000);
    expect(withPayload.map(({ from, to, envelope }) => [from, to, envelope.tag])).toEqual(
      [1, 2, 3].map((to) => [0, to, tagOf(0, 1)]),
    );
  });

  test("while a round runs a lane fills one batch; a full one goes at once", () => {
    const net = network({}, { maxEntryPayloads: 3 });
    net.submit(0, payload("a"));
    for (const name of ["b", "c"]) net.submit(0, payload(name));
    const heights = (): number => net.of(0, "keepBatch").length;
    expect(heights()).toBe(1);
    net.submit(0, payload("d"));
    expect(heights()).toBe(2);
    net.run();
    expect(deliveredOf(net, 1)).toEqual(["ok a", "ok b", "ok c", "ok d"]);
  });

  test("what is worth a batch of its own does not wait for a round, once what was sealed before is certified", () => {
    const net = network({}, { isPaced: true, maxEntryPayloads: 32, laneWindow: 6 });
    const heights = (): number => net.of(0, "keepBatch").filter(({ name }) => name.lane === 0).length;
    net.submit(0, payload("a"));
    for (const name of ["b", "c"]) net.submit(0, payload(name));
    // The first has no certificate yet.
    expect(heights()).toBe(1);
    net.run();
    expect(heights()).toBe(2);
    // Less than a sixteenth.
    net.submit(0, payload("d"));
    net.run();
    expect(heights()).toBe(2);
    net.submit(0, payload("e"));
    net.run();
    expect(heights()).toBe(3);
    // Half of the window is for full ones.
    for (const name of ["f", "g"]) net.submit(0, payload(name));
    net.run();
    expect(heights()).toBe(3);
    expect(net.outputsOf(0)).toEqual([]);
    for (let index = 0; index < 30; index++) net.submit(0, payload(index));
    expect(heights()).toBe(4);
  });

  test("such a part has three quarters of what a round has ordered of the lane", () => {
    const net = network({}, { isPaced: true, maxEntryPayloads: 4096, maxEntryBytes: 20_000 });
    const heights = (): number => net.of(0, "keepBatch").filter(({ name }) => name.lane === 0).length;
    const submit = (name: string): void => net.submit(0, concat(payload(name), new Uint8Array(4000)));
    const goOn = (round: number): void => {
      for (const party of net.running) net.step(party, { kind: "proceed", channel: CHANNEL, round });
      net.run();
    };
    for (const [index, name] of ["a", "b"].entries()) {
      submit(name);
      net.run();
      expect(heights()).toBe(index + 1);
    }
    goOn(1);
    // Some 8,000 bytes: a part has 6,000.
    submit("c");
    net.run();
    submit("d");
    net.run();
    expect(heights()).toBe(3);
    submit("e");
    net.run();
    expect(heights()).toBe(4);
    goOn(2);
    // Some 12,000, without those that nobody has sent: it has 9,000 from now on.
    for (const [name, height] of [
      ["f", 5],
      ["g", 5],
      ["h", 5],
      ["i", 6],
    ] as const) {
      submit(name);
      net.run();
      expect(heights()).toBe(height);
    }
  });
});

describe("long payloads", () => {
  const long = (sizeBytes: number, name: number): Uint8Array => {
    const bytes = new Uint8Array(sizeBytes).fill("o".charCodeAt(0));
    bytes[1] = name;
    return bytes;
  };
  const limits = { maxEntryPayloads: 4096, maxEntryBytes: 1024 * 1024 };
  const sizesOf = (net: OrderingNetwork, party: PartyId) =>
    net.outputsOf(party).flatMap(({ payloads }) => payloads.map(({ length }) => length));

  test("are ordered up to 256 KiB, which is more than inline takes", () => {
    const inline = network({}, { dissemination: "inline" });
    for (const [net, greatest] of [
      [network({}, limits), 256 * 1024],
      [inline, 64 * 1024],
    ] as const) {
      net.submit(0, long(greatest + 1, 1));
      net.submit(0, long(greatest, 2));
      net.run();
      for (const party of net.running) expect(sizesOf(net, party)).toEqual([greatest]);
      expect(net.accusations).toEqual([]);
    }
  });

  test("make a batch that holds several of them", () => {
    const net = network({}, limits);
    for (let name = 0; name < 9; name++) net.submit(0, long(240 * 1024, name));
    net.run();
    expect(sizesOf(net, 3)).toHaveLength(9);
    // The first goes at once, alone.
    expect(net.of(0, "keepBatch").map(({ bytes }) => Math.floor(bytes.length / (240 * 1024)))).toEqual([1, 4, 4]);
  });

  test("beyond 256 KiB make a batch that nobody signs", () => {
    const net = network({ scripted: [3] });
    const bytes = concat(
      writeBatch(ORIGIN, [payload("a")]).subarray(0, -payload("a").length - 4),
      Uint8Array.of(0, 4, 0, 1),
      long(256 * 1024 + 1, 1),
    );
    const { tag, body } = batchOf(3, 1, bytes);
    net.deliver(3, 0, { tag, body });
    expect(net.faultsOf(3)).toEqual(["malformed-message"]);
    expect(sharesOf(net, 0, 3)).toEqual([]);
  });

  test("count once for each 64 KiB towards the room for clients, until they are delivered", () => {
    const net = network({ scheduler: () => 0 }, { ...limits, maxPayloads: 10 });
    net.submit(1, long(64 * 1024, 1));
    expect(net.inspect(1, CHANNEL)).toMatchObject({ room: 9, queueLength: 1 });
    net.submit(1, long(256 * 1024, 2));
    expect(net.inspect(1, CHANNEL)).toMatchObject({ room: 5, queueLength: 2 });
    net.submit(1, long(128 * 1024 + 1, 3));
    net.submit(1, long(256 * 1024, 4));
    // For what is there any room for it is taken; then there is none.
    expect(net.inspect(1, CHANNEL)).toMatchObject({ room: 0, queueLength: 4 });
    net.submit(1, payload("late"));
    net.run();
    expect(sizesOf(net, 0)).toHaveLength(4);
    expect(net.inspect(1, CHANNEL)).toMatchObject({ room: 10, queueLength: 0 });
  });
});

describe("pace", () => {
  test("without its host's word a party signs no entry; with it, it does", () => {
    const net = network({}, { isPaced: true });
    net.submit(0, payload("a"));
    net.run();
    expect(net.outputsOf(0)).toEqual([]);
    expect(net.inspect(0, CHANNEL)).toMatchObject({ round: 1, hasWork: true });
    for (const party of net.running) net.step(party, { kind: "proceed", channel: CHANNEL, round: 1 });
    net.run();
    expect(deliveredOf(net, 3)).toEqual(["ok a"]);
  });

  test("without its host's word a party proposes in rounds alone in which it is the first candidate", () => {
    const proposers = (word: boolean, order: "fixed" | "random"): readonly PartyId[] => {
      const net = network({}, { isPaced: true, order });
      net.submit(0, payload("a"));
      net.run();
      for (const party of net.running) net.step(party, { kind: "proceed", channel: CHANNEL, round: 1 });
      net.run(() => word && net.running.every((party) => net.inspect(party, CHANNEL).holdsBack !== (party === 1)));
      for (const party of word ? net.running : []) net.step(party, { kind: "propose", channel: CHANNEL, round: 1 });
      net.run();
      for (const party of net.running) expect(deliveredOf(net, party)).toEqual(["ok a"]);
      return net.running.filter((party) =>
        net.sent.some(({ from, envelope }) => from === party && envelope.tag.endsWith(`/mvba/proposal/${party}`)),
      );
    };
    expect(proposers(false, "fixed")).toEqual([1]);
    expect(proposers(false, "random")).toEqual([0, 1, 2, 3]);
    expect(proposers(true, "fixed")).toEqual([0, 1, 2, 3]);
  });

  test("where the first candidate says nothing, a round is decided once hosts have let the others propose", () => {
    const net = network({ scripted: [1] }, { isPaced: true });
    net.submit(0, payload("a"));
    net.run();
    for (const party of net.running) net.step(party, { kind: "proceed", channel: CHANNEL, round: 1 });
    net.run();
    expect(deliveredOf(net, 0)).toEqual([]);
    for (const party of net.running) {
      expect(net.inspect(party, CHANNEL)).toMatchObject({ round: 1, holdsBack: true });
      net.step(party, { kind: "propose", channel: CHANNEL, round: 1 });
      expect(net.inspect(party, CHANNEL).holdsBack).toBe(false);
    }
    net.run();
    for (const party of net.running) expect(deliveredOf(net, party)).toEqual(["ok a"]);
  });

  test("the word for a round is good where the round begins anew, and for no other", () => {
    const net = network({ scripted: [1] }, { isPaced: true });
    const go = (party: PartyId, kind: "proceed" | "propose", round: number): void =>
      net.step(party, { kind, channel: CHANNEL, round });
    net.submit(0, payload("a"));
    net.run();
    for (const party of net.running) go(party, "proceed", 1);
    net.run();
    go(0, "propose", 2);
    expect(net.inspect(0, CHANNEL).holdsBack).toBe(true);
    for (const party of net.running) go(party, "propose", 1);
    const settings = { ...OPTIONS, ...CERTIFIED };
    for (const speakFrom of [2, 0])
      net.step(0, { kind: "configure", channel: CHANNEL, settings: encodeSettings({ ...settings, speakFrom }) });
    net.run();
    expect(net.inspect(0, CHANNEL)).toMatchObject({ round: 2, holdsBack: false });
    for (const party of net.running) expect(deliveredOf(net, party)).toEqual(["ok a"]);
  });

  test("a party without room takes no more from clients", () => {
    const net = network({ scheduler: () => 0 }, { maxPayloads: 3 });
    for (let index = 0; index < 5; index++) net.submit(1, payload(index));
    expect(net.inspect(1, CHANNEL)).toMatchObject({ room: 0, queueLength: 3 });
    net.run();
    expect(deliveredOf(net, 0)).toHaveLength(3);
    expect(net.inspect(1, CHANNEL).room).toBe(3);
  });

  test("an owner never goes beyond its window, and a slow receiver drops nothing that it has acknowledged", () => {
    // Party 3 hears of nothing for long: it has to ask for what it dropped.
    const net = network({ scheduler: starving(({ to }) => to === 3) }, { laneWindow: 1, maxEntryPayloads: 1 });
    for (let index = 0; index < 10; index++) net.submit(0, payload(index));
    expect(net.of(0, "keepBatch")).toHaveLength(1);
    net.run();
    for (const party of net.running) expect(deliveredOf(net, party)).toHaveLength(10);
    expect(net.accusations).toEqual([]);
  });

  test("what is beyond a receiver's window is not signed, and asked for again after the next cut", () => {
    const net = network({ scripted: [3] }, { laneWindow: 1 });
    const places: { height: number; digest: Uint8Array }[] = [];
    for (let height = 1; height <= 3; height++) {
      const batch = writeBatch(places.at(-1) ?? ORIGIN, [payload(height)]);
      net.deliver(3, 0, batchOf(3, height, batch));
      places.push({ height, digest: digestOf(net, batch) });
    }
    expect(sharesOf(net, 0, 3)).toEqual([1, 2]);
    expect(net.of(0, "askRepeat")).toEqual([]);
    net.submit(1, payload("other"));
    net.run();
    expect(deliveredOf(net, 0)).toEqual(["ok other"]);
    // The lane has not moved: there is still no room.
    expect(net.of(0, "askRepeat")).toEqual([]);
    const [first] = places;
    if (first === undefined) throw new Error("no batch");
    const certificate = certificateOf(net, 3, first, [0, 1, 3]);
    const certified = encode(laneMessageCodec, { kind: "certified", digest: first.digest, certificate });
    net.deliver(3, 0, { tag: tagOf(3, 1), body: certified });
    net.run();
    expect(deliveredOf(net, 0)).toEqual(["ok other", "ok 1"]);
    expect(net.of(0, "askRepeat")).toMatchObject([{ of: 3 }]);
  });

  test("a payload that is in a batch of the own lane comes into no other", () => {
    const net = network({}, { maxEntryPayloads: 1 });
    for (const name of ["a", "a", "b"]) net.submit(0, payload(name));
    expect(net.inspect(0, CHANNEL).queueLength).toBe(2);
    expect(net.of(0, "keepBatch").map(({ name }) => name.height)).toEqual([1, 2]);
  });
});

describe("a lane's owner", () => {
  const lane = 3;

  test("that forks its lane gets one share of each party for a height, and is accused", () => {
    const net = network({ scripted: [lane] });
    const [a, b] = ["a", "b"].map((name) => writeBatch(ORIGIN, [payload(name)]));
    if (a === undefined || b === undefined) throw new Error("two batches");
    net.deliver(lane, 0, batchOf(lane, 1, a));
    net.deliver(lane, 0, batchOf(lane, 1, b));
    expect(sharesOf(net, 0, lane)).toEqual([1]);
    expect(net.faultsOf(lane, 0)).toEqual(["equivocation"]);
  });

  test("gets no share for a batch that does not follow the one before", () => {
    const net = network({ scripted: [lane] });
    const first = writeBatch(ORIGIN, [payload("a")]);
    net.deliver(lane, 0, batchOf(lane, 1, first));
    net.deliver(lane, 0, batchOf(lane, 2, writeBatch({ height: 1, digest: new Uint8Array(32) }, [payload("b")])));
    expect(sharesOf(net, 0, lane)).toEqual([1]);
    expect(net.faultsOf(lane, 0)).toEqual(["equivocation"]);
  });

  test("gets a share for a batch that comes early once its parent is there", () => {
    const net = network({ scripted: [lane] });
    const first = writeBatch(ORIGIN, [payload("a")]);
    const second = writeBatch({ height: 1, digest: digestOf(net, first) }, [payload("b")]);
    net.deliver(lane, 0, batchOf(lane, 2, second));
    expect(sharesOf(net, 0, lane)).toEqual([]);
    net.deliver(lane, 0, batchOf(lane, 1, first));
    expect(sharesOf(net, 0, lane)).toEqual([1, 2]);
    expect(net.accusations).toEqual([]);
  });

  test("gets no share for what nobody may order, for no payload at all, and for bytes that are no batch", () => {
    const lies: readonly (readonly [Uint8Array, string])[] = [
      [writeBatch(ORIGIN, [payload("a"), new Uint8Array(3)]), "invalid-batch"],
      [new Uint8Array(44), "malformed-message"],
      [writeBatch({ ...ORIGIN, height: 1 }, [payload("a")]), "malformed-message"],
      [new Uint8Array(9), "malformed-message"],
    ];
    for (const [batch, fault] of lies) {
      const net = network({ scripted: [lane] });
      net.deliver(lane, 0, batchOf(lane, 1, batch));
      expect(sharesOf(net, 0, lane)).toEqual([]);
      expect(net.faultsOf(lane, 0)).toEqual([fault]);
    }
  });

  test("is the only one that speaks in its lane; shares are for it alone; bad ones and bad certificates accuse", () => {
    const net = network({ scripted: [lane] });
    net.submit(0, payload("own"));
    const say = (path: string, message: LaneMessage): void =>
      net.deliver(lane, 0, { tag: `${CHANNEL}/lane/${path}`, body: encode(laneMessageCodec, message) });
    say("1/1", { kind: "batch", batch: writeBatch(ORIGIN, [payload("a")]) });
    say("1/1", { kind: "share", share: new Uint8Array(16) });
    say("0/1", { kind: "share", share: new Uint8Array(16) });
    say("3/1", { kind: "certified", digest: new Uint8Array(32), certificate: new Uint8Array(8) });
    expect(net.faultsOf(lane, 0)).toEqual(["wrong-sender", "wrong-sender", "invalid-share", "invalid-certificate"]);
    net.deliver(lane, 0, { tag: `${CHANNEL}/lane/9/1`, body: new Uint8Array(0) });
    net.deliver(lane, 0, { tag: `${CHANNEL}/lane/1/01`, body: new Uint8Array(0) });
    net.deliver(lane, 0, { tag: `${CHANNEL}/lane/3/1`, body: new Uint8Array(0) });
    expect(net.faultsOf(lane, 0).slice(4)).toEqual(["unknown-instance", "unknown-instance", "malformed-message"]);
  });

  test("whose batch a bare broadcast quorum has, of which one honest party alone serves it, has it delivered everywhere", () => {
    const net = network({ scripted: [lane] });
    const batch = writeBatch(ORIGIN, [payload("withheld")]);
    const digest = digestOf(net, batch);
    // Only party 0 has it; the others of the certificate are taken to be corrupted.
    net.deliver(lane, 0, batchOf(lane, 1, batch));
    const certificate = certificateOf(net, lane, { height: 1, digest }, [0, 1, 3]);
    const tip = encode(laneMessageCodec, { kind: "certified", digest, certificate });
    net.deliver(lane, 1, { tag: tagOf(lane, 1), body: tip });
    net.run();
    for (const party of net.running) expect(deliveredOf(net, party)).toEqual(["ok withheld"]);
    const [asked] = net.of(2, "askBatch");
    expect(asked).toMatchObject({ name: { lane, height: 1, digest }, of: [0, 1, 3] });
    expect(net.of(2, "keepBatch").map(({ name }) => name)).toEqual([{ lane, height: 1, digest }]);
  });
});

describe("what an owner says to be certified", () => {
  const lane = 3;

  /** Party 0 hears of three batches, and may not make an entry yet. */
  function heard(): {
    readonly net: OrderingNetwork;
    readonly certify: (height: number, isRight: boolean) => void;
    readonly enter: () => void;
  } {
    const net = network({ scripted: [lane] }, { isPaced: true });
    const places: { height: number; digest: Uint8Array }[] = [];
    for (let height = 1; height <= 3; height++) {
      const batch = writeBatch(places.at(-1) ?? ORIGIN, [payload(height)]);
      net.deliver(lane, 0, batchOf(lane, height, batch));
      places.push({ height, digest: digestOf(net, batch) });
    }
    return {
      net,
      certify(height, isRight) {
        const place = places[height - 1];
        if (place === undefined) throw new Error("no batch");
        const certificate = isRight ? certificateOf(net, lane, place, [0, 1, 3]) : new Uint8Array(8);
        const body = encode(laneMessageCodec, { kind: "certified", digest: place.digest, certificate });
        net.deliver(lane, 0, { tag: tagOf(lane, height), body });
      },
      enter: () => net.step(0, { kind: "proceed", channel: CHANNEL, round: 1 }),
    };
  }

  const heightsOf = (net: OrderingNetwork): readonly (readonly number[])[] =>
    net.of(0, "send").flatMap(({ envelope, to }) => {
      if (envelope.tag !== `${CHANNEL}/1` || to !== 1) return [];
      const entry = decode(cutEntryCodec, envelope.body);
      return entry.ok ? [entry.value.heights] : [];
    });

  test("is verified when an entry needs it, and of several the greatest alone", () => {
    const { net, certify, enter } = heard();
    certify(1, false);
    certify(3, true);
    certify(2, false);
    expect(net.inspect(0, CHANNEL).hasWork).toBe(true);
    enter();
    expect(heightsOf(net)).toEqual([[0, 0, 0, 3]]);
    expect(net.accusations).toEqual([]);
  });

  test("and is not, accuses its owner, and comes into no entry; what is takes its place", () => {
    const { net, certify, enter } = heard();
    certify(1, true);
    certify(3, false);
    enter();
    expect(net.faultsOf(lane, 0)).toEqual(["invalid-certificate"]);
    expect(heightsOf(net)).toEqual([]);
    expect(net.inspect(0, CHANNEL).hasWork).toBe(false);
    certify(2, true);
    expect(heightsOf(net)).toEqual([[0, 0, 0, 2]]);
  });

  test("and is for another batch than others have, accuses it of two", () => {
    const { net, enter } = heard();
    const other = { height: 1, digest: new Uint8Array(32).fill(7) };
    const certificate = certificateOf(net, lane, other, [1, 2, 3]);
    const body = encode(laneMessageCodec, { kind: "certified", digest: other.digest, certificate });
    net.deliver(lane, 0, { tag: tagOf(lane, 1), body });
    enter();
    expect(net.faultsOf(lane, 0)).toEqual(["equivocation"]);
  });
});

describe("a batch's digest", () => {
  const hash = (bytes: Uint8Array): Uint8Array => new Uint8Array(createHash("sha256").update(bytes).digest());
  const batch = { parent: { height: 7, digest: new Uint8Array(32).fill(1) }, payloads: [payload("a"), payload("b")] };

  test("is of its parent's place and of its payloads' digests, in their order", () => {
    const length = (value: number, size: number): Uint8Array => {
      const bytes = new Uint8Array(size);
      new DataView(bytes.buffer).setUint32(size - 4, value);
      return bytes;
    };
    const [a, b] = batch.payloads.map((each) => hash(each));
    if (a === undefined || b === undefined) throw new Error("two payloads");
    const named = concat(length(7, 8), batch.parent.digest, length(2, 4), a, b);
    expect(batchDigest(batch, { hash }, { digest: hash })).toEqual(hash(named));
  });

  test("is another one for whatever differs", () => {
    const { parent, payloads } = batch;
    const others = [
      { ...batch, parent: { ...parent, height: 8 } },
      { ...batch, parent: { ...parent, digest: new Uint8Array(32) } },
      { ...batch, payloads: payloads.toReversed() },
      { ...batch, payloads: payloads.slice(1) },
      { ...batch, payloads: [payload("a"), payload("c")] },
      { ...batch, payloads: [concat(...payloads)] },
    ];
    const digests = [batch, ...others].map((each) => toHex(batchDigest(each, { hash }, { digest: hash })));
    expect(new Set(digests).size).toBe(digests.length);
  });
});

describe("what is brought as a batch", () => {
  test("counts only if it was asked for and is what was asked for", () => {
    const net = new OrderingNetwork({ scripted: [3] }, CERTIFIED);
    const batch = writeBatch(ORIGIN, [payload("withheld")]);
    const name = { lane: 3, height: 1, digest: digestOf(net, batch) };
    const bring = (from: PartyId, to: PartyId, bytes: Uint8Array): void =>
      net.step(to, { kind: "batch", from, channel: CHANNEL, name, bytes });
    bring(1, 2, batch);
    expect(net.of(2, "keepBatch")).toEqual([]);
    net.deliver(3, 0, batchOf(3, 1, batch));
    const certificate = certificateOf(net, 3, name, [0, 1, 3]);
    const body = encode(laneMessageCodec, { kind: "certified", digest: name.digest, certificate });
    net.deliver(3, 1, { tag: tagOf(3, 1), body });
    net.run();
    expect(net.inspect(2, CHANNEL)).toMatchObject({ round: 2, delivered: 0 });
    bring(1, 2, writeBatch(ORIGIN, [payload("false")]));
    expect(net.faultsOf(1, 2)).toEqual(["invalid-batch"]);
    expect(net.outputsOf(2)).toEqual([]);
    bring(0, 2, batch);
    expect(deliveredOf(net, 2)).toEqual(["ok withheld"]);
    expect(net.inspect(2, CHANNEL)).toMatchObject({ round: 2, delivered: 1 });
  });
});

test("bytes that are made up for a batch are found out by their first payload, before any is hashed for the digest", () => {
  let digests = 0;
  const admission = (): Admission => {
    const real = digestAdmission({ hash: mockHash, isValid: OPTIONS.isValid });
    return {
      identify: (bytes) => real.identify(bytes),
      digest: (bytes) => (digests++, real.digest(bytes)),
      isOpen: (id) => real.isOpen(id),
      deliver: (id, bytes) => real.deliver(id, bytes),
      snapshot: () => real.snapshot(),
    };
  };
  const net = new OrderingNetwork({ scripted: [3] }, { ...CERTIFIED, admission });
  const batch = writeBatch(ORIGIN, [payload("withheld")]);
  const name = { lane: 3, height: 1, digest: digestOf(net, batch) };
  net.deliver(3, 0, batchOf(3, 1, batch));
  const certificate = certificateOf(net, 3, name, [0, 1, 3]);
  const body = encode(laneMessageCodec, { kind: "certified", digest: name.digest, certificate });
  net.deliver(3, 1, { tag: tagOf(3, 1), body });
  net.run();
  digests = 0;
  const madeUp = writeBatch(
    ORIGIN,
    Array.from({ length: 1000 }, () => Uint8Array.of(1)),
  );
  net.step(2, { kind: "batch", from: 1, channel: CHANNEL, name, bytes: madeUp });
  expect(net.faultsOf(1, 2)).toEqual(["invalid-batch"]);
  expect(digests).toBe(0);
});

describe("the cut", () => {
  test("takes in a lane that its owner's peers alone have heard of: whoever signs an entry has adopted what others know", () => {
    // All that party 0 sends but its batches is late: its lane is ordered all the same, by others' entries.
    const isLate = ({ from, envelope }: Flight): boolean => from === 0 && !isLane(envelope.tag);
    for (let seed = 1; seed <= 10; seed++) {
      const net = network({ seed, scheduler: starving(isLate) });
      net.submit(0, payload("of 0"));
      net.submit(1, payload("of 1"));
      net.run(() => deliveredOf(net, 1).includes("ok of 0"));
      expect(net.flights.some(isLate)).toBe(true);
      expect(deliveredOf(net, 1)).toContain("ok of 0");
    }
  });

  test("is at least what enough honest parties name, and the same everywhere", () => {
    const net = network({ seed: 4 });
    for (let index = 0; index < 20; index++) net.submit(index % 4, payload(index));
    net.run();
    for (const { round, cut } of net.outputsOf(0)) {
      expect(net.outputsOf(2)[round - 1]?.cut).toEqual(cut);
      const places = decode(cutCodec, cut ?? new Uint8Array(0));
      if (!places.ok) throw new Error(places.error);
      const named = net.running.flatMap((party) => net.said(party, `${CHANNEL}/${round}`, cutEntryCodec).slice(0, 1));
      for (const [lane, { height }] of places.value.entries()) {
        const further = named.filter(({ heights }) => (heights[lane] ?? 0) > height);
        expect(further.length).toBeLessThan(2);
      }
    }
  });

  test("an entry that is stale, covers too few lanes or has no certificate for what it names accuses, and wakes nobody", () => {
    const batch = writeBatch(ORIGIN, [payload("a")]);
    const accused = (
      make: (net: OrderingNetwork, tip: Tip) => Pick<CutEntry, "heights" | "tips">,
    ): readonly Fault[] => {
      const net = network({ scripted: [3] });
      const place = { height: 1, digest: digestOf(net, batch) };
      const entry = make(net, { lane: 3, ...place, certificate: certificateOf(net, 3, place, [0, 1, 3]) });
      const signed = statement(CLUSTER, `${CHANNEL}/1`, QUEUE, cutEntryBody({ clock: 0, heights: entry.heights }));
      const body = encode(cutEntryCodec, { ...entry, clock: 0, signature: net.suite(3).sign(signed) });
      net.deliver(3, 0, { tag: `${CHANNEL}/1`, body });
      expect(net.said(0, `${CHANNEL}/1`, cutEntryCodec)).toHaveLength(net.accusations.length > 0 ? 0 : 3);
      return net.faultsOf(3, 0);
    };
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 1], tips: [tip] }))).toEqual([]);
    const invalid = "invalid-queue-entry";
    expect(accused(() => ({ heights: [0, 0, 0, 0], tips: [] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 0], tips: [tip] }))).toEqual([invalid]);
    expect(accused(() => ({ heights: [0, 0, 0, 1], tips: [] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 1], tips: [tip] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 1, 0], tips: [tip] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 1, 1], tips: [tip] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 2], tips: [tip] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 1], tips: [tip, tip] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 1], tips: [{ ...tip, lane: 7 }] }))).toEqual([invalid]);
    expect(accused((_, tip) => ({ heights: [0, 0, 0, 1], tips: [{ ...tip, digest: new Uint8Array(32) }] }))).toEqual([
      "invalid-certificate",
    ]);
    expect(
      accused((net, tip) => ({
        heights: [0, 0, 0, 1],
        tips: [{ ...tip, certificate: certificateOf(net, 3, tip, [0, 3]) }],
      })),
    ).toEqual(["invalid-certificate"]);
  });

  test("an entry below the cut, or with a certificate that the cut covers, is none", () => {
    const net = network({ scripted: [3] });
    net.submit(0, payload("a"));
    net.run();
    const batch = writeBatch(ORIGIN, [payload("b")]);
    const place = { height: 1, digest: digestOf(net, batch) };
    const tip = { lane: 3, ...place, certificate: certificateOf(net, 3, place, [0, 1, 3]) };
    const entry = (heights: readonly number[], tips: readonly Tip[]): void => {
      const signed = statement(CLUSTER, `${CHANNEL}/2`, QUEUE, cutEntryBody({ clock: 0, heights }));
      const body = encode(cutEntryCodec, { clock: 0, heights, tips, signature: net.suite(3).sign(signed) });
      net.deliver(3, 0, { tag: `${CHANNEL}/2`, body });
    };
    entry([0, 0, 0, 1], [tip]);
    const [certified] = net.said(0, `${CHANNEL}/1`, cutEntryCodec);
    entry([1, 0, 0, 1], [...(certified?.tips ?? []), tip]);
    expect(net.faultsOf(3, 0)).toEqual(["invalid-queue-entry", "invalid-queue-entry"]);
    entry([1, 0, 0, 1], [tip]);
    expect(net.faultsOf(3, 0)).toHaveLength(2);
  });
});

describe("a party that begins to speak", () => {
  test("signs nothing before, begins its lane at heights that it has never used, and is heard", () => {
    const net = new OrderingNetwork({ seed: 3, serves: true }, (party) => ({
      ...CERTIFIED,
      speakFrom: party === 3 ? 3 : 0,
    }));
    net.submit(3, payload("mute"));
    for (let index = 0; index < 4; index++) {
      net.submit(index % 3, payload(index));
      net.run();
      if (index < 1) expect(net.of(3, "signed")).toEqual([]);
    }
    net.run();
    for (const party of net.running) expect(deliveredOf(net, party)).toContain("ok mute");
    const first = net.of(0, "keepBatch").find(({ name }) => name.lane === 3);
    expect(first?.name.height).toBe(4 * 16 * 3);
    expect(net.accusations).toEqual([]);
  });

  test.each([
    [0, 1],
    [10, 4 * 16],
    [100, 101],
  ])("and may have signed up to height %i of its lane begins it at %i", (laneBefore, first) => {
    const net = new OrderingNetwork({ seed: 3, serves: true }, (party) => ({
      ...CERTIFIED,
      laneBefore: party === 3 ? laneBefore : undefined,
    }));
    net.submit(3, payload("its own"));
    net.run();
    const heights = net.of(3, "keepBatch").flatMap(({ name }) => (name.lane === 3 ? [name.height] : []));
    expect(heights).toEqual([first]);
    expect(net.accusations).toEqual([]);
  });

  test("from a state that others certified knows what it has signed, and its lane goes on", () => {
    const net = network({ seed: 5 }, { checkpointInterval: 1 });
    for (let index = 0; index < 3; index++) {
      net.submit(index, payload(index));
      net.run();
    }
    const [, , last] = net.outputsOf(1);
    const boundary = decodeBoundary(net.of(1, "boundary").at(-1)?.state ?? new Uint8Array(0));
    if (!boundary.ok || last === undefined) throw new Error("no boundary");
    const acknowledged = net.inspect(0, CHANNEL).acknowledged();
    expect(acknowledged).toEqual([1, 1, 1, 0]);
    const state = boundaryAt({
      ...boundary.value,
      cut: last.cut,
      acknowledged,
      waiting: [{ payload: payload("waits"), broughtBy: 0 }],
    });
    const engine = net.engineAt(0, state);
    const sent = engine.start().flatMap((effect) => (effect.kind === "send" ? [effect.envelope.tag] : []));
    expect([...new Set(sent)]).toEqual([tagOf(0, 4 * 16 * 4)]);
    expect(engine.inspect(CHANNEL).acknowledged()).toEqual([4 * 16 * 4, 1, 1, 0]);
  });

  test("a store that lacks batches of the own lane is recognised", () => {
    const net = network({ seed: 6 });
    net.submit(0, payload("a"));
    net.run();
    const engine = net.engineAt(0, undefined);
    engine.start();
    const [proof] = net.archive(1, CHANNEL);
    if (proof === undefined) throw new Error("no proof");
    expect(() => engine.step({ kind: "message", from: 1, envelope: proof.envelope })).toThrow(
      "this store is not the latest",
    );
  });

  test("says again what it has said of lanes and is not ordered: its batches, and its shares for others", () => {
    const net = network({ seed: 7 }, { checkpointInterval: 1, maxEntryPayloads: 1 });
    for (let index = 0; index < 8; index++) net.submit(0, payload(index));
    net.run();
    const again = (party: PartyId): readonly string[] => {
      const state = net.of(party, "boundary").find(({ state }) => decodedLanes(state).length > 300)?.state;
      if (state === undefined) throw new Error("no boundary within a lane");
      const effects = net.engineAt(party, state).start();
      return effects.flatMap((effect) => {
        if (effect.kind !== "send" || !isLane(effect.envelope.tag)) return [];
        const message = decode(laneMessageCodec, effect.envelope.body);
        return message.ok ? [message.value.kind] : [];
      });
    };
    expect(again(0)).toContain("batch");
    expect(again(1)).toContain("share");
  });

  test("does not start without batches that its host should have kept, nor with lanes that are none", () => {
    const net = network({ seed: 7 }, { checkpointInterval: 1, maxEntryPayloads: 1 });
    for (let index = 0; index < 8; index++) net.submit(0, payload(index));
    net.run();
    const states = net.of(0, "boundary").map(({ state }) => state);
    const start = (state: Uint8Array, kept: AtomicBroadcastOptions["kept"]): void =>
      void net.engineAt(0, state, kept).start();
    const withBatches = states.find((state) => decodedLanes(state).length > 300);
    if (withBatches === undefined) throw new Error("no boundary within a lane");
    expect(() => start(withBatches, () => undefined)).toThrow(AtomicBroadcastOptionsError);
    expect(() => start(withBatches, () => undefined)).toThrow("the host has not kept");
  });
});

function decodedLanes(state: Uint8Array): Uint8Array {
  const boundary = decodeBoundary(state);
  return boundary.ok ? boundary.value.lanes : new Uint8Array(0);
}

test("options that do not work are refused", () => {
  const refused = (changes: Partial<AtomicBroadcastOptions>) => () => network({}, changes);
  expect(refused({ laneWindow: 0 })).toThrow("laneWindow");
  expect(refused({ maxEntryBytes: 2 ** 21 })).toThrow("the bound of a batch");
  expect(refused({ maxEntryPayloads: 0 })).toThrow("the bounds of a batch");
  expect(refused({ dissemination: "pigeon" as "inline" })).toThrow("dissemination=pigeon");
});

/** Runs with everything that may happen. */
function randomRun(seed: number, changes: Partial<AtomicBroadcastOptions>): OrderingNetwork {
  const random = new Random(seed);
  const late = random.below(4);
  const scheduler = random.pick([randomOrder, lastInFirstOut, starving(({ to }) => to === late)]);
  const speakFrom = random.pick([0, 0, 3]);
  const settings = (party: PartyId) => ({
    ...OPTIONS,
    ...CERTIFIED,
    ...changes,
    speakFrom: party === 2 ? speakFrom : 0,
  });
  const net = new OrderingNetwork(
    { ...withLiar(seed, 3, random.pick([0, 0.2, 0.6]), "certified"), scheduler },
    settings,
  );
  const input = (party: PartyId, one: Input): void => net.step(party, one);
  for (let count = 0; count < 16; count++) {
    const party = random.below(4);
    net.clock(party, 1000 * count);
    net.submit(party, payload(`${count} of ${seed}`));
    if (random.chance(0.3)) {
      const maxEarlyBytes = random.pick([300, 3000, 1_000_000]);
      input(party, {
        kind: "configure",
        channel: CHANNEL,
        settings: encodeSettings({ ...settings(party), maxEarlyBytes }),
      });
    }
    for (let left = random.below(300); left > 0; left--) net.run(once());
    for (const each of net.running) input(each, { kind: "proceed", channel: CHANNEL, round: count });
    letPropose(net);
  }
  for (const each of net.running) input(each, { kind: "proceed", channel: CHANNEL, round: 1000 });
  do net.run();
  while (letPropose(net));
  return net;
}

/** Whether there was anybody who waited for that. */
function letPropose(net: OrderingNetwork): boolean {
  const waiting = net.running.filter((party) => net.inspect(party, CHANNEL).holdsBack);
  for (const party of waiting)
    net.step(party, { kind: "propose", channel: CHANNEL, round: net.inspect(party, CHANNEL).round });
  return waiting.length > 0;
}

function once(): () => boolean {
  let wasAsked = false;
  return () => {
    const answer = wasAsked;
    wasAsked = true;
    return answer;
  };
}

const nameOf = (effect: AbcEffect): string =>
  JSON.stringify(effect, (_, value: unknown) => (value instanceof Uint8Array ? toHex(value) : value));

/** The round that an effect is about; those of lanes are about none. */
function roundOf(effect: AbcEffect): number {
  if (effect.kind === "output") return effect.value.round;
  if ("round" in effect) return effect.round;
  const tag = effect.kind === "send" ? effect.envelope.tag : effect.kind === "signed" ? effect.slot : "";
  const about = effect.kind === "evidence" ? effect.evidence.tag : "tag" in effect ? effect.tag : tag;
  const [, round] = /^abc\/([0-9]+)/.exec(about) ?? [];
  return round === undefined ? Infinity : Number(round);
}

/** What `party` said after each of its boundaries, and what it says when it starts from it. */
function replays(net: OrderingNetwork, party: PartyId): number {
  const effects = net.effectsOf(party);
  let count = 0;
  for (const [index, boundary] of effects.entries()) {
    if (boundary.kind !== "boundary") continue;
    count++;
    const said = new Set(effects.slice(0, index).map(nameOf));
    const isLater = (effect: AbcEffect): boolean =>
      roundOf(effect) > boundary.round && !(effect.kind === "accuse" && effect.tag === CHANNEL);
    const engine = net.engineAt(party, boundary.state);
    // What is in the lanes is said again: peers may not have it yet. What was asked before is asked for another reason now.
    const again = engine.start().filter((effect) => effect.kind === "askRepeat" || !said.has(nameOf(effect)));
    for (const { input, from } of net.steps.get(party) ?? []) if (from > index) again.push(...engine.step(input));
    expect(again.filter(isLater).map(nameOf)).toEqual(
      effects
        .slice(index + 1)
        .filter(isLater)
        .map(nameOf),
    );
  }
  return count;
}

describe("a party that starts from a boundary and takes the inputs since then", () => {
  const VARIANTS: readonly Partial<AtomicBroadcastOptions>[] = [
    { checkpointInterval: 1 },
    { checkpointInterval: 2, order: "random", isPaced: true },
    { checkpointInterval: 1, isPaced: true },
    { checkpointInterval: 1, maxEntryPayloads: 1, laneWindow: 2 },
    { checkpointInterval: 1, delivery: "on-request", maxEntryPayloads: 2, maxEarlyBytes: 500 },
  ];
  test.each(VARIANTS.map((variant) => [JSON.stringify(variant), variant] as const))(
    "says the same: %s",
    (_, variant) => {
      let count = 0;
      for (let seed = 1; seed <= 4; seed++) {
        const net = randomRun(seed, variant);
        for (const party of net.running) if (party !== 3) count += replays(net, party);
      }
      expect(count).toBeGreaterThan(10);
    },
  );
});

test("an admission of the host's is asked, and a payload in two lanes is delivered once", () => {
  const admission = (): Admission => digestAdmission({ hash: mockHash, isValid: OPTIONS.isValid });
  const net = network({ seed: 2 }, { admission });
  for (const party of net.running) net.submit(party, payload("same"));
  net.submit(0, new Uint8Array(4));
  net.run();
  for (const party of net.running) expect(deliveredOf(net, party)).toEqual(["ok same"]);
});
