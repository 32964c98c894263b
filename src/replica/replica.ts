/**
 * A replica: inputs → durable log → engine → effects (docs/protocols.md section 4).
 *
 * The law: append the input, make it durable, let its effects out. Inputs that arrive while a commit is under way are
 * committed together by the next one. The engine takes a batch before the commit, and its effects are held until the batch,
 * what was signed, the proofs and the delivered payloads are durable in one transaction. A restart replays the log through
 * a new engine, which says the same again.
 */
import { equalBytes } from "../core/bytes.js";
import { encode } from "../core/codec.js";
import { type Effect, Engine, type Input } from "../core/engine.js";
import { type Envelope, envelopeCodec } from "../core/envelope.js";
import type { Fault } from "../core/fault.js";
import type { Group } from "../core/group.js";
import type { PartyId } from "../core/party-set.js";
import type { RelayKeys } from "../core/relay-keys.js";
import type { Suite } from "../core/suite.js";
import type { Tag } from "../core/tag.js";
import {
  type AtomicBroadcastProtocol,
  type AtomicBroadcastState,
  type DeliveredRound,
  encodeSettings,
  type LocalSettings,
  type NoMessage,
  PROOFS_PER_REQUEST,
} from "../protocols/index.js";
import type { Service } from "../services/service.js";
import { Courier, type Received } from "../relay/courier.js";
import { type Accusation, Accusations, type LinkFault } from "./accusations.js";
import { archivedProof } from "./archived-proof.js";
import { IncomingLink, type PeerInput } from "./incoming-link.js";
import { decodeInput, encodeInput } from "./input-log.js";
import { InputQueue } from "./input-queue.js";
import type { Connection, ConnectionHandlers } from "./links.js";
import { EMPTY_LOG_DIGEST, extendLogDigest } from "./log-digest.js";
import { OutgoingLink } from "./outgoing-link.js";
import { ProofRequests } from "./proof-requests.js";
import type { Batch, LedgerEntry, Store } from "./store.js";

export interface ReplicaOptions<Reply> {
  readonly self: PartyId;
  readonly cluster: Uint8Array;
  readonly group: Group;
  readonly suite: Suite;
  /** The tag of the one channel, and its protocol. */
  readonly channel: Tag;
  readonly protocol: AtomicBroadcastProtocol;
  /** This party's settings for the channel; logged when they are not those of the run before. */
  readonly settings: LocalSettings;
  readonly service: Service<Reply>;
  readonly store: Store;
  /**
   * What one peer may bring into the log between two decisions; beyond it its messages are dropped, and it is accused of a
   * flood. To be far above what an honest peer says in a round, repetitions after restarts included.
   */
  readonly peerQuotaBytes: number;
  /** For what goes over third parties; undefined in a cluster whose parties have no keys for it. */
  readonly relayKeys: RelayKeys | undefined;
  /** A payload was delivered and is durable; in order. Also called for each payload of the replayed log. */
  onDelivered(id: Uint8Array, entry: LedgerEntry, reply: Reply): void;
  /** This replica cannot go on: its storage failed or it found itself broken. It has stopped. */
  onFatal(error: Error): void;
  onLog(message: string): void;
}

export interface ReplicaState {
  readonly party: PartyId;
  /** `starting` while the log is replayed. */
  readonly state: "starting" | "active" | "stopped";
  /** The last decided round; 0 before the first. */
  readonly round: number;
  /** Delivered payloads. */
  readonly sequence: number;
  readonly logDigest: Uint8Array;
  /** Frames that this process has sent to other replicas, and their bytes before encryption. */
  readonly sentFrames: number;
  readonly sentBytes: number;
  /** Those among them that were relayed: own ones and others'. */
  readonly relayedFrames: number;
  readonly relayedBytes: number;
  readonly accusations: readonly Accusation[];
}

/** What waits: an input of this replica, or what a peer's link brought. */
type Pending =
  | { readonly kind: "own"; readonly from: undefined; readonly input: Input; readonly sizeBytes: number }
  | { readonly kind: "peer"; readonly from: PartyId; readonly input: PeerInput; readonly sizeBytes: number };

interface Tip {
  readonly round: number;
  readonly sequence: number;
  readonly logDigest: Uint8Array;
}

type ReplicaEffect = Effect<DeliveredRound>;

/** A batch under construction, and what is told to others once it is durable. */
interface Outcome<Reply> {
  readonly signed: { slot: string; digest: Uint8Array }[];
  readonly proofs: { channel: Tag; round: number; envelope: Uint8Array }[];
  readonly ledger: LedgerEntry[];
  readonly replies: { id: Uint8Array; entry: LedgerEntry; reply: Reply }[];
  readonly effects: ReplicaEffect[];
}

export class Replica<Reply> {
  readonly #options: ReplicaOptions<Reply>;
  readonly #engine: Engine<NoMessage, DeliveredRound, AtomicBroadcastState>;
  readonly #outgoing = new Map<PartyId, OutgoingLink>();
  readonly #incoming = new Map<PartyId, IncomingLink>();
  readonly #requests = new ProofRequests();
  readonly #courier: Courier;
  readonly #accusations = new Accusations();
  /** Bytes that each peer has brought into the log since the last decision. */
  readonly #appendedBytes = new Map<PartyId, number>();
  readonly #pending = new InputQueue<Pending>();
  /** What the replayed log asks of peers in the round that it ends in: nobody may have heard it. */
  #asked: ReplicaEffect[] = [];
  #starting: Promise<void> | undefined;
  #pumping: Promise<void> | undefined;
  #state: ReplicaState["state"] = "starting";
  /** Where the engine has got to, and how much of that is durable: others hear of nothing else. */
  #tip: Tip = { round: 0, sequence: 0, logDigest: EMPTY_LOG_DIGEST };
  #durable: Tip = this.#tip;

  constructor(options: ReplicaOptions<Reply>) {
    this.#options = options;
    const { self, cluster, group, suite, store, channel, protocol } = options;
    const signed = { get: (slot: string): Uint8Array | undefined => store.signed(slot) };
    this.#engine = new Engine({ self, cluster, group, suite, signed, channels: { [channel]: protocol } });
    this.#courier = this.#newCourier();
    for (const party of group.parties) if (party !== self) this.#addLinks(party);
  }

  #newCourier(): Courier {
    const { self, cluster, group, store, channel, relayKeys } = this.#options;
    return new Courier({
      self,
      cluster,
      parties: group.parties,
      keys: relayKeys,
      proofsPerRequest: PROOFS_PER_REQUEST,
      round: (tag) => (tag === channel ? this.#durable.round + 1 : undefined),
      proof: (tag, round) => archivedProof(store, tag, round),
      relay: (neighbour, origin, frame) => this.#outgoing.get(neighbour)?.relay(origin, frame),
      acknowledge: (peer, frame) => this.#incoming.get(peer)?.acknowledge(frame),
      onRestart: (peer) => this.#requests.forget(peer),
    });
  }

  #addLinks(party: PartyId): void {
    const { cluster, channel } = this.#options;
    const courier = this.#courier;
    const onFault = (fault: LinkFault): void => this.#accuse(party, fault, "link");
    this.#outgoing.set(
      party,
      new OutgoingLink({
        cluster,
        run: () => courier.run,
        resume: (number) => courier.resume(party, number),
        position: (tag, round) => courier.position(party, tag, round),
        nextAfter: (number) => courier.nextAfter(party, number),
        heard: (heard) => courier.heard(party, heard),
        onFault,
        onDamage: (error) => this.#fail(error),
        onClose: (reason) => this.#options.onLog(`link to party ${party} closed: ${reason}`),
      }),
    );
    this.#incoming.set(
      party,
      new IncomingLink({
        cluster,
        meet: (run) => courier.meet(party, run),
        positions: () => [{ channel, round: this.#durable.round + 1 }],
        onInput: (input) => this.#enqueue({ kind: "peer", from: party, input, sizeBytes: input.bytes.length }),
        onFault,
      }),
    );
  }

  /**
   * Replays the log. Until then the replica takes no connection and says nothing.
   * @throws Error when the log does not lead where the ledger or the table of signatures say it led
   */
  async start(): Promise<void> {
    const replay = this.#replay();
    // For `stop`; whoever called `start` hears of the error.
    this.#starting = replay.catch(() => undefined);
    await replay;
  }

  async #replay(): Promise<void> {
    const { store } = this.#options;
    const outcome = this.#newOutcome();
    this.#collect(outcome, this.#engine.start());
    this.#replayed(outcome);
    let count = 0;
    let signedCount = outcome.signed.length;
    for (const record of store.inputs()) {
      const replayed = this.#newOutcome();
      this.#collect(replayed, this.#engine.step(decodeInput(record)));
      this.#replayed(replayed);
      signedCount += replayed.signed.length;
      // Lets other events in now and then, so that a long replay can be interrupted.
      if (++count % 1000 === 0) await new Promise((resume) => setImmediate(resume));
      if (this.#state !== "starting") return;
    }
    if (store.signedCount() !== signedCount) {
      throw new Error(
        `the table of signatures has ${store.signedCount()} entries, the input log leads to ${signedCount}: inputs are missing, and going on would contradict what was said`,
      );
    }
    const { round, sequence } = this.#durable;
    if (store.ledgerEntry(sequence + 1) !== undefined) {
      throw new Error(`the ledger has more entries than the ${sequence} that the input log leads to`);
    }
    this.#options.onLog(`replayed ${count} inputs: round ${round}, ${sequence} payloads`);
    for (const effect of this.#asked) this.#release(effect);
    await this.#configure();
    if (this.#state !== "starting") return;
    this.#courier.begin(count + 1);
    this.#state = "active";
  }

  /** The present settings are the first input of every run, so that each run begins with a longer log than the one before. */
  async #configure(): Promise<void> {
    const settings = encodeSettings(this.#options.settings);
    const input = { kind: "configure", channel: this.#options.channel, settings } as const;
    await this.#process([{ kind: "own", input, from: undefined, sizeBytes: settings.length }]);
  }

  /** Effects of replayed inputs: what others may have heard already is kept for those who have not. */
  #replayed(outcome: Outcome<Reply>): void {
    const { store } = this.#options;
    for (const entry of outcome.ledger) {
      const stored = store.ledgerEntry(entry.sequence);
      if (stored === undefined || !equalBytes(stored.payload, entry.payload) || stored.round !== entry.round) {
        throw new Error(`the input log leads to another ledger entry ${entry.sequence} than the one stored`);
      }
    }
    if (this.#tip.round > this.#durable.round) this.#asked = [];
    this.#durable = this.#tip;
    for (const effect of outcome.effects) {
      if (effect.kind === "askProofs" || effect.kind === "askRepeat") this.#asked.push(effect);
      else this.#release(effect);
    }
    for (const { id, entry, reply } of outcome.replies) this.#options.onDelivered(id, entry, reply);
  }

  /** Connections between replicas; undefined when the replica cannot take them. */
  dialled(party: PartyId, connection: Connection): ConnectionHandlers | undefined {
    return this.#state === "active" ? this.#outgoing.get(party)?.open(connection) : undefined;
  }

  accepted(party: PartyId, connection: Connection): ConnectionHandlers | undefined {
    return this.#state === "active" ? this.#incoming.get(party)?.open(connection) : undefined;
  }

  /** A client's payload, for which `service.validate` holds. False when there is no room for it now. */
  submit(payload: Uint8Array): boolean {
    if (this.#state !== "active") return false;
    if (this.#engine.inspect(this.#options.channel).room <= this.#pending.count(undefined)) return false;
    const input = { kind: "submit", channel: this.#options.channel, payload } as const;
    this.#enqueue({ kind: "own", from: undefined, input, sizeBytes: payload.length });
    return true;
  }

  /** Some time has passed: peers are told how far they were heard, and what they do not acknowledge is said on other ways. */
  tick(): void {
    if (this.#state !== "active") return;
    try {
      this.#courier.tick();
      for (const link of this.#outgoing.values()) link.flush();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Bytes that are kept for `party` because it may still need them. */
  heldBytes(party: PartyId): number {
    return this.#courier.heldBytes(party);
  }

  /** Each end has greeted the other on the connection that it dialled. */
  isConnected(party: PartyId): boolean {
    return this.#outgoing.get(party)?.isUp === true && this.#incoming.get(party)?.isUp === true;
  }

  /** Payloads without a number: those that this replica knows of. */
  get queueLength(): number {
    return this.#engine.inspect(this.#options.channel).queueLength + this.#pending.count(undefined);
  }

  get state(): ReplicaState {
    return {
      party: this.#options.self,
      state: this.#state,
      ...this.#durable,
      sentFrames: this.#sum((link) => link.sentFrames),
      sentBytes: this.#sum((link) => link.sentBytes),
      relayedFrames: this.#sum((link) => link.relayedFrames),
      relayedBytes: this.#sum((link) => link.relayedBytes),
      accusations: this.#accusations.list(),
    };
  }

  #sum(count: (link: OutgoingLink) => number): number {
    return [...this.#outgoing.values()].reduce((sum, link) => sum + count(link), 0);
  }

  #accuse(party: PartyId, fault: Fault | LinkFault, tag: string): void {
    this.#accusations.add(party, fault, tag);
  }

  #enqueue(pending: Pending): void {
    this.#pending.push(pending);
    this.#pumping ??= this.#pump().catch((error: unknown) => this.#fail(error));
  }

  async #pump(): Promise<void> {
    // Whatever else this turn of the event loop brings goes into the same commit.
    await Promise.resolve();
    while (!this.#pending.isEmpty && this.#state === "active") await this.#process(this.#pending.take());
    this.#pumping = undefined;
  }

  async #process(batch: readonly Pending[]): Promise<void> {
    const outcome = this.#newOutcome();
    const inputs: Uint8Array[] = [];
    for (const pending of batch) {
      for (const input of this.#inputsOf(pending)) {
        inputs.push(encodeInput(input));
        this.#collect(outcome, this.#engine.step(input));
      }
    }
    if (inputs.length > 0) await this.#options.store.commit({ inputs, ...outcome } satisfies Batch);
    this.#durable = this.#tip;
    this.#courier.settle();
    for (const { from, sizeBytes } of batch) if (from !== undefined) this.#incoming.get(from)?.handled(sizeBytes);
    for (const effect of outcome.effects) this.#release(effect);
    for (const { id, entry, reply } of outcome.replies) this.#options.onDelivered(id, entry, reply);
    for (const link of this.#outgoing.values()) link.flush();
  }

  /** What the engine is to take. Dropping before the append is always allowed; what was appended is always processed. */
  *#inputsOf(pending: Pending): Generator<Input> {
    if (pending.kind === "own") {
      yield pending.input;
      return;
    }
    const { from, envelopes, accused } = this.#receive(pending.from, pending.input);
    for (const envelope of envelopes) if (this.#isAdmissible(from, envelope)) yield { kind: "message", from, envelope };
    if (accused === undefined) return;
    if (accused.party === pending.from) this.#incoming.get(pending.from)?.refuse(accused.fault);
    else this.#accuse(accused.party, accused.fault, "relay");
  }

  #receive(peer: PartyId, input: PeerInput): Received {
    return input.kind === "item"
      ? this.#courier.hear(peer, input.run, input.item, input.bytes.length)
      : this.#courier.relayed(peer, input.relayed, input.bytes);
  }

  /** Not of a channel that does not exist, not of a round that is over here, not beyond the peer's quota. */
  #isAdmissible(from: PartyId, envelope: Envelope): boolean {
    const [channel, round] = envelope.tag.split("/");
    if (channel !== this.#options.channel) {
      this.#accuse(from, "unknown-instance", envelope.tag);
      return false;
    }
    if (Number(round) < this.#engine.inspect(channel).servedFrom) return false;
    const appendedBytes = (this.#appendedBytes.get(from) ?? 0) + envelope.tag.length + envelope.body.length;
    if (appendedBytes > this.#options.peerQuotaBytes) {
      this.#accuse(from, "flood", envelope.tag);
      return false;
    }
    this.#appendedBytes.set(from, appendedBytes);
    return true;
  }

  #newOutcome(): Outcome<Reply> {
    return { signed: [], proofs: [], ledger: [], replies: [], effects: [] };
  }

  #collect(outcome: Outcome<Reply>, effects: readonly ReplicaEffect[]): void {
    for (const effect of effects) {
      if (effect.kind === "signed") outcome.signed.push(effect);
      else if (effect.kind === "archive")
        outcome.proofs.push({ ...effect, envelope: encode(envelopeCodec, effect.envelope) });
      else if (effect.kind === "output") this.#deliver(outcome, effect.value);
      else outcome.effects.push(effect);
    }
  }

  #deliver(outcome: Outcome<Reply>, { round, payloads }: DeliveredRound): void {
    const { suite, service } = this.#options;
    let { sequence, logDigest } = this.#tip;
    for (const payload of payloads) {
      const entry = { sequence: ++sequence, round, payload };
      logDigest = extendLogDigest((bytes) => suite.hash(bytes), logDigest, entry);
      outcome.ledger.push(entry);
      outcome.replies.push({ id: suite.hash(payload), entry, reply: service.apply(entry, payload) });
    }
    this.#tip = { round, sequence, logDigest };
    this.#appendedBytes.clear();
  }

  #release(effect: ReplicaEffect): void {
    switch (effect.kind) {
      case "send":
        return this.#courier.post(effect.to, effect.envelope);
      case "retire":
        return this.#courier.retire(effect.tag);
      case "accuse":
        return this.#accuse(effect.party, effect.fault, effect.tag);
      case "askProofs": {
        const { of, channel, round, decidedBelow } = effect;
        if (this.#requests.start(of, channel, round, decidedBelow)) this.#courier.askProofs(of, channel, round);
        return;
      }
      case "askRepeat":
        return this.#courier.askRepeat(effect.of);
      case "signed":
      case "archive":
      case "output":
        return;
    }
  }

  #fail(error: unknown): void {
    this.#state = "stopped";
    this.#closeLinks();
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  #closeLinks(): void {
    for (const link of this.#outgoing.values()) link.close();
    for (const link of this.#incoming.values()) link.close();
  }

  /** Stops in order: what is being committed is finished, nothing else is begun. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#closeLinks();
    await this.#starting;
    await this.#pumping;
    await this.#options.store.close();
  }
}
