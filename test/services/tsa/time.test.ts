/**
 * Whom tokens' times can be believed from: atomic broadcast and the authority together, in simulated time. One party's clock lies, and
 * the network holds messages back for as long as it likes; the honest clocks are within SKEW_MS of the true time.
 */
import { describe, expect, it } from "vitest";
import { concat, fromUtf8, toHex, utf8 } from "../../../src/core/bytes.js";
import type { PartyId } from "../../../src/core/party-set.js";
import type { NetworkOptions } from "../../../src/sim/network.js";
import { Random } from "../../../src/sim/random.js";
import { encodeTsaOperation, type TsaOperation } from "../../../src/services/tsa/index.js";
import { decodeTsaReply } from "../../../src/services/tsa/index.js";
import { OrderingNetwork, withLiar } from "../../protocols/ordering-network.js";
import { createTestTsa, key, requestOf } from "./fixture.js";

const SKEW_MS = 500;
const HOUR_MS = 3_600_000;
const START_MS = 1_700_000_000_000;
const LIAR = 3;
const HONEST: readonly PartyId[] = [0, 1, 2];
const SKEWS = [-SKEW_MS, 0, SKEW_MS];

interface Dated {
  readonly genTimeMs: number;
  /** The time of the round that ordered its request. */
  readonly requestRoundMs: number;
}

/** What one party's replica would execute, round by round. */
class Replica {
  readonly #tsa = createTestTsa();
  readonly replies: string[] = [];
  /** By the request's nonce. */
  readonly tokens = new Map<number, Dated>();
  /** The numbers of requests, by nonce. */
  readonly numbers = new Map<number, number>();
  readonly #requestRounds = new Map<number, number>();
  #sequence = 0;

  deliver(
    round: number,
    payloads: readonly Uint8Array[],
    roundTimeMs: number | undefined,
    operations: Operations,
  ): void {
    for (const payload of payloads) {
      const sequence = ++this.#sequence;
      const operation = payload.subarray(2);
      const meant = operations.get(toHex(payload));
      if (meant === undefined || this.#tsa.validate?.(operation) !== true) continue;
      const bytes = this.#tsa.apply({ sequence, index: 0, round, roundTimeMs, client: key(9) }, operation);
      this.replies.push(toHex(bytes));
      const reply = decodeTsaReply(bytes);
      if (!reply.ok) throw new Error(reply.error);
      if (reply.value.kind === "waiting") {
        this.numbers.set(meant.nonce, sequence);
        this.#requestRounds.set(meant.nonce, roundTimeMs ?? 0);
      } else if (reply.value.kind === "token") {
        const requestRoundMs = this.#requestRounds.get(meant.nonce) ?? 0;
        this.tokens.set(meant.nonce, { genTimeMs: genTimeMsOf(reply.value.info), requestRoundMs });
      }
    }
  }
}

type Operations = Map<string, { readonly nonce: number }>;

function genTimeMsOf(info: Uint8Array): number {
  const text = fromUtf8(info.map((byte) => (byte < 0x80 ? byte : 0x3f)));
  const [, date = "", time = "", fraction = ""] = /([0-9]{8})([0-9]{6})(\.[0-9]+)?Z/.exec(text) ?? [];
  const iso = `${date.replace(/(....)(..)(..)/, "$1-$2-$3")}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`;
  return Date.parse(iso) + 1000 * Number(`0${fraction}`);
}

class World {
  readonly net: OrderingNetwork;
  readonly replicas = new Map(HONEST.map((party) => [party, new Replica()]));
  readonly #operations: Operations = new Map();
  readonly #delivered = new Map<PartyId, number>();
  #submitted = 0;
  nowMs = START_MS;
  /** What the liar's clock shows. */
  lie: () => number = () => 0;

  constructor(options: NetworkOptions) {
    this.net = new OrderingNetwork({ serves: true, ...options });
  }

  #read(party: PartyId): void {
    this.net.clock(party, party === LIAR ? this.lie() : this.nowMs + (SKEWS[party] ?? 0));
  }

  submit(party: PartyId, operation: TsaOperation, nonce: number): void {
    // A payload is delivered once: the same operation may be asked for again.
    const payload = concat(utf8("o"), Uint8Array.of(++this.#submitted), encodeTsaOperation(operation));
    this.#operations.set(toHex(payload), { nonce });
    this.#read(party);
    this.net.submit(party, payload);
    this.#execute();
  }

  /** Delivers a message that `isNow` picks out; false when there is none. */
  deliver(isNow: (from: PartyId, to: PartyId) => boolean, random: Random): boolean {
    const eligible = this.net.flights.flatMap(({ from, to }, index) => (isNow(from, to) ? [index] : []));
    if (eligible.length === 0) return false;
    const [flight] = this.net.flights.splice(random.pick(eligible), 1);
    if (flight === undefined) return false;
    this.#read(flight.to);
    this.net.deliver(flight.from, flight.to, flight.envelope);
    this.#execute();
    return true;
  }

  #execute(): void {
    for (const [party, replica] of this.replicas) {
      const outputs = this.net.outputsOf(party);
      for (const { round, payloads, timeMs } of outputs.slice(this.#delivered.get(party) ?? 0)) {
        replica.deliver(round, payloads, timeMs, this.#operations);
      }
      this.#delivered.set(party, outputs.length);
    }
  }

  replica(party: PartyId): Replica {
    const replica = this.replicas.get(party);
    if (replica === undefined) throw new Error(`no replica ${party}`);
    return replica;
  }
}

const request = (nonce: number): TsaOperation => ({ kind: "request", request: requestOf({ nonce }) });

describe("a party that holds a round open", () => {
  it("brings a late document into it, and its token is dated late all the same", () => {
    const world = new World({ seed: 1 });
    const random = new Random(1);
    // Two honest parties sign their entries; the network keeps the third from them, and the liar waits.
    // One of these is to make the token of the document to come: its number is known beforehand, since the first round's order is.
    world.submit(0, { kind: "stamp", sequence: 2, index: 0 }, 2);
    world.submit(1, request(1), 1);
    const isBetween = (from: PartyId, to: PartyId): boolean => from < 2 && to < 2;
    while (world.deliver(isBetween, random));
    expect(world.net.outputsOf(0)).toEqual([]);
    world.nowMs += HOUR_MS;
    const createdMs = world.nowMs;
    world.lie = () => START_MS;
    // Now there is a new document. The liar's entry is the third that the two wait for.
    world.submit(LIAR, request(2), 2);
    while (world.deliver((from, to) => from !== 2 && to !== 2, random));
    const number = world.replica(0).numbers.get(2);
    expect(number).toBe(2);
    world.submit(LIAR, { kind: "stamp", sequence: number ?? 0, index: 0 }, 2);
    while (world.deliver(() => true, random));
    const dated = world.replica(0).tokens.get(2);
    // This is what the second round is for: by its request's round the document would be older than it is.
    expect(dated?.requestRoundMs).toBeLessThan(createdMs - HOUR_MS + SKEW_MS + 1);
    expect(dated?.genTimeMs).toBeGreaterThanOrEqual(createdMs - SKEW_MS);
    for (const party of HONEST) expect(world.replica(party).replies).toEqual(world.replica(0).replies);
  });
});

describe("a lying clock and a network that holds back what it likes", () => {
  const check = (seed: number, isActive: boolean): void => {
    const world = new World(isActive ? withLiar(seed, LIAR, 0.2) : { seed });
    const random = new Random(seed);
    world.lie = () => random.pick([0, START_MS - HOUR_MS, world.nowMs, world.nowMs + HOUR_MS, 2 ** 52]);
    const created = new Map<number, number>();
    const stamped = new Set<number>();
    let latest = 0;
    for (let nonce = 1, steps = 0; steps < 20_000; steps++) {
      if (nonce <= 4 && random.below(40) === 0) {
        created.set(nonce, world.nowMs);
        world.submit(random.pick([0, 1, 2, LIAR]), request(nonce), nonce);
        nonce++;
      }
      for (const [known, number] of world.replica(random.pick(HONEST)).numbers) {
        if (stamped.has(known)) continue;
        stamped.add(known);
        world.submit(random.pick(HONEST), { kind: "stamp", sequence: number, index: 0 }, known);
      }
      if (!world.deliver(() => true, random) && nonce > 4 && stamped.size === created.size) break;
      // Mostly it is fast; sometimes everything stands still for an hour.
      world.nowMs += random.below(60) === 0 ? HOUR_MS : random.below(20);
      for (const [, { genTimeMs }] of world.replica(0).tokens) latest = Math.max(latest, genTimeMs - world.nowMs);
    }
    const { tokens } = world.replica(0);
    for (const nonce of [1, 2, 3].filter((one) => created.has(one))) {
      // What an honest party was given is ordered; the liar may keep its own to itself.
      const dated = tokens.get(nonce);
      if (dated === undefined) continue;
      expect(dated.genTimeMs).toBeGreaterThanOrEqual((created.get(nonce) ?? 0) - SKEW_MS);
    }
    expect(tokens.size).toBeGreaterThan(0);
    // Not after the time at which it was made either, as an honest clock has it; a microsecond for each tie.
    expect(latest).toBeLessThanOrEqual(SKEW_MS + 1);
    for (const party of HONEST) expect(world.replica(party).replies).toEqual(world.replica(0).replies);
  };

  it("cannot move a token's time outside of what honest clocks showed since its request was there", () => {
    for (let seed = 1; seed <= 12; seed++) check(seed, false);
  }, 120_000);

  it("nor can a party that lies in every way", () => {
    for (let seed = 1; seed <= 6; seed++) check(seed, true);
  }, 120_000);
});
