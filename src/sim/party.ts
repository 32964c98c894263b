/**
 * One simulated replica: the production engine with a log, a table of what it signed, an archive of proofs and the
 * production outboxes, all in memory. It crashes at any point between "input appended" and "last effect let out", and
 * comes back by replaying its log, as `src/replica` does.
 */
import { equalBytes } from "../core/bytes.js";
import { type Effect, Engine, type EngineOptions, type Input } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import type { Tag } from "../core/tag.js";
import {
  type AtomicBroadcastState,
  type DeliveredRound,
  type NoMessage,
  PROOFS_PER_REQUEST,
} from "../protocols/index.js";
import { Outbox } from "../relay/outbox.js";
import { ProofRequests } from "../replica/proof-requests.js";
import { Violation } from "./checkers.js";

export type SimEffect = Effect<DeliveredRound>;
export type SimEngine = Engine<NoMessage, DeliveredRound, AtomicBroadcastState>;
export type SimEngineOptions = EngineOptions<NoMessage, DeliveredRound, AtomicBroadcastState>;

export class SimParty {
  readonly id: PartyId;
  readonly #options: Omit<SimEngineOptions, "signed">;
  readonly #log: Input[] = [];
  readonly #signed = new Map<string, Uint8Array>();
  readonly #archive = new Map<string, Envelope>();
  #outboxes = new Map<PartyId, Outbox>();
  readonly requests = new ProofRequests();
  /** Undefined while crashed. */
  #engine: SimEngine | undefined;

  constructor(options: Omit<SimEngineOptions, "signed">) {
    this.id = options.self;
    this.#options = options;
  }

  /** The proofs of decided rounds, in the order in which they were decided. */
  get archive(): readonly Envelope[] {
    return [...this.#archive.values()];
  }

  /** A party that knows keys, and nothing else. */
  stranger(): SimEngine {
    const engine: SimEngine = new Engine({ ...this.#options, signed: { get: () => undefined } });
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

  /** The first start, or a restart: the effects of the whole log, again. */
  start(): readonly SimEffect[] {
    this.#outboxes = new Map();
    const engine = new Engine({ ...this.#options, signed: { get: (slot) => this.#signed.get(slot) } });
    const effects = [...engine.start()];
    for (const input of this.#log) effects.push(...engine.step(input));
    this.#engine = engine;
    this.#record(effects);
    return effects;
  }

  /** Appends to the log, then acts: whatever is lost by a crash afterwards can be made again. */
  step(input: Input): readonly SimEffect[] {
    if (this.#engine === undefined) return [];
    this.#log.push(input);
    const effects = this.#engine.step(input);
    this.#record(effects);
    return effects;
  }

  #record(effects: readonly SimEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "signed") this.#recordSigned(effect.slot, effect.digest);
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
