/**
 * One run: n parties, an asynchronous network under an adversarial scheduler, crashes and restarts, broken links,
 * corrupted parties; everything drawn from one seed. The first phase has faults, the second only delivers, so that
 * what remains undelivered at the end is the protocol's failure.
 */
import { concat, utf8 } from "../core/bytes.js";
import type { Envelope } from "../core/envelope.js";
import { type Group, thresholdGroup } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import { type AgreementVariant, atomicBroadcast } from "../protocols/index.js";
import type { OutboxEntry } from "../replica/outbox.js";
import { ATTACKS, type Corruption, CorruptedParty } from "./byzantine.js";
import { Checkers, Violation } from "./checkers.js";
import { mockSuite } from "./mock-suite.js";
import { type SimEffect, SimParty } from "./party.js";
import { Random } from "./random.js";
import { Trace } from "./trace.js";

export interface SimulationOptions {
  readonly seed: number;
  readonly n: number;
  /** Parties that are corrupted; at most t. */
  readonly corrupted?: number;
  /** Payloads given to honest parties. */
  readonly payloads?: number;
  /** How agreement orders, hands out and tries its candidates. `order` is `fixed` unless given. */
  readonly order?: AgreementVariant["order"];
  readonly delivery?: AgreementVariant["delivery"];
  readonly parallel?: AgreementVariant["parallel"];
  /** c; n-t unless given. */
  readonly vectorSize?: number;
  readonly channels?: readonly Tag[];
  /** The suites of all parties; the mock suite unless given. */
  readonly suites?: readonly Suite[];
  /** Steps after which a run counts as stuck. */
  readonly maxSteps?: number;
}

export interface RunReport {
  readonly seed: number;
  readonly steps: number;
  readonly rounds: number;
  readonly payloads: number;
  /** Actions of scheduler, adversary and parties by kind. */
  readonly actions: Readonly<Record<string, number>>;
  readonly messages: number;
  readonly bytes: number;
  /** The greatest number of candidates that one agreement tried. */
  readonly maxTries: number;
  /** SHA-256 over all effects of all parties in order. */
  readonly traceSha256: string;
}

/** What the scheduler does in this run; drawn per seed, so that each seed stresses something else. */
interface Weather {
  readonly corruption: Corruption;
  readonly crashRate: number;
  readonly breakRate: number;
  /** A party that receives only when nothing else is in flight, in the first phase. */
  readonly slow: PartyId | undefined;
  /** Last in, first out with this probability, else any message. */
  readonly lifo: number;
  readonly maxEntryPayloads: number;
  readonly payloadBytes: number;
}

type Flight = {
  readonly from: PartyId;
  readonly to: PartyId;
  readonly body:
    | { readonly kind: "entry"; readonly entry: OutboxEntry; readonly envelope: Envelope }
    /** Answers to one request travel in order, as on the production links (replica/proof-requests.ts). */
    | { readonly kind: "proof"; readonly envelope: Envelope; readonly number: number }
    | { readonly kind: "askProofs"; readonly channel: Tag; readonly round: number }
    | { readonly kind: "askRepeat" };
};

const CLUSTER = utf8("abcast simulated cluster, 32 byte");
const VALID = 1;

export class Simulation {
  readonly #random: Random;
  readonly #group: Group;
  readonly #channels: readonly Tag[];
  readonly #weather: Weather;
  readonly #parties: readonly SimParty[];
  readonly #corrupted = new Map<PartyId, CorruptedParty>();
  readonly #checkers: Checkers;
  readonly #trace = new Trace();
  readonly #actions = new Map<string, number>();
  readonly #options: Required<Pick<SimulationOptions, "payloads" | "maxSteps">>;
  #flights: Flight[] = [];
  /** Payloads that a client still has to hand to a party. */
  #unsent: { readonly channel: Tag; readonly to: PartyId; readonly payload: Uint8Array }[] = [];
  /** The first phase has crashes and broken links. */
  #hasFaults = true;
  #steps = 0;
  #messages = 0;
  #bytes = 0;
  #maxTries = 0;
  #invented = 0;
  #proofs = 0;

  constructor(options: SimulationOptions) {
    const { seed, n, order = "fixed", delivery, parallel } = options;
    const byzantine = Math.floor((n - 1) / 3);
    const corruptedCount = options.corrupted ?? byzantine;
    this.#options = { payloads: options.payloads ?? 4, maxSteps: options.maxSteps ?? 400_000 };
    this.#random = new Random(seed);
    this.#group = thresholdGroup({ n, byzantine });
    this.#channels = options.channels ?? ["abc"];
    this.#weather = this.#drawWeather();
    const isHonest = (party: PartyId): boolean => !this.#corrupted.has(party);
    this.#checkers = new Checkers({ channels: this.#channels, isHonest, isValid });
    const suites = options.suites ?? this.#group.parties.map((party) => mockSuite(this.#group, party, seed));
    const channel = atomicBroadcast({
      vectorSize: options.vectorSize ?? n - byzantine,
      maxEntryPayloads: this.#weather.maxEntryPayloads,
      maxEntryBytes: 16 * 1024,
      maxPayloads: 1000,
      maxPayloadsPerPeer: 1000,
      maxEarlyBytes: this.#random.chance(0.2) ? 2000 : 1_000_000,
      order,
      delivery,
      parallel,
      isValid,
    });
    const channels = Object.fromEntries(this.#channels.map((tag) => [tag, channel]));
    this.#parties = suites.map(
      (suite, self) => new SimParty({ self, cluster: CLUSTER.subarray(0, 32), group: this.#group, suite, channels }),
    );
    const shuffled = this.#group.parties
      .map((party) => ({ party, key: this.#random.bits() }))
      .sort((a, b) => a.key - b.key);
    for (const { party } of shuffled.slice(0, corruptedCount)) this.#corrupt(party, suites[party]);
    this.#preparePayloads();
  }

  #drawWeather(): Weather {
    const random = this.#random;
    const attacks = ATTACKS.filter(() => random.chance(0.6));
    return {
      corruption: { rate: random.pick([0.05, 0.2, 0.5, 1]), attacks: attacks.length === 0 ? ATTACKS : attacks },
      crashRate: random.pick([0, 0, 0.002, 0.01]),
      breakRate: random.pick([0, 0, 0.005]),
      slow: random.chance(0.4) ? random.below(this.#group.n) : undefined,
      lifo: random.pick([0, 0, 0.5, 0.95]),
      maxEntryPayloads: random.pick([1, 2, 256]),
      payloadBytes: random.pick([8, 64, 600]),
    };
  }

  #corrupt(party: PartyId, suite: Suite | undefined): void {
    if (suite === undefined) throw new RangeError(`no suite for party ${party}`);
    const random = new Random(this.#random.bits());
    const inventPayload = (): Uint8Array => this.#payload(`invented ${this.#invented++}`);
    const onAttack = (attack: string): void => this.#count(`attack:${attack}`);
    const { corruption } = this.#weather;
    const options = {
      self: party,
      cluster: CLUSTER.subarray(0, 32),
      group: this.#group,
      suite,
      random,
      corruption,
      inventPayload,
      onAttack,
    };
    this.#corrupted.set(party, new CorruptedParty(options));
  }

  #payload(name: string): Uint8Array {
    return concat(Uint8Array.of(VALID), utf8(name), this.#random.bytes(this.#weather.payloadBytes));
  }

  #preparePayloads(): void {
    for (let index = 0; index < this.#options.payloads; index++) {
      const channel = this.#random.pick(this.#channels);
      const payload = this.#payload(`payload ${index}`);
      // A client hands its payload to some honest party, often to several.
      const copies = this.#random.chance(0.5) ? this.#honest() : [this.#random.pick(this.#honest())];
      for (const to of copies) this.#unsent.push({ channel, to, payload });
      this.#checkers.submitted(channel, payload);
    }
    // A corrupted party's own clients have their payloads too, and some are invalid.
    for (const to of this.#corrupted.keys()) {
      for (const channel of this.#channels)
        this.#unsent.push({ channel, to, payload: this.#payload("of a corrupted party") });
    }
  }

  #honest(): readonly PartyId[] {
    return this.#group.parties.filter((party) => !this.#corrupted.has(party));
  }

  /** Runs to quiescence. @throws Violation */
  run(seed: number): RunReport {
    for (const party of this.#parties) this.#handle(party, party.start());
    while (this.#unsent.length > 0 || this.#flights.length > 0) this.#step();
    this.#hasFaults = false;
    for (const party of this.#parties) if (!party.isUp) this.#restart(party);
    while (this.#flights.length > 0) this.#deliverOne(this.#random.below(this.#flights.length));
    this.#checkers.quiescent(this.#honest());
    for (const party of this.#honest()) this.#checkSilence(party);
    return {
      seed,
      steps: this.#steps,
      rounds: this.#checkers.rounds,
      payloads: this.#checkers.payloads,
      actions: Object.fromEntries([...this.#actions].sort(([a], [b]) => (a < b ? -1 : 1))),
      messages: this.#messages,
      bytes: this.#bytes,
      maxTries: this.#maxTries,
      traceSha256: this.#trace.finish(),
    };
  }

  #checkSilence(party: PartyId): void {
    for (const channel of this.#channels) {
      const waiting = this.#parties[party]?.inspect(channel)?.queueLength ?? 0;
      if (waiting > 0) throw new Violation("silence", `party ${party} still has ${waiting} payloads of ${channel}`);
    }
  }

  #step(): void {
    const { crashRate, breakRate, lifo } = this.#weather;
    const random = this.#random;
    if (random.chance(crashRate)) this.#crashOrRestart(random.below(this.#group.n));
    if (random.chance(breakRate)) this.#breakLink(random.below(this.#group.n), random.below(this.#group.n));
    if (this.#unsent.length > 0 && (this.#flights.length === 0 || random.chance(0.02))) return this.#submitOne();
    if (this.#flights.length === 0) return;
    const index = random.chance(lifo) ? this.#flights.length - 1 : random.below(this.#flights.length);
    const isSlow = this.#flights[index]?.to === this.#weather.slow;
    const fast = isSlow ? this.#flights.findIndex((flight) => flight.to !== this.#weather.slow) : index;
    this.#deliverOne(fast < 0 ? index : fast);
  }

  #count(action: string): void {
    this.#actions.set(action, (this.#actions.get(action) ?? 0) + 1);
  }

  #party(id: PartyId): SimParty {
    const party = this.#parties[id];
    if (party === undefined) throw new RangeError(`no party ${id}`);
    return party;
  }

  #submitOne(): void {
    const index = this.#random.below(this.#unsent.length);
    const submission = this.#unsent[index];
    if (submission === undefined) return;
    const party = this.#party(submission.to);
    if (!party.isUp) return this.#restart(party);
    this.#unsent.splice(index, 1);
    this.#count("submit");
    this.#handle(party, party.step({ kind: "submit", channel: submission.channel, payload: submission.payload }));
  }

  /** Of the proofs from the same party to the same party, the first to be sent; else the chosen flight itself. */
  #firstInOrder(index: number): number {
    const chosen = this.#flights[index];
    if (chosen?.body.kind !== "proof") return index;
    let first = index;
    let least = chosen.body.number;
    for (const [other, { from, to, body }] of this.#flights.entries()) {
      if (from !== chosen.from || to !== chosen.to || body.kind !== "proof" || body.number >= least) continue;
      first = other;
      least = body.number;
    }
    return first;
  }

  #deliverOne(chosen: number): void {
    if (++this.#steps > this.#options.maxSteps) throw new Violation("termination", `no end after ${this.#steps} steps`);
    const index = this.#firstInOrder(chosen);
    const flight = this.#flights[index];
    const last = this.#flights.pop();
    if (flight === undefined || last === undefined) return;
    if (flight !== last) this.#flights[index] = last;
    const receiver = this.#party(flight.to);
    // Links to a crashed party break; what was on the way is sent again when it is back.
    if (!receiver.isUp) return this.#count("lost");
    this.#count("deliver");
    const { from, body } = flight;
    if (body.kind === "entry" || body.kind === "proof") {
      this.#messages++;
      this.#bytes += body.envelope.body.length;
      this.#handle(receiver, receiver.step({ kind: "message", from, envelope: body.envelope }));
    } else if (body.kind === "askProofs") {
      for (const envelope of receiver.proofs(body.channel, body.round)) {
        this.#flights.push({ from: receiver.id, to: from, body: { kind: "proof", envelope, number: this.#proofs++ } });
        this.#count("serve-proof");
      }
    } else {
      this.#repeat(receiver, from);
    }
  }

  #repeat(sender: SimParty, to: PartyId): void {
    for (const entry of sender.outbox(to).entries) this.#fly(sender.id, to, entry);
  }

  #fly(from: PartyId, to: PartyId, entry: OutboxEntry): void {
    const liar = this.#corrupted.get(from);
    const envelopes = liar === undefined ? [entry.envelope] : liar.tamper(to, entry.envelope);
    for (const envelope of envelopes) this.#flights.push({ from, to, body: { kind: "entry", entry, envelope } });
  }

  #handle(party: SimParty, effects: readonly SimEffect[]): void {
    const isHonest = !this.#corrupted.has(party.id);
    // A crash between two sends of one "send to all".
    const cutAfter =
      this.#hasFaults && this.#random.chance(this.#weather.crashRate)
        ? this.#random.below(effects.length + 1)
        : Infinity;
    let applied = 0;
    for (const effect of effects) {
      if (applied++ === cutAfter) {
        this.#count("crash-in-effects");
        return this.#crash(party);
      }
      this.#apply(party, effect, isHonest);
    }
  }

  #apply(party: SimParty, effect: SimEffect, isHonest: boolean): void {
    this.#trace.record(party.id, effect);
    switch (effect.kind) {
      case "send":
        return this.#fly(party.id, effect.to, party.outbox(effect.to).push(effect.envelope));
      case "output":
        if (isHonest) this.#maxTries = Math.max(this.#maxTries, effect.value.tries);
        return this.#checkers.delivered(party.id, effect.channel, effect.value);
      case "accuse":
        if (isHonest) this.#count(`accuse:${effect.fault}`);
        return this.#checkers.accused(party.id, effect.party, effect.tag, effect.fault);
      case "retire":
        return this.#retire(party.id, effect.tag);
      case "askProofs":
        if (!party.requests.start(effect.of, effect.channel, effect.round, effect.decidedBelow)) return;
        this.#count("ask-proofs");
        return void this.#flights.push({
          from: party.id,
          to: effect.of,
          body: { kind: "askProofs", channel: effect.channel, round: effect.round },
        });
      case "askRepeat":
        this.#count("ask-repeat");
        return void this.#flights.push({ from: party.id, to: effect.of, body: { kind: "askRepeat" } });
      case "signed":
      case "archive":
        return;
    }
  }

  /** Messages of retired instances need not arrive any more: half of the time they do not. */
  #retire(from: PartyId, tag: Tag): void {
    if (this.#random.chance(0.5)) return;
    const before = this.#flights.length;
    this.#flights = this.#flights.filter(
      (flight) =>
        flight.from !== from || flight.body.kind !== "entry" || !flight.body.envelope.tag.startsWith(`${tag}/`),
    );
    if (this.#flights.length < before) this.#count("retire-in-flight");
  }

  #crashOrRestart(id: PartyId): void {
    const party = this.#party(id);
    if (party.isUp) this.#crash(party);
    else this.#restart(party);
  }

  #crash(party: SimParty): void {
    this.#count("crash");
    party.crash();
    this.#flights = this.#flights.filter((flight) => flight.from !== party.id && flight.to !== party.id);
  }

  #restart(party: SimParty): void {
    this.#count("restart");
    this.#checkers.restarted(party.id);
    this.#flights = this.#flights.filter((flight) => flight.from !== party.id && flight.to !== party.id);
    // Replaying says everything again; outboxes keep what is live, and every peer repeats what it has said.
    for (const effect of party.start()) {
      if (effect.kind === "send") party.outbox(effect.to).push(effect.envelope);
      else if (effect.kind === "retire") for (const to of this.#group.parties) party.outbox(to).retire(effect.tag);
      else if (effect.kind === "output") this.#checkers.delivered(party.id, effect.channel, effect.value);
    }
    for (const peer of this.#parties) if (peer.isUp && peer !== party) this.#connect(party, peer);
  }

  /** Both ends say which rounds they are in, and send what the other lacks. */
  #connect(a: SimParty, b: SimParty): void {
    for (const [x, y] of [
      [a, b],
      [b, a],
    ] as const) {
      this.#repeat(x, y.id);
      y.requests.forget(x.id);
      for (const channel of this.#channels) {
        const round = y.inspect(channel)?.round ?? 1;
        const decidedBelow = x.inspect(channel)?.round ?? 1;
        if (round + 1 < decidedBelow && y.requests.start(x.id, channel, round, decidedBelow)) {
          this.#flights.push({ from: y.id, to: x.id, body: { kind: "askProofs", channel, round } });
        }
      }
    }
  }

  #breakLink(a: PartyId, b: PartyId): void {
    if (a === b || !this.#party(a).isUp || !this.#party(b).isUp) return;
    this.#count("break-link");
    const isBetween = ({ from, to }: Flight): boolean => (from === a && to === b) || (from === b && to === a);
    this.#flights = this.#flights.filter((flight) => !isBetween(flight));
    this.#connect(this.#party(a), this.#party(b));
  }
}

function isValid(payload: Uint8Array): boolean {
  return payload[0] === VALID;
}

/** One seed is one run. @throws Violation naming the property that the run broke */
export function simulate(options: SimulationOptions): RunReport {
  return new Simulation(options).run(options.seed);
}
