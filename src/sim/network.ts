/**
 * A small network for one protocol: the production engine with the mock suite at every honest party, a seeded scheduler, and
 * parties for which the caller speaks itself, with their keys. For tests of one protocol, and for adversaries and
 * measurements that need no crashes and no restarts; `simulation.ts` has those.
 */
import { utf8 } from "../core/bytes.js";
import { type Codec, decode } from "../core/codec.js";
import { type Channel, type Effect, Engine, type Input } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { Evidence } from "../core/evidence.js";
import type { Fault } from "../core/fault.js";
import { type Group, thresholdGroup } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import { mockSuite } from "./mock-suite.js";
import { Random } from "./random.js";

export const CLUSTER = utf8("a cluster of tests, of 32 bytes.");

export interface Flight {
  readonly from: PartyId;
  readonly to: PartyId;
  readonly envelope: Envelope;
}

/** The index of the flight to deliver next. */
export type Scheduler = (flights: readonly Flight[], random: Random) => number;

export const randomOrder: Scheduler = (flights, random) => random.below(flights.length);
export const lastInFirstOut: Scheduler = (flights) => flights.length - 1;

/** Whatever `isLate` picks out arrives only when nothing else is in flight. */
export function starving(isLate: (flight: Flight) => boolean): Scheduler {
  return (flights, random) => {
    const punctual = flights.flatMap((flight, index) => (isLate(flight) ? [] : [index]));
    return punctual.length === 0 ? random.below(flights.length) : random.pick(punctual);
  };
}

export interface Accusation {
  readonly by: PartyId;
  readonly party: PartyId;
  readonly tag: Tag;
  readonly fault: Fault;
}

export interface NetworkOptions {
  readonly n?: number;
  readonly group?: Group;
  readonly seed?: number;
  /** Parties without an engine: the caller speaks for them. */
  readonly scripted?: readonly PartyId[];
  readonly scheduler?: Scheduler;
  /** Answer requests for proofs and for repetition, as the host of a replica does; not without this. */
  readonly serves?: boolean;
  /** Keep `sent` and `effects`; true unless given. Without it there is nothing to serve from. */
  readonly keepsHistory?: boolean;
  /** The cryptography of a party; `mockSuite` unless given. */
  suiteOf?(group: Group, party: PartyId): Suite;
  /** Called for each message that reaches a scripted party. */
  onScripted?(flight: Flight): void;
  /** What a message becomes on its way; for corrupted parties that run the engine. */
  tamper?(flight: Flight): readonly Envelope[];
}

/** By tag; what their messages are does not matter here. */
type Channels = Readonly<Record<Tag, { readonly message: unknown; start(scope: never): unknown }>>;

export class Network<Output, State> {
  readonly group: Group;
  readonly suites: readonly Suite[];
  readonly random: Random;
  readonly outputs = new Map<PartyId, Output[]>();
  readonly accusations: Accusation[] = [];
  /** Everything that left parties with an engine, and all of their effects. */
  readonly sent: Flight[] = [];
  readonly effects: { readonly party: PartyId; readonly effect: Effect<Output> }[] = [];
  readonly flights: Flight[] = [];
  readonly #options: NetworkOptions;
  readonly #engines = new Map<PartyId, Engine<unknown, Output, State>>();
  readonly #keepsHistory: boolean;

  constructor(options: NetworkOptions, channels: () => Channels) {
    const n = options.n ?? 4;
    this.#options = options;
    this.#keepsHistory = options.keepsHistory ?? true;
    this.group = options.group ?? thresholdGroup({ n, byzantine: Math.floor((n - 1) / 3) });
    this.suites = this.group.parties.map(
      (party) => options.suiteOf?.(this.group, party) ?? mockSuite(this.group, party, options.seed ?? 1),
    );
    this.random = new Random(options.seed ?? 1);
    for (const [self, suite] of this.suites.entries()) {
      if (options.scripted?.includes(self) === true) continue;
      const engine = new Engine<unknown, Output, State>({
        self,
        cluster: CLUSTER,
        group: this.group,
        suite,
        signed: { get: () => undefined },
        channels: channels() as Readonly<Record<Tag, Channel<unknown, Output, State>>>,
      });
      this.#engines.set(self, engine);
      this.outputs.set(self, []);
      this.#apply(self, engine.start());
    }
  }

  suite(party: PartyId): Suite {
    const suite = this.suites[party];
    if (suite === undefined) throw new RangeError(`no party ${party}`);
    return suite;
  }

  /** Parties with an engine. */
  get running(): readonly PartyId[] {
    return [...this.#engines.keys()];
  }

  outputsOf(party: PartyId): readonly Output[] {
    return this.outputs.get(party) ?? [];
  }

  inspect(party: PartyId, channel: Tag): State {
    return this.#engine(party).inspect(channel);
  }

  #engine(party: PartyId): Engine<unknown, Output, State> {
    const engine = this.#engines.get(party);
    if (engine === undefined) throw new RangeError(`party ${party} has no engine`);
    return engine;
  }

  step(party: PartyId, input: Input): void {
    this.#apply(party, this.#engine(party).step(input));
  }

  #apply(party: PartyId, effects: readonly Effect<Output>[]): void {
    for (const effect of effects) {
      if (this.#keepsHistory) this.effects.push({ party, effect });
      if (effect.kind === "output") this.outputs.get(party)?.push(effect.value);
      else if (effect.kind === "accuse")
        this.accusations.push({ by: party, party: effect.party, tag: effect.tag, fault: effect.fault });
      else if (effect.kind === "send") this.#fly({ from: party, to: effect.to, envelope: effect.envelope });
      else if (this.#options.serves === true) this.#serve(party, effect);
    }
  }

  /** One proof for each request: the next one is asked for when it has been taken. */
  #serve(asker: PartyId, effect: Effect<Output>): void {
    if (effect.kind === "askProofs") {
      const { of, channel, round } = effect;
      for (const proof of this.archive(of, channel)) if (proof.round === round) this.post(of, asker, proof.envelope);
    } else if (effect.kind === "askRepeat") {
      for (const flight of this.sent.filter(({ from, to }) => from === effect.of && to === asker)) this.#fly(flight);
    }
  }

  /** The proofs of decided rounds that a party keeps. */
  archive(party: PartyId, channel: Tag): readonly { readonly round: number; readonly envelope: Envelope }[] {
    return this.effects.flatMap(({ party: by, effect }) =>
      by === party && effect.kind === "archive" && effect.channel === channel ? [effect] : [],
    );
  }

  #fly(flight: Flight): void {
    if (this.#keepsHistory) this.sent.push(flight);
    for (const envelope of this.#options.tamper?.(flight) ?? [flight.envelope])
      this.flights.push({ ...flight, envelope });
  }

  /** Puts a message of a scripted party on its way. */
  post(from: PartyId, to: PartyId, envelope: Envelope): void {
    this.flights.push({ from, to, envelope });
  }

  /** Delivers a message now. */
  deliver(from: PartyId, to: PartyId, envelope: Envelope): void {
    if (this.#engines.has(to)) this.step(to, { kind: "message", from, envelope });
    else this.#options.onScripted?.({ from, to, envelope });
  }

  /** Delivers until nothing is in flight, or until `isDone`. */
  run(isDone: () => boolean = () => false, maxSteps = 100_000): void {
    const schedule = this.#options.scheduler ?? randomOrder;
    for (let steps = 0; this.flights.length > 0 && !isDone(); steps++) {
      if (steps > maxSteps) throw new Error(`no end after ${maxSteps} steps`);
      const [flight] = this.flights.splice(schedule(this.flights, this.random), 1);
      if (flight !== undefined) this.deliver(flight.from, flight.to, flight.envelope);
    }
  }

  /** The faults of which `party` was accused, by anybody or by `by`. */
  faultsOf(party: PartyId, by?: PartyId): readonly Fault[] {
    return this.accusations
      .filter((one) => one.party === party && (by === undefined || one.by === by))
      .map(({ fault }) => fault);
  }

  /** What parties gave as evidence, in order. */
  get evidence(): readonly Evidence[] {
    return this.effects.flatMap(({ effect }) => (effect.kind === "evidence" ? [effect.evidence] : []));
  }

  /** What parties said under `tag`, to whomever, each as often as it was sent. */
  said<T>(from: PartyId, tag: Tag, codec: Codec<T>, to?: PartyId): readonly T[] {
    return this.sent.flatMap((flight) => {
      if (flight.from !== from || flight.envelope.tag !== tag || (to !== undefined && flight.to !== to)) return [];
      const message = decode(codec, flight.envelope.body);
      return message.ok ? [message.value] : [];
    });
  }
}
