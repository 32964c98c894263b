/** Boundaries: who starts from one, and takes the same inputs since then, says the same as if it had never stopped. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decode } from "../../src/core/codec.js";
import type { PartyId } from "../../src/core/party-set.js";
import { encodeBoundary } from "../../src/protocols/atomic-broadcast/boundary.js";
import { queueEntryCodec } from "../../src/protocols/atomic-broadcast/messages.js";
import {
  type AtomicBroadcastOptions,
  AtomicBroadcastOptionsError,
  type Boundary,
  boundaryAt,
  decodeBoundary,
  digestAdmission,
  encodeSettings,
} from "../../src/protocols/index.js";
import { lastInFirstOut, randomOrder, starving } from "../../src/sim/network.js";
import { Random } from "../../src/sim/random.js";
import { type AbcEffect, CHANNEL, OPTIONS, OrderingNetwork, payload, withLiar } from "./ordering-network.js";

fc.configureGlobal({ seed: 5 });

/** The round that an effect is about, of those of rounds. A checkpoint of a round comes after the round. */
function roundOf(effect: AbcEffect): number {
  if ("round" in effect) return effect.kind === "stable" ? effect.round + 1 : effect.round;
  if (effect.kind === "output") return effect.value.round;
  const tag = effect.kind === "send" ? effect.envelope.tag : effect.kind === "signed" ? effect.slot : "";
  const about = effect.kind === "evidence" ? effect.evidence.tag : "tag" in effect ? effect.tag : tag;
  const [, checkpoint, round] = /^abc\/(checkpoint\/)?([0-9]+)/.exec(about) ?? [];
  if (round === undefined) return Infinity;
  return Number(round) + (checkpoint === undefined ? 0 : 1);
}

/** Whether it was asked before. */
function once(): () => boolean {
  let wasAsked = false;
  return () => {
    const answer = wasAsked;
    wasAsked = true;
    return answer;
  };
}

/** Runs with everything that may happen, checkpoints included. */
function randomRun(seed: number, changes: Partial<AtomicBroadcastOptions>): OrderingNetwork {
  const random = new Random(seed);
  const late = random.below(4);
  const scheduler = random.pick([
    randomOrder,
    lastInFirstOut,
    starving(({ to }) => to === late),
    starving(({ from, to }) => (from + to) % 3 === 0),
  ]);
  // Party 2 is silent up to some round.
  const speakFrom = random.pick([0, 0, 4]);
  const net = new OrderingNetwork({ ...withLiar(seed, 3, random.pick([0, 0.2, 0.6])), scheduler }, (party) => ({
    ...changes,
    speakFrom: party === 2 ? speakFrom : 0,
  }));
  const owed = new Map<PartyId, number[]>();
  let told = 0;
  const host = (): void => {
    for (; told < net.effects.length; told++) {
      const { party, effect } = net.effects[told] ?? { party: 0, effect: undefined };
      if (effect?.kind === "boundary") owed.set(party, [...(owed.get(party) ?? []), effect.round]);
    }
    // A host is quick or slow with its digest.
    for (const [party, rounds] of owed) {
      if (rounds.length === 0 || random.chance(0.7)) continue;
      const round = rounds.shift();
      if (round !== undefined) net.checkpoint(party, round);
    }
  };
  for (let count = 0; count < 12; count++) {
    const party = random.below(4);
    net.clock(party, 1000 * count + random.below(500));
    net.submit(party, payload(`${count} of ${seed}`));
    if (random.chance(0.3)) {
      const maxEarlyBytes = random.pick([300, 3000, 1_000_000]);
      const maxPayloadsPerPeer = random.pick([0, 2, 100]);
      const settings = {
        ...OPTIONS,
        ...changes,
        speakFrom: party === 2 ? speakFrom : 0,
        maxEarlyBytes,
        maxPayloadsPerPeer,
      };
      net.step(party, { kind: "configure", channel: CHANNEL, settings: encodeSettings(settings) });
    }
    const steps = random.below(400);
    for (let step = 0; step < steps; step++) {
      net.run(once());
      if (random.chance(0.05)) host();
    }
  }
  net.run();
  host();
  net.run();
  return net;
}

/** What `party` said after each of its boundaries, and what it says when it starts from it. */
function replays(net: OrderingNetwork, party: PartyId): number {
  const effects = net.effectsOf(party);
  let count = 0;
  for (const [index, boundary] of effects.entries()) {
    if (boundary.kind !== "boundary") continue;
    count++;
    // A message of a checkpoint that is over is accused here or there.
    const isLater = (effect: AbcEffect): boolean =>
      roundOf(effect) > boundary.round && !(effect.kind === "accuse" && effect.tag === CHANNEL);
    const engine = net.engineAt(party, boundary.state);
    const again = [...engine.start()];
    for (const { input, from } of net.steps.get(party) ?? []) if (from > index) again.push(...engine.step(input));
    expect(again.filter(isLater)).toEqual(effects.slice(index + 1).filter(isLater));
  }
  return count;
}

describe("a party that starts from a boundary and takes the inputs since then", () => {
  const VARIANTS: readonly Partial<AtomicBroadcastOptions>[] = [
    { checkpointInterval: 1 },
    { checkpointInterval: 2, order: "random" },
    { checkpointInterval: 1, delivery: "on-request", maxEntryPayloads: 1 },
    { checkpointInterval: 1, maxEntryPayloads: 1, maxEarlyBytes: 500 },
    { checkpointInterval: 3, vectorSize: 2, parallel: 2, maxEntryPayloads: 2 },
  ];
  test.each(VARIANTS.map((variant) => [JSON.stringify(variant), variant] as const))(
    "says the same: %s",
    (_, variant) => {
      let count = 0;
      for (let seed = 1; seed <= 3; seed++) {
        const net = randomRun(seed, variant);
        for (const party of net.running) count += replays(net, party);
      }
      expect(count).toBeGreaterThan(10);
    },
  );
});

/** A network whose rounds are decided one after the other, and boundaries of it. */
function run(rounds: number, changes: Partial<AtomicBroadcastOptions> = {}): OrderingNetwork {
  const net = new OrderingNetwork({ seed: 1, serves: true }, { checkpointInterval: 1, ...changes });
  for (let round = 1; round <= rounds; round++) {
    net.submit(round % 4, payload(round));
    net.run();
  }
  return net;
}

function lastBoundary(net: OrderingNetwork, party: PartyId): { readonly state: Uint8Array; readonly value: Boundary } {
  const state = net.of(party, "boundary").at(-1)?.state ?? new Uint8Array(0);
  const decoded = decodeBoundary(state);
  if (!decoded.ok) throw new Error(decoded.error);
  return { state, value: decoded.value };
}

describe("a boundary", () => {
  test("comes right after the output of each round that has one, before anything of the next", () => {
    const net = run(6, { checkpointInterval: 2 });
    const effects = net.effectsOf(0);
    const boundaries = effects.flatMap((effect, index) => (effect.kind === "boundary" ? [index] : []));
    expect(boundaries.map((index) => effects[index])).toMatchObject([2, 4, 6].map((round) => ({ round })));
    for (const index of boundaries) {
      const [output, boundary] = [effects[index - 1], effects[index]];
      if (output?.kind !== "output" || boundary?.kind !== "boundary") throw new Error("no output before a boundary");
      expect(output.value.round).toBe(boundary.round);
      expect(
        effects.slice(0, index).every((effect) => roundOf(effect) <= boundary.round || roundOf(effect) === Infinity),
      ).toBe(true);
    }
    expect(run(3, { checkpointInterval: 0 }).of(0, "boundary")).toEqual([]);
  });

  test("has what was delivered, what waits, the settings and the clock", () => {
    const net = run(2, { maxEntryPayloads: 1 });
    net.clock(0, 5000);
    for (const name of ["one", "two"]) net.submit(0, payload(name));
    net.run(() => net.of(0, "boundary").length === 3);
    const { value } = lastBoundary(net, 0);
    expect(value).toMatchObject({
      round: 3,
      clockMs: 5000,
      checkpoint: 0,
      settings: { maxEntryPayloads: 1, speakFrom: 0 },
    });
    expect(value.waiting.length).toBeGreaterThan(0);
    expect(value.admission.length).toBe(4 + 3 * 32);
  });

  test("is the whole of it: started from one, with nothing else, a party goes on with the others", () => {
    const net = run(3);
    const { state } = lastBoundary(net, 1);
    const engine = net.engineAt(1, state);
    engine.start();
    expect(engine.inspect(CHANNEL)).toMatchObject({ round: 4, queueLength: 0, isMuted: false });
    // What was delivered before is known.
    const entry = engine.step({ kind: "submit", channel: CHANNEL, payload: payload(2) });
    expect(entry).toEqual([]);
    expect(engine.step({ kind: "submit", channel: CHANNEL, payload: payload(9) }).length).toBeGreaterThan(0);
  });

  test("of somebody else's state knows nothing of peers, and forgets what waits and was delivered", () => {
    const net = run(3);
    const { value } = lastBoundary(net, 1);
    const waiting = [payload(2), payload("new")].map((bytes) => ({ payload: bytes, broughtBy: 0 }));
    const engine = net.engineAt(0, boundaryAt({ ...value, waiting, settings: { ...value.settings, speakFrom: 9 } }));
    expect(engine.start()).toEqual([]);
    expect(engine.inspect(CHANNEL)).toMatchObject({ round: 4, queueLength: 1, isMuted: true });
    const digest = net.digestOf(1, 3);
    expect(engine.step({ kind: "checkpoint", channel: CHANNEL, round: 3, digest })).toEqual([]);
  });

  test("of somebody else's state has what waits signed at once, with the clock's reading of now", () => {
    const net = run(3);
    const { value } = lastBoundary(net, 1);
    const waiting = [{ payload: payload("new"), broughtBy: 0 }];
    const engine = net.engineAt(0, boundaryAt({ ...value, waiting, clockMs: 123_456 }));
    const said = engine.start().flatMap((effect) => (effect.kind === "send" ? [effect.envelope.body] : []));
    const entries = said.map((body) => decode(queueEntryCodec, body));
    expect(entries.length).toBeGreaterThan(0);
    for (const entry of entries) expect(entry).toMatchObject({ ok: true, value: { clock: 123_456 } });
  });

  test("that is none is refused, and one whose admission the host has not restored", () => {
    const net = run(2);
    const { state } = lastBoundary(net, 0);
    expect(() => net.engineAt(0, state.subarray(1)).start()).toThrow(AtomicBroadcastOptionsError);
    const hash = (bytes: Uint8Array): Uint8Array => net.suite(0).hash(bytes);
    const fresh = new OrderingNetwork(
      { seed: 1 },
      { checkpointInterval: 1, admission: () => digestAdmission({ hash, isValid: OPTIONS.isValid }) },
    );
    expect(() => fresh.engineAt(0, state).start()).toThrow("the admission is not the one");
  });
});

describe("the encoding of boundaries", () => {
  const round = fc.nat(Number.MAX_SAFE_INTEGER);
  const bytes = fc.uint8Array({ maxLength: 40 });
  const parties = <T>(of: fc.Arbitrary<T>) =>
    fc.uniqueArray(fc.record({ party: fc.nat(255), of }), { selector: ({ party }) => party, maxLength: 5 });
  const u32 = fc.nat(0xffff_ffff);
  const anyBoundary: fc.Arbitrary<Boundary> = fc.record({
    round,
    timeMs: fc.option(round, { nil: undefined }),
    settings: fc.record({
      maxPayloads: u32,
      maxPayloadsPerPeer: u32,
      maxEntryPayloads: u32,
      maxEntryBytes: u32,
      maxEarlyBytes: u32,
      speakFrom: round,
    }),
    clockMs: round,
    admission: bytes,
    waiting: fc.array(fc.record({ payload: bytes, broughtBy: fc.nat(255) }), { maxLength: 4 }),
    peers: parties(
      fc.record({
        highest: round,
        droppedFrom: round,
        early: fc.array(fc.record({ path: fc.constantFrom("7", "7/mvba"), body: bytes }), { maxLength: 3 }),
      }),
    ).map((all) => all.map(({ party, of }) => ({ party, ...of }))),
    checkpoint: round,
    shares: parties(fc.record({ round, body: bytes })).map((all) => all.map(({ party, of }) => ({ party, ...of }))),
    lanes: fc.oneof(fc.constant(new Uint8Array(0)), bytes),
  });

  test("gives back what was written", () => {
    fc.assert(
      fc.property(anyBoundary, (boundary) => {
        expect(decodeBoundary(encodeBoundary(boundary))).toEqual({ ok: true, value: boundary });
      }),
    );
  });

  test("has one form of each, and an answer to any bytes", () => {
    fc.assert(
      fc.property(anyBoundary, fc.nat(), fc.nat(255), fc.option(fc.nat()), (boundary, at, value, cut) => {
        const state = encodeBoundary(boundary);
        state[at % state.length] = value;
        const damaged = cut === null ? state : state.subarray(0, cut % state.length);
        const decoded = decodeBoundary(damaged);
        if (decoded.ok) expect(encodeBoundary(decoded.value)).toEqual(damaged);
      }),
      { numRuns: 1000 },
    );
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void decodeBoundary(any)));
  });

  test("names no party twice", () => {
    const peer = { party: 1, highest: 1, droppedFrom: 1, early: [] };
    const boundary = { round: 1, timeMs: undefined, settings: OPTIONS, clockMs: 0, admission: new Uint8Array(0) };
    const twice = {
      ...boundary,
      waiting: [],
      peers: [peer, peer],
      checkpoint: 0,
      shares: [],
      lanes: new Uint8Array(0),
    };
    expect(() => encodeBoundary(twice)).toThrow("a party twice");
  });
});
