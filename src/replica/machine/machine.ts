/**
 * The replicated state machine: what is the same at every replica after the same rounds. Services, over one ledger; the sessions
 * of clients, by which each request is executed at most once; and when replicas lost their stores. Sans-I/O.
 *
 * It executes what atomic broadcast delivers, and checks again what the admission has checked before the payload was ordered.
 * Where they disagree, one of them is broken: the replica stops, rather than execute something twice or differently from others.
 */
import { EncodeError, encode } from "../../core/codec.js";
import { toHex } from "../../core/bytes.js";
import type { PartyId } from "../../core/party-set.js";
import { InvariantError } from "../../core/protocol.js";
import {
  type ApplyContext,
  type ChunkAnswer,
  type Debtor,
  MAX_CHUNK_BYTES,
  MAX_REPLY_BYTES,
  type Service,
} from "../../services/service.js";
import { type Duty, type Request, type SessionId, decodePayload, serviceNameCodec } from "../../wire/payload.js";
import { encodeReplies } from "../../wire/replies.js";
import { EMPTY_LOG_DIGEST, extendLogDigest } from "../log-digest.js";
import type { LedgerEntry } from "../storage.js";
import { MachineAdmission } from "./admission.js";
import type { Admission } from "../../protocols/index.js";
import { MAX_SERVICES, type SortedChunks, answerFromChunk, clientChunks, encodeChunk, sortChunks } from "./chunks.js";
import { DutyNumbers } from "./duty-numbers.js";
import { PayloadReader, identityOf } from "./payload-reader.js";
import { Rejoins } from "./rejoins.js";
import { sessionKey } from "./session-key.js";
import { type Keeping, type Place, SessionTable } from "./sessions.js";
import { SnapshotError } from "./snapshot-error.js";
import type {
  Applied,
  DueDuty,
  MachineOptions,
  MachineTip,
  Outcome,
  OutcomeStatus,
  Rejoined,
  RoundInput,
} from "./types.js";

const OUTCOMES: Keeping<Outcome> = {
  order: ({ sequence }) => sequence,
  replyBytes: ({ reply }) => reply?.length,
  withoutReply: (outcome) => ({ ...outcome, reply: undefined }),
};

type Action = Request["action"];

const START: MachineTip = { round: 0, sequence: 0, logDigest: EMPTY_LOG_DIGEST, timeMs: undefined };

export class Machine {
  readonly #options: MachineOptions;
  /** Ascending by name. */
  readonly #services: ReadonlyMap<string, Service>;
  /** What services that a snapshot may lack begin with. */
  readonly #firstChunks: ReadonlyMap<string, readonly Uint8Array[]>;
  readonly #reader: PayloadReader;
  #sessions = new SessionTable(OUTCOMES);
  #rejoins = new Rejoins([]);
  #duties = new DutyNumbers();
  #tip = START;
  #cut: Uint8Array | undefined;
  #isBroken = false;

  /** @throws RangeError when the services' names are none, or not distinct */
  constructor(options: MachineOptions) {
    this.#options = options;
    this.#services = servicesByName(options.services);
    this.#firstChunks = new Map((options.newServices ?? []).map((name) => [name, this.#serviceChunks(name)]));
    this.#reader = new PayloadReader(options, this.#services);
  }

  /** After the last round. */
  get tip(): MachineTip {
    return this.#tip;
  }

  /** After the last round, where payloads come in batches: how far these are ordered. */
  get cut(): Uint8Array | undefined {
    return this.#cut;
  }

  service(name: string): Service | undefined {
    return this.#services.get(name);
  }

  /** What may be ordered from now on. From here it goes on by itself. */
  admission(): Admission {
    this.#mustWork();
    return new MachineAdmission(this.#reader, {
      clients: this.#sessions.records(),
      rejoins: this.#rejoins.records(),
      duties: this.#duties.records(),
    });
  }

  /** An admission as it was when it made the snapshot. @throws SnapshotError when the snapshot is none */
  restoreAdmission(snapshot: Uint8Array): Admission {
    return MachineAdmission.restore(this.#reader, snapshot);
  }

  /** SHA-256 of the payload, computed once while it is in memory. */
  digestOf(payload: Uint8Array): Uint8Array {
    return this.#reader.digestOf(payload);
  }

  /** Whether the payload may be ordered in some state (`Admission.identify`). */
  isValid(payload: Uint8Array): boolean {
    return this.#reader.read(payload) !== undefined;
  }

  /**
   * Executes a decided round.
   * @throws InvariantError on anything that the admission should have kept out, and on what a service must not do: the replica
   * has to stop
   */
  apply({ round, payloads, timeMs, cut }: RoundInput): readonly Applied[] {
    this.#mustWork();
    if (round <= this.#tip.round) throw new InvariantError(`round ${round} came after round ${this.#tip.round}`);
    const time = timeMs ?? this.#tip.timeMs;
    if (time !== undefined && time < (this.#tip.timeMs ?? 0))
      throw new InvariantError(`time went back in round ${round}`);
    // Until all of it is executed, there is no state that could be used.
    this.#isBroken = true;
    const applied = payloads.map((payload) => this.#deliver(round, timeMs, payload));
    this.#tip = { ...this.#tip, round, timeMs: time };
    this.#cut = cut;
    this.#isBroken = false;
    return applied;
  }

  #deliver(round: number, timeMs: number | undefined, payload: Uint8Array): Applied {
    const entry: LedgerEntry = { sequence: this.#tip.sequence + 1, round, timeMs, payload };
    const known = this.#reader.read(payload);
    const decoded = decodePayload(payload);
    if (known === undefined || !decoded.ok)
      throw new InvariantError(`payload ${entry.sequence} was ordered and is not valid`);
    const hash = (bytes: Uint8Array): Uint8Array => this.#options.hash(bytes);
    const logDigest = extendLogDigest(hash, this.#tip.logDigest, { ...entry, digest: this.#reader.digestOf(payload) });
    this.#tip = { ...this.#tip, sequence: entry.sequence, logDigest };
    const identity = identityOf(known.id);
    if (identity.kind === "rejoin") {
      this.#rejoins.take({ party: identity.party, nonce: identity.nonce, round });
      return { entry, rejoined: identity.party };
    }
    const { value } = decoded;
    if (identity.kind === "duty" && value.kind === "duty") return this.#executeDuty(entry, value);
    if (identity.kind === "request" && value.kind === "request") return this.#execute(entry, identity, value);
    throw new InvariantError(`payload ${entry.sequence} was read in two ways`);
  }

  #execute(entry: LedgerEntry, place: Place, { client, session, acknowledged, action }: Request): Applied {
    const { sequence, round, timeMs, payload } = entry;
    const { kind } = this.#sessions.standing(place);
    if (kind !== "open") throw new InvariantError(`payload ${sequence} was ordered, and its number is ${kind}`);
    const digest = this.#reader.digestOf(payload);
    // Copies, since the fields are views of a buffer that the replica uses again.
    const owner = client.slice();
    const context = { sequence, round, roundTimeMs: timeMs, client: owner };
    const [service, reply] =
      action.kind === "void" ? ["", undefined] : [action.service, this.#perform(action, context)];
    const outcome = { digest, sequence, round, timeMs, reply, action: action.kind, service };
    this.#sessions.take(place, acknowledged, outcome);
    const itsSession = { opened: session.opened, nonce: session.nonce.slice() };
    return { entry, outcome: { client: owner, session: itsSession, number: place.number, digest, outcome } };
  }

  #executeDuty(entry: LedgerEntry, { party, number, service, operation }: Duty): Applied {
    const { sequence, round, timeMs } = entry;
    const duties = this.#services.get(service)?.duties;
    if (duties === undefined) throw new InvariantError(`service ${service} takes no duties`);
    this.#duties.take({ party, number });
    duties.apply({ sequence, index: 0, round, roundTimeMs: timeMs, party }, operation);
    return { entry };
  }

  /** All operations of a request, at one place in the log. */
  #perform(action: Exclude<Action, { readonly kind: "void" }>, context: Omit<ApplyContext, "index">): Uint8Array {
    const { sequence, round, roundTimeMs, client } = context;
    const service = this.#serviceOf(action.service);
    const run = (operation: Uint8Array, index: number): Uint8Array =>
      ownReply(service, service.apply({ sequence, index, round, roundTimeMs, client }, operation));
    return action.kind === "call" ? run(action.operation, 0) : encodeReplies(action.operations.map(run));
  }

  /** A copy: the service may have answered with a part of the question. */
  #serviceOf(name: string): Service {
    const service = this.#services.get(name);
    if (service === undefined) throw new InvariantError(`there is no service ${name}`);
    return service;
  }

  /** What became of a number, as far as this replica has got. */
  outcome(client: Uint8Array, session: SessionId, number: number): OutcomeStatus {
    this.#mustWork();
    const standing = this.#sessions.standing({ client: toHex(client), session: sessionKey(session), number });
    return standing.kind === "done" ? { kind: "done", ...standing.outcome } : standing;
  }

  /** Undefined when there is no such service. */
  query(serviceName: string, query: Uint8Array): Uint8Array | undefined {
    this.#mustWork();
    const service = this.#services.get(serviceName);
    return service && ownReply(service, service.query(query));
  }

  /** From a chunk of a snapshot (`answerFromChunk`); undefined when there is no answer in it. */
  answerFrom(chunk: Uint8Array, serviceName: string, query: Uint8Array): ChunkAnswer | undefined {
    const service = this.#services.get(serviceName);
    return service === undefined ? undefined : answerFromChunk(chunk, serviceName, service, query);
  }

  /** The number under which the party's next duty is ordered. */
  nextDuty(party: PartyId): number {
    this.#mustWork();
    return this.#duties.next(party);
  }

  /** What the party owes the first service that it owes something. */
  due(debtor: Debtor): DueDuty | undefined {
    this.#mustWork();
    for (const [service, { duties }] of this.#services) {
      const operation = duties?.due(debtor);
      if (operation !== undefined) return { number: this.#duties.next(debtor.party), service, operation };
    }
    return undefined;
  }

  rejoinedIn(party: PartyId): Rejoined | undefined {
    this.#mustWork();
    return this.#rejoins.of(party);
  }

  /** The state in chunks of at most MAX_STATE_CHUNK_BYTES. The same state has the same chunks. */
  snapshot(): readonly Uint8Array[] {
    this.#mustWork();
    const services = [...this.#services.keys()].map((name) => ({ name, own: this.#serviceChunks(name) }));
    const tip = encodeChunk({
      kind: "tip",
      ...this.#tip,
      rejoins: this.#rejoins.records(),
      duties: this.#duties.records(),
      services: services.map(({ name, own }) => ({ name, chunks: own.length })),
    });
    const framed = services.flatMap(({ name, own }) =>
      own.map((bytes) => encodeChunk({ kind: "service", name, bytes })),
    );
    const cut = this.#cut === undefined ? [] : [encodeChunk({ kind: "cut", bytes: this.#cut })];
    return [tip, ...cut, ...clientChunks(this.#sessions.records()), ...framed];
  }

  #serviceChunks(name: string): Uint8Array[] {
    const chunks = [...(this.#services.get(name)?.snapshot() ?? [])];
    const tooLong = chunks.find((chunk) => chunk.length > MAX_CHUNK_BYTES);
    if (tooLong === undefined) return chunks;
    throw new InvariantError(`service ${name} made a chunk of ${tooLong.length} bytes: more than ${MAX_CHUNK_BYTES}`);
  }

  /**
   * Replaces the state by that of a snapshot. Everything is checked before anything is replaced, but what only the services can:
   * after an error of theirs the machine is unusable.
   * @throws SnapshotError when the chunks are not those of a snapshot of such a machine
   */
  restore(chunks: Iterable<Uint8Array>): void {
    this.#mustWork();
    const sorted = sortChunks(chunks);
    const { cut } = sorted;
    const { round, sequence, logDigest, timeMs, rejoins, duties } = sorted.tip;
    const restoredSessions = SessionTable.of(OUTCOMES, sorted.clients);
    const restoredRejoins = new Rejoins(rejoins);
    const restoredDuties = new DutyNumbers(duties);
    const services = this.#matchServices(sorted);
    mustPrecede(sorted);
    this.#isBroken = true;
    for (const [name, own] of services) this.#services.get(name)?.restore(own);
    this.#sessions = restoredSessions;
    this.#rejoins = restoredRejoins;
    this.#duties = restoredDuties;
    this.#tip = { round, sequence, logDigest: logDigest.slice(), timeMs };
    this.#cut = cut?.slice();
    this.#isBroken = false;
  }

  /** What each service is to be restored from. */
  #matchServices({ services }: SortedChunks): Map<string, readonly Uint8Array[]> {
    for (const name of services.keys())
      if (!this.#services.has(name))
        throw new SnapshotError(`the snapshot has a service ${name}, this replica has none`);
    const matched = new Map<string, readonly Uint8Array[]>();
    for (const name of this.#services.keys()) {
      const own = services.get(name) ?? this.#firstChunks.get(name);
      if (own === undefined) throw new SnapshotError(`the snapshot has no service ${name}`);
      matched.set(name, own);
    }
    return matched;
  }

  #mustWork(): void {
    if (this.#isBroken) throw new InvariantError("the machine stopped in the middle of a change");
  }
}

/** A copy, which the service cannot change any more. */
function ownReply({ name }: Service, reply: Uint8Array): Uint8Array {
  if (reply.length > MAX_REPLY_BYTES) {
    throw new InvariantError(`service ${name} made a reply of ${reply.length} bytes: more than ${MAX_REPLY_BYTES}`);
  }
  return reply.length === 0 ? reply : reply.slice();
}

function servicesByName(services: readonly Service[]): Map<string, Service> {
  if (services.length > MAX_SERVICES) throw new RangeError(`${services.length} services: more than ${MAX_SERVICES}`);
  const byName = new Map<string, Service>();
  const ascending = [...services].sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const service of ascending) {
    if (!isServiceName(service.name) || byName.has(service.name))
      throw new RangeError(`a service named ${service.name}`);
    byName.set(service.name, service);
  }
  return byName;
}

/** What a snapshot tells of the past was before its tip, in distinct places. */
function mustPrecede({ tip, clients }: SortedChunks): void {
  const sequences = new Set<number>();
  for (const { outcome } of clients.flatMap(({ sessions }) => sessions.flatMap(({ outcomes }) => outcomes))) {
    const { sequence, round } = outcome;
    if (sequence < 1 || sequence > tip.sequence || round < 1 || round > tip.round || sequences.has(sequence))
      throw new SnapshotError(`an outcome of payload ${sequence} in round ${round}`);
    sequences.add(sequence);
  }
  for (const { party, round } of tip.rejoins)
    if (round < 1 || round > tip.round) throw new SnapshotError(`a rejoin of party ${party} in round ${round}`);
}

function isServiceName(name: string): boolean {
  try {
    encode(serviceNameCodec, name);
    return true;
  } catch (error) {
    if (error instanceof EncodeError) return false;
    throw error;
  }
}
