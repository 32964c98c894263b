/**
 * Atomic broadcast (ABC): the frame that both modes of dissemination share.
 *
 * Source: the source, "Protocol for Atomic Broadcast" and Fig. 4; CRYPTO 2001, section 5; docs/protocols.md section 2.
 *
 * Properties:
 *   agreement, integrity  every honest party delivers the same payloads, each at most once, each valid;
 *   total order           in the same order;
 *   fairness              what the entries of n-c+1 honest parties hold in round r is delivered in r; when a
 *                         vector has a quorum's entries, of honest parties that meet every quorum;
 *   silence               with nothing to order, nothing is sent.
 *
 * Messages: round r is the child `r` (round.ts), its checkpoint the child `checkpoint/r`; besides, those of the mode: `inline` (inline.ts) has
 * none of its own, `certified` (certified/certified.ts) those of lanes. A party takes part in round r when it has something to order. A valid
 * entry of another party in round r brings it that, so that it wakes whoever sees it.
 *
 * Delivery: a decided round is delivered when its payloads are here: at once in `inline`. In `certified` a batch may have to be fetched; then
 * agreement goes on, by MAX_UNDELIVERED rounds at most, and not over a round that has a checkpoint, so that the boundary stands between
 * two rounds.
 *
 * Catching up: everybody keeps the messages of the current and of the last decided round in its reliable links and, for
 * each decided round, the transferable proof. A party that sees a peer in a later round asks it for the proofs from its
 * own round on; each proof decides a round at once. Messages for rounds beyond the next one are dropped, which
 * is remembered; when the party gets there it asks the peer to repeat what it has said. Where values are delivered on
 * request, the round decided last goes on answering requests until the next one is decided; it judges nothing any more.
 *
 * Boundaries: after the rounds that have a checkpoint the host is given this channel's state (boundary.ts). Started from it (`restore`),
 * and given the same inputs from then on, the channel says what it said. Only a decided round that still serves its value is not in it: the
 * host drops inputs before a boundary once the next round is decided, so that this one is served, and its proof has the value.
 *
 * Learners: in rounds below `speakFrom` a party follows what is decided and is silent. A value on request it gets with the round's proof,
 * since it asks for nothing else.
 *
 * Time: an entry has a clock reading, a round the time that they make (round-time.ts).
 *
 * Deviations: `c` counts entries exactly, for a canonical vector. In a structure that is no threshold, where a number says
 * little of a set, a vector has the entries of any quorum instead: whoever gathers waits for no more.
 *
 * Limits: those of the mode; messages of the next round are kept up to maxEarlyBytes per peer, and one share towards a checkpoint. What
 * is kept of delivered payloads is the admission's affair.
 */
import { toHex } from "../../core/bytes.js";
import type { Channel } from "../../core/engine.js";
import type { Envelope } from "../../core/envelope.js";
import type { PartyId } from "../../core/party-set.js";
import { type BatchName, type Child, type RootInstance, InvariantError, type Scope } from "../../core/protocol.js";
import type { Admission } from "./admission.js";
import { type Boundary, encodeBoundary } from "./boundary.js";
import { Certified } from "./certified/certified.js";
import { Checkpoints } from "./checkpoints.js";
import { type ClockOffset, ClockWatch } from "./clock-watch.js";
import type { Dissemination, Frame } from "./dissemination.js";
import type { EntryBase } from "./entries.js";
import { Inline } from "./inline.js";
import { noMessage } from "./messages.js";
import {
  type AtomicBroadcastOptions,
  admissionOf,
  optionsProblem,
  refuse,
  startOf,
  vectorSizeProblem,
} from "./options.js";
import { Peers } from "./peers.js";
import type { Waiting } from "./queue.js";
import { type RoundInput, type RoundOutput, round } from "./round.js";
import { type Reading, roundTime, roundsHaveTime } from "./round-time.js";
import { type LocalSettings, decodeSettings } from "./settings.js";

export interface DeliveredRound {
  readonly round: number;
  /** In the order of delivery; none twice, none of an earlier round. In `certified` there may be none: all were. */
  readonly payloads: readonly Uint8Array[];
  /** Candidates that agreement tried. */
  readonly tries: number;
  /** The round's time (round-time.ts), never before an earlier round's; undefined when rounds have none. */
  readonly timeMs: number | undefined;
  /** In `certified`: how far lanes are ordered, the same everywhere. Who begins after this round needs it (`boundaryAt`). */
  readonly cut?: Uint8Array | undefined;
}

/** Rounds that a peer serves on one request. */
export const PROOFS_PER_REQUEST = 16;

export type NoMessage = { readonly impossible: number };

export type AtomicBroadcastProtocol = Channel<NoMessage, DeliveredRound, AtomicBroadcastState>;

/** Decided rounds whose payloads are not all here. */
const MAX_UNDELIVERED = 8;

/**
 * @throws AtomicBroadcastOptionsError on options that contradict each other or the bounds of the wire; on start, when
 * they do not fit the group.
 */
export function atomicBroadcast(options: AtomicBroadcastOptions): AtomicBroadcastProtocol {
  refuse(optionsProblem(options));
  return {
    message: noMessage,
    start: (scope) => {
      refuse(vectorSizeProblem(options.vectorSize, scope.group));
      const begin = { scope, options, start: startOf(options) };
      return options.dissemination === "certified"
        ? new AtomicBroadcast(begin, (frame, admission) => new Certified({ ...begin, frame, admission }))
        : new AtomicBroadcast(begin, (frame, admission) => new Inline({ ...begin, frame, admission }));
    },
  };
}

/** For the host: what to tell clients and operators. */
export interface AtomicBroadcastState {
  /** The round that is being agreed on. */
  readonly round: number;
  /** The earliest round in which messages are still answered: the one before it, too, while that serves its value. */
  readonly servedFrom: number;
  /** The last delivered round; 0 before the first. In `inline` the one before `round`. */
  readonly delivered: number;
  /** Room for clients' payloads; zero means that a submission would be dropped. */
  readonly room: number;
  readonly queueLength: number;
  /** Whether a round could order something now. */
  readonly hasWork: boolean;
  /** Whether this party has a proposal for this round that waits for its host's word. */
  readonly holdsBack: boolean;
  /** Whether this party says nothing in this round. */
  readonly isMuted: boolean;
  /** A round that an honest party is known to have come to; 0 while none is known beyond this party's. */
  seenRound(): number;
  /** How far each party's clock is from the group's (clock-watch.ts), by the rounds decided since the start. */
  clocks(): readonly ClockOffset[];
  /** What waits to be ordered, oldest first. */
  waiting(): readonly Waiting[];
  /** In `certified`, of each lane: the greatest height that this party has signed. For `boundaryAt`. */
  acknowledged(): readonly number[];
}

/** What a channel is made of. */
export interface Beginning {
  readonly scope: Scope<NoMessage, DeliveredRound>;
  readonly options: AtomicBroadcastOptions;
  readonly start: Boundary;
}

type Undelivered = Pick<DeliveredRound, "round" | "tries" | "timeMs" | "cut">;

class AtomicBroadcast<Content extends EntryBase, Vector> implements RootInstance<NoMessage, AtomicBroadcastState> {
  readonly #scope: Scope<NoMessage, DeliveredRound>;
  readonly #options: AtomicBroadcastOptions;
  readonly #admission: Admission;
  readonly #mode: Dissemination<Content, Vector>;
  readonly #peers: Peers;
  readonly #checkpoints: Checkpoints<NoMessage, DeliveredRound>;
  readonly #hasTime: boolean;
  #settings: LocalSettings;
  /** Rounds count from 1. */
  #round: number;
  /** The last decided round's. */
  #timeMs: number | undefined;
  readonly #clocks = new ClockWatch();
  /** What the host's clock showed last. */
  #clockMs: number;
  #current: Child<RoundInput<Content>>;
  #isMuted: boolean;
  /** The own entry of the present round is signed. */
  #hasEntered = false;
  /** The own proposal of the present round waits for the host's word, which has come for `#proposeIn`. */
  #holdsBack = false;
  #proposeIn = 0;
  /** The present round is decided; the next one waits for deliveries. */
  #isDecided = false;
  /** In their order. */
  readonly #undelivered: Undelivered[] = [];
  /** The round decided last, while it serves peers that fetch its value (`delivery: "on-request"`). */
  #previous: Child<RoundInput<Content>> | undefined;

  constructor(
    { scope, options, start }: Beginning,
    mode: (frame: Frame, admission: Admission) => Dissemination<Content, Vector>,
  ) {
    this.#scope = scope;
    this.#options = options;
    this.#admission = admissionOf(options, start, (bytes) => scope.suite.hash(bytes));
    this.#settings = start.settings;
    this.#round = start.round + 1;
    this.#timeMs = start.timeMs;
    this.#clockMs = start.clockMs;
    this.#isMuted = this.#round < this.#settings.speakFrom;
    this.#mode = mode(this.#frame(), this.#admission);
    refuse(this.#mode.settingsProblem(options));
    this.#peers = new Peers(start.peers);
    const { checkpoint: last, shares: kept } = start;
    this.#checkpoints = new Checkpoints(scope, options.checkpointInterval ?? 0, { last, kept });
    this.#hasTime = roundsHaveTime(options.vectorSize, scope.group);
    this.#current = this.#spawnRound();
    this.#enter();
  }

  #frame(): Frame {
    return { round: () => this.#round, isMuted: () => this.#isMuted, settings: () => this.#settings };
  }

  /**
   * New settings of this party's host (settings.ts). When they change whether it speaks in the present round, that round begins
   * again, and peers are asked to repeat what they have said in it. @throws InvariantError when they do not work
   */
  configure(bytes: Uint8Array): void {
    const settings = decodeSettings(bytes);
    const problem = this.#mode.settingsProblem(settings);
    if (problem !== undefined) throw new InvariantError(problem);
    this.#settings = settings;
    if (this.#isDecided || this.#isMuted === this.#round < settings.speakFrom) return;
    this.#current.close();
    this.#startRound();
    for (const party of this.#scope.group.parties) if (party !== this.#scope.self) this.#scope.askRepeat(party);
    this.#mode.begin();
    this.#goOn();
  }

  clock(nowMs: number): void {
    this.#clockMs = nowMs;
  }

  /** @throws InvariantError for a round that is not delivered, or has no checkpoint */
  checkpoint(round: number, digest: Uint8Array): void {
    if (round > this.#delivered) throw new InvariantError(`round ${round} of ${this.#scope.tag} is not delivered`);
    // The next round's messages show what the state is: who may say these may say the digest.
    this.#checkpoints.begin(round, digest, round + 1 < this.#settings.speakFrom);
  }

  get #delivered(): number {
    return (this.#undelivered[0]?.round ?? (this.#isDecided ? this.#round + 1 : this.#round)) - 1;
  }

  /** A client's payload; dropped silently when invalid, known or beyond the queue's bound. */
  input(payload: Uint8Array): void {
    this.#mode.submit(payload);
    this.#goOn();
  }

  receive(from: PartyId): void {
    this.#scope.accuse(from, "malformed-message");
  }

  proceed(round: number): void {
    this.#mode.proceed?.(round);
    this.#goOn();
  }

  propose(round: number): void {
    if (round !== this.#round) return;
    // Also where the round begins anew.
    this.#proposeIn = round;
    if (!this.#holdsBack) return;
    this.#holdsBack = false;
    this.#current.input({ kind: "propose" });
    this.#goOn();
  }

  batch(from: PartyId, name: BatchName, bytes: Uint8Array): void {
    if (this.#mode.batch === undefined) return this.#scope.accuse(from, "malformed-message");
    this.#mode.batch(from, name, bytes);
    this.#goOn();
  }

  #startRound(): void {
    this.#isMuted = this.#round < this.#settings.speakFrom;
    this.#hasEntered = false;
    this.#holdsBack = false;
    this.#isDecided = false;
    this.#current = this.#spawnRound();
  }

  #spawnRound(): Child<RoundInput<Content>> {
    const number = this.#round;
    const isMuted = this.#isMuted;
    const { vectorSize, order, delivery, parallel } = this.#options;
    const agreement = { order, delivery, parallel };
    const holdsBack = this.#options.isPaced === true && number !== this.#proposeIn && !isMuted;
    const protocol = round({ round: number, vectorSize, agreement, isMuted, holdsBack, entries: this.#mode.entries });
    return this.#scope.spawn(String(number), protocol, (output) => this.#onRound(number, output), { isMuted });
  }

  /** What peers have sent for the round that begins now, and the own entry. */
  #enter(): void {
    this.#mode.begin();
    for (const party of this.#peers.parties) this.#resume(party);
    this.#goOn();
  }

  /** Whatever has become possible: delivering, the next round, taking part in it. */
  #goOn(): void {
    this.#deliver();
    if (this.#isDecided && this.#mayBeginNext) return this.#nextRound();
    do this.#takePart();
    while (this.#mode.settle());
  }

  #takePart(): void {
    if (this.#isDecided || this.#isMuted || this.#hasEntered) return;
    const content = this.#mode.entry(this.#clockMs);
    if (content === undefined) return;
    this.#hasEntered = true;
    this.#current.input({ kind: "entry", content });
  }

  #onRound(number: number, output: RoundOutput<Content, Vector>): void {
    // What the mode were to learn of a decided round a party that starts from the boundary would not learn.
    if (number !== this.#round || this.#isDecided) return;
    if (output.kind === "held-back") {
      this.#holdsBack = true;
      return;
    }
    if (output.kind === "decided") this.#onDecided(output.vector, output.proof, output.tries);
    else this.#mode.learn(output.from, output.content);
    this.#goOn();
  }

  /** Boxes 460 to 480. */
  #onDecided(vector: Vector, proof: Envelope, tries: number): void {
    this.#isDecided = true;
    this.#holdsBack = false;
    // From here on the log differs from the one that the round's predicates speak of; late messages are ignored. On request it serves on.
    if (this.#options.delivery !== "on-request") this.#current.close();
    this.#mode.decided(vector);
    if (this.#hasTime) this.#date(this.#mode.entries.entriesOf(vector));
    this.#scope.archive(this.#round, proof);
    this.#undelivered.push({ round: this.#round, tries, timeMs: this.#timeMs, cut: this.#mode.cut });
  }

  #date(readings: readonly Reading[]): void {
    const ownMs = roundTime(readings, this.#scope.group);
    this.#clocks.decided(readings, ownMs);
    this.#timeMs = Math.max(this.#timeMs ?? 0, ownMs);
  }

  /** In order, as far as the payloads are here. */
  #deliver(): void {
    for (let next = this.#undelivered[0]; next !== undefined; next = this.#undelivered[0]) {
      const decided = this.#mode.take();
      if (decided === undefined) return;
      const payloads = decided.filter((payload) => this.#admits(payload));
      if (payloads.length === 0 && this.#mode.alwaysDelivers)
        throw new InvariantError(`round ${next.round} decided nothing new`);
      this.#mode.delivered();
      this.#undelivered.shift();
      this.#scope.output({ ...next, payloads });
      if (this.#checkpoints.isDue(next.round)) this.#scope.boundary(next.round, this.#boundary());
    }
  }

  /** Whether a payload that was decided is delivered: now, if it is. */
  #admits(payload: Uint8Array): boolean {
    const id = this.#identityOf(payload);
    if (!this.#admission.isOpen(id)) return false;
    this.#admission.deliver(id, payload);
    return true;
  }

  #identityOf(payload: Uint8Array): string {
    const id = this.#admission.identify(payload);
    if (id !== undefined) return id;
    // An honest witness has checked it. Who gives `isValid` only may judge once more what is delivered.
    if (this.#options.admission === undefined) return toHex(this.#scope.suite.hash(payload));
    throw new InvariantError(`round ${this.#round} decided what may not be ordered`);
  }

  get #mayBeginNext(): boolean {
    const isWhole = this.#undelivered.length === 0;
    return isWhole || (!this.#checkpoints.isDue(this.#round) && this.#undelivered.length < MAX_UNDELIVERED);
  }

  #boundary(): Uint8Array {
    return encodeBoundary({
      round: this.#round,
      timeMs: this.#timeMs,
      settings: this.#settings,
      clockMs: this.#clockMs,
      admission: this.#admission.snapshot(),
      waiting: this.#mode.waiting,
      peers: this.#peers.states,
      checkpoint: this.#checkpoints.last,
      shares: this.#checkpoints.kept,
      lanes: this.#mode.snapshot(),
    });
  }

  #nextRound(): void {
    this.#previous?.close();
    if (this.#options.delivery === "on-request") this.#previous = this.#current;
    // What was said in the round just decided stays in the links until the next one is decided, so that a peer one
    // round behind finds the decision there; older rounds are replaced by their proofs.
    if (this.#round > 1) this.#scope.retire(String(this.#round - 1));
    this.#round += 1;
    this.#startRound();
    this.#enter();
  }

  /** What a peer has sent for the round that begins now, or what must be asked of it. */
  #resume(party: PartyId): void {
    for (const { path, body } of this.#peers.takeEarly(party)) this.#scope.redeliver(party, path, body);
    if (this.#peers.takeDropped(party, this.#round)) this.#scope.askRepeat(party);
    this.#askIfBehind(party);
  }

  /** A message of a round, of a checkpoint, or of the mode, that no live instance takes. */
  orphan(from: PartyId, path: string, body: Uint8Array): void {
    if (this.#checkpoints.orphan(from, path, body)) return;
    if (this.#mode.orphan(from, path, body)) return this.#goOn();
    const slash = path.indexOf("/");
    const segment = slash < 0 ? path : path.slice(0, slash);
    const number = /^[0-9]+$/.test(segment) ? Number(segment) : Number.NaN;
    if (!Number.isSafeInteger(number)) return this.#scope.accuse(from, "unknown-instance");
    if (from === this.#scope.self || number < this.#round || (number === this.#round && this.#isDecided)) return;
    const isNext = number === this.#round + 1;
    this.#peers.add(from, number, { path, body }, { isNext, maxBytes: this.#settings.maxEarlyBytes });
    this.#askIfBehind(from);
  }

  /**
   * A peer in a later round has decided this one. On an orderly link its decision came before its later messages, unless
   * it was retired before it left; its proofs take us on in any case.
   */
  #askIfBehind(party: PartyId): void {
    const highest = this.#peers.highest(party);
    if (!this.#isDecided && highest > this.#round) this.#scope.askProofs(party, this.#round, highest);
  }

  inspect(): AtomicBroadcastState {
    const { room, queueLength, hasWork } = this.#mode;
    return {
      round: this.#round,
      servedFrom: this.#previous === undefined ? this.#round : this.#round - 1,
      delivered: this.#delivered,
      room,
      queueLength,
      hasWork,
      holdsBack: this.#holdsBack,
      isMuted: this.#isMuted,
      clocks: () => this.#clocks.offsets,
      seenRound: () => this.#peers.seenRound((parties) => this.#scope.group.hasHonest(parties)),
      waiting: () => this.#mode.waiting,
      acknowledged: () => this.#mode.acknowledged,
    };
  }
}
