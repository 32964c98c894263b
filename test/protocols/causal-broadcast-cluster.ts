/**
 * A cluster for tests of causal broadcast: production engines with logs, outboxes and archives, a seeded scheduler, crashes
 * and restarts, and corrupted parties that run the engine and change what it says. What a party has retired and is
 * not delivered yet is lost, always: nobody may need it.
 */
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { utf8 } from "../../src/core/bytes.js";
import { decode, encode } from "../../src/core/codec.js";
import { type Effect, Engine, type Input } from "../../src/core/engine.js";
import type { Envelope } from "../../src/core/envelope.js";
import { type Group, thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { Suite } from "../../src/core/suite.js";
import { isWithin } from "../../src/core/tag.js";
import {
  type CausalBroadcastOptions,
  type CausalBroadcastState,
  type NoMessage,
  type OpenedPayload,
  type OpenedRound,
  PROOFS_PER_REQUEST,
  causalBroadcast,
  sealedLabel,
  sealedPayloadCodec,
} from "../../src/protocols/index.js";
import { Outbox } from "../../src/relay/outbox.js";
import { ProofRequests } from "../../src/replica/proof-requests.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { Random } from "../../src/sim/random.js";
import { CLUSTER } from "../../src/sim/network.js";

export const CHANNEL = "sealed";

export const OPTIONS: CausalBroadcastOptions = {
  vectorSize: 3,
  maxEntryPayloads: 16,
  maxEntryBytes: 16 * 1024,
  maxPayloads: 1000,
  maxPayloadsPerPeer: 1000,
  maxEarlyBytes: 1_000_000,
  speakFrom: 0,
  order: "fixed",
  isValid: ({ client }) => client.length > 0,
};

export const client = (name: string): Uint8Array => utf8(name);
export const labelOf = (name: string, channel = CHANNEL): Uint8Array => sealedLabel(CLUSTER, channel, client(name));

/** A payload as `name` submits it. */
export function payloadOf(name: string, ciphertext: Uint8Array): Uint8Array {
  return encode(sealedPayloadCodec, { client: client(name), ciphertext });
}

/** A delivered payload as text. */
export function shown(payload: OpenedPayload): string {
  const name = new TextDecoder().decode(payload.client);
  return payload.kind === "plaintext"
    ? `${name}: ${new TextDecoder().decode(payload.plaintext)}`
    : `${name} ${payload.kind}`;
}

export type CausalEffect = Effect<OpenedRound>;
type CausalEngine = Engine<NoMessage, OpenedRound, CausalBroadcastState>;

/** What `from`'s message to `to` becomes. */
export type Tamper = (from: PartyId, to: PartyId, envelope: Envelope, random: Random) => readonly Envelope[];

export interface ClusterOptions {
  readonly n: number;
  readonly seed: number;
  readonly suites?: readonly Suite[];
  readonly changes?: Partial<CausalBroadcastOptions>;
  readonly corrupted?: readonly PartyId[];
  readonly tamper?: Tamper;
  /** Receives only when nothing else is in flight. */
  readonly slow?: PartyId;
  readonly lifo?: number;
  readonly crashRate?: number;
  /** Sees everything that honest parties send, as it is sent. */
  onSend?(from: PartyId, to: PartyId, envelope: Envelope): void;
  onDecided?(party: PartyId, round: number): void;
}

/** Several envelopes travel together, and arrive in their order: answers to a request for proofs. */
interface Flight {
  readonly from: PartyId;
  readonly to: PartyId;
  readonly envelopes: readonly Envelope[];
}

class Party {
  readonly log: Input[] = [];
  readonly archive = new Map<number, Envelope>();
  readonly signed = new Map<string, Uint8Array>();
  requests = new ProofRequests();
  outboxes = new Map<PartyId, Outbox>();
  engine: CausalEngine | undefined;
  /** Everything since the first start. */
  effects: CausalEffect[] = [];

  outbox(to: PartyId): Outbox {
    const outbox = this.outboxes.get(to) ?? new Outbox();
    this.outboxes.set(to, outbox);
    return outbox;
  }
}

export class CausalCluster {
  readonly group: Group;
  readonly suites: readonly Suite[];
  readonly random: Random;
  readonly #options: ClusterOptions;
  readonly #parties: readonly Party[];
  #flights: Flight[] = [];

  constructor(options: ClusterOptions) {
    const { n, seed } = options;
    const byzantine = Math.floor((n - 1) / 3);
    this.#options = options;
    this.group = thresholdGroup({ n, byzantine });
    this.random = new Random(seed);
    this.suites = options.suites ?? this.group.parties.map((party) => mockSuite(this.group, party, seed));
    this.#parties = this.group.parties.map(() => new Party());
    for (const self of this.group.parties) this.#start(self);
  }

  get honest(): readonly PartyId[] {
    return this.group.parties.filter((party) => this.#options.corrupted?.includes(party) !== true);
  }

  #party(id: PartyId): Party {
    const party = this.#parties[id];
    if (party === undefined) throw new RangeError(`no party ${id}`);
    return party;
  }

  #start(self: PartyId): void {
    const party = this.#party(self);
    const suite = this.suites[self];
    if (suite === undefined) throw new RangeError(`no suite of ${self}`);
    const { n, changes } = this.#options;
    const engine: CausalEngine = new Engine({
      self,
      cluster: CLUSTER,
      group: this.group,
      suite,
      signed: { get: (slot) => party.signed.get(slot) },
      channels: { [CHANNEL]: causalBroadcast({ ...OPTIONS, vectorSize: n - Math.floor((n - 1) / 3), ...changes }) },
    });
    const effects = [...engine.start(), ...party.log.flatMap((input) => engine.step(input))];
    // A replay says the same, byte for byte.
    expect(isDeepStrictEqual(effects, party.effects)).toBe(true);
    party.engine = engine;
    party.outboxes = new Map();
    for (const effect of effects) this.#remember(party, effect);
  }

  #remember(party: Party, effect: CausalEffect): void {
    if (effect.kind === "send") party.outbox(effect.to).push({ kind: "message", envelope: effect.envelope });
    else if (effect.kind === "retire") for (const outbox of party.outboxes.values()) outbox.retire(effect.tag);
  }

  submit(to: PartyId, payload: Uint8Array): void {
    this.step(to, { kind: "submit", channel: CHANNEL, payload });
  }

  step(self: PartyId, input: Input): void {
    const party = this.#party(self);
    if (party.engine === undefined) return;
    party.log.push(input);
    const effects = party.engine.step(input);
    party.effects.push(...effects);
    for (const effect of effects) this.#apply(self, party, effect);
  }

  #apply(self: PartyId, party: Party, effect: CausalEffect): void {
    this.#remember(party, effect);
    switch (effect.kind) {
      case "send":
        return this.#fly(self, effect.to, effect.envelope);
      case "archive":
        party.archive.set(effect.round, effect.envelope);
        return this.#options.onDecided?.(self, effect.round);
      case "signed":
        return void party.signed.set(effect.slot, effect.digest);
      case "retire":
        this.#flights = this.#flights.filter(
          ({ from, envelopes: [first] }) => from !== self || first === undefined || !isWithin(first.tag, effect.tag),
        );
        return;
      case "askRepeat":
        return this.#repeat(effect.of, self);
      case "askProofs":
        if (party.requests.start(effect.of, CHANNEL, effect.round, effect.decidedBelow))
          this.#sendProofs(effect.of, self, effect.round);
        return;
      case "output":
      case "accuse":
      case "evidence":
      case "boundary":
      case "keepBatch":
      case "askBatch":
      case "stable":
        return;
    }
  }

  #fly(from: PartyId, to: PartyId, envelope: Envelope): void {
    const isCorrupted = !this.honest.includes(from);
    if (!isCorrupted) this.#options.onSend?.(from, to, envelope);
    const tampered = isCorrupted ? this.#options.tamper?.(from, to, envelope, this.random) : undefined;
    for (const one of tampered ?? [envelope]) this.#flights.push({ from, to, envelopes: [one] });
  }

  #repeat(from: PartyId, to: PartyId): void {
    for (const envelope of this.outboxOf(from, to)) this.#fly(from, to, envelope);
  }

  #sendProofs(from: PartyId, to: PartyId, round: number): void {
    const { archive } = this.#party(from);
    const rounds = Array.from({ length: PROOFS_PER_REQUEST }, (_, index) => round + index);
    this.#flights.push({ from, to, envelopes: rounds.flatMap((each) => archive.get(each) ?? []) });
  }

  crash(self: PartyId): void {
    this.#party(self).engine = undefined;
    this.#flights = this.#flights.filter(({ from, to }) => from !== self && to !== self);
  }

  restart(self: PartyId): void {
    this.#start(self);
    for (const peer of this.group.parties) {
      if (peer === self || this.#party(peer).engine === undefined) continue;
      for (const [a, b] of [
        [self, peer],
        [peer, self],
      ] as const) {
        this.#repeat(a, b);
        const { requests, engine } = this.#party(b);
        requests.forget(a);
        const round = engine?.inspect(CHANNEL).round ?? 1;
        const decidedBelow = this.#party(a).engine?.inspect(CHANNEL).round ?? 1;
        if (round + 1 < decidedBelow && requests.start(a, CHANNEL, round, decidedBelow)) this.#sendProofs(a, b, round);
      }
    }
  }

  isUp(party: PartyId): boolean {
    return this.#party(party).engine !== undefined;
  }

  #next(): number {
    const { slow, lifo = 0 } = this.#options;
    const index = this.random.chance(lifo) ? this.#flights.length - 1 : this.random.below(this.#flights.length);
    if (this.#flights[index]?.to !== slow) return index;
    const fast = this.#flights.findIndex(({ to }) => to !== slow);
    return fast < 0 ? index : fast;
  }

  /** Delivers `steps` messages, or all; and then, unless told otherwise, restarts who is down and goes on. */
  run(steps = Infinity, restarts = steps === Infinity): void {
    const { crashRate = 0 } = this.#options;
    for (let step = 0; step < steps && this.#flights.length > 0; step++) {
      if (step > 200_000) throw new Error("no end");
      if (step < 3000 && this.random.chance(crashRate)) {
        const party = this.random.below(this.group.n);
        if (this.isUp(party)) this.crash(party);
        else this.restart(party);
        continue;
      }
      const [flight] = this.#flights.splice(this.#next(), 1);
      for (const envelope of flight?.envelopes ?? [])
        this.step(flight?.to ?? 0, { kind: "message", from: flight?.from ?? 0, envelope });
    }
    const down = this.group.parties.filter((party) => !this.isUp(party));
    if (!restarts || down.length === 0) return;
    for (const party of down) this.restart(party);
    this.run();
  }

  effectsOf(party: PartyId): readonly CausalEffect[] {
    return this.#party(party).effects;
  }

  roundsOf(party: PartyId): readonly OpenedRound[] {
    return this.effectsOf(party).flatMap((effect) => (effect.kind === "output" ? [effect.value] : []));
  }

  logOf(party: PartyId): readonly string[] {
    return this.roundsOf(party).flatMap(({ payloads }) => payloads.map(shown));
  }

  outboxOf(from: PartyId, to: PartyId): readonly Envelope[] {
    return this.#party(from)
      .outbox(to)
      .entries.flatMap(({ said }) => (said.kind === "message" ? [said.envelope] : []));
  }

  /** Agreement, order, no accusation of an honest party; and returns what all delivered. */
  expectAgreement(): readonly string[] {
    const [first = 0, ...others] = this.honest;
    const contents = (party: PartyId) => this.roundsOf(party).map(({ round, payloads }) => ({ round, payloads }));
    for (const party of others) expect(contents(party)).toEqual(contents(first));
    expect(contents(first).map(({ round }) => round)).toEqual(contents(first).map((_, index) => index + 1));
    for (const party of this.honest) {
      const accused = this.effectsOf(party).flatMap((effect) => (effect.kind === "accuse" ? [effect.party] : []));
      expect(accused.filter((one) => this.honest.includes(one))).toEqual([]);
    }
    return this.logOf(first);
  }
}

export function ciphertextOf(payload: Uint8Array): Uint8Array {
  const decoded = decode(sealedPayloadCodec, payload);
  if (!decoded.ok) throw new Error(decoded.error);
  return decoded.value.ciphertext;
}
