/**
 * Atomic broadcast (ABC), dissemination mode `inline`.
 *
 * Source: the source, "Protocol for Atomic Broadcast" and Fig. 4; CRYPTO 2001, section 5; docs/protocols.md section 2.
 *
 * Properties:
 *   agreement, integrity  every honest party delivers the same payloads, each at most once, each valid;
 *   total order           in the same order;
 *   fairness              a payload in the signed portions of n-c+1 honest parties in round r is delivered in r; when a
 *                         vector has a quorum's entries, of honest parties that meet every quorum;
 *   silence               with nothing to order, nothing is sent.
 *
 * Messages: none of its own; round r is the child `r` (round.ts). A party takes part in round r when its queue is not
 * empty. A valid entry of another party in round r is inserted into the own queue first, so that it wakes whoever sees
 * it and the own entry is never empty.
 *
 * Catching up: everybody keeps the messages of the current and of the last decided round in its reliable links and, for
 * each decided round, the transferable proof. A party that sees a peer in a later round asks it for the proofs from its
 * own round on; each proof decides a round at once. Messages for rounds beyond the next one are dropped, which
 * is remembered; when the party gets there it asks the peer to repeat what it has said. Where values are delivered on
 * request, the round decided last goes on answering requests until the next one is decided; it judges nothing any more.
 *
 * Deviations: `c` counts entries exactly, for a canonical vector. In a structure that is no threshold, where a number says
 * little of a set, a vector has the entries of any quorum instead: whoever gathers waits for no more. Order within a round:
 * parties from `r mod n` on around the circle, each entry in its own order.
 *
 * Limits: the queue and each peer's share of it are bounded (queue.ts); messages of the next round are kept up to
 * maxEarlyBytes per peer. The digests of delivered payloads are all kept: a bound on them needs checkpoints.
 */
import type { Channel } from "../../core/engine.js";
import type { Envelope } from "../../core/envelope.js";
import type { Group } from "../../core/group.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import { type Child, type RootInstance, InvariantError, type Scope } from "../../core/protocol.js";
import { type AgreementVariant, variantProblem } from "../multivalued-agreement/index.js";
import { type QueueVector, type VectorSize, greatestVector, noMessage } from "./messages.js";
import { PayloadQueue } from "./queue.js";
import { type RoundOutput, round } from "./round.js";
import { type LocalSettings, decodeSettings, settingsProblem } from "./settings.js";

/** What all parties must have the same, and the settings that this party starts with. */
export interface AtomicBroadcastOptions extends LocalSettings, AgreementVariant {
  /** c: queue entries that a decision contains, within t+1..n-t, where t counts crashes, too; or those of a quorum, in any structure. */
  readonly vectorSize: VectorSize;
  /** Which payloads may be ordered at all: a pure function, the same at every party. */
  isValid(payload: Uint8Array): boolean;
}

export interface DeliveredRound {
  readonly round: number;
  /** In the order of delivery; none twice, none of an earlier round. */
  readonly payloads: readonly Uint8Array[];
  /** Candidates that agreement tried. */
  readonly tries: number;
}

/** A configuration under which the protocol would not work. */
export class AtomicBroadcastOptionsError extends Error {
  override readonly name = "AtomicBroadcastOptionsError";
}

/** Rounds that a peer serves on one request. */
export const PROOFS_PER_REQUEST = 16;

export type NoMessage = { readonly impossible: number };

export type AtomicBroadcastProtocol = Channel<NoMessage, DeliveredRound, AtomicBroadcastState>;

/**
 * @throws AtomicBroadcastOptionsError on options that contradict each other or the bounds of the wire; on start, when
 * they do not fit the group.
 */
export function atomicBroadcast(options: AtomicBroadcastOptions): AtomicBroadcastProtocol {
  refuse(variantProblem(options));
  if (options.vectorSize !== "quorum") refuse(settingsProblem(options, options.vectorSize));
  return {
    message: noMessage,
    start: (scope) => {
      refuse(vectorSizeProblem(options.vectorSize, scope.group));
      if (options.vectorSize === "quorum") refuse(settingsProblem(options, scope.group.n));
      return new AtomicBroadcast(scope, options);
    },
  };
}

function refuse(problem: string | undefined): void {
  if (problem !== undefined) throw new AtomicBroadcastOptionsError(problem);
}

/**
 * With fewer entries, corrupted parties alone could make a vector; more might never come together. In a structure that is no
 * threshold a number tells neither: other parties than the first may be worth less.
 */
export function vectorSizeProblem(vectorSize: VectorSize, group: Group): string | undefined {
  if (vectorSize === "quorum") return undefined;
  if (!isThreshold(group)) return `c=${vectorSize} is for thresholds: use "quorum"`;
  const firstParties = (count: number): PartySet => PartySet.of(group.parties.slice(0, count));
  const isGreatEnough = Number.isInteger(vectorSize) && group.meetsEveryQuorum(firstParties(vectorSize));
  if (isGreatEnough && vectorSize <= group.n && !group.isQuorum(firstParties(vectorSize - 1))) return undefined;
  return `c=${vectorSize} is not within t+1..n-t for n=${group.n}`;
}

/** Whether a quorum is any so many parties. */
function isThreshold({ n, access: { quorum } }: Group): boolean {
  return typeof quorum !== "number" && quorum.of.length === n && quorum.of.every((input, party) => input === party);
}

/** What this party knows of a peer's progress, and what it owes itself for having dropped messages. */
interface PeerProgress {
  /** The greatest round of which the peer sent anything. */
  highest: number;
  /** The least round of which a message of the peer was dropped. */
  droppedFrom: number;
  early: { readonly path: string; readonly body: Uint8Array }[];
  earlyBytes: number;
}

/** For the host: what to tell clients and operators. */
export interface AtomicBroadcastState {
  /** The round that is being agreed on. */
  readonly round: number;
  /** The earliest round in which messages are still answered: the one before it, too, while that serves its value. */
  readonly servedFrom: number;
  /** Room for clients' payloads; zero means that a submission would be dropped. */
  readonly room: number;
  readonly queueLength: number;
}

class AtomicBroadcast implements RootInstance<NoMessage, AtomicBroadcastState> {
  readonly #scope: Scope<NoMessage, DeliveredRound>;
  readonly #options: AtomicBroadcastOptions;
  readonly #queue: PayloadQueue;
  readonly #peers = new Map<PartyId, PeerProgress>();
  #settings: LocalSettings;
  /** Rounds count from 1. */
  #round = 1;
  #current: Child<readonly Uint8Array[]>;
  /** The round decided last, while it serves peers that fetch its value (`delivery: "on-request"`). */
  #previous: Child<readonly Uint8Array[]> | undefined;

  constructor(scope: Scope<NoMessage, DeliveredRound>, options: AtomicBroadcastOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#settings = options;
    this.#queue = new PayloadQueue({
      self: scope.self,
      limits: () => this.#settings,
      hash: (bytes) => scope.suite.hash(bytes),
      isValid: (payload) => options.isValid(payload),
    });
    this.#current = this.#startRound();
  }

  /** New settings of this party's host (settings.ts). @throws InvariantError when they do not work */
  configure(bytes: Uint8Array): void {
    const settings = decodeSettings(bytes);
    const problem = settingsProblem(settings, greatestVector(this.#options.vectorSize, this.#scope.group.n));
    if (problem !== undefined) throw new InvariantError(problem);
    this.#settings = settings;
  }

  /** A client's payload; dropped silently when invalid, known or beyond the queue's bound. */
  input(payload: Uint8Array): void {
    this.#queue.append(payload, this.#scope.self);
    this.#takePart();
  }

  receive(from: PartyId): void {
    this.#scope.accuse(from, "malformed-message");
  }

  #startRound(): Child<readonly Uint8Array[]> {
    const number = this.#round;
    const { vectorSize, order, delivery, parallel } = this.#options;
    const agreement = { order, delivery, parallel };
    const deliverableId = (payload: Uint8Array): string | undefined => {
      const id = this.#queue.idOf(payload);
      return this.#queue.isDeliverable(id, payload) ? id : undefined;
    };
    const protocol = round({ round: number, vectorSize, agreement, deliverableId });
    return this.#scope.spawn(String(number), protocol, (output) => this.#onRound(number, output));
  }

  #takePart(): void {
    const portion = this.#queue.portion(this.#settings.maxEntryPayloads, this.#settings.maxEntryBytes);
    if (portion.length > 0) this.#current.input(portion);
  }

  #onRound(number: number, output: RoundOutput): void {
    if (output.kind === "decided") {
      if (number === this.#round) this.#deliver(output.vector, output.proof, output.tries);
      return;
    }
    for (const payload of output.payloads) this.#queue.append(payload, output.from);
    this.#takePart();
  }

  /** Boxes 460 to 480, then the next round. */
  #deliver(vector: QueueVector, proof: Envelope, tries: number): void {
    const { n } = this.#scope.group;
    const distance = (party: PartyId): number => (party - (this.#round % n) + n) % n;
    const entries = [...vector].sort((a, b) => distance(a.party) - distance(b.party));
    const payloads: Uint8Array[] = [];
    for (const payload of entries.flatMap((entry) => entry.payloads)) {
      const id = this.#queue.idOf(payload);
      if (this.#queue.isDelivered(id)) continue;
      this.#queue.markDelivered(id);
      payloads.push(payload);
    }
    if (payloads.length === 0) throw new InvariantError(`round ${this.#round} decided nothing new`);
    this.#scope.output({ round: this.#round, payloads, tries });
    this.#scope.archive(this.#round, proof);
    this.#nextRound();
  }

  #nextRound(): void {
    this.#previous?.close();
    // From here on the log differs from the one that the round's predicates speak of; late messages are ignored.
    if (this.#options.delivery === "on-request") this.#previous = this.#current;
    else this.#current.close();
    // What was said in the round just decided stays in the links until the next one is decided, so that a peer one
    // round behind finds the decision there; older rounds are replaced by their proofs.
    if (this.#round > 1) this.#scope.retire(String(this.#round - 1));
    this.#round += 1;
    this.#current = this.#startRound();
    for (const [party, peer] of this.#peers) this.#resume(party, peer);
    this.#takePart();
  }

  /** What a peer has sent for the round that begins now, or what must be asked of it. */
  #resume(party: PartyId, peer: PeerProgress): void {
    const { early } = peer;
    peer.early = [];
    peer.earlyBytes = 0;
    for (const { path, body } of early) this.#scope.redeliver(party, path, body);
    if (peer.droppedFrom <= this.#round) {
      peer.droppedFrom = Infinity;
      this.#scope.askRepeat(party);
    }
    this.#askIfBehind(party, peer);
  }

  /** A message of a round that is not live here. */
  orphan(from: PartyId, path: string, body: Uint8Array): void {
    const slash = path.indexOf("/");
    const segment = slash < 0 ? path : path.slice(0, slash);
    const number = /^[0-9]+$/.test(segment) ? Number(segment) : Number.NaN;
    if (!Number.isSafeInteger(number)) return this.#scope.accuse(from, "unknown-instance");
    if (from === this.#scope.self || number < this.#round) return;
    const peer = this.#peer(from);
    peer.highest = Math.max(peer.highest, number);
    const isEarly = number === this.#round + 1 && peer.earlyBytes + body.length <= this.#settings.maxEarlyBytes;
    if (isEarly) {
      peer.early.push({ path, body });
      // Counts the bookkeeping too, so that empty bodies are not free.
      peer.earlyBytes += body.length + path.length + 64;
    } else {
      peer.droppedFrom = Math.min(peer.droppedFrom, number);
    }
    this.#askIfBehind(from, peer);
  }

  #peer(party: PartyId): PeerProgress {
    let peer = this.#peers.get(party);
    if (peer === undefined) {
      peer = { highest: 0, droppedFrom: Infinity, early: [], earlyBytes: 0 };
      this.#peers.set(party, peer);
    }
    return peer;
  }

  /**
   * A peer in a later round has decided this one. On an orderly link its decision came before its later messages, unless
   * it was retired before it left; its proofs take us on in any case.
   */
  #askIfBehind(party: PartyId, peer: PeerProgress): void {
    if (peer.highest > this.#round) this.#scope.askProofs(party, this.#round, peer.highest);
  }

  inspect(): AtomicBroadcastState {
    const servedFrom = this.#previous === undefined ? this.#round : this.#round - 1;
    return { round: this.#round, servedFrom, room: this.#queue.room, queueLength: this.#queue.length };
  }
}
