/** Learners: parties that follow what is decided and say nothing, until they may. */
import { describe, expect, test } from "vitest";
import { encode } from "../../src/core/codec.js";
import { statement } from "../../src/core/engine.js";
import type { PartyId } from "../../src/core/party-set.js";
import { QUEUE, entryBody, queueEntryCodec } from "../../src/protocols/atomic-broadcast/messages.js";
import { type AtomicBroadcastOptions, encodeSettings } from "../../src/protocols/index.js";
import { CLUSTER, type Scheduler, randomOrder, starving } from "../../src/sim/network.js";
import { CHANNEL, OPTIONS, OrderingNetwork, payload } from "./ordering-network.js";

const NEVER = Number.MAX_SAFE_INTEGER;
const LEARNER = 3;

function network(
  seed: number,
  changes: Partial<AtomicBroadcastOptions> = {},
  scheduler: Scheduler = randomOrder,
): OrderingNetwork {
  return new OrderingNetwork({ seed, serves: true, scheduler }, (party) => ({
    ...changes,
    speakFrom: party === LEARNER ? NEVER : 0,
  }));
}

function setSpeakFrom(net: OrderingNetwork, party: PartyId, speakFrom: number): void {
  net.step(party, { kind: "configure", channel: CHANNEL, settings: encodeSettings({ ...OPTIONS, speakFrom }) });
}

const logOf = (net: OrderingNetwork, party: PartyId) =>
  net.outputsOf(party).map(({ payloads }) => payloads.map(String));

const said = (net: OrderingNetwork): readonly string[] => [
  ...net.of(LEARNER, "send").map(({ envelope }) => envelope.tag),
  ...net.of(LEARNER, "signed").map(({ slot }) => slot),
];

describe("a learner", () => {
  test.each(["fixed", "random", "adaptive"] as const)("delivers everything and says nothing, in %s order", (order) => {
    for (let seed = 1; seed <= 5; seed++) {
      const net = network(seed, { order });
      for (let count = 0; count < 5; count++) {
        net.submit(count % 3, payload(count));
        net.submit(LEARNER, payload(`its own ${count}`));
        net.run();
      }
      expect(logOf(net, LEARNER)).toEqual(logOf(net, 0));
      expect(logOf(net, 0)).toHaveLength(5);
      expect(said(net)).toEqual([]);
      expect(net.accusations).toEqual([]);
      expect(net.inspect(LEARNER, CHANNEL)).toMatchObject({ isMuted: true, queueLength: 5 });
    }
  });

  test("takes part from the round on in which it may speak, with what was handed to it", () => {
    const net = network(1);
    net.submit(0, payload("a"));
    net.submit(LEARNER, payload("of the learner"));
    net.run();
    setSpeakFrom(net, LEARNER, 3);
    expect(said(net)).toEqual([]);
    net.submit(0, payload("b"));
    net.run();
    expect(logOf(net, 0).flat()).toContain(String(payload("of the learner")));
    expect(net.inspect(LEARNER, CHANNEL)).toMatchObject({ isMuted: false, queueLength: 0 });
    expect(said(net).every((tag) => Number(/[0-9]+/.exec(tag)?.[0]) >= 3)).toBe(true);
    expect(net.accusations).toEqual([]);
  });

  test("begins a round again that it has followed so far, and asks all to repeat what they said in it", () => {
    const net = network(
      1,
      {},
      starving(({ to }) => to === 2),
    );
    // Two others wait for a third, which nothing reaches.
    net.submit(0, payload("a"));
    net.run(() => net.flights.every(({ to }) => to === 2));
    net.flights.splice(0, Infinity);
    expect(net.outputsOf(0)).toEqual([]);
    setSpeakFrom(net, LEARNER, 1);
    expect(net.of(LEARNER, "askRepeat").map(({ of }) => of)).toEqual([0, 1, 2]);
    net.run();
    expect(logOf(net, 0)).toEqual(logOf(net, LEARNER));
    expect(logOf(net, 0)).toHaveLength(1);
    expect(net.accusations).toEqual([]);
  });

  test("settings that change nothing of it leave the round as it is", () => {
    const net = network(1);
    setSpeakFrom(net, LEARNER, 9);
    setSpeakFrom(net, 0, 1);
    expect([...net.of(LEARNER, "askRepeat"), ...net.of(0, "askRepeat")]).toEqual([]);
  });

  test("that may not speak any more is silent at once", () => {
    const net = new OrderingNetwork({ seed: 1, serves: true });
    setSpeakFrom(net, LEARNER, NEVER);
    net.submit(LEARNER, payload("a"));
    net.submit(0, payload("b"));
    net.run();
    expect(said(net)).toEqual([]);
    expect(logOf(net, LEARNER)).toEqual(logOf(net, 0));
  });
});

describe("an own entry that this party has not signed", () => {
  const entryOf = (net: OrderingNetwork, text: string): Uint8Array => {
    const content = { clock: 0, payloads: [payload(text)] };
    const signature = net.suite(LEARNER).sign(statement(CLUSTER, `${CHANNEL}/1`, QUEUE, entryBody(content)));
    return encode(queueEntryCodec, { ...content, signature });
  };
  /** Somebody sends the party its own entry, as a link never does: as in a proposal. */
  const show = (net: OrderingNetwork, text: string): void =>
    net.deliver(LEARNER, LEARNER, { tag: `${CHANNEL}/1`, body: entryOf(net, text) });

  test("stops it: its store is not the latest", () => {
    const net = new OrderingNetwork({ seed: 1 });
    expect(() => show(net, "a")).toThrow("this store is not the latest");
    const signed = new OrderingNetwork({ seed: 1 });
    signed.submit(LEARNER, payload("a"));
    expect(() => show(signed, "a")).not.toThrow();
  });

  test("is news to a learner that has lost its store, and no more", () => {
    const net = network(1);
    expect(() => show(net, "a")).not.toThrow();
    expect(net.accusations).toEqual([]);
  });

  test("that nobody has signed is no reason to stop", () => {
    const net = new OrderingNetwork({ seed: 1 });
    const body = entryOf(net, "a");
    body[body.length - 1] = (body.at(-1) ?? 0) ^ 1;
    net.deliver(LEARNER, LEARNER, { tag: `${CHANNEL}/1`, body });
    expect(net.faultsOf(LEARNER)).toEqual(["invalid-share"]);
  });
});
