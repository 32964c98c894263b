/**
 * One simulated replica: the production engine with a log, a table of what it signed, an archive of proofs and the
 * production outboxes, all in memory. It crashes at any point between "input appended" and "last effect let out", and
 * comes back by replaying its log from the last boundary behind which it was cut, as `src/replica` does.
 */
import { equalBytes } from "../core/bytes.js";
import { type Effect, Engine, type EngineOptions, type Input } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import { StaleStoreError } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import {
  type AtomicBroadcastProtocol,
  type AtomicBroadcastState,
  type DeliveredRound,
  type EvidenceCheck,
  type NoMessage,
  PROOFS_PER_REQUEST,
  checkpointStatement,
  evidenceCheckOf,
} from "../protocols/index.js";
import { Outbox } from "../relay/outbox.js";
import { ProofRequests } from "../replica/proof-requests.js";
import { Batches } from "./batches.js";
import { ChannelLog } from "./channel-log.js";
import { Violation } from "./checkers.js";

export type SimEffect = Effect<DeliveredRound>;
export type SimEngine = Engine<NoMessage, DeliveredRound, AtomicBroadcastState>;
export type SimEngineOptions = EngineOptions<NoMessage, DeliveredRound, AtomicBroadcastState>;

/** A channel's protocol, started anew or from a boundary's state. */
export type SimChannel = (start: {
  readonly restore: Uint8Array | undefined;
  /** What its host has kept. */
  readonly batches: Batches;
  readonly speakFrom: number;
}) => AtomicBroadcastProtocol;

/** No round is that late. */
const NEVER = Number.MAX_SAFE_INTEGER;

export interface SimPartyOptions extends Omit<SimEngineOptions, "signed" | "channels"> {
  /** What others say of it may be a lie of its own: an engine that finds its store to be stale stops, and is not at fault. */
  isCorrupted(): boolean;
  readonly channels: Readonly<Record<Tag, SimChannel>>;
}

/** A host's word that its party takes part in a round, or proposes in it. */
export type HostsWord = Extract<Input, { kind: "proceed" | "propose" }>;

export class SimParty {
  readonly id: PartyId;
  readonly #options: SimPartyOptions;
  /** By channel: channels share nothing. */
  readonly #logs: ReadonlyMap<Tag, ChannelLog>;
  readonly #signed = new Map<string, Uint8Array>();
  readonly #archive = new Map<string, Envelope>();
  #outboxes = new Map<PartyId, Outbox>();
  readonly requests = new ProofRequests();
  /** By channel. */
  readonly #batches: ReadonlyMap<Tag, Batches>;
  /** Of each channel, the last round that was let go on, as far as this life knows. */
  readonly #proceeded = new Map<Tag, number>();
  #isLost = false;
  /** Undefined while crashed. */
  #engine: SimEngine | undefined;

  constructor(options: SimPartyOptions) {
    this.id = options.self;
    this.#options = options;
    const hash = (bytes: Uint8Array): Uint8Array => options.suite.hash(bytes);
    this.#batches = new Map(Object.keys(options.channels).map((channel) => [channel, new Batches()]));
    this.#logs = new Map(Object.keys(options.channels).map((channel) => [channel, new ChannelLog(channel, hash)]));
  }

  #newEngine(
    signed: SimEngineOptions["signed"],
    base: (channel: Tag) => Uint8Array | undefined,
    speakFrom = 0,
  ): SimEngine {
    const started = Object.entries(this.#options.channels).map(
      ([tag, channel]) => [tag, channel({ restore: base(tag), batches: this.batches(tag), speakFrom })] as const,
    );
    return new Engine({ ...this.#options, signed, channels: Object.fromEntries(started) });
  }

  batches(channel: Tag): Batches {
    const batches = this.#batches.get(channel);
    if (batches === undefined) throw new RangeError(`no channel ${channel}`);
    return batches;
  }

  /** What channels wait for from their host. */
  get heldUp(): readonly HostsWord[] {
    return [...this.#logs.keys()].flatMap((channel): readonly HostsWord[] => {
      const state = this.inspect(channel);
      if (state === undefined) return [];
      const { hasWork, holdsBack, round } = state;
      if (hasWork && round > (this.#proceeded.get(channel) ?? 0)) return [{ kind: "proceed", channel, round }];
      return holdsBack ? [{ kind: "propose", channel, round }] : [];
    });
  }

  /** The proofs of decided rounds, in the order in which they were decided. */
  get archive(): readonly Envelope[] {
    return [...this.#archive.values()];
  }

  /** What its keys say about evidence. */
  get evidenceCheck(): EvidenceCheck {
    return evidenceCheckOf(this.#options.cluster, this.#options.suite);
  }

  /** A party that knows keys, and nothing else: it listens only. */
  stranger(): SimEngine {
    const engine = this.#newEngine({ get: () => undefined }, () => undefined, NEVER);
    engine.start();
    return engine;
  }

  get isUp(): boolean {
    return this.#engine !== undefined;
  }

  /** What it has said to `to` in live instances, in order. */
  said(to: PartyId): readonly Envelope[] {
    return this.outbox(to).entries.flatMap(({ said }) => (said.kind === "message" ? [said.envelope] : []));
  }

  outbox(to: PartyId): Outbox {
    let outbox = this.#outboxes.get(to);
    if (outbox === undefined) {
      outbox = new Outbox();
      this.#outboxes.set(to, outbox);
    }
    return outbox;
  }

  inspect(channel: Tag): AtomicBroadcastState | undefined {
    return this.#engine?.inspect(channel);
  }

  /** The round of the boundary from which it would start now; 0: from nothing. */
  startsAfter(channel: Tag): number {
    return this.#logs.get(channel)?.base.round ?? 0;
  }

  /** The first start, or a restart: the effects of all that is in the log, again. */
  start(): readonly SimEffect[] {
    return this.#unlessStale(() => this.#start());
  }

  #start(): readonly SimEffect[] {
    this.#outboxes = new Map();
    this.#proceeded.clear();
    for (const log of this.#logs.values()) log.restart();
    for (const batches of this.#batches.values()) batches.restart();
    const signed = { get: (slot: string): Uint8Array | undefined => this.#signed.get(slot) };
    const engine = this.#newEngine(signed, (channel) => this.#logs.get(channel)?.base.state);
    const effects = [...engine.start()];
    this.#record(effects);
    for (const log of this.#logs.values()) {
      for (const input of log.untaken()) {
        const more = engine.step(input);
        this.#record(more);
        effects.push(...more);
      }
    }
    this.#engine = engine;
    for (const log of this.#logs.values()) log.cut();
    return effects;
  }

  /** The digest, if its certificate convinces whoever knows the keys. */
  certified({ channel, round, digest, certificate }: Extract<SimEffect, { kind: "stable" }>): Uint8Array | undefined {
    const { cluster, suite } = this.#options;
    const certified = checkpointStatement(cluster, channel, round, digest);
    return suite.quorumCertifier.verify(certified, certificate) ? digest : undefined;
  }

  /** What the host has to tell the engine. */
  get owed(): readonly Input[] {
    return this.isUp ? [...this.#logs.values()].flatMap((log) => log.owed ?? []) : [];
  }

  /** Of an input that is of no channel the engine only says so. */
  #logOf(input: Input): ChannelLog | undefined {
    const tag = input.kind === "message" ? input.envelope.tag : input.channel;
    const slash = tag.indexOf("/");
    return this.#logs.get(slash < 0 ? tag : tag.slice(0, slash));
  }

  /** Appends to the log, then acts: whatever is lost by a crash afterwards can be made again. */
  step(input: Input): readonly SimEffect[] {
    if (this.#engine === undefined) return [];
    const log = this.#logOf(input);
    log?.append(input);
    return this.#unlessStale(() => this.#act(input, log));
  }

  #unlessStale(act: () => readonly SimEffect[]): readonly SimEffect[] {
    try {
      return act();
    } catch (error) {
      if (!(error instanceof StaleStoreError) || !this.#options.isCorrupted()) throw error;
      this.#isLost = true;
      this.crash();
      return [];
    }
  }

  /** It is corrupted, and has lied so well that its own engine has stopped for ever. */
  get isLost(): boolean {
    return this.#isLost;
  }

  #act(input: Input, log: ChannelLog | undefined): readonly SimEffect[] {
    if (this.#engine === undefined) return [];
    if (input.kind === "proceed") this.#proceeded.set(input.channel, input.round);
    const effects: SimEffect[] = [];
    for (const next of log?.untaken() ?? [input]) effects.push(...this.#engine.step(next));
    this.#record(effects);
    log?.cut();
    return effects;
  }

  #record(effects: readonly SimEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "output" || effect.kind === "boundary") this.#logs.get(effect.channel)?.record(effect);
      if (effect.kind === "signed") this.#recordSigned(effect.slot, effect.digest);
      else if (effect.kind === "keepBatch") this.batches(effect.channel).keep(effect.name, effect.bytes);
      else if (effect.kind === "askBatch") this.batches(effect.channel).want(effect.name, effect.of);
      else if (effect.kind === "archive") this.#archive.set(`${effect.channel}/${effect.round}`, effect.envelope);
      else if (effect.kind === "retire") for (const outbox of this.#outboxes.values()) outbox.retire(effect.tag);
    }
  }

  #recordSigned(slot: string, digest: Uint8Array): void {
    const earlier = this.#signed.get(slot);
    if (earlier !== undefined && !equalBytes(earlier, digest)) {
      throw new Violation("no contradiction", `party ${this.id} signed two statements for ${slot}`);
    }
    this.#signed.set(slot, digest);
  }

  crash(): void {
    this.#engine = undefined;
    this.#outboxes = new Map();
  }

  /** The proofs that a peer in `round` lacks. */
  proofs(channel: Tag, round: number): readonly Envelope[] {
    const proofs: Envelope[] = [];
    for (let next = round; next < round + PROOFS_PER_REQUEST; next++) {
      const proof = this.#archive.get(`${channel}/${next}`);
      if (proof !== undefined) proofs.push(proof);
    }
    return proofs;
  }
}
