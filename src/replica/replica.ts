/**
 * A replica: inputs → durable log → engine and machine → effects (docs/protocols.md section 4).
 *
 * The law: append the input, make it durable, let its effects out. Inputs that arrive while a commit is under way are
 * committed together by the next one. A batch is executed before its commit, and its effects are held until the log has
 * it on disk. A restart begins at the base checkpoint and replays the log through a new engine, which says the same again.
 */
import type { Evidence } from "../core/evidence.js";
import type { Fault } from "../core/fault.js";
import type { PartyId } from "../core/party-set.js";
import type { BatchName } from "../core/protocol.js";
import { Accusations, type LinkFault } from "./accusations.js";
import { EvidenceStore } from "./evidence-store.js";
import { type CatchUp, catchUpOf } from "./catch-up.js";
import { ClockReport, clockStates } from "./clock-report.js";
import { CheckpointArchive } from "./checkpoint-archive.js";
import { CheckpointKeeper } from "./checkpoint-keeper.js";
import { summaryDigest } from "./checkpoint-summary.js";
import { Execution, newConsequences, type ReplicaEffect } from "./execution.js";
import { Feed } from "./feed.js";
import { Foundation } from "./foundation.js";
import { Pace } from "./pace.js";
import { Patience } from "./patience.js";
import { type Pending, TURN, ownPending, peerPending } from "./pending.js";
import { InputQueue } from "./input-queue.js";
import { Intake } from "./intake.js";
import type { Connection, ConnectionHandlers } from "./links.js";
import type { Machine, MachineTip } from "./machine/index.js";
import { Mesh } from "./mesh.js";
import { Outlet } from "./outlet.js";
import { Pleas } from "./pleas.js";
import type { ReplicaOptions, ReplicaState } from "./replica-types.js";
import { forgetBefore, lanesUpTo, replay, restoreMachine, unwrittenRows } from "./replay.js";
import { Speech } from "./speech.js";
import type { CheckpointRecord } from "./storage.js";
import type { Taker } from "./taker.js";
import { type CompleteState, Transfer } from "./transfer.js";

export type { ReplicaOptions, ReplicaState };

export class Replica {
  readonly #options: ReplicaOptions;
  readonly #mesh: Mesh;
  readonly #speech: Speech;
  readonly #foundation: Foundation;
  readonly #keeper: CheckpointKeeper;
  readonly #archive: CheckpointArchive;
  readonly #transfer: Transfer;
  readonly #evidence: EvidenceStore;
  readonly #outlet: Outlet;
  readonly #accusations = new Accusations();
  readonly #clocks: ClockReport;
  readonly #intake: Intake;
  readonly #pending = new InputQueue<Pending>();
  readonly #feed: Feed;
  #execution: Execution;
  #starting: Promise<void> | undefined;
  #pumping: Promise<void> | undefined;
  #phase: "starting" | "active" | "stopped" = "starting";
  /** How far it has got, and the round that it agrees on, as far as that is durable: others hear of nothing else. */
  #durable: MachineTip;
  #agreedRound = 1;
  /** A certified state that was fetched, to go on from. */
  #fetched: CompleteState | undefined;
  readonly #pleas: Pleas;

  constructor(options: ReplicaOptions) {
    this.#options = options;
    const { self, cluster, group, storage, channel, relayKeys } = options;
    this.#archive = new CheckpointArchive({ ...options, oldestProof: () => storage.oldestProof(channel) });
    this.#evidence = new EvidenceStore(storage);
    this.#clocks = new ClockReport(self, (message) => options.onLog(message));
    this.#mesh = new Mesh({
      self,
      cluster,
      parties: group.parties,
      relayKeys,
      channel,
      round: () => this.#durable.round + 1,
      agreedRound: () => this.#agreedRound,
      archive: this.#archive,
      onInput: (from, input) => this.#enqueue(peerPending(from, input)),
      onFault: (party, fault) => this.#accuse(party, fault, "link"),
      onRestart: (peer) => {
        this.#outlet.restarted(peer);
        this.#transfer.restarted(peer);
      },
      onDamage: (error) => this.#fail(error),
      onLog: (message) => options.onLog(message),
    });
    const { courier } = this.#mesh;
    const peers = [...this.#mesh.peers];
    this.#outlet = new Outlet({
      self,
      peers,
      courier,
      onAccused: (party, fault, tag) => this.#accuse(party, fault, tag),
      onEvidence: (evidence) => this.#keepEvidence(evidence),
    });
    this.#speech = new Speech(options);
    this.#foundation = new Foundation(options, this.#speech);
    this.#transfer = this.#newTransfer();
    this.#pleas = new Pleas({
      own: () => this.#speech.plea(this.machine),
      say: (plea) => {
        for (const peer of peers) courier.askRejoin(peer, plea);
      },
      round: () => this.#durable.round,
      isValid: (plea) => this.machine.isValid(plea),
      submit: (payload) => this.submit(payload) === "taken",
    });
    this.#intake = new Intake({
      channel,
      peerQuotaBytes: options.peerQuotaBytes,
      mesh: this.#mesh,
      outlet: this.#outlet,
      transfer: this.#transfer,
      pleas: this.#pleas,
      servedFrom: () => this.#execution.state.servedFrom,
      onFault: (party, fault, tag) => this.#accuse(party, fault, tag),
    });
    this.#feed = new Feed({
      ...options,
      pace: options.pace && new Pace({ ...options.pace, onTurn: () => this.#enqueue(TURN) }),
      patience: options.pace && new Patience({ ...options.pace, n: group.n, onTurn: () => this.#enqueue(TURN) }),
      speech: this.#speech,
      intake: this.#intake,
      execution: () => this.#execution,
    });
    this.#keeper = new CheckpointKeeper({
      storage,
      channel,
      keepChunks: () => this.#transfer.keepChunks,
      onChanged: () => this.#archive.refresh(),
      forgetsLedger: options.forgetsLedger,
      decidedRound: () => this.#durable.round,
      settled: () => this.#evidence.settled(),
      onError: (error) => this.#fail(error),
    });
    const machine = options.newMachine();
    this.#execution = this.#newExecution(machine, undefined);
    this.#durable = machine.tip;
  }

  #newTransfer(): Transfer {
    const { channel, storage } = this.#options;
    const { courier } = this.#mesh;
    return new Transfer({
      storage,
      hash: (bytes) => this.#options.hash(bytes),
      peers: this.#mesh.peers,
      round: () => this.#durable.round,
      verify: (round, digest, certificate) => this.#foundation.isCertified(round, digest, certificate),
      ask: (peer, round, index) => courier.askChunk(peer, { channel, round, index }),
      withdraw: (peer, round, index) => courier.withdrawChunk(peer, { channel, round, index }),
      askOffer: (peer) => courier.askProofs(peer, channel, this.#durable.round + 1),
      onComplete: (state) => {
        this.#fetched = state;
        this.#go();
      },
      onFault: (peer, fault) => this.#accuse(peer, fault, channel),
      onFatal: (error) => this.#fail(error),
    });
  }

  #newExecution(machine: Machine, base: Pick<CheckpointRecord, "round" | "summary" | "local"> | undefined): Execution {
    const { storage, hash, channel } = this.#options;
    const restore = base && { ...base, digest: summaryDigest(base.summary, hash) };
    const signed = { get: (slot: string) => storage.signed(slot) };
    const kept = (name: BatchName): Uint8Array | undefined => storage.batch(channel, name);
    return new Execution({ ...this.#options, machine, restore, signed, kept, laneBefore: this.#speech.laneBefore });
  }

  /**
   * Restores the base checkpoint and replays the log. Until then the replica takes no connection and says nothing.
   * @throws Error when the log does not lead where the tables say it led
   */
  async start(): Promise<void> {
    const replayed = this.#replay();
    // For `stop`; whoever called `start` hears of the error.
    this.#starting = replayed.catch(() => undefined);
    await replayed;
  }

  async #replay(): Promise<void> {
    const { storage, onLog, nowMs } = this.#options;
    const machine = this.#options.newMachine();
    const base = await this.#foundation.restore(machine);
    // It may have died before it had forgotten what does not reach up to a fetched base.
    if (base !== undefined && storage.ledgerEntry(machine.tip.sequence) === undefined)
      await forgetBefore(storage, this.#options.channel, machine, this.#transfer.keepChunks);
    this.#execution = this.#newExecution(machine, base);
    // The last request of each kind to each peer: nobody knows whether it was heard.
    const asked = new Map<string, ReplicaEffect>();
    const first = newConsequences();
    let count = 0;
    for await (const consequences of replay(storage, this.#execution, this.#speech.from(machine))) {
      if (this.#phase !== "starting") return;
      this.#noteDurable();
      // Where the log has no input after a fetched base, the first one brings what that had this replica sign.
      if (storage.lastInput === base?.input)
        first.rows.signed.push(...unwrittenRows(storage, consequences.rows).signed);
      count += 1;
      for (const effect of consequences.effects) {
        if (effect.kind === "askProofs" || effect.kind === "askRepeat")
          asked.set(`${effect.kind} ${effect.of}`, effect);
        else this.#outlet.release(effect);
      }
      for (const boundary of consequences.boundaries) this.#keeper.reached(boundary);
      for (const stable of consequences.stable) this.#keeper.certified(stable);
    }
    const { round, sequence } = this.#durable;
    if (base !== undefined) onLog(`restored the checkpoint of round ${base.round}`);
    onLog(`replayed ${count} inputs: round ${round}, ${sequence} payloads`);
    for (const effect of asked.values()) this.#outlet.release(effect);
    // What came with inputs that were dropped was acknowledged.
    if (storage.replayAfter > (base?.input ?? 0))
      for (const of of this.#mesh.peers) this.#outlet.release({ kind: "askRepeat", of });
    this.#mesh.courier.begin((await this.#speech.born(nowMs())) + storage.lastInput + 1);
    await this.#settle(this.#feed.begin(first));
    if (this.#phase !== "starting") return;
    this.#phase = "active";
    this.#keeper.begin();
  }

  /** Connections between replicas; undefined when the replica cannot take them. */
  dialled(party: PartyId, connection: Connection): ConnectionHandlers | undefined {
    return this.#phase === "active" ? this.#mesh.dialled(party, connection) : undefined;
  }

  accepted(party: PartyId, connection: Connection): ConnectionHandlers | undefined {
    return this.#phase === "active" ? this.#mesh.accepted(party, connection) : undefined;
  }

  /** A client's payload that the machine's admission identifies. */
  submit(payload: Uint8Array): "taken" | "busy" | "not-ready" {
    if (this.#phase !== "active" || this.#isSilent) return "not-ready";
    if (this.#execution.state.room <= this.#pending.clientWeight) return "busy";
    this.#submit(payload);
    return "taken";
  }

  #submit(payload: Uint8Array): void {
    const input = { kind: "submit", channel: this.#options.channel, payload } as const;
    this.#enqueue(ownPending(input, payload.length));
  }

  /** Some time has passed: peers are told how far they were heard, and what they do not acknowledge is said on other ways. */
  tick(): void {
    if (this.#phase !== "active") return;
    if (this.#feed.hasIdle) this.#enqueue(TURN);
    try {
      this.#pleas.tick();
      this.#transfer.tick();
      this.#outlet.tick();
      this.#mesh.tick();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether the round under way is one in which this replica must not speak. */
  get #isSilent(): boolean {
    return this.#feed.speakFrom > this.#execution.state.round;
  }

  /** What was delivered, and what it made of the services. */
  get machine(): Machine {
    return this.#execution.machine;
  }

  /** Payloads of which the execution is durable. The machine may be ahead, and a crash undo that. */
  get durableSequence(): number {
    return this.#durable.sequence;
  }

  /** Bytes that are kept for `party` because it may still need them. */
  heldBytes(party: PartyId): number {
    return this.#mesh.courier.heldBytes(party);
  }

  isConnected(party: PartyId): boolean {
    return this.#mesh.isConnected(party);
  }

  /** Payloads without a number: those that this replica knows of. */
  get queueLength(): number {
    return this.#phase === "starting" ? 0 : this.#execution.state.queueLength + this.#pending.clientCount;
  }

  get state(): ReplicaState {
    const engine = this.#phase === "starting" ? undefined : this.#execution.state;
    const catchUp = engine && catchUpOf(this.#durable.round, engine.seenRound(), this.#transfer.progress);
    const { round, sequence, logDigest, timeMs } = this.#durable;
    return {
      party: this.#options.self,
      state: this.#phase === "active" ? this.#condition(catchUp) : this.#phase,
      round,
      sequence,
      logDigest,
      timeMs,
      catchUp,
      checkpointRound: this.#keeper.certifiedRound,
      ...this.#mesh.traffic,
      clocks: engine === undefined ? [] : clockStates(engine.clocks(), this.#options.clockAccuracyMs),
      accusations: this.#accusations.list(),
    };
  }

  #condition(catchUp: CatchUp | undefined): ReplicaState["state"] {
    if (this.#isSilent) return "learner";
    return catchUp === undefined ? "active" : "catching-up";
  }

  #accuse(party: PartyId, fault: Fault | LinkFault, tag: string): void {
    this.#accusations.add(party, fault, tag);
  }

  #enqueue(pending: Pending): void {
    this.#pending.push(pending);
    this.#go();
  }

  #go(): void {
    this.#pumping ??= this.#pump().catch((error: unknown) => this.#fail(error));
  }

  async #pump(): Promise<void> {
    // Whatever else this turn of the event loop brings goes into the same commit.
    await Promise.resolve();
    while (this.#phase === "active") {
      const checkpoint = this.#fetched;
      this.#fetched = undefined;
      if (checkpoint !== undefined) await this.#install(checkpoint);
      else if (this.#pending.isEmpty) break;
      else await this.#process(this.#pending.take());
      // A commit may be over at once. A peer can say a lot: others have their turn in between.
      if (!this.#pending.isEmpty) await othersTurn();
    }
    this.#pumping = undefined;
  }

  async #process(batch: readonly Pending[]): Promise<void> {
    const taker = this.#feed.take(batch);
    if (taker !== undefined) await this.#settle(taker);
    else {
      // Nobody waits for it: the next commit has it, that of the next tick at the latest.
      this.#mesh.flush();
      await othersTurn();
    }
    for (const { from, sizeBytes } of batch) if (from !== undefined) this.#mesh.handled(from, sizeBytes);
  }

  /** Makes it durable; then others hear of it. */
  async #settle({ inputs, consequences: { rows, effects, applied, ...seen } }: Taker): Promise<void> {
    if (inputs.length > 0) await this.#options.storage.commit({ inputs, ...rows });
    // A peer can say a lot that is not for the log. Others have their turn meanwhile, as they have during a commit.
    else await othersTurn();
    if (this.#durable.round < this.machine.tip.round) {
      this.#intake.renew();
      this.#clocks.look(clockStates(this.#execution.state.clocks(), this.#options.clockAccuracyMs));
    }
    this.#noteDurable();
    this.#mesh.courier.settle();
    for (const effect of effects) this.#outlet.release(effect);
    for (const boundary of seen.boundaries) this.#keeper.reached(boundary);
    for (const stable of seen.stable) this.#keeper.certified(stable);
    this.#keeper.advanced();
    if (applied.length > 0) this.#options.onApplied(applied);
    this.#mesh.flush();
  }

  #noteDurable(): void {
    this.#durable = this.machine.tip;
    this.#agreedRound = this.#execution.state.round;
  }

  #keepEvidence(evidence: Evidence): void {
    this.#evidence.add(evidence).catch((error: unknown) => this.#fail(error));
  }

  /** Goes on from a certified state that was fetched, all of whose chunks are in the store. */
  async #install({ round, summary, certificate, chunkHashes }: CompleteState): Promise<void> {
    if (round <= this.#durable.round) return;
    const { storage, channel, newMachine, nowMs } = this.#options;
    await this.#keeper.idle();
    const machine = newMachine();
    restoreMachine(machine, storage, { summary, chunkHashes });
    const { state } = this.#execution;
    const own = { waiting: state.waiting(), clockMs: nowMs(), acknowledged: state.acknowledged() };
    const local = this.#foundation.boundaryOf(machine, own);
    await storage.putCheckpoint({ round, summary, certificate, chunkHashes, input: storage.lastInput, local });
    await this.#evidence.settled();
    await storage.rebase(round, lanesUpTo(channel, machine.cut));
    await forgetBefore(storage, channel, machine, new Uint8Array());
    this.#keeper.installed(round);
    // Nobody needs any more what was said in rounds that the group has certified.
    this.#mesh.courier.retire(channel);
    this.#execution = this.#newExecution(machine, { round, summary, local });
    const consequences = newConsequences();
    this.#execution.start(consequences, storage.lastInput);
    // What was idle others say again, or it is in `own`.
    await this.#settle(this.#feed.begin(consequences));
    this.#outlet.renew();
    for (const peer of this.#mesh.peers) this.#mesh.courier.askRepeat(peer);
    this.#options.onLog(`installed the checkpoint of round ${round}`);
    this.#options.onInstalled();
  }

  #fail(error: unknown): void {
    if (this.#phase === "stopped") return;
    this.#phase = "stopped";
    this.#mesh.close();
    this.#options.onFatal(error instanceof Error ? error : new Error(String(error)));
  }

  /** Stops in order: what is being committed is finished, nothing else is begun. */
  async stop(): Promise<void> {
    this.#phase = "stopped";
    this.#mesh.close();
    await this.#starting;
    await this.#pumping;
    await this.#keeper.close();
    await this.#transfer.settled();
    await this.#options.storage.close();
  }
}

/** Other events of the loop have their turn. */
function othersTurn(): Promise<void> {
  return new Promise((resume) => setImmediate(resume));
}
