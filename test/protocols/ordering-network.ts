/** Networks that run atomic broadcast and keep every party's inputs, so that each can be started anew at a boundary. */
import { concat, equalBytes, utf8 } from "../../src/core/bytes.js";
import { type Effect, Engine, type Input } from "../../src/core/engine.js";
import { thresholdGroup } from "../../src/core/group.js";
import type { PartyId } from "../../src/core/party-set.js";
import type { BatchName } from "../../src/core/protocol.js";
import {
  type AtomicBroadcastOptions,
  type AtomicBroadcastState,
  type DeliveredRound,
  type DisseminationMode,
  type NoMessage,
  atomicBroadcast,
} from "../../src/protocols/index.js";
import { ATTACKS, CorruptedParty } from "../../src/sim/byzantine.js";
import { forgetfulSuite } from "../../src/sim/liars.js";
import { mockSuite } from "../../src/sim/mock-suite.js";
import { CLUSTER, Network, type NetworkOptions } from "../../src/sim/network.js";
import { Random } from "../../src/sim/random.js";

export const CHANNEL = "abc";
export type AbcEffect = Effect<DeliveredRound>;
type AbcEngine = Engine<NoMessage, DeliveredRound, AtomicBroadcastState>;

/** A payload starts with "o"; any other is invalid. */
export const payload = (name: string | number): Uint8Array => utf8(`ok ${name}`);

export const OPTIONS = {
  vectorSize: 3,
  maxEntryPayloads: 16,
  maxEntryBytes: 16 * 1024,
  maxPayloads: 100,
  maxPayloadsPerPeer: 100,
  maxEarlyBytes: 1_000_000,
  speakFrom: 0,
  order: "fixed",
  isValid: (bytes: Uint8Array) => bytes[0] === "o".charCodeAt(0),
} as const satisfies AtomicBroadcastOptions;

/** An input of a party, and which of its effects come from it and later ones. */
interface Step {
  readonly input: Input;
  readonly from: number;
}

export class OrderingNetwork extends Network<DeliveredRound, AtomicBroadcastState> {
  readonly steps = new Map<PartyId, Step[]>();
  readonly serves: boolean;
  /** Effects of which the batches were brought. */
  #served = 0;
  readonly #abc: (party: PartyId) => AtomicBroadcastOptions;

  /** @param changes of all parties, or of each */
  constructor(
    options: NetworkOptions,
    changes: Partial<AtomicBroadcastOptions> | ((party: PartyId) => Partial<AtomicBroadcastOptions>) = {},
  ) {
    const of = (party: PartyId): AtomicBroadcastOptions => ({
      ...OPTIONS,
      ...(typeof changes === "function" ? changes(party) : changes),
    });
    let party = -1;
    const scripted = options.scripted ?? [];
    super(options, () => {
      do party++;
      while (scripted.includes(party));
      return { [CHANNEL]: atomicBroadcast(of(party)) };
    });
    this.#abc = of;
    this.serves = options.serves === true;
  }

  override step(party: PartyId, input: Input): void {
    const steps = this.steps.get(party) ?? [];
    this.steps.set(party, steps);
    steps.push({ input, from: this.effectsOf(party).length });
    super.step(party, input);
  }

  effectsOf(party: PartyId): readonly AbcEffect[] {
    return this.effects.flatMap(({ party: by, effect }) => (by === party ? [effect] : []));
  }

  submit(party: PartyId, bytes: Uint8Array): void {
    this.step(party, { kind: "submit", channel: CHANNEL, payload: bytes });
  }

  clock(party: PartyId, nowMs: number): void {
    this.step(party, { kind: "clock", channel: CHANNEL, nowMs });
  }

  checkpoint(party: PartyId, round: number, digest = this.digestOf(party, round)): void {
    this.step(party, { kind: "checkpoint", channel: CHANNEL, round, digest });
  }

  /** Of everything that `party` has delivered up to `round`. */
  digestOf(party: PartyId, round: number): Uint8Array {
    const rounds = this.outputsOf(party).filter((output) => output.round <= round);
    return this.suite(party).hash(concat(...rounds.flatMap(({ payloads }) => payloads)));
  }

  of<Kind extends AbcEffect["kind"]>(party: PartyId, kind: Kind): readonly Extract<AbcEffect, { kind: Kind }>[] {
    return this.effectsOf(party).filter((effect): effect is Extract<AbcEffect, { kind: Kind }> => effect.kind === kind);
  }

  /** Batches that were asked for are brought when nothing is in flight, by a party that has them. */
  override run(isDone: () => boolean = () => false, maxSteps?: number): void {
    do super.run(isDone, maxSteps);
    while (this.#bringBatches());
  }

  #bringBatches(): boolean {
    let brought = false;
    for (; this.serves && this.#served < this.effects.length; this.#served++) {
      const { party = 0, effect } = this.effects[this.#served] ?? {};
      if (effect?.kind !== "askBatch") continue;
      const { name } = effect;
      const from = effect.of.find((of) => this.kept(of, name) !== undefined);
      const bytes = from === undefined ? undefined : this.kept(from, name);
      if (from === undefined || bytes === undefined) throw new Error(`nobody has batch ${name.height} of ${name.lane}`);
      this.step(party, { kind: "batch", from, channel: CHANNEL, name, bytes });
      brought = true;
    }
    return brought;
  }

  /** What `party` has kept as the batch of this name. */
  kept(party: PartyId, name: BatchName): Uint8Array | undefined {
    const isIt = (other: BatchName): boolean =>
      other.lane === name.lane && other.height === name.height && equalBytes(other.digest, name.digest);
    return this.of(party, "keepBatch").find((effect) => isIt(effect.name))?.bytes;
  }

  /** A new engine of `party` that starts from a state, with what the party has ever signed. */
  engineAt(
    party: PartyId,
    restore: Uint8Array | undefined,
    kept = (name: BatchName) => this.kept(party, name),
  ): AbcEngine {
    const signed = new Map(this.of(party, "signed").map(({ slot, digest }) => [slot, digest]));
    return new Engine({
      self: party,
      cluster: CLUSTER,
      group: this.group,
      suite: this.suite(party),
      signed: { get: (slot) => signed.get(slot) },
      channels: { [CHANNEL]: atomicBroadcast({ ...this.#abc(party), restore, kept }) },
    });
  }
}

/** Party `liar` runs the protocol and lies as `rate` says. */
export function withLiar(
  seed: number,
  liar: PartyId,
  rate: number,
  dissemination: DisseminationMode = "inline",
): NetworkOptions {
  const group = thresholdGroup({ n: 4, byzantine: 1 });
  const random = new Random(seed);
  const corrupted = new CorruptedParty({
    self: liar,
    cluster: CLUSTER,
    group,
    suite: mockSuite(group, liar, seed),
    random,
    corruption: { rate, attacks: ATTACKS },
    dissemination,
    inventPayload: () => payload(`invented ${random.below(8)}`),
    onAttack: () => undefined,
  });
  return {
    group,
    seed,
    serves: true,
    suiteOf: (_, party) => forgetfulSuite(mockSuite(group, party, seed), party, () => party === liar),
    tamper: ({ from, to, envelope }) => (from === liar ? corrupted.tamper(to, envelope) : [envelope]),
  };
}
