/**
 * One round of atomic broadcast: gather signed queue entries, agree on a vector of c of them, or of a quorum's.
 *
 * Source: the source, Fig. 4, boxes 420 to 450 and 100.
 *
 * Properties: what is decided is a vector of c entries, or a quorum's, of distinct parties, each signed for this round and each of
 * valid, undelivered payloads; all honest parties decide the same vector.
 *
 * Messages:
 *   queue(payloads, σ)   all → all   once per round, when the own queue is not empty
 *   mvba/…                           input: the vector, as soon as c valid entries are here, or those of `isQuorum`
 *
 * Deviations: the predicate Q is stricter than the source's. It asks that *every* payload of an entry is valid,
 * undelivered and named once, which honest parties' entries satisfy by construction; so no vector can carry ballast.
 *
 * Limits: an entry is at most `greatestEntryBytes`, so that a vector of them can be broadcast; one entry per party
 * is kept.
 */
import { equalBytes } from "../../core/bytes.js";
import { decode, encode } from "../../core/codec.js";
import type { Envelope } from "../../core/envelope.js";
import type { Fault } from "../../core/fault.js";
import { type PartyId, PartySet } from "../../core/party-set.js";
import { type Child, type Instance, InvariantError, type Protocol, type Scope } from "../../core/protocol.js";
import {
  type AgreementVariant,
  type MultivaluedDecision,
  multivaluedAgreement,
} from "../multivalued-agreement/index.js";
import {
  QUEUE,
  type QueueEntry,
  type QueueVector,
  type VectorSize,
  entryBody,
  entryBytes,
  greatestEntryBytes,
  greatestVector,
  queueEntryCodec,
  queueVectorCodec,
} from "./messages.js";

export interface RoundOptions {
  readonly round: number;
  /** c: entries in a vector. */
  readonly vectorSize: VectorSize;
  /** How multi-valued agreement is run. */
  readonly agreement: AgreementVariant;
  /** A payload's identity if it is valid and undelivered in this round. */
  deliverableId(payload: Uint8Array): string | undefined;
}

export type RoundOutput =
  /** A valid entry of another party: its payloads may be inserted into the own queue. */
  | { readonly kind: "entry"; readonly from: PartyId; readonly payloads: readonly Uint8Array[] }
  | { readonly kind: "decided"; readonly vector: QueueVector; readonly proof: Envelope; readonly tries: number };

/** Input: the own entry's payloads, at least one. */
export function round(options: RoundOptions): Protocol<readonly Uint8Array[], QueueEntry, RoundOutput> {
  return { message: queueEntryCodec, start: (scope) => new Round(scope, options) };
}

class Round implements Instance<readonly Uint8Array[], QueueEntry> {
  readonly #scope: Scope<QueueEntry, RoundOutput>;
  readonly #options: RoundOptions;
  readonly #agreement: Child<Uint8Array>;
  /** The first validly signed entry seen of each party, received directly or quoted in a proposal. */
  readonly #seen = new Map<PartyId, { readonly body: Uint8Array; readonly signature: Uint8Array }>();
  readonly #gathered = new Map<PartyId, QueueEntry>();
  readonly #maxEntryBytes: number;
  #hasInput = false;
  #hasProposed = false;
  #hasDecided = false;

  constructor(scope: Scope<QueueEntry, RoundOutput>, options: RoundOptions) {
    this.#scope = scope;
    this.#options = options;
    this.#maxEntryBytes = greatestEntryBytes(greatestVector(options.vectorSize, scope.group.n));
    const agreement = multivaluedAgreement({
      ...options.agreement,
      // Rotated by the round, so that no party is always the first candidate.
      first: options.round % scope.group.n,
      fault: (value) => this.#vectorFault(value),
    });
    this.#agreement = scope.spawn("mvba", agreement, (decision) => this.#onDecision(decision));
  }

  input(payloads: readonly Uint8Array[]): void {
    if (this.#hasInput || this.#hasDecided) return;
    this.#hasInput = true;
    const signature = this.#scope.endorse("signature", QUEUE, QUEUE, entryBody(payloads));
    this.#scope.broadcast({ payloads, signature });
  }

  receive(from: PartyId, entry: QueueEntry): void {
    // What is deliverable in the round after this one says nothing about its entries.
    if (this.#hasDecided) return;
    if (this.#gathered.has(from)) return this.#compare(from, entryBody(entry.payloads), entry.signature);
    const fault = this.#entryFault(from, entry);
    if (fault !== undefined) return this.#scope.accuse(from, fault);
    this.#gathered.set(from, entry);
    if (from !== this.#scope.self) this.#scope.output({ kind: "entry", from, payloads: entry.payloads });
    this.#propose();
  }

  /** Boxes 440 and 450. */
  #propose(): void {
    if (this.#hasProposed || !this.#isVectorOf(this.#gathered.keys())) return;
    this.#hasProposed = true;
    const vector = [...this.#gathered]
      .map(([party, { payloads, signature }]) => ({ party, payloads, signature }))
      .sort((a, b) => a.party - b.party);
    this.#agreement.input(encode(queueVectorCodec, vector));
  }

  /** Whether entries of these, who are distinct, make a vector. */
  #isVectorOf(parties: Iterable<PartyId>): boolean {
    const { vectorSize } = this.#options;
    const set = PartySet.of(parties);
    return vectorSize === "quorum" ? this.#scope.group.isQuorum(set) : set.size === vectorSize;
  }

  #entryFault(party: PartyId, { payloads, signature }: QueueEntry): Fault | undefined {
    const body = entryBody(payloads);
    const first = this.#seen.get(party);
    // Each proposal quotes it again; what was valid in this round still is.
    if (first !== undefined && equalBytes(first.signature, signature) && equalBytes(first.body, body)) return undefined;
    if (!this.#isWithinBounds(payloads) || !this.#areDeliverable(payloads)) return "invalid-queue-entry";
    if (!this.#scope.suite.verify(party, this.#scope.statement(QUEUE, body), signature)) return "invalid-share";
    this.#compare(party, body, signature);
    return undefined;
  }

  /** The same bounds at every party: how much each signs at most is its own affair, within them. */
  #isWithinBounds(payloads: readonly Uint8Array[]): boolean {
    const sizeBytes = payloads.reduce((sum, payload) => sum + entryBytes(payload), 0);
    return payloads.length > 0 && sizeBytes <= this.#maxEntryBytes;
  }

  #areDeliverable(payloads: readonly Uint8Array[]): boolean {
    const ids = new Set<string>();
    // The first bad one ends it: each takes a signature check, and an entry can have thousands.
    for (const payload of payloads) {
      const id = this.#options.deliverableId(payload);
      if (id === undefined || ids.has(id)) return false;
      ids.add(id);
    }
    return true;
  }

  /** Two signed entries of one party for one round: it told different parties different things. */
  #compare(party: PartyId, body: Uint8Array, signature: Uint8Array): void {
    const first = this.#seen.get(party);
    if (first === undefined) this.#seen.set(party, { body, signature });
    else if (!equalBytes(first.body, body)) this.#scope.accuse(party, "equivocation");
  }

  /** The source's Q(QV, SV). */
  #vectorFault(value: Uint8Array): Fault | undefined {
    const decoded = decode(queueVectorCodec, value);
    if (!decoded.ok || !this.#isVectorOf(decoded.value.map(({ party }) => party))) return "invalid-proposal";
    let previous = -1;
    for (const { party, payloads, signature } of decoded.value) {
      if (party <= previous || party >= this.#scope.group.n) return "invalid-proposal";
      if (this.#entryFault(party, { payloads, signature }) !== undefined) return "invalid-proposal";
      previous = party;
    }
    return undefined;
  }

  #onDecision({ value, proof, tries }: MultivaluedDecision): void {
    this.#hasDecided = true;
    const vector = decode(queueVectorCodec, value);
    // Certified, hence checked by an honest witness.
    if (!vector.ok)
      throw new InvariantError(`the decided vector of ${this.#scope.tag} does not decode: ${vector.error}`);
    this.#scope.output({ kind: "decided", vector: vector.value, proof, tries });
  }
}
