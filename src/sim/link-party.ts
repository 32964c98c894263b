/** A simulated replica with its courier: what it says goes over links that may delete it, and over third parties. */
import { toHex } from "../core/bytes.js";
import { type Effect, Engine, type EngineOptions, type Input } from "../core/engine.js";
import type { Envelope } from "../core/envelope.js";
import type { PartyId } from "../core/party-set.js";
import { type BatchName, InvariantError } from "../core/protocol.js";
import type { Tag } from "../core/tag.js";
import {
  type AtomicBroadcastState,
  type DeliveredRound,
  type NoMessage,
  PROOFS_PER_REQUEST,
} from "../protocols/index.js";
import type { RelayKeys } from "../core/relay-keys.js";
import type { Received } from "../relay/courier.js";
import { BatchRequests } from "../replica/batch-requests.js";
import { Post } from "../relay/post.js";
import { NO_CHECKPOINTS } from "../relay/serving.js";
import { ProofRequests } from "../replica/proof-requests.js";

type LinkEngine = Engine<NoMessage, DeliveredRound, AtomicBroadcastState>;
type LinkEffect = Effect<DeliveredRound>;
type Accused = NonNullable<Received["accused"]>;

export interface LinkPartyOptions extends Omit<
  EngineOptions<NoMessage, DeliveredRound, AtomicBroadcastState>,
  "signed"
> {
  /** Without keys nothing is relayed. */
  readonly keys: RelayKeys | undefined;
  /** Puts a frame on the link to `to`, which may delete it for ever. */
  readonly send: (to: PartyId, frame: Uint8Array) => void;
  /** What is said to `to` instead; more or less than that when the party is corrupted. */
  tamper(to: PartyId, envelope: Envelope): readonly Envelope[];
  onEffect(effect: LinkEffect): void;
  onAccused(accused: Accused): void;
}

export class LinkParty {
  readonly #options: LinkPartyOptions;
  readonly #log: Input[] = [];
  readonly #signed = new Map<string, Uint8Array>();
  readonly #archive = new Map<string, Envelope>();
  readonly #kept = new Map<string, Uint8Array>();
  #requests = new ProofRequests();
  #batches: BatchRequests;
  #engine: LinkEngine;
  #post: Post;
  run = 1;

  constructor(options: LinkPartyOptions) {
    this.#options = options;
    this.#engine = this.#newEngine();
    this.#post = this.#newPost();
    this.#batches = this.#newBatches();
  }

  get id(): PartyId {
    return this.#options.self;
  }

  #newEngine(): LinkEngine {
    return new Engine({ ...this.#options, signed: { get: (slot) => this.#signed.get(slot) } });
  }

  #newBatches(): BatchRequests {
    const { self, group } = this.#options;
    const { courier } = this.#post;
    return new BatchRequests({
      self,
      peers: group.parties.filter((party) => party !== self),
      ask: (of, batch) => courier.askBatch(of, batch),
      withdraw: (of, batch) => courier.withdrawBatch(of, batch),
    });
  }

  #newPost(): Post {
    const { self, cluster, group, keys, send } = this.#options;
    return new Post({
      self,
      run: this.run,
      cluster,
      parties: group.parties,
      keys,
      proofsPerRequest: PROOFS_PER_REQUEST,
      round: (channel) => this.#engine.inspect(channel).round,
      archive: {
        ...NO_CHECKPOINTS,
        proof: (channel, round) => this.#proof(channel, round),
        batch: (channel, name) => this.#kept.get(keyOf(channel, name)),
      },
      send,
      onRestart: (peer) => this.#requests.forget(peer),
    });
  }

  #proof(channel: string, round: number): Envelope {
    const proof = this.#archive.get(`${channel}/${round}`);
    if (proof === undefined) throw new InvariantError(`party ${this.id} has no proof of round ${round} of ${channel}`);
    return proof;
  }

  inspect(channel: string): AtomicBroadcastState {
    return this.#engine.inspect(channel);
  }

  start(): void {
    this.#release(this.#engine.start());
    this.#post.flush();
  }

  /** Crashes, and comes back with its log and nothing else. */
  restart(): void {
    this.run++;
    this.#requests = new ProofRequests();
    this.#engine = this.#newEngine();
    this.#post = this.#newPost();
    this.#batches = this.#newBatches();
    this.#release(this.#engine.start());
    for (const input of this.#log) this.#release(this.#engine.step(input));
    this.#post.flush();
  }

  submit(channel: string, payload: Uint8Array): void {
    this.#step({ kind: "submit", channel, payload });
    this.#post.flush();
  }

  /** A frame that `from` put on its link in its run `run`. */
  receive(from: PartyId, run: number, frame: Uint8Array): void {
    const { from: origin, envelopes, state, accused } = this.#post.receive(from, run, frame);
    for (const item of state)
      if (item.kind === "batch" && this.#batches.answered(origin, item))
        this.#step({ kind: "batch", from: origin, channel: item.channel, name: item, bytes: item.bytes });
    for (const envelope of envelopes) this.#step({ kind: "message", from: origin, envelope });
    if (accused !== undefined) this.#options.onAccused(accused);
    this.#post.courier.settle();
    this.#post.flush();
  }

  tick(): void {
    this.#batches.tick();
    this.#post.courier.tick();
    this.#post.flush();
  }

  #step(input: Input): void {
    this.#log.push(input);
    this.#release(this.#engine.step(input));
  }

  #release(effects: readonly LinkEffect[]): void {
    const { courier } = this.#post;
    for (const effect of effects) {
      this.#options.onEffect(effect);
      if (effect.kind === "send") {
        const line = effect.isBulk === true ? "bulk" : "prompt";
        for (const envelope of this.#options.tamper(effect.to, effect.envelope))
          courier.post(effect.to, envelope, line);
      } else if (effect.kind === "retire") courier.retire(effect.tag);
      else if (effect.kind === "signed") this.#signed.set(effect.slot, effect.digest);
      else if (effect.kind === "archive") this.#archive.set(`${effect.channel}/${effect.round}`, effect.envelope);
      else if (effect.kind === "askBatch") this.#batches.want(effect.channel, effect.name, effect.of);
      else if (effect.kind === "keepBatch") this.#keep(effect);
      else if (effect.kind === "askRepeat") {
        this.#requests.forget(effect.of);
        courier.askRepeat(effect.of);
      } else if (effect.kind === "askProofs") {
        const { of, channel, round, decidedBelow } = effect;
        if (this.#requests.start(of, channel, round, decidedBelow)) courier.askProofs(of, channel, round);
      }
    }
  }

  #keep({ channel, name, bytes }: Extract<LinkEffect, { readonly kind: "keepBatch" }>): void {
    this.#kept.set(keyOf(channel, name), bytes);
    this.#batches.kept(channel, name);
  }
}

function keyOf(channel: Tag, { lane, height, digest }: BatchName): string {
  return `${channel} ${lane}/${height} ${toHex(digest)}`;
}
